"""The eight-step checklist, on real processes: what somebody tries who is about to trust tocsin."""
import os
import signal

import pytest
from support.installation import OPERATOR
from support.judge import assert_never_late
from support.wait import holds, until

ALERT = "[Monitor ALERT] Compass POs"
REMINDER = "[Monitor REMINDER] Compass POs"
RECOVERED = "[Monitor RECOVERED] Compass POs"


def start(make_site, name="Compass POs", **columns):
    """A running installation with one monitor that was well at least once."""
    site = make_site(is_fast=True)
    check = site.add_signal()
    site.start()
    monitor = site.database.add_monitor(name, check, "* * * * *", **columns)
    site.database.wait_runs(monitor, 1)
    return site, monitor


def test_1_migration(make_site):
    """A fresh store has the documented tables; migrating again changes nothing; columns that an
    original INSERT does not name have defaults."""
    site = make_site()
    tables = site.database.tables()
    assert {"Monitors", "CronJobs", "MonitorRuns", "WorkerJobs", "Incidents", "Notifications", "AuditLog", "Runners",
            "Silences", "Users", "ApiTokens", "Leases", "SchemaMigrations"} <= tables
    before = site.database.run("SELECT name, checksum FROM SchemaMigrations ORDER BY id")
    site.tocsin("migrate")
    assert site.database.run("SELECT name, checksum FROM SchemaMigrations ORDER BY id") == before
    monitor = site.database.insert("Monitors", name="Original", phpClass="CompassPOs",
                                   peopleToNotify='["ops@example.com"]')
    row = site.database.monitor(monitor)
    assert (row["isActive"], row["state"], row["requiredConsecutiveOks"], row["requiredConsecutiveFailures"]) == (1, "ok", 2, 1)
    assert (row["reminderFrequencyMinutes"], row["severity"], row["params"]) == (60, "critical", "{}")
    assert len(row["uuid"]) == 36


def test_1_a_newer_or_foreign_database_is_refused(make_site):
    site = make_site()
    site.database.insert("SchemaMigrations", name="2099-01-01 - Future.sql", checksum="0" * 64,
                         appliedDt="2099-01-01 00:00:00.000")
    assert "2099-01-01" in site.tocsin("migrate", status=None).stderr
    router = site.process("router").start()
    until(lambda: not router.is_running(), "the router refuses a database that is newer than itself")
    assert router.popen.returncode not in (0, None)
    site.processes.clear()
    site.database.run("DELETE FROM SchemaMigrations")
    site.database.run("DROP TABLE SchemaMigrations")
    refused = site.tocsin("migrate", status=None)
    assert refused.returncode != 0 and "SchemaMigrations" in refused.stderr


def test_2_a_row_inserted_by_hand_runs_within_a_tick(make_site):
    site = make_site()
    check = site.add_signal()
    site.start()
    monitor = site.database.add_monitor("Compass POs", check, "@every 1s")
    until(lambda: site.database.run_count(monitor) > 0, "the new monitor ran", 5)  # 2 s to be seen, 1 s to be due
    run = site.database.run("SELECT * FROM WorkerJobs WHERE monitorId = ?", monitor)[0]
    assert (run["monitor"], run["runner"], run["isOk"], run["message"]) == ("Compass POs", "host7", 1, "fine")
    until(lambda: site.database.monitor(monitor)["lastRunDt"], "lastRunDt is written, which may be a second late", 5)


def test_3_the_first_failure_alerts_at_once(make_site):
    site, monitor = start(make_site, people=[OPERATOR, "second@example.com"])
    site.fail("no purchase order for 31 minutes")
    site.mailbox.wait(ALERT, to=OPERATOR)
    site.mailbox.wait(ALERT, to="second@example.com")
    row = site.database.monitor(monitor)
    assert (row["state"], row["lastNotificationType"], row["lastResultMessage"]) == (
        "alert", "alert", "no purchase order for 31 minutes")
    site.database.wait_runs(monitor, 3)
    assert site.mailbox.subjects() == [ALERT, ALERT], "one alert each, and no reminder before its time"


def test_4_reminders_keep_their_cadence(make_site):
    """With a window of 3 minutes and a run each minute, every third failing run reminds."""
    site, monitor = start(make_site, reminderFrequencyMinutes=3)
    site.fail("still broken")
    site.mailbox.wait(REMINDER, 3)
    rows = site.database.notifications(monitor)
    scheduled = []
    for row in rows:
        run = site.database.run("SELECT scheduledDt FROM MonitorRuns WHERE monitorId = ? AND startedDt <= ?"
                                " ORDER BY id DESC LIMIT 1", monitor, row["decidedDt"])[0]
        scheduled.append(run["scheduledDt"])
    minutes = [int(text[11:13]) * 60 + int(text[14:16]) for text in scheduled]
    assert [(b - a) % 1440 for a, b in zip(minutes, minutes[1:])] == [3] * (len(minutes) - 1), scheduled
    assert [row["kind"] for row in rows] == ["alert"] + ["reminder"] * (len(rows) - 1)


def test_4_an_acknowledgement_stops_reminders_but_not_the_recovery(make_site):
    site, monitor = start(make_site, reminderFrequencyMinutes=0)
    site.start("web")
    site.fail("broken")
    site.mailbox.wait(REMINDER)
    site.tocsin("ack", "Compass POs")
    site.wait_quiet()
    before = site.mailbox.subjects()
    site.database.wait_runs(monitor, 4)
    site.wait_quiet()
    assert site.mailbox.subjects() == before
    site.say("fine")
    site.mailbox.wait(RECOVERED)
    assert site.database.monitor(monitor)["acknowledgedDt"] is None


def test_5_recovery_needs_its_oks_in_a_row(make_site):
    """Three OKs are asked for: two and a failure are not enough, and nobody hears of them."""
    site, monitor = start(make_site, requiredConsecutiveOks=3)
    site.fail("broken")
    site.mailbox.wait(ALERT)
    site.say("fine again")
    until(lambda: site.database.monitor(monitor)["consecutiveOkCount"] == 1, "the first OK is counted")
    site.fail("broken again")
    until(lambda: site.database.monitor(monitor)["lastResultMessage"] == "broken again", "the relapse is seen")
    assert site.database.monitor(monitor)["consecutiveOkCount"] == 0
    site.say("fine for good")
    site.mailbox.wait(RECOVERED)
    states = [(run["isOk"], run["state"]) for run in site.database.runs(monitor)]
    assert states[-3:] != [] and [one for one in states if one[0]][-1][1] == "ok"
    first_ok = max(i for i, one in enumerate(states) if one[1] == "alert" and not one[0]) + 1
    assert states[first_ok:first_ok + 3] == [(1, "alert"), (1, "alert"), (1, "ok")]
    assert site.mailbox.subjects() == [ALERT, RECOVERED]


GOOD = '{"isOk": true, "message": "x"}'

# name: script, time limit, what the message must tell
EXCEPTIONS = {
    "crash": ("#!/bin/sh\nkill -SEGV $$\n", "SIGSEGV"),
    "status": ("#!/bin/sh\necho broken pipe to the warehouse >&2\nexit 3\n", "broken pipe to the warehouse"),
    "hang": ("#!/bin/sh\nexec sleep 60\n", "time limit"),
    "stubborn": ("#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n", "time limit"),
    "silent": ("#!/bin/sh\nexit 0\n", "nothing"),
    "garbage": ("#!/bin/sh\necho welcome to the hotel\n", "JSON"),
    "half": ("#!/bin/sh\nprintf '{\"isOk\":true,'\n", ""),
    "array": ("#!/bin/sh\necho '[]'\n", "object"),
    "two": (f"#!/bin/sh\necho '{GOOD}{GOOD}'\n", ""),
    "doubled": ("#!/bin/sh\necho '{\"isOk\":false,\"isOk\":true,\"message\":\"x\"}'\n", ""),
    "type": ("#!/bin/sh\necho '{\"isOk\":\"true\",\"message\":\"x\"}'\n", "isOk"),
    "flood": ("#!/bin/sh\nhead -c 100000000 /dev/zero\n", ""),
    "not_utf8": ("#!/bin/sh\nprintf '{\"isOk\":true,\"message\":\"\\377\"}'\n", None),
    "nul": ("#!/bin/sh\nprintf '{\"isOk\":true,\\000\"message\":\"x\"}'\n", ""),
    "closes": ("#!/bin/sh\nexec >&- 2>&-\nexec sleep 60\n", "time limit"),
}


def test_6_whatever_a_check_does_is_a_failure_of_it_alone(make_site):
    """All at once beside a healthy monitor, which is never late."""
    site = make_site()
    healthy_check = site.add_signal()
    site.start()
    healthy = site.database.add_monitor("Healthy", healthy_check, "@every 1s")
    site.database.wait_runs(healthy, 1)
    ids = {}
    for name, (script, _) in EXCEPTIONS.items():
        ids[name] = site.database.add_monitor(f"zoo {name}", site.add_check(name, script), "@every 5s", timeoutSeconds=2)
    for name in ids:
        if EXCEPTIONS[name][1] is not None:
            site.mailbox.wait(f"[Monitor ALERT] zoo {name}", seconds=60)
    for name, (_, told) in EXCEPTIONS.items():
        if told is not None:
            message = site.database.monitor(ids[name])["lastResultMessage"]
            assert told in message, f"{name}: {message}"
    assert_never_late(site, healthy)


def test_7_an_inactive_monitor_rests(make_site):
    site, monitor = start(make_site)
    site.database.edit(monitor, isActive=0)
    site.fail("nobody is to hear of this")
    wait_seen(site, monitor)
    count = site.database.run_count(monitor)
    holds(lambda: site.database.run_count(monitor) == count, "the paused monitor does not run", 3)
    assert site.mailbox.subjects() == [] and site.database.monitor(monitor)["state"] == "ok"
    site.database.edit(monitor, isActive=1)
    site.mailbox.wait(ALERT)


def wait_seen(site, monitor):
    """Until the pause by hand is audited: 2 s are promised."""
    until(lambda: any(one.get("reason") == "paused" for one in site.database.audit(monitor)), "the pause is audited", 5)


@pytest.mark.parametrize("mode, told", [(None, "missing"), (0o644, "executable")])
def test_8_a_missing_check_says_so(make_site, mode, told):
    site = make_site()
    if mode is not None:
        site.add_check("absent", "#!/bin/sh\n")
        os.chmod(os.path.join(site.site, "checks", "absent"), mode)
    site.start()
    monitor = site.database.add_monitor("Compass POs", "exec:absent")
    site.mailbox.wait(ALERT)
    run = site.database.runs(monitor)[0]
    assert run["isOk"] == 0 and "absent" in site.database.monitor(monitor)["lastResultMessage"], run
    assert told in (run["reason"] or "") or told in site.database.monitor(monitor)["lastResultMessage"]
    site.add_check("absent", f"#!/bin/sh\necho '{GOOD}'\n")
    site.mailbox.wait(RECOVERED)


def test_8_a_silent_runner_is_an_alarm(make_site):
    """A missed deadline: the runner is there, but no result comes."""
    site = make_site(settings={"TOCSIN_ROUTER_RUNNER_DEAD": "5s", "TOCSIN_ROUTER_GRACE": "2s"})
    check = site.add_signal()
    site.start()
    monitor = site.database.add_monitor("Compass POs", check, "@every 1s", timeoutSeconds=1)
    site.database.wait_runs(monitor, 2)
    site.process("runner").signal(signal.SIGSTOP)
    try:
        alarm = until(lambda: [m for m in site.mailbox.mails() if "ALERT" in m["subject"]],
                      "somebody is told that the runner is silent", 40)
    finally:
        site.process("runner").signal(signal.SIGCONT)
    assert alarm
    until(lambda: any("RECOVERED" in subject for subject in site.mailbox.subjects()), "its return is told", 60)
