"""A router that only keeps what a runner sends: for tests of the runner alone, by the public protocol."""
import json
import threading
import time

import zmq


class FakeRouter:
    """Accepts any key. `results` holds (seq, prev, monitor, body) in order, each applied once."""

    def __init__(self, endpoint="tcp://127.0.0.1:*", secret=None, public=None):
        self.public, self.secret = (public, secret) if secret else zmq.curve_keypair()
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.router_mandatory = 1
        self.socket.curve_server = True
        self.socket.curve_secretkey = self.secret
        self.socket.bind(endpoint)
        self.endpoint = self.socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self.marks = {}
        self.results, self.hellos, self.beats, self.duplicates, self.gaps = [], [], [], 0, 0
        self.monitors = []
        self.is_acking = True
        self.peer = None
        self.lock = threading.Lock()
        self.outgoing = []
        self.is_ended = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def close(self):
        self.is_ended = True
        self.thread.join()
        self.socket.close()
        self.context.term()

    def send(self, kind, seq="0", monitor="", body=None):
        with self.lock:
            self.outgoing.append((kind, seq, monitor, body or {}))

    def assign(self, monitors):
        self.monitors = monitors
        if self.peer is not None:
            self._send_assign()

    def _send_assign(self):
        body = {"reset": True, "complete": True, "monitors": self.monitors, "removed": []}
        self.send("assign/1", body=body)

    def of(self, monitor):
        with self.lock:
            return [body for (_, _, m, body) in self.results if m == monitor]

    def wait(self, condition, seconds, what):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return
            time.sleep(0.02)
        raise AssertionError(f"not within {seconds} s: {what}")

    def _serve(self):
        while not self.is_ended:
            with self.lock:
                outgoing, self.outgoing = (self.outgoing, []) if self.peer else ([], self.outgoing)
            for kind, seq, monitor, body in outgoing:
                try:
                    self.socket.send_multipart([self.peer, kind.encode(), str(seq).encode(),
                                                str(monitor).encode(), json.dumps(body).encode()])
                except zmq.ZMQError:
                    pass
            if self.socket.poll(10):
                frames = self.socket.recv_multipart()
                self._handle(frames[0], [f.decode() for f in frames[1:]])

    def _handle(self, peer, frames):
        kind, seq, monitor, body = frames[0], frames[1], frames[2], json.loads(frames[3])
        if kind == "hello/1":
            self.peer = peer
            self.hellos.append(body)
            self.spool = body["spoolId"]
            mark = self.marks.setdefault(self.spool, 0)
            self.send("welcome/1", body={"spoolRank": len(self.marks), "mark": str(mark),
                                         "routerTime": "2026-01-01T00:00:00.000Z",
                                         "heartbeatSeconds": 15, "window": 64})
            self._send_assign()
        elif kind == "heartbeat/1":
            self.beats.append(body)
        elif kind == "result/1":
            self._result([int(n) for n in seq.split()], int(monitor), body)

    def _result(self, numbers, monitor, body):
        seq, prev = numbers
        mark = self.marks[self.spool]
        if not self.is_acking:
            return
        if seq <= mark:
            self.duplicates += 1
        elif prev > mark:
            self.gaps += 1
            self.send("resend/1", seq=mark)
            return
        else:
            with self.lock:
                self.results.append((seq, prev, monitor, body))
            self.marks[self.spool] = seq
        self.send("ack/1", seq=self.marks[self.spool], body={"refused": []})
