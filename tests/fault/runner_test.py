#!/usr/bin/python3
"""tocsin-runner against hostile checks, kill -9 and a router that comes and goes. Real processes, a
fake router that speaks the public protocol, everything on loopback and in a directory of its own."""
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake_router import FakeRouter  # noqa: E402
from runner_case import GOOD, RunnerCase, pids_of  # noqa: E402

HONEST = 8

# name -> (script, reason, part of the message)
ZOO = {
    "silent": ("#!/bin/sh\nexit 0\n", "output", "printed nothing"),
    "garbage": ("#!/bin/sh\necho hello\n", "json", "hello"),
    "half": ("#!/bin/sh\nprintf '{\"isOk\":true,'\n", "json", "not what"),
    "array": ("#!/bin/sh\necho '[]'\n", "json", "one JSON object"),
    "two": ("#!/bin/sh\necho '{\"isOk\":true,\"message\":\"a\"}{\"isOk\":true,\"message\":\"a\"}'\n",
            "json", "not what"),
    "doubled": ("#!/bin/sh\necho '{\"isOk\":true,\"isOk\":true,\"message\":\"a\"}'\n", "json", "not what"),
    "flood": ("#!/bin/sh\nhead -c 100000000 /dev/zero\n", "output", "65536"),
    "flood_json": ("#!/bin/sh\nhead -c 70000 /dev/zero; echo '{\"isOk\":true,\"message\":\"x\"}'\n",
                   "output", "65536"),
    "exit3": ("#!/bin/sh\necho why >&2\nexit 3\n", "exit", "why"),
    "segv": ("#!/bin/sh\nkill -SEGV $$\n", "signal", "SIGSEGV"),
    "sleeper": ("#!/bin/sh\nexec sleep 60\n", "timeout", "time limit"),
    "stubborn": ("#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n", "timeout", "time limit"),
    "closes_out": ("#!/bin/sh\nexec >&- 2>&-\nexec sleep 60\n", "timeout", "time limit"),
    "no_shebang": ("echo hi\n", "not_executable", "could not be started"),
    "deep": ("#!/bin/sh\nhead -c 60000 /dev/zero | tr '\\0' '['\n", "json", "not what"),
    "deeper": ("#!/bin/sh\nhead -c 1000000 /dev/zero | tr '\\0' '['\n", "output", "65536"),
    "exit127": ("#!/bin/sh\nexit 127\n", "exit", "127"),
    "bad_shebang": ("#!/no/such/interpreter\n", "not_executable", "interpreter"),
}
# Children that hold the output, in a session of their own: the verdict must not wait for them.
HOLDER = "#!/bin/sh\nsetsid sleep 300 &\necho '{\"isOk\":true,\"message\":\"left a child\"}'\n"
ENVIRONMENT = """#!/usr/bin/python3
import json, os, sys
given = json.load(sys.stdin)
open_fds = [f for f in os.listdir("/proc/self/fd") if int(f) > 2 and os.path.exists("/proc/self/fd/" + f)]
print(json.dumps({"isOk": True, "message": json.dumps(
    {"env": sorted(os.environ), "cwd": os.listdir("."), "fds": len(open_fds), "given": given})}))
"""


# A built-in check's program that misbehaves as its params say.
WORKER = """#!/usr/bin/python3
import json, os, sys, time
print("started", sys.argv[1:], file=sys.stderr)
for line in sys.stdin:
    how = json.loads(line)["params"]["path"]
    answer = json.dumps({"isOk": True, "message": str(os.getpid())})
    if how == "/hang":
        time.sleep(100)
    if how == "/die":
        print("last words", file=sys.stderr, flush=True)
        sys.exit(3)
    if how == "/crash":
        os.abort()
    if how == "/close":
        os.close(1)
        time.sleep(100)
    if how == "/garbage":
        answer = "garbage"
    if how == "/more":
        answer += "\\n" + answer
    if how == "/flood":
        answer = "x" * 1000000
    print(answer, flush=True)
"""


class Runner(RunnerCase):
    def test_zoo_beside_honest_monitors(self):
        self.check("good", GOOD)
        self.check("holder", HOLDER)
        monitors = [self.monitor(n, "exec:good") for n in range(1, HONEST + 1)]
        expected = {}
        for number, (name, (script, reason, part)) in enumerate(ZOO.items(), 100):
            self.check(name, script)
            monitors.append(self.monitor(number, "exec:" + name, None, run_now="z1"))
            expected[number] = (name, reason, part)
        for number, name, reason, part in ((201, "exec:missing", "missing", "runner.checks"),
                                           (202, "exec:plain", "not_executable", "chmod"),
                                           (203, "exec:open", "not_executable", "changed by others"),
                                           (204, "sql", "config", ""),
                                           (205, "php:Thing", "not_allowed", "runner.allow"),
                                           (206, "exec:../good", "config", "")):
            monitors.append(self.monitor(number, name, None, run_now="z1"))
            expected[number] = (name, reason, part)
        monitors.append(self.monitor(207, "exec:folder", None, run_now="z1"))
        expected[207] = ("exec:folder", "not_executable", "a directory")
        os.mkdir(self.checks + "/folder")
        self.check("plain", GOOD, 0o644)
        self.check("open", GOOD, 0o777)
        monitors.append(self.monitor(300, "exec:holder", None, run_now="z1"))
        self.router.assign(monitors)
        self.start()
        self.router.wait(lambda: all(self.router.of(n) for n in list(expected) + [300]), 30,
                         "a result of each: " + str([v for n, v in expected.items() if not self.router.of(n)]))
        for number, (name, reason, part) in expected.items():
            with self.subTest(name):
                result = self.router.of(number)[0]
                self.assertFalse(result["isOk"])
                self.assertEqual(result["reason"], reason, result["message"])
                self.assertIn(part, result["message"])
                self.assertEqual(result["requestId"], "z1")
        held = self.router.of(300)[0]
        self.assertTrue(held["isOk"])
        self.assertLess(held["durationMs"], 1900)
        self.router.wait(lambda: not pids_of("sleep 300"), 5, "the child left behind is killed")
        for number in range(1, HONEST + 1):
            runs = self.router.of(number)
            self.assertGreater(len(runs), 3)
            self.assertTrue(all(run["isOk"] and run.get("missed", 0) == 0 for run in runs), runs)
        self.assertEqual((self.router.gaps, self.router.duplicates), (0, 0))

    def test_environment_is_clean(self):
        import json
        self.check("env", ENVIRONMENT)
        self.router.assign([self.monitor(1, "exec:env", None, run_now="a", some="thing")])
        os.environ["TOCSIN_CANARY"] = "secret"
        self.start()
        del os.environ["TOCSIN_CANARY"]
        self.router.wait(lambda: self.router.of(1), 15, "a result")
        result = self.router.of(1)[0]
        seen = json.loads(result["message"])
        self.assertTrue(set(seen["env"]) <= {"PATH", "LANG", "HOME", "TMPDIR", "LC_CTYPE"}, seen["env"])
        self.assertEqual(seen["cwd"], [])
        self.assertEqual(seen["fds"], 0)
        self.assertEqual(seen["given"]["params"], {"some": "thing"})
        self.assertEqual(set(seen["given"]), {"monitorId", "uuid", "name", "params", "labels", "scheduledAt",
                                              "timeoutSeconds"})

    def test_killed_runner_reports_its_lost_run_and_leaves_no_orphan(self):
        self.check("long", "#!/bin/sh\nexec sleep 4242\n")
        self.router.assign([self.monitor(1, "exec:long", None, timeout=60, run_now="a")])
        self.start()
        self.router.wait(lambda: pids_of("sleep 4242"), 15, "the check runs")
        self.stop(signal.SIGKILL)
        self.router.wait(lambda: not pids_of("sleep 4242"), 5, "the orphan is killed")
        self.router.assign([])
        self.start()
        self.router.wait(lambda: self.router.of(1), 15, "the lost run is reported")
        self.assertEqual(self.router.of(1)[0]["reason"], "lost")
        self.assertEqual(self.router.of(1)[0]["requestId"], "a")

    def test_second_runner_is_refused_and_harms_nothing(self):
        self.check("good", GOOD)
        self.router.assign([self.monitor(1, "exec:good")])
        self.start()
        self.router.wait(lambda: self.router.of(1), 15, "a result")
        second = subprocess.run([self.program, "--config", self.dir + "/tocsin.yaml"], timeout=15, check=False,
                                stderr=subprocess.PIPE, text=True)
        self.assertNotEqual(second.returncode, 0)
        self.assertIn("spool.db", second.stderr)
        count = len(self.router.of(1))
        self.router.wait(lambda: len(self.router.of(1)) > count + 2, 15, "the first one goes on")
        self.assertTrue(all(run["isOk"] for run in self.router.of(1)), self.router.of(1))

    def test_killed_spawner_is_replaced(self):
        self.check("long", "#!/bin/sh\nexec sleep 4343\n")
        self.check("good", GOOD)
        self.router.assign([self.monitor(1, "exec:long", None, timeout=60, run_now="a"),
                            self.monitor(2, "exec:good")])
        self.start()
        self.router.wait(lambda: pids_of("sleep 4343") and self.router.of(2), 15, "both ran")
        os.kill(self.spawner(), signal.SIGKILL)
        self.router.wait(lambda: self.router.of(1), 10, "the run is reported as lost")
        self.assertEqual(self.router.of(1)[0]["reason"], "lost")
        count = len(self.router.of(2))
        self.router.wait(lambda: len(self.router.of(2)) > count + 1, 10, "checks run again")
        self.assertFalse(pids_of("sleep 4343"))

    def test_kill_9_loop_loses_and_doubles_nothing(self):
        self.check("good", GOOD)
        self.router.assign([self.monitor(n, "exec:good") for n in range(1, 6)])
        for _ in range(6):
            self.start()
            count = len(self.router.results)
            self.router.wait(lambda: len(self.router.results) > count + 4, 15, "results")
            self.stop(signal.SIGKILL)
        self.assertEqual(len(self.router.marks), 1)
        numbers = [seq for seq, _, _, _ in self.router.results]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))

    def test_results_wait_for_the_router(self):
        self.check("good", GOOD)
        self.router.assign([self.monitor(1, "exec:good")])
        self.start()
        self.router.wait(lambda: len(self.router.of(1)) > 1, 15, "results")
        self.router.is_acking = False
        count = len(self.router.of(1))
        time_end = time.monotonic() + 4
        self.router.wait(lambda: time.monotonic() > time_end, 6, "time passes without acknowledgements")
        self.stop(signal.SIGTERM)
        self.router.is_acking = True
        self.router.assign([])
        self.start()
        self.router.wait(lambda: len(self.router.of(1)) >= count + 3, 15, "the spool is delivered")

    def test_overrun_is_skipped_and_counted(self):
        self.check("slow", "#!/bin/sh\nsleep 2.5\necho '{\"isOk\":true,\"message\":\"x\"}'\n")
        self.router.assign([self.monitor(1, "exec:slow", timeout=10)])
        self.start()
        self.router.wait(lambda: len(self.router.of(1)) >= 2, 20, "two runs")
        self.assertGreater(self.router.of(1)[1].get("missed", 0), 0)

    def test_starts_from_its_cache_without_a_router(self):
        self.check("good", GOOD)
        self.router.assign([self.monitor(1, "exec:good")])
        self.start()
        self.router.wait(lambda: self.router.of(1), 15, "a result")
        self.stop(signal.SIGTERM)
        keys = {"public": self.router.public, "secret": self.router.secret}
        endpoint, marks = self.router.endpoint, self.router.marks
        self.router.close()
        self.start()
        end = time.monotonic() + 4
        while time.monotonic() < end:
            time.sleep(0.1)
        self.router = FakeRouter(endpoint, **keys)
        self.router.marks = marks
        self.router.wait(lambda: len(self.router.of(1)) >= 3, 40, "results of the time alone")

    def test_terminates_cleanly_with_a_check_running(self):
        self.check("slow", "#!/bin/sh\nsleep 2\necho '{\"isOk\":true,\"message\":\"x\"}'\n")
        self.router.assign([self.monitor(1, "exec:slow", None, timeout=10, run_now="a")])
        self.start()
        self.router.wait(lambda: pids_of(self.checks + "/slow"), 15, "the check runs")
        process = self.process
        self.stop(signal.SIGTERM)
        self.assertEqual(process.returncode, 0)
        self.start()
        self.router.wait(lambda: self.router.of(1), 15, "its result")
        self.assertTrue(self.router.of(1)[0]["isOk"])

    def test_unusable_state_directory_is_a_plain_sentence(self):
        self.write(self.dir + "/state", "a file in the way", 0o600)
        self.start()
        self.assertNotEqual(self.process.wait(15), 0)
        self.assertIn(self.dir + "/state", self.said())

    def test_workers_that_misbehave_are_replaced(self):
        bin_dir = os.path.join(self.dir, "bin")
        os.mkdir(bin_dir)
        self.program = shutil.copy(self.program, bin_dir)
        self.write(bin_dir + "/tocsin-check", WORKER, 0o755)
        self.write_config("  workers: 2\n", allow='"file"')
        expected = {1: ("/hang", "timeout", "time limit"), 2: ("/die", "exit", "last words"),
                    3: ("/crash", "signal", "SIGABRT"), 4: ("/close", "signal", "SIGKILL"),
                    5: ("/garbage", "json", "garbage"), 6: ("/more", "json", "not what"),
                    7: ("/flood", "output", "65536")}
        self.router.assign([self.monitor(n, "file", None, run_now="a", path=how)
                            for n, (how, _, _) in expected.items()]
                           + [self.monitor(8, "file", path="/well")])
        self.start()
        self.router.wait(lambda: all(self.router.of(n) for n in expected) and len(self.router.of(8)) > 4, 30,
                         "all results")
        for number, (how, reason, part) in expected.items():
            with self.subTest(how):
                result = self.router.of(number)[0]
                self.assertEqual(result["reason"], reason, result["message"])
                self.assertIn(part, result["message"])
        good = self.router.of(8)
        self.assertTrue(all(run["isOk"] for run in good), good)
        self.assertEqual(good[-1]["message"], good[-2]["message"], "a good worker is kept")
        self.process.send_signal(signal.SIGHUP)
        self.router.wait(lambda: self.router.of(8)[-1]["message"] != good[-1]["message"], 10,
                         "a reload replaces the workers")

    def test_a_runner_without_router_runs_its_command(self):
        flag = self.dir + "/alone"
        self.check("alone", f"#!/bin/sh\ntouch {flag}\n")
        self.write_config(f"  alone_command: [\"{self.checks}/alone\"]\n  alone_after: 1m\n",
                          top="demo: true\ndemo_since: 2026-01-01T00:00:00Z\n")
        self.router.is_acking = False
        self.check("good", GOOD)
        self.router.assign([self.monitor(1, "exec:good")])
        os.environ["TOCSIN_CLOCK_RATE"] = "60"
        self.start()
        del os.environ["TOCSIN_CLOCK_RATE"]
        self.router.wait(lambda: os.path.exists(flag), 20, "the command ran")

    def test_every_real_plugin_is_judged_by_its_exit_status(self):
        plugins = "/usr/lib/nagios/plugins"
        if not os.path.exists(plugins + "/check_dummy"):
            self.skipTest("monitoring-plugins-basic is not installed")
        self.write_config(f"  plugins: [\"{plugins}\"]\n")
        slow = {"check_dhcp", "check_apt"}  # wait for the network or a package lock
        names = sorted(n for n in os.listdir(plugins) if n.startswith("check_") and n not in slow)
        cases = {}
        for name in names:
            for args in ([], ["--help"]):
                cases[len(cases) + 1] = (name, args)
        self.router.assign([self.monitor(n, "nagios:" + name, None, timeout=30, run_now="a", args=args)
                            for n, (name, args) in cases.items()])
        self.start()
        self.router.wait(lambda: all(self.router.of(n) for n in cases), 60, "all results")
        for number, (name, args) in cases.items():
            done = subprocess.run([plugins + "/" + name] + args, stdin=subprocess.DEVNULL, cwd=self.dir,
                                  capture_output=True, timeout=30, check=False)
            result = self.router.of(number)[0]
            with self.subTest(plugin=name, args=args):
                self.assertEqual(result["isOk"], done.returncode == 0 and bool(done.stdout.strip()), result)
                if 0 <= done.returncode <= 3 and done.stdout.strip():
                    first = done.stdout.decode(errors="replace").strip().split("\n")[0].split("|")[0].strip()
                    self.assertIn(first.split(" ")[0], result["message"])

    def test_nagios_plugins(self):
        plugins = "/usr/lib/nagios/plugins"
        if not os.path.exists(plugins + "/check_dummy"):
            self.skipTest("monitoring-plugins-basic is not installed")
        self.write_config(f"  plugins: [\"{plugins}\"]\n")
        rows = {1: ("check_dummy", ["0", "hi"], True), 2: ("check_dummy", ["1", "hi"], False),
                3: ("check_dummy", ["2", "hi"], False), 4: ("check_dummy", ["3", "hi"], False),
                5: ("check_load", ["-w", "9999,9999,9999", "-c", "9999,9999,9999"], True),
                6: ("check_disk", ["-w", "0", "-c", "0", "-p", "/"], True)}
        self.router.assign([self.monitor(n, "nagios:" + name, None, timeout=10, run_now="a", args=args)
                            for n, (name, args, _) in rows.items()]
                           + [self.monitor(7, "nagios:check_dummy", None, run_now="a", args=["1", "w"],
                                           warningIs="ok")])
        self.start()
        self.router.wait(lambda: all(self.router.of(n) for n in range(1, 8)), 20, "all results")
        for number, (_, _, is_ok) in rows.items():
            self.assertEqual(self.router.of(number)[0]["isOk"], is_ok, self.router.of(number))
        self.assertIn("load1", self.router.of(5)[0]["metrics"])
        self.assertIn("/", self.router.of(6)[0]["metrics"])
        self.assertTrue(self.router.of(7)[0]["isOk"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
