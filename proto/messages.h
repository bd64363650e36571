#ifndef PROTO_MESSAGES_H
#define PROTO_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/limits.h"

struct json_value;

/* Every message between tocsin's processes as a plain struct; proto/PROTOCOL.md tells what each
 * means, proto/fields.c how each member is spelled and bounded, proto/codec.h goes between. Strings
 * and arrays of a decoded message are borrowed from it; of one to be encoded, from the caller. */

enum {
    MESSAGE_PROTOCOL = 1, /* the number in hello */
    MESSAGE_HEARTBEAT_SECONDS = 15,
    MESSAGE_LEASE_SECONDS = 30,    /* of a delivery handed to a notifier */
    MESSAGE_ASSIGN_MONITORS = 512, /* of one assign message, also bounded by LIMIT_FRAME_BYTES */
    MESSAGE_SCHEDULES = 64,        /* of one monitor */
    MESSAGE_IDS = 4096,            /* of one list of ids */
    MESSAGE_CODE_BYTES = 64,       /* of short fixed words: reasons, codes, actions */
};

/* No instant: an optional time that is absent. */
#define MESSAGE_NEVER INT64_MIN

/* What a peer is by its key. Each has its own socket at the router. */
enum message_role {
    MESSAGE_RUNNER,
    MESSAGE_NOTIFIER,
    MESSAGE_WEB
};

enum message_kind {
    MESSAGE_RUNNER_HELLO, /* runner to router */
    MESSAGE_RESULT,
    MESSAGE_RUNNER_HEARTBEAT,
    MESSAGE_RUNNER_WELCOME, /* router to runner */
    MESSAGE_ACK,
    MESSAGE_RESEND,
    MESSAGE_ASSIGN,
    MESSAGE_RUN,
    MESSAGE_RUNNER_ERROR,
    MESSAGE_NOTIFIER_HELLO, /* notifier to router */
    MESSAGE_CREDIT,
    MESSAGE_OUTCOME,
    MESSAGE_NOTIFIER_HEARTBEAT,
    MESSAGE_NOTIFIER_WELCOME, /* router to notifier */
    MESSAGE_DELIVER,
    MESSAGE_PROBE,
    MESSAGE_PULSE,
    MESSAGE_NOTIFIER_ERROR,
    MESSAGE_WEB_HELLO, /* web to router */
    MESSAGE_COMMAND,
    MESSAGE_REPLY, /* router to web */
    MESSAGE_STATUS,
    MESSAGE_CHANGE,
    MESSAGE_WEB_ERROR,
    MESSAGE_KIND_COUNT_,
};

/* --- Parts ----------------------------------------------------------------------------------- */

/* JSON carried as it is: decoding sets value; for encoding either value, or text with size. All
 * unset: absent. */
struct message_json {
    const struct json_value *value;
    const char *text;
    size_t size;
};

struct message_strings {
    const char *const *items;
    size_t count;
};

struct message_ids {
    const uint64_t *items;
    size_t count;
};

struct message_schedule {
    const char *schedule; /* five fields or "@every 30s" */
    const char *timezone; /* IANA name */
};

/* --- Runner ---------------------------------------------------------------------------------- */

struct message_runner_hello {
    int64_t protocol;
    const char *version; /* of the program */
    uint64_t boot_id;    /* random at each process start */
    uint64_t spool_id;   /* random at spool creation */
    uint64_t first;      /* numbers that the spool holds; 0, 0: none yet */
    uint64_t last;
    struct message_json labels;    /* {name: string} */
    struct message_strings checks; /* patterns of the check names that it allows */
    int64_t concurrency;
};

/* Sequence "<seq> <prev>", monitor set. */
struct message_result {
    uint64_t generation;
    int64_t scheduled_at_utc_ms; /* MESSAGE_NEVER: a run that was asked for */
    int64_t started_at_utc_ms;
    int64_t duration_ms;
    bool is_ok;
    const char *reason;
    const char *message;
    struct message_json metrics; /* {name: number}; may be absent */
    const char *request_id;      /* NULL unless a run was asked for */
    int64_t missed;              /* scheduled times skipped since the run before */
};

struct message_runner_heartbeat {
    int64_t running;
    int64_t queued;
    int64_t spool_count; /* not acknowledged */
    uint64_t spool_bytes;
    uint64_t dropped; /* by overflow, since the spool was made */
    int64_t now_utc_ms;
};

struct message_runner_welcome {
    int64_t spool_rank; /* 1 for the first spool of this runner that the router met, then 2, ... */
    uint64_t mark;      /* every result up to it is durable */
    int64_t router_time_utc_ms;
    int64_t heartbeat_seconds;
    int64_t window; /* results at most on the way, not acknowledged */
};

struct message_refusal {
    uint64_t seq;
    const char *reason;
};

/* Sequence: every result up to and including it is durable or refused. */
struct message_ack {
    const struct message_refusal *refused;
    size_t refused_count;
};

struct message_assignment {
    int64_t id;
    const char *uuid;
    const char *name;
    uint64_t generation;
    const char *check;
    struct message_json params;
    struct message_json labels;
    int64_t timeout_seconds;
    const struct message_schedule *schedules;
    size_t schedule_count;
    bool is_active;
    const char *run_now; /* request id of a run that is wanted at once; NULL: none */
};

struct message_assign {
    bool is_reset;    /* the first part of a snapshot: forget all before */
    bool is_complete; /* the last part of a snapshot, or a change that stands alone */
    const struct message_assignment *monitors;
    size_t monitor_count;
    struct message_ids removed;
};

struct message_run {
    const char *request_id;
};

struct message_error {
    const char *code; /* "unknown_type", "bad_message", "not_allowed", "hello_first", "version" */
    const char *message;
    const char *about; /* frame 1 of what it answers, cut at 64 bytes */
};

/* --- Notifier -------------------------------------------------------------------------------- */

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

/* --- Web ------------------------------------------------------------------------------------- */

struct message_web_hello {
    int64_t protocol;
    const char *version;
};

struct message_actor {
    const char *name;
    const char *via;     /* "session", "token", "link", "slack", "ping", ... */
    const char *address; /* NULL: none */
};

/* Sequence: the request's number, repeated by its reply. */
struct message_command {
    const char *request_id; /* the same in every copy: done once */
    struct message_actor actor;
    const char *action; /* "Monitor/Run", ... */
    struct message_json parameters;
};

struct message_problem {
    const char *title;
    const char *detail;
    const char *pointer; /* JSON pointer into parameters; NULL: none */
};

struct message_reply {
    bool is_ok;
    int64_t status; /* as of HTTP */
    struct message_json result;
    bool has_problem;
    struct message_problem problem;
};

struct message_status {
    const char *state; /* "starting", "active", "standby", "stopping" */
    bool is_store_ok;
    int64_t last_commit_at_utc_ms; /* MESSAGE_NEVER: none since start */
    struct message_json runners;   /* [{name, isConnected, lastHeardAt, spoolCount, ...}] */
    struct message_json channels;  /* [{name, isConnected, queued, credit, ...}] */
    struct message_json counts;    /* {name: number} */
};

struct message_change {
    struct message_ids monitors;
    struct message_ids incidents;
};

/* --- Any ------------------------------------------------------------------------------------- */

union message_body {
    struct message_runner_hello runner_hello;
    struct message_result result;
    struct message_runner_heartbeat runner_heartbeat;
    struct message_runner_welcome runner_welcome;
    struct message_ack ack;
    struct message_assign assign;
    struct message_run run;
    struct message_error error; /* of all three error kinds */
    struct message_notifier_hello notifier_hello;
    struct message_credit credit;
    struct message_outcome outcome;
    struct message_notifier_heartbeat notifier_heartbeat;
    struct message_notifier_welcome notifier_welcome;
    struct message_deliver deliver; /* also of probe */
    struct message_pulse pulse;
    struct message_web_hello web_hello;
    struct message_command command;
    struct message_reply reply;
    struct message_status status;
    struct message_change change;
};

#endif
