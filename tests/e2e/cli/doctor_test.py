"""doctor on a healthy installation, and on many that are broken in one way each."""
import json
import sqlite3

import pytest

from support.fake_api import FakeApi


def problems(cli, status=1):
    done = cli.run("doctor", "--json")
    told = json.loads(done.stdout)
    found = [f"{one['about']}: {one['text']}" for one in told["findings"] if one["level"] == "problem"]
    assert done.returncode == status, found
    assert told["ok"] is (status == 0)
    return found


@pytest.fixture
def healthy(api, site):
    """An installation whose programs are all there, and whose API answers with its own token."""
    programs = site.directory / "programs"
    programs.mkdir()
    for name in ("router", "web"):
        path = programs / f"tocsin-{name}"
        path.write_text("#!/bin/sh\nexit 0\n")
        path.chmod(0o755)
    site.environment["PATH"] += f":{programs}"
    return site


def sql(site, *statements):
    database = sqlite3.connect(site.site / "tocsin.db")
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()


ADD = "INSERT INTO Monitors (name, checkName, params, peopleToNotify) VALUES ('a', 'exec:x', '{}', '[\"a@b.c\"]')"
CRON = "INSERT INTO CronJobs (schedule, timezone, action, parameters) VALUES ('* * * * *', 'UTC', 'Monitor/Run', '{\"monitorId\": 1}')"


def test_healthy(healthy):
    sql(healthy, ADD, CRON)
    assert problems(healthy, status=0) == []
    lines = healthy.ok("doctor").splitlines()
    assert all(line.startswith(("ok  ", "note  ")) for line in lines)


@pytest.mark.parametrize("path, sentence", [
    ("keys/router.key", "keys/router.key"), ("keys/runner.key", "keys/runner.key"), ("keys/web.key", "keys/web.key"),
    ("keys/notifier-file.key", "keys/notifier-file.key"), ("keys/audit.pem", "keys/audit.pem"),
    ("keys/names.key", "keys/names.key"), ("keys/link.key", "keys/link.key")])
def test_a_secret_that_others_may_read_or_that_is_gone(healthy, path, sentence):
    secret = healthy.site / path
    secret.chmod(0o644)
    assert any(sentence in one and one.startswith("keys: ") for one in problems(healthy))
    secret.unlink()
    assert any(sentence in one and one.startswith("keys: ") for one in problems(healthy))


def test_a_key_that_is_not_in_the_list(healthy):
    allow = healthy.site / "keys/allow"
    lines = [line for line in allow.read_text().splitlines(True) if not line.startswith("web ")]
    allow.write_text("".join(lines))
    assert any("web.key is not in the router's list: add the line \"web web " in one for one in problems(healthy))


def test_a_key_that_is_listed_as_somebody_else(healthy):
    allow = healthy.site / "keys/allow"
    allow.write_text(allow.read_text().replace("notifier file", "notifier post"))
    assert any('is listed as notifier "post", not as notifier "file"' in one for one in problems(healthy))


def test_a_broken_list(healthy):
    (healthy.site / "keys/allow").write_text("king arthur x\n")
    assert any("keys/allow" in one for one in problems(healthy))


def test_another_routers_public_key(healthy):
    public = (healthy.site / "keys/web.key").read_text().split("\n")[1]
    (healthy.site / "keys/router.pub").write_text(public + "\n")
    assert any("is not the public half of" in one for one in problems(healthy))


def test_no_database(healthy):
    for path in healthy.site.glob("tocsin.db*"):
        path.unlink()
    assert any(one.startswith("store: ") and "tocsin migrate" in one for one in problems(healthy))


@pytest.mark.parametrize("statements, sentence", [
    ([ADD], 'monitor 1 "a" is active and has no active schedule, so it never runs'),
    ([ADD, CRON.replace("* * * * *", "61 * * * *")], "CronJobs 1 of monitor 1: "),
    ([ADD, CRON.replace("UTC", "Mars/Olympus")], "CronJobs 1 of monitor 1: "),
    ([ADD, CRON, CRON.replace('\": 1', '\": 77')], "there is no monitor 77"),
    ([ADD.replace("exec:x", "teleport"), CRON], '1 "a": '),
    ([ADD.replace("'exec:x', '{}'", "'http', '{}'"), CRON], "params"),
    ([ADD.replace("'[\"a@b.c\"]'", "NULL"), CRON], "peopleToNotify is no JSON array"),
    ([ADD.replace("'exec:x'", "NULL"), CRON], "neither checkName nor phpClass"),
])
def test_rows_that_hands_have_spoilt(healthy, statements, sentence):
    sql(healthy, *statements)
    assert any(sentence in one for one in problems(healthy)), problems(healthy)


@pytest.mark.parametrize("statements, sentence", [
    ([ADD.replace("[\"a@b.c\"]", "[]"), CRON], "peopleToNotify is [], so nobody is told"),
    ([ADD, CRON, CRON], "has 2 active schedules"),
])
def test_what_is_allowed_but_seldom_meant(healthy, statements, sentence):
    sql(healthy, *statements)
    told = json.loads(healthy.ok("doctor", "--json"))
    assert any(one["level"] == "note" and sentence in one["text"] for one in told["findings"])


def test_an_audit_record_that_was_changed(healthy):
    sql(healthy, "UPDATE AuditLog SET bytes = CAST(replace(CAST(bytes AS TEXT), 'admin', 'adnin') AS BLOB) WHERE seq = 1")
    assert any(one.startswith("audit: ") and "record 1" in one for one in problems(healthy))


def test_nobody_is_told_of_tocsins_own_troubles(healthy):
    path = healthy.site / "tocsin.yaml"
    path.write_text(path.read_text().replace('default_recipients: ["file:operator"]', "default_recipients: []"))
    assert any("default_recipients is empty" in one for one in problems(healthy))


def test_a_configuration_that_everybody_may_write(healthy):
    (healthy.site / "tocsin.yaml").chmod(0o646)
    assert any("everybody may write it; run chmod o-w" in one for one in problems(healthy))


def test_an_unusable_configuration(healthy):
    (healthy.site / "tocsin.yaml").write_text("wbe: {}\n")
    assert any("did you mean" in one or "web" in one for one in problems(healthy))


def test_what_the_api_tells(api, healthy):
    assert isinstance(api, FakeApi)
    api.status = {"router": {"isReachable": True, "isStoreOk": False},
                  "runners": [{"name": "host7", "isConnected": True}, {"name": "host9", "isConnected": False}],
                  "channels": [{"name": "email", "isConnected": False}]}
    found = problems(healthy)
    assert "router: it can't write its database; see its log" in found
    assert [one for one in found if one.startswith("runners:")] == [
        "runners: host9 is not connected; start it, or run tocsin runner revoke host9"]
    assert any(one.startswith("channels: email is not connected") for one in found)
    api.status = {"router": {"isReachable": False}}
    assert "router: the web process can't reach it; see its log and keys" in problems(healthy)
