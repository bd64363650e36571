"""tocsin-web as its users and its attackers see it."""
import json
import re
import socket
import subprocess
import threading
import time
import urllib.parse

import jsonschema
import pytest
from place import CANARY, ROOT, Place, Router, until

DOCUMENT = json.loads((ROOT / "web/openapi.json").read_text())


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    made = Place(tmp_path_factory.mktemp("web"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def router(place):
    made = Router(place)
    made.welcome()
    until(lambda: place.get("/readyz")[0] == 200)
    yield made
    made.close()


def check(path, status, answer):
    """The answer is what the document says."""
    content = DOCUMENT["paths"][path]["get"]["responses"][str(status)]
    if "$ref" in content:
        content = DOCUMENT["components"]["responses"]["Problem"]
    schema = next(iter(content["content"].values()))["schema"]
    jsonschema.Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(answer)


READS = [
    ("/api/v1/monitors", "/api/v1/monitors"), ("/api/v1/monitors", "/api/v1/monitors?state=alert&q=M&isActive=true&limit=1"),
    ("/api/v1/monitors/{monitor}", "/api/v1/monitors/1"), ("/api/v1/monitors/{monitor}", "/api/v1/monitors/m1"), ("/api/v1/monitors/{monitor}", "/api/v1/monitors/7"),
    ("/api/v1/monitors/{monitor}", "/api/v1/monitors/a%2Fb%20%25"),
    ("/api/v1/monitors/{monitor}/runs", "/api/v1/monitors/1/runs?limit=3"), ("/api/v1/monitors/{monitor}/why", "/api/v1/monitors/2/why"),
    ("/api/v1/incidents", "/api/v1/incidents?end=open&monitor=2"), ("/api/v1/incidents/{id}", "/api/v1/incidents/1"),
    ("/api/v1/notifications", "/api/v1/notifications?status=dead"), ("/api/v1/notifications/{id}", "/api/v1/notifications/1"),
    ("/api/v1/runners", "/api/v1/runners"), ("/api/v1/channels", "/api/v1/channels"), ("/api/v1/audit", "/api/v1/audit?limit=5"),
    ("/api/v1/tokens", "/api/v1/tokens"), ("/api/v1/status", "/api/v1/status"), ("/api/v1/openapi.json", "/api/v1/openapi.json"),
    ("/healthz", "/healthz"), ("/readyz", "/readyz"),
]


@pytest.mark.parametrize("path,url", READS)
def test_answers_are_as_documented(place, router, path, url):
    status, answer = place.json(url)
    assert status == 200, answer
    check(path, status, answer)


@pytest.mark.parametrize("url,status", [
    ("/api/v1/monitors/99", 404), ("/api/v1/monitors/nobody", 404), ("/api/v1/monitors/twin", 409), ("/api/v1/incidents/x", 404), ("/api/v1/incidents/9", 404),
    ("/api/v1/monitors?limit=0", 400), ("/api/v1/monitors?limit=1001", 400), ("/api/v1/monitors?limit=1e2", 400), ("/api/v1/monitors?cursor=x", 400),
    ("/api/v1/monitors?state=bad", 400), ("/api/v1/monitors?q=a&q=b", 400), ("/api/v1/monitors?stat=ok", 400), ("/api/v1/monitors/", 404),
    ("/../../etc/passwd", 400), ("/assets/%2e%2e%2fmain.c", 404), ("/assets/../main.c", 400), ("/api/v1/monitors/%00", 400), ("/api/v1/monitors/%ff", 400),
    ("/api/v1/monitors/%4", 400), ("//api/v1/monitors", 404), ("/API/v1/monitors", 404)])
def test_bad_addresses_are_problems(place, url, status):
    got = place.raw(f"GET {url} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {place.token}\r\n\r\n".encode())
    head, _, body = got.partition(b"\r\n\r\n")
    assert int(head.split()[1]) == status, got
    assert b"application/problem+json" in head
    problem = json.loads(body)
    jsonschema.validate(problem, DOCUMENT["components"]["schemas"]["Problem"])
    assert problem["status"] == status


def test_pages_follow_each_other(place):
    seen, cursor = [], ""
    while cursor is not None:
        _, answer = place.json("/api/v1/monitors/1/runs?limit=3" + (f"&cursor={cursor}" if cursor else ""))
        seen += [run["id"] for run in answer["runs"]]
        cursor = answer["nextCursor"]
    assert seen == ["7", "6", "5", "4", "3", "2", "1"]
    _, answer = place.json("/api/v1/monitors/1/runs?limit=1")
    assert answer["runs"][0] == {"id": "7", "isOk": True, "message": "run 7", "startedAt": "2026-03-01T12:00:01.000Z", "durationMs": 7, "runner": None,
                                 "state": "ok", "summary": "run 7", "scheduledAt": "2026-03-01T12:00:00.000Z", "reason": None, "metrics": None}


def test_rows_spoilt_by_hand_do_not_stop_others(place):
    _, answer = place.json("/api/v1/monitors")
    assert len(answer["monitors"]) == 8
    assert answer["monitors"][6]["params"] is None
    assert answer["monitors"][2]["name"] == CANARY  # JSON tells it as it is


def test_why_says_what_counts(place):
    _, why = place.json("/api/v1/monitors/3/why")
    assert any("0 of 2 OKs" in s for s in why["sentences"])
    assert any("anna" in s for s in why["sentences"])


def test_rights(place, router):
    viewer, operator = place.add_token("v", "viewer"), place.add_token("o", "operator")
    over = place.add_token("late", "admin", "2020-01-01 00:00:00")
    assert place.get("/api/v1/monitors", token=None)[0] == 401
    for wrong in ("x", over, place.token[:-1], place.token.upper() + "0"):
        assert place.get("/api/v1/monitors", token=wrong)[0] == 401
    assert place.get("/api/v1/monitors", token=viewer)[0] == 200
    assert place.get("/api/v1/tokens", token=operator)[0] == 403
    assert place.act("Monitor/Run", {"monitorId": 1}, token=viewer)[0] == 403
    assert place.act("Monitor/Remove", {"monitorId": 1}, token=operator)[0] == 403
    place.db.execute("DELETE FROM ApiTokens WHERE name = 'v'")
    assert place.get("/api/v1/monitors", token=viewer)[0] == 401  # at once
    assert place.get("/api/v1/monitors", headers={"Host": "evil.example"})[0] == 421
    assert place.act("Monitor/Run", {"monitorId": 1}, headers={"Origin": "http://evil.example"})[0] == 421


def test_signing_in(place):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert place.request("POST", "/login", b"token=wrong", token=None, headers=form)[0] == 403
    with socket.create_connection(("127.0.0.1", place.port)) as s:
        body = b"token=" + place.token.encode()
        s.sendall(b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        head = s.recv(65536).decode()
    cookie = re.search(r"Set-Cookie: (tocsin_session=[0-9a-f]{64}); HttpOnly; SameSite=Strict", head).group(1)
    assert place.get("/api/v1/monitors", token=None, headers={"Cookie": cookie})[0] == 200
    assert place.get("/api/v1/monitors", token=None, headers={"Cookie": cookie[:-1] + "x"})[0] == 401
    assert place.request("POST", "/logout", b"", token=None, headers={"Cookie": cookie})[0] == 200
    assert place.get("/api/v1/monitors", token=None, headers={"Cookie": cookie})[0] == 401


@pytest.mark.parametrize("asked,where", [
    ("/incidents/1", "/incidents/1"), ("/monitors/07", "/monitors/7"), ("/", "/"), ("//evil.example/incidents/1", "/"), ("https://evil.example/1", "/"),
    ("/\\evil.example", "/"), ("/incidents/x", "/"), ('/incidents/"><b>', "/"), ("/api/1", "/"), ("javascript:1", "/"), ("", "/")])
def test_signing_in_leads_to_where_a_mail_pointed(place, asked, where):
    query = urllib.parse.urlencode({"next": asked})
    status, _, text = place.get("/login?" + query, token=None)
    assert status == 200 and f'name="next" value="{where}"' in text
    for token, status in ((place.token, 200), ("wrong", 403)):
        got, _, text = place.request("POST", "/login", urllib.parse.urlencode({"token": token, "next": asked}).encode(), token=None)
        assert got == status and (f'content="0; url={where}"' if status == 200 else f'name="next" value="{where}"') in text


def in_background(fn):
    result = []
    thread = threading.Thread(target=lambda: result.append(fn()))
    thread.start()
    return lambda: (thread.join(20), result[0])[1]


def command(router):
    while True:
        word, seq, body = router.turn()
        if word == "command/1":
            return seq, body


def test_an_action_is_a_command(place, router):
    answer = in_background(lambda: place.act("Monitor/Pause", {"monitor": CANARY}, extra={"requestId": "r-1"}))
    seq, body = command(router)
    assert (body["requestId"], body["action"], body["parameters"]) == ("r-1", "Monitor/Pause", {"monitorId": 3})
    assert body["actor"] == {"name": "admin", "via": "token", "address": "127.0.0.1"}
    router.send("reply/1", seq, {"ok": True, "status": 200, "result": {"monitorId": 3}})
    assert answer() == (200, {"requestId": "r-1", "result": {"monitorId": 3}})


def test_a_refusal_names_the_member(place, router):
    answer = in_background(lambda: place.act("Monitor/Add", {"name": "x", "schedules": [{"schedule": "bad"}]}))
    seq, _ = command(router)
    router.send("reply/1", seq, {"ok": False, "status": 400, "problem": {"title": "t", "detail": "parameters.schedules[0].schedule: five fields"}})
    status, problem = answer()
    assert (status, problem["pointer"]) == (400, "/parameters/schedules/0/schedule")


def test_waiting_for_a_run(place, router):
    answer = in_background(lambda: place.act("Monitor/Run", {"monitorId": 1}, "?wait=10"))
    seq, _ = command(router)
    router.send("reply/1", seq, {"ok": True, "status": 202, "result": {"monitorId": 1}})
    place.db.execute("INSERT INTO MonitorRuns (id, monitorId, startedDt, durationMs, isOk, state, summary) VALUES (100, 1, '2026-03-01 12:00:00', 3, 1, 'ok', 'asked')")
    status, body = answer()
    assert (status, body["result"]["run"]["summary"]) == (200, "asked")
    place.db.execute("DELETE FROM MonitorRuns WHERE id = 100")


def test_a_new_token_is_seen_once(place, router):
    answer = in_background(lambda: place.act("Token/Add", {"name": "ci", "role": "viewer"}))
    seq, body = command(router)
    router.send("reply/1", seq, {"ok": True, "status": 200, "result": {"tokenId": 9}})
    import hashlib
    token = answer()[1]["result"]["token"]
    assert hashlib.sha256(token.encode()).hexdigest() == body["parameters"]["hash"]
    assert token not in json.dumps(body)


@pytest.mark.parametrize("body,status,pointer", [
    (b"", 400, ""), (b"{", 400, ""), (b"[]", 400, ""), (b'{"action":1}', 422, "/action"), (b'{"action":"Monitor/Rum"}', 422, "/action"),
    (b'{"action":"Monitor/Run","action":"Monitor/Run"}', 400, ""), (b'{"action":"Monitor/Run","parameters":[]}', 422, "/parameters"),
    (b'{"action":"Monitor/Run","parameters":{}}', 422, "/parameters/monitorId"), (b'{"action":"Monitor/Run","parameters":{"monitorId":"1"}}', 422, "/parameters/monitorId"),
    (b'{"action":"Monitor/Run","parameters":{"monitorId":99999999999}}', 422, "/parameters/monitorId"), (b'{"action":"Monitor/Run","parameters":{"monitorID":1}}', 422, "/parameters/monitorID"),
    (b'{"action":"Monitor/Add","parameters":{"name":"x","labels":[]}}', 422, "/parameters/labels"), (b'{"action":"Monitor/Add","parameters":{"name":"x","severity":"bad"}}', 422, "/parameters/severity"),
    (b'{"action":"Monitor/Run","requestId":"a b","parameters":{"monitorId":1}}', 422, "/requestId"), (b'{"action":"Monitor/Run","extra":1}', 422, None),
    (b'{"action":"Monitor/Run","parameters":' + b'{"a":' * 200 + b"1" + b"}" * 201, 400, ""), (b'\xff{"action":"Monitor/Run"}', 400, "")])
def test_bad_bodies(place, router, body, status, pointer):
    got, kind, text = place.request("POST", "/api/v1/actions", body, headers={"Content-Type": "application/json"})
    problem = json.loads(text)
    assert (got, problem.get("pointer")) == (status, pointer), text


def test_bodies_of_other_types_and_sizes(place):
    assert place.request("POST", "/api/v1/actions", b"a=1", headers={"Content-Type": "text/plain"})[0] == 415
    head = b"POST /api/v1/actions HTTP/1.1\r\nHost: localhost\r\n"
    assert b" 413 " in place.raw(head + b"Content-Length: 10485760\r\n\r\n" + b"x" * 10000)
    assert b" 411 " in place.raw(head + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    assert b" 405 " in place.raw(b"DELETE /api/v1/monitors HTTP/1.1\r\nHost: localhost\r\n\r\n")


@pytest.mark.parametrize("head", [
    b"Content-Length: 2\r\nContent-Length: 3\r\n", b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", b"Host: other\r\n", b"Authorization: a\r\nAuthorization: b\r\n"])
def test_doubled_headers_end_the_connection(place, head):
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    got = place.raw(b"POST /login HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n{}" + smuggled)
    assert re.match(rb"HTTP/1.1 4(00|11) ", got) and b"pass" not in got, got


def test_no_host_is_refused(place):
    assert place.raw(b"GET /healthz HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400")


def test_slow_clients_harm_nobody(place):
    slow = [socket.create_connection(("127.0.0.1", place.port)) for _ in range(200)]
    for s in slow:
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: lo")
    begun = time.monotonic()
    assert place.get("/healthz")[0] == 200
    assert time.monotonic() - begun < 2
    slow[0].settimeout(20)
    gone = None
    while gone is None and time.monotonic() - begun < 20:
        try:
            slow[0].sendall(b"c")
            slow[0].settimeout(0.5)
            gone = slow[0].recv(100)
        except TimeoutError:
            pass
        except OSError:
            gone = b""
    assert gone is not None and time.monotonic() - begun > 5  # one byte at a time does not keep it open
    for s in slow:
        s.close()


def test_events(place, router):
    with socket.create_connection(("127.0.0.1", place.port), timeout=15) as s:
        s.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {place.token}\r\n\r\n".encode())
        got = b""
        while b"event: status" not in got:
            got += s.recv(65536)
        router.send("change/1", 0, {"monitors": [1], "incidents": ["1"]})
        while b"event: change" not in got or b'{"monitors":[1],"incidents":["1"]}' not in got:
            got += s.recv(65536)


def test_metrics(place, router):
    status, kind, text = place.get("/metrics", token=None)
    assert status == 200 and kind.startswith("text/plain; version=0.0.4")
    subprocess.run(["promtool", "check", "metrics"], input=text.encode(), check=True)
    assert 'tocsin_monitor_state{monitor="2",state="alert"} 1' in text
    assert "script" not in text and "m1" not in text and place.token not in text


def test_the_page_holds_no_data_and_writes_text_as_text(place, router, tmp_path):
    assert place.get("/", token=None)[0] == 200
    answer = place.get("/monitors/3", token=None)
    assert answer[0] == 200 and "script>alert" not in answer[2]
    source = (ROOT / "web/assets/page.js").read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", source)


def test_without_the_router(tmp_path):
    place = Place(tmp_path)
    try:
        assert place.get("/readyz")[0] == 503
        status, problem = place.act("Monitor/Run", {"monitorId": 1})
        assert status == 503 and "router" in problem["detail"]
        assert place.json("/api/v1/monitors")[0] == 200  # reading goes on
        assert place.json("/api/v1/status")[1]["router"]["isReachable"] is False
    finally:
        place.close()
