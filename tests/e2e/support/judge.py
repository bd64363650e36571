"""What must be true of what an installation did, whatever was done to it."""
from .database import from_text


def assert_never_late(site, monitor, seconds=1, every=1):
    """Each run of a monitor that is due every so many seconds was there, in time, and was well."""
    rows = site.database.run("SELECT scheduledDt, startedDt, isOk FROM MonitorRuns"
                             " WHERE monitorId = ? AND scheduledDt IS NOT NULL ORDER BY id", monitor)
    runs = [{"due": from_text(row["scheduledDt"]), "began": from_text(row["startedDt"]), "isOk": row["isOk"]} for row in rows]
    assert len(runs) > 2
    late = [run for run in runs if run["began"] - run["due"] > seconds]
    assert not late, late
    gaps = [b["due"] - a["due"] for a, b in zip(runs, runs[1:])]
    assert max(gaps) < every + 0.5, gaps
    assert all(run["isOk"] for run in runs)
    assert site.database.incidents(monitor) == []
