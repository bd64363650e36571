"""Running tocsin-check as the runner does, for tests."""
import json
import os
import pathlib
import subprocess

BIN = pathlib.Path(os.environ["TOCSIN_BIN"])


def config(folder, **runner):
    """Write a configuration (YAML is a superset of JSON) and return its path."""
    path = pathlib.Path(folder) / "tocsin.yaml"
    path.write_text(json.dumps({"state_dir": str(folder), "runner": {"name": "test", **runner}}))
    return path


def once(path, kind, params, seconds=10):
    done = subprocess.run(
        [BIN / "tocsin-check", "--config", path, kind], capture_output=True, text=True, timeout=seconds + 20, check=False,
        input=json.dumps({"monitorId": 1, "uuid": "u", "name": "n", "labels": {}, "scheduledAt": None,
                          "params": params, "timeoutSeconds": seconds}))
    assert done.returncode == 0, done
    assert not done.stderr, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) <= {"isOk", "message", "metrics"}, answer
    assert isinstance(answer["isOk"], bool) and answer["message"], answer
    return answer


class Worker:
    """A warm worker: one line in, one line out."""

    def __init__(self, path, kind=None):
        self.process = subprocess.Popen(
            [BIN / "tocsin-check", "--config", path, *([kind] if kind else []), "--worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(30) == 0
        self.process.stdout.close()

    def raw(self, line):
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def ask(self, kind, params, seconds=10):
        return self.raw(json.dumps({"kind": kind, "params": params, "timeoutSeconds": seconds}).encode())
