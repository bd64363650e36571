#ifndef NOTIFIERS_NOTIFICATION_H
#define NOTIFIERS_NOTIFICATION_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct json_value;
struct message_deliver;
struct tz;

/* No instant. */
#define NOTIFICATION_NEVER INT64_MIN

enum notification_kind {
    NOTIFICATION_ALERT,
    NOTIFICATION_REMINDER,
    NOTIFICATION_RECOVERY,
    NOTIFICATION_CLOSED, /* the one message after a reset or a deletion */
    NOTIFICATION_TEST,   /* of the channel, asked for by an operator */
};

/* What the router asks to be told to one recipient, all that rendering may look at. Two copies of
 * the same notification are equal in every field, so that their bytes are equal. Texts
 * are borrowed from the message it was read from; "" where absent. */
struct notification {
    enum notification_kind kind;
    const char *key;    /* idempotency key: letters, digits, '-', '_', '.' */
    const char *target; /* without the channel's prefix */
    bool is_collapsed;  /* the recovery of an incident whose alert was never handed over */

    uint32_t monitor_id;
    const char *monitor_name;
    const char *monitor_uuid;
    const char *severity;  /* info, warning, critical */
    const char *timezone;  /* IANA name, "" for UTC */
    const struct tz *zone; /* of that name, from the engine's cache; NULL: UTC */
    const char *runbook_url;
    const struct json_value *labels; /* object of strings, or NULL */

    uint64_t incident_id; /* 0 for a test */
    int64_t opened_utc_ms;
    int64_t ended_utc_ms; /* NOTIFICATION_NEVER while open */
    int64_t reminder_number;

    const char *message; /* the check's, word for word */
    const char *reason;  /* why the run counts as failed: "failed", "timeout", ... */
    const char *runner;
    int64_t scheduled_utc_ms; /* NOTIFICATION_NEVER when not scheduled */
    int64_t finished_utc_ms;

    const char *told_id; /* provider_id of the outcome of this incident's alert; "": none */
    int64_t decided_utc_ms;

    const char
        *monitor_url; /* these three come from the notifier's configuration, not the message */
    const char *incident_url;
    const char *acknowledge_url;
};

/* The notification in a deliver or probe message.
 * Shape:  deliver as decoded; zone and the three links are left NULL and "".
 * Units:  Unix ms, UTC.
 * Owns:   borrows every text from deliver.
 * Errors: TC_EPROTO the key holds what can't stand in a Message-ID. */
int notification_from(const struct message_deliver *deliver, uint32_t monitor_id,
                      struct notification *ret_notification, struct err *err);

/* "ALERT", "REMINDER", "RECOVERED", "CLOSED", "TEST": the word in subjects and headers.
 * Trivial. */
const char *notification_word(enum notification_kind kind);

/* Whether the monitor is failing as far as this notification tells.
 * Trivial. */
bool notification_is_failing(const struct notification *notification);

#endif
