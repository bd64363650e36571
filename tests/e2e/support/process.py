"""One process under test: started with its log in a file, stopped by its own pid."""
import os
import re
import signal
import subprocess

from .wait import until

STOP_SECONDS = 30.0  # what every program promises for SIGTERM
FAULTS = re.compile(rb"(AddressSanitizer|LeakSanitizer|runtime error:|assertion .* failed)")


class Process:
    def __init__(self, name, command, log_path, environment=None, output=None):
        self.name = name
        self.command = command
        self.log_path = log_path
        self.environment = environment
        self.output = output
        self.popen = None
        self.began_at = 0  # of the log, when it was last started

    def start(self):
        assert not self.is_running(), f"{self.name} runs already"
        with open(self.log_path, "ab") as log:
            self.began_at = log.tell()
            self.popen = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=self.output or log, stderr=log,
                env=self.environment, start_new_session=True)
        return self

    @property
    def pid(self):
        return self.popen.pid

    def is_running(self):
        return self.popen is not None and self.popen.poll() is None

    def log(self):
        """What it said since it was last started."""
        with open(self.log_path, "rb") as file:
            file.seek(self.began_at)
            return file.read().decode("utf-8", "replace")

    def whole_log(self):
        with open(self.log_path, "rb") as file:
            return file.read().decode("utf-8", "replace")

    def wait_ready(self):
        def is_ready():
            assert self.is_running(), f"{self.name} ended with {self.popen.returncode}:\n{self.log()}"
            return " msg=ready" in self.log() or "ready; pid=" in self.log() or "msg=\"ready" in self.log()
        until(is_ready, f"{self.name} is ready")
        return self

    def signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        """SIGKILL to it alone, as the kernel would."""
        if self.is_running():
            self.signal(signal.SIGKILL)
            self.popen.wait(STOP_SECONDS)

    def stop(self):
        """SIGTERM; returns the exit status."""
        if self.popen is None:
            return 0
        if self.is_running():
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
        try:
            return self.popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within {STOP_SECONDS:g} s of SIGTERM:\n{self.log()}")

    def faults(self):
        """Lines of the log that no run may have: sanitizers and failed assertions."""
        with open(self.log_path, "rb") as file:
            return [line.decode("utf-8", "replace") for line in file if FAULTS.search(line)]
