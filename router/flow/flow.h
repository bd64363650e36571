#ifndef ROUTER_FLOW_FLOW_H
#define ROUTER_FLOW_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "proto/codec.h"

struct clock;
struct core_target;
struct digest_key;
struct store;

/* The shell around the decision: it takes messages in, gathers a batch, decides each event, writes
 * everything that follows in one transaction and only then answers. It knows sockets, files and the
 * loop only through what it is given, so that the simulator runs the very same code. */
struct flow;

/* How messages leave: TC_OK, TC_EAGAIN (the peer takes no more now), TC_ECLOSED. */
struct flow_net {
    int (*send)(void *ctx, enum message_role role, uint32_t connection,
                const struct frames *frames);
    void *ctx;
};

struct flow_options {
    const struct clock *clock; /* borrowed */
    struct store *store;       /* borrowed */
    struct flow_net net;
    const struct core_target *defaults; /* borrowed: router.default_recipients */
    size_t default_count;
    const char *holder;                 /* unique name of this process, for the lease */
    uint32_t shard;                     /* of the lease */
    int64_t lease_ms;                   /* 0: no lease is taken */
    int64_t grace_ms;                   /* added to every deadline */
    int64_t dead_ms;                    /* a peer silent so long is gone */
    int64_t retry_for_ms;               /* a delivery is given up after this */
    int64_t keep_runs_ms;               /* runs older than this are removed; 0: none are */
    int64_t keep_incidents_ms;          /* the same for ended incidents, finished notifications */
    const uint8_t *name_key;            /* DIGEST_BYTES: keyed hashes of names in the audit */
    const struct digest_key *audit_key; /* signs checkpoints; NULL: none are made */
    const char *zone_dir;               /* NULL: the system's tzdata */
};

/* Load everything from the store and stand ready.
 * Shape:  what options point to outlives the flow.
 * Units:  ms.
 * Owns:   the caller frees with flow_free (NULL is fine, returns NULL).
 * Errors: as store_read; TC_EFENCED another router holds the lease. */
int flow_new(const struct flow_options *options, struct flow **ret_flow, struct err *err);
struct flow *flow_free(struct flow *flow);

/* Take in one message of a peer; it is acted on in the next turn.
 * Shape:  name and frames are borrowed during the call.
 * Units:  none.
 * Owns:   copies what it needs.
 * Errors: none: what can't be read is answered with an error message and counted. */
void flow_message(struct flow *flow, enum message_role role, uint32_t connection, const char *name,
                  const struct frame *frames);

/* Do all that is due: timers, edits, everything taken in; commit; answer; hand out deliveries.
 * Shape:  call it after messages and at flow_wake_utc_ms.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EFENCED, TC_EIO, TC_ECORRUPT: end the process; what is transient is dealt with. */
int flow_turn(struct flow *flow, struct err *err);

/* When flow_turn must be called again even if nothing comes in. Trivial. */
int64_t flow_wake_utc_ms(const struct flow *flow);

/* The wall clock was stepped: base deadlines anew, once; retries and leases wait as long as before.
 * Shape:  step_ms below 0: backwards.
 * Units:  ms.
 * Owns:   nothing.
 * Errors: none. */
void flow_clock_stepped(struct flow *flow, int64_t step_ms);

/* What retention removes (docs/spec.md 3.5). */
enum flow_retained {
    FLOW_RETAINED_RUNS,
    FLOW_RETAINED_NOTIFICATIONS, /* before incidents, which they refer to */
    FLOW_RETAINED_INCIDENTS,
    FLOW_RETAINED_COUNT_,
};

/* What the flow is doing, for readiness, metrics and the status message. */
struct flow_stats {
    uint64_t results;    /* applied */
    uint64_t duplicates; /* acknowledged again */
    uint64_t refused;
    uint64_t commits;
    uint64_t conflicts;
    uint64_t bad_messages;
    uint64_t deliveries; /* handed to notifiers */
    uint64_t removed[FLOW_RETAINED_COUNT_];
    size_t monitors;
    size_t alerts; /* monitors in alert */
    size_t unfinished;
    bool is_store_ok;
    int64_t last_commit_utc_ms; /* CORE_NEVER: none since start */
};

/* Read the figures. Trivial. */
void flow_stats(const struct flow *flow, struct flow_stats *ret_stats);

#endif
