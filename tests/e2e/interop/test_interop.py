"""The runner and the notifier in Python, which know the protocol from its text only, against our link
and codec (tests/tools/link_peer.c stands for the router)."""
import json
import os
import pathlib
import queue
import subprocess
import sys
import threading
import time

import jsonschema
import pytest
import zmq

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from notifier import Notifier  # noqa: E402
from runner import Runner  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parents[3]
DEADLINE = 20
EXAMPLES = {p.stem: json.loads(p.read_text()) for p in (SOURCE / "proto/schema/examples").glob("*.json")}


def tool(name):
    for build in [os.environ.get("TOCSIN_BUILD"), "build/dev", "build/release"]:
        path = SOURCE / build / "tests" / name if build else None
        if path and path.exists():
            return path
    pytest.fail(f"{name} is not built")


class Peer:
    """The router's end: lines in, lines out."""

    def __init__(self, folder):
        self.server, self.host7, self.email = (zmq.curve_keypair() for _ in range(3))
        key, allow = folder / "key", folder / "allow"
        key.write_text(f"public {self.server[0].decode()}\nsecret {self.server[1].decode()}\n")
        key.chmod(0o600)
        allow.write_text(f"runner host7 {self.host7[0].decode()}\nnotifier email {self.email[0].decode()}\n")
        self.process = subprocess.Popen([tool("link_peer"), allow, key], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()
        word, self.runners, self.notifiers = self.heard()
        assert word == "ready"

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n").split("\t"))

    def heard(self):
        return self.lines.get(timeout=DEADLINE)

    def heard_message(self, word):
        """The next message of a type, as (sequence, monitor, body), checked against its schema."""
        while True:
            role, got, *rest = self.heard()
            assert got not in ("refused", "unsent", "senseless"), rest
            frames = [got, rest[0], rest[1], json.loads(rest[2])]
            schema = json.loads((SOURCE / f"proto/schema/{role}-{got.replace('/', '-')}.json").read_text())
            jsonschema.Draft202012Validator(schema).validate(frames)
            if got == word:
                return frames[1:]

    def say(self, role, word, seq, monitor, body):
        self.process.stdin.write("\t".join([role, word, str(seq), str(monitor), json.dumps(body)]) + "\n")
        self.process.stdin.flush()

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(DEADLINE) == 0


@pytest.fixture
def peer(tmp_path):
    p = Peer(tmp_path)
    yield p
    p.close()


@pytest.fixture
def runner(peer):
    r = Runner(peer.runners, peer.server[0], *peer.host7, labels={"site": "dallas"})
    yield r
    r.close()


@pytest.fixture
def notifier(peer):
    n = Notifier(peer.notifiers, peer.server[0], *peer.email, channel="email")
    yield n
    n.close()


def until(peer_end, condition):
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end
        peer_end.turn()


WELCOME = {"spoolRank": 1, "mark": "0", "routerTime": "2026-03-08T07:00:00.000Z", "heartbeatSeconds": 15, "window": 2}


def test_a_runner_is_welcomed_assigned_and_acknowledged(peer, runner):
    runner.say_hello()
    _, _, hello = peer.heard_message("hello/1")
    assert hello["labels"] == {"site": "dallas"} and hello["spoolId"] == runner.hello["spoolId"]
    assign = EXAMPLES["runner-assign-1"][3]
    first, second = assign["monitors"]
    peer.say("runner", "assign/1", 0, "", {"reset": True, "complete": False, "monitors": [first]})
    peer.say("runner", "assign/1", 0, "", {"complete": True, "monitors": [dict(second, runNow=None)]})
    peer.say("runner", "welcome/1", 0, "", WELCOME)
    until(runner, lambda: runner.welcome and len(runner.monitors) == 2)
    runner.turn()
    assert peer.heard_message("heartbeat/1")[2]["spoolCount"] == 0
    peer.say("runner", "run/1", 0, 17, {"requestId": "req-9"})
    until(runner, lambda: runner.sent == 1)
    seq, monitor, body = peer.heard_message("result/1")
    assert (seq, monitor) == ("1 0", "17")
    assert body["requestId"] == "req-9" and body["generation"] == "3" and "scheduledAt" not in body
    peer.say("runner", "ack/1", 1, "", {"refused": [{"seq": "1", "reason": "unknown_monitor"}]})
    until(runner, lambda: runner.mark == 1)
    assert runner.refused == {1: "unknown_monitor"}
    peer.say("runner", "assign/1", 0, "", {"complete": True, "removed": [17]})
    until(runner, lambda: set(runner.monitors) == {4294967295})


def test_a_runner_keeps_to_the_window_and_goes_back_at_a_resend(peer, runner):
    monitor = EXAMPLES["runner-assign-1"][3]["monitors"][0]
    for _ in range(5):
        runner.publish(monitor, False, "failed", "late — “no PO”\n\u0001", scheduled_at="2026-03-08T07:00:00.000Z")
    runner.say_hello()
    _, _, hello = peer.heard_message("hello/1")
    assert (hello["first"], hello["last"]) == ("1", "5")
    peer.say("runner", "welcome/1", 0, "", WELCOME)
    until(runner, lambda: runner.sent == 2)
    assert peer.heard_message("result/1")[0] == "1 0"
    seq, _, body = peer.heard_message("result/1")
    assert seq == "2 1" and body["message"] == "late — “no PO”\n\u0001"
    peer.say("runner", "ack/1", 2, "", {})
    until(runner, lambda: runner.sent == 4)
    peer.say("runner", "resend/1", 1, "", {})
    until(runner, lambda: runner.mark == 1 and runner.sent == 3)
    assert [peer.heard_message("result/1")[0] for _ in range(4)] == ["3 2", "4 3", "2 1", "3 2"]


def test_what_breaks_the_protocol_is_answered(peer, runner):
    runner.wire.send("what/1", 0, "", {})
    runner.wire.send("result/9", "1 0", 17, {})
    runner.wire.send("result/1", "1 0", 17, {"generation": 1})
    until(runner, lambda: len(runner.errors) == 3)
    assert [e["code"] for e in runner.errors] == ["unknown_type", "version", "bad_message"]
    assert [peer.heard()[1] for _ in range(3)] == ["refused"] * 3


@pytest.mark.parametrize("name", ["notifier-deliver-1", "notifier-probe-1"])
def test_a_notifier_answers_each_delivery_once_for_its_key(peer, notifier, name):
    notifier.say_hello()
    assert peer.heard_message("hello/1")[2]["channel"] == "email"
    peer.say("notifier", "welcome/1", 0, "", {"routerTime": "2026-03-08T07:00:00.000Z", "heartbeatSeconds": 15, "leaseSeconds": 30})
    word, seq, monitor, body = EXAMPLES[name]
    asked = []
    notifier.send = lambda delivery: asked.append(delivery) or {"class": "retry", "code": 451, "reason": "greylisted", "remote": "mx", "retryAfterMs": 60000}
    for _ in range(2):
        peer.say("notifier", word, seq, monitor, body)
        until(notifier, lambda: len(notifier.deliveries) > 0)
        sequence, _, outcome = peer.heard_message("outcome/1")
        assert sequence == seq and outcome["class"] == "retry" and outcome["retryAfterMs"] == 60000
        notifier.deliveries.clear()
    assert asked == [body]
    peer.say("notifier", "pulse/1", 0, "", EXAMPLES["notifier-pulse-1"][3])
    until(notifier, lambda: notifier.pulses)


def test_a_stranger_gets_no_connection(peer):
    stranger = Runner(peer.runners, peer.server[0], *zmq.curve_keypair())
    with pytest.raises(TimeoutError):
        stranger.wire.send("hello/1", 0, "", {}, timeout=2)
    stranger.close()
