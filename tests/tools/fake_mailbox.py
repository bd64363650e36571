#!/usr/bin/python3
"""A mail server on loopback that keeps what it gets, for tests and demonstrations.

    fake_mailbox.py [--port N] [--maildir DIR] [--record FILE] [--misbehave KIND[:COUNT]]
                    [--answer ADDRESS=CODE[:COUNT]] [--certificate FILE] [--account USER:PASSWORD]

Prints "ready PORT" once it listens. Mails go to DIR (a Maildir) and to FILE as JSON lines {at, from,
to, subject, kind, message_id, defects, connection, tls, user}. With a certificate (PEM, its key in the
same file) it offers STARTTLS; with an account it takes mail from that account alone. KIND is one of rcpt_4xx, rcpt_5xx, data_4xx, data_5xx, hang
(after the final dot), close (after the final dot, the mail being kept), slow (half a second after the
final dot), mute (no greeting); with COUNT only the first so many mails are treated so. An answer is what
one recipient's RCPT gets, may be given several times, and closes the connection where it is 421.
"""
import argparse
import asyncio
import email
import email.policy
import json
import mailbox
import os
import signal
import ssl
import sys
import time

from aiosmtpd.smtp import SMTP, AuthResult

REFUSALS = {
    "rcpt_4xx": "451 4.7.1 Greylisting in action, please come back later",
    "rcpt_5xx": "550 5.1.1 No such user here",
    "data_4xx": "452 4.3.1 Insufficient system storage",
    "data_5xx": "554 5.7.1 Message rejected as spam",
}


def defects_of(message):
    found = [repr(defect) for part in message.walk() for defect in part.defects]
    found += [repr(defect) for part in message.walk() for value in part.values() for defect in value.defects]
    return found


class Handler:
    def __init__(self, given):
        self.kind, _, count = (given.misbehave or "").partition(":")
        self.left = int(count) if count else -1
        self.answers = {}
        for answer in given.answer:
            address, _, code = answer.partition("=")
            code, _, count = code.partition(":")
            self.answers[address] = [code, int(count) if count else -1]
        self.box = mailbox.Maildir(given.maildir, create=True) if given.maildir else None
        self.record = open(given.record, "a", encoding="utf-8") if given.record else None

    def takes(self, prefixes):
        if self.left == 0 or not self.kind.startswith(prefixes):
            return False
        self.left -= 1 if self.left > 0 else 0
        return True

    async def handle_RCPT(self, server, _session, envelope, address, _options):
        if self.takes("rcpt_"):
            return REFUSALS[self.kind]
        answer = self.answers.get(address)
        if answer and answer[1] != 0:
            answer[1] -= 1
            if answer[0] == "421":
                asyncio.get_running_loop().call_later(0.05, server.transport.close)
            return f"{answer[0]} {answer[0][0]}.0.0 as was asked for"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server, session, envelope):
        if self.takes("data_"):
            return REFUSALS[self.kind]
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.keep(session, envelope, message)
        if self.takes("hang"):
            await asyncio.sleep(3600)
        if self.takes("slow"):
            await asyncio.sleep(0.5)
        if self.takes("close"):
            server.transport.abort()
            await asyncio.sleep(0)
        return f"250 2.0.0 Ok: queued as {abs(hash(message['Message-ID'])) % 16**10:010X}"

    def keep(self, session, envelope, message):
        if self.box is not None:
            self.box.add(mailbox.MaildirMessage(envelope.content))
        if self.record:
            self.record.write(json.dumps({
                "at": time.time(), "from": envelope.mail_from, "to": envelope.rcpt_tos,
                "subject": message["Subject"], "kind": message["X-Tocsin-Kind"],
                "message_id": message["Message-ID"], "defects": defects_of(message),
                "connection": session.peer[1], "tls": session.ssl is not None,
                "user": session.auth_data}) + "\n")
            self.record.flush()


def session_options(given):
    options = {"hostname": "mailbox.test"}
    if given.certificate:
        options["tls_context"] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        options["tls_context"].load_cert_chain(given.certificate)
    if given.account:
        user, _, password = given.account.partition(":")

        def judge(_server, _session, _envelope, _mechanism, data):
            is_known = data.login == user.encode() and data.password == password.encode()
            return AuthResult(success=is_known, handled=False, auth_data=user)

        options.update(authenticator=judge, auth_required=True, auth_require_tls=bool(given.certificate))
    return options


class Mute(asyncio.Protocol):
    """Accepts, and says nothing."""


async def serve(given):
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    handler = Handler(given)
    make = Mute if given.misbehave == "mute" else lambda: SMTP(handler, **session_options(given))
    server = await loop.create_server(make, "127.0.0.1", given.port)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    await ended.wait()
    server.close()


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--maildir")
    options.add_argument("--record")
    options.add_argument("--misbehave")
    options.add_argument("--answer", action="append", default=[])
    options.add_argument("--certificate")
    options.add_argument("--account")
    asyncio.run(serve(options.parse_args()))
    os._exit(0)  # a connection left hanging on purpose would keep the loop


if __name__ == "__main__":
    sys.exit(main())
