"""The database as an operator sees it: plain SQL by hand, beside the running router."""
import datetime
import json
import sqlite3

from .wait import DEADLINE_SECONDS, until

SEEN_SECONDS = 4.0  # 2 s are promised, and a busy machine is granted as many
TIME = "%Y-%m-%d %H:%M:%S.%f"


def to_text(instant):
    """A time as tables hold it: UTC with milliseconds."""
    return instant.strftime(TIME)[:-3]


def from_text(text):
    """A time of a table as seconds since 1970."""
    form = TIME if "." in text else "%Y-%m-%d %H:%M:%S"
    return datetime.datetime.strptime(text, form).replace(tzinfo=datetime.timezone.utc).timestamp()


class Database:
    def __init__(self, path):
        self.path = path

    def run(self, statement, *values):
        """One statement in a transaction of its own; rows as dictionaries."""
        with sqlite3.connect(self.path, timeout=30) as connection:
            connection.row_factory = sqlite3.Row
            cursor = connection.execute(statement, values)
            rows = [dict(row) for row in cursor]
            self.last_id = cursor.lastrowid
        connection.close()
        return rows

    def tables(self):
        return {row["name"] for row in self.run("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")}

    def value(self, statement, *values):
        rows = self.run(statement, *values)
        return next(iter(rows[0].values())) if rows else None

    def insert(self, table, **columns):
        """A row as a hand writes it; its id."""
        names = ", ".join(columns)
        marks = ", ".join("?" * len(columns))
        self.run(f"INSERT INTO {table} ({names}) VALUES ({marks})", *columns.values())
        return self.last_id

    def add_monitor(self, name, check, schedule="@every 1s", people=("ops@example.com",), **columns):
        """A monitor and its schedule, inserted as two rows by hand."""
        columns.setdefault("requiredConsecutiveOks", 1)
        columns.setdefault("timeoutSeconds", 10)
        if not isinstance(people, (str, type(None))):
            people = json.dumps(list(people))
        monitor = self.insert("Monitors", name=name, checkName=check, peopleToNotify=people, **columns)
        self.add_schedule(monitor, schedule)
        return monitor

    def add_schedule(self, monitor, schedule, timezone="UTC"):
        return self.insert("CronJobs", schedule=schedule, timezone=timezone, action="Monitor/Run",
                           parameters=json.dumps({"monitorId": monitor}))

    def edit(self, monitor, **columns):
        assignments = ", ".join(f"{name} = ?" for name in columns)
        self.run(f"UPDATE Monitors SET {assignments} WHERE id = ?", *columns.values(), monitor)

    def change(self, statement, *values, monitor, seconds=SEEN_SECONDS):
        """Change rows by hand; the record by which the router says that it has seen it."""
        before = self.value("SELECT coalesce(max(seq), 0) FROM AuditLog")
        self.run(statement, *values)
        def seen():
            rows = self.run("SELECT bytes FROM AuditLog WHERE seq > ? AND kind = 'edit' AND monitorId = ? ORDER BY seq",
                            before, monitor)
            return json.loads(rows[0]["bytes"]) if rows else None
        return until(seen, f"the change by hand is audited: {statement} {values}", seconds)

    def change_monitor(self, monitor, **columns):
        """As edit, until the router has seen it; its record."""
        assignments = ", ".join(f"{name} = ?" for name in columns)
        return self.change(f"UPDATE Monitors SET {assignments} WHERE id = ?", *columns.values(), monitor, monitor=monitor)

    def monitor(self, monitor):
        rows = self.run("SELECT * FROM Monitors WHERE id = ?", monitor)
        return rows[0] if rows else None

    def runs(self, monitor):
        return self.run("SELECT * FROM MonitorRuns WHERE monitorId = ? ORDER BY id", monitor)

    def incidents(self, monitor):
        return self.run("SELECT * FROM Incidents WHERE monitorId = ? ORDER BY id", monitor)

    def notifications(self, monitor):
        return self.run("SELECT * FROM Notifications WHERE monitorId = ? ORDER BY id", monitor)

    def audit(self, monitor=None):
        """Audit records, oldest first, as the objects that were hashed."""
        where, values = ("WHERE monitorId = ?", [monitor]) if monitor else ("", [])
        rows = self.run(f"SELECT bytes FROM AuditLog {where} ORDER BY seq", *values)
        return [json.loads(row["bytes"]) for row in rows]

    def wait_runs(self, monitor, count, seconds=DEADLINE_SECONDS):
        """Until a monitor has so many runs more than now."""
        before = self.run_count(monitor)
        until(lambda: self.run_count(monitor) >= before + count,
              f"monitor {monitor} has {count} runs more than {before}", seconds)

    def run_count(self, monitor):
        return self.value("SELECT count(*) FROM MonitorRuns WHERE monitorId = ?", monitor)

    def wait_state(self, monitor, state, seconds=DEADLINE_SECONDS):
        until(lambda: self.monitor(monitor)["state"] == state, f"monitor {monitor} is {state}", seconds)
