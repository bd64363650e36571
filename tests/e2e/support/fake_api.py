"""A small stand-in for tocsin-web: the routes, refusals and forms of docs/api.md, and what was asked of it."""
import http.server
import json
import threading
import urllib.parse

TOKEN = "tocsin_" + "0" * 64


def monitor(number, name, **columns):
    row = {
        "id": number, "uuid": f"00000000-0000-4000-8000-{number:012d}", "isActive": True,
        "dtCreated": "2026-01-02T03:04:05.000Z", "name": name, "checkName": "exec:x", "phpClass": None, "params": {},
        "timeoutSeconds": 60, "runsOn": None, "state": "ok", "consecutiveOkCount": 0, "requiredConsecutiveOks": 2,
        "consecutiveFailureCount": 0, "requiredConsecutiveFailures": 1, "reminderFrequencyMinutes": 60,
        "peopleToNotify": ["ops@example.com"], "severity": "critical", "labels": {}, "runbookUrl": None,
        "lastRunDt": None, "lastResultMessage": None, "lastNotificationDt": None, "lastNotificationType": None,
        "acknowledgedDt": None, "acknowledgedBy": None, "ackExpiresDt": None, "ackNote": None, "version": "1",
        "schedules": [], "problem": None}
    return {**row, **columns}


class FakeApi:
    def __init__(self):
        self.monitors = []
        self.lists = {"runs": [], "notifications": [], "runners": [], "channels": [], "tokens": []}
        self.results = {}   # action -> (status, result)
        self.problems = {}  # action -> (status, detail, pointer)
        self.actions = []   # what was asked
        self.paths = []
        self.raw = None     # (status, body): answered to everything
        self.why = {}
        self.status = {"router": {"isReachable": True, "isStoreOk": True}, "runners": [], "channels": []}
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def answer(self, status, value):
                body = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def problem(self, status, detail, pointer=None):
                told = {"type": "about:blank", "title": str(status), "status": status, "detail": detail}
                self.answer(status, told if pointer is None else {**told, "pointer": pointer})

            def admitted(self):
                api.paths.append(self.path)
                if api.raw is not None:
                    self.answer(*api.raw)
                elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    self.problem(401, "the token is not known")
                else:
                    return True
                return False

            def page(self, name, rows, query):
                limit, begin = int(query.get("limit", 100)), int(query.get("cursor", 0))
                end = begin + limit
                self.answer(200, {name: rows[begin:end], "nextCursor": str(end) if end < len(rows) else None})

            def do_GET(self):
                if not self.admitted():
                    return
                url = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(url.query))
                parts = [urllib.parse.unquote(part) for part in url.path.removeprefix("/api/v1/").split("/")]
                if parts == ["monitors"]:
                    rows = [row for row in api.monitors if row["state"] == query.get("state", row["state"])
                            and query.get("q", "").lower() in row["name"].lower()]
                    self.page("monitors", rows, query)
                elif parts[0] == "monitors":
                    found = [row for row in api.monitors if parts[1] in (str(row["id"]), row["uuid"], row["name"])]
                    if not found:
                        self.problem(404, f'no monitor is called "{parts[1]}"')
                    elif parts[2:] == ["runs"]:
                        self.page("runs", api.lists["runs"], query)
                    else:
                        self.answer(200, api.why if parts[2:] == ["why"] else found[0])
                elif parts == ["status"]:
                    self.answer(200, api.status)
                elif parts == ["notifications"]:
                    rows = [row for row in api.lists["notifications"] if row["status"] == query.get("status", row["status"])]
                    self.page("notifications", rows, query)
                elif len(parts) == 1 and parts[0] in api.lists:
                    self.answer(200, {parts[0]: api.lists[parts[0]]})
                else:
                    self.problem(404, "there is no such route")

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if not self.admitted():
                    return
                api.actions.append(body)
                if body["action"] == "Token/Add" and "requestId" in body:
                    self.problem(400, "Token/Add takes none", "/requestId")
                elif body["action"] in api.problems:
                    self.problem(*api.problems[body["action"]])
                else:
                    status, result = api.results.get(body["action"], (200, {"monitorId": 7}))
                    self.answer(status, {"requestId": body.get("requestId", "made-here"), "result": result})

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
