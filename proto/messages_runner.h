#ifndef PROTO_MESSAGES_RUNNER_H
#define PROTO_MESSAGES_RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/messages_parts.h"

/* What runner and router tell each other; include proto/messages.h. */

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
    const char
        *set_aside; /* NULL, or where the spool before this one is, which was damaged; told until
                              the first welcome */
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
    bool is_complete; /* ends the snapshot that a reset began; of a delta: nothing */
    const struct message_assignment *monitors;
    size_t monitor_count;
    struct message_ids removed;
};

struct message_run {
    const char *request_id;
};

#endif
