#ifndef ROUTER_FLOW_TOUCHED_H
#define ROUTER_FLOW_TOUCHED_H

#include "lib/base/hash.h"
#include "router/flow/event.h"
#include "router/outbox/outbox.h"
#include "router/store/store.h"

/* What the batch at hand has changed, to write it and to put it back. Internal to this folder; include
 * router/flow/state.h. */

struct flow_incident;
struct flow_monitor;
struct flow_runner;

struct flow_touched_monitor {
    struct flow_monitor *monitor;
    struct flow_row before; /* to put back; its texts and setup are the old ones */
    bool is_new;
    bool is_removed;
    bool is_gone;         /* its row was removed by somebody else */
    bool needs_decide;    /* what the router notes has changed */
    bool needs_configure; /* what a person configures has changed, by command */
};

struct flow_touched_incident {
    struct flow_incident *incident;
    struct store_incident before; /* its texts are the old ones */
    char *heard_before;
    int64_t heard_utc_ms_before;
    bool is_new;
};

struct flow_touched_delivery {
    uint64_t id;
    struct outbox_item before;     /* of one that was there */
    struct store_notification row; /* its texts live in batch.texts */
    bool is_new;
    bool is_finished;   /* leaves the outbox after the commit */
    uint32_t handed_to; /* the connection it goes to after the commit; 0: none */
    UT_hash_handle hh;
};

enum {
    FLOW_BOOTS = 4,
};

/* What events change of a runner; that a message is owed, or that it must hear of a monitor, may stay
 * when the batch does not. */
struct flow_runner_state {
    char spool_id[24]; /* decimal */
    uint64_t spool_rank;
    uint64_t seq;
    uint32_t connection;
    uint64_t boot_id;
    uint64_t boots_before[FLOW_BOOTS];
    int64_t late_mono_ms;
    bool needs_welcome;
    bool is_welcome;
    uint64_t dropped;
    size_t refused_count;
};

struct flow_touched_runner {
    struct flow_runner *runner;
    struct flow_runner_state before;
    char *labels; /* owned: the old ones, when its hello is in the batch */
    char *checks;
    char *program_version;
    bool is_new;
    bool needs_set; /* its hello is in the batch */
};

struct flow_reply {
    uint32_t connection;
    uint64_t seq;
    char *body; /* owned */
};

/* A test of a channel that somebody waits for; its number is above every notification's. */
#define FLOW_PROBE_FIRST (UINT64_C(1) << 62)

struct flow_probe {
    uint64_t id;
    uint32_t connection;
    uint64_t seq;
    int64_t due_mono_ms;
    char *channel; /* owned, as the target is, until it is sent: after the commit of its command */
    char *target;
};

#endif
