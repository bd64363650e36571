"""A notifier, written from proto/PROTOCOL.md alone: sections Session and Deliveries."""
import time

from wire import Wire, now


class Notifier:
    def __init__(self, endpoint, server_key, public, secret, channel, send=None, credit=4):
        """send(delivery) -> outcome body; it is asked once for each key."""
        self.wire = Wire(endpoint, server_key, public, secret)
        self.channel, self.credit = channel, credit
        self.send = send or (lambda delivery: {"class": "ok", "code": 250, "reason": "taken", "remote": "interop"})
        self.welcome, self.heartbeat_at = None, 0
        self.done, self.deliveries, self.errors, self.pulses = {}, [], [], []

    def say_hello(self):
        self.welcome = None
        self.wire.send("hello/1", 0, "", {"protocol": 1, "version": "interop", "channel": self.channel, "credit": self.credit})

    def turn(self, timeout=0.1):
        """Take one message, keep the heartbeat; what came, or None."""
        if self.welcome and time.monotonic() >= self.heartbeat_at:
            self.heartbeat_at = time.monotonic() + self.welcome["heartbeatSeconds"]
            self.wire.send("heartbeat/1", 0, "", {"sending": 0, "now": now()})
        message = self.wire.receive(timeout)
        if message:
            word, seq, monitor, body = message
            getattr(self, "on_" + word.replace("/", "_"), lambda *_: None)(seq, monitor, body)
        return message

    def on_welcome_1(self, seq, monitor, body):
        self.welcome = body

    def on_deliver_1(self, seq, monitor, body):
        self.deliveries.append((seq, monitor, body))
        if body["key"] not in self.done:  # a copy gets the first answer
            self.done[body["key"]] = self.send(body)
        self.wire.send("outcome/1", seq, "", self.done[body["key"]])
        self.wire.send("credit/1", 0, "", {"credit": self.credit})

    on_probe_1 = on_deliver_1

    def on_pulse_1(self, seq, monitor, body):
        self.pulses.append(body)

    def on_error_1(self, seq, monitor, body):
        self.errors.append(body)

    def close(self):
        self.wire.close()
