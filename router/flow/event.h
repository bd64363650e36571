#ifndef ROUTER_FLOW_EVENT_H
#define ROUTER_FLOW_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/codec.h"
#include "router/core/types.h"

struct flow_setup;
struct store_monitor;

/* What waits to be decided. An event does not change once it is queued, so that a batch that did
 * not commit can be done again. Internal to this folder. */

enum flow_event_type {
    FLOW_HELLO,    /* a runner said hello */
    FLOW_RESULT,   /* of a runner */
    FLOW_REPORT,   /* of the router about itself, to a reserved monitor */
    FLOW_DEADLINE, /* a result did not come */
    FLOW_EXPIRY,   /* of an acknowledgement */
    FLOW_EDIT,     /* a row was changed, made or removed by somebody else */
    FLOW_REASSIGN, /* a monitor needs a runner, or another one */
    FLOW_CATCH_UP, /* a row was changed, made or removed while no router ran */
    FLOW_RECHECK,  /* a row was unusable when the router started */
    FLOW_OUTCOME,  /* of a delivery */
    FLOW_COMMAND,
};

/* A row of Monitors with its schedules, and what follows from it. Plain but for its texts. */
struct flow_row {
    struct flow_setup *setup; /* owned; NULL: the row is gone */
    struct core_monitor core;
    uint64_t version;
    uint64_t generation;
    uint32_t runner_id; /* assigned to; 0: to none */
    char *last_message; /* all texts owned */
    char *acknowledged_by;
    char *ack_note;
    uint64_t incident_id;     /* open, or recovered and perhaps reopened; 0: none */
    int64_t run_asked_utc_ms; /* the NULL in lastRunDt was seen; CORE_NEVER: none */
    int64_t expected_utc_ms;  /* scheduled time of the run that is waited for; CORE_NEVER: none */
};

struct flow_event {
    enum flow_event_type type;
    struct flow_event *next;
    uint32_t monitor_id;
    uint32_t connection;
    char peer[LIMIT_NAME_BYTES + 1]; /* who sent message */
    struct message message;          /* owned; of HELLO, RESULT, OUTCOME, COMMAND */
    char *name;                      /* REPORT: of the reserved monitor; owned */
    char *text;                      /* REPORT: its message; owned */
    bool is_ok;                      /* REPORT */
    int64_t scheduled_utc_ms;        /* DEADLINE */
    struct flow_row row;             /* EDIT */
    uint64_t known_version;          /* EDIT: of the row in memory when this one was read */
};

struct flow_queue {
    struct flow_event *first;
    struct flow_event *last;
    size_t count;
};

/* Make an event of a type; free one with all it owns.
 * Trivial. */
struct flow_event *flow_event_new(enum flow_event_type type);
void flow_event_free(struct flow_event *event);

/* Take over a stored row; its schedules follow with flow_setup_add_schedule.
 * Shape:  stored as read; ret_row is overwritten.
 * Units:  none.
 * Owns:   copies; flow_row_free releases it.
 * Errors: none. */
void flow_row_read(const struct store_monitor *stored, struct flow_row *ret_row);

/* Release what a row owns. Trivial. */
void flow_row_free(struct flow_row *row);

/* Append an event, or put it before all others; the queue owns it.
 * Trivial. */
void flow_queue_add(struct flow_queue *queue, struct flow_event *event);
void flow_queue_add_first(struct flow_queue *queue, struct flow_event *event);

/* Take the first event off, which the caller then owns; NULL: there is none. Trivial. */
struct flow_event *flow_queue_take(struct flow_queue *queue);

/* Take the first count events off and free them. Trivial. */
void flow_queue_drop(struct flow_queue *queue, size_t count);

#endif
