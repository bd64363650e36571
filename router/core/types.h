#ifndef ROUTER_CORE_TYPES_H
#define ROUTER_CORE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/limits.h"

/* The vocabulary of the decision: plain values, no pointers to rows, no allocation. The store keeps
 * the same facts in tables (docs/schema.md), with the texts that no rule looks at. */

enum {
    CORE_TARGET_BYTES = LIMIT_RECIPIENT_BYTES + 1,
};

/* No instant: SQL NULL. */
#define CORE_NEVER INT64_MIN

enum core_state {
    CORE_OK,
    CORE_ALERT
};

/* What a notification tells. CORE_CLOSED is the one closing message after a reset or deletion. */
enum core_kind {
    CORE_KIND_ALERT,
    CORE_KIND_REMINDER,
    CORE_KIND_RECOVERY,
    CORE_KIND_CLOSED
};

/* The columns of Monitors that rules read and write. */
struct core_monitor {
    uint32_t id;
    bool is_active;
    enum core_state state;
    uint32_t ok_count;          /* consecutiveOkCount */
    uint32_t failure_count;     /* consecutiveFailureCount */
    uint32_t required_oks;      /* 0 reads as 1 */
    uint32_t required_failures; /* 0 reads as 1 */
    uint32_t reminder_minutes;
    int64_t last_run_utc_ms; /* CORE_NEVER asks for a run */
    int64_t last_notification_utc_ms;
    enum core_kind last_notification_kind; /* meaningful unless last_notification is never */
    int64_t acknowledged_utc_ms;           /* CORE_NEVER: not acknowledged */
    int64_t ack_expires_utc_ms;            /* CORE_NEVER: with the incident */
};

/* Where one recipient's word of an incident stands (docs/spec.md 1.3). */
enum core_told {
    CORE_TOLD_PENDING, /* its ALERT is in the outbox and surely not accepted by anybody yet */
    CORE_TOLD_YES,     /* its ALERT was accepted, is in flight, or may have been accepted */
    CORE_TOLD_DEAD,    /* its ALERT is a dead letter: counts as not told */
    CORE_TOLD_ENDED,   /* nothing is owed any more: its end is enqueued or was not due */
};

/* One address that a monitor's row names now, parsed and normalised (router/core/recipients.h). */
struct core_target {
    char target[CORE_TARGET_BYTES]; /* "channel:target" */
    bool
        keeps_alert; /* the channel holds an open alert of its own until it is resolved (PagerDuty) */
};

struct core_recipient {
    char target[CORE_TARGET_BYTES]; /* as it was at its ALERT */
    bool keeps_alert;               /* see core_target */
    enum core_told told;
    uint32_t round; /* of its last ALERT */
};

enum core_end {
    CORE_END_OPEN,
    CORE_END_RECOVERED,
    CORE_END_RESET,
    CORE_END_DELETED
};

/* The open incident of a monitor, or its last closed one while it may still be reopened. */
struct core_incident {
    uint64_t id; /* 0: none */
    enum core_end end;
    int64_t opened_utc_ms;
    int64_t closed_utc_ms;             /* CORE_NEVER while open */
    int64_t notified_utc_ms;           /* decision time of its last notification */
    int64_t notified_scheduled_utc_ms; /* scheduled time of the run that caused it, or never */
    uint32_t round; /* decisions that enqueued anything: part of the idempotency key */
    uint32_t reminder_count;
    uint32_t ack_keep_minutes; /* keep the acknowledgement through flapping; 0: no */
    int64_t kept_ack_utc_ms;   /* its acknowledgedDt at its recovery, or CORE_NEVER: none is kept */
    int64_t kept_ack_expires_utc_ms;
    size_t told_count;
    struct core_recipient told[LIMIT_TOLD];
};

/* Why something was done or not done. Each has a short fixed name (core_reason_name) that stands in
 * the audit, in `tocsin why` and in the API; names never change once released. */
enum core_reason {
    CORE_REASON_NONE,
    /* states */
    CORE_REASON_STAYS_OK,
    CORE_REASON_FAILURE_COUNTED, /* below requiredConsecutiveFailures */
    CORE_REASON_ALERT_OPENED,
    CORE_REASON_STAYS_ALERT,
    CORE_REASON_OK_COUNTED, /* below requiredConsecutiveOks */
    CORE_REASON_RECOVERED,
    CORE_REASON_REOPENED, /* within the kept acknowledgement's minutes */
    /* sent */
    CORE_REASON_SEND_ALERT,
    CORE_REASON_SEND_ALERT_LATE, /* told late: added meanwhile, dead letter, or suppression ended */
    CORE_REASON_SEND_REMINDER,
    CORE_REASON_SEND_RECOVERY,
    CORE_REASON_SEND_COLLAPSED, /* ALERT not yet handed over: one RECOVERED naming the interval */
    CORE_REASON_SEND_CLOSED,
    /* withheld */
    CORE_REASON_WINDOW_OPEN, /* reminder window has not passed */
    CORE_REASON_ACKNOWLEDGED,
    CORE_REASON_NOBODY_TO_TELL, /* peopleToNotify is [] */
    CORE_REASON_NEVER_TOLD,
    CORE_REASON_INACTIVE,
    CORE_REASON_COVERED, /* by the runner's own incident */
    CORE_REASON_CANCELLED,
    CORE_REASON_QUIET,
    CORE_REASON_TOLD_LIST_FULL,
    CORE_REASON_RECIPIENTS_PARTLY, /* some entries of peopleToNotify are invalid */
    CORE_REASON_RECIPIENTS_UNUSABLE,
    /* history only */
    CORE_REASON_STALE_GENERATION,
    CORE_REASON_STALE_ORDER,
    CORE_REASON_UNKNOWN_MONITOR,
    /* commands and edits */
    CORE_REASON_ACK_SET,
    CORE_REASON_ACK_REFUSED_OK,
    CORE_REASON_ACK_REFUSED_PAST, /* its expiry is not in the future */
    CORE_REASON_ACK_CLEARED,
    CORE_REASON_ACK_EXPIRED,
    CORE_REASON_ACK_KEPT, /* through flapping, at a recovery */
    CORE_REASON_ACK_NONE, /* nothing to take back */
    CORE_REASON_RESET,
    CORE_REASON_FORCED_ALERT, /* state set to alert by hand */
    CORE_REASON_PAUSED,
    CORE_REASON_RESUMED,
    CORE_REASON_DELETED,
    CORE_REASON_DEADLINE_MISSED,
    CORE_REASON_TIME_IN_FUTURE, /* a time of the row counts as now */
    CORE_REASON_CONFIG,         /* the monitor's own row is unusable */
    CORE_REASON_COUNT_,
};

#endif
