#ifndef RUNNER_SPOOL_H
#define RUNNER_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

/* The durable memory of a runner: results until they are acknowledged (and a while longer), runs that
 * were started, assignments. One SQLite file, one writer, one transaction a turn of the loop: what
 * is appended is durable only after spool_commit, and only then may it be published or, for a run,
 * started. With path ":memory:" the same code serves tests and simulation. */
struct spool;

struct spool_limits {
    int64_t bytes_max;  /* of results not acknowledged and kept */
    int64_t age_ms_max; /* of results not acknowledged */
    int64_t
        grace_ms; /* acknowledged results are kept this long, for a router restored from a backup */
};

/* A text to keep: one JSON object. */
struct spool_body {
    const char *json; /* borrowed */
    size_t size;      /* at most LIMIT_FRAME_BYTES */
    int64_t created_utc_ms;
};

/* A numbered result. */
struct spool_result {
    uint64_t seq;
    uint64_t prev; /* the one before it that still exists; 0: none */
    uint32_t monitor;
    const char *body; /* JSON object; borrowed, valid until the next call on the spool */
    size_t body_size;
};

/* Figures for hello and heartbeat. */
struct spool_stats {
    uint64_t id;      /* random, made with the file */
    uint64_t first;   /* lowest number that exists, 0: none */
    uint64_t last;    /* highest number ever given and committed */
    uint64_t acked;   /* everything up to here is durable at the router */
    uint64_t pending; /* results above it */
    int64_t bytes;    /* of all results kept, acknowledged ones as well */
    uint64_t dropped; /* by overflow or age, since the file was made */
};

/* What opening met besides success. */
struct spool_opening {
    bool was_created;
    bool was_damaged;          /* the old file was set aside */
    uint64_t salvaged;         /* results carried over from it */
    char set_aside[1024 + 64]; /* its new path */
};

/* Open or make a spool.
 * Shape:  path absolute, in a directory of its own user, or ":memory:"; a lock file stands beside it. A
 *         damaged file is renamed (".damaged-<time>"), what can be read of it is carried over into a
 *         new one under a new id.
 * Units:  now_utc_ms, Unix ms.
 * Owns:   copies limits; the caller closes with spool_close, which commits nothing and returns NULL.
 * Errors: TC_EPERM, TC_EIO, TC_ENOSPC, TC_EVERSION, TC_EEXIST when another runner has it; each with a
 *         sentence for the operator. */
int spool_open(const char *path, const struct spool_limits *limits, int64_t now_utc_ms,
               struct spool **ret_spool, struct spool_opening *ret_opening, struct err *err);
struct spool *spool_close(struct spool *spool);
void spool_closep(struct spool **spool);

/* Add a result and give it the next number.
 * Shape:  one JSON object.
 * Units:  none.
 * Owns:   copies.
 * Errors: TC_EIO, TC_ENOSPC, TC_ECORRUPT: the spool must be closed and the process end, a restart
 *         reads what is really there. */
int spool_append(struct spool *spool, uint32_t monitor, bool is_ok, const struct spool_body *body,
                 uint64_t *ret_seq, struct err *err);

/* Make everything since the last commit durable, in one transaction. Nothing to do costs nothing, and
 * acknowledgements alone wait for a second, or for something else to commit.
 * Applies the limits: acknowledged results past their grace and results over age_ms_max go, then, over
 * bytes_max, the oldest acknowledged ones, then the oldest repeats (same verdict as the monitor's
 * result before), then the oldest of all, but never the latest of a monitor.
 * Shape:  spool_rollback forgets instead what was not committed.
 * Units:  now_utc_ms, Unix ms.
 * Owns:   nothing.
 * Errors: as spool_append. */
int spool_commit(struct spool *spool, int64_t now_utc_ms, struct err *err);
int spool_rollback(struct spool *spool, struct err *err);

/* Read the first committed result above a number.
 * Shape:  TC_ENOENT when there is none.
 * Units:  none.
 * Owns:   ret_result's body is borrowed until the next call.
 * Errors: TC_ENOENT, and as spool_append. */
int spool_next(struct spool *spool, uint64_t above, struct spool_result *ret_result,
               struct err *err);

/* Note that everything up to and including seq is durable at the router.
 * Shape:  a lower number than before makes those above it pending again (a restored backup); one that
 *         this spool never gave is ignored.
 * Units:  now_utc_ms, Unix ms.
 * Owns:   nothing.
 * Errors: as spool_append. */
int spool_ack(struct spool *spool, uint64_t seq, int64_t now_utc_ms, struct err *err);

/* Take a new id, keeping what is pending: for a router that knows higher numbers of this id than were
 * given here (a host set back to an older disk), which would take new results for duplicates.
 * Shape:  commits.
 * Units:  now_utc_ms, Unix ms.
 * Owns:   nothing.
 * Errors: as spool_append. */
int spool_renew(struct spool *spool, int64_t now_utc_ms, struct err *err);

/* Figures now, with what is not committed yet but in last.
 * Shape:  none.
 * Units:  bytes.
 * Owns:   nothing.
 * Errors: as spool_append. */
int spool_stats(struct spool *spool, struct spool_stats *ret_stats, struct err *err);

/* The journal of runs: one entry from its start to its result, so that a runner that was killed can
 * report what it interrupted.
 * Shape:  note is a JSON object of the caller's, at most 4 KiB; spool_runs calls fn for each entry left
 *         by an earlier process; fn may not call the spool.
 * Units:  none.
 * Owns:   copies; fn borrows.
 * Errors: as spool_append. */
int spool_run_started(struct spool *spool, uint64_t run, uint32_t monitor, const char *note,
                      struct err *err);
int spool_run_ended(struct spool *spool, uint64_t run, struct err *err);
typedef void (*spool_run_fn)(void *ctx, uint64_t run, uint32_t monitor, const char *note);
int spool_runs(struct spool *spool, spool_run_fn fn, void *ctx, struct err *err);

/* The cached assignments: one JSON object a monitor.
 * Shape:  spool_assign with body NULL removes; spool_assign_clear removes all.
 * Units:  none.
 * Owns:   copies; fn borrows and may not call the spool.
 * Errors: as spool_append. */
int spool_assign(struct spool *spool, uint32_t monitor, const char *body, size_t body_size,
                 struct err *err);
int spool_assign_clear(struct spool *spool, struct err *err);
typedef void (*spool_assigned_fn)(void *ctx, uint32_t monitor, const char *body, size_t size);
int spool_assigned(struct spool *spool, spool_assigned_fn fn, void *ctx, struct err *err);

#endif
