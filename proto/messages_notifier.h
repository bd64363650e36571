#ifndef PROTO_MESSAGES_NOTIFIER_H
#define PROTO_MESSAGES_NOTIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/messages_parts.h"

/* What notifier and router tell each other; include proto/messages.h. */

struct message_notifier_hello {
    int64_t protocol;
    const char *version;
    const char *channel;
    int64_t credit;
};

struct message_credit {
    int64_t credit; /* how many more deliveries it takes, instead of what it said before */
};

enum message_outcome_class {
    MESSAGE_OUTCOME_OK,
    MESSAGE_OUTCOME_RETRY,
    MESSAGE_OUTCOME_DEAD
};

/* Sequence: the delivery's id. */
struct message_outcome {
    enum message_outcome_class class;
    int64_t code; /* SMTP or HTTP status; 0: none */
    const char *reason;
    const char *remote;
    const char *provider_id; /* NULL: none */
    int64_t retry_after_ms;  /* 0: the router's own back-off */
    bool is_throttle;        /* pause the whole destination */
    bool is_ambiguous;       /* of a retry: the service may have taken it all the same */
};

struct message_notifier_heartbeat {
    int64_t sending;
    int64_t now_utc_ms;
};

struct message_notifier_welcome {
    int64_t router_time_utc_ms;
    int64_t heartbeat_seconds;
    int64_t lease_seconds;
};

enum message_deliver_kind {
    MESSAGE_DELIVER_ALERT,
    MESSAGE_DELIVER_REMINDER,
    MESSAGE_DELIVER_RECOVERY,
    MESSAGE_DELIVER_CLOSED,
    MESSAGE_DELIVER_TEST
};

enum message_severity {
    MESSAGE_SEVERITY_INFO,
    MESSAGE_SEVERITY_WARNING,
    MESSAGE_SEVERITY_CRITICAL
};

struct message_deliver_monitor {
    const char *name;
    const char *uuid;
    enum message_severity severity;
    struct message_json labels;
    const char *runbook_url; /* NULL: none */
    const char *timezone;    /* for times that people read */
};

struct message_deliver_incident {
    uint64_t id;
    int64_t opened_at_utc_ms;
    int64_t ended_at_utc_ms; /* MESSAGE_NEVER while open */
    int64_t reminder;        /* number of this reminder, from 1; 0: none */
    bool is_quiet;           /* closed quietly: only what ends a page is sent */
};

struct message_deliver_result {
    const char *message;
    int64_t scheduled_at_utc_ms; /* MESSAGE_NEVER: none */
    int64_t finished_at_utc_ms;
    const char *runner;
    const char *reason;
};

/* The failing result that this recipient heard of last, for RECOVERED. */
struct message_deliver_previous {
    const char *message;
    int64_t finished_at_utc_ms;
};

/* Sequence: the delivery's id; monitor set. probe has the same body with kind test. */
struct message_deliver {
    const char *key; /* idempotency: the same in every copy */
    int64_t attempt; /* from 1 */
    enum message_deliver_kind kind;
    const char *target; /* without the channel's prefix */
    bool is_collapsed;  /* RECOVERED that stands for an ALERT never sent */
    struct message_deliver_monitor monitor;
    struct message_deliver_incident incident;
    struct message_deliver_result result;
    bool has_previous;
    struct message_deliver_previous previous;
    const char *told_id; /* provider_id of the outcome of this recipient's ALERT; NULL: none */
    int64_t decided_at_utc_ms;
    int64_t created_at_utc_ms;
};

struct message_pulse {
    int64_t now_utc_ms;
    int64_t last_commit_at_utc_ms;
};

#endif
