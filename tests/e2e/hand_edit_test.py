"""Rows changed by SQL while everything runs: each edit that docs/schema.md invites to is acted on within
2 s, without a restart, and recorded with before and after; a monitor beside it is never late."""
import random

import pytest
from support.installation import OPERATOR
from support.judge import assert_never_late
from support.wait import holds, moment, until

NAME = "Compass POs"
ALERT = f"[Monitor ALERT] {NAME}"
CLOSED = f"[Monitor CLOSED] {NAME}"
RECOVERED = f"[Monitor RECOVERED] {NAME}"
SECOND = "second@example.com"
NEVER = "0 0 29 2 *"  # a schedule that no test lives to see


class Place:
    """A monitor to change, and a healthy one beside it."""

    def __init__(self, make_site, schedule="@every 1s", channels=("email",), **columns):
        self.site = make_site(channels=channels)
        check, healthy_check = self.site.add_signal(), self.site.add_signal("healthy")
        self.site.start()
        self.database, self.mailbox = self.site.database, self.site.mailbox
        self.healthy = self.database.add_monitor("Healthy", healthy_check)
        self.monitor = self.database.add_monitor(NAME, check, schedule, **columns)
        self.database.wait_runs(self.monitor, 1)
        self.database.wait_runs(self.healthy, 1)

    def change(self, **columns):
        return self.database.change_monitor(self.monitor, **columns)

    def row(self):
        return self.database.monitor(self.monitor)

    def heard(self):
        """Who heard what, in order."""
        self.site.wait_quiet()
        return [(mail["subject"], *mail["to"]) for mail in self.mailbox.mails()]

    def incident_ends(self):
        return [incident["end"] for incident in self.database.incidents(self.monitor)]

    def judge(self):
        self.database.wait_runs(self.healthy, 1)
        assert_never_late(self.site, self.healthy)
        self.site.verify_audit()


def test_every_column_is_taken_up_and_told_with_before_and_after(make_site):
    place = Place(make_site)
    before = {"name": NAME, "severity": 2, "labels": "{}", "runbookUrl": None, "params": "{}", "reminderFrequencyMinutes": 60,
              "requiredConsecutiveOks": 1, "requiredConsecutiveFailures": 1, "timeoutSeconds": 10, "isActive": 1}
    after = {"name": "Compass orders", "severity": 1, "labels": '{"team":"erp"}', "runbookUrl": "https://wiki.example.com/orders",
             "params": '{"maxAgeMinutes":30}', "reminderFrequencyMinutes": 5, "requiredConsecutiveOks": 3,
             "requiredConsecutiveFailures": 2, "timeoutSeconds": 20, "isActive": 0}
    for name in ("name", "isActive"):
        record = place.change(**{name: after[name]})
        assert (record["before"], record["after"]) == ({name: before.pop(name)}, {name: after.pop(name)})
    record = place.change(**{**after, "severity": "warning", "isActive": 1})
    assert (record["before"], record["after"]) == ({**before, "isActive": 0}, {**after, "isActive": 1})
    told = place.change(peopleToNotify='["second@example.com"]')
    assert list(told["before"]) == list(told["after"]) == ["peopleToNotify"] and told["before"] != told["after"]
    assert "example.com" not in str(told), "addresses stand in the audit as keyed hashes"
    for assignment, after in [("timezone = 'Asia/Kolkata', isActive = 0", "@every 1s Asia/Kolkata (inactive)"),
                              ("isActive = 1", "@every 1s Asia/Kolkata")]:
        record = place.database.change(f"UPDATE CronJobs SET {assignment} WHERE monitorId = ?", place.monitor, monitor=place.monitor)
        assert record["after"] == {"schedules": after}
    assert place.row()["name"] == "Compass orders"
    place.judge()


def test_no_recipients_is_silence_on_purpose(make_site):
    place = Place(make_site)
    place.change(peopleToNotify="[]")
    place.site.fail("nobody is to hear of this")
    place.database.wait_state(place.monitor, "alert")
    record = until(lambda: [one for one in place.database.audit(place.monitor) if one.get("to") == "alert"], "the alert is audited")
    assert {"reason": "nobody_to_tell"} in record[0]["notes"]
    place.database.wait_runs(place.monitor, 2)
    assert place.heard() == []
    place.change(peopleToNotify=f'["{OPERATOR}"]')
    place.mailbox.wait(ALERT)
    assert place.heard() == [(ALERT, OPERATOR)]
    place.judge()


def test_clearing_last_run_forces_one_run_now(make_site):
    place = Place(make_site, NEVER)
    for turn in range(1, 3):
        until(lambda: place.row()["lastRunDt"], "the run before is noted")
        count = place.database.run_count(place.monitor)
        record = place.change(lastRunDt=None)
        assert record["after"] == {"lastRunDt": None} and record["before"]["lastRunDt"] is not None
        until(lambda: place.database.run_count(place.monitor) == count + 1, f"forced run {turn}", 4)
        until(lambda: place.row()["lastRunDt"], "the forced run is noted")
    count = place.database.run_count(place.monitor)
    holds(lambda: place.database.run_count(place.monitor) == count, "no run follows that nobody asked for", 2)
    assert place.database.runs(place.monitor)[-1]["scheduledDt"] is None
    place.judge()


def test_clearing_the_state_resets_and_tells_who_was_told(make_site):
    place = Place(make_site)
    place.site.fail("broken")
    place.mailbox.wait(ALERT)
    place.change(peopleToNotify=f'["{SECOND}"]')
    place.site.say("fine again")
    record = place.change(state="ok", consecutiveOkCount=0, lastNotificationDt=None, lastNotificationType=None,
                          requiredConsecutiveOks=200)
    assert record["from"] == "alert" or record["before"].get("inAlert") == 1
    place.mailbox.wait(CLOSED, to=OPERATOR)
    assert place.heard() == [(ALERT, OPERATOR), (CLOSED, OPERATOR)], "nobody else was told of its beginning"
    assert place.incident_ends() == ["reset"]
    row = place.row()
    assert (row["state"], row["lastNotificationDt"], row["lastNotificationType"]) == ("ok", None, None)
    place.site.fail("broken anew")
    place.mailbox.wait(ALERT, to=SECOND)
    assert place.incident_ends() == ["reset", "open"]
    place.judge()


def test_an_alert_by_hand_is_an_incident_that_the_next_failure_tells_of(make_site):
    place = Place(make_site, requiredConsecutiveOks=200)
    record = place.change(state="alert")
    assert record["reason"] == "forced_alert" and record["before"]["inAlert"] == 0 and record["after"]["inAlert"] == 1
    assert place.incident_ends() == ["open"]
    until(lambda: place.row()["consecutiveOkCount"] > 0, "OKs are counted")
    assert place.heard() == []
    place.site.fail("broken")
    place.mailbox.wait(ALERT)
    place.site.say("fine again")
    place.change(requiredConsecutiveOks=1)
    place.mailbox.wait(RECOVERED)
    assert place.heard() == [(ALERT, OPERATOR), (RECOVERED, OPERATOR)]
    place.change(state="alert")
    until(lambda: place.incident_ends() == ["recovered"] * 2, "one that heals before anybody is told")
    assert place.heard() == [(ALERT, OPERATOR), (RECOVERED, OPERATOR)]
    place.judge()


def test_an_acknowledgement_by_hand_holds_reminders_back(make_site):
    place = Place(make_site, reminderFrequencyMinutes=0)
    place.site.fail("broken")
    place.mailbox.wait(f"[Monitor REMINDER] {NAME}")
    place.change(acknowledgedDt="2026-01-01 00:00:00", acknowledgedBy="anna")
    heard = place.heard()
    place.database.wait_runs(place.monitor, 3)
    assert place.heard() == heard
    place.site.say("fine again")
    place.mailbox.wait(RECOVERED)
    row = place.row()
    assert (row["acknowledgedDt"], row["acknowledgedBy"]) == (None, None)
    place.judge()


def test_deleting_it_in_alert_closes_its_incident(make_site):
    place = Place(make_site)
    place.site.fail("broken")
    place.mailbox.wait(ALERT)
    record = place.database.change("DELETE FROM Monitors WHERE id = ?", place.monitor, monitor=place.monitor)
    assert record["reason"] == "deleted"
    place.mailbox.wait(CLOSED)
    assert place.incident_ends() == ["deleted"]
    assert place.row() is None
    until(lambda: f"monitor={place.monitor}" not in place.site.process("runner").log()[-200:], "it is taken from its runner")
    count = place.database.run_count(place.monitor)
    holds(lambda: place.database.run_count(place.monitor) == count, "what is removed does not run", 2)
    assert place.heard() == [(ALERT, OPERATOR), (CLOSED, OPERATOR)]
    told = place.site.tocsin("doctor", status=None).stdout
    assert f"there is no monitor {place.monitor}" in told, "its schedule is still there"
    place.judge()


def test_renaming_it_in_alert_keeps_threads_and_dedup_keys(make_site):
    place = Place(make_site, channels=("email", "pagerduty"), people=[OPERATOR, "pagerduty:core"])
    place.site.fail("broken")
    place.mailbox.wait(ALERT)
    place.site.services.wait("pagerduty", 1)
    place.change(name="Orders of Compass", labels='{"team":"erp"}', severity="warning")
    place.site.say("fine again")
    place.mailbox.wait("[Monitor RECOVERED] Orders of Compass")
    begin, end = place.site.services.wait("pagerduty", 2) and place.site.services.accepted("pagerduty")
    assert (begin["body"]["event_action"], end["body"]["event_action"]) == ("trigger", "resolve")
    assert begin["body"]["dedup_key"] == end["body"]["dedup_key"]
    threads = {message["References"] for message in place.mailbox.messages()}
    assert len(threads) == 1 and None not in threads
    assert len(place.database.incidents(place.monitor)) == 1
    place.judge()


def test_edits_while_no_router_runs_are_acted_on_when_one_starts(make_site):
    place = Place(make_site)
    place.site.fail("broken")
    place.mailbox.wait(ALERT)
    place.site.kill("router")
    count = len(place.database.audit(place.monitor))
    place.database.edit(place.monitor, state="ok", requiredConsecutiveFailures=200)
    place.site.process("router").start().wait_ready()
    place.mailbox.wait(CLOSED)
    edits = [one for one in place.database.audit(place.monitor)[count:] if one["kind"] == "edit"]
    assert len(edits) == 1 and edits[0]["after"]["requiredConsecutiveFailures"] == 200
    place.site.say("fine again")
    assert place.heard() == [(ALERT, OPERATOR), (CLOSED, OPERATOR)]
    place.database.wait_runs(place.monitor, 1)
    place.site.verify_audit()


@pytest.mark.parametrize("has_kill", [False, True])
def test_a_storm_of_edits_stops_nothing(make_site, has_kill):
    """Rows flip at random under the router, which in the second round is killed in the middle."""
    place = Place(make_site)
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    edits = [{"isActive": 0}, {"isActive": 1}, {"peopleToNotify": "["}, {"peopleToNotify": "[]"}, {"params": "["}, {"params": "{}"},
             {"state": "alert"}, {"state": "ok"}, {"lastRunDt": None}, {"name": "x"}, {"labels": "}"}, {"checkName": "teleport"},
             {"lastRunDt": "yesterday"}, {"acknowledgedDt": "2026-01-01 00:00:00"}, {"lastNotificationDt": "2999-01-01 00:00:00"}]
    for turn in range(40):
        place.database.edit(place.monitor, **chance.choice(edits))
        moment(chance, 0.1)
        if has_kill and turn % 15 == 14:
            place.site.kill("router")
            place.site.process("router").start().wait_ready()
    good = {"isActive": 1, "name": NAME, "checkName": "exec:signal", "params": "{}", "labels": "{}", "state": "ok",
            "peopleToNotify": f'["{OPERATOR}"]', "lastRunDt": None, "acknowledgedDt": None, "lastNotificationDt": None,
            "requiredConsecutiveFailures": 1}
    place.database.edit(place.monitor, **good)
    place.database.wait_runs(place.monitor, 3)
    until(lambda: place.row()["state"] == "ok", "all is well again")
    until(lambda: place.database.value("SELECT count(*) FROM Incidents WHERE end = 'open'") == 0, "no incident is left open")
    place.site.wait_quiet()
    words = {}
    for row in place.database.run("SELECT monitorId, recipient, kind, isCollapsed FROM Notifications"
                                  " WHERE status = 'sent' ORDER BY id"):
        words.setdefault((row["monitorId"], row["recipient"]), []).append((row["kind"], row["isCollapsed"]))
    for whose, word in words.items():
        assert is_word(word), (whose, word)
    if not has_kill:
        assert_never_late(place.site, place.healthy)
    place.site.verify_audit()


def is_word(word):
    """docs/spec.md 1.3: (ALERT (REMINDER)* RECOVERED)*, where an incident may be one collapsed RECOVERED."""
    is_told = False
    for kind, is_collapsed in word:
        if kind == "alert" and is_told or kind == "reminder" and not is_told:
            return False
        if kind in ("recovery", "closed") and not is_told and not is_collapsed:
            return False
        is_told = kind in ("alert", "reminder")
    return not is_told
