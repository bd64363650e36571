#ifndef RUNNER_WORKER_H
#define RUNNER_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "runner/job.h"

/* Warm processes for built-in checks (tocsin-check KIND --worker): a line of JSON in, a line of JSON
 * out, one check at a time. One that hangs, dies or says anything unasked is killed and replaced; one
 * without work ends after a while. */
struct worker_pool;

struct worker_options {
    size_t count_max;        /* processes of all kinds; more orders wait for a free one */
    int64_t idle_ms;         /* real */
    const char *const *envp; /* borrowed: the whole environment */
};

/* Make and end a pool; ending kills its processes without reports.
 * Shape:  count_max > 0.
 * Units:  none.
 * Owns:   borrows host and envp; the caller frees (NULL is fine, returns NULL).
 * Errors: none. */
struct worker_pool *worker_pool_new(const struct job_host *host,
                                    const struct worker_options *options);
struct worker_pool *worker_pool_free(struct worker_pool *pool);

/* Have a line answered by a worker of the order's args; it always ends in one report.
 * Shape:  input is one line without its end.
 * Units:  timeout in real ms, from when a worker takes it.
 * Owns:   copies order.
 * Errors: none; they are reports. */
void worker_order(struct worker_pool *pool, const struct spawnlink_order *order);

/* Replace every worker, busy ones after their answer: the configuration that they read has changed.
 * Trivial. */
void worker_renew(struct worker_pool *pool);

/* Whether pid is one of the pool's processes. Trivial. */
bool worker_is_known(const struct worker_pool *pool, pid_t pid);

#endif
