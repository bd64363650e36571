"""Links to acknowledge as people, mail filters and forgers use them. The links are signed here, by Python's
hmac, from the rule that lib/sys/acklink.h writes down."""
import hashlib
import hmac
import html.parser
import itertools
import json
import re
import socket
import time
import urllib.parse

import pytest
from place import CANARY, Place, Router, until

OPS, SECOND = "email:ops@example.com", "slack:#ops"
ids = itertools.count(100)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    made = Place(tmp_path_factory.mktemp("ack"))
    made.key = bytes.fromhex((made.dir / "keys/link.key").read_text())
    yield made
    made.close()


@pytest.fixture(scope="module")
def router(place):
    made = Router(place)
    made.welcome()
    until(lambda: place.get("/readyz")[0] == 200)
    yield made
    made.close()


def sign(key, incident, recipient, expiry):
    signed = b"\0".join([b"ack", str(incident).encode(), recipient.encode(), str(expiry).encode()])
    return f"{incident}.{expiry}.{hmac.new(key, signed, hashlib.sha256).hexdigest()}"


class Case:
    """An open incident of a monitor in alert, of which two were told."""

    def __init__(self, place, name="Compass POs"):
        self.place, self.monitor, self.incident = place, next(ids), next(ids)
        told = [{"target": target, "told": "yes", "round": 1, "keepsAlert": False} for target in (OPS, SECOND)]
        place.db.execute("INSERT INTO Monitors (id, name, checkName, state, peopleToNotify) VALUES (?, ?, 'http', 'alert', '[]')", (self.monitor, name))
        place.db.execute("INSERT INTO Incidents (id, monitorId, monitorName, openedDt, told, message) VALUES (?, ?, ?, '2026-03-01 12:00:00', ?, ?)",
                         (self.incident, self.monitor, name, json.dumps(told), "no order for 31 minutes " + CANARY))

    def path(self, recipient=OPS, seconds=3600, key=None):
        return "/ack/" + sign(key or self.place.key, self.incident, recipient, int(time.time()) + seconds)

    def acknowledge(self, by="ops@example.com"):
        """What the router does."""
        self.place.db.execute("UPDATE Monitors SET acknowledgedDt = '2026-03-01 12:05:00', acknowledgedBy = ?, ackNote = ? WHERE id = ?", (by, CANARY, self.monitor))

    def close(self):
        self.place.db.execute("UPDATE Incidents SET end = 'recovered', closedDt = '2026-03-01 12:30:00' WHERE id = ?", (self.incident,))


def ask(place, method, path, body=b"", headers=()):
    """(status, headers, text), with no session and no token."""
    with socket.create_connection(("127.0.0.1", place.port), timeout=20) as s:
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", f"Content-Length: {len(body)}", *headers]
        s.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        got = b""
        while chunk := s.recv(65536):
            got += chunk
    head, _, text = got.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in lines), text.decode()


def post(place, path, note=None, headers=("Origin: null", "Content-Type: application/x-www-form-urlencoded")):
    return ask(place, "POST", path, urllib.parse.urlencode({"note": note} if note is not None else {}).encode(), headers)


def in_background(fn):
    import threading
    result = []
    thread = threading.Thread(target=lambda: result.append(fn()))
    thread.start()
    return lambda: (thread.join(20), result[0])[1]


def command(router):
    while True:
        word, seq, body = router.turn()
        if word == "command/1":
            return seq, body


def no_command(router):
    while router.socket.poll(300):
        assert router.turn()[0] != "command/1"


def count(place, result):
    return int(re.search(rf'^tocsin_ack_links_total{{result="{result}"}} (\d+)$', place.get("/metrics", token=None)[2], re.M).group(1))


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)


def test_looking_shows_a_form_and_does_nothing(place, router):
    case = Case(place, CANARY)
    for method in ("GET", "HEAD", "GET", "GET"):
        status, headers, text = ask(place, method, case.path())
        assert status == 200, text
        assert headers["referrer-policy"] == "no-referrer" and headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"] and "script-src" not in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"] and "form-action 'self'" in headers["content-security-policy"]
        assert "set-cookie" not in headers
    page = Page(text)
    assert [attrs for tag, attrs in page.tags if tag == "form"] == [{"method": "post"}]
    assert not {tag for tag, _ in page.tags} & {"script", "iframe", "img"}
    said = "".join(page.words)
    assert CANARY.rstrip("\u202e") in said and "no order for 31 minutes" in said and "2026-03-01 12:00:00 UTC" in said and "ops@example.com" in said
    assert "<script>alert(1)" not in text
    no_command(router)


def test_sending_the_form_acknowledges_as_the_recipient(place, router):
    case, done = Case(place), count(place, "acknowledged")
    path = case.path()
    answer = in_background(lambda: post(place, path, "  on it " + CANARY + " "))
    seq, body = command(router)
    assert body["actor"] == {"name": "ops@example.com", "via": "link", "address": "127.0.0.1"}
    assert body["action"] == "Incident/Acknowledge"
    assert body["parameters"] == {"monitorId": case.monitor, "incidentId": str(case.incident), "ifUnacknowledged": True, "note": "on it " + CANARY}
    assert not set(path.rsplit(".", 1)[1][i:i + 16] for i in range(49)) & {body["requestId"][i:i + 16] for i in range(40)}  # no token in the database
    first = body["requestId"]
    case.acknowledge()
    router.send("reply/1", seq, {"ok": True, "status": 200, "result": {}})
    status, _, text = answer()
    assert status == 200 and "Acknowledged by <b>ops@example.com</b>" in text and "2026-03-01 12:05:00 UTC" in text
    assert count(place, "acknowledged") == done + 1
    for method in ("GET", "POST"):  # again, and the other recipient: who was first
        for link in (path, case.path(SECOND)):
            status, _, text = ask(place, method, link)
            assert status == 200 and "Acknowledged by <b>ops@example.com</b>" in text and "<form" not in text
            assert "<script>" not in text
    no_command(router)
    # It was taken back: this link did its work, another recipient's still may.
    place.db.execute("UPDATE Monitors SET acknowledgedDt = NULL WHERE id = ?", (case.monitor,))
    place.db.execute("INSERT INTO Commands (requestId, dt, reply) VALUES (?, '2026-03-01 12:05:00', '{}')", (first,))
    for method in ("GET", "POST"):
        status, _, text = ask(place, method, path)
        assert status == 410 and "has been used" in text
    no_command(router)
    answer = in_background(lambda: post(place, case.path(SECOND)))
    seq, body = command(router)
    assert body["actor"]["name"] == SECOND and body["requestId"] != first and "note" not in body["parameters"]
    case.acknowledge(SECOND)
    router.send("reply/1", seq, {"ok": True, "status": 200, "result": {}})
    assert "Acknowledged by <b>slack:#ops</b>" in answer()[2]


@pytest.mark.parametrize("seconds,status,word", [(-1, 410, "expired"), (-3600, 410, "expired"), (30, 200, "<form")])
def test_expiry(place, router, seconds, status, word):
    case = Case(place)
    got, _, text = ask(place, "GET", case.path(seconds=seconds))
    assert got == status and word in text
    if status == 410:
        assert post(place, case.path(seconds=seconds))[0] == 410
        no_command(router)


def test_an_ended_incident_takes_nothing_and_the_next_one_neither(place, router):
    case = Case(place)
    path = case.path()
    case.close()
    other = Case(place)  # the same monitor's next incident
    place.db.execute("UPDATE Incidents SET monitorId = ? WHERE id = ?", (case.monitor, other.incident))
    for method in ("GET", "POST"):
        status, _, text = ask(place, method, path)
        assert status == 410 and "recovered at 2026-03-01 12:30:00 UTC" in text and "<form" not in text
    no_command(router)


def forgeries(place, case):
    good = case.path()
    incident, expiry, mac = good.removeprefix("/ack/").split(".")
    other = Case(place)
    yield f"/ack/{other.incident}.{expiry}.{mac}"
    yield f"/ack/{incident}.{int(expiry) + 1}.{mac}"
    yield f"/ack/{incident}.{expiry}.{mac[::-1]}"
    yield f"/ack/{incident}.{expiry}.{mac.upper()}"
    yield f"/ack/0{incident}.{expiry}.{mac}"
    yield f"/ack/{incident}.{expiry}."
    yield f"/ack/{incident}.{expiry}"
    yield "/ack/x"
    yield "/ack/" + "9" * 700
    yield case.path("email:stranger@example.com")
    yield case.path("email:ops@example.com\n")
    yield case.path("")
    yield case.path(key=bytes(32))
    yield "/ack/" + sign(place.key, 987654321, OPS, int(time.time()) + 60)
    yield "/ack/" + sign(place.key, 2**64 - 1, OPS, int(time.time()) + 60)


def test_forged_links_are_worth_nothing(place, router):
    case, before = Case(place), count(place, "forged")
    tried = list(forgeries(place, case))
    for path in tried:
        for method in ("GET", "POST"):
            status, headers, text = ask(place, method, path)
            assert status == 403 and "not valid" in text, path
            assert headers["referrer-policy"] == "no-referrer"
            assert "Compass" not in text and str(case.incident) not in text
    assert count(place, "forged") == before + 2 * len(tried)
    no_command(router)
    assert ask(place, "GET", case.path())[0] == 200


def test_a_link_opens_nothing_else(place, router):
    token = Case(place).path().removeprefix("/ack/")
    for header in (f"Authorization: Bearer {token}", f"Cookie: tocsin_session={token}"):
        assert ask(place, "GET", "/api/v1/monitors", headers=[header])[0] == 401
        assert ask(place, "POST", "/api/v1/actions", b"{}", [header])[0] == 401
    for method in ("PUT", "DELETE", "PATCH"):
        assert ask(place, method, "/ack/" + token)[0] == 405
    assert ask(place, "GET", "/ack/" + token + "/x")[0] == 404
    assert ask(place, "POST", "/login", b"token=x", ["Origin: null"])[0] == 421  # only links take any page
    no_command(router)


def test_keys_change_while_web_runs(place, router):
    case, file = Case(place), place.dir / "keys/link.key"
    old, fresh = file.read_text().strip(), "ab" * 32
    try:
        file.write_text(f"{fresh}\n{old}\n")
        assert ask(place, "GET", case.path())[0] == 200
        assert ask(place, "GET", case.path(key=bytes.fromhex(fresh)))[0] == 200
        file.write_text(f"{fresh}\n")
        assert ask(place, "GET", case.path())[0] == 403
        file.write_text("no key\n")
        status, _, text = ask(place, "GET", case.path())
        assert status == 503 and fresh not in text and "no key" not in text
        file.chmod(0o644)
        file.write_text(f"{old}\n")
        assert ask(place, "POST", case.path())[0] == 503  # others may read it
    finally:
        file.chmod(0o600)
        file.write_text(f"{old}\n")
    no_command(router)


def test_the_router_has_the_last_word(place, router):
    """Two send at once: both forms go out, the second is refused and is told who was first."""
    case, done = Case(place), count(place, "acknowledged")
    answer = in_background(lambda: post(place, case.path()))
    seq, _ = command(router)
    case.acknowledge("anna")
    router.send("reply/1", seq, {"ok": False, "status": 409, "problem": {"title": "not possible now", "detail": "acknowledged already"}})
    status, _, text = answer()
    assert status == 200 and "Acknowledged by <b>anna</b>" in text and count(place, "acknowledged") == done
    case = Case(place)
    answer = in_background(lambda: post(place, case.path()))
    seq, _ = command(router)
    router.send("reply/1", seq, {"ok": False, "status": 503, "problem": {"title": "x", "detail": "the store is " + CANARY}})
    status, headers, text = answer()
    assert status == 503 and "&lt;script&gt;" in text and "<script>" not in text and headers["retry-after"] == "2"


def test_somebody_who_leaves_is_forgotten(place, router):
    case = Case(place)
    s = socket.create_connection(("127.0.0.1", place.port))
    s.sendall(f"POST {case.path()} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode())
    seq, _ = command(router)
    s.close()
    router.send("reply/1", seq, {"ok": True, "status": 200, "result": {}})
    assert ask(place, "GET", case.path())[0] == 200


@pytest.mark.parametrize("body", [b"\0", b"note=%", b"note=%00", b"note=a&note=b", b"{}", b"note=" + b"x" * 3000, b"other=1", b"note=%0d%0a"])
def test_a_broken_note_is_no_reason_not_to_acknowledge(place, router, body):
    case = Case(place)
    answer = in_background(lambda: ask(place, "POST", case.path(), body))
    seq, got = command(router)
    assert "note" not in got["parameters"]
    case.acknowledge()
    router.send("reply/1", seq, {"ok": True, "status": 200, "result": {}})
    assert answer()[0] == 200


def test_without_a_key_and_without_a_router(tmp_path):
    place = Place(tmp_path)
    place.key = bytes.fromhex((place.dir / "keys/link.key").read_text())
    try:
        case = Case(place)
        assert ask(place, "GET", case.path())[0] == 200
        status, _, text = post(place, case.path())
        assert status == 503 and "router does not answer" in text
    finally:
        place.close()
    text = (place.dir / "tocsin.yaml").read_text()
    assert re.search(r"^  link: ", text, re.M)
    (place.dir / "tocsin.yaml").write_text(re.sub(r"^  link: .*$", "", text, flags=re.M))
    place.start()
    try:
        for method in ("GET", "POST"):
            status, _, text = ask(place, method, case.path())
            assert status == 404 and "turned off" in text
    finally:
        place.close()
