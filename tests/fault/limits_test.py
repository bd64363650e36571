#!/usr/bin/python3
"""What a check can do to its host, and what stops it, on the kernel that this host has: rlimits, users, descriptors,
the cap on runs. tests/fault/cgroup_test.py is the same with control groups."""
import ctypes
import json
import os
import resource
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from runner_case import GOOD, RunnerCase, pids_of  # noqa: E402

PROCESSES = 300
MONITORS = 500
CAP = 32
PTRACE_SEIZE, PTRACE_DETACH = 0x4206, 17
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

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

    def hold(self, pid):
        """Trace a process: whatever kills it then, it stays until this lets go of it."""
        if LIBC.ptrace(PTRACE_SEIZE, pid, None, None) != 0:
            self.skipTest(f"no process may be traced here: {os.strerror(ctypes.get_errno())}")

    def let_go(self, pid):
        os.waitpid(pid, 0x40000000)  # __WALL: as its tracer

    def processor_seconds(self, pid):
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_a_check_that_can_not_be_ended_is_reported_and_has_no_second_one(self):
        self.check("held", "#!/bin/sh\nexec sleep 4444\n")
        self.check("good", GOOD)
        self.router.assign([self.monitor(1, "exec:held", "@every 3s", timeout=1), self.monitor(2, "exec:good", timeout=10)])
        self.start()
        self.router.wait(lambda: pids_of("sleep 4444"), 15, "the check runs")
        pid = pids_of("sleep 4444")[0]
        self.hold(pid)
        self.router.wait(lambda: self.router.of(1), 20, "the verdict")
        stuck = self.router.of(1)[0]
        self.assertEqual(stuck["reason"], "stuck", stuck["message"])
        self.assertGreaterEqual(stuck["durationMs"], 8000)  # 1 s of its own, SIGKILL after 5, given up after 2
        self.assertLess(stuck["durationMs"], 12000)
        spent = self.processor_seconds(self.spawner())
        self.router.wait(lambda: len(self.router.of(1)) > 2, 15, "further runs")
        self.assertEqual({run["reason"] for run in self.router.of(1)}, {"stuck"})
        self.assertIn("earlier run is still there", self.router.of(1)[2]["message"])
        self.assertLess(self.processor_seconds(self.spawner()) - spent, 1)
        self.assertEqual(pids_of("sleep 4444"), [], "no second one")
        self.check("held", GOOD)
        self.let_go(pid)
        self.router.wait(lambda: self.router.of(1)[-1]["isOk"], 15, "it runs again")
        self.assertTrue(all(run["isOk"] for run in self.router.of(2)), self.router.of(2))

    def test_a_built_in_check_that_can_not_be_ended_has_no_second_one(self):
        self.write_config("  roots: [\"/\"]\n  workers: 2\n", allow='"file", "disk"')
        self.router.assign([self.monitor(1, "file", "@every 1s", path=self.dir + "/log"),
                            self.monitor(2, "disk", "@every 1s", path="/", minFreePercent=0)])
        self.start()
        self.router.wait(lambda: self.router.of(1) and self.router.of(2), 15, "results")
        pid = pids_of("tocsin-check file --worker")[0]
        self.hold(pid)
        os.kill(pid, signal.SIGSTOP)
        self.router.wait(lambda: self.router.of(1)[-1]["reason"] == "timeout", 15, "it hangs")
        self.router.wait(lambda: self.router.of(1)[-1]["reason"] == "stuck", 15, "its process can't be ended")
        count = len(self.router.of(2))
        self.router.wait(lambda: len(self.router.of(2)) > count + 2, 15, "the other one goes on")
        self.assertTrue(self.router.of(2)[-1]["isOk"], self.router.of(2))
        self.let_go(pid)
        self.router.wait(lambda: self.router.of(1)[-1]["isOk"], 15, "it runs again")

    def test_500_monitors_of_one_minute(self):
        """Never more at a time than the cap, none starved, all done long before the next minute."""
        trace = self.dir + "/trace"
        self.check("one", f"#!/bin/sh\necho + >>{trace}\nsleep 0.05\necho - >>{trace}\n"
                          "echo '{\"isOk\":true,\"message\":\"x\"}'\n")
        self.write_config(f"  concurrency: {CAP}\n", top="demo: true\ndemo_since: 2026-01-01T00:00:00Z\n")
        self.router.assign([self.monitor(n, "exec:one", "* * * * *", timeout=30) for n in range(1, MONITORS + 1)])
        os.environ["TOCSIN_CLOCK_RATE"] = "3"
        self.start()
        del os.environ["TOCSIN_CLOCK_RATE"]
        self.router.wait(lambda: len(self.router.results) >= MONITORS, 60, "a result of each")
        with self.router.lock:
            first = {}
            for _, _, monitor, body in self.router.results:
                first.setdefault(monitor, body)
        self.assertEqual(len(first), MONITORS)
        self.assertEqual(len({body["scheduledAt"] for body in first.values()}), 1, "all of one minute")
        self.assertTrue(all(body["isOk"] and not body.get("missed") for body in first.values()))
        with open(trace, encoding="ascii") as file:
            running, most = 0, 0
            for line in file.read().split()[:2 * MONITORS]:
                running += 1 if line == "+" else -1
                most = max(most, running)
        self.assertLessEqual(most, CAP)
        self.assertGreater(most, CAP // 4, "they do run beside each other")


if __name__ == "__main__":
    unittest.main(verbosity=2)
