#ifndef ROUTER_CORE_DECIDE_H
#define ROUTER_CORE_DECIDE_H

#include "router/core/types.h"

/* The one place that knows the rules of docs/spec.md section 1: what follows from one event. Pure:
 * the same view, event and instant give the same plan. The shell loads the view, commits the plan
 * as one transaction, and acts only after the commit. */

/* What peopleToNotify is worth (SPEC 1.9). */
enum core_recipients {
    CORE_RECIPIENTS_VALID,
    CORE_RECIPIENTS_NOBODY,  /* [], a choice */
    CORE_RECIPIENTS_PARTLY,  /* invalid entries among valid ones: the valid ones are the targets */
    CORE_RECIPIENTS_UNUSABLE /* NULL, malformed, none valid: the defaults stand in */
};

/* The rows that an event needs. A reserved monitor (internal:...) has the defaults as targets. */
struct core_view {
    bool is_known;                        /* false: no row of Monitors has the id of the event */
    struct core_monitor monitor;          /* Monitors, as of the version that the commit checks */
    const struct core_incident *incident; /* borrowed, may be NULL. Incidents and who was told: the
                                           * open one, else the last one if it recovered; for a
                                           * delivery event the incident of that delivery */
    enum core_recipients recipients;
    const struct core_target
        *targets;        /* borrowed: Monitors.peopleToNotify, parsed, no duplicates */
    size_t target_count; /* <= LIMIT_RECIPIENTS */
    const struct core_target *defaults; /* borrowed: router.default_recipients */
    size_t default_count;               /* <= LIMIT_RECIPIENTS */
};

enum core_event_type {
    CORE_EVENT_RESULT,
    CORE_EVENT_DEADLINE,      /* no result until next run + timeout + grace */
    CORE_EVENT_ACKNOWLEDGE,   /* a command */
    CORE_EVENT_UNACKNOWLEDGE, /* a command */
    CORE_EVENT_RESET,         /* a command */
    CORE_EVENT_TIMER,         /* an acknowledgement's expiry is due; early or doubled is harmless */
    CORE_EVENT_EDIT,          /* the row changed: by SQL, or by a command that edits it */
    CORE_EVENT_DELIVERY,      /* what became of one delivery */
    CORE_EVENT_COUNT_
};

/* The steps of a delivery that bear on who was told. Only those of kind ALERT change anything. */
enum core_delivery {
    CORE_DELIVERY_HANDED,   /* leased to a notifier: from here on it may have been accepted */
    CORE_DELIVERY_RETURNED, /* surely not accepted, in this attempt nor in one before; it is queued
                             * to be tried again. Not for one with Notifications.isUncertain */
    CORE_DELIVERY_SENT,
    CORE_DELIVERY_DEAD
};

struct core_event_result {
    bool is_ok;
    bool is_config;           /* made by an unusable row (SPEC 1.10), not by a check */
    bool answers_run_request; /* scheduled after the NULL in lastRunDt was seen (SPEC 2.8) */
    bool is_older;            /* in (spool id, sequence) than what was applied (SPEC 2.2) */
    uint64_t generation;      /* of the assignment that the result repeats */
    uint64_t current_generation;
    int64_t scheduled_utc_ms; /* or CORE_NEVER: a run by request, a heartbeat, a webhook */
    int64_t started_utc_ms;   /* becomes lastRunDt */
};

struct core_event_deadline {
    bool is_covered;          /* by the open incident of its dead runner (SPEC 1.11) */
    int64_t scheduled_utc_ms; /* of the run that did not come, or CORE_NEVER */
};

struct core_event_acknowledge {
    int64_t expires_utc_ms; /* CORE_NEVER: with the incident */
    uint32_t keep_minutes;  /* keep through flapping; 0: no */
};

struct core_event_edit {
    /* The row before; view->monitor is the row after. For a new row: the same with the state ok,
     * active, not acknowledged. For a deleted one view->monitor is the row as it last was. */
    struct core_monitor before;
    bool is_deleted;
};

struct core_event_delivery {
    enum core_kind kind;
    enum core_delivery step;
    uint32_t round; /* Notifications.round */
    char target[CORE_TARGET_BYTES];
};

struct core_event {
    enum core_event_type type;
    union {
        struct core_event_result result;
        struct core_event_deadline deadline;
        struct core_event_acknowledge acknowledge;
        bool is_quiet; /* reset */
        struct core_event_edit edit;
        struct core_event_delivery delivery;
    };
};

/* Which row of MonitorRuns the event leaves. */
enum core_run {
    CORE_RUN_NONE,
    CORE_RUN_HISTORY, /* recorded, decided nothing */
    CORE_RUN_APPLIED
};

enum core_incident_change {
    CORE_INCIDENT_NONE,   /* plan->incident is not set */
    CORE_INCIDENT_OPEN,   /* insert; the shell issues plan->incident.id, which is 0 */
    CORE_INCIDENT_UPDATE, /* write all of it */
    CORE_INCIDENT_CLOSE,  /* the same, and plan->incident.end says how it ended */
    CORE_INCIDENT_REOPEN  /* the same; acknowledgedBy and ackNote come back with it */
};

/* One row of Notifications. Its idempotency key is made of incident, kind, round and target. */
struct core_notification {
    enum core_kind kind;
    size_t told;       /* index in plan->incident.told: the target */
    uint32_t round;    /* plan->incident.round */
    uint32_t number;   /* of a reminder, from 1; else 0 */
    bool is_collapsed; /* a RECOVERED that stands for the ALERT too (SPEC 1.13) */
    enum core_reason reason;
};

/* What becomes of notifications that are queued, not in flight and not finished: of this kind, to
 * this recipient, of this incident and of this round or a later one; of REMINDERs all, of another
 * kind only the first. There may be none. Cancels come before the notifications of the same plan. */
struct core_cancel {
    enum core_kind kind;
    size_t told;
    uint32_t round;
    bool is_collapsed; /* a RECOVERED is not cancelled: in its place it becomes the collapsed form,
                        * for the ALERT before it is cancelled (SPEC 1.13) */
    enum core_reason reason; /* SEND_COLLAPSED: told by one RECOVERED */
};

enum {
    CORE_NOTE_MONITOR = -1, /* a note about the monitor, not about one recipient */
    CORE_NOTIFICATIONS_MAX = LIMIT_TOLD,
    CORE_CANCELS_MAX = 2 * LIMIT_TOLD,
    CORE_NOTES_MAX = LIMIT_TOLD + LIMIT_RECIPIENTS + 16
};

/* A part of the audit record of the event: what was done or withheld, and why. */
struct core_note {
    enum core_reason reason;
    int told;             /* index in plan->incident.told, or CORE_NOTE_MONITOR */
    const char *unlisted; /* borrowed from the view: a target that is in no told list, or NULL */
};

/* All that follows. What lies behind a count is not set. */
struct core_plan {
    enum core_reason reason; /* what happened to the state, or why nothing did */
    bool is_refused;         /* a command that is not carried out; reason says why */
    enum core_run run;
    bool is_monitor_changed;     /* anything but last_run differs from the view */
    struct core_monitor monitor; /* after; also the state after of the run */
    enum core_incident_change incident_change;
    struct core_incident incident; /* after */
    size_t cancel_count;
    struct core_cancel cancels[CORE_CANCELS_MAX];
    size_t notification_count;
    struct core_notification notifications[CORE_NOTIFICATIONS_MAX];
    size_t note_count;
    struct core_note notes[CORE_NOTES_MAX];
};

/* What follows from one event.
 * Shape:  all plain values; ret_plan is large (keep it, don't put it on the stack); it must not
 *         overlap the view.
 * Units:  now_utc_ms: Unix ms, the decision's time.
 * Owns:   nothing retained; plan->notes[].unlisted points into the view.
 * Errors: TC_EINVAL for an enum out of range or a count over its limit; ret_plan is then undefined.
 * Source: SPEC 1.1 to 1.13. */
int core_decide(const struct core_view *view, const struct core_event *event, int64_t now_utc_ms,
                struct core_plan *ret_plan);

#endif
