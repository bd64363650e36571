#ifndef ROUTER_FLOW_STATE_H
#define ROUTER_FLOW_STATE_H

#include "lib/base/buf.h"
#include "lib/base/hash.h"
#include "lib/base/heap.h"
#include "router/audit/audit.h"
#include "router/core/decide.h"
#include "router/flow/event.h"
#include "router/flow/flow.h"
#include "router/flow/list.h"
#include "router/flow/setup.h"
#include "router/flow/touched.h"
#include "router/outbox/outbox.h"
#include "router/store/store.h"

struct tz_cache;

/* What the flow keeps in memory: a copy of the rows that decisions need, the peers that are
 * connected, the events that wait, and what the batch at hand has changed. Rows are the truth: the
 * copy follows each commit, and each outside change is noticed by its version. Internal to this
 * folder. */

struct flow_incident {
    struct store_incident row; /* texts owned */
    char *heard;               /* the failing message that was told last; owned */
    int64_t heard_utc_ms;
    struct flow_touched_incident *touched; /* by the batch at hand, or NULL */
    UT_hash_handle hh;
};

struct flow_monitor {
    uint32_t id;
    struct flow_row row;
    bool is_seen;                         /* lastRunDt waits for its write-back */
    bool is_listed;                       /* in flow->seen, once, perhaps no longer waiting */
    bool is_gone;                         /* its row went while no router ran */
    bool is_changed;                      /* or was changed then */
    bool is_dirty;                        /* in its runner's list of changes */
    struct heap_node deadline;            /* in flow->deadlines */
    struct heap_node expiry;              /* of its acknowledgement, in flow->expiries */
    struct flow_touched_monitor *touched; /* by the batch at hand, or NULL */
    UT_hash_handle hh;
};

struct flow_runner {
    uint32_t id;
    char name[LIMIT_NAME_BYTES + 1];
    char spool_id[24]; /* decimal */
    uint64_t spool_rank;
    uint64_t seq; /* applied in the batch at hand, durable after it */
    char *labels; /* JSON; owned */
    char *checks; /* JSON array of patterns; owned */
    char *program_version;
    uint32_t connection; /* 0: not connected */
    uint64_t boot_id;
    bool needs_welcome;                /* after the commit of its hello */
    bool is_welcome;                   /* its hello is committed */
    bool is_dead;                      /* silent for too long */
    int64_t heard_mono_ms;             /* real time */
    uint64_t boots_before[FLOW_BOOTS]; /* the processes before this one, the last first */
    int64_t resends_until_mono_ms;     /* it may hold old results: no deadline is missed before */
    int64_t late_mono_ms; /* one of those said hello though it was replaced; real time, 0: no */
    size_t load;          /* monitors assigned to it */
    uint64_t dropped;     /* by its spool */
    int64_t spool_count;
    bool needs_ack;
    bool needs_resend;
    struct flow_touched_runner *touched;       /* by the batch at hand, or NULL */
    bool needs_reset;                          /* its snapshot of assignments begins anew */
    FLOW_LIST(uint32_t) dirty;                 /* monitors whose assignment it must hear of */
    FLOW_LIST(struct message_refusal) refused; /* since the last ack; reasons are static */
    UT_hash_handle hh;
};

/* A connected notifier. */
struct flow_sink {
    char channel[OUTBOX_CHANNEL_BYTES];
    uint32_t connection;
    int64_t credit;
    int64_t heard_mono_ms;
    bool is_dead;
    UT_hash_handle hh;
};

struct flow_batch {
    struct store_batch rows;
    struct audit_chain chain_before;
    struct store_ids ids_before;
    FLOW_LIST(struct flow_touched_monitor *) monitors;
    FLOW_LIST(struct flow_touched_incident *) incidents;
    FLOW_LIST(struct flow_touched_runner *) runners;
    struct flow_touched_delivery *deliveries; /* hash, in order of first touch */
    FLOW_LIST(struct flow_reply) replies;
    FLOW_LIST(struct flow_probe) probes;
    struct flow_queue reports; /* of the router about itself: queued when the batch is kept */
    FLOW_LIST(char *) texts;   /* owned: live until the batch ends */
    struct digest runs;        /* of the runs that leave no record of their own */
    uint64_t run_count;
    size_t notice_count;     /* notices acted on by it: the first ones of flow->notices */
    uint64_t checkpoint_seq; /* a checkpoint is in it; 0: none */
    struct flow_stats stats_before;
    bool is_open;     /* between start and end */
    bool writes_seen; /* the late lastRunDts are in it */
    int64_t now_utc_ms;
};

struct flow {
    struct flow_options options; /* what it points to is borrowed */
    struct tz_cache *zones;
    struct outbox *outbox;
    struct audit_chain chain;
    struct store_ids ids;
    uint64_t lease_token;
    struct flow_monitor *monitors;
    struct flow_incident *incidents;
    struct flow_runner *runners;
    struct flow_sink *sinks;
    FLOW_LIST(uint32_t) webs; /* connections of web processes */
    FLOW_LIST(struct flow_probe) probes;
    uint64_t probe_count;
    struct heap deadlines;
    struct heap expiries;
    struct flow_queue queue;
    struct flow_batch batch;
    FLOW_LIST(uint32_t) seen; /* monitors whose lastRunDt waits for its write-back */
    int64_t seen_due_mono_ms; /* real time, all of these */
    int64_t tick_due_mono_ms;
    int64_t turn_mono_ms;       /* of the last turn */
    int64_t store_away_mono_ms; /* since then, while it is away */
    int64_t storage_due_mono_ms;
    int64_t checkpoint_due_mono_ms;
    int64_t zones_due_mono_ms;
    int64_t store_due_mono_ms;     /* try the store again; 0: it is there */
    bool is_unknown;               /* whether the batch was committed; it waits as it is */
    size_t unknown_count;          /* of the events in it */
    bool is_assign_left;           /* a runner took no more assignments */
    int64_t deadlines_from_utc_ms; /* none is missed before: the grace after a start */
    uint64_t checkpoint_seq;
    FLOW_LIST(uint64_t) notices; /* of changes by hand, seen and not yet done with */
    uint32_t store_failures;     /* in a row */
    struct flow_retain *retain;  /* owned (retain.c) */
    struct flow_stats stats;
    struct core_plan *plan;        /* owned scratch */
    struct core_incident *scratch; /* owned scratch of views */
    struct core_target *targets;   /* owned scratch of views */
    struct buf body;               /* scratch of messages */
    struct buf record;             /* scratch of audit records */
};

#endif
