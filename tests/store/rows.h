#ifndef TESTS_STORE_ROWS_H
#define TESTS_STORE_ROWS_H

#include "router/store/batch.h"

/* Realistic rows for tests and benchmarks of the store. */

/* 2026-03-01 12:00:00.000 UTC. */
#define ROWS_NOW_UTC_MS INT64_C(1772366400000)

/* A monitor with every member set.
 * Trivial. */
static inline struct store_monitor rows_monitor(uint32_t id)
{
    return (struct store_monitor){
        .core = {.id = id,
                 .is_active = true,
                 .required_oks = 2,
                 .required_failures = 1,
                 .reminder_minutes = 60,
                 .last_run_utc_ms = CORE_NEVER,
                 .last_notification_utc_ms = CORE_NEVER,
                 .acknowledged_utc_ms = CORE_NEVER,
                 .ack_expires_utc_ms = CORE_NEVER},
        .uuid = NULL,
        .name = "Compass purchase orders",
        .check_name = "exec:compass_pos",
        .params = "{\"maxAgeMinutes\":30}",
        .timeout_seconds = 60,
        .people_to_notify = "[\"ops@example.com\"]",
        .severity = STORE_CRITICAL,
        .labels = "{}",
        .created_utc_ms = ROWS_NOW_UTC_MS,
    };
}

/* An OK run.
 * Trivial. */
static inline struct store_run rows_run(uint64_t id, uint32_t monitor_id)
{
    return (struct store_run){
        .id = id,
        .monitor_id = monitor_id,
        .scheduled_utc_ms = ROWS_NOW_UTC_MS,
        .started_utc_ms = ROWS_NOW_UTC_MS + 12,
        .duration_ms = 48,
        .is_ok = true,
        .state = CORE_OK,
        .summary = "newest order is 4 min old",
    };
}

/* A failing result as it is committed: state, run, audit record and one notification.
 * Shape:  id is used for the run, the audit record and the notification; incident exists.
 * Units:  none.
 * Owns:   copies into batch.
 * Errors: none. */
static inline void rows_failing(struct store_batch *batch, uint64_t id,
                                const struct store_monitor *monitor, uint64_t incident,
                                const char *key)
{
    static const uint8_t hash[32] = {1};
    static const char bytes[] = "{\"kind\":\"alert\",\"message\":\"no order for 42 minutes\"}";
    struct store_monitor decided = *monitor;
    decided.core.state = CORE_ALERT;
    decided.core.last_run_utc_ms = ROWS_NOW_UTC_MS;
    decided.last_result_message = "no order for 42 minutes";
    store_batch_monitor_decide(batch, &decided);
    struct store_run run = rows_run(id, monitor->core.id);
    run.is_ok = false;
    run.reason = "failed";
    run.state = CORE_ALERT;
    run.summary = "no order for 42 minutes";
    store_batch_run_add(batch, &run);
    const struct store_notification notification = {
        .id = id,
        .monitor_id = monitor->core.id,
        .incident_id = incident,
        .kind = CORE_KIND_ALERT,
        .recipient = "email:ops@example.com",
        .key = key,
        .decided_utc_ms = ROWS_NOW_UTC_MS,
        .body = "{\"monitor\":{\"name\":\"Compass purchase orders\"},\"result\":{\"message\":"
                "\"no order for 42 minutes\"}}",
        .next_utc_ms = ROWS_NOW_UTC_MS,
        .lease_utc_ms = CORE_NEVER,
        .finished_utc_ms = CORE_NEVER,
    };
    store_batch_notification_add(batch, &notification);
    const struct store_audit audit = {
        .seq = id,
        .format = 1,
        .at_utc_ms = ROWS_NOW_UTC_MS,
        .kind = "alert",
        .monitor_id = monitor->core.id,
        .bytes = {bytes, sizeof bytes - 1},
        .hash = {hash, sizeof hash},
    };
    store_batch_audit_add(batch, &audit);
}

#endif
