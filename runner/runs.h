#ifndef RUNNER_RUNS_H
#define RUNNER_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "runner/check.h"

struct assignment;
struct clock;
struct schedule_event;
struct spawnlink_order;
struct spawnlink_report;
struct spool;

/* The runs of a runner from "it is time" to a result in the spool. A run is journaled before it is
 * started, so that one that a crash interrupted is reported as lost. No sockets, no processes: orders
 * go through ops, reports come as calls. */
struct runs;

struct runs_ops {
    /* Start it; anything but TC_OK: it can't be started now. */
    int (*start)(void *ctx, const struct spawnlink_order *order);
    /* The monitor may run again. */
    void (*finished)(void *ctx, uint32_t monitor);
    void *ctx;
};

/* Make and free.
 * Shape:  runs_free(NULL) is fine; returns NULL.
 * Units:  none.
 * Owns:   copies ops; borrows spool and clock.
 * Errors: none. */
struct runs *runs_new(struct spool *spool, const struct clock *clock, const struct runs_ops *ops);
struct runs *runs_free(struct runs *runs);

/* What this host allows, from now on. Borrowed until the next call. Trivial. */
void runs_set_policy(struct runs *runs, const struct check_policy *policy);

/* Report the runs that an earlier process of this runner did not end, at start.
 * Shape:  each becomes a failing result with reason lost.
 * Units:  none.
 * Owns:   nothing.
 * Errors: as spool_append. */
int runs_recover(struct runs *runs, size_t *ret_count, struct err *err);

/* Begin a run: what can't be run gives its failing result at once, what can is journaled and waits for
 * runs_start.
 * Shape:  event of kind SCHEDULE_RUN.
 * Units:  none.
 * Owns:   copies.
 * Errors: as spool_append. */
int runs_begin(struct runs *runs, struct assignment *assignment, const struct schedule_event *event,
               struct err *err);

/* Start what runs_begin journaled; only after spool_commit. Trivial. */
void runs_start(struct runs *runs);

/* A run has ended, or (runs_lose) all that were started were lost with the spawner.
 * Shape:  a report of an unknown run is ignored.
 * Units:  none.
 * Owns:   copies.
 * Errors: as spool_append. */
int runs_report(struct runs *runs, const struct spawnlink_report *report, struct err *err);
int runs_lose(struct runs *runs, struct err *err);

/* How many are going on. Trivial. */
size_t runs_count(const struct runs *runs);

#endif
