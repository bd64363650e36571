"""The world around an installation: a mailbox and the services that it tells people through."""
import email
import email.policy
import json
import os
import subprocess
import sys

from .wait import DEADLINE_SECONDS, until

TOOLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools")


class Server:
    """A server of tests/tools that keeps what it gets as JSON lines."""
    PROGRAM = None

    def __init__(self, directory, options=()):
        os.makedirs(directory, exist_ok=True)
        self.directory = directory
        self.record = os.path.join(directory, "record")
        self.port = 0
        self.popen = None
        self.start(*options)

    def own_options(self):
        return []

    def start(self, *options):
        """Start it, again at the port that it had; options as --misbehave KIND."""
        self.popen = subprocess.Popen(
            [sys.executable, os.path.join(TOOLS, self.PROGRAM), "--port", str(self.port),
             "--record", self.record, *self.own_options(), *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        line = self.popen.stdout.readline().split()
        assert line and line[0] == "ready", f"{self.PROGRAM} did not start"
        self.port = int(line[1])

    def stop(self):
        if self.popen is not None:
            self.popen.kill()
            self.popen.wait()
            self.popen.stdout.close()
            self.popen = None

    def restart(self, *options):
        self.stop()
        self.start(*options)

    def received(self):
        if not os.path.exists(self.record):
            return []
        with open(self.record, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]


class Mailbox(Server):
    PROGRAM = "fake_mailbox.py"

    def own_options(self):
        return ["--maildir", os.path.join(self.directory, "mails")]

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.port}"

    def mails(self, to=None):
        """The mails to one recipient or to all, in the order of arrival. A copy, which a crash between
        the server's answer and the commit leaves behind, has the Message-ID of its first: it counts once."""
        first = {}
        for mail in self.received():
            if to is None or to in mail["to"]:
                first.setdefault((mail["message_id"], *mail["to"]), mail)
        return list(first.values())

    def subjects(self, to=None):
        return [mail["subject"] for mail in self.mails(to)]

    def wait(self, subject, count=1, seconds=DEADLINE_SECONDS, to=None):
        """Until as many mails of a subject are there; the last of them."""
        def arrived():
            found = [mail for mail in self.mails(to) if mail["subject"] == subject]
            return found[count - 1] if len(found) >= count else None
        return until(arrived, f"mail {count} \"{subject}\" is received (got {self.subjects()})", seconds)

    def messages(self):
        """The mails themselves, parsed, in no order."""
        folder = os.path.join(self.directory, "mails", "new")
        found = []
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as file:
                found.append(email.message_from_binary_file(file, policy=email.policy.default))
        return found


class Services(Server):
    PROGRAM = "fake_services.py"

    @property
    def slack_url(self):
        return f"http://127.0.0.1:{self.port}/slack/ops"

    @property
    def pagerduty_url(self):
        return f"http://127.0.0.1:{self.port}/v2/enqueue"

    def accepted(self, service):
        return [one for one in self.received() if one["service"] == service and one["ok"]]

    def refused(self):
        """What the real services would not have taken, misbehaviour asked for aside."""
        return [one for one in self.received() if not one["ok"] and not is_asked_for(one["problem"])]

    def wait(self, service, count, seconds=DEADLINE_SECONDS):
        return until(lambda: self.accepted(service)[count - 1:], f"{service} took {count} messages", seconds)


def is_asked_for(problem):
    return problem in ("400", "404", "429", "500", "hang", "close", "slow", "garbage", "huge", "empty", "redirect", "not_ok")
