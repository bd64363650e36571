#ifndef RUNNER_JOB_H
#define RUNNER_JOB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runner/spawnlink.h"

struct cgroup;
struct loop;

/* What jobs and workers of one spawner share. Made by spawner.c. */
struct job_host {
    struct loop *loop;    /* borrowed */
    const char *work_dir; /* borrowed, absolute */
    bool has_user;        /* programs run as uid and gid */
    uid_t uid;
    gid_t gid;
    int64_t memory_bytes;  /* of a program; 0: unlimited */
    struct cgroup *cgroup; /* borrowed: a group for each program; NULL: there are none */
    void (*report)(void *ctx, const struct spawnlink_report *report);
    void (*ended)(void *ctx); /* a program has ended: it may have left strays */
    void (*no_group)(void *ctx, const struct err *err); /* a program had to do without one */
    void *ctx;
};

/* One program from its start to its report: an own directory, its input written, its output captured,
 * its time limit kept: TERM at the limit, KILL 5 s later, given up and reported 2 s after that. */
struct job;

enum {
    JOB_ARGS_MAX = 80,
    JOB_KILL_AFTER_MS = 5000,
    JOB_GIVE_UP_AFTER_MS = 2000,
    JOB_HELD_MS = 50,   /* between two looks at an ended process that a debugger holds */
    JOB_DRAIN_MS = 200, /* for output of others that a program left with its pipes */
};

/* All jobs of a spawner. */
struct job_list {
    struct job *first; /* owned */
};

/* Start a program and see it through.
 * Shape:  the job reports by itself, also when it could not be started, and leaves the list when its
 *         process is gone.
 * Units:  timeout in real ms.
 * Owns:   borrows host and list, which outlive it; copies order.
 * Errors: none; they are reports. */
void job_start(const struct job_host *host, struct job_list *list,
               const struct spawnlink_order *order);

/* Remove a directory with all that is in it, by a program of its own: it may be large.
 * Trivial. */
void job_remove_dir(const struct job_host *host, struct job_list *list, const char *dir);

/* Whether pid is one of the jobs' processes, and whether a run is one of theirs. Trivial. */
bool job_is_known(const struct job_list *list, pid_t pid);
bool job_is_run(const struct job_list *list, uint64_t run);

/* Kill all and forget them, without reports. Trivial. */
void job_end_all(struct job_list *list);

/* The NULL-terminated argv of an order's args; false when there are too many.
 * Shape:  ret_argv has JOB_ARGS_MAX + 1 places.
 * Units:  none.
 * Owns:   points into args.
 * Errors: as bool. */
bool job_split_args(const struct spawnlink_order *order, const char **ret_argv);

#endif
