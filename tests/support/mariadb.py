"""A MariaDB server of a test's own: own data directory, own socket, own port on loopback, ended by its
process id. Needs mariadb-server-core; no system service is touched.

    with MariaDB() as server:
        server.sql("CREATE DATABASE shop")
        print(server.port, server.socket)
"""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

START_SECONDS = 60
PASSWORD = "secret-of-the-test"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class MariaDB:
    def __init__(self, *options):
        self.options = options
        self.process = None
        # A socket's path is short, so not below a long build path.
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-mariadb-", dir="/tmp"))
        self.socket = self.dir / "s"
        self.port = free_port()

    def __enter__(self):
        data = self.dir / "data"
        user = ["--user=root"] if os.geteuid() == 0 else []
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db",
             "--auth-root-authentication-method=normal", *user],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.start()
        return self

    def start(self):
        user = ["--user=root"] if os.geteuid() == 0 else []
        program = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
        with (self.dir / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command(program, user), stdout=log, stderr=log)
        self.wait()

    def command(self, program, user):
        return [program, "--no-defaults", f"--datadir={self.dir / 'data'}",
                f"--socket={self.socket}", f"--port={self.port}", "--bind-address=127.0.0.1",
                # Native AIO leaves writes half done when the server is killed, and then it repairs nothing.
                "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=16M", "--innodb-use-native-aio=0",
                "--skip-name-resolve",
                "--innodb-flush-log-at-trx-commit=0", *user, *self.options]

    def wait(self):
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                self.sql("SELECT 1")
                return
            except RuntimeError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError((self.dir / "log").read_text()) from None
                time.sleep(0.05)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def sql(self, text, database=""):
        done = subprocess.run(
            ["mariadb", "--no-defaults", f"--socket={self.socket}", "--user=root", "--batch",
             "--skip-column-names", "--default-character-set=utf8mb4",
             *([database] if database else [])],
            input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()
