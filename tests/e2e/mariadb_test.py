"""A router on MariaDB whose database goes away in every way that a server can: it keeps running, acknowledges
nothing, says so, and goes on by itself, nothing lost and nothing doubled."""
import json
import os
import random
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from support.installation import OPERATOR
from support.wait import moment, until

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from mariadb import MariaDB  # noqa: E402 (a helper of other tests as well)

ALERT = "[Monitor ALERT] Compass POs"
RECOVERED = "[Monitor RECOVERED] Compass POs"


@pytest.fixture
def server():
    with MariaDB("--innodb-flush-log-at-trx-commit=1") as made:
        yield made


def readiness(site):
    try:
        with urllib.request.urlopen(f"{site.web_url}/readyz", timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as refusal:
        return refusal.code
    except urllib.error.URLError:
        return None


def start(make_site, server):
    site = make_site(server=server)
    check = site.add_signal()
    site.start("router", "runner", "notifier email", "web")
    monitor = site.database.add_monitor("Compass POs", check, people=[OPERATOR])
    site.database.wait_runs(monitor, 1)
    until(lambda: readiness(site) == 200, "all is ready")
    return site, monitor


def crash(server):
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()


def judge(site, monitor):
    """Every run is there once, none is missing between the first and the last."""
    rows = site.database.runs(monitor)
    scheduled = [row["scheduledDt"] for row in rows if row["scheduledDt"]]
    assert len(scheduled) == len(set(scheduled)), "a run was stored twice"
    site.verify_audit()


def test_a_database_that_is_away_is_waited_for(make_site, server):
    """Results made meanwhile wait in the runner's spool and are all there afterwards."""
    site, monitor = start(make_site, server)
    pid = site.process("router").pid
    crash(server)
    until(lambda: readiness(site) == 503, "/readyz is red")
    site.fail("no purchase order for 31 minutes")
    moment(random.Random(1), 3)
    assert site.mailbox.subjects() == []
    server.start()
    site.mailbox.wait(ALERT)
    until(lambda: readiness(site) == 200, "/readyz is green again")
    site.say("4 purchase orders in 5 minutes")
    site.mailbox.wait(RECOVERED)
    site.wait_quiet()
    assert site.process("router").pid == pid and site.process("router").is_running()
    assert site.mailbox.subjects() == [ALERT, RECOVERED]
    judge(site, monitor)


def test_a_router_starts_before_its_database(make_site, server):
    site = make_site(server=server)
    check = site.add_signal()
    crash(server)
    router = site.process("router").start()
    until(lambda: "waiting for it" in router.log(), "the router waits")
    server.start()
    router.wait_ready()
    site.start("runner", "notifier email")
    monitor = site.database.add_monitor("Compass POs", check, people=[OPERATOR])
    site.database.wait_runs(monitor, 1)


def test_killing_the_server_at_any_moment_loses_and_doubles_nothing(make_site, server):
    """Each round fails and heals the check, and the server is killed and started somewhere in between."""
    site, monitor = start(make_site, server)
    seed = random.randrange(1 << 32)
    print("seed", seed)
    moments = random.Random(seed)
    rounds = 4
    for turn in range(1, rounds + 1):
        for step, subject in ((lambda: site.fail(f"broken {turn}"), ALERT), (lambda: site.say(f"healed {turn}"), RECOVERED)):
            step()
            moment(moments, 1.2)
            crash(server)
            server.start()
            site.mailbox.wait(subject, turn)
    site.database.wait_state(monitor, "ok")
    site.wait_quiet()
    assert site.mailbox.subjects() == [ALERT, RECOVERED] * rounds
    assert [one["end"] for one in site.database.incidents(monitor)] == ["recovered"] * rounds
    assert site.process("router").is_running()
    judge(site, monitor)


def test_what_passes_by_itself_is_waited_out(make_site, server):
    """A server that is read-only, then one whose tables are locked, then one that hangs."""
    site, monitor = start(make_site, server)
    server.sql("SET GLOBAL read_only = 1")
    until(lambda: readiness(site) == 503, "/readyz is red while the server is read-only")
    server.sql("SET GLOBAL read_only = 0")
    until(lambda: readiness(site) == 200, "/readyz is green again")
    name = site.database.name
    with subprocess.Popen(["mariadb", "--no-defaults", f"--socket={server.socket}", "--user=root", name],
                          stdin=subprocess.PIPE, text=True) as client:
        client.stdin.write("LOCK TABLES Runners READ; SELECT SLEEP(1);\n")
        client.stdin.flush()
        until(lambda: readiness(site) == 503, "/readyz is red while a table is locked")
        client.stdin.close()
    until(lambda: readiness(site) == 200, "/readyz is green again")
    server.process.send_signal(signal.SIGSTOP)
    try:
        until(lambda: readiness(site) != 200, "/readyz is red while the server hangs", 60)
    finally:
        server.process.send_signal(signal.SIGCONT)
    until(lambda: readiness(site) == 200, "/readyz is green again", 60)
    site.database.wait_runs(monitor, 2)
    judge(site, monitor)


def test_doctor_and_the_status_see_a_server(make_site, server):
    site, _monitor = start(make_site, server)
    findings = {one["about"]: one for one in site.json("doctor")["findings"]}
    assert findings["store"]["text"].startswith("mysql://tocsin@localhost/")
    assert "on its server" in findings["disk"]["text"]
    token = open(os.path.join(site.site, "admin.token"), encoding="utf-8").read().strip()
    request = urllib.request.Request(f"{site.web_url}/api/v1/status", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        store = json.load(answer)["store"]
    assert store["freeBytes"] is None and store["fileBytes"] > 0
    server.sql(f"ALTER TABLE {site.database.name}.Monitors DROP COLUMN ackNote")
    told = site.tocsin("doctor", status=None).stdout
    assert "table Monitors has no column ackNote" in told
