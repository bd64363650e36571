#!/usr/bin/python3
"""The disk and file checks on real paths, the policy of roots, and the worker that answers everything."""
import json
import os
import pathlib
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import checks  # noqa: E402


class Paths(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name) / "root"
        self.root.mkdir()
        self.secret = pathlib.Path(folder.name) / "secret"
        self.secret.write_text("s")
        self.config = checks.config(folder.name, roots=[str(self.root)])

    def ask(self, kind, **params):
        return checks.once(self.config, kind, params)

    def fails(self, wanted, kind, **params):
        answer = self.ask(kind, **params)
        self.assertFalse(answer["isOk"], answer)
        self.assertIn(wanted, answer["message"])

    def test_disk(self):
        answer = self.ask("disk", path=str(self.root), minFreeBytes=1)
        facts = os.statvfs(self.root)
        self.assertTrue(answer["isOk"], answer)
        self.assertAlmostEqual(answer["metrics"]["freeBytes"], facts.f_bavail * facts.f_frsize, delta=1 << 30)
        self.fails("the limit is 100 %", "disk", path=str(self.root), minFreePercent=100)
        self.fails("does not exist", "disk", path=f"{self.root}/none", minFreePercent=1)

    def test_roots(self):
        (self.root / "link").symlink_to(self.secret)
        (self.root / "out").symlink_to("/")
        (self.root / "in").symlink_to(self.root)
        for path in (str(self.secret), f"{self.root}/link", f"{self.root}/out/etc/passwd", f"{self.root}x", "/",
                     "/no/such/place"):
            self.fails("not below a folder of runner.roots", "file", path=path)
            self.fails("not below a folder of runner.roots", "disk", path=path, minFreeBytes=1)
        self.fails("not below a folder of runner.roots", "file", glob="/etc/*")
        self.fails("not below a folder of runner.roots", "file", glob=f"{self.root}/out/*")
        (self.root / "a.csv").write_text("1")
        self.assertTrue(self.ask("file", path=f"{self.root}/in/a.csv")["isOk"])
        nowhere = checks.config(self.root, roots=[])
        self.assertIn("runner.roots", checks.once(nowhere, "disk", {"path": "/", "minFreeBytes": 1})["message"])

    def test_files(self):
        for name, size, age in (("a.csv", 10, 60), ("b.csv", 0, 7200), (".hidden.csv", 5, 0), ("c.txt", 5, 0)):
            (self.root / name).write_text("x" * size)
            os.utime(self.root / name, (time.time() - age,) * 2)
        (self.root / "d.csv").mkdir()
        (self.root / "l.csv").symlink_to("/etc/passwd")
        glob = f"{self.root}/*.csv"
        answer = self.ask("file", glob=glob, maxAge="5m", minCount=2, maxCount=2)
        self.assertTrue(answer["isOk"], answer)
        self.assertEqual(answer["metrics"]["count"], 2)
        self.fails("the newest file of".capitalize(), "file", glob=glob, maxAge=30)
        self.fails("b.csv has 0 bytes, at least 1 bytes", "file", glob=glob, minSize=1)
        self.fails("2 files match", "file", glob=glob, minCount=3)
        self.fails("0 files match", "file", glob=f"{self.root}/*.xml")
        self.fails("does not exist", "file", path=f"{self.root}/none")
        self.fails("the folder", "file", glob=f"{self.root}/none/*")
        self.fails("is a directory", "file", path=str(self.root))
        self.assertTrue(self.ask("file", path=f"{self.root}/none", maxCount=0)["isOk"])
        self.fails("exists, and must not", "file", path=f"{self.root}/a.csv", maxCount=0)
        os.mkfifo(self.root / "pipe")  # looked at, never opened for reading
        self.assertTrue(self.ask("file", path=f"{self.root}/pipe")["isOk"])

    @unittest.skipIf(os.geteuid() == 0, "root may look everywhere")
    def test_no_permission(self):
        (self.root / "shut").mkdir(0o000)
        self.fails("closed to the user", "file", path=f"{self.root}/shut/a")
        self.fails("can't be listed", "file", glob=f"{self.root}/shut/*")


class Worker(unittest.TestCase):
    def test_answers_everything(self):
        with tempfile.TemporaryDirectory() as folder:
            config = checks.config(folder, roots=[folder])
            with checks.Worker(config, "disk") as worker:
                for line in (b"", b"{", b"[]", b"null", b"\xff\xfe", b"a" * 500_000, b"[" * 100_000, b'{"params":{}}',
                             b'{"kind":"sql","params":{}}', b'{"params":{"path":"/","nothing":1}}', b"{}\x00"):
                    answer = worker.raw(line)
                    self.assertFalse(answer["isOk"], line[:50])
                    self.assertTrue(answer["message"])
                self.assertTrue(worker.ask("disk", {"path": folder, "minFreeBytes": 1})["isOk"])

    def test_any_kind_and_no_configuration(self):
        with checks.Worker("/no/such/file.yaml") as worker:
            answer = worker.ask("disk", {"path": "/", "minFreeBytes": 1})
            self.assertIn("/no/such/file.yaml", answer["message"])
            self.assertIn("refused", worker.ask("tcp", {"host": "127.0.0.1", "port": 1})["message"])
            self.assertIn("kind must be one of", worker.ask("exec", {})["message"])

    def test_pipelined_lines_keep_their_order(self):
        with tempfile.TemporaryDirectory() as folder:
            config = checks.config(folder, roots=[folder])
            with checks.Worker(config) as worker:
                count = 200
                for i in range(count):
                    line = {"kind": "file", "params": {"path": f"{folder}/{i}"}}
                    worker.process.stdin.write(json.dumps(line).encode() + b"\n")
                worker.process.stdin.flush()
                for i in range(count):
                    answer = json.loads(worker.process.stdout.readline())
                    self.assertEqual(answer["message"], f"{folder}/{i} does not exist")


if __name__ == "__main__":
    unittest.main()
