"""The commands that work alone: init, config, migrate, audit, runner keys, cron next; and every wrong word."""
import hashlib
import json
import os
import socket
import sqlite3
import subprocess

import pytest

from support.installation import BIN


def mode(path):
    return path.stat().st_mode & 0o777


# --- init

def test_init_writes_a_whole_installation(cli):
    told = json.loads(cli.ok("init", "--dir", cli.site, "--json"))
    assert told["config"] == str(cli.site / "tocsin.yaml")
    token_file = cli.site / "admin.token"
    assert told["tokenFile"] == str(token_file)
    for secret in ("admin.token", "keys/router.key", "keys/runner.key", "keys/web.key", "keys/notifier-file.key",
                   "keys/audit.pem", "keys/names.key", "keys/link.key"):
        assert mode(cli.site / secret) == 0o600, secret
    assert mode(cli.site) == 0o700
    assert mode(cli.site / "tocsin.yaml") & 0o022 == 0
    roles = [line.split()[0] for line in (cli.site / "keys/allow").read_text().splitlines() if not line.startswith("#")]
    assert sorted(roles) == ["notifier", "runner", "web"]
    token = token_file.read_text().strip()
    with sqlite3.connect(cli.site / "tocsin.db") as database:
        rows = database.execute("SELECT name, role, hash FROM ApiTokens").fetchall()
    assert rows == [("admin", "admin", hashlib.sha256(token.encode()).digest())]
    assert token not in (cli.site / "tocsin.yaml").read_text()


def test_the_written_file_is_good_and_says_what_every_key_means(site):
    assert site.ok("config", "check") == f"{site.site}/tocsin.yaml: ok\n"
    text = (site.site / "tocsin.yaml").read_text()
    shown = json.loads(site.ok("config", "show", "--json"))
    for section in ("log", "keys", "store", "router", "runner", "notifier", "web"):
        for key in shown[section]:
            assert f"{key}:" in text, key
    assert shown["router"]["default_recipients"] == ["file:operator"]
    for listening in (shown["router"]["runners"], shown["web"]["listen"]):
        assert "127.0.0.1:" in listening


def test_a_second_init_touches_nothing(site):
    before = {path: path.read_bytes() for path in site.site.rglob("*") if path.is_file() and "tocsin.db" not in path.name}
    site.fails(1, "exists already; give another --dir", "init", "--dir", site.site)
    assert before == {path: path.read_bytes() for path in before}


def test_a_failed_init_leaves_nothing(cli):
    cli.fails(78, "router.default_recipients", "init", "--dir", cli.site, "--notify", "nobody")
    assert list(cli.site.iterdir()) == []
    cli.init()


def test_init_takes_other_ports_when_the_usual_ones_are_in_use(cli):
    held = []
    for port in (5570, 5571, 8080):
        one = socket.socket()
        try:
            one.bind(("127.0.0.1", port))
            one.listen()
            held.append(one)
        except OSError:
            one.close()
    cli.init()
    shown = json.loads(cli.ok("config", "show", "--json"))
    for one in held:
        one.close()
    ports = [text.rsplit(":", 1)[1] for text in (shown["router"]["runners"], shown["router"]["notifiers"], shown["web"]["listen"])]
    assert not {"5570", "5571", "8080"} & set(ports)
    assert len(set(ports)) == 3


def test_init_takes_a_port_for_web_where_a_socket_path_would_be_too_long(cli):
    cli.site = cli.directory / ("d" * 100)
    cli.init()
    assert json.loads(cli.ok("config", "show", "--json"))["router"]["web"].startswith("tcp://127.0.0.1:")


def test_init_demo_with_channels(cli):
    cli.init("--demo", "--smtp", "smtp://127.0.0.1:2525", "--slack", "http://127.0.0.1:9/hook", "--pagerduty",
             "http://127.0.0.1:9/v2/enqueue", "--source", "orders=sqlite:/tmp/orders.db", "--notify", "ops@example.com")
    shown = json.loads(cli.ok("config", "show", "--json"))
    assert shown["demo"] is True and shown["demo_since"].endswith("Z")
    assert set(shown["channels"]) == {"file", "email", "slack", "pagerduty"}
    assert (cli.site / "secrets/slack-ops").read_text() == "http://127.0.0.1:9/hook\n"
    assert "127.0.0.1:9/hook" not in (cli.site / "tocsin.yaml").read_text()
    assert shown["runner"]["sources"] == {"orders": {"url": "sqlite:/tmp/orders.db"}}
    assert shown["router"]["default_recipients"] == ["ops@example.com"]


# --- migrate

def test_migrate_twice(site):
    assert site.ok("migrate") == "the database is up to date\n"
    assert json.loads(site.ok("migrate", "--dry-run", "--json")) == {"dryRun": True, "steps": []}
    for path in site.site.glob("tocsin.db*"):
        path.unlink()
    dry = site.ok("migrate", "--dry-run")
    assert "CREATE TABLE" in dry
    assert not (site.site / "tocsin.db").exists()
    assert "applied " in site.ok("migrate")
    assert site.ok("migrate") == "the database is up to date\n"


# --- audit

def test_audit_verifies_the_store_and_an_export(site):
    told = json.loads(site.ok("audit", "verify", "--json"))
    assert told["ok"] is True and told["records"] == "1" and told["signaturesChecked"] is True
    site.ok("audit", "export", "out.jsonl")
    assert site.ok("audit", "export") == (site.directory / "out.jsonl").read_text()
    site.fails(1, "cannot make out.jsonl: File exists", "audit", "export", "out.jsonl")
    del site.environment["TOCSIN_CONFIG"]
    assert json.loads(site.ok("audit", "verify", "out.jsonl", "--json"))["head"] == told["head"]
    assert json.loads((site.directory / "out.jsonl").read_text())["seq"] == "1"


@pytest.mark.parametrize("old, new", [("admin", "adnin"), ('"seq":"1"', '"seq":"2"'), ('"format":1', '"format":9')])
def test_audit_names_the_first_bad_record(site, old, new):
    site.ok("audit", "export", "out.jsonl")
    path = site.directory / "out.jsonl"
    path.write_text(path.read_text().replace(old, new, 1))
    site.fails(1, "out.jsonl: line 1: ", "audit", "verify", "out.jsonl")


def test_audit_finds_a_tail_that_was_cut_off(site):
    (site.directory / "cut.jsonl").write_text(
        json.dumps({"checkpoint": "5", "at": "2026-01-01T00:00:00.000Z", "hash": "00" * 32, "signature": "00" * 70}) + "\n")
    site.fails(1, "checkpoint 5: the chain ends at record 0: its tail was cut off", "audit", "verify", "cut.jsonl")


def test_audit_tail(site):
    record = json.loads(site.ok("audit", "tail", "--json"))["records"][0]
    assert record["seq"] == "1" and record["record"]["type"] == "Token/Add"
    assert "the first token, made by tocsin init" in site.ok("audit", "tail")


# --- runner keys

def test_runner_add_and_revoke(site):
    there = site.directory / "there"
    there.mkdir()
    site.ok("runner", "add", "host9", "--dir", there)
    assert mode(there / "runner.key") == 0o600
    assert (there / "router.pub").read_text() == (site.site / "keys/router.pub").read_text()
    key = [line.split()[1] for line in (there / "runner.key").read_text().splitlines() if line.startswith("public ")]
    assert f"runner host9 {key[0]}\n" in (site.site / "keys/allow").read_text()
    site.fails(1, 'there is a runner "host9" already', "runner", "add", "host9", "--dir", there)
    site.ok("runner", "revoke", "host9")
    assert "host9" not in (site.site / "keys/allow").read_text()
    site.fails(1, 'knows no runner "host9"', "runner", "revoke", "host9")
    site.fails(64, "a runner's name is made of", "runner", "add", "two words")


# --- cron next: expectations by hand from docs/spec.md 2.7 and the zones' rules

@pytest.mark.parametrize("schedule, zone, begin, expected", [
    ("30 2 * * *", "America/Chicago", "2027-03-13T00:00:00Z",  # the second falls into the gap
     ["2027-03-13T08:30:00.000Z", "2027-03-14T08:00:00.000Z", "2027-03-15T07:30:00.000Z"]),
    ("30 1 * * *", "America/Chicago", "2027-11-06T12:00:00Z",  # comes twice, fires at its first pass
     ["2027-11-07T06:30:00.000Z", "2027-11-08T07:30:00.000Z"]),
    ("*/30 * * * *", "Europe/Berlin", "2027-10-31T00:00:00Z",  # elapsed time goes on
     ["2027-10-31T00:30:00.000Z", "2027-10-31T01:00:00.000Z", "2027-10-31T01:30:00.000Z"]),
    ("0 0 13 * 5", "UTC", "2026-02-01T00:00:00Z",  # day of month or day of week
     ["2026-02-06T00:00:00.000Z", "2026-02-13T00:00:00.000Z", "2026-02-20T00:00:00.000Z"]),
    ("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", ["2028-02-29T00:00:00.000Z", "2032-02-29T00:00:00.000Z"]),
    ("@every 90s", "UTC", "1970-01-01T00:00:00Z", ["1970-01-01T00:01:30.000Z", "1970-01-01T00:03:00.000Z"]),
    ("@monthly", "Asia/Tokyo", "2026-01-31T15:00:00+09:00", ["2026-01-31T15:00:00.000Z"]),
])
def test_cron_next(cli, schedule, zone, begin, expected):
    told = cli.ok("cron", "next", schedule, "--tz", zone, "--from", begin, "-n", len(expected), "--json")
    assert json.loads(told) == {"next": expected}


def test_cron_next_for_people_shows_both_clocks(cli):
    told = cli.ok("cron", "next", "30 2 * * *", "-n", "1", "--from", "2027-03-13T00:00:00Z")
    assert told == "2027-03-13T08:30:00.000Z  2027-03-13 02:30:00 CST\n"


@pytest.mark.parametrize("words, sentence", [
    (["61 * * * *"], "minute"),
    (["* * * *"], "4 fields instead of 5"),
    (["0 0 30 2 *"], "never"),
    (["* * * * *", "--tz", "America/Chicgo"], "America/Chicago"),
    (["* * * * *", "--from", "yesterday"], "--from: "),
    (["* * * * *", "-n", "0"], "--count: \"0\" is not a whole number from 1 to 1000"),
    (["x" * 300], "at most 255 bytes"),
])
def test_cron_next_refuses(cli, words, sentence):
    cli.fails(64, sentence, "cron", "next", *words)


# --- Words

def test_help_on_every_level(cli):
    everything = cli.ok("--help")
    for line in everything.split("Commands:\n")[1].split("\n\n")[0].splitlines():
        path = line.strip().split("  ")[0].split()
        told = cli.ok(*path, "--help")
        assert told.startswith(f"usage: tocsin {' '.join(path)}")
        assert cli.ok("-h", *path) == told
        if len(path) == 2:
            assert " ".join(path) in cli.ok(path[0], "--help")
    assert cli.ok("--version").startswith("tocsin ")


@pytest.mark.parametrize("words, sentence", [
    ([], "a command is missing; see tocsin --help"),
    (["mointor", "list"], 'did you mean "monitor"'),
    (["monitor"], "monitor needs one of its commands"),
    (["monitor", "shwo"], 'did you mean "monitor show"'),
    (["monitor", "show"], "tocsin monitor show needs MONITOR"),
    (["monitor", "show", "a", "b"], 'does not know what to do with "b"'),
    (["monitor", "list", "--stat", "ok"], "did you mean --state"),
    (["monitor", "list", "--state", "alret"], "did you mean alert"),
    (["monitor", "add", "--required-oks", "256"], "--required-oks: \"256\" is not a whole number from 0 to 255"),
    (["monitor", "add", "--timeout", "0"], "--timeout: "),
    (["monitor", "add", "--severity", "bad"], "info|warning|critical"),
    (["monitor", "add", "--name", "x"], "needs --name NAME and --check CHECK"),
    (["monitor", "run", "x", "--wait", "61"], "from 1 to 60"),
    (["monitor", "remove", "x"], "--yes"),
    (["ack", "x", "--for", "soon"], "a duration like 30s"),
    (["ack", "x", "--note"], "--note needs TEXT"),
    (["init"], "needs --dir DIR"),
    (["init", "--dir", "d", "--source", "noequals"], "is not NAME=URL"),
    (["init", "--dir", "d", "--from", "a@b.c"], "--smtp"),
    (["init", "--dir", "d", "--name", "two words"], "a runner's name is made of"),
    (["token", "add", "x", "--role", "root"], "viewer|operator|admin"),
    (["--color", "blue", "monitor", "list"], "auto|always|never"),
])
def test_wrong_usage_is_a_sentence_and_64(cli, words, sentence):
    cli.fails(64, sentence, *words)


NEEDS_CONFIG = [["up"], ["migrate"], ["config", "check"], ["config", "show"], ["audit", "tail"], ["audit", "verify"],
                ["audit", "export"], ["runner", "add", "x"], ["runner", "revoke", "x"], ["monitor", "list"], ["why", "x"],
                ["channel", "list"], ["notification", "list"], ["runner", "list"], ["token", "list"]]


@pytest.mark.parametrize("words", NEEDS_CONFIG, ids=" ".join)
def test_without_a_configuration(cli, words):
    cli.fails(78, "no configuration (give --config FILE, or make one with tocsin init", "--config", "none.yaml", *words)


@pytest.mark.parametrize("words", [["audit", "tail"], ["audit", "verify"], ["audit", "export"]], ids=" ".join)
def test_without_a_database(site, words):
    for path in site.site.glob("tocsin.db*"):
        path.unlink()
    site.fails(1, "tocsin migrate", *words)


def test_a_wrong_key_in_the_configuration_is_found_with_its_line(site):
    path = site.site / "tocsin.yaml"
    path.write_text(path.read_text().replace("\nweb:\n", "\nweb:\n  lisen: \"127.0.0.1:1\"\n"))
    line = path.read_text().split("  lisen:")[0].count("\n") + 1
    site.fails(78, f"tocsin.yaml:{line}: web.lisen: ", "config", "check")


def test_a_wrong_key_of_a_channel_is_found_by_its_program(site):
    path = site.site / "tocsin.yaml"
    path.write_text(path.read_text().replace('{"file":{"directory"', '{"file":{"directry"'))
    site.fails(78, "channels.file", "config", "check")


CHANNELS = 'channels: {"file"'


@pytest.mark.parametrize("key, value, sentence", [
    (CHANNELS, 'channels: {"teams":{},"file"', "channels.teams: there is no such channel; there are email, file, pagerduty, slack"),
    (CHANNELS, 'channels: {"slack":{"targets":{"ops":{"webhook":"file:/nonexistent"}}},"file"',
     "channels.slack.targets.ops.webhook: secret file:/nonexistent: cannot read"),
    (CHANNELS, 'channels: {"slack":{},"file"', "channels.slack needs targets with a webhook each, or a token"),
    (CHANNELS, 'channels: {"email":{"smtp":"mail.example.com","from":"a@b.c"},"file"', "channels.email.smtp must be smtp://host:port"),
    ('  default_recipients: ["file:operator"]', '  default_recipients: ["a b@c"]', 'router.default_recipients: "a b@c" is no mail address'),
    ("  # audit_key: ", '  audit_key: "file:/nonexistent"', "router.audit_key: secret file:/nonexistent: cannot read"),
    ("  # user: ", "  user: nobody-at-all", 'runner.user: there is no user "nobody-at-all" on this host'),
    ("  # tls_cert: ", '  tls_cert: "/nonexistent"\n  tls_key: "env:KEY"', "web.tls_cert: cannot read /nonexistent"),
])
def test_what_a_program_would_refuse_at_its_start_is_found_before(site, key, value, sentence):
    path = site.site / "tocsin.yaml"
    text = path.read_text()
    line = text.split(key)[0].count("\n") + 1
    path.write_text(text.replace(key, value, 1))
    site.fails(78, f"tocsin.yaml:{line}: {sentence}", "config", "check")


def with_source(site, settings):
    """The line on which the only source stands."""
    path = site.site / "tocsin.yaml"
    path.write_text(path.read_text().replace("  # sources: {}\n", f"  sources:\n    orders: {settings}\n"))
    return path.read_text().split("    orders:")[0].count("\n") + 1


@pytest.mark.parametrize("settings, sentence", [
    ('{url: "postgres://h/db"}', "url: must begin with sqlite: or mysql://"),
    ('{url: "sqlite:"}', "url: its path must have 1 to 1023 bytes"),
    ('{url: "mysql://u:pw@h/db"}', "url: must hold no password; give it as password: file:/path"),
    ('{url: "mysql://u@h:99999/db"}', "url: its port must be 1 to 65535"),
    ('{password: "env:X"}', "url: is missing"),
    ('{url: "mysql://u@h/db", passwort: "env:X"}', "passwort: unknown; did you mean password?"),
    ('{url: "mysql://u@h/db", password: hunter2}', "password: must be a reference to a secret"),
    ('{url: "mysql://u@h/db", password: "file:/nonexistent/pw"}', "password: secret file:/nonexistent/pw: cannot read"),
    ('{url: "mysql://u@h/db", password: "file:/etc/passwd"}', "password: secret file:/etc/passwd: /etc/passwd has mode 0644"),
    ('{url: "mysql://u@h/db", ca: "/nonexistent/ca.pem"}', "ca: cannot read /nonexistent/ca.pem"),
    ('{url: "mysql://u@h/db", timezone: Europe/Belrin}', 'timezone: there is no time zone "Europe/Belrin"; did you mean "Europe/Berlin"?'),
])
def test_a_source_that_no_check_could_use_is_refused(site, settings, sentence):
    line = with_source(site, settings)
    told = site.fails(78, f"tocsin.yaml:{line}: runner.sources.orders.{sentence}", "config", "check")
    assert "hunter2" not in told["detail"]
    doctor = json.loads(site.run("doctor", "--json").stdout)
    assert [one for one in doctor["findings"] if sentence in one["text"] and one["level"] == "problem"]


def test_what_only_the_service_can_see_of_a_source_is_not_judged(site):
    with_source(site, '{url: "mysql://u@h/db", password: "cred:orders", timezone: Europe/Berlin}')
    assert site.ok("config", "check").endswith("tocsin.yaml: ok\n")


def test_colour_is_for_terminals(site):
    site.environment["TERM"] = "xterm"
    assert "\033" not in site.ok("audit", "tail")
    assert "\033[" in site.ok("audit", "tail", "--color", "always")
    master, slave = os.openpty()
    command = [os.path.join(BIN, "tocsin"), "audit", "tail"]
    for extra, is_coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        subprocess.run(command, stdout=slave, env={**site.environment, **extra}, timeout=60, check=True)
        assert (b"\033[" in os.read(master, 65536)) == is_coloured, extra
    os.close(slave)
    os.close(master)
