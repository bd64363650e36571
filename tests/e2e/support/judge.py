"""What must be true of what an installation did, whatever was done to it."""


def assert_never_late(site, monitor, seconds=1, every=1):
    """Each run of a monitor that is due every so many seconds was there, in time, and was well."""
    runs = site.database.run("SELECT (julianday(scheduledDt) - 2440587.5) * 86400.0 AS due,"
                             " (julianday(startedDt) - 2440587.5) * 86400.0 AS began, isOk FROM MonitorRuns"
                             " WHERE monitorId = ? AND scheduledDt IS NOT NULL ORDER BY id", monitor)
    assert len(runs) > 2
    late = [run for run in runs if run["began"] - run["due"] > seconds]
    assert not late, late
    gaps = [b["due"] - a["due"] for a, b in zip(runs, runs[1:])]
    assert max(gaps) < every + 0.5, gaps
    assert all(run["isOk"] for run in runs)
    assert site.database.incidents(monitor) == []
