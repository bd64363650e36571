"""A runner, written from proto/PROTOCOL.md alone: sections Session, Results and Assignment. Its spool is
a list; a real one would be a file."""
import secrets
import time

from wire import Wire, now


class Runner:
    def __init__(self, endpoint, server_key, public, secret, check=None, labels=None, checks=("*",)):
        """check(monitor, scheduled_at) -> (is_ok, reason, message)."""
        self.wire = Wire(endpoint, server_key, public, secret)
        self.check = check or (lambda monitor, scheduled_at: (True, "ok", "fine"))
        self.hello = {"protocol": 1, "version": "interop", "bootId": str(secrets.randbits(64)), "spoolId": str(secrets.randbits(64)),
                      "labels": labels or {}, "checks": list(checks), "concurrency": 1}
        self.spool, self.last, self.mark, self.sent, self.window = [], 0, 0, 0, 0
        self.monitors, self.snapshot, self.errors, self.refused = {}, {}, [], {}
        self.welcome, self.heartbeat_at = None, 0

    def say_hello(self):
        first = self.spool[0][0] if self.spool else self.last
        self.welcome = None
        self.wire.send("hello/1", 0, "", dict(self.hello, first=str(first), last=str(self.last)))

    def publish(self, monitor, is_ok, reason, message, scheduled_at=None, request_id=None, started_at=None, duration_ms=0):
        """Number a result, keep it, and send it when its turn comes."""
        prev, self.last = (self.spool[-1][0] if self.spool else 0), self.last + 1
        body = {"generation": monitor["generation"], "startedAt": started_at or now(), "durationMs": duration_ms, "isOk": is_ok,
                "reason": reason, "message": message}
        body.update({n: v for n, v in {"scheduledAt": scheduled_at, "requestId": request_id}.items() if v})
        self.spool.append((self.last, prev, monitor["id"], body))
        self.send_waiting()

    def send_waiting(self):
        for seq, prev, monitor, body in self.spool:
            if self.welcome and self.sent < seq <= self.mark + self.window:
                self.wire.send("result/1", f"{seq} {prev}", monitor, body)
                self.sent = seq

    def run(self, monitor, request_id=None, scheduled_at=None):
        started, begin = now(), time.monotonic()
        is_ok, reason, message = self.check(monitor, scheduled_at)
        self.publish(monitor, is_ok, reason, message, scheduled_at, request_id, started, int((time.monotonic() - begin) * 1000))

    def turn(self, timeout=0.1):
        """Take one message, keep the heartbeat; what came, or None."""
        if self.welcome and time.monotonic() >= self.heartbeat_at:
            self.heartbeat_at = time.monotonic() + self.welcome["heartbeatSeconds"]
            self.wire.send("heartbeat/1", 0, "", {"running": 0, "queued": 0, "spoolCount": self.last - self.mark, "spoolBytes": "0",
                                                  "dropped": "0", "now": now()})
        message = self.wire.receive(timeout)
        if message:
            word, seq, monitor, body = message
            getattr(self, "on_" + word.replace("/", "_"), lambda *_: None)(seq, monitor, body)
        return message

    def on_welcome_1(self, seq, monitor, body):
        self.welcome, self.window = body, body["window"]
        self.mark = self.sent = int(body["mark"])
        self.send_waiting()

    def on_ack_1(self, seq, monitor, body):
        self.mark = max(self.mark, seq)
        self.refused.update({int(r["seq"]): r["reason"] for r in body.get("refused") or []})
        self.send_waiting()

    def on_resend_1(self, seq, monitor, body):
        self.mark = self.sent = seq
        self.send_waiting()

    def on_assign_1(self, seq, monitor, body):
        if body.get("reset"):
            self.snapshot = {}
        is_part = bool(body.get("reset")) or not body["complete"] or self.snapshot is not None
        target = self.snapshot if is_part else self.monitors
        target.update({m["id"]: m for m in body.get("monitors") or []})
        for gone in body.get("removed") or []:
            target.pop(gone, None)
        if is_part and body["complete"]:
            self.monitors, self.snapshot = self.snapshot, None
        for m in body.get("monitors") or []:
            if m.get("runNow") and body["complete"] and m["active"]:
                self.run(m, m["runNow"])

    def on_run_1(self, seq, monitor, body):
        if monitor in self.monitors:
            self.run(self.monitors[monitor], body["requestId"])

    def on_error_1(self, seq, monitor, body):
        self.errors.append(body)

    def close(self):
        self.wire.close()
