-- The tables of sql/sqlite in MariaDB's own types. The map, which a test holds both schemas against:
-- SQLite INTEGER ... INT, TINYINT, SMALLINT, BIGINT, signed or not; TEXT ... VARCHAR, CHAR, ENUM, TEXT,
-- MEDIUMTEXT, JSON, DATETIME(3), which is UTC; BLOB ... BINARY, VARBINARY, MEDIUMBLOB.
--
-- MariaDB commits each CREATE by itself, so every statement here may run again after one that was cut
-- off. A statement ends with the line that ends in the delimiter, and no other line does. Texts compare
-- byte by byte (utf8mb4_nopad_bin): 'Orders' and 'orders ' are two names. Nothing depends on a server's
-- defaults, nor on the time zone or sql_mode of whoever types. The client `mariadb` can run this file.

CREATE TABLE IF NOT EXISTS SchemaMigrations (
    id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(255) NOT NULL UNIQUE,
    checksum VARCHAR(64) NOT NULL,
    appliedDt DATETIME(3) NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS Runners (
    id INT UNSIGNED NOT NULL PRIMARY KEY,
    name VARCHAR(255) NOT NULL UNIQUE CHECK (char_length(name) >= 1),
    spoolId VARCHAR(255),
    spoolRank BIGINT UNSIGNED NOT NULL DEFAULT 0,
    seq BIGINT UNSIGNED NOT NULL DEFAULT 0,
    labels JSON NOT NULL DEFAULT '{}',
    checks JSON NOT NULL DEFAULT '[]',
    programVersion VARCHAR(255),
    lastSeenDt DATETIME(3)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS Monitors (
    id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    uuid CHAR(36) NOT NULL UNIQUE DEFAULT (lower(concat(hex(random_bytes(4)), '-', hex(random_bytes(2)), '-4',
        substr(hex(random_bytes(2)), 2), '-', substr('89AB', 1 + ord(random_bytes(1)) % 4, 1),
        substr(hex(random_bytes(2)), 2), '-', hex(random_bytes(6))))) CHECK (char_length(uuid) = 36),
    isActive TINYINT NOT NULL DEFAULT 1 CHECK (isActive IN (0, 1)),
    dtCreated DATETIME(3) NOT NULL DEFAULT (utc_timestamp(3)),
    name VARCHAR(255) NOT NULL CHECK (char_length(name) >= 1),
    checkName VARCHAR(255),
    phpClass VARCHAR(255),
    params JSON NOT NULL DEFAULT '{}',
    timeoutSeconds INT UNSIGNED NOT NULL DEFAULT 60 CHECK (timeoutSeconds BETWEEN 1 AND 86400),
    runsOn VARCHAR(255),
    state ENUM('ok','alert') NOT NULL DEFAULT 'ok',
    consecutiveOkCount INT UNSIGNED NOT NULL DEFAULT 0,
    requiredConsecutiveOks TINYINT UNSIGNED NOT NULL DEFAULT 2,
    consecutiveFailureCount INT UNSIGNED NOT NULL DEFAULT 0,
    requiredConsecutiveFailures TINYINT UNSIGNED NOT NULL DEFAULT 1,
    reminderFrequencyMinutes SMALLINT UNSIGNED NOT NULL DEFAULT 60,
    peopleToNotify JSON,
    severity ENUM('info','warning','critical') NOT NULL DEFAULT 'critical',
    labels JSON NOT NULL DEFAULT '{}',
    runbookUrl TEXT,
    lastRunDt DATETIME(3),
    lastResultMessage MEDIUMTEXT,
    lastNotificationDt DATETIME(3),
    lastNotificationType ENUM('alert','reminder','recovery','closed'),
    acknowledgedDt DATETIME(3),
    acknowledgedBy TEXT,
    ackExpiresDt DATETIME(3),
    ackNote TEXT,
    generation BIGINT UNSIGNED NOT NULL DEFAULT 0,
    runnerId INT UNSIGNED,
    version BIGINT UNSIGNED NOT NULL DEFAULT 0,
    INDEX Monitors_isActive_IDX (isActive),
    INDEX Monitors_name_IDX (name),
    CONSTRAINT Monitors_runnerId_FK FOREIGN KEY (runnerId) REFERENCES Runners (id)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS CronJobs (
    id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    isActive TINYINT NOT NULL DEFAULT 1 CHECK (isActive IN (0, 1)),
    dtCreated DATETIME(3) NOT NULL DEFAULT (utc_timestamp(3)),
    schedule VARCHAR(255) NOT NULL,
    timezone VARCHAR(64) NOT NULL DEFAULT 'America/Chicago',
    action VARCHAR(255) NOT NULL,
    parameters JSON NOT NULL DEFAULT '{}',
    -- The number behind "monitorId", a whole one or none.
    monitorId BIGINT AS (CASE json_type(json_extract(parameters, '$.monitorId')) WHEN 'INTEGER'
        THEN CAST(json_value(parameters, '$.monitorId') AS SIGNED) END) VIRTUAL,
    version BIGINT UNSIGNED NOT NULL DEFAULT 0,
    INDEX CronJobs_monitorId_IDX (monitorId)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- One index only, on a single small column: a wider one halves the rate at which results are stored.
CREATE TABLE IF NOT EXISTS MonitorRuns (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    monitorId INT UNSIGNED NOT NULL,
    runnerId INT UNSIGNED,
    scheduledDt DATETIME(3),
    startedDt DATETIME(3),
    durationMs BIGINT NOT NULL,
    isOk TINYINT NOT NULL CHECK (isOk IN (0, 1)),
    reason VARCHAR(255),
    state ENUM('ok','alert') NOT NULL,
    summary VARCHAR(255) NOT NULL,
    message MEDIUMTEXT,
    metrics JSON,
    INDEX MonitorRuns_monitorId_IDX (monitorId)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE OR REPLACE SQL SECURITY INVOKER VIEW
    WorkerJobs (id, monitorId, monitor, runner, dtScheduled, dtStarted, durationMs, isOk, state, message) AS
SELECT r.id, r.monitorId, m.name, n.name, r.scheduledDt, r.startedDt, r.durationMs, r.isOk, r.state,
    COALESCE(r.message, r.summary)
FROM MonitorRuns r LEFT JOIN Monitors m ON m.id = r.monitorId LEFT JOIN Runners n ON n.id = r.runnerId;

CREATE TABLE IF NOT EXISTS Incidents (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    monitorId INT UNSIGNED NOT NULL,
    monitorName VARCHAR(255) NOT NULL,
    end ENUM('open','recovered','reset','deleted') NOT NULL DEFAULT 'open',
    openedDt DATETIME(3) NOT NULL,
    closedDt DATETIME(3),
    notifiedDt DATETIME(3),
    notifiedScheduledDt DATETIME(3),
    round INT UNSIGNED NOT NULL DEFAULT 0,
    reminderCount INT UNSIGNED NOT NULL DEFAULT 0,
    ackKeepMinutes INT UNSIGNED NOT NULL DEFAULT 0,
    keptAckDt DATETIME(3),
    keptAckExpiresDt DATETIME(3),
    told JSON NOT NULL DEFAULT '[]',
    message MEDIUMTEXT,
    INDEX Incidents_monitorId_IDX (monitorId),
    INDEX Incidents_open_IDX (end),
    INDEX Incidents_closedDt_IDX (closedDt)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS Notifications (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    monitorId INT UNSIGNED,
    incidentId BIGINT UNSIGNED,
    kind ENUM('alert','reminder','recovery','closed') NOT NULL,
    recipient VARCHAR(320) NOT NULL,
    idempotencyKey VARCHAR(255) NOT NULL UNIQUE,
    round INT UNSIGNED NOT NULL DEFAULT 0,
    number INT UNSIGNED NOT NULL DEFAULT 0,
    isCollapsed TINYINT NOT NULL DEFAULT 0 CHECK (isCollapsed IN (0, 1)),
    decidedDt DATETIME(3) NOT NULL,
    body JSON NOT NULL,
    status ENUM('queued','leased','sent','dead','cancelled','collapsed') NOT NULL DEFAULT 'queued',
    attempt INT UNSIGNED NOT NULL DEFAULT 0,
    isUncertain TINYINT NOT NULL DEFAULT 0 CHECK (isUncertain IN (0, 1)),
    nextDt DATETIME(3),
    leaseDt DATETIME(3),
    finishedDt DATETIME(3),
    code TEXT,
    reason MEDIUMTEXT,
    remote MEDIUMTEXT,
    providerId TEXT,
    INDEX Notifications_monitorId_IDX (monitorId),
    INDEX Notifications_incidentId_IDX (incidentId),
    INDEX Notifications_status_IDX (status),
    CONSTRAINT Notifications_incidentId_FK FOREIGN KEY (incidentId) REFERENCES Incidents (id)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS AuditLog (
    seq BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    format INT UNSIGNED NOT NULL,
    dt DATETIME(3) NOT NULL,
    kind VARCHAR(255) NOT NULL,
    monitorId INT UNSIGNED,
    bytes MEDIUMBLOB NOT NULL,
    hash BINARY(32) NOT NULL,
    INDEX AuditLog_monitorId_IDX (monitorId)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS Checkpoints (
    seq BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    dt DATETIME(3) NOT NULL,
    hash BINARY(32) NOT NULL,
    signature VARBINARY(255) NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS AuditNames (
    hash VARCHAR(255) NOT NULL PRIMARY KEY,
    name TEXT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS Commands (
    requestId VARCHAR(255) NOT NULL PRIMARY KEY,
    dt DATETIME(3) NOT NULL,
    reply JSON NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS Changes (
    seq BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    tableName VARCHAR(64) NOT NULL,
    rowId INT UNSIGNED NOT NULL,
    monitorId BIGINT,
    version BIGINT UNSIGNED NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS Leases (
    shard INT UNSIGNED NOT NULL PRIMARY KEY,
    token BIGINT UNSIGNED NOT NULL,
    holder VARCHAR(255) NOT NULL,
    expiresDt DATETIME(3) NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS Silences (
    id INT UNSIGNED NOT NULL PRIMARY KEY,
    monitorId INT UNSIGNED,
    labels JSON NOT NULL DEFAULT '{}',
    startsDt DATETIME(3) NOT NULL,
    endsDt DATETIME(3) NOT NULL,
    createdBy VARCHAR(255) NOT NULL,
    comment TEXT NOT NULL DEFAULT ''
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS Users (
    id INT UNSIGNED NOT NULL PRIMARY KEY,
    isActive TINYINT NOT NULL DEFAULT 1 CHECK (isActive IN (0, 1)),
    dtCreated DATETIME(3) NOT NULL DEFAULT (utc_timestamp(3)),
    name VARCHAR(255) NOT NULL UNIQUE,
    passwordHash VARCHAR(255),
    role ENUM('viewer','operator','admin') NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS ApiTokens (
    id INT UNSIGNED NOT NULL PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    hash BINARY(32) NOT NULL UNIQUE,
    role ENUM('viewer','operator','admin') NOT NULL,
    dtCreated DATETIME(3) NOT NULL,
    expiresDt DATETIME(3)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

DELIMITER //
-- Who writes rows by hand does not know of `version`. The router's own writes carry the next one (1 in
-- an INSERT) and pass in silence; all others leave a notice that the router polls, and get the next
-- version themselves, in an INSERT 2 or more. Every write of the router passes here, hence one IF.
CREATE OR REPLACE TRIGGER Monitors_made BEFORE INSERT ON Monitors FOR EACH ROW
IF NEW.version <> 1 THEN
    SET NEW.version = NEW.version + 2;
END IF //

CREATE OR REPLACE TRIGGER Monitors_inserted AFTER INSERT ON Monitors FOR EACH ROW
IF NEW.version <> 1 THEN
    INSERT INTO Changes (tableName, rowId, monitorId, version) VALUES ('Monitors', NEW.id, NEW.id, NEW.version);
END IF //

CREATE OR REPLACE TRIGGER Monitors_updated BEFORE UPDATE ON Monitors FOR EACH ROW
IF NEW.version <> OLD.version + 1 OR NEW.id <> OLD.id THEN
    INSERT INTO Changes (tableName, rowId, monitorId, version) VALUES ('Monitors', OLD.id, OLD.id, OLD.version);
    IF NEW.id <> OLD.id THEN
        INSERT INTO Changes (tableName, rowId, monitorId, version) VALUES ('Monitors', NEW.id, NEW.id, OLD.version);
    END IF;
    SET NEW.version = GREATEST(NEW.version, OLD.version) + 1;
END IF //

CREATE OR REPLACE TRIGGER Monitors_deleted AFTER DELETE ON Monitors FOR EACH ROW
INSERT INTO Changes (tableName, rowId, monitorId, version) VALUES ('Monitors', OLD.id, OLD.id, OLD.version) //

CREATE OR REPLACE TRIGGER CronJobs_made BEFORE INSERT ON CronJobs FOR EACH ROW
IF NEW.version <> 1 THEN
    SET NEW.version = NEW.version + 2;
END IF //

CREATE OR REPLACE TRIGGER CronJobs_inserted AFTER INSERT ON CronJobs FOR EACH ROW
IF NEW.version <> 1 THEN
    INSERT INTO Changes (tableName, rowId, monitorId, version) VALUES ('CronJobs', NEW.id, NEW.monitorId, NEW.version);
END IF //

-- NEW.monitorId is computed only after this, so it is taken from the parameters again.
CREATE OR REPLACE TRIGGER CronJobs_updated BEFORE UPDATE ON CronJobs FOR EACH ROW
IF NEW.version <> OLD.version + 1 OR NEW.id <> OLD.id THEN
    INSERT INTO Changes (tableName, rowId, monitorId, version) VALUES ('CronJobs', OLD.id, OLD.monitorId, OLD.version);
    IF NEW.id <> OLD.id OR NOT NEW.parameters <=> OLD.parameters THEN
        INSERT INTO Changes (tableName, rowId, monitorId, version)
        VALUES ('CronJobs', NEW.id, CASE json_type(json_extract(NEW.parameters, '$.monitorId')) WHEN 'INTEGER'
            THEN CAST(json_value(NEW.parameters, '$.monitorId') AS SIGNED) END, OLD.version);
    END IF;
    SET NEW.version = GREATEST(NEW.version, OLD.version) + 1;
END IF //

CREATE OR REPLACE TRIGGER CronJobs_deleted AFTER DELETE ON CronJobs FOR EACH ROW
INSERT INTO Changes (tableName, rowId, monitorId, version) VALUES ('CronJobs', OLD.id, OLD.monitorId, OLD.version) //
DELIMITER ;
