#!/usr/bin/python3
"""Hold each NAME.eml of a folder against NAME.name and NAME.message, from which it was written."""
import email
import email.policy
import html
import pathlib
import re
import sys

WORDS = {"recovery": "RECOVERED", "collapsed": "RECOVERED", "closed": "CLOSED", "reminder": "REMINDER"}


def fail(name, what):
    sys.exit(f"{name}: {what}")


def check_bytes(name, raw):
    if re.search(rb"[^\r]\n|\r[^\n]|\0", raw):
        fail(name, "a bare CR or LF, or a NUL")
    if any(byte > 0x7E for byte in raw):
        fail(name, "not ASCII")
    lines = raw.split(b"\r\n")
    if max(map(len, lines)) > 998:
        fail(name, "a line over 998 bytes")
    body = lines[lines.index(b""):]
    if max(map(len, body)) > 76:
        fail(name, "a line of the body over 76 bytes")
    if any(line.startswith((b".", b"From ")) for line in body):
        fail(name, "a line that a mail server could take for something else")


def check_headers(name, message, monitor):
    one_line = re.sub(r"[\x00-\x1f\x7f]+", " ", monitor)
    word = WORDS.get(name, "ALERT")
    wanted = {
        "Subject": f"[Monitor {word}] {one_line}", "From": "tocsin <donotreply@example.com>", "To": "ops@example.com",
        "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All", "List-Id": "<tocsin.example.com>",
        "In-Reply-To": "<incident-42.monitor-7@example.com>", "References": "<incident-42.monitor-7@example.com>",
        "X-Tocsin-Kind": word, "X-Tocsin-Monitor": "7", "X-Tocsin-Incident": "42", "MIME-Version": "1.0",
    }
    for header, value in wanted.items():
        if message.get_all(header) != [value]:
            fail(name, f"{header} is {message.get_all(header)!r}, not {value!r}")
    if not re.fullmatch(r"<0a1b2c3d4e5f-[12]@example\.com>", message["Message-ID"]):
        fail(name, "Message-ID does not come from the key")
    if message["Bcc"] is not None:
        fail(name, "a header was injected")
    if name == "zone" and message["Date"].datetime.utcoffset().total_seconds() != -21600:
        fail(name, "Date is not in the monitor's zone")


def check_parts(name, message, text):
    parts = list(message.iter_parts())
    if [part.get_content_type() for part in parts] != ["text/plain", "text/html"]:
        fail(name, "not plain text, then HTML")
    plain, page = (part.get_content().replace("\r\n", "\n") for part in parts)
    if text.replace("\r\n", "\n") not in plain:
        fail(name, "the message is not in the plain text word for word")
    if "<script" in page or re.search(r"<(img|link|iframe|object)\b|url\(|@import", page):
        fail(name, "the HTML runs or loads something")
    if len(text) < 10000 and "\t" not in text and html.escape(text) not in page.replace("&#39;", "&#x27;"):
        fail(name, "the message is not in the HTML")
    if name == "large" and "… (cut)" not in page:
        fail(name, "the HTML was cut without a mark")
    if name == "zone" and "2026-11-23" not in plain:
        fail(name, "no time")
    if name in ("recovery", "collapsed") and "14 min" not in plain:
        fail(name, "the interval is not named")


def main(folder):
    mails = sorted(pathlib.Path(folder).glob("*.eml"))
    if len(mails) < 10:
        sys.exit("too few mails")
    for path in mails:
        raw = path.read_bytes()
        check_bytes(path.stem, raw)
        message = email.message_from_bytes(raw, policy=email.policy.default)
        defects = [d for part in message.walk() for d in part.defects]
        defects += [d for part in message.walk() for value in part.values() for d in value.defects]
        if defects:
            fail(path.stem, f"defects {defects}")
        check_headers(path.stem, message, path.with_suffix(".name").read_bytes().decode())
        check_parts(path.stem, message, path.with_suffix(".message").read_bytes().decode())


main(sys.argv[1])
