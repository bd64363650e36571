#!/usr/bin/python3
"""The runner's spool on a disk that is damaged, or can't be written: the whole program, as tests/unit/runner/spool_test.c
tries each page and offset of the file."""
import os
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from runner_case import GOOD, RunnerCase  # noqa: E402

PAGE = 4096


class Spool(RunnerCase):
    def fill(self, count):
        """Results on disk that the router does not acknowledge."""
        ran = self.dir + "/ran"
        self.check("long", f"#!/bin/sh\necho x >>{ran}\nprintf '{{\"isOk\":true,\"message\":\"%03000d\"}}' 7\n")
        self.router.is_acking = False
        self.router.assign([self.monitor(number, "exec:long", timeout=20) for number in range(1, 13)])
        self.start()
        self.router.wait(lambda: os.path.exists(ran) and os.path.getsize(ran) >= 2 * count, 40, "so many runs")
        self.stop(signal.SIGTERM)
        self.router.is_acking = True
        self.router.assign([])

    def test_damage_in_the_middle_is_set_aside_reported_and_the_rest_delivered(self):
        self.fill(60)
        path = self.dir + "/state/runner/spool.db"
        pages = os.path.getsize(path) // PAGE
        with open(path, "r+b") as file:
            file.seek(pages // 2 * PAGE)
            file.write(b"\x5a" * PAGE)
        first_spool = self.router.hellos[-1]["spoolId"]
        self.start()
        self.router.wait(lambda: len(self.router.results) > 20, 20, "what can be read is delivered")
        hello = next(hello for hello in self.router.hellos if hello["spoolId"] != first_spool)
        self.assertRegex(hello["setAside"], "^" + path + r"\.damaged-\d+$")
        self.assertTrue(os.path.exists(hello["setAside"]))
        self.assertIn("the spool was damaged and set aside", self.said())
        self.assertEqual((self.router.gaps, self.router.duplicates), (0, 0))
        self.stop(signal.SIGTERM)
        self.start()  # it was told once the router welcomed it
        count = len(self.router.hellos)
        self.router.wait(lambda: len(self.router.hellos) > count, 15, "hello again")
        self.assertNotIn("setAside", self.router.hellos[-1])

    def test_cut_tail_starts_and_goes_on(self):
        self.fill(40)
        path = self.dir + "/state/runner/spool.db"
        os.truncate(path, os.path.getsize(path) // PAGE // 2 * PAGE)
        self.check("good", GOOD)
        self.router.assign([self.monitor(50, "exec:good")])
        self.start()
        self.router.wait(lambda: len(self.router.of(50)) > 1, 20, "new results")

    def test_read_only_directory_is_a_plain_sentence(self):
        spool = self.dir + "/state/runner"
        os.makedirs(spool)
        if os.geteuid() != 0:
            os.chmod(spool, 0o555)
            command = [self.program]
        else:  # root writes where it wants but on a read-only file system
            script = f'mount --bind {spool} {spool} && mount -o remount,ro,bind {spool} && exec "$@"'
            if subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", "true"], check=False,
                              stderr=subprocess.DEVNULL).returncode != 0:
                self.skipTest("no file system may be mounted here")
            command = ["unshare", "--mount", "sh", "-c", script, "sh", self.program]
        done = subprocess.run(command + ["--config", self.dir + "/tocsin.yaml", "--log-format", "text"], check=False,
                              stderr=subprocess.PIPE, text=True, timeout=20)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"the spool's directory {spool} can't be written (Read-only file system)" if os.geteuid() == 0
                      else f"the spool's directory {spool} can't be written", done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
