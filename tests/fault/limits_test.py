#!/usr/bin/python3
"""What a check can do to its host, and what stops it, on the kernel that this host has: rlimits, users, descriptors,
the cap on runs. tests/fault/cgroup_test.py is the same with control groups."""
import json
import os
import resource
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from runner_case import GOOD, RunnerCase, pids_of  # noqa: E402

PROCESSES = 300

DESCRIPTORS = """#!/usr/bin/python3
import errno, json, os
wrong = []
for fd in range(3, 101):
    try:
        os.write(fd, b"x")
        wrong.append(fd)
    except OSError as error:
        if error.errno != errno.EBADF:
            wrong.append([fd, error.strerror])
print(json.dumps({"isOk": True, "message": json.dumps(wrong)}))
"""
HOG = """#!/usr/bin/python3
held = [bytes(64 * 1024 * 1024) for _ in range(32)]
print('{"isOk": true, "message": "has it all"}')
"""
# A bounded bomb: each child of its holds on to a pipe that nobody opens.
BOMB = "#!/bin/sh\nmkfifo f\ni=0\nwhile [ $i -lt 600 ]; do (read x <f) & i=$((i+1)); done\n"


class Limits(RunnerCase):
    def beside_honest(self, name, script, timeout=30):
        """The first result of a check, and that it disturbed neither another monitor nor the runner."""
        self.check(name, script)
        self.check("good", GOOD)
        self.router.assign([self.monitor(1, "exec:" + name, None, timeout=timeout, run_now="a"),
                            self.monitor(2, "exec:good", timeout=10)])
        self.start()
        self.router.wait(lambda: self.router.of(1), 40, "a result")
        count = len(self.router.of(2))
        self.router.wait(lambda: len(self.router.of(2)) > count + 1, 15, "the other one goes on")
        self.assertTrue(all(run["isOk"] for run in self.router.of(2)), self.router.of(2))
        self.assertIsNone(self.process.poll())
        self.assertNotIn("spawner ended", self.said())
        return self.router.of(1)[0]

    def open_to_others(self):
        self.write_config("  user: nobody\n")
        os.mkdir(self.dir + "/state", 0o711)
        os.chmod(self.dir, 0o711)

    def spawner(self):
        found = pids_of("--spawner " + self.dir)
        self.assertEqual(len(found), 1)
        return found[0]

    @unittest.skipIf(os.geteuid() != 0, "only root can have checks run as another user")
    def test_fork_bomb_meets_the_limit_of_its_user(self):
        self.open_to_others()
        # Counts for nobody, not for root.
        self.prepare = lambda: resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES, PROCESSES))
        result = self.beside_honest("bomb", BOMB)
        self.assertFalse(result["isOk"])
        self.assertEqual(result["reason"], "exit", result["message"])
        self.assertIn("Cannot fork", result["message"])
        self.router.wait(lambda: not pids_of(self.checks + "/bomb"), 10, "none of it is left")

    @unittest.skipIf(os.geteuid() != 0, "only root can have checks run as another user")
    def test_another_user_has_a_directory_of_its_own(self):
        self.open_to_others()
        result = self.beside_honest("who", "#!/bin/sh\nt=$(mktemp) && echo x >$t && echo y >\"$HOME/z\" && "
                                           "printf '{\"isOk\":true,\"message\":\"%s %s\"}' \"$(id -un)\" \"$(ls | wc -l)\"\n")
        self.assertEqual(result["message"], "nobody 2")
        self.assertEqual(os.stat(self.dir + "/state/runner").st_mode & 0o777, 0o700)

    @unittest.skipIf(os.geteuid() != 0, "only root can have checks run as another user")
    def test_a_closed_directory_above_another_user_s_is_a_plain_sentence(self):
        self.open_to_others()
        os.chmod(self.dir, 0o700)
        self.start()
        self.assertNotEqual(self.process.wait(15), 0)
        self.assertIn(f"can't work below state_dir: the directory {self.dir} is closed to it: chmod o+x {self.dir}",
                      self.said())

    def test_memory_hog_meets_its_limit(self):
        self.write_config("  memory_bytes: 268435456\n")
        result = self.beside_honest("hog", HOG)
        self.assertFalse(result["isOk"])
        self.assertEqual(result["reason"], "exit", result["message"])
        self.assertIn("MemoryError", result["message"])

    def test_the_kernel_takes_a_check_before_the_runner(self):
        result = self.beside_honest("score", "#!/bin/sh\nprintf '{\"isOk\":true,\"message\":\"%s\"}' "
                                             "$(cat /proc/self/oom_score_adj)\n")
        self.assertEqual(result["message"], "500")
        with open(f"/proc/{self.spawner()}/oom_score_adj", encoding="ascii") as file:
            self.assertLess(int(file.read()), 500)

    def test_no_descriptor_is_passed_on(self):
        result = self.beside_honest("descriptors", DESCRIPTORS)
        self.assertEqual(json.loads(result["message"]), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
