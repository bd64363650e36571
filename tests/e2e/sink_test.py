"""What mail servers, Slack and PagerDuty may answer, and notifiers that die in the middle: what can be
delivered later is delivered later, what can't is a dead letter, and nobody else waits for it."""
import hashlib
import random
import re
import time

from support.installation import OPERATOR
from support.wait import holds, moment, until

NAME = "Compass POs"
ALERT = f"[Monitor ALERT] {NAME}"
RECOVERED = f"[Monitor RECOVERED] {NAME}"


def begin(make_site, people, channels=("email",), **options):
    """A running installation, and a monitor that is well."""
    site = make_site(channels=channels, is_fast=True, **options)
    check = site.add_signal()
    site.start()
    monitor = site.database.add_monitor(NAME, check, "* * * * *", people=people)
    site.database.wait_runs(monitor, 1)
    return site, monitor


def rows_of(site, recipient, **columns):
    """Its notifications to a recipient, oldest first."""
    where = "".join(f" AND {name} = ?" for name in columns)
    return site.database.run(f"SELECT * FROM Notifications WHERE recipient = ?{where} ORDER BY id", recipient, *columns.values())


def wait_dead(site, recipient):
    return until(lambda: rows_of(site, recipient, status="dead"), f"what was for {recipient} is given up")[0]


def test_each_answer_of_a_mail_server_is_about_its_recipient_alone(make_site):
    names = ["fine", "later", "grey", "closing", "nobody"]
    people = {name: f"{name}@example.com" for name in names}
    site = make_site(is_fast=True)
    site.mailbox.restart("--answer", people["later"] + "=450:2", "--answer", people["grey"] + "=451:1",
                         "--answer", people["closing"] + "=421:1", "--answer", people["nobody"] + "=550")
    check = site.add_signal()
    site.start()
    site.fail("broken")
    site.database.add_monitor(NAME, check, "* * * * *", people=list(people.values()))
    for name in names[:-1]:
        site.mailbox.wait(ALERT, to=people[name])
    dead = wait_dead(site, "email:nobody@example.com")
    assert (dead["code"], dead["attempt"]) == ("550", 1) and "5.0.0 as was asked for" in dead["remote"]
    until(lambda: all(rows_of(site, f"email:{people[name]}", status="sent") for name in names[:-1]), "the others are sent")
    attempts = {name: rows_of(site, f"email:{people[name]}")[0]["attempt"] for name in names}
    assert attempts == {"fine": 1, "later": 3, "grey": 2, "closing": 2, "nobody": 1}
    site.say("fine again")
    for name in names[:-1]:
        site.mailbox.wait(RECOVERED, to=people[name])
    site.wait_quiet()
    assert site.mailbox.subjects(people["nobody"]) == []
    assert [row["kind"] for row in rows_of(site, "email:nobody@example.com", status="sent")] == []
    site.verify_audit()


def test_a_mail_server_that_never_greets_delays_nobody_else(make_site):
    site, _ = begin(make_site, [OPERATOR, "slack:#ops"], ("email", "slack"), settings={"TOCSIN_NOTIFIER_TIMEOUT": "2s"})
    site.mailbox.restart("--misbehave", "mute")
    failed_at = time.time()
    site.fail("broken")
    slack = site.services.wait("slack", 1)[0]
    assert slack["at"] - failed_at < 3, "the check runs each second; the rest is the way to Slack"
    mail = until(lambda: [row for row in rows_of(site, f"email:{OPERATOR}") if row["reason"]], "the mail's first attempt ended")[0]
    assert mail["status"] in ("queued", "leased") and mail["kind"] == "alert"
    site.mailbox.restart()
    site.mailbox.wait(ALERT)
    site.wait_quiet()
    assert site.services.refused() == []


def test_slack_is_asked_again_as_it_wishes_and_believed_only_when_it_says_ok(make_site):
    site, _ = begin(make_site, ["slack:#ops"], ("email", "slack"))
    kinds = ["500", "429", "empty", "huge", "garbage"]
    site.services.restart("--misbehave", ",".join(kind + ":1" for kind in kinds), "--retry-after", "2")
    site.fail("broken")
    site.services.wait("slack", 1)
    site.wait_quiet()
    row = rows_of(site, "slack:#ops")[0]
    assert (row["status"], row["code"], row["attempt"]) == ("sent", "200", len(kinds) + 1)
    tries = site.services.received()
    assert [one["problem"] for one in tries] == [*kinds, None]
    assert tries[2]["at"] - tries[1]["at"] > 1.9, "after 429 no sooner than Retry-After says"
    assert len({str(one["body"]) for one in tries}) == 1, "each attempt is the same message"


def test_a_refusal_of_slack_is_a_dead_letter_that_is_told_elsewhere_and_can_be_sent_again(make_site):
    site, monitor = begin(make_site, ["slack:#ops"], ("email", "slack"))
    site.start("web")
    site.services.restart("--misbehave", "404:1")
    site.fail("broken")
    dead = wait_dead(site, "slack:#ops")
    assert (dead["code"], dead["attempt"]) == ("404", 1) and "no_service" in dead["remote"]
    site.mailbox.wait("[Monitor ALERT] internal:channel/slack", to=OPERATOR)
    listed = site.json("notification", "list", "--status", "dead")["notifications"]
    assert [one["id"] for one in listed] == [str(dead["id"])]
    shown = site.json("notification", "show", str(dead["id"]))
    assert (shown["status"], shown["code"], shown["recipient"]) == ("dead", "404", "slack:#ops")
    assert "1 could not be delivered and were given up" in site.tocsin("doctor", status=None).stdout
    again = site.json("notification", "retry", str(dead["id"]))["result"]["notificationId"]
    site.services.wait("slack", 1)
    site.wait_quiet()
    assert site.json("notification", "show", again)["status"] == "sent"
    record = [one for one in site.database.audit() if one.get("reason") == "sent_again"]
    assert len(record) == 1 and record[0]["actor"].startswith("n:") and record[0]["notification"] == again
    refused = site.tocsin("notification", "retry", again, status=None)
    assert refused.returncode == 1 and "dead" in refused.stderr
    site.say("fine again")
    site.services.wait("slack", 2)
    site.mailbox.wait("[Monitor RECOVERED] internal:channel/slack", to=OPERATOR)
    told = [one["body"]["text"] for one in site.services.accepted("slack")]
    assert [re.search(r"\[Monitor (\w+)\]", text)[1] for text in told] == ["ALERT", "RECOVERED"]
    site.verify_audit()


def test_slacks_no_in_a_yes_is_a_dead_letter(make_site):
    site, _ = begin(make_site, ["slack:#ops"], ("email", "slack"))
    site.services.restart("--misbehave", "not_ok:1")
    site.fail("broken")
    dead = wait_dead(site, "slack:#ops")
    assert (dead["code"], dead["attempt"]) == ("200", 1) and "channel_not_found" in dead["reason"]


def test_pagerduty_is_asked_again_but_not_after_a_refusal(make_site):
    site, monitor = begin(make_site, ["pagerduty:core"], ("email", "pagerduty"))
    site.services.restart("--misbehave", "500:1,429:1", "--retry-after", "1")
    site.fail("broken")
    begun = site.services.wait("pagerduty", 1)[0]["body"]
    site.say("fine again")
    ended = site.services.wait("pagerduty", 2)[0]["body"]
    assert (begun["event_action"], ended["event_action"]) == ("trigger", "resolve")
    assert begun["dedup_key"] == ended["dedup_key"] and len(begun["dedup_key"]) <= 255
    assert {one["body"]["dedup_key"] for one in site.services.received()} == {begun["dedup_key"]}
    site.database.wait_state(monitor, "ok")
    site.services.restart("--misbehave", "400:1")
    site.fail("broken anew")
    dead = wait_dead(site, "pagerduty:core")
    assert (dead["code"], dead["attempt"]) == ("400", 1) and "asked for" in dead["remote"]
    site.say("fine again")
    site.database.wait_state(monitor, "ok")
    site.wait_quiet()
    assert len(site.services.accepted("pagerduty")) == 2, "no resolve of what was never triggered"
    assert site.services.refused() == []


def test_a_notifier_that_is_killed_in_the_middle_loses_nothing_and_doubles_little(make_site):
    """While a slow server takes the mails of many monitors, their notifier is killed again and again.
    What it had in hand goes out once more when its lease of 30 s is over."""
    site = make_site()
    site.mailbox.restart("--misbehave", "slow")
    check = site.add_signal()
    site.start()
    site.fail("broken")
    people = [f"person{number}@example.com" for number in range(12)]
    for number, person in enumerate(people):
        site.database.add_monitor(f"Monitor {number}", check, people=[person])
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    kills = 3
    until(lambda: site.database.value("SELECT count(*) FROM Notifications") > 0, "there is something to send")
    for _ in range(kills):
        moment(chance, 1)
        site.kill("notifier email")
        site.process("notifier email").start().wait_ready()
    until(lambda: site.database.value("SELECT count(*) FROM Notifications") == len(people), "all have something to be told")
    site.wait_quiet(60)
    assert {row["status"] for row in site.database.run("SELECT status FROM Notifications")} == {"sent"}
    copies = {}
    for mail in site.mailbox.received():
        copies.setdefault(mail["to"][0], []).append(mail["message_id"])
    assert sorted(copies) == sorted(people)
    assert all(len(set(ids)) == 1 and len(ids) <= 1 + kills for ids in copies.values()), copies
    bodies = {}
    for message in site.mailbox.messages():
        bodies.setdefault(message["Message-ID"], set()).add(hashlib.sha256(message.as_bytes()).hexdigest())
    assert all(len(found) == 1 for found in bodies.values()), "copies are the same to the byte"
    holds(lambda: site.database.value("SELECT count(*) FROM Notifications WHERE status <> 'sent'") == 0, "nothing goes out again", 1)
    site.verify_audit()
