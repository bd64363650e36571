"""An installation of tocsin in a directory of its own, made by `tocsin init`, on ports of its own."""
import json
import os
import random
import socket
import subprocess

from .database import Database
from .process import Process
from .wait import until
from .world import Mailbox, Services

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
BIN = os.path.abspath(os.environ.get("TOCSIN_BIN_DIR", os.path.join(ROOT, "build", "release", "bin")))
OPERATOR = "ops@example.com"

# A minute of a schedule passes in a second. The grace of deadlines follows this clock as well, the
# limits of real work do not: without more of it, a slow machine would be a missing result.
FAST = {"TOCSIN_CLOCK_RATE": "60", "TOCSIN_ROUTER_GRACE": "30m"}


def free_port():
    """A port below those that the kernel gives to outgoing connections."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Installation:
    def __init__(self, directory, channels=("email",), is_fast=False, sources=(), settings=None, server=None):
        """settings are overrides as the environment gives them: {"TOCSIN_ROUTER_GRACE": "1m"}. server is a
        MariaDB of the test's own, for what it does to it."""
        self.directory = str(directory)
        self.site = os.path.join(self.directory, "site")
        self.config = os.path.join(self.site, "tocsin.yaml")
        self.logs = os.path.join(self.directory, "logs")
        self.signals = os.path.join(self.directory, "signals")
        for path in (self.logs, self.signals):
            os.makedirs(path)
        self.mailbox = Mailbox(os.path.join(self.directory, "mailbox")) if "email" in channels else None
        is_called = "slack" in channels or "pagerduty" in channels
        self.services = Services(os.path.join(self.directory, "services")) if is_called else None
        self.channels = list(channels)
        self.web_url = f"http://127.0.0.1:{free_port()}"
        self.environment = {
            "PATH": os.environ["PATH"], "TZ": "UTC", "LSAN_OPTIONS": "exitcode=0",
            "TOCSIN_CONFIG": self.config, "TOCSIN_LOG_FORMAT": "text",
            "TOCSIN_ROUTER_RUNNERS": f"tcp://127.0.0.1:{free_port()}",
            "TOCSIN_ROUTER_NOTIFIERS": f"tcp://127.0.0.1:{free_port()}",
            "TOCSIN_WEB_LISTEN": self.web_url.removeprefix("http://"), "TOCSIN_WEB_PUBLIC_URL": self.web_url,
            "TOCSIN_RUNNER_ROOTS": json.dumps([self.directory])}
        self.environment.update(FAST if is_fast else {})
        self.environment.update(settings or {})
        self.processes = {}
        self.init(is_fast, sources)
        self.database = self.make_database(server)

    def init(self, is_fast, sources):
        options = ["--dir", self.site, "--name", "host7", "--notify", OPERATOR]
        if "email" in self.channels:
            options += ["--smtp", self.mailbox.url, "--from", "donotreply@example.com"]
        if "slack" in self.channels:
            options += ["--slack", self.services.slack_url]
        if "pagerduty" in self.channels:
            options += ["--pagerduty", self.services.pagerduty_url]
        for name, url in sources:
            options += ["--source", f"{name}={url}"]
        self.tocsin("init", *options, *(["--demo"] if is_fast else []), is_bare=True)

    def make_database(self, server):
        """SQLite as init made it, or with TOCSIN_E2E_STORE=mariadb a database on a server of the suite's own."""
        if server is None and os.environ.get("TOCSIN_E2E_STORE", "sqlite") != "mariadb":
            return Database(os.path.join(self.site, "tocsin.db"))
        from .mariadb_database import MariaDatabase  # needs what SQLite does not: a server, python3-pymysql
        database = MariaDatabase(self.site, server)
        self.environment.update(database.settings)
        self.tocsin("migrate")
        database.let_in()
        return database

    # --- Programs

    def process(self, name):
        """A program by its name: "router", "runner", "web", "notifier email"; "up" runs them all."""
        if name not in self.processes:
            words = name.split()
            command = [os.path.join(BIN, "tocsin"), "--config", self.config, "up"] if name == "up" else [
                os.path.join(BIN, f"tocsin-{words[0]}"), "--config", self.config, *words[1:]]
            log = os.path.join(self.logs, name.replace(" ", "-") + ".log")
            self.processes[name] = Process(name, command, log, self.environment)
        return self.processes[name]

    def start(self, *names):
        """Start programs, by default all but web, and wait until they are ready."""
        names = names or ("router", "runner", *(f"notifier {channel}" for channel in self.channels))
        for name in names:
            self.process(name).start()
        for name in names:
            self.process(name).wait_ready()
        return self

    def kill(self, name):
        self.process(name).kill()

    def stop(self):
        """Stop everything as a supervisor would: the edge first, the router last."""
        statuses = {name: self.processes[name].stop()
                    for name in sorted(self.processes, key=lambda name: name == "router")}
        return {name: status for name, status in statuses.items() if status not in (0, -9)}

    def close(self):
        """Stop, and fail for what no run may leave behind."""
        try:
            wrong = self.stop()
        finally:
            for process in self.processes.values():
                process.kill()
            for server in (self.mailbox, self.services):
                if server is not None:
                    server.stop()
        assert not wrong, f"these programs ended badly: {wrong}\n{self.tail()}"
        faults = [line for process in self.processes.values() for line in process.faults()]
        assert not faults, "".join(faults)

    def tail(self, lines=12):
        """The end of each log, for a failing test's report."""
        told = []
        for name, process in self.processes.items():
            if os.path.exists(process.log_path):
                told += [f"--- {name}", *process.whole_log().splitlines()[-lines:]]
        return "\n".join(told)

    # --- Command line

    def tocsin(self, *arguments, is_bare=False, status=0, text_in=None):
        """Run the command line; its output. status None takes any."""
        general = [] if is_bare else ["--config", self.config]
        done = subprocess.run([os.path.join(BIN, "tocsin"), *general, *arguments], env=self.environment,
                              capture_output=True, text=True, timeout=60, input=text_in, check=False)
        assert status is None or done.returncode == status, (
            f"tocsin {' '.join(arguments)} ended with {done.returncode}: {done.stderr}{done.stdout}")
        return done

    def json(self, *arguments):
        return json.loads(self.tocsin(*arguments, "--json").stdout)

    def verify_audit(self):
        """The chain from its first record, as anybody may verify it."""
        return self.tocsin("audit", "verify")

    # --- Checks

    def add_check(self, name, script):
        """An executable check, exec:NAME."""
        path = os.path.join(self.site, "checks", name)
        write_whole(path, script, 0o755)
        return f"exec:{name}"

    def add_signal(self, name="signal"):
        """A check that says what say() told it to; at first that all is well."""
        self.say("fine", name=name)
        return self.add_check(name, f"#!/bin/sh\nexec cat '{os.path.join(self.signals, name)}'\n")

    def say(self, message, is_ok=True, name="signal"):
        write_whole(os.path.join(self.signals, name), json.dumps({"isOk": is_ok, "message": message}) + "\n", 0o644)

    def fail(self, message, name="signal"):
        self.say(message, is_ok=False, name=name)

    # --- What must be true of every history

    def wait_quiet(self, seconds=30):
        """Until no notification is on its way."""
        until(lambda: self.database.value(
            "SELECT count(*) FROM Notifications WHERE status IN ('queued', 'leased')") == 0,
            "every notification is finished", seconds)


def write_whole(path, text, mode):
    """Replace a file so that a reader sees the old text or the new one."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path + ".new", mode)
    os.rename(path + ".new", path)
