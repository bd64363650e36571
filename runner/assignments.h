#ifndef RUNNER_ASSIGNMENTS_H
#define RUNNER_ASSIGNMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/limits.h"
#include "proto/checks.h"
#include "runner/verdict.h"

struct message_assign;
struct message_assignment;
struct spool;

/* The monitors that the router gave this runner, in memory and, as received, in the spool, so that a
 * runner starts without its router. What is wrong with a row stays with its monitor. */
struct assignments;

/* One monitor. All texts are owned by it. */
struct assignment {
    uint32_t id;
    uint64_t generation;
    bool is_active;
    char *uuid;
    char *name;
    char *check;
    enum checks_kind kind;
    const char *file; /* into check */
    char *params;     /* JSON object */
    char *labels;     /* JSON object */
    int64_t timeout_ms;
    char *args; /* of a plugin: each with its NUL */
    size_t args_size;
    bool is_warning_ok;
    enum verdict_convention convention;
    char *problem;    /* why it can't be run, or NULL; then each run fails with reason config */
    char *request_id; /* of the run that was asked for last and not yet started, or NULL */
    char *seen_request_id;    /* the last one that came with an assignment */
    uint64_t told_generation; /* the one whose problem has been reported */
    uint32_t overruns;        /* ticks skipped since the last run, because it took long */
};

/* What a change means for the schedule. */
struct assignments_ops {
    /* A monitor is new or changed; the rows of its schedule are borrowed from message. */
    void (*set)(void *ctx, struct assignment *assignment, const struct message_assignment *message);
    void (*removed)(void *ctx, uint32_t id);
    void *ctx;
};

/* Make and free.
 * Shape:  assignments_free(NULL) is fine; returns NULL.
 * Units:  none.
 * Owns:   copies ops; borrows spool, NULL: nothing is cached.
 * Errors: none. */
struct assignments *assignments_new(struct spool *spool, const struct assignments_ops *ops);
struct assignments *assignments_free(struct assignments *assignments);

/* Take in what the cache holds, at start.
 * Shape:  calls ops->set for each.
 * Units:  none.
 * Owns:   nothing retained.
 * Errors: as spool_assigned; entries that can't be read are left out. */
int assignments_load(struct assignments *assignments, struct err *err);

/* Apply a message of the router, in memory and in the cache (durable with the next spool_commit).
 * Shape:  with is_reset all that was and is not named until is_complete is removed.
 * Units:  none.
 * Owns:   copies.
 * Errors: as spool_assign. */
int assignments_apply(struct assignments *assignments, const struct message_assign *message,
                      struct err *err);

/* One monitor, or NULL; how many there are. Trivial. */
struct assignment *assignments_find(struct assignments *assignments, uint32_t id);
size_t assignments_count(const struct assignments *assignments);

/* Remember the request of a run; the one before is answered by the same run. Trivial. */
void assignment_ask(struct assignment *assignment, const char *request_id);

#endif
