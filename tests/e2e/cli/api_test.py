"""The commands over the API: what they ask, what they show, and each way in which it can go wrong."""
import json
import re

import pytest

from support.fake_api import monitor

MONITOR_COMMANDS = [
    ["monitor", "show"], ["monitor", "edit", "--timeout", "9"], ["monitor", "pause"], ["monitor", "resume"],
    ["monitor", "run"], ["monitor", "reset"], ["monitor", "history"], ["monitor", "remove", "--yes"], ["ack"], ["unack"],
    ["why"]]
OTHERS = [["monitor", "list"], ["monitor", "add", "--name", "a", "--check", "sql"], ["notification", "list"],
          ["notification", "show", "1"], ["notification", "retry", "1"], ["channel", "list"], ["channel", "test", "a@b.c"],
          ["runner", "list"], ["token", "list"], ["token", "add", "x"], ["token", "remove", "1"]]
ALL = [command + ["x"] for command in MONITOR_COMMANDS] + OTHERS


# --- What goes wrong

@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_nobody_answers(cli, api, words):
    cli.environment["TOCSIN_URL"] = "http://127.0.0.1:1"
    cli.fails(69, "tocsin does not answer at http://127.0.0.1:1 (", *words)


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_wrong_token(cli, api, words):
    path = cli.directory / "token"
    path.write_text("tocsin_wrong\n")
    told = cli.fails(77, "the token is not known", *words)
    assert told["status"] == 401


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_something_else_answers(cli, api, words):
    api.raw = (200, b"<html>hello</html>")
    cli.fails(1, "it answered with something else", *words)


@pytest.mark.parametrize("status, code", [(400, 64), (403, 77), (404, 1), (409, 1), (422, 64), (429, 75), (500, 1), (503, 75)])
def test_each_problem_is_its_sentence_and_a_status(cli, api, status, code):
    problem = {"type": "about:blank", "title": "t", "status": status, "detail": "a sentence", "pointer": "/parameters/x"}
    api.raw = (status, json.dumps(problem).encode())
    done = cli.run("monitor", "list", "--json")
    assert done.returncode == code
    assert done.stderr == "tocsin: a sentence (/parameters/x)\n"
    assert json.loads(done.stdout) == problem
    api.raw = (status, b"proxy says no")
    cli.fails(code, f"answered with HTTP status {status}", "monitor", "list")


def test_token_file_that_others_may_read(cli, api):
    (cli.directory / "token").chmod(0o644)
    cli.fails(77, "no access token (give --token-file FILE)", "monitor", "list")
    (cli.directory / "token").unlink()
    cli.fails(77, "no access token (give --token-file FILE)", "monitor", "list")


@pytest.mark.parametrize("words", [["monitor", "show"], ["monitor", "history"], ["why"]], ids=" ".join)
def test_unknown_monitor(cli, api, words):
    cli.fails(1, 'no monitor is called "x y/z"', *words, "x y/z")


# --- What is shown

def test_monitor_list(cli, api):
    api.monitors = [
        monitor(1, "Compass POs", lastResultMessage="all good"), monitor(2, "Edi", state="alert"),
        monitor(3, "Old", isActive=False), monitor(4, "Bad", problem="params is no JSON"),
        monitor(5, "Acked", state="alert", acknowledgedDt="2026-01-01T00:00:00.000Z")]
    lines = cli.ok("monitor", "list").splitlines()
    assert [re.split(" {2,}", line.strip())[1] for line in lines] == ["STATE", "ok", "ALERT", "paused", "unusable", "ALERT (ack)"]
    assert json.loads(cli.ok("monitor", "list", "--json")) == {"monitors": api.monitors, "nextCursor": None}
    assert [row["id"] for row in json.loads(cli.ok("monitor", "list", "--state", "alert", "--json"))["monitors"]] == [2, 5]
    assert [row["id"] for row in json.loads(cli.ok("monitor", "list", "--name", "pass po", "--json"))["monitors"]] == [1]


def test_lists_go_through_all_pages(cli, api):
    api.monitors = [monitor(number, f"m{number}") for number in range(1, 351)]
    assert len(json.loads(cli.ok("monitor", "list", "--json"))["monitors"]) == 350
    assert len(cli.ok("monitor", "list").splitlines()) == 351


def test_an_empty_list(cli, api):
    done = cli.run("monitor", "list")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "there are no monitors yet; add one with tocsin monitor add\n"


def test_nothing_from_outside_steers_the_terminal(cli, api):
    api.monitors = [monitor(1, "\x1b[2J\u202egone\nline", lastResultMessage="\x07bell")]
    for words in (["monitor", "list"], ["monitor", "show", "1"]):
        told = cli.ok(*words)
        assert not set("\x1b\x07\u202e") & set(told)
        assert "gone\\nline" in told


def test_history_is_what_the_interface_says(cli, api):
    api.monitors = [monitor(1, "Compass POs")]
    api.lists["runs"] = [
        {"id": str(9 - number), "isOk": number == 0, "message": "m", "startedAt": "2026-01-01T00:00:00.000Z", "durationMs": 1500,
         "runner": "host7", "state": "alert", "summary": "s", "scheduledAt": None, "reason": None, "metrics": None}
        for number in range(150)]
    runs = json.loads(cli.ok("monitor", "history", "Compass POs", "--json"))["runs"]
    assert runs == api.lists["runs"][:20]
    assert len(json.loads(cli.ok("monitor", "history", "1", "-n", "130", "--json"))["runs"]) == 130
    assert "FAILED" in cli.ok("monitor", "history", "1") and "1 s" in cli.ok("monitor", "history", "1")


def test_why(cli, api):
    api.monitors = [monitor(1, "a")]
    api.why = {"monitor": api.monitors[0], "incident": None, "sentences": ["ALERT since noon."], "decisions": [
        {"seq": "8", "at": "2026-01-01T00:00:00.000Z", "kind": "notification", "reason": "window_open",
         "sentence": "The last reminder is too young.", "isWithheld": True, "detail": None}], "notifications": []}
    told = cli.ok("why", "a")
    assert told.startswith("ALERT since noon.\n")
    assert "withheld  The last reminder is too young." in told
    assert json.loads(cli.ok("why", "a", "--json")) == api.why


# --- What is asked

@pytest.mark.parametrize("words, action, parameters", [
    (["monitor", "pause", "x"], "Monitor/Pause", {"monitor": "x"}),
    (["monitor", "resume", "x"], "Monitor/Resume", {"monitor": "x"}),
    (["monitor", "reset", "x"], "Monitor/Reset", {"monitor": "x"}),
    (["monitor", "reset", "x", "--quiet"], "Monitor/Reset", {"monitor": "x", "isQuiet": True}),
    (["monitor", "remove", "x", "--yes"], "Monitor/Remove", {"monitor": "x"}),
    (["monitor", "run", "x"], "Monitor/Run", {"monitor": "x"}),
    (["ack", "x", "--note", "on it", "--keep-minutes", "5"], "Incident/Acknowledge",
     {"monitor": "x", "note": "on it", "keepMinutes": 5}),
    (["unack", "x"], "Incident/Unacknowledge", {"monitor": "x"}),
    (["notification", "retry", "31"], "Notification/Retry", {"notificationId": "31"}),
    (["channel", "test", "a@b.c"], "Channel/Test", {"channel": "email", "target": "a@b.c"}),
    (["channel", "test", "slack:#ops"], "Channel/Test", {"channel": "slack", "target": "#ops"}),
    (["token", "remove", "3"], "Token/Remove", {"tokenId": 3}),
    (["monitor", "add", "--name", "n", "--check", "exec:c", "--params", '{"a": 30}', "--schedule", "*/5 * * * *",
      "--schedule", "@daily", "--tz", "UTC", "--notify", "a@b.c", "--notify", "slack:#ops", "--required-oks", "2",
      "--required-failures", "3", "--reminder-minutes", "60", "--timeout", "9", "--runs-on", "host7", "--severity", "warning",
      "--label", "team=erp", "--label", "x=a=b", "--runbook", "https://wiki/x", "--inactive"], "Monitor/Add",
     {"name": "n", "checkName": "exec:c", "params": {"a": 30}, "schedules": [
         {"schedule": "*/5 * * * *", "timezone": "UTC"}, {"schedule": "@daily", "timezone": "UTC"}],
      "peopleToNotify": ["a@b.c", "slack:#ops"], "requiredConsecutiveOks": 2, "requiredConsecutiveFailures": 3,
      "reminderFrequencyMinutes": 60, "timeoutSeconds": 9, "runsOn": "host7", "severity": "warning",
      "labels": {"team": "erp", "x": "a=b"}, "runbookUrl": "https://wiki/x", "isActive": False}),
    (["monitor", "edit", "x", "--notify-nobody", "--runs-on", ""], "Monitor/Edit",
     {"monitor": "x", "runsOn": None, "peopleToNotify": []}),
])
def test_actions(cli, api, words, action, parameters):
    told = json.loads(cli.ok(*words, "--json"))
    assert [(one["action"], one["parameters"]) for one in api.actions] == [(action, parameters)]
    assert re.fullmatch("[0-9a-f]{32}", api.actions[0]["requestId"]) and told["requestId"] == api.actions[0]["requestId"]
    assert cli.ok(*words).count("\n") == 1


def test_run_and_wait(cli, api):
    api.results["Monitor/Run"] = (200, {"run": {"isOk": False, "message": "exit 3"}})
    assert cli.ok("monitor", "run", "x", "--wait", "5") == "FAILED: exit 3\n"
    assert api.paths[-1] == "/api/v1/actions?wait=5"


def test_a_token_is_shown_once(cli, api):
    api.results["Token/Add"] = (200, {"tokenId": 3, "token": "tocsin_new"})
    assert cli.ok("token", "add", "ci", "--role", "operator") == "tocsin_new\n"
    assert api.actions == [{"action": "Token/Add", "parameters": {"name": "ci", "role": "operator"}}]


@pytest.mark.parametrize("words, sentence", [
    (["monitor", "add", "--name", "a", "--check", "sql", "--params", "{"], "--params: "),
    (["monitor", "add", "--name", "a", "--check", "sql", "--params", "[]"], "--params must be a JSON object"),
    (["monitor", "add", "--name", "a", "--check", "sql", "--label", "x"], "is not NAME=TEXT"),
    (["monitor", "add", "--name", "a", "--check", "sql", "--tz", "UTC"], "--tz is of use with --schedule only"),
    (["monitor", "edit", "x"], "nothing to change was given"),
    (["monitor", "edit", "x", "--notify", "a@b.c", "--notify-nobody"], "exclude each other"),
    (["channel", "test", "nobody"], "neither an address nor CHANNEL:TARGET"),
    (["channel", "test", "slack:"], "neither an address nor CHANNEL:TARGET"),
    (["token", "remove", "first"], "is not the id of a token"),
])
def test_what_is_refused_before_asking(cli, api, words, sentence):
    cli.fails(64, sentence, *words)
    assert api.actions == []
