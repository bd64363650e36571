"""What hands type wrongly: within 2 s the change is audited and that monitor alone says what is wrong,
doctor and why name it, and once the row is repaired all is well. Nobody else is late or told."""
import json
import time

from support.database import SEEN_SECONDS, from_text
from support.installation import OPERATOR
from support.judge import assert_never_late
from support.wait import until

EMOJI = "\U0001f4e6" * 255  # 255 characters are within the column, 1020 bytes are not within the limit
NESTED = '{"a":' + "[" * 70 + "]" * 70 + "}"

# name: statement, how the failing result or the configuration alert begins to say what is wrong.
STOPPED = {
    "params that are no JSON": ("params = '{\"a\":'", "params"),
    "params that are a list": ("params = '[]'", "params"),
    "params that nest too deep": (f"params = '{NESTED}'", "params"),
    "params that its check refuses": ("checkName = 'http', params = '{}'", "url"),
    "labels that are no JSON": ("labels = '{'", "labels"),
    "labels that are a list": ("labels = '[]'", "labels"),
    "labels that are no texts": ("labels = '{\"team\": 1}'", "labels"),
    "too many labels": (f"labels = '{json.dumps({f'k{i}': '' for i in range(33)})}'", "labels"),
    "a check that is unknown": ("checkName = 'teleport'", "teleport"),
    "a check outside its folder": ("checkName = 'exec:../../bin/true'", "exec:"),
    "no check at all": ("checkName = NULL", "checkName"),
    "a name that is too long": (f"name = '{EMOJI}'", "name"),
    "an address that is too long": (f"runbookUrl = 'https://{'a' * 3000}'", "runbookUrl"),
    "an address that is a script": ("runbookUrl = 'javascript:alert(1)'", "runbookUrl"),
}
SCHEDULES = {
    "a minute that is none": ("schedule = '61 * * * *'", "61"),
    "a field too few": ("schedule = '* * * *'", "schedule"),
    "a restart": ("schedule = '@reboot'", "@reboot"),
    "no interval": ("schedule = '@every 0s'", "@every"),
    "a zone that is none": ("timezone = 'Mars/Olympus'", "Mars/Olympus"),
}
UNHEARD = {
    "recipients that are no JSON": ("peopleToNotify = '['", "peopleToNotify"),
    "recipients that are an object": ("peopleToNotify = '{}'", "peopleToNotify"),
    "recipients that are missing": ("peopleToNotify = NULL", "peopleToNotify"),
    "recipients of which none is one": ("peopleToNotify = '[\"nobody\", 1]'", "peopleToNotify"),
    "too many recipients": (f"peopleToNotify = '{json.dumps([f'p{i}@example.com' for i in range(65)])}'", "peopleToNotify"),
    "a recipient with a second line": ("peopleToNotify = '[\"a@example.com\\r\\nBcc: b@example.com\"]'", "peopleToNotify"),
}

CROWDED = ["too many recipients"]  # does not fail: a mail server would be busy with it for long


class Place:
    def __init__(self, make_site, cases):
        self.site = make_site()
        check, healthy_check = self.site.add_signal(), self.site.add_signal("healthy")
        self.site.start("router", "runner", "notifier email", "web")
        self.database, self.cases = self.site.database, cases
        self.healthy = self.database.add_monitor("Healthy", healthy_check)
        self.ids = {case: self.database.add_monitor(case, healthy_check if case in CROWDED else check, "@every 2s",
                                                    people=["owner@example.com"]) for case in cases}
        for monitor in self.ids.values():
            until(lambda: self.database.run_count(monitor) > 0, "each is well")
        self.good = {case: self.database.monitor(monitor) for case, monitor in self.ids.items()}
        assert self.site.mailbox.subjects() == []

    def spoil(self):
        """All at once; until each is audited. 2 s are promised."""
        table = "CronJobs" if self.cases is SCHEDULES else "Monitors"
        key = "monitorId" if self.cases is SCHEDULES else "id"
        before = self.database.value("SELECT max(seq) FROM AuditLog")
        for case, (assignment, _) in self.cases.items():
            self.database.run(f"UPDATE {table} SET {assignment} WHERE {key} = ?", self.ids[case])
        spoilt_at = time.time()
        for case, monitor in self.ids.items():
            at = until(lambda: self.database.value("SELECT dt FROM AuditLog WHERE seq > ? AND kind = 'edit' AND monitorId = ?",
                                                   before, monitor), f"{case} is audited")
            assert from_text(at) - spoilt_at < SEEN_SECONDS, case

    def repair(self):
        columns = ["name", "checkName", "params", "labels", "runbookUrl", "peopleToNotify"]
        for case, monitor in self.ids.items():
            if self.cases is SCHEDULES:
                self.database.run("UPDATE CronJobs SET schedule = '@every 2s', timezone = 'UTC' WHERE monitorId = ?", monitor)
            else:
                self.database.edit(monitor, **{name: self.good[case][name] for name in columns})
        for case, monitor in self.ids.items():
            self.database.wait_state(monitor, "ok")
            assert self.database.runs(monitor)[-1]["isOk"], case
        until(lambda: self.database.value("SELECT count(*) FROM Incidents WHERE end = 'open'") == 0, "each incident ended")

    def told(self, monitor, word):
        """doctor and why name the monitor and what is wrong."""
        doctor = [line for line in self.site.tocsin("doctor", status=1).stdout.splitlines() if line.startswith("problem")]
        assert any(f"{monitor}" in line and word in line for line in doctor), (word, doctor)
        why = self.site.json("why", str(monitor))
        assert any(word in sentence for sentence in why["sentences"]), (word, why["sentences"])

    def judge(self):
        assert_never_late(self.site, self.healthy)
        doctor = self.site.tocsin("doctor", status=None).stdout
        assert not [line for line in doctor.splitlines() if line.startswith("problem") and "internal:" in line], doctor
        self.site.verify_audit()


def judge_stopped(place):
    place.spoil()
    for case, monitor in place.ids.items():
        place.database.wait_state(monitor, "alert", 5)
    counts = {monitor: place.database.run_count(monitor) for monitor in place.ids.values()}
    for case, (_, word) in place.cases.items():
        monitor = place.ids[case]
        run = place.database.runs(monitor)[-1]
        assert (run["isOk"], run["reason"]) == (0, "config"), case
        assert word in place.database.monitor(monitor)["lastResultMessage"], case
        place.told(monitor, word)
    place.site.wait_quiet()
    alerts = [mail for mail in place.site.mailbox.mails() if "[Monitor ALERT]" in mail["subject"]]
    assert len(alerts) == len(place.cases) and all(mail["to"] == ["owner@example.com"] for mail in alerts)
    assert {monitor: place.database.run_count(monitor) for monitor in counts} == counts, "what can't be used does not run"
    place.repair()
    place.site.wait_quiet()
    ends = [mail for mail in place.site.mailbox.mails() if "[Monitor RECOVERED]" in mail["subject"]]
    assert len(ends) == len(place.cases)
    place.judge()


def test_a_row_that_can_not_be_used_stops_its_monitor_with_one_failing_result(make_site):
    judge_stopped(Place(make_site, STOPPED))


def test_a_schedule_that_can_not_be_used_stops_its_monitor_with_one_failing_result(make_site):
    judge_stopped(Place(make_site, SCHEDULES))


def test_recipients_that_can_not_be_read_are_an_alert_to_the_default_recipients(make_site):
    place = Place(make_site, UNHEARD)
    place.spoil()
    for case, (_, word) in place.cases.items():
        monitor = place.ids[case]
        mail = place.site.mailbox.wait(f"[Monitor ALERT] internal:config/{monitor}", to=OPERATOR)
        assert mail["to"] == [OPERATOR], case
        place.told(monitor, word)
        assert place.database.monitor(monitor)["state"] == "ok", "it goes on"
    place.site.fail("broken")
    for case in set(place.cases) - set(CROWDED):
        place.site.mailbox.wait(f"[Monitor ALERT] {case}", to=OPERATOR)
    place.site.say("fine again")
    for case in set(place.cases) - set(CROWDED):
        place.site.mailbox.wait(f"[Monitor RECOVERED] {case}", to=OPERATOR)
    place.repair()
    for monitor in place.ids.values():
        place.site.mailbox.wait(f"[Monitor RECOVERED] internal:config/{monitor}", to=OPERATOR)
    assert {mail["to"][0] for mail in place.site.mailbox.mails()} == {OPERATOR}
    place.judge()


def test_schedules_that_are_double_or_of_nobody_harm_nothing(make_site):
    place = Place(make_site, {"double": ("", ""), "garbled": ("", "")})
    double, garbled = place.ids.values()
    place.database.add_schedule(double, "@every 1s")
    place.database.add_schedule(double, "@every 1s")
    place.database.add_schedule(4000000, "* * * * *")
    for parameters in ("{", "[]", '{"monitorId": "x"}', '{"monitorId": -1}', ""):
        place.database.insert("CronJobs", schedule="* * * * *", action="Monitor/Run", parameters=parameters)
    place.database.insert("CronJobs", schedule="tea time", action="Tea/Make", parameters=json.dumps({"monitorId": garbled}))
    place.database.wait_runs(double, 3)
    seconds = [run["scheduledDt"] for run in place.database.runs(double)]
    assert len(seconds) == len(set(seconds)), "the same instant runs once"
    told = place.site.tocsin("doctor", status=1).stdout
    assert "there is no monitor 4000000" in told and f"monitor {double} \"double\" has 3 active schedules" in told
    place.database.wait_runs(garbled, 1)
    assert place.site.mailbox.subjects() == []
    place.judge()
