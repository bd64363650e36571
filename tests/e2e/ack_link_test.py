"""A person acknowledges by the link of a mail: signed by the real notifier, received by a real mail server,
sent to the real web process, and audited by the real router."""
import hashlib
import hmac
import json
import os
import re
import signal
import urllib.error
import urllib.parse
import urllib.request

from support.installation import OPERATOR
from support.wait import holds, until

ALERT = "[Monitor ALERT] Compass POs"
REMINDER = "[Monitor REMINDER] Compass POs"
RECOVERED = "[Monitor RECOVERED] Compass POs"
SECOND = "second@example.com"


def start(make_site, **options):
    site = make_site(is_fast=True, **options)
    check = site.add_signal()
    site.start("router", "runner", "web", *(f"notifier {channel}" for channel in site.channels))
    people = [OPERATOR, SECOND] + (["slack:#ops", "pagerduty:core"] if "slack" in site.channels else [])
    monitor = site.database.add_monitor("Compass POs", check, "* * * * *", people=people, reminderFrequencyMinutes=1)
    site.database.wait_runs(monitor, 1)
    return site, monitor


def mail(site, subject, to):
    """The newest mail of a subject to one recipient."""
    site.mailbox.wait(subject, to=to)
    found = [one for one in site.mailbox.messages() if one["Subject"] == subject and one["To"] == to]
    return max(found, key=lambda one: one["Date"].datetime)


def links(message):
    """The links of a mail by their labels, the same in both parts."""
    plain = dict(re.findall(r"^(Acknowledge|Incident|Monitor): +(\S+)$", message.get_body(("plain",)).get_content(), re.M))
    html = {label: url for url, label in re.findall(r'<a href="([^"]+)"[^>]*>(\w+)</a>', message.get_body(("html",)).get_content())}
    assert plain.items() <= html.items()
    return plain


def ask(url, form=None):
    body = None if form is None else urllib.parse.urlencode(form).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body), timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def token(site, incident, recipient, expiry):
    with open(os.path.join(site.site, "keys", "link.key"), encoding="ascii") as file:
        key = bytes.fromhex(file.readline())
    signed = b"ack\0%d\0%s\0%d" % (incident, recipient.encode(), expiry)
    return hmac.new(key, signed, hashlib.sha256).hexdigest()


def acknowledgements(site, monitor):
    return [one for one in site.database.audit(monitor) if one.get("type") == "Incident/Acknowledge"]


def test_the_link_of_a_mail_acknowledges_and_looking_at_it_does_not(make_site):
    site, monitor = start(make_site)
    site.fail("no purchase order for 31 minutes")
    found = links(mail(site, ALERT, OPERATOR))
    other = links(mail(site, ALERT, SECOND))
    link, base = found["Acknowledge"], site.web_url
    incident = site.database.incidents(monitor)[0]["id"]
    assert (found["Incident"], found["Monitor"]) == (f"{base}/incidents/{incident}", f"{base}/monitors/{monitor}")
    for page in (found["Incident"], found["Monitor"]):
        status, text = ask(page)
        assert status == 200 and "page.js" in text
    assert link.startswith(f"{base}/ack/{incident}.") and link != other["Acknowledge"] and OPERATOR not in link
    _, expiry, mac = link.rsplit("/", 1)[1].split(".")
    assert mac == token(site, incident, f"email:{OPERATOR}", int(expiry))  # by another implementation

    for _ in range(3):  # mail filters look
        status, text = ask(link)
        assert status == 200 and "<form" in text and "no purchase order for 31 minutes" in text
    reminder = links(mail(site, REMINDER, OPERATOR))
    assert reminder["Acknowledge"].startswith(f"{base}/ack/{incident}.")
    assert site.database.monitor(monitor)["acknowledgedDt"] is None and acknowledgements(site, monitor) == []

    status, text = ask(link, {"note": "the EDI partner is on it"})
    assert status == 200 and f"Acknowledged by <b>{OPERATOR}</b>" in text and "the EDI partner is on it" in text
    row = site.database.monitor(monitor)
    assert (row["acknowledgedBy"], row["ackNote"], row["ackExpiresDt"]) == (OPERATOR, "the EDI partner is on it", None)
    for again in (link, other["Acknowledge"], reminder["Acknowledge"]):
        status, text = ask(again, {})
        assert status == 200 and f"Acknowledged by <b>{OPERATOR}</b>" in text

    site.wait_quiet()
    reminders = len(site.mailbox.subjects())
    runs = site.database.run_count(monitor)
    holds(lambda: len(site.mailbox.subjects()) == reminders, "nobody is reminded any more", 4)
    assert site.database.run_count(monitor) > runs + 1  # each of these would have reminded

    records = acknowledgements(site, monitor)
    assert [(one["reason"], one["via"], one["incident"]) for one in records] == [("ack_set", "link", str(incident))]
    names = {row["hash"]: row["name"] for row in site.database.run("SELECT * FROM AuditNames")}
    assert names[records[0]["actor"]] == OPERATOR
    for end in ("", "-wal"):  # no token enters the database
        with open(site.database.path + end, "rb") as file:
            assert mac.encode() not in file.read()
    site.verify_audit()

    site.say("4 purchase orders in 5 minutes")
    message = mail(site, RECOVERED, SECOND)
    assert set(links(message)) == {"Incident", "Monitor"} and "/ack/" not in message.as_string()
    for method in (None, {}):
        status, text = ask(reminder["Acknowledge"], method)
        assert status == 410 and "recovered" in text

    site.fail("again")  # the next incident is not the link's
    site.mailbox.wait(ALERT, 2, to=OPERATOR)
    assert ask(reminder["Acknowledge"], {})[0] == 410
    assert site.database.monitor(monitor)["acknowledgedDt"] is None


def test_a_link_works_once_and_a_new_one_after_that(make_site):
    site, monitor = start(make_site)
    site.fail("no purchase order for 31 minutes")
    link = links(mail(site, ALERT, OPERATOR))["Acknowledge"]
    assert ask(link, {})[0] == 200
    site.tocsin("unack", "Compass POs")
    for form in (None, {}):
        status, text = ask(link, form)
        assert status == 410 and "has been used" in text
    assert site.database.monitor(monitor)["acknowledgedDt"] is None
    until(lambda: links(mail(site, REMINDER, OPERATOR))["Acknowledge"] != link, "a reminder brings another link")
    assert ask(links(mail(site, REMINDER, OPERATOR))["Acknowledge"], {})[0] == 200
    assert site.database.monitor(monitor)["acknowledgedBy"] == OPERATOR
    assert [one["reason"] for one in site.database.audit(monitor) if one.get("type", "").endswith("cknowledge")] == [
        "ack_set", "ack_cleared", "ack_set"]


def test_the_api_acknowledges_what_was_seen(make_site):
    site, monitor = start(make_site)
    site.fail("no purchase order for 31 minutes")
    site.mailbox.wait(ALERT)
    incident = site.database.incidents(monitor)[0]["id"]
    assert act(site, {"monitorId": monitor, "incidentId": str(incident + 1)}) == (409, f"Compass POs: incident {incident + 1} is over")
    assert act(site, {"monitorId": monitor, "incidentId": "x"})[0] in (400, 422)
    assert act(site, {"monitorId": monitor, "incidentId": str(incident), "ifUnacknowledged": True})[0] == 200
    assert act(site, {"monitorId": monitor, "ifUnacknowledged": True}) == (409, "Compass POs is acknowledged already by admin")
    assert act(site, {"monitorId": monitor, "note": "mine now"})[0] == 200
    refusals = [one for one in site.database.audit() if one["kind"] == "refusal"]
    assert {one["via"] for one in refusals} == {"token"}


def act(site, parameters):
    with open(os.path.join(site.site, "admin.token"), encoding="ascii") as file:
        headers = {"Authorization": "Bearer " + file.read().strip(), "Content-Type": "application/json"}
    body = json.dumps({"action": "Incident/Acknowledge", "parameters": parameters}).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{site.web_url}/api/v1/actions", body, headers), timeout=20) as answer:
            return answer.status, json.load(answer)["result"]
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["detail"]


def test_slack_has_the_link_and_pagerduty_does_not(make_site):
    site, monitor = start(make_site, channels=("email", "slack", "pagerduty"))
    site.fail("no purchase order for 31 minutes")
    told = site.services.wait("slack", 1)
    assert site.services.refused() == []
    link = re.search(r"<(http[^|>]+/ack/[^|>]+)\|Acknowledge>", json.dumps(told))[1]
    assert "/ack/" not in json.dumps(site.services.wait("pagerduty", 1))
    status, text = ask(link, {})
    assert status == 200 and "Acknowledged by <b>slack:#ops</b>" in text
    assert site.database.monitor(monitor)["acknowledgedBy"] == "slack:#ops"


def test_a_key_is_changed_without_losing_links(make_site):
    site, _ = start(make_site)
    site.fail("no purchase order for 31 minutes")
    old = links(mail(site, ALERT, OPERATOR))["Acknowledge"]
    path, fresh = os.path.join(site.site, "keys", "link.key"), "5a" * 32
    with open(path, encoding="ascii") as file:
        before = file.read()
    write_key(path, f"{fresh}\n{before}")
    site.process("notifier email").signal(signal.SIGHUP)

    def is_fresh():
        incident, expiry, mac = links(mail(site, REMINDER, OPERATOR))["Acknowledge"].rsplit("/", 1)[1].split(".")
        return mac == token(site, int(incident), f"email:{OPERATOR}", int(expiry))  # the file's first line

    until(is_fresh, "reminders are signed with the new key")
    new = links(mail(site, REMINDER, OPERATOR))["Acknowledge"]
    assert [ask(link)[0] for link in (old, new)] == [200, 200]
    write_key(path, f"{fresh}\n")
    assert [ask(link)[0] for link in (old, new)] == [403, 200]


def write_key(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def test_no_key_means_no_link_and_a_bad_key_no_silence(make_site):
    site, _ = start(make_site)
    key = os.path.join(site.site, "keys", "link.key")
    os.chmod(key, 0o644)
    told = site.tocsin("doctor", status=None)
    assert "link.key" in told.stdout and "acknowledge" in told.stdout and told.returncode == 1
    site.process("notifier email").stop()
    site.start("notifier email")
    assert "have no link to acknowledge" in site.process("notifier email").log()
    site.fail("no purchase order for 31 minutes")
    assert set(links(mail(site, ALERT, OPERATOR))) == {"Incident", "Monitor"}
