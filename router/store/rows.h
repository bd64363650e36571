#ifndef ROUTER_STORE_ROWS_H
#define ROUTER_STORE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "router/core/types.h"

/* What one row of each table holds, for reading and for writing. Members are named as the columns
 * (docs/schema.md): peopleToNotify is people_to_notify, lastRunDt is last_run_utc_ms.
 *   texts     NULL is SQL NULL. Read: borrowed, valid during the callback. Written: the batch copies.
 *   instants  Unix ms, UTC; CORE_NEVER is SQL NULL.
 *   ids       given by the router, its only writer (struct store_ids says where they continue); a taken
 *             id is a conflict. 0 is SQL NULL where a column refers to another table. */

enum store_severity {
    STORE_INFO,
    STORE_WARNING,
    STORE_CRITICAL
};

/* A row of Monitors. What rules look at is in core. */
struct store_monitor {
    struct core_monitor core;
    uint64_t version;
    /* What a person configures. */
    const char *uuid;
    const char *name;
    const char *check_name;
    const char *php_class;
    const char *params; /* JSON object */
    uint32_t timeout_seconds;
    const char *runs_on;
    const char *people_to_notify; /* JSON array, as it stands in the row: may be malformed */
    enum store_severity severity;
    const char *labels; /* JSON object */
    const char *runbook_url;
    /* What the router notes. */
    int64_t created_utc_ms;
    const char *last_result_message;
    const char *acknowledged_by;
    const char *ack_note;
    uint64_t generation; /* of its last assignment (docs/spec.md 2.2) */
    uint32_t runner_id;  /* of its last assignment; 0: none */
    /* Read only: what a hand may have typed. */
    bool is_params_json;
    bool is_people_json; /* false for NULL as well */
    bool is_labels_json;
    const char *problem; /* NULL, or why this row can't be used: table, id, column, value, remedy */
};

/* Write-back of lastRunDt after OK results, when nothing else changed. */
struct store_seen {
    uint32_t id;
    uint64_t version;
    int64_t last_run_utc_ms;
    const char *last_result_message;
};

/* A row of CronJobs. */
struct store_cron {
    uint32_t id;
    bool is_active;
    int64_t created_utc_ms;
    const char *schedule;
    const char *timezone;
    const char *action;
    const char *parameters;
    uint32_t monitor_id; /* read only: of parameters; 0: it names none */
    uint64_t version;
    bool is_parameters_json; /* read only */
    const char *problem;     /* as in struct store_monitor */
};

/* A row of MonitorRuns, append-only. */
struct store_run {
    uint64_t id;
    uint32_t monitor_id;
    uint32_t runner_id; /* 0: none, e.g. a missed deadline */
    int64_t scheduled_utc_ms;
    int64_t started_utc_ms;
    int64_t duration_ms;
    bool is_ok;
    const char *reason;    /* of a failure; NULL when OK */
    enum core_state state; /* after it */
    const char *summary;   /* one line */
    const char *message;   /* word for word; NULL when the summary is all of it */
    const char *metrics;   /* JSON object or NULL */
    const char *runner;    /* read only: its name */
};

/* A row of Incidents: struct core_incident with its told list as JSON (router/store/told.h). */
struct store_incident {
    uint64_t id;
    uint32_t monitor_id;
    const char *monitor_name;
    enum core_end end;
    int64_t opened_utc_ms;
    int64_t closed_utc_ms;
    int64_t notified_utc_ms;
    int64_t notified_scheduled_utc_ms;
    uint32_t round;
    uint32_t reminder_count;
    uint32_t ack_keep_minutes;
    int64_t kept_ack_utc_ms;
    int64_t kept_ack_expires_utc_ms;
    const char *told;    /* JSON array (router/store/told.h) */
    const char *message; /* of the failing result that opened it */
    const char *problem;
};

enum store_delivery {
    STORE_QUEUED,
    STORE_LEASED, /* handed to a notifier until lease_utc_ms */
    STORE_SENT,
    STORE_DEAD,
    STORE_CANCELLED, /* by a recovery or reset, before it was handed over */
    STORE_COLLAPSED, /* an ALERT told by one RECOVERED instead (docs/spec.md 1.13) */
};

/* A row of Notifications: the outbox and its history. An update writes is_collapsed,
 * status and what follows. */
struct store_notification {
    uint64_t id;
    uint32_t monitor_id; /* 0 when the monitor is gone */
    uint64_t incident_id;
    enum core_kind kind;
    const char *recipient; /* "channel:target" */
    const char *key;       /* idempotency key, unique */
    uint32_t round;        /* of its incident when it was decided (docs/spec.md 1.3) */
    uint32_t number;       /* of a reminder */
    bool is_collapsed;
    int64_t decided_utc_ms;
    const char *body; /* JSON: what the channel renders, as it was at the decision */
    enum store_delivery status;
    uint32_t attempt;
    bool is_uncertain;    /* some attempt may have been accepted without our knowing */
    int64_t next_utc_ms;  /* not before */
    int64_t lease_utc_ms; /* until */
    int64_t finished_utc_ms;
    const char *code;
    const char *reason;
    const char *remote; /* the service's answer, cut */
    const char *provider_id;
    const char *problem;
};

/* A row of Runners; store_cursor is its compare-and-set on where it stands. */
struct store_runner {
    uint32_t id;
    const char *name;
    const char *spool_id;
    uint64_t spool_rank;
    uint64_t seq; /* durable up to and including */
    const char *labels;
    const char *checks; /* JSON array of patterns */
    const char *program_version;
    int64_t last_seen_utc_ms;
    const char *problem;
};
struct store_cursor {
    uint32_t id;
    uint64_t was_rank; /* what it must be now */
    uint64_t was_seq;
    const char *spool_id;
    uint64_t spool_rank;
    uint64_t seq;
};

#endif
