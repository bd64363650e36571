"""Clocks that jump and machines that sleep: no storm of reminders, no false alarm, no lost run."""
import os
import signal
import time

import pytest
from support.installation import OPERATOR
from support.judge import assert_never_late
from support.wait import until

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
NAME = "Compass POs"
STEPS = ["+1h", "-1h", "+3650d", "-10000d", "+0s"]  # -10000 days is before 2000


class WallClock:
    """The wall clock of one process, to be stepped while it runs; its other clocks stay."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "clock")
        self.step("+0s")
        self.environment = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": self.path, "FAKETIME_NO_CACHE": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def step(self, offset):
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write(offset + "\n")
        os.rename(self.path + ".new", self.path)


@pytest.mark.skipif(not os.path.exists(FAKETIME), reason="faketime is not installed")
def test_a_stepped_wall_clock_is_no_storm_of_reminders(make_site):
    """A router whose clock is set forward, back, ten years on and before 2000, with one monitor in alert
    and one that is well. Of each step at most one reminder may come; runs and their ends go on."""
    site = make_site()
    clock = WallClock(site.directory)
    site.process("router").environment = {**site.environment, **clock.environment}
    broken_check, healthy_check = site.add_signal(), site.add_signal("healthy")
    site.start()
    healthy = site.database.add_monitor("Healthy", healthy_check)
    monitor = site.database.add_monitor(NAME, broken_check)
    site.database.wait_runs(healthy, 1)
    site.fail("broken")
    site.mailbox.wait(f"[Monitor ALERT] {NAME}")
    for number, step in enumerate(STEPS, 1):
        clock.step(step)
        until(lambda: site.process("router").log().count("the wall clock was stepped") >= number, f"the step {step} is noticed")
        site.database.wait_runs(monitor, 2, 10)
        site.database.wait_runs(healthy, 2, 10)
        reminders = [subject for subject in site.mailbox.subjects() if "REMINDER" in subject]
        assert len(reminders) <= number, f"after {step}: {site.mailbox.subjects()}"
    site.say("fine again")
    site.mailbox.wait(f"[Monitor RECOVERED] {NAME}")
    site.wait_quiet()
    told = site.mailbox.subjects(OPERATOR)
    assert told[0] == f"[Monitor ALERT] {NAME}" and told[-1] == f"[Monitor RECOVERED] {NAME}"
    assert set(told[1:-1]) <= {f"[Monitor REMINDER] {NAME}"}, "no alarm of tocsin's own"
    assert len(site.database.incidents(monitor)) == 1
    assert_never_late(site, healthy)
    site.verify_audit()


def test_a_router_that_slept_takes_up_what_came_and_alarms_nobody(make_site):
    """Stopped for longer than it takes a deadline to pass: the results of that time wait, and are applied
    before anything is judged. Below 15 s, when its peers would give the connection up."""
    site = make_site(is_fast=True, settings={"TOCSIN_ROUTER_GRACE": "7m"})
    check = site.add_signal()
    site.start()
    monitor = site.database.add_monitor(NAME, check, "* * * * *", timeoutSeconds=2)
    site.database.wait_runs(monitor, 3)
    before = site.database.run_count(monitor)
    site.process("router").signal(signal.SIGSTOP)
    stopped_at = time.monotonic()
    try:
        until(lambda: time.monotonic() - stopped_at > 12, "it has slept for 12 s", 20)
    finally:
        site.process("router").signal(signal.SIGCONT)
    until(lambda: site.database.run_count(monitor) >= before + 12, "the runs of that time are there")
    site.database.wait_runs(monitor, 3)
    site.wait_quiet()
    assert site.mailbox.subjects() == []
    runs = site.database.runs(monitor)
    assert [run["reason"] for run in runs if not run["isOk"]] == []
    scheduled = [run["scheduledDt"] for run in runs if run["scheduledDt"]]
    assert len(scheduled) == len(set(scheduled))
    assert_never_late(site, monitor, seconds=60, every=60)
    site.verify_audit()
