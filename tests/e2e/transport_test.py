"""The router's sockets as the network sees them: strangers, peers with a right key and wrong intentions,
and a network that stops carrying without a word."""
import os
import random
import socket
import sys
import time

import pytest
import zmq
from support.database import from_text
from support.judge import assert_never_late
from support.relay import Relay
from support.wait import until

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "interop"))
from runner import Runner  # noqa: E402  (written from proto/PROTOCOL.md alone)

DEAD_SECONDS = 20  # above the 15 s between two heartbeats


class Place:
    """Everything runs, with a healthy monitor; host8 is a runner that the router knows."""

    def __init__(self, make_site, **settings):
        self.site = site = make_site(settings=settings)
        self.keys = [key for key in zmq.curve_keypair()]
        with open(os.path.join(site.site, "keys", "allow"), "a", encoding="utf-8") as file:
            file.write(f"runner host8 {self.keys[0].decode()}\n")
        with open(os.path.join(site.site, "keys", "router.pub"), encoding="utf-8") as file:
            self.router_key = file.read().split()[-1].encode()
        self.endpoint = site.environment["TOCSIN_ROUTER_RUNNERS"]
        self.port = int(self.endpoint.rpartition(":")[2])
        self.check = site.add_signal()
        site.start()
        self.database = site.database
        self.healthy = self.database.add_monitor("Healthy", self.check)
        self.database.wait_runs(self.healthy, 2)

    def runner(self, keys=None, **options):
        return Runner(self.endpoint, self.router_key, *(keys or self.keys), **options)

    def judge(self):
        """Whatever came over the wire: nobody was late, nobody was told, and the same processes run."""
        self.database.wait_runs(self.healthy, 2)
        assert_never_late(self.site, self.healthy)
        assert self.site.mailbox.subjects() == []
        self.site.verify_audit()


def turn_until(runner, condition, what, seconds=20):
    """As until, while the runner takes its messages."""
    def asked():
        runner.turn(0.05)
        return condition()
    return until(asked, what, seconds)


def memory_bytes(process):
    with open(f"/proc/{process.pid}/statm", encoding="utf-8") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_known_runner_can_say_nothing_about_a_monitor_of_another(make_site):
    place = Place(make_site)
    row = place.database.monitor(place.healthy)
    intruder = place.runner(checks=("exec:other",))
    intruder.say_hello()
    turn_until(intruder, lambda: intruder.welcome, "it is welcomed: its key is right")
    assert intruder.monitors == {}
    for generation in (row["generation"], row["generation"] + 1, 0):
        intruder.publish({"id": place.healthy, "generation": str(generation)}, False, "failed", "your database is gone")
    intruder.publish({"id": 4000000, "generation": "1"}, False, "failed", "nobody's")
    turn_until(intruder, lambda: intruder.mark == 4, "each is answered")
    assert intruder.refused == {1: "not_assigned", 4: "unknown_monitor"}
    refusals = [(one["reason"], one["runner"]) for one in place.database.audit() if one["kind"] == "refusal"]
    assert refusals == [("not_assigned", "host8"), ("unknown_monitor", "host8")]
    intruder.close()
    assert place.database.monitor(place.healthy)["state"] == "ok"
    strange = place.database.run("SELECT * FROM MonitorRuns WHERE runnerId <> (SELECT id FROM Runners WHERE name = 'host7')")
    assert [(run["isOk"], run["state"]) for run in strange] == [(0, "ok")] * 2, "another generation is history only"
    place.database.run("DELETE FROM MonitorRuns WHERE id IN (SELECT id FROM MonitorRuns WHERE isOk = 0)")
    place.judge()


def test_what_breaks_the_protocol_is_answered_or_dropped_and_nobody_is_late(make_site):
    place = Place(make_site)
    router = place.site.process("router")
    peer = place.runner(checks=("exec:other",))
    peer.say_hello()
    turn_until(peer, lambda: peer.welcome, "it is welcomed")
    before = memory_bytes(router)
    peer.wire.send("what/1", 0, "", {})
    peer.wire.send("result/9", "1 0", 17, {})
    peer.wire.send("result/1", "1 0", 17, {"generation": 1})
    turn_until(peer, lambda: len(peer.errors) >= 3, "each is answered")
    assert [one["code"] for one in peer.errors[:3]] == ["unknown_type", "version", "bad_message"]
    for frames in ([b""], [b"result/1"], [b"result/1", b"1 0", b"17", b"x" * 10_000_000], [b"x"] * 20_000,
                   [b"result/1", b"1 0", b"17", b"[" * 500_000], [bytes(range(256))] * 4):
        raw = place.runner(checks=())
        raw.say_hello()
        raw.wire.socket.send_multipart(frames)
        raw.turn(0.3)
        raw.close()
    place.database.wait_runs(place.healthy, 1)
    until(lambda: memory_bytes(router) - before < 64 * 1024 * 1024, "what was refused is not kept")
    peer.close()
    place.judge()


def test_strangers_get_nowhere(make_site):
    place = Place(make_site)
    seed = random.randrange(1 << 32)
    print("seed", seed)
    noise = random.Random(seed)
    stranger = place.runner(zmq.curve_keypair())
    stranger.wire.socket.immediate = 0
    with pytest.raises(TimeoutError):
        stranger.wire.send("hello/1", 0, "", {}, timeout=1)
    stranger.close()
    plain = zmq.Context().socket(zmq.DEALER)
    plain.linger, plain.immediate = 0, 1
    plain.connect(place.endpoint)
    idle = []
    for text in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", noise.randbytes(100_000), b"", b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03",
                 b"\xff" * 64, noise.randbytes(10)):
        with socket.create_connection(("127.0.0.1", place.port)) as connection:
            try:
                connection.sendall(text)
                connection.settimeout(0.2)
                connection.recv(4096)
            except OSError:
                pass
    for _ in range(500):
        idle.append(socket.create_connection(("127.0.0.1", place.port)))
    assert not plain.poll(100, zmq.POLLOUT), "no connection without a key"
    place.database.wait_runs(place.healthy, 3)
    for connection in idle:
        connection.close()
    plain.close()
    lines = [line for line in place.site.process("router").log().splitlines() if " warn " in line or " error " in line]
    assert lines and len(lines) < 50, "somebody knocks: said, and not once for each time"
    place.judge()


def test_a_network_that_stops_carrying_is_an_alarm_and_nothing_is_lost(make_site, request):
    """The relay between runner and router goes deaf: the alarm names the runner. It then takes new
    connections but leaves the old one dangling, and the runner finds its way by itself."""
    site = make_site(settings={"TOCSIN_ROUTER_RUNNER_DEAD": f"{DEAD_SECONDS}s"})
    relay = Relay(int(site.environment["TOCSIN_ROUTER_RUNNERS"].rpartition(":")[2]))
    request.addfinalizer(relay.stop)
    site.environment["TOCSIN_RUNNER_ROUTER"] = f"tcp://127.0.0.1:{relay.port}"
    check = site.add_signal()
    site.start()
    monitor = site.database.add_monitor("Compass POs", check)
    site.database.wait_runs(monitor, 2)
    relay.freeze(is_deaf=True)
    frozen_at = time.time()
    alarm = site.mailbox.wait("[Monitor ALERT] internal:runner/host7")
    assert alarm["at"] - frozen_at < DEAD_SECONDS + 10, "a tick of a second, and room for a busy machine"
    told = [message for message in site.mailbox.messages() if "internal:runner" in message["Subject"]][0]
    assert "Compass POs" in told.get_body(("plain",)).get_content(), "it names what is not being checked"
    relay.thaw()
    site.mailbox.wait("[Monitor RECOVERED] internal:runner/host7", seconds=45)
    gap = "SELECT count(*) FROM MonitorRuns WHERE monitorId = ? AND scheduledDt IS NOT NULL"
    until(lambda: site.database.value(gap, monitor) >= time.time() - frozen_at, "what ran meanwhile came later")
    site.wait_quiet()
    assert site.mailbox.subjects() == ["[Monitor ALERT] internal:runner/host7", "[Monitor RECOVERED] internal:runner/host7"]
    due = [from_text(run["scheduledDt"]) for run in site.database.runs(monitor) if run["runnerId"] and run["scheduledDt"]]
    assert {later - sooner for sooner, later in zip(due, due[1:])} == {1}, "each run of that time came, once and in order"
    site.verify_audit()
