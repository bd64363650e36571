"""The walking skeleton: a check fails on a host, and a person reads it in a mailbox."""
import random

from support.installation import OPERATOR
from support.wait import moment

ALERT = "[Monitor ALERT] Compass POs"
RECOVERED = "[Monitor RECOVERED] Compass POs"


def start(make_site):
    site = make_site()
    check = site.add_signal()
    site.start()
    monitor = site.database.add_monitor("Compass POs", check, people=[OPERATOR])
    site.database.wait_runs(monitor, 1)
    return site, monitor


def test_a_failing_check_becomes_a_mail_and_its_end_another(make_site):
    site, monitor = start(make_site)
    site.fail("no purchase order for 31 minutes")
    alert = site.mailbox.wait(ALERT)
    assert alert["to"] == [OPERATOR] and alert["from"] == "donotreply@example.com"
    assert alert["defects"] == []
    site.say("4 purchase orders in 5 minutes")
    site.mailbox.wait(RECOVERED)
    site.database.wait_state(monitor, "ok")
    site.wait_quiet()
    assert site.mailbox.subjects() == [ALERT, RECOVERED]
    for message in site.mailbox.messages():
        plain = message.get_body(("plain",)).get_content()
        said = "no purchase order for 31 minutes" if "ALERT" in message["Subject"] else "4 purchase orders in 5 minutes"
        assert said in plain and "Compass POs" in plain
        assert message.get_body(("html",)) is not None
    site.verify_audit()


def test_killing_the_router_at_any_moment_loses_nothing(make_site):
    """Each round fails and heals the check and kills the router somewhere in between. Whatever moment
    it hits: one alert and one recovery an incident, every run stored once, and a chain that verifies."""
    site, monitor = start(make_site)
    seed = random.randrange(1 << 32)
    print("seed", seed)
    moments = random.Random(seed)
    rounds = 6
    for turn in range(1, rounds + 1):
        site.fail(f"broken {turn}")
        moment(moments, 1.2)
        restart_router(site)
        site.mailbox.wait(ALERT, turn)
        site.say(f"healed {turn}")
        moment(moments, 1.2)
        restart_router(site)
        site.mailbox.wait(RECOVERED, turn)
    site.database.wait_state(monitor, "ok")
    site.wait_quiet()
    judge(site, monitor, rounds)


def restart_router(site):
    site.kill("router")
    site.process("router").start().wait_ready()


def judge(site, monitor, rounds):
    incidents = site.database.incidents(monitor)
    assert [one["end"] for one in incidents] == ["recovered"] * rounds
    for incident in incidents:
        kinds = [one["kind"] for one in site.database.notifications(monitor) if one["incidentId"] == incident["id"]]
        assert kinds == ["alert", "recovery"]
    assert site.mailbox.subjects() == [ALERT, RECOVERED] * rounds
    runs = site.database.runs(monitor)
    scheduled = [run["scheduledDt"] for run in runs if run["scheduledDt"]]
    assert len(scheduled) == len(set(scheduled)), "a run was stored twice"
    site.verify_audit()
