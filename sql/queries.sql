-- Every statement that the programs run on their database. tools/gen-queries turns this file into
-- generated/sql_queries.{h,c}; tests prepare each statement on a fresh schema.
--
--   -- row: NAME TABLE member:type ...   members of `struct NAME` and how they stand in SQL
--   -- name: NAME                        starts a statement
--   -- only: sqlite|mysql                where the dialects differ
--   -- takes: ROW                        :member is a parameter, bound from that row
--   -- gives: ROW: member ...            the columns of the result, in order
--
-- Types: u32 u64 i64 bool text blob; ref32 and ref64 (0 is NULL); time (text, CORE_NEVER is NULL); limit
-- and before (0 is no limit); state, kind, end, severity, delivery (names, router/store/sql.c).

-- row: store_filter - id:u64 after_id:u64 before_id:before limit:limit text:text blob:blob since_utc_ms:time
-- row: store_monitor Monitors core.id:u32 version:u64 uuid:text core.is_active:bool created_utc_ms:time name:text check_name:text php_class:text params:text timeout_seconds:u32 runs_on:text core.state:state core.ok_count:u32 core.required_oks:u32 core.failure_count:u32 core.required_failures:u32 core.reminder_minutes:u32 people_to_notify:text severity:severity labels:text runbook_url:text core.last_run_utc_ms:time last_result_message:text core.last_notification_utc_ms:time core.last_notification_kind:kind core.acknowledged_utc_ms:time acknowledged_by:text core.ack_expires_utc_ms:time ack_note:text generation:u64 runner_id:ref32 is_params_json:bool is_people_json:bool is_labels_json:bool
-- row: store_seen Monitors id:u32 version:u64 last_run_utc_ms:time last_result_message:text
-- row: store_cron CronJobs id:u32 is_active:bool created_utc_ms:time schedule:text timezone:text action:text parameters:text monitor_id:ref32 version:u64 is_parameters_json:bool
-- row: store_run MonitorRuns id:u64 monitor_id:u32 runner_id:ref32 scheduled_utc_ms:time started_utc_ms:time duration_ms:i64 is_ok:bool reason:text state:state summary:text message:text metrics:text runner:text
-- row: store_incident Incidents id:u64 monitor_id:u32 monitor_name:text end:end opened_utc_ms:time closed_utc_ms:time notified_utc_ms:time notified_scheduled_utc_ms:time round:u32 reminder_count:u32 ack_keep_minutes:u32 kept_ack_utc_ms:time kept_ack_expires_utc_ms:time told:text message:text
-- row: store_notification Notifications id:u64 monitor_id:ref32 incident_id:ref64 kind:kind recipient:text key:text round:u32 number:u32 is_collapsed:bool decided_utc_ms:time body:text status:delivery attempt:u32 is_uncertain:bool next_utc_ms:time lease_utc_ms:time finished_utc_ms:time code:text reason:text remote:text provider_id:text
-- row: store_runner Runners id:u32 name:text spool_id:text spool_rank:u64 seq:u64 labels:text checks:text program_version:text last_seen_utc_ms:time
-- row: store_cursor Runners id:u32 was_rank:u64 was_seq:u64 spool_id:text spool_rank:u64 seq:u64
-- row: store_audit AuditLog seq:u64 format:u32 at_utc_ms:time kind:text monitor_id:ref32 bytes:blob hash:blob
-- row: store_checkpoint Checkpoints seq:u64 at_utc_ms:time hash:blob signature:blob
-- row: store_name AuditNames hash:text name:text
-- row: store_command Commands request_id:text at_utc_ms:time reply:text
-- row: store_token ApiTokens id:u32 name:text hash:blob role:text created_utc_ms:time expires_utc_ms:time
-- row: store_lease Leases shard:u32 token:u64 holder:text expires_utc_ms:time
-- row: store_claim Leases shard:u32 holder:text expires_utc_ms:time now_utc_ms:time beyond_utc_ms:time
-- row: store_change Changes seq:u64 table:text row_id:u64 monitor_id:ref32
-- row: store_key - id:u64 version:u64
-- row: store_aged - id:u64 incident_id:ref64 born_utc_ms:time ended_utc_ms:time closed_utc_ms:time is_kept:bool
-- row: store_ids - monitor:u64 cron:u64 run:u64 incident:u64 notification:u64 runner:u64 spool_rank:u64 audit:u64 token:u64
-- row: store_count - name:text count:u64
-- row: store_part - table:text name:text type:text
-- row: store_wait - name:text wait_s:u32
-- row: store_step SchemaMigrations name:text checksum:text applied_utc_ms:time

-- name: begin_write
-- only: sqlite
BEGIN IMMEDIATE;

-- name: begin_write
-- only: mysql
START TRANSACTION;

-- name: commit
COMMIT;

-- name: rollback
ROLLBACK;

-- name: settings
-- only: sqlite
PRAGMA foreign_keys = ON;
PRAGMA trusted_schema = OFF;
PRAGMA synchronous = FULL;
PRAGMA cache_size = -65536;
PRAGMA temp_store = MEMORY;

-- name: settings
-- only: mysql
SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',
    time_zone = '+00:00', autocommit = 1, innodb_lock_wait_timeout = 5, lock_wait_timeout = 5, wait_timeout = 60,
    check_constraint_checks = 1, foreign_key_checks = 1, unique_checks = 1;

-- name: settings_isolation
-- only: mysql
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- name: settings_reader
-- only: mysql
SET SESSION TRANSACTION READ ONLY;

-- name: settings_writer
-- only: sqlite
PRAGMA journal_mode = WAL;
PRAGMA wal_autocheckpoint = 0;

-- name: settings_check
-- only: sqlite
-- gives: store_count: name count
SELECT 'foreign_keys', foreign_keys FROM pragma_foreign_keys
UNION ALL SELECT 'synchronous', synchronous FROM pragma_synchronous
UNION ALL SELECT 'trusted_schema', trusted_schema FROM pragma_trusted_schema
UNION ALL SELECT 'busy_timeout', timeout FROM pragma_busy_timeout
UNION ALL SELECT 'journal_mode=' || journal_mode, 1 FROM pragma_journal_mode;

-- The names of the settings that did not take: none, when all is well.
-- name: settings_check
-- only: mysql
-- gives: store_count: name count
SELECT setting, 1 FROM (
SELECT 'sql_mode' AS setting, FIND_IN_SET('STRICT_ALL_TABLES', @@SESSION.sql_mode) > 0 AS is_good
UNION ALL SELECT 'time_zone', @@SESSION.time_zone = '+00:00'
UNION ALL SELECT 'character_set_client', @@SESSION.character_set_client = 'utf8mb4'
UNION ALL SELECT 'character_set_connection', @@SESSION.character_set_connection = 'utf8mb4'
UNION ALL SELECT 'character_set_results', @@SESSION.character_set_results = 'utf8mb4'
UNION ALL SELECT 'tx_isolation', @@SESSION.tx_isolation = 'READ-COMMITTED'
UNION ALL SELECT 'autocommit', @@SESSION.autocommit = 1
UNION ALL SELECT 'innodb_lock_wait_timeout', @@SESSION.innodb_lock_wait_timeout = 5
UNION ALL SELECT 'lock_wait_timeout', @@SESSION.lock_wait_timeout = 5
UNION ALL SELECT 'check_constraint_checks', @@SESSION.check_constraint_checks = 1) AS settings
WHERE is_good = 0;

-- name: server
-- only: mysql
-- gives: store_count: name count
SELECT 'innodb_flush_log_at_trx_commit', @@GLOBAL.innodb_flush_log_at_trx_commit
UNION ALL SELECT 'max_allowed_packet', @@SESSION.max_allowed_packet;

-- One router and one migration a database, each for as long as its connection lives.
-- name: lock_take
-- only: mysql
-- takes: store_wait
-- gives: store_count: name count
SELECT 'lock', COALESCE(GET_LOCK(CONCAT(:name, LEFT(SHA2(DATABASE(), 256), 32)), :wait_s), 0);

-- name: lock_holder
-- only: mysql
-- takes: store_wait
-- gives: store_count: name count
SELECT 'connection', COALESCE(IS_USED_LOCK(CONCAT(:name, LEFT(SHA2(DATABASE(), 256), 32))), 0);

-- name: quick_check
-- only: sqlite
-- gives: store_count: name
PRAGMA quick_check (1);

-- name: schema_tables
-- only: sqlite
-- gives: store_count: name count
SELECT name, 1 FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY name;

-- name: schema_tables
-- only: mysql
-- gives: store_count: name count
SELECT TABLE_NAME, 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME;

-- What is compared with the tables of the migrations at each start.
-- name: schema_parts
-- only: mysql
-- gives: store_part: table name type
SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()
UNION ALL SELECT TABLE_NAME, INDEX_NAME, IF(NON_UNIQUE = 0, 'unique index', 'index') FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = DATABASE() AND SEQ_IN_INDEX = 1;

-- name: schema_triggers
-- only: mysql
-- gives: store_part: table name type
SELECT EVENT_OBJECT_TABLE, TRIGGER_NAME, 'trigger' FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE();

-- name: schema_bytes
-- only: mysql
-- gives: store_count: name count
SELECT 'bytes', CAST(COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) AS UNSIGNED) FROM information_schema.TABLES
WHERE TABLE_SCHEMA = DATABASE();

-- name: schema_steps
-- gives: store_step: name checksum
SELECT name, checksum FROM SchemaMigrations ORDER BY id;

-- name: schema_step_add
-- takes: store_step
INSERT INTO SchemaMigrations (name, checksum, appliedDt) VALUES (:name, :checksum, :applied_utc_ms);

-- name: lease_renew
-- takes: store_lease
UPDATE Leases SET expiresDt = :expires_utc_ms WHERE shard = :shard AND token = :token AND holder = :holder;

-- name: lease_claim
-- only: sqlite
-- takes: store_claim
INSERT INTO Leases (shard, token, holder, expiresDt) VALUES (:shard, 1, :holder, :expires_utc_ms)
ON CONFLICT (shard) DO UPDATE SET token = token + 1, holder = excluded.holder, expiresDt = excluded.expiresDt
WHERE Leases.holder = excluded.holder OR Leases.expiresDt <= :now_utc_ms OR Leases.expiresDt > :beyond_utc_ms;

-- Assignments run from left to right: expiresDt follows only where holder has become the claim's.
-- name: lease_claim
-- only: mysql
-- takes: store_claim
INSERT INTO Leases (shard, token, holder, expiresDt) VALUES (:shard, 1, :holder, :expires_utc_ms)
ON DUPLICATE KEY UPDATE
    token = IF(holder = VALUES(holder) OR expiresDt <= :now_utc_ms OR expiresDt > :beyond_utc_ms, token + 1, token),
    holder = IF(holder = VALUES(holder) OR expiresDt <= :now_utc_ms OR expiresDt > :beyond_utc_ms, VALUES(holder), holder),
    expiresDt = IF(holder = VALUES(holder), VALUES(expiresDt), expiresDt);

-- name: lease
-- takes: store_claim
-- gives: store_lease: shard token holder expires_utc_ms
SELECT shard, token, holder, expiresDt FROM Leases WHERE shard = :shard;

-- name: command_add
-- takes: store_command
INSERT INTO Commands (requestId, dt, reply) VALUES (:request_id, :at_utc_ms, :reply);

-- name: monitor_add
-- takes: store_monitor
INSERT INTO Monitors (id, uuid, isActive, dtCreated, name, checkName, phpClass, params, timeoutSeconds, runsOn,
    requiredConsecutiveOks, requiredConsecutiveFailures, reminderFrequencyMinutes, peopleToNotify, severity, labels,
    runbookUrl, generation, version)
VALUES (:core.id, :uuid, :core.is_active, :created_utc_ms, :name, :check_name, :php_class, :params, :timeout_seconds,
    :runs_on, :core.required_oks, :core.required_failures, :core.reminder_minutes, :people_to_notify, :severity,
    :labels, :runbook_url, :generation, 1);

-- name: monitor_configure
-- takes: store_monitor
UPDATE Monitors SET isActive = :core.is_active, name = :name, checkName = :check_name, phpClass = :php_class,
    params = :params, timeoutSeconds = :timeout_seconds, runsOn = :runs_on,
    requiredConsecutiveOks = :core.required_oks, requiredConsecutiveFailures = :core.required_failures,
    reminderFrequencyMinutes = :core.reminder_minutes, peopleToNotify = :people_to_notify, severity = :severity,
    labels = :labels, runbookUrl = :runbook_url, version = version + 1
WHERE id = :core.id AND version = :version;

-- name: monitor_decide
-- takes: store_monitor
UPDATE Monitors SET state = :core.state, consecutiveOkCount = :core.ok_count,
    consecutiveFailureCount = :core.failure_count, lastRunDt = :core.last_run_utc_ms,
    lastResultMessage = :last_result_message, lastNotificationDt = :core.last_notification_utc_ms,
    lastNotificationType =
        CASE WHEN :core.last_notification_utc_ms IS NULL THEN NULL ELSE :core.last_notification_kind END,
    acknowledgedDt = :core.acknowledged_utc_ms, acknowledgedBy = :acknowledged_by,
    ackExpiresDt = :core.ack_expires_utc_ms, ackNote = :ack_note, generation = :generation, runnerId = :runner_id,
    version = version + 1
WHERE id = :core.id AND version = :version;

-- name: monitor_seen
-- takes: store_seen
UPDATE Monitors SET lastRunDt = :last_run_utc_ms, lastResultMessage = :last_result_message, version = version + 1
WHERE id = :id AND version = :version;

-- name: monitor_remove
-- takes: store_key
DELETE FROM Monitors WHERE id = :id AND version = :version;

-- name: cron_add
-- takes: store_cron
INSERT INTO CronJobs (id, isActive, dtCreated, schedule, timezone, action, parameters, version)
VALUES (:id, :is_active, :created_utc_ms, :schedule, :timezone, :action, :parameters, 1);

-- name: cron_configure
-- takes: store_cron
UPDATE CronJobs SET isActive = :is_active, schedule = :schedule, timezone = :timezone, action = :action,
    parameters = :parameters, version = version + 1
WHERE id = :id AND version = :version;

-- name: cron_remove
-- takes: store_key
DELETE FROM CronJobs WHERE id = :id AND version = :version;

-- name: runner_add
-- takes: store_runner
INSERT INTO Runners (id, name, spoolId, spoolRank, seq, labels, checks, programVersion, lastSeenDt)
VALUES (:id, :name, :spool_id, :spool_rank, :seq, :labels, :checks, :program_version, :last_seen_utc_ms);

-- name: runner_set
-- takes: store_runner
UPDATE Runners SET labels = :labels, checks = :checks, programVersion = :program_version,
    lastSeenDt = :last_seen_utc_ms
WHERE id = :id AND name = :name;

-- name: cursor_set
-- takes: store_cursor
UPDATE Runners SET spoolId = :spool_id, spoolRank = :spool_rank, seq = :seq
WHERE id = :id AND spoolRank = :was_rank AND seq = :was_seq;

-- name: run_add
-- takes: store_run
INSERT INTO MonitorRuns (id, monitorId, runnerId, scheduledDt, startedDt, durationMs, isOk, reason, state, summary,
    message, metrics)
VALUES (:id, :monitor_id, :runner_id, :scheduled_utc_ms, :started_utc_ms, :duration_ms, :is_ok, :reason, :state,
    :summary, :message, :metrics);

-- name: incident_add
-- takes: store_incident
INSERT INTO Incidents (id, monitorId, monitorName, end, openedDt, closedDt, notifiedDt, notifiedScheduledDt,
    round, reminderCount, ackKeepMinutes, keptAckDt, keptAckExpiresDt, told, message)
VALUES (:id, :monitor_id, :monitor_name, :end, :opened_utc_ms, :closed_utc_ms, :notified_utc_ms,
    :notified_scheduled_utc_ms, :round, :reminder_count, :ack_keep_minutes, :kept_ack_utc_ms, :kept_ack_expires_utc_ms,
    :told, :message);

-- name: incident_set
-- takes: store_incident
UPDATE Incidents SET end = :end, closedDt = :closed_utc_ms, notifiedDt = :notified_utc_ms,
    notifiedScheduledDt = :notified_scheduled_utc_ms, round = :round, reminderCount = :reminder_count,
    ackKeepMinutes = :ack_keep_minutes, keptAckDt = :kept_ack_utc_ms,
    keptAckExpiresDt = :kept_ack_expires_utc_ms, told = :told
WHERE id = :id AND monitorId = :monitor_id;

-- name: notification_add
-- takes: store_notification
INSERT INTO Notifications (id, monitorId, incidentId, kind, recipient, idempotencyKey, round, number, isCollapsed,
    decidedDt, body, status, attempt, isUncertain, nextDt, leaseDt, finishedDt, code, reason, remote, providerId)
VALUES (:id, :monitor_id, :incident_id, :kind, :recipient, :key, :round, :number, :is_collapsed, :decided_utc_ms, :body,
    :status, :attempt, :is_uncertain, :next_utc_ms, :lease_utc_ms, :finished_utc_ms, :code, :reason, :remote, :provider_id);

-- name: notification_set
-- takes: store_notification
UPDATE Notifications SET isCollapsed = :is_collapsed, status = :status, attempt = :attempt,
    isUncertain = :is_uncertain, nextDt = :next_utc_ms, leaseDt = :lease_utc_ms,
    finishedDt = :finished_utc_ms, code = :code, reason = :reason, remote = :remote, providerId = :provider_id
WHERE id = :id;

-- name: audit_add
-- takes: store_audit
INSERT INTO AuditLog (seq, format, dt, kind, monitorId, bytes, hash)
VALUES (:seq, :format, :at_utc_ms, :kind, :monitor_id, :bytes, :hash);

-- name: name_add
-- only: sqlite
-- takes: store_name
INSERT INTO AuditNames (hash, name) VALUES (:hash, :name) ON CONFLICT (hash) DO NOTHING;

-- name: name_add
-- only: mysql
-- takes: store_name
INSERT INTO AuditNames (hash, name) VALUES (:hash, :name) ON DUPLICATE KEY UPDATE name = name;

-- name: checkpoint_add
-- takes: store_checkpoint
INSERT INTO Checkpoints (seq, dt, hash, signature) VALUES (:seq, :at_utc_ms, :hash, :signature);

-- name: token_add
-- takes: store_token
INSERT INTO ApiTokens (id, name, hash, role, dtCreated, expiresDt)
VALUES (:id, :name, :hash, :role, :created_utc_ms, :expires_utc_ms);

-- name: token_remove
-- takes: store_key
DELETE FROM ApiTokens WHERE id = :id;

-- name: changes_done
-- takes: store_key
DELETE FROM Changes WHERE seq = :id;

-- Retention removes by key what the `..._aged` statements below have shown: no dialect's LIMIT is needed in a
-- DELETE, and the conditions hold also for what a hand changed in between.
-- name: run_remove
-- takes: store_key
DELETE FROM MonitorRuns WHERE id = :id;

-- name: notification_remove
-- takes: store_key
DELETE FROM Notifications WHERE id = :id AND status NOT IN ('queued', 'leased');

-- name: incident_remove
-- takes: store_key
DELETE FROM Incidents
WHERE id = :id AND end <> 'open' AND NOT EXISTS (SELECT 1 FROM Notifications WHERE incidentId = :id);

-- name: monitors
-- takes: store_filter
-- gives: store_monitor: core.id version uuid core.is_active created_utc_ms name check_name php_class params timeout_seconds runs_on core.state core.ok_count core.required_oks core.failure_count core.required_failures core.reminder_minutes people_to_notify severity labels runbook_url core.last_run_utc_ms last_result_message core.last_notification_utc_ms core.last_notification_kind core.acknowledged_utc_ms acknowledged_by core.ack_expires_utc_ms ack_note generation runner_id is_params_json is_people_json is_labels_json
SELECT id, version, uuid, isActive, dtCreated, name, checkName, phpClass, params, timeoutSeconds, runsOn, state,
    consecutiveOkCount, requiredConsecutiveOks, consecutiveFailureCount, requiredConsecutiveFailures,
    reminderFrequencyMinutes, peopleToNotify, severity, labels, runbookUrl, lastRunDt, lastResultMessage,
    lastNotificationDt, lastNotificationType, acknowledgedDt, acknowledgedBy, ackExpiresDt, ackNote, generation,
    runnerId, json_valid(params), COALESCE(json_valid(peopleToNotify), 0), json_valid(labels)
FROM Monitors WHERE id > :after_id ORDER BY id LIMIT :limit;

-- name: monitor
-- takes: store_filter
-- gives: store_monitor: core.id version uuid core.is_active created_utc_ms name check_name php_class params timeout_seconds runs_on core.state core.ok_count core.required_oks core.failure_count core.required_failures core.reminder_minutes people_to_notify severity labels runbook_url core.last_run_utc_ms last_result_message core.last_notification_utc_ms core.last_notification_kind core.acknowledged_utc_ms acknowledged_by core.ack_expires_utc_ms ack_note generation runner_id is_params_json is_people_json is_labels_json
SELECT id, version, uuid, isActive, dtCreated, name, checkName, phpClass, params, timeoutSeconds, runsOn, state,
    consecutiveOkCount, requiredConsecutiveOks, consecutiveFailureCount, requiredConsecutiveFailures,
    reminderFrequencyMinutes, peopleToNotify, severity, labels, runbookUrl, lastRunDt, lastResultMessage,
    lastNotificationDt, lastNotificationType, acknowledgedDt, acknowledgedBy, ackExpiresDt, ackNote, generation,
    runnerId, json_valid(params), COALESCE(json_valid(peopleToNotify), 0), json_valid(labels)
FROM Monitors WHERE id = :id;

-- name: monitors_named
-- takes: store_filter
-- gives: store_monitor: core.id version uuid core.is_active created_utc_ms name check_name php_class params timeout_seconds runs_on core.state core.ok_count core.required_oks core.failure_count core.required_failures core.reminder_minutes people_to_notify severity labels runbook_url core.last_run_utc_ms last_result_message core.last_notification_utc_ms core.last_notification_kind core.acknowledged_utc_ms acknowledged_by core.ack_expires_utc_ms ack_note generation runner_id is_params_json is_people_json is_labels_json
SELECT id, version, uuid, isActive, dtCreated, name, checkName, phpClass, params, timeoutSeconds, runsOn, state,
    consecutiveOkCount, requiredConsecutiveOks, consecutiveFailureCount, requiredConsecutiveFailures,
    reminderFrequencyMinutes, peopleToNotify, severity, labels, runbookUrl, lastRunDt, lastResultMessage,
    lastNotificationDt, lastNotificationType, acknowledgedDt, acknowledgedBy, ackExpiresDt, ackNote, generation,
    runnerId, json_valid(params), COALESCE(json_valid(peopleToNotify), 0), json_valid(labels)
FROM Monitors WHERE name = :text OR uuid = :text ORDER BY id;

-- name: crons
-- gives: store_cron: id is_active created_utc_ms schedule timezone action parameters monitor_id version is_parameters_json
SELECT id, isActive, dtCreated, schedule, timezone, action, parameters, monitorId, version,
    json_valid(parameters)
FROM CronJobs WHERE action = 'Monitor/Run' ORDER BY id;

-- name: crons_of_monitor
-- takes: store_filter
-- gives: store_cron: id is_active created_utc_ms schedule timezone action parameters monitor_id version is_parameters_json
SELECT id, isActive, dtCreated, schedule, timezone, action, parameters, monitorId, version,
    json_valid(parameters)
FROM CronJobs WHERE monitorId = :id AND action = 'Monitor/Run' ORDER BY id;

-- name: runs_of_monitor
-- takes: store_filter
-- gives: store_run: id monitor_id runner_id scheduled_utc_ms started_utc_ms duration_ms is_ok reason state summary message metrics runner
SELECT MonitorRuns.id, monitorId, runnerId, scheduledDt, startedDt, durationMs, isOk, reason, state, summary, message,
    metrics, Runners.name
FROM MonitorRuns LEFT JOIN Runners ON Runners.id = MonitorRuns.runnerId WHERE monitorId = :id AND MonitorRuns.id < :before_id
ORDER BY MonitorRuns.id DESC LIMIT :limit;

-- name: run
-- takes: store_filter
-- gives: store_run: id monitor_id runner_id scheduled_utc_ms started_utc_ms duration_ms is_ok reason state summary message metrics runner
SELECT MonitorRuns.id, monitorId, runnerId, scheduledDt, startedDt, durationMs, isOk, reason, state, summary, message,
    metrics, Runners.name
FROM MonitorRuns LEFT JOIN Runners ON Runners.id = MonitorRuns.runnerId WHERE MonitorRuns.id = :id;

-- name: incidents
-- takes: store_filter
-- gives: store_incident: id monitor_id monitor_name end opened_utc_ms closed_utc_ms notified_utc_ms notified_scheduled_utc_ms round reminder_count ack_keep_minutes kept_ack_utc_ms kept_ack_expires_utc_ms told message
SELECT id, monitorId, monitorName, end, openedDt, closedDt, notifiedDt, notifiedScheduledDt, round, reminderCount,
    ackKeepMinutes, keptAckDt, keptAckExpiresDt, told, message
FROM Incidents WHERE id < :before_id ORDER BY id DESC LIMIT :limit;

-- name: incidents_open
-- takes: store_filter
-- gives: store_incident: id monitor_id monitor_name end opened_utc_ms closed_utc_ms notified_utc_ms notified_scheduled_utc_ms round reminder_count ack_keep_minutes kept_ack_utc_ms kept_ack_expires_utc_ms told message
SELECT id, monitorId, monitorName, end, openedDt, closedDt, notifiedDt, notifiedScheduledDt, round, reminderCount,
    ackKeepMinutes, keptAckDt, keptAckExpiresDt, told, message
FROM Incidents AS mine WHERE end = 'open' OR (ackKeepMinutes > 0 AND closedDt >= :since_utc_ms
    AND NOT EXISTS (SELECT 1 FROM Incidents AS newer WHERE newer.monitorId = mine.monitorId AND newer.id > mine.id))
ORDER BY id;

-- name: incidents_delivering
-- gives: store_incident: id monitor_id monitor_name end opened_utc_ms closed_utc_ms notified_utc_ms notified_scheduled_utc_ms round reminder_count ack_keep_minutes kept_ack_utc_ms kept_ack_expires_utc_ms told message
SELECT id, monitorId, monitorName, end, openedDt, closedDt, notifiedDt, notifiedScheduledDt, round, reminderCount,
    ackKeepMinutes, keptAckDt, keptAckExpiresDt, told, message
FROM Incidents WHERE id IN (SELECT incidentId FROM Notifications WHERE status IN ('queued', 'leased')) ORDER BY id;

-- name: incidents_of_monitor
-- takes: store_filter
-- gives: store_incident: id monitor_id monitor_name end opened_utc_ms closed_utc_ms notified_utc_ms notified_scheduled_utc_ms round reminder_count ack_keep_minutes kept_ack_utc_ms kept_ack_expires_utc_ms told message
SELECT id, monitorId, monitorName, end, openedDt, closedDt, notifiedDt, notifiedScheduledDt, round, reminderCount,
    ackKeepMinutes, keptAckDt, keptAckExpiresDt, told, message
FROM Incidents WHERE monitorId = :id AND id < :before_id ORDER BY id DESC LIMIT :limit;

-- name: incident
-- takes: store_filter
-- gives: store_incident: id monitor_id monitor_name end opened_utc_ms closed_utc_ms notified_utc_ms notified_scheduled_utc_ms round reminder_count ack_keep_minutes kept_ack_utc_ms kept_ack_expires_utc_ms told message
SELECT id, monitorId, monitorName, end, openedDt, closedDt, notifiedDt, notifiedScheduledDt, round, reminderCount,
    ackKeepMinutes, keptAckDt, keptAckExpiresDt, told, message
FROM Incidents WHERE id = :id;

-- name: notifications
-- takes: store_filter
-- gives: store_notification: id monitor_id incident_id kind recipient key round number is_collapsed decided_utc_ms body status attempt is_uncertain next_utc_ms lease_utc_ms finished_utc_ms code reason remote provider_id
SELECT id, monitorId, incidentId, kind, recipient, idempotencyKey, round, number, isCollapsed, decidedDt, body,
    status, attempt, isUncertain, nextDt, leaseDt, finishedDt, code, reason, remote, providerId
FROM Notifications WHERE id < :before_id ORDER BY id DESC LIMIT :limit;

-- name: notifications_unfinished
-- gives: store_notification: id monitor_id incident_id kind recipient key round number is_collapsed decided_utc_ms body status attempt is_uncertain next_utc_ms lease_utc_ms finished_utc_ms code reason remote provider_id
SELECT id, monitorId, incidentId, kind, recipient, idempotencyKey, round, number, isCollapsed, decidedDt, body,
    status, attempt, isUncertain, nextDt, leaseDt, finishedDt, code, reason, remote, providerId
FROM Notifications WHERE status IN ('queued', 'leased') ORDER BY id;

-- name: notifications_of_monitor
-- takes: store_filter
-- gives: store_notification: id monitor_id incident_id kind recipient key round number is_collapsed decided_utc_ms body status attempt is_uncertain next_utc_ms lease_utc_ms finished_utc_ms code reason remote provider_id
SELECT id, monitorId, incidentId, kind, recipient, idempotencyKey, round, number, isCollapsed, decidedDt, body,
    status, attempt, isUncertain, nextDt, leaseDt, finishedDt, code, reason, remote, providerId
FROM Notifications WHERE monitorId = :id AND id < :before_id ORDER BY id DESC LIMIT :limit;

-- name: notifications_of_incident
-- takes: store_filter
-- gives: store_notification: id monitor_id incident_id kind recipient key round number is_collapsed decided_utc_ms body status attempt is_uncertain next_utc_ms lease_utc_ms finished_utc_ms code reason remote provider_id
SELECT id, monitorId, incidentId, kind, recipient, idempotencyKey, round, number, isCollapsed, decidedDt, body,
    status, attempt, isUncertain, nextDt, leaseDt, finishedDt, code, reason, remote, providerId
FROM Notifications WHERE incidentId = :id ORDER BY id;

-- name: notifications_with_status
-- takes: store_filter
-- gives: store_notification: id monitor_id incident_id kind recipient key round number is_collapsed decided_utc_ms body status attempt is_uncertain next_utc_ms lease_utc_ms finished_utc_ms code reason remote provider_id
SELECT id, monitorId, incidentId, kind, recipient, idempotencyKey, round, number, isCollapsed, decidedDt, body,
    status, attempt, isUncertain, nextDt, leaseDt, finishedDt, code, reason, remote, providerId
FROM Notifications WHERE status = :text AND id < :before_id ORDER BY id DESC LIMIT :limit;

-- name: notification
-- takes: store_filter
-- gives: store_notification: id monitor_id incident_id kind recipient key round number is_collapsed decided_utc_ms body status attempt is_uncertain next_utc_ms lease_utc_ms finished_utc_ms code reason remote provider_id
SELECT id, monitorId, incidentId, kind, recipient, idempotencyKey, round, number, isCollapsed, decidedDt, body,
    status, attempt, isUncertain, nextDt, leaseDt, finishedDt, code, reason, remote, providerId
FROM Notifications WHERE id = :id;

-- name: notification_counts
-- gives: store_count: name count
SELECT status, COUNT(id)
FROM Notifications GROUP BY status ORDER BY status;

-- name: runners
-- gives: store_runner: id name spool_id spool_rank seq labels checks program_version last_seen_utc_ms
SELECT id, name, spoolId, spoolRank, seq, labels, checks, programVersion, lastSeenDt
FROM Runners ORDER BY id;

-- name: audit
-- takes: store_filter
-- gives: store_audit: seq format at_utc_ms kind monitor_id bytes hash
SELECT seq, format, dt, kind, monitorId, bytes, hash
FROM AuditLog WHERE seq > :after_id ORDER BY seq LIMIT :limit;

-- name: audit_newest
-- takes: store_filter
-- gives: store_audit: seq format at_utc_ms kind monitor_id bytes hash
SELECT seq, format, dt, kind, monitorId, bytes, hash
FROM AuditLog WHERE seq < :before_id ORDER BY seq DESC LIMIT :limit;

-- name: audit_of_monitor
-- takes: store_filter
-- gives: store_audit: seq format at_utc_ms kind monitor_id bytes hash
SELECT seq, format, dt, kind, monitorId, bytes, hash
FROM AuditLog WHERE monitorId = :id AND seq < :before_id ORDER BY seq DESC LIMIT :limit;

-- name: checkpoints
-- takes: store_filter
-- gives: store_checkpoint: seq at_utc_ms hash signature
SELECT seq, dt, hash, signature
FROM Checkpoints WHERE seq > :after_id ORDER BY seq LIMIT :limit;

-- name: names
-- takes: store_filter
-- gives: store_name: hash name
SELECT hash, name
FROM AuditNames WHERE hash = :text;

-- name: command
-- takes: store_filter
-- gives: store_command: request_id at_utc_ms reply
SELECT requestId, dt, reply
FROM Commands WHERE requestId = :text;

-- name: tokens
-- gives: store_token: id name hash role created_utc_ms expires_utc_ms
SELECT id, name, hash, role, dtCreated, expiresDt
FROM ApiTokens ORDER BY id;

-- name: token_with_hash
-- takes: store_filter
-- gives: store_token: id name hash role created_utc_ms expires_utc_ms
SELECT id, name, hash, role, dtCreated, expiresDt
FROM ApiTokens WHERE hash = :blob;

-- name: changes
-- takes: store_filter
-- gives: store_change: seq table row_id monitor_id
SELECT seq, tableName, rowId, monitorId
FROM Changes WHERE seq > :after_id ORDER BY seq LIMIT :limit;

-- name: runs_aged
-- takes: store_filter
-- gives: store_aged: id born_utc_ms ended_utc_ms is_kept
SELECT id, COALESCE(startedDt, scheduledDt), COALESCE(startedDt, scheduledDt),
    NOT EXISTS (SELECT 1 FROM MonitorRuns AS newer WHERE newer.monitorId = MonitorRuns.monitorId AND newer.id > MonitorRuns.id)
FROM MonitorRuns WHERE id > :after_id ORDER BY id LIMIT :limit;

-- name: notifications_aged
-- takes: store_filter
-- gives: store_aged: id incident_id born_utc_ms ended_utc_ms closed_utc_ms is_kept
SELECT Notifications.id, incidentId, decidedDt, COALESCE(finishedDt, decidedDt), closedDt,
    status IN ('queued', 'leased') OR COALESCE(Incidents.end = 'open', 0) OR
    NOT EXISTS (SELECT 1 FROM Notifications AS newer WHERE newer.id > Notifications.id)
FROM Notifications LEFT JOIN Incidents ON Incidents.id = incidentId
WHERE Notifications.id > :after_id ORDER BY Notifications.id LIMIT :limit;

-- name: incidents_aged
-- takes: store_filter
-- gives: store_aged: id born_utc_ms ended_utc_ms is_kept
SELECT id, openedDt, closedDt, end = 'open' OR EXISTS (SELECT 1 FROM Notifications WHERE incidentId = Incidents.id) OR
    NOT EXISTS (SELECT 1 FROM Incidents AS newer WHERE newer.monitorId = Incidents.monitorId AND newer.id > Incidents.id)
FROM Incidents WHERE id > :after_id ORDER BY id LIMIT :limit;

-- name: ids
-- gives: store_ids: monitor cron run incident notification runner spool_rank audit token
SELECT (SELECT MAX(used) FROM (SELECT COALESCE(MAX(id), 0) AS used FROM Monitors
        UNION ALL SELECT COALESCE(MAX(monitorId), 0) FROM MonitorRuns
        UNION ALL SELECT COALESCE(MAX(monitorId), 0) FROM Incidents
        UNION ALL SELECT COALESCE(MAX(monitorId), 0) FROM AuditLog
            WHERE monitorId IS NOT NULL AND kind <> 'refusal') AS everywhere),
    (SELECT COALESCE(MAX(id), 0) FROM CronJobs), (SELECT COALESCE(MAX(id), 0) FROM MonitorRuns),
    (SELECT COALESCE(MAX(id), 0) FROM Incidents), (SELECT COALESCE(MAX(id), 0) FROM Notifications),
    (SELECT COALESCE(MAX(id), 0) FROM Runners), (SELECT COALESCE(MAX(spoolRank), 0) FROM Runners),
    (SELECT COALESCE(MAX(seq), 0) FROM AuditLog), (SELECT COALESCE(MAX(id), 0) FROM ApiTokens);
