-- SQLite has no unsigned, enumerated or date types. The map: INT UNSIGNED, TINYINT ... INTEGER with a
-- CHECK; VARCHAR, TEXT, JSON, CHAR, ENUM ... TEXT; DATETIME(3) ... TEXT 'YYYY-MM-DD HH:MM:SS.sss', UTC;
-- BLOB, BINARY ... BLOB. Columns of JSON and of times have no CHECK on purpose: what a hand gets wrong
-- must become an alert about that row, in every dialect alike. docs/schema.md documents each column.

CREATE TABLE SchemaMigrations (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    checksum TEXT NOT NULL,
    appliedDt TEXT NOT NULL
) STRICT;

CREATE TABLE Monitors (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id BETWEEN 1 AND 4294967295),
    uuid TEXT NOT NULL UNIQUE DEFAULT (lower(printf('%s-%s-4%s-%s%s-%s', hex(randomblob(4)), hex(randomblob(2)),
        substr(hex(randomblob(2)), 2), substr('89AB', 1 + (abs(random() % 4)), 1), substr(hex(randomblob(2)), 2),
        hex(randomblob(6))))) CHECK (length(uuid) = 36),
    isActive INTEGER NOT NULL DEFAULT 1 CHECK (isActive IN (0, 1)),
    dtCreated TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    checkName TEXT CHECK (length(checkName) <= 255),
    phpClass TEXT CHECK (length(phpClass) <= 255),
    params TEXT NOT NULL DEFAULT '{}',
    timeoutSeconds INTEGER NOT NULL DEFAULT 60 CHECK (timeoutSeconds BETWEEN 1 AND 86400),
    runsOn TEXT CHECK (length(runsOn) <= 255),
    state TEXT NOT NULL DEFAULT 'ok' CHECK (state IN ('ok', 'alert')),
    consecutiveOkCount INTEGER NOT NULL DEFAULT 0 CHECK (consecutiveOkCount BETWEEN 0 AND 4294967295),
    requiredConsecutiveOks INTEGER NOT NULL DEFAULT 2 CHECK (requiredConsecutiveOks BETWEEN 0 AND 255),
    consecutiveFailureCount INTEGER NOT NULL DEFAULT 0 CHECK (consecutiveFailureCount BETWEEN 0 AND 4294967295),
    requiredConsecutiveFailures INTEGER NOT NULL DEFAULT 1 CHECK (requiredConsecutiveFailures BETWEEN 0 AND 255),
    reminderFrequencyMinutes INTEGER NOT NULL DEFAULT 60 CHECK (reminderFrequencyMinutes BETWEEN 0 AND 65535),
    peopleToNotify TEXT,
    severity TEXT NOT NULL DEFAULT 'critical' CHECK (severity IN ('info', 'warning', 'critical')),
    labels TEXT NOT NULL DEFAULT '{}',
    runbookUrl TEXT,
    lastRunDt TEXT,
    lastResultMessage TEXT,
    lastNotificationDt TEXT,
    lastNotificationType TEXT CHECK (lastNotificationType IN ('alert', 'reminder', 'recovery', 'closed')),
    acknowledgedDt TEXT,
    acknowledgedBy TEXT,
    ackExpiresDt TEXT,
    ackNote TEXT,
    generation INTEGER NOT NULL DEFAULT 0 CHECK (generation >= 0),
    runnerId INTEGER REFERENCES Runners (id),
    version INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX Monitors_isActive_IDX ON Monitors (isActive);
CREATE INDEX Monitors_name_IDX ON Monitors (name);

CREATE TABLE CronJobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id BETWEEN 1 AND 4294967295),
    isActive INTEGER NOT NULL DEFAULT 1 CHECK (isActive IN (0, 1)),
    dtCreated TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    schedule TEXT NOT NULL CHECK (length(schedule) <= 255),
    timezone TEXT NOT NULL DEFAULT 'America/Chicago' CHECK (length(timezone) <= 64),
    action TEXT NOT NULL CHECK (length(action) <= 255),
    parameters TEXT NOT NULL DEFAULT '{}',
    -- The number behind "monitorId": SQLite calls no JSON function from a schema that it does not trust.
    monitorId INTEGER AS (CASE WHEN instr(parameters, '"monitorId"') > 0 THEN CAST(ltrim(
        substr(parameters, instr(parameters, '"monitorId"') + 11), char(9, 10, 13, 32, 58)) AS INTEGER) END) VIRTUAL,
    version INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX CronJobs_monitorId_IDX ON CronJobs (monitorId);

CREATE TABLE Runners (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 255),
    spoolId TEXT,
    spoolRank INTEGER NOT NULL DEFAULT 0,
    seq INTEGER NOT NULL DEFAULT 0,
    labels TEXT NOT NULL DEFAULT '{}',
    checks TEXT NOT NULL DEFAULT '[]',
    programVersion TEXT,
    lastSeenDt TEXT
) STRICT;

-- One index only, on a single small column: a wider one halves the rate at which results are stored.
CREATE TABLE MonitorRuns (
    id INTEGER PRIMARY KEY,
    monitorId INTEGER NOT NULL,
    runnerId INTEGER,
    scheduledDt TEXT,
    startedDt TEXT,
    durationMs INTEGER NOT NULL,
    isOk INTEGER NOT NULL CHECK (isOk IN (0, 1)),
    reason TEXT,
    state TEXT NOT NULL CHECK (state IN ('ok', 'alert')),
    summary TEXT NOT NULL,
    message TEXT,
    metrics TEXT
) STRICT;
CREATE INDEX MonitorRuns_monitorId_IDX ON MonitorRuns (monitorId);

CREATE VIEW WorkerJobs (id, monitorId, monitor, runner, dtScheduled, dtStarted, durationMs, isOk, state, message) AS
SELECT r.id, r.monitorId, m.name, n.name, r.scheduledDt, r.startedDt, r.durationMs, r.isOk, r.state,
    COALESCE(r.message, r.summary)
FROM MonitorRuns r LEFT JOIN Monitors m ON m.id = r.monitorId LEFT JOIN Runners n ON n.id = r.runnerId;

CREATE TABLE Incidents (
    id INTEGER PRIMARY KEY,
    monitorId INTEGER NOT NULL,
    monitorName TEXT NOT NULL,
    end TEXT NOT NULL DEFAULT 'open' CHECK (end IN ('open', 'recovered', 'reset', 'deleted')),
    openedDt TEXT NOT NULL,
    closedDt TEXT,
    notifiedDt TEXT,
    notifiedScheduledDt TEXT,
    round INTEGER NOT NULL DEFAULT 0,
    reminderCount INTEGER NOT NULL DEFAULT 0,
    ackKeepMinutes INTEGER NOT NULL DEFAULT 0,
    keptAckDt TEXT,
    keptAckExpiresDt TEXT,
    told TEXT NOT NULL DEFAULT '[]',
    message TEXT
) STRICT;
CREATE INDEX Incidents_monitorId_IDX ON Incidents (monitorId);
CREATE INDEX Incidents_open_IDX ON Incidents (id) WHERE end = 'open';
CREATE INDEX Incidents_closedDt_IDX ON Incidents (closedDt) WHERE ackKeepMinutes > 0;

CREATE TABLE Notifications (
    id INTEGER PRIMARY KEY,
    monitorId INTEGER,
    incidentId INTEGER REFERENCES Incidents (id),
    kind TEXT NOT NULL CHECK (kind IN ('alert', 'reminder', 'recovery', 'closed')),
    recipient TEXT NOT NULL,
    idempotencyKey TEXT NOT NULL UNIQUE,
    round INTEGER NOT NULL DEFAULT 0,
    number INTEGER NOT NULL DEFAULT 0,
    isCollapsed INTEGER NOT NULL DEFAULT 0 CHECK (isCollapsed IN (0, 1)),
    decidedDt TEXT NOT NULL,
    body TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'queued'
        CHECK (status IN ('queued', 'leased', 'sent', 'dead', 'cancelled', 'collapsed')),
    attempt INTEGER NOT NULL DEFAULT 0,
    isUncertain INTEGER NOT NULL DEFAULT 0 CHECK (isUncertain IN (0, 1)),
    nextDt TEXT,
    leaseDt TEXT,
    finishedDt TEXT,
    code TEXT,
    reason TEXT,
    remote TEXT,
    providerId TEXT
) STRICT;
CREATE INDEX Notifications_monitorId_IDX ON Notifications (monitorId);
CREATE INDEX Notifications_incidentId_IDX ON Notifications (incidentId);
CREATE INDEX Notifications_status_IDX ON Notifications (status);

CREATE TABLE AuditLog (
    seq INTEGER PRIMARY KEY,
    format INTEGER NOT NULL,
    dt TEXT NOT NULL,
    kind TEXT NOT NULL,
    monitorId INTEGER,
    bytes BLOB NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX AuditLog_monitorId_IDX ON AuditLog (monitorId) WHERE monitorId IS NOT NULL;

CREATE TABLE Checkpoints (
    seq INTEGER PRIMARY KEY,
    dt TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    signature BLOB NOT NULL
) STRICT;

CREATE TABLE AuditNames (
    hash TEXT PRIMARY KEY,
    name TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE Commands (
    requestId TEXT PRIMARY KEY,
    dt TEXT NOT NULL,
    reply TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE Changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    tableName TEXT NOT NULL,
    rowId INTEGER NOT NULL,
    monitorId INTEGER,
    version INTEGER NOT NULL
) STRICT;

CREATE TABLE Leases (
    shard INTEGER PRIMARY KEY,
    token INTEGER NOT NULL,
    holder TEXT NOT NULL,
    expiresDt TEXT NOT NULL
) STRICT;

CREATE TABLE Silences (
    id INTEGER PRIMARY KEY,
    monitorId INTEGER,
    labels TEXT NOT NULL DEFAULT '{}',
    startsDt TEXT NOT NULL,
    endsDt TEXT NOT NULL,
    createdBy TEXT NOT NULL,
    comment TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE Users (
    id INTEGER PRIMARY KEY,
    isActive INTEGER NOT NULL DEFAULT 1 CHECK (isActive IN (0, 1)),
    dtCreated TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    name TEXT NOT NULL UNIQUE,
    passwordHash TEXT,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin'))
) STRICT;

CREATE TABLE ApiTokens (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    dtCreated TEXT NOT NULL,
    expiresDt TEXT
) STRICT;

-- Who writes rows by hand does not know of `version`. The router's own writes carry the next one (1 in
-- an INSERT) and pass in silence; all others leave a notice that the router polls, and the notice moves
-- the version on. In two steps, because every write of the router sets up the first one.
CREATE TRIGGER Monitors_inserted AFTER INSERT ON Monitors WHEN NEW.version <> 1
BEGIN
    INSERT INTO Changes (tableName, rowId, monitorId, version) VALUES ('Monitors', NEW.id, NEW.id, NEW.version);
END;
CREATE TRIGGER Monitors_updated AFTER UPDATE ON Monitors WHEN NEW.version <> OLD.version + 1 OR NEW.id <> OLD.id
BEGIN
    INSERT INTO Changes (tableName, rowId, monitorId, version) VALUES ('Monitors', OLD.id, OLD.id, OLD.version);
    INSERT INTO Changes (tableName, rowId, monitorId, version)
    SELECT 'Monitors', NEW.id, NEW.id, OLD.version WHERE NEW.id <> OLD.id OR NEW.id IS NOT OLD.id;
END;
CREATE TRIGGER Monitors_deleted AFTER DELETE ON Monitors
BEGIN
    INSERT INTO Changes (tableName, rowId, monitorId, version) VALUES ('Monitors', OLD.id, OLD.id, OLD.version);
END;
CREATE TRIGGER Changes_Monitors AFTER INSERT ON Changes WHEN NEW.tableName = 'Monitors'
BEGIN
    UPDATE Monitors SET version = max(version, NEW.version) + 1 WHERE id = NEW.rowId;
END;
CREATE TRIGGER CronJobs_inserted AFTER INSERT ON CronJobs WHEN NEW.version <> 1
BEGIN
    INSERT INTO Changes (tableName, rowId, monitorId, version) VALUES ('CronJobs', NEW.id, NEW.monitorId, NEW.version);
END;
CREATE TRIGGER CronJobs_updated AFTER UPDATE ON CronJobs WHEN NEW.version <> OLD.version + 1 OR NEW.id <> OLD.id
BEGIN
    INSERT INTO Changes (tableName, rowId, monitorId, version) VALUES ('CronJobs', OLD.id, OLD.monitorId, OLD.version);
    INSERT INTO Changes (tableName, rowId, monitorId, version)
    SELECT 'CronJobs', NEW.id, NEW.monitorId, OLD.version WHERE NEW.id <> OLD.id OR NEW.monitorId IS NOT OLD.monitorId;
END;
CREATE TRIGGER CronJobs_deleted AFTER DELETE ON CronJobs
BEGIN
    INSERT INTO Changes (tableName, rowId, monitorId, version) VALUES ('CronJobs', OLD.id, OLD.monitorId, OLD.version);
END;
CREATE TRIGGER Changes_CronJobs AFTER INSERT ON Changes WHEN NEW.tableName = 'CronJobs'
BEGIN
    UPDATE CronJobs SET version = max(version, NEW.version) + 1 WHERE id = NEW.rowId;
END;
