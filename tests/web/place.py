"""A real tocsin-web on a real database, and a router that is this test."""
import json
import os
import pathlib
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request

import zmq

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("TOCSIN_BIN", ROOT / "build/dev/bin"))
CANARY = "<script>alert(1)</script>\"'&\u202e"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(condition, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("waited too long for " + getattr(condition, "__name__", "a condition"))


class Place:
    def __init__(self, directory):
        self.dir = directory / "t"
        self.port, router_port = free_port(), free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.endpoint = f"tcp://127.0.0.1:{router_port}"
        subprocess.run([BIN / "tocsin", "init", "--dir", self.dir], check=True, capture_output=True)
        self.token = (self.dir / "admin.token").read_text().strip()
        self.db = sqlite3.connect(self.dir / "tocsin.db", isolation_level=None)
        self.fill()
        self.env = dict(os.environ, TOCSIN_WEB_LISTEN=f"127.0.0.1:{self.port}", TOCSIN_ROUTER_WEB=self.endpoint, TOCSIN_WEB_ROUTER=self.endpoint)
        self.start()

    def start(self):
        self.log = open(self.dir / "web.log", "ab")
        self.process = subprocess.Popen([BIN / "tocsin-web", "--config", self.dir / "tocsin.yaml"], env=self.env, stderr=self.log)
        until(self.is_up)

    def is_up(self):
        try:
            return self.get("/healthz")[0] == 200
        except OSError:
            return False

    def fill(self):
        q = self.db.execute
        for i in range(1, 6):
            q("INSERT INTO Monitors (id, name, checkName, state, peopleToNotify, lastResultMessage, lastRunDt) VALUES (?, ?, 'http', ?, ?, ?, '2026-03-01 12:00:00.000')",
              (i, f"m{i}" if i != 3 else CANARY, "alert" if i in (2, 3) else "ok", '["ops@example.com"]' if i != 4 else "[]", "it is " + CANARY))
        q("INSERT INTO Monitors (id, name, checkName) VALUES (6, 'twin', 'http'), (7, 'twin', 'http'), (8, 'a/b %', 'http')")
        q("UPDATE Monitors SET isActive = 0 WHERE id = 5")
        q("UPDATE Monitors SET acknowledgedDt = '2026-03-01 12:00:00', acknowledgedBy = 'anna' WHERE id = 3")
        q("UPDATE Monitors SET params = 'not json' WHERE id = 7")
        q("INSERT INTO CronJobs (schedule, action, parameters) VALUES ('*/5 * * * *', 'Monitor/Run', '{\"monitorId\": 1}')")
        for i in range(1, 8):
            q("INSERT INTO MonitorRuns (id, monitorId, scheduledDt, startedDt, durationMs, isOk, reason, state, summary) VALUES (?, 1, '2026-03-01 12:00:00', '2026-03-01 12:00:01', 7, ?, ?, 'ok', ?)",
              (i, i % 2, None if i % 2 else "exit", f"run {i}"))
        q("INSERT INTO Incidents (id, monitorId, monitorName, openedDt, told, message) VALUES (1, 2, 'm2', '2026-03-01 12:00:00', '[{\"target\":\"email:a@b.c\",\"told\":\"yes\",\"keepsAlert\":false}]', 'x')")
        q("INSERT INTO Notifications (id, monitorId, incidentId, kind, recipient, idempotencyKey, decidedDt, body, status) VALUES (1, 2, 1, 'alert', 'email:a@b.c', 'k1', '2026-03-01 12:00:00', '{\"kind\":\"alert\"}', 'sent'), (2, 3, NULL, 'alert', 'email:a@b.c', 'k2', '2026-03-01 12:00:00', '{}', 'dead')")

    def add_token(self, name, role, expires=None):
        import hashlib
        token = f"token-of-{name}"
        self.db.execute("INSERT INTO ApiTokens (id, name, hash, role, dtCreated, expiresDt) VALUES ((SELECT max(id) + 1 FROM ApiTokens), ?, ?, ?, '2026-03-01 12:00:00', ?)",
                        (name, hashlib.sha256(token.encode()).digest(), role, expires))
        return token

    def request(self, method, path, body=None, token="", headers=None):
        """(status, content type, text); token None sends none."""
        send = dict(headers or {})
        if token is not None:
            send["Authorization"] = "Bearer " + (token or self.token)
        if isinstance(body, dict):
            body = json.dumps(body).encode()
            send.setdefault("Content-Type", "application/json")
        try:
            answer = urllib.request.urlopen(urllib.request.Request(self.base + path, body, send, method=method), timeout=20)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def json(self, path, **options):
        status, _, text = self.get(path, **options)
        return status, json.loads(text)

    def act(self, action, parameters=None, query="", **options):
        extra = options.pop("extra", {})
        status, kind, text = self.request("POST", "/api/v1/actions" + query, {"action": action, "parameters": parameters or {}, **extra}, **options)
        return status, json.loads(text)

    def raw(self, data, wait=5):
        """Bytes as they are; what came until the server closed or fell silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as s:
            s.sendall(data)
            got = b""
            try:
                while chunk := s.recv(65536):
                    got += chunk
                    if b"\r\n\r\n" in got and b"Connection: close" not in got:
                        break
            except (TimeoutError, ConnectionResetError):
                pass
            return got

    def close(self):
        self.process.terminate()
        status = self.process.wait(15)
        self.log.close()
        log = (self.dir / "web.log").read_text(errors="replace")
        assert status == 0, log
        assert self.token not in log


class Router:
    """What a router answers, by proto/PROTOCOL.md."""

    def __init__(self, place):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.ROUTER)
        public, secret = (line.split(" ", 1)[1] for line in (place.dir / "keys/router.key").read_text().splitlines() if not line.startswith("#"))
        self.socket.curve_server, self.socket.curve_secretkey, self.socket.curve_publickey = True, secret.encode(), public.encode()
        self.socket.linger = 0
        self.socket.bind(place.endpoint)
        self.peer, self.commands = None, []

    def send(self, word, seq, body):
        self.socket.send_multipart([self.peer, word.encode(), str(seq).encode(), b"", json.dumps(body).encode()])

    def turn(self, seconds=15):
        if not self.socket.poll(seconds * 1000):
            raise AssertionError("nothing came from the web process")
        self.peer, word, seq, _, body = self.socket.recv_multipart()
        return word.decode(), seq.decode(), json.loads(body)

    def welcome(self):
        word, _, body = self.turn()
        assert word == "hello/1" and body["protocol"] == 1
        self.status()

    def status(self, **more):
        self.send("status/1", 0, {"state": "active", "isStoreOk": True, "lastCommitAt": "2026-03-01T12:00:00.000Z",
                                  "runners": [{"name": "host7", "isConnected": True}], "channels": [{"name": "email", "isConnected": True}], "counts": {"results": 7}, **more})

    def close(self):
        self.socket.close()
        self.context.term()
