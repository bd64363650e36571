"""A runner with a directory of its own, checks that a test writes, and a fake router: what tests of the runner
alone stand on."""
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

import zmq

from fake_router import FakeRouter

BIN = os.environ.get("TOCSIN_BIN", "build/dev/bin")
GOOD = "#!/bin/sh\necho '{\"isOk\":true,\"message\":\"fine\"}'\n"


def pids_of(text):
    found = []
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    if text.encode() in file.read().replace(b"\0", b" "):
                        found.append(int(pid))
            except OSError:
                pass
    return found


class RunnerCase(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="tocsin-fault-")
        self.checks = os.path.join(self.dir, "checks")
        self.keys = os.path.join(self.dir, "keys")
        os.mkdir(self.checks, 0o755)
        os.mkdir(self.keys, 0o700)
        self.router = FakeRouter()
        self.process = None
        self.prepare = None  # called in the runner's process before its program
        self.program = BIN + "/tocsin-runner"
        self.write_keys()
        self.write_config()

    def tearDown(self):
        self.stop(signal.SIGKILL)
        self.router.close()
        said = self.said()
        shutil.rmtree(self.dir, ignore_errors=True)
        self.assertNotIn("Sanitizer", said, said)
        self.assertNotIn("runtime error", said, said)

    def write_keys(self):
        public, secret = zmq.curve_keypair()
        self.write(self.keys + "/runner.key", f"public {public.decode()}\nsecret {secret.decode()}\n", 0o600)
        self.write(self.keys + "/router.pub", f"public {self.router.public.decode()}\n", 0o644)

    def write_config(self, more="", allow='"exec:*", "nagios:*"', top=""):
        self.write(self.dir + "/tocsin.yaml",
                   f"{top}state_dir: {self.dir}/state\nkeys: {{dir: {self.keys}}}\n"
                   f"runner:\n  name: test\n  router: \"{self.router.endpoint}\"\n"
                   f"  checks: [\"{self.checks}\"]\n  allow: [{allow}]\n{more}", 0o600)

    def write(self, path, text, mode):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)

    def check(self, name, script, mode=0o755):
        self.write(os.path.join(self.checks, name), script, mode)

    def start(self):
        with open(self.dir + "/log", "ab") as log:
            self.process = subprocess.Popen([self.program, "--config", self.dir + "/tocsin.yaml",
                                             "--log-format", "text"], stderr=log, preexec_fn=self.prepare)

    def spawner(self):
        """The runner's child; its own, between vfork and exec, have the same command line."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            children = {int(pid) for pid in file.read().split()}
        found = children & set(pids_of("--spawner " + self.dir))
        self.assertEqual(len(found), 1)
        return found.pop()

    def stop(self, signo):
        if self.process is not None:
            self.process.send_signal(signo)
            self.process.wait(30)
            self.process = None

    def monitor(self, number, check, schedule="@every 1s", timeout=2, run_now=None, **params):
        monitor = {"id": number, "uuid": f"00000000-0000-4000-8000-{number:012d}", "name": check,
                   "generation": "1", "check": check, "params": params, "labels": {},
                   "timeoutSeconds": timeout, "active": True,
                   "schedules": [{"schedule": schedule, "timezone": "UTC"}] if schedule else []}
        if run_now:
            monitor["runNow"] = run_now
        return monitor

    def said(self):
        if not os.path.exists(self.dir + "/log"):
            return ""
        with open(self.dir + "/log", encoding="utf-8", errors="replace") as file:
            return file.read()
