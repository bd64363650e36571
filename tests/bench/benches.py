"""What ./dev bench measures. Each bench yields figures: {"bench", "case", "figure", "unit", "limit" (what
this machine allows, measured in the same run), "ratio", "beside" (what else must be known)}."""
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import time

import on_mariadb

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TOCSIN_BUILD", ROOT / "build" / "release"))
READY_SECONDS = 60


def figure(bench, case, value, unit, limit=None, ratio=None, **beside):
    if ratio is None and limit:
        ratio = value / limit
    return {"bench": bench, "case": case, "figure": value, "unit": unit, "limit": limit, "ratio": ratio,
            "beside": beside}


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def line_of(one):
    beside = " ".join(f"{key}={number(value)}" for key, value in one["beside"].items())
    return (f'{one["bench"]:9} {one["case"]:34} {number(one["figure"]):>10} {one["unit"]:14} '
            f'limit {number(one["limit"]):>10}  ratio {number(one["ratio"]):>6}  {beside}')


class Bench:
    """A place for databases, and installations with monitors in them."""

    def __init__(self, place, is_quick):
        self.place = pathlib.Path(place)
        self.is_quick = is_quick
        self.count = 0

    def sizes(self):
        return (10_000,) if self.is_quick else (1_000, 10_000, 100_000)

    def site(self, monitors):
        """An installation of its own with so many monitors, each due every five minutes."""
        self.count += 1
        site = self.place / f"site{self.count}"
        subprocess.run([BUILD / "bin" / "tocsin", "init", "--dir", site, "--name", "host7", "--notify",
                        "ops@example.com"], check=True, capture_output=True)
        with sqlite3.connect(site / "tocsin.db") as database:
            database.executemany(
                "INSERT INTO Monitors (id, name, checkName, peopleToNotify, lastRunDt, version) "
                "VALUES (?, ?, 'exec:orders', '[\"ops@example.com\"]', '2026-01-01 00:00:00.000', 1)",
                ((i, f"Purchase orders of branch {i}") for i in range(1, monitors + 1)))
            database.executemany(
                "INSERT INTO CronJobs (schedule, action, parameters, version) "
                "VALUES ('*/5 * * * *', 'Monitor/Run', ?, 1)",
                ((json.dumps({"monitorId": i}),) for i in range(1, monitors + 1)))
        database.close()
        return site

    def drop(self, site):
        shutil.rmtree(site)


def tool(name, *arguments, before=()):
    done = subprocess.run([*map(str, before), BUILD / "tests" / name, *map(str, arguments)],
                          stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def versions(path):
    with sqlite3.connect(path) as database:
        total = database.execute("SELECT sum(version) FROM Monitors").fetchone()[0]
    database.close()
    return total


# --- Results applied durably ------------------------------------------------------------------------

WINDOW = 2000


def apply(bench):
    """Results per second into state, history, audit and outbox; the limit is plain SQLite with the
    same rows in as many commits."""
    results = 20_000 if bench.is_quick else 100_000
    for monitors in bench.sizes():
        for permille in (10, 1000):
            for order in ("in", "random"):
                count = results if permille < 1000 else results // 5
                site = bench.site(monitors)
                fresh = site / "fresh.db"
                with sqlite3.connect(site / "tocsin.db") as source, sqlite3.connect(fresh) as copy:
                    source.backup(copy)
                ran = tool("flow_bench", site, count, permille, order, WINDOW)
                if ran["results"] != count or ran["refused"]:
                    raise AssertionError(f"{ran['results']} of {count} results applied, {ran['refused']} refused")
                # A version more a write, but for the one that assigned each monitor to the runner.
                updates = max(0, versions(site / "tocsin.db") - versions(fresh) - monitors)
                limit = tool("limit_bench", site / "tocsin.db", fresh, max(1, ran["commits"]), updates)
                yield figure("apply", f"{monitors} monitors, {permille / 10:g}% failing, {order}",
                             count / ran["seconds"], "results/s", count / limit["seconds"],
                             cpuUs=1e6 * ran["cpu"] / count, perCommit=count / max(1, ran["commits"]),
                             fdatasyncP50Us=limit["fdatasyncP50Us"], fdatasyncP99Us=limit["fdatasyncP99Us"])
                bench.drop(site)


# --- Instructions -----------------------------------------------------------------------------------

def instr(bench):
    """Instructions per result, counted by callgrind inside the measured part."""
    monitors, count = 1_000, 4_000
    for permille in (0, 10, 1000):
        site = bench.site(monitors)
        out = bench.place / "callgrind.out"
        subprocess.run(["valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=measure*",
                        f"--callgrind-out-file={out}", BUILD / "tests" / "flow_bench", site, str(count),
                        str(permille), "in", str(WINDOW)], check=True, capture_output=True)
        totals = re.search(r"^(?:totals|summary): (\d+)", out.read_text(), re.MULTILINE)
        kept = os.environ.get("TOCSIN_BENCH_CALLGRIND")
        if kept:
            shutil.copy(out, f"{kept}.{permille}")
        yield figure("instr", f"{permille / 10:g}% failing", int(totals[1]) / count, "instructions/result")
        bench.drop(site)


# --- The router by itself ---------------------------------------------------------------------------

def status_of(pid, name):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)[1])


def cpu_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start_router(site):
    """The process and how long it took until it said that it is ready."""
    log = site / "router.log"
    with open(log, "wb") as file:
        begin = time.monotonic()
        process = subprocess.Popen([BUILD / "bin" / "tocsin-router", "--config", site / "tocsin.yaml",
                                    "--log-format", "text"], stderr=file, stdout=file)
    while b"ready;" not in log.read_bytes() and b"ready" not in log.read_bytes().split(b"store=")[0]:
        if process.poll() is not None or time.monotonic() - begin > READY_SECONDS:
            process.kill()
            process.wait()
            raise AssertionError(log.read_text())
        time.sleep(0.0005)
    return process, time.monotonic() - begin


def router(bench):
    """Start to ready, resident memory and idle processor time with monitors and nothing to do."""
    idle_seconds = 3 if bench.is_quick else 15
    for monitors in bench.sizes():
        site = bench.site(monitors)
        times = []
        for attempt in range(3):
            process, seconds = start_router(site)
            times.append(seconds)
            if attempt < 2:
                process.terminate()
                process.wait()
        time.sleep(2)
        before = cpu_of(process.pid)
        time.sleep(idle_seconds)
        idle = (cpu_of(process.pid) - before) / idle_seconds
        rss = status_of(process.pid, "VmRSS")
        process.terminate()
        process.wait()
        case = f"{monitors} monitors"
        yield figure("router", f"start to ready, {case}", 1000 * sorted(times)[1], "ms")
        yield figure("router", f"resident memory, {case}", rss / 1024, "MiB")
        yield figure("router", f"idle, {case}", 100 * idle, "% of a core")
        bench.drop(site)


def mariadb(bench):
    """The first bench on a MariaDB server of its own."""
    yield from on_mariadb.apply(bench, figure, tool, BUILD)


ALL = {"apply": apply, "mariadb": mariadb, "router": router, "instr": instr}
