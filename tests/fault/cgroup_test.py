#!/usr/bin/python3
"""tocsin-runner in a group that is delegated to it, on a kernel of its own: user-mode Linux boots in two
seconds, needs no privilege and has every controller, whatever the host has. The tests run inside of it."""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from runner_case import GOOD, RunnerCase, pids_of  # noqa: E402

GROUPS = "/sys/fs/cgroup"
MEMORY = 64 * 1024 * 1024
SECONDS = 240

# As root of a kernel whose root file system is the host's, read-only.
INIT = """#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo '+memory +pids' > /sys/fs/cgroup/cgroup.subtree_control
cd {repository}
export HOME=/run TMPDIR=/run PATH=/usr/sbin:/usr/bin:/sbin:/bin PYTHONDONTWRITEBYTECODE=1 TOCSIN_BIN={programs} TOCSIN_INSIDE=1
/usr/bin/python3 {test} {arguments}
echo "inside: status $?"
echo o > /proc/sysrq-trigger
sleep 60
"""


def raise_loopback():
    import fcntl
    import socket
    import struct
    with socket.socket() as sock:
        up = 0x1 | 0x40
        fcntl.ioctl(sock, 0x8914, struct.pack("16sh14x", b"lo", up))  # SIOCSIFFLAGS


def procs(group):
    with open(group + "/cgroup.procs", encoding="ascii") as file:
        return [int(line) for line in file]


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


class Group(RunnerCase):
    """With the runner started as a service manager does it."""

    def setUp(self):
        super().setUp()
        self.unit = f"{GROUPS}/{self.id().rsplit('.', 1)[1]}.service"
        os.mkdir(self.unit)
        os.setxattr(self.unit, "user.delegate", b"1")

    def start(self):
        moved = self.unit + "/tocsin-main"  # a later start is that of tocsin up, which was moved there
        group = moved if os.path.exists(moved) else self.unit
        self.prepare = lambda: write(group + "/cgroup.procs", "0")
        super().start()

    def groups(self):
        """Of runs: those that exist now."""
        found = [f"{self.unit}/{name}" for name in os.listdir(self.unit) if name.startswith("tocsin-checks-")]
        return [f"{folder}/{run}" for folder in found for run in os.listdir(folder) if run.isdigit()]

    def run_beside_honest(self, name, script, reason, part):
        """The check's one result, and that it disturbed neither another monitor nor the runner."""
        self.check(name, script)
        self.check("good", GOOD)
        self.router.assign([self.monitor(1, "exec:" + name, None, timeout=30, run_now="a"),
                            self.monitor(2, "exec:good", timeout=20)])  # one slow processor for all
        self.start()
        self.router.wait(lambda: self.router.of(1), 40, "a result")
        result = self.router.of(1)[0]
        self.assertFalse(result["isOk"])
        self.assertEqual(result["reason"], reason, result["message"])
        self.assertIn(part, result["message"])
        count = len(self.router.of(2))
        self.router.wait(lambda: len(self.router.of(2)) > count + 1, 15, "the other one goes on")
        self.assertTrue(all(run["isOk"] for run in self.router.of(2)), self.router.of(2))
        self.assertIsNone(self.process.poll())
        self.assertNotIn("spawner ended", self.said())
        self.router.wait(lambda: len(self.groups()) <= 1, 10, "its group is removed")

    def test_memory_hog_is_killed_by_its_own_limit(self):
        self.write_config(f"  memory_bytes: {MEMORY}\n")
        # Not the check itself but a child of its child, in a session of its own, takes the memory.
        self.run_beside_honest("hog", "#!/bin/sh\nsetsid sh -c 'tail /dev/zero' &\nwait\nsleep 60\n",
                               "memory", "ran out of memory")
        self.assertFalse(pids_of("tail /dev/zero"))

    def test_fork_bomb_meets_its_limit(self):
        self.run_beside_honest("bomb", "#!/bin/sh\nmkfifo f\ni=0\nwhile [ $i -lt 600 ]; do (read x <f) & i=$((i+1)); "
                                       "done\n", "exit", "more than the 512 processes")
        self.router.wait(lambda: not pids_of(self.checks + "/bomb"), 10, "none of it is left")

    def test_straggler_is_killed_and_its_own_groups_removed(self):
        self.check("nest", "#!/bin/sh\nown=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)\n"
                           "mkdir -p $own/a/b && (echo 0 > $own/a/b/cgroup.procs; exec setsid sleep 778) &\n"
                           "sleep 0.3\necho '{\"isOk\":true,\"message\":\"left\"}'\n")
        self.router.assign([self.monitor(1, "exec:nest", None, timeout=30, run_now="a")])
        self.start()
        self.router.wait(lambda: self.router.of(1), 20, "a result")
        self.assertTrue(self.router.of(1)[0]["isOk"], self.router.of(1))
        self.router.wait(lambda: not pids_of("sleep 778") and not self.groups(), 10, "nothing is left")

    def test_runner_and_spawner_killed_together_leave_nothing_for_long(self):
        self.check("long", "#!/bin/sh\nsetsid sleep 779 &\nexec sleep 780\n")
        self.router.assign([self.monitor(1, "exec:long", None, timeout=60, run_now="a")])
        self.start()
        self.router.wait(lambda: pids_of("sleep 779") and pids_of("sleep 780"), 15, "the check runs")
        both = [self.spawner(), self.process.pid]
        for pid in both:
            os.kill(pid, signal.SIGSTOP)  # neither sees the other's end
        for pid in both:
            os.kill(pid, signal.SIGKILL)
        self.process.wait(10)
        self.assertTrue(pids_of("sleep 779"), "else this test shows nothing")
        self.router.assign([])
        self.start()
        self.router.wait(lambda: not pids_of("sleep 779") and not pids_of("sleep 780"), 15, "all are killed")
        self.router.wait(lambda: self.router.of(1), 15, "the lost run is reported")

    def test_check_in_uninterruptible_sleep(self):
        """A disk that is frozen: whoever writes there sleeps and hears no signal, not even SIGKILL."""
        disk = self.dir + "/disk"
        os.mkdir(disk)
        subprocess.run(["mount", "/dev/ubda", disk], check=True)
        subprocess.run(["fsfreeze", "--freeze", disk], check=True)
        try:
            self.check("frozen", f"#!/bin/sh\necho x >{disk}/file\necho '{{\"isOk\":true,\"message\":\"written\"}}'\n")
            self.check("good", GOOD)
            self.router.assign([self.monitor(1, "exec:frozen", "@every 3s", timeout=1),
                                self.monitor(2, "exec:good", timeout=20)])
            self.start()
            self.router.wait(lambda: len(self.router.of(1)) > 1, 30, "two verdicts")
            first, second = self.router.of(1)[:2]
            self.assertEqual((first["reason"], second["reason"]), ("stuck", "stuck"))
            self.assertIn("not even SIGKILL ended it", first["message"])
            self.assertLess(first["durationMs"], 12000)
            self.assertIn("earlier run is still there", second["message"])
            self.assertEqual(len(pids_of(self.checks + "/frozen")), 1, "no second one")
        finally:
            subprocess.run(["fsfreeze", "--unfreeze", disk], check=True)
        self.router.wait(lambda: self.router.of(1)[-1]["isOk"], 15, "it runs again")
        self.assertTrue(all(run["isOk"] for run in self.router.of(2)), self.router.of(2))
        self.stop(signal.SIGTERM)
        subprocess.run(["umount", disk], check=True)

    def test_the_unit_s_processes_make_room(self):
        other = subprocess.Popen(["sleep", "60"], preexec_fn=lambda: write(self.unit + "/cgroup.procs", "0"))
        try:
            self.check("good", GOOD)
            self.router.assign([self.monitor(1, "exec:good")])
            self.start()
            self.router.wait(lambda: self.router.of(1), 15, "a result")
            self.assertEqual(procs(self.unit), [])
            self.assertIn(other.pid, procs(self.unit + "/tocsin-main"))
            self.assertIn(self.process.pid, procs(self.unit + "/tocsin-main"))
            self.assertIn("memory=limited processes=limited", self.said())
            self.stop(signal.SIGTERM)
            self.start()
            count = len(self.router.of(1))
            self.router.wait(lambda: len(self.router.of(1)) > count, 15, "results")
            self.assertEqual(len(re.findall("memory=limited processes=limited", self.said())), 2)
        finally:
            other.kill()
            other.wait()

    def test_nothing_is_touched_that_was_not_delegated(self):
        os.removexattr(self.unit, "user.delegate")
        self.check("good", GOOD)
        self.router.assign([self.monitor(1, "exec:good")])
        self.start()
        self.router.wait(lambda: self.router.of(1), 15, "a result")
        self.assertIn("without control groups", self.said())
        self.assertIn(self.unit + " is not delegated", self.said())
        self.assertIn(self.process.pid, procs(self.unit))
        self.assertFalse(self.groups())


def find_programs():
    """A folder of programs without AddressSanitizer, whose shadow has no room in user-mode Linux."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    for folder in (os.environ.get("TOCSIN_BIN", ""), root + "/build/release/bin"):
        program = os.path.join(folder, "tocsin-runner")
        if os.path.exists(program):
            with open(program, "rb") as file:
                if b"__asan_init" not in file.read():
                    return os.path.abspath(folder)
    return None


def outside(arguments):
    kernel, programs = shutil.which("linux.uml"), find_programs()
    if kernel is None or programs is None:
        print("skipped: " + ("user-mode-linux is not installed" if kernel is None else
                             "there is no build without AddressSanitizer (./dev build release)"))
        return 0
    with tempfile.TemporaryDirectory(prefix="tocsin-uml-") as folder:
        test = os.path.abspath(__file__)
        repository = os.path.dirname(os.path.dirname(os.path.dirname(test)))
        with open(folder + "/init", "w", encoding="utf-8") as file:
            file.write(INIT.format(repository=repository, programs=programs, test=test, arguments=" ".join(arguments)))
        os.chmod(folder + "/init", 0o755)
        with open(folder + "/disk", "wb") as file:
            file.truncate(16 * 1024 * 1024)
        subprocess.run(["/sbin/mkfs.ext4", "-q", folder + "/disk"], check=True)
        command = [kernel, "mem=512M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "quiet", "con=null",
                   "con0=null,fd:1", f"ubda={folder}/disk", "umid=" + os.path.basename(folder), f"init={folder}/init"]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  env={**os.environ, "HOME": folder}, timeout=SECONDS, check=False)
            said = done.stdout.decode(errors="replace")
        except subprocess.TimeoutExpired as error:
            said = (error.stdout or b"").decode(errors="replace") + f"\nnot done within {SECONDS} s\n"
    print(said.replace("\r", ""))
    return 0 if "inside: status 0" in said else 1


if __name__ == "__main__":
    if os.environ.get("TOCSIN_INSIDE"):
        raise_loopback()
        suite = unittest.defaultTestLoader.loadTestsFromName(".".join(["Group"] + sys.argv[1:]), sys.modules["__main__"])
        sys.exit(0 if unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(suite).wasSuccessful() else 1)
    sys.exit(outside(sys.argv[1:]))
