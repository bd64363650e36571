"""Results applied durably on MariaDB over a unix socket, beside the same history rows as multi-row text
statements in as many commits, on the same server in the same run."""
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from mariadb import MariaDB  # noqa: E402 (a helper of tests as well)

OPTIONS = ("--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=512M", "--innodb-log-file-size=256M",
           "--skip-log-bin", "--skip-networking")
PER_COMMIT = 500


def fill(server, name, monitors):
    server.sql(
        "INSERT INTO Monitors (id, name, checkName, peopleToNotify, lastRunDt, version)"
        " SELECT seq, CONCAT('Purchase orders of branch ', seq), 'exec:orders', '[\"ops@example.com\"]',"
        f" '2026-01-01', 1 FROM seq_1_to_{monitors};"
        "INSERT INTO CronJobs (schedule, action, parameters, version) SELECT '*/5 * * * *', 'Monitor/Run',"
        f" CONCAT('{{\"monitorId\": ', seq, '}}'), 1 FROM seq_1_to_{monitors};", name)


def limit(server, name, results, monitors):
    """Seconds for the history rows alone, written by the server's own client."""
    text = ["DELETE FROM MonitorRuns;"]
    for first in range(1, results + 1, PER_COMMIT):
        rows = ",".join(
            f"({i},{1 + i % monitors},1,'2026-03-01 12:00:00.000','2026-03-01 12:00:00.012',48,1,'ok',"
            "'newest order is 4 min old')" for i in range(first, min(first + PER_COMMIT, results + 1)))
        text.append("BEGIN;INSERT INTO MonitorRuns (id, monitorId, runnerId, scheduledDt, startedDt, durationMs, isOk,"
                    f" state, summary) VALUES {rows};COMMIT;")
    server.sql(text.pop(0), name)
    begin = time.monotonic()
    server.sql("\n".join(text), name)
    return time.monotonic() - begin


def apply(bench, figure, tool, build):
    results = 20_000 if bench.is_quick else 100_000
    monitors = 10_000
    with MariaDB(*OPTIONS) as server:
        for permille in (0, 10, 1000):
            count = results if permille < 1000 else results // 5
            site = bench.site(1)
            name = f"bench{permille}"
            server.sql(f"CREATE DATABASE {name}")
            os.environ.update({"TOCSIN_STORE_URL": f"mysql://root@localhost/{name}",
                               "TOCSIN_STORE_SOCKET": str(server.socket)})
            try:
                subprocess.run([build / "bin" / "tocsin", "--config", site / "tocsin.yaml", "migrate"], check=True,
                               capture_output=True)
                fill(server, name, monitors)
                ran = tool("flow_bench", site, count, permille, "in", 2000)
            finally:
                del os.environ["TOCSIN_STORE_URL"], os.environ["TOCSIN_STORE_SOCKET"]
            if ran["results"] != count or ran["refused"]:
                raise AssertionError(f"{ran['results']} of {count} results applied, {ran['refused']} refused")
            seconds = limit(server, name, count, monitors)
            yield figure("mariadb", f"{monitors} monitors, {permille / 10:g}% failing", count / ran["seconds"],
                         "results/s", count / seconds, cpuUs=1e6 * ran["cpu"] / count,
                         perCommit=count / max(1, ran["commits"]), loadMs=ran["loadMs"])
            bench.drop(site)
