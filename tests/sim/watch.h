#ifndef TESTS_SIM_WATCH_H
#define TESTS_SIM_WATCH_H

#include "router/audit/audit.h"
#include "router/store/store.h"
#include "tests/sim/parts.h"

/* What watch.c and record.c know of the turn at hand. */

enum {
    RUNS_MAX = 2048,   /* of one turn */
    WISHES_MAX = 2048, /* of one turn */
};

struct run {
    uint32_t monitor;
    bool is_ok, is_used;
    uint64_t number; /* of the result; UINT64_MAX: no check made it */
    int64_t scheduled_ms;
    char hash[2 * DIGEST_BYTES + 1];
};

struct wish {
    uint32_t monitor, list;
    enum oracle_wish kind;
    uint64_t record; /* what is told stands in it */
};

struct sent {          /* of one runner's spool, by number */
    uint64_t *numbers; /* owned */
    bool *is_refused;  /* owned */
    size_t cap;
    uint64_t acked, checked;
};

struct sim_watch {
    uint64_t run_id, commits;
    struct audit_check chain;
    struct run runs[RUNS_MAX];
    size_t run_count;
    struct wish wishes[WISHES_MAX];
    size_t wish_count;
    size_t note_count; /* before this turn */
    struct sent sent[SIM_RUNNERS];
    bool is_edited[SIM_MONITORS];      /* by hand, not acted on yet */
    bool was_active[SIM_MONITORS];     /* at some time of this turn */
    uint64_t generation[SIM_MONITORS]; /* of the last result that counted */
    struct audit_chain names;          /* for keyed hashes */
};

/* Feed the oracle with one record of the audit: a store_row_fn, ctx is the simulation. */
int record_take(void *ctx, const void *stored);

/* Apply the OK results of a well monitor that leave no record of their own. */
void record_silent_runs(struct sim *sim, uint32_t monitor, int64_t at_ms);

#endif
