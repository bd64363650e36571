#!/usr/bin/python3
"""Slack and PagerDuty on loopback, as strict as their documentation, for tests and demonstrations.

    fake_services.py [--port N] [--record FILE] [--misbehave KIND[:COUNT],...] [--retry-after S]

Prints "ready PORT" once it listens. POST /slack/NAME is an incoming webhook, /api/chat.postMessage
Slack's Web API, /v2/enqueue PagerDuty's Events API. What arrives is appended to FILE as JSON lines
{at, service, path, ok, problem, body}. KIND is one of 400, 404, 429, 500, hang, close, slow, garbage,
huge, empty, redirect, not_ok; with COUNT only the first so many requests are treated so, then
follows the next kind.
"""
import argparse
import json
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BLOCK_TEXT_MAX = 13200
PAGERDUTY_BYTES_MAX = 512 * 1024
ROUTING_KEY = re.compile(r"[0-9A-Za-z]{32}")
MENTION = re.compile(r"<!(channel|here|everyone|subteam)|<@[A-Z0-9]+>")


class Refused(Exception):
    """What the real service would refuse, and the words it would use."""


def need(fact, problem):
    if not fact:
        raise Refused(problem)


def text_object(value, kinds, most):
    need(isinstance(value, dict) and set(value) <= {"type", "text", "emoji", "verbatim"}, "invalid_blocks")
    need(value.get("type") in kinds, "invalid_blocks")
    need(isinstance(value.get("text"), str) and 1 <= len(value["text"]) <= most, "invalid_blocks")
    need(not MENTION.search(value["text"]) or value["type"] == "plain_text", "unexpected_mention")
    return len(value["text"])


def block_size(block):
    kind = block.get("type")
    if kind == "header":
        need(set(block) <= {"type", "text", "block_id"}, "invalid_blocks")
        return text_object(block.get("text"), ["plain_text"], 150)
    if kind == "section":
        need(set(block) <= {"type", "text", "fields", "block_id"}, "invalid_blocks")
        need("text" in block or "fields" in block, "invalid_blocks")
        size = text_object(block["text"], ["plain_text", "mrkdwn"], 3000) if "text" in block else 0
        fields = block.get("fields", [])
        need(len(fields) <= 10 and ("fields" not in block or fields), "invalid_blocks")
        return size + sum(text_object(field, ["plain_text", "mrkdwn"], 2000) for field in fields)
    if kind == "context":
        need(1 <= len(block.get("elements", [])) <= 10, "invalid_blocks")
        return sum(text_object(e, ["plain_text", "mrkdwn"], 3000) for e in block["elements"])
    need(kind == "divider", "invalid_blocks")
    return 0


def check_slack(body, is_api):
    known = {"text", "blocks", "attachments", "unfurl_links", "unfurl_media", "mrkdwn", "thread_ts", "metadata"}
    need(isinstance(body, dict), "invalid_payload")
    need(set(body) <= known | ({"channel"} if is_api else set()), "invalid_payload")
    need(isinstance(body.get("text"), str) and 0 < len(body["text"]) <= 40000, "missing_text_or_fallback_or_attachments")
    need(not MENTION.search(body["text"]), "unexpected_mention")
    need(isinstance(body.get("blocks", []), list) and len(body.get("blocks", [])) <= 50, "invalid_blocks")
    need(sum(block_size(block) for block in body.get("blocks", [])) <= BLOCK_TEXT_MAX, "msg_blocks_too_long")
    need(not is_api or body.get("channel"), "channel_not_found")


def check_pagerduty(body, size):
    need(size <= PAGERDUTY_BYTES_MAX, "Event object exceeds 512 KB")
    need(isinstance(body, dict), "Event object is invalid")
    known = {"routing_key", "event_action", "dedup_key", "payload", "client", "client_url", "links", "images"}
    need(set(body) <= known, "unknown member")
    need(ROUTING_KEY.fullmatch(str(body.get("routing_key"))), "Invalid routing key")
    need(body.get("event_action") in ("trigger", "acknowledge", "resolve"), "'event_action' is invalid")
    need(len(body.get("dedup_key", "")) <= 255, "'dedup_key' is too long")
    if body["event_action"] != "trigger":
        need(body.get("dedup_key"), "'dedup_key' is missing")
        return
    payload = body.get("payload")
    need(isinstance(payload, dict), "'payload' is missing")
    need(set(payload) <= {"summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"},
         "unknown member of payload")
    need(isinstance(payload.get("summary"), str) and 1 <= len(payload["summary"]) <= 1024, "'payload.summary' is invalid")
    need(isinstance(payload.get("source"), str) and payload["source"], "'payload.source' is missing or blank")
    need(payload.get("severity") in ("critical", "error", "warning", "info"), "'payload.severity' is invalid")
    for link in body.get("links", []):
        need(set(link) <= {"href", "text"} and re.match(r"https?://", link.get("href", "")), "'links' is invalid")


class Record:
    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8") if path else None
        self.lock = threading.Lock()

    def add(self, **fields):
        if self.file:
            with self.lock:
                self.file.write(json.dumps({"at": time.time(), **fields}) + "\n")
                self.file.flush()


class Misbehaviour:
    def __init__(self, text):
        self.lock = threading.Lock()
        self.left = []
        for one in filter(None, (text or "").split(",")):
            kind, _, count = one.partition(":")
            self.left.append([kind, int(count) if count else -1])

    def next(self):
        with self.lock:
            while self.left and self.left[0][1] == 0:
                self.left.pop(0)
            if not self.left:
                return None
            self.left[0][1] -= 1
            return self.left[0][0]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json", headers=()):
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def misbehave(self, kind):
        if kind == "hang":
            self.server.released.wait()
        elif kind == "slow":
            time.sleep(1)
            return False
        elif kind == "429":
            self.answer(429, '{"ok":false,"error":"rate_limited"}', headers=[("Retry-After", self.server.retry_after)])
            return True
        elif kind == "400":
            self.answer(400, '{"status":"invalid event","message":"Event object is invalid","errors":["asked for"]}')
            return True
        elif kind == "404":
            self.answer(404, "no_service", "text/plain")
            return True
        elif kind == "500":
            self.answer(500, "rollup_error", "text/plain")
            return True
        elif kind == "garbage":
            self.answer(200, "<html>welcome to the hotel</html>", "text/html")
            return True
        elif kind == "empty":
            self.answer(200, "", "text/plain")
            return True
        elif kind == "huge":
            self.answer(200, "x" * 10_000_000, "text/plain")
            return True
        elif kind == "not_ok":
            self.answer(200, '{"ok":false,"error":"channel_not_found"}')
            return True
        elif kind == "redirect":
            self.answer(302, "", headers=[("Location", "/elsewhere")])
            return True
        self.close_connection = True
        return True

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        service = "pagerduty" if self.path.startswith("/v2/") else "slack"
        problem = None
        try:
            body = json.loads(raw)
        except ValueError:
            body, problem = None, "invalid_payload"
        kind = self.server.misbehaviour.next()
        is_done = False
        try:
            is_done = kind is not None and self.misbehave(kind)
        except ConnectionError:
            is_done = self.close_connection = True  # it had heard enough
        if is_done:
            self.server.record.add(service=service, path=self.path, ok=False, problem=kind, body=body)
            return
        is_api = self.path.startswith("/api/")
        try:
            need(problem is None, problem)
            need(self.headers.get_content_type() == "application/json", "invalid_payload")
            if service == "pagerduty":
                check_pagerduty(body, len(raw))
            else:
                need(not is_api or self.headers.get("Authorization", "").startswith("Bearer "), "not_authed")
                check_slack(body, is_api)
        except Refused as refusal:
            problem = str(refusal)
        self.server.record.add(service=service, path=self.path, ok=problem is None, problem=problem, body=body)
        self.reply(service, is_api, body, problem)

    def reply(self, service, is_api, body, problem):
        if service == "pagerduty" and problem:
            self.answer(400, json.dumps({"status": "invalid event", "message": "Event object is invalid", "errors": [problem]}))
        elif service == "pagerduty":
            key = body.get("dedup_key", "made-up")
            self.answer(202, json.dumps({"status": "success", "message": "Event processed", "dedup_key": key}))
        elif is_api and problem:
            self.answer(200, json.dumps({"ok": False, "error": problem}))
        elif is_api:
            self.answer(200, json.dumps({"ok": True, "channel": body["channel"], "ts": "1417671948.000006"}))
        else:
            self.answer(400 if problem else 200, problem or "ok", "text/plain")


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--record")
    options.add_argument("--misbehave")
    options.add_argument("--retry-after", default="3")
    given = options.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", given.port), Handler)
    server.daemon_threads = True
    server.record = Record(given.record)
    server.misbehaviour = Misbehaviour(given.misbehave)
    server.retry_after = given.retry_after
    server.released = threading.Event()
    print("ready", server.server_address[1], flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
