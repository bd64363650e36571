"""tocsin up with stand-ins for the programs, which note when they start and what they are told."""
import json
import os
import shutil
import signal
import subprocess
import time

import pytest

from support.installation import BIN

PROGRAM = """#!/usr/bin/python3
import os, signal, socket, sys
name = "-".join([os.path.basename(sys.argv[0]).removeprefix("tocsin-"), *sys.argv[3:]])
def note(word):
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(f"{name} {word}\\n")
def told(signo, frame):
    note(signal.Signals(signo).name)
    if signo == signal.SIGTERM:
        sys.exit(0)
for signo in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(signo, told)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signo])
note(f"started {os.getpid()}")
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
    manager.sendto(b"STATUS=fine\\nREADY=1", "\\0" + os.environ["NOTIFY_SOCKET"][1:])
while True:
    signal.pause()
"""


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


class Up:
    def __init__(self, cli):
        self.cli = cli
        self.bin = cli.directory / "bin"
        self.bin.mkdir()
        shutil.copy(os.path.join(BIN, "tocsin"), self.bin)
        for name in ("router", "runner", "web", "notifier"):
            path = self.bin / f"tocsin-{name}"
            path.write_text(PROGRAM)
            path.chmod(0o755)
        self.notes_path = cli.directory / "notes"
        self.notes_path.write_text("")
        self.process = None

    def start(self):
        environment = {**self.cli.environment, "NOTES": str(self.notes_path)}
        self.log = open(self.cli.directory / "log", "w+", encoding="utf-8")
        self.process = subprocess.Popen([self.bin / "tocsin", "up"], env=environment, stdout=subprocess.PIPE,
                                        stderr=self.log, text=True)
        return self

    def notes(self, name):
        return [line.split()[1:] for line in self.notes_path.read_text().splitlines() if line.split()[0] == name]

    def pid(self, name):
        return int([note[1] for note in self.notes(name) if note[0] == "started"][-1])

    def state(self):
        path = self.cli.site / "up.json"
        told = json.loads(path.read_text()) if path.exists() else {"programs": []}
        return {one["name"]: one for one in told["programs"]}

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)


@pytest.fixture
def up(site):
    one = Up(site)
    yield one
    if one.process is not None:
        one.process.kill()
        one.process.wait()
        one.process.stdout.close()
        one.log.close()


def test_ready_reload_and_stop_in_order(up):
    up.start()
    line = up.process.stdout.readline()
    assert line.startswith("tocsin is ready: http://127.0.0.1:") and line.endswith(f"(token in {up.cli.site}/admin.token)\n")
    assert {name: one["state"] for name, one in up.state().items()} == {
        "router": "ready", "notifier file": "ready", "runner": "ready", "web": "ready"}
    up.process.send_signal(signal.SIGHUP)
    for name in ("router", "notifier-file", "runner", "web"):
        until(lambda name=name: ["SIGHUP"] in up.notes(name))
    assert up.stop() == 0
    order = [line.split()[0] for line in up.notes_path.read_text().splitlines() if line.endswith("SIGTERM")]
    assert sorted(order[:2]) == ["runner", "web"] and order[2:] == ["notifier-file", "router"]


def test_one_that_dies_is_started_again_and_no_other(up):
    up.start().process.stdout.readline()
    before = {name: up.pid(name) for name in ("router", "notifier-file", "runner", "web")}
    os.kill(before["runner"], signal.SIGKILL)
    until(lambda: len(up.notes("runner")) == 2 and up.state()["runner"]["state"] == "ready")
    assert up.state()["runner"]["restarts"] == 1
    assert {name for name, pid in before.items() if up.pid(name) != pid} == {"runner"}
    up.log.seek(0)
    assert "tocsin-runner was ended by SIGKILL" in up.log.read()


@pytest.mark.parametrize("what", ["missing", "failing"])
def test_one_that_cannot_start_stops_no_other(up, what):
    if what == "missing":
        (up.bin / "tocsin-web").unlink()
    else:
        (up.bin / "tocsin-web").write_text("#!/bin/sh\nexit 78\n")
    up.start()
    until(lambda: up.state().get("web", {}).get("state") == "waiting" and
          all(up.state()[name]["state"] == "ready" for name in ("router", "runner", "notifier file")))
    assert ("neither in" if what == "missing" else "its configuration is unusable") in up.state()["web"]["detail"]
    told = json.loads(up.cli.run("doctor", "--json").stdout)
    assert any(one["about"] == "programs" and one["text"].startswith("web is ") for one in told["findings"])
    (up.bin / "tocsin-web").write_text(PROGRAM)
    (up.bin / "tocsin-web").chmod(0o755)
    assert up.process.stdout.readline().startswith("tocsin is ready: ")
    assert up.stop() == 0


def test_a_second_up_is_refused(up):
    up.start().process.stdout.readline()
    up.cli.fails(1, "tocsin up is running already", "up")


def test_no_program_outlives_it(up):
    up.start().process.stdout.readline()
    pids = [up.pid(name) for name in ("router", "notifier-file", "runner", "web")]
    up.process.kill()
    until(lambda: not any(os.path.exists(f"/proc/{pid}/exe") and os.access(f"/proc/{pid}/exe", os.R_OK) for pid in pids))
