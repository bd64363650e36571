"""The real `tocsin`, without any other program running."""
import json
import os
import subprocess

import pytest

from support.fake_api import TOKEN, FakeApi
from support.installation import BIN


class Cli:
    def __init__(self, directory):
        self.directory = directory
        self.site = directory / "site"
        self.environment = {"PATH": os.environ["PATH"]}

    def run(self, *words, **extra):
        return subprocess.run([os.path.join(BIN, "tocsin"), *map(str, words)], capture_output=True, text=True,
                              env={**self.environment, **extra}, cwd=self.directory, timeout=60, check=False)

    def ok(self, *words, **extra):
        done = self.run(*words, **extra)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def fails(self, status, sentence, *words, **extra):
        """It ends with this status, one sentence on standard error, and JSON on standard output when asked."""
        done = self.run(*words, **extra)
        assert done.returncode == status, (done.returncode, done.stderr)
        assert done.stderr.count("\n") == 1, done.stderr
        assert sentence in done.stderr, done.stderr
        assert done.stdout == ""
        again = self.run("--json", *words, **extra)
        assert again.returncode == status
        told = json.loads(again.stdout)
        assert sentence in told["detail"]
        return told

    def init(self, *words):
        self.ok("init", "--dir", self.site, *words)
        self.environment["TOCSIN_CONFIG"] = str(self.site / "tocsin.yaml")
        return self


@pytest.fixture
def cli(tmp_path):
    return Cli(tmp_path)


@pytest.fixture
def site(cli):
    return cli.init()


@pytest.fixture
def api(cli):
    server = FakeApi()
    token = cli.directory / "token"
    token.write_text(TOKEN + "\n")
    token.chmod(0o600)
    cli.environment.update(TOCSIN_URL=server.url, TOCSIN_TOKEN_FILE=str(token))
    yield server
    server.stop()
