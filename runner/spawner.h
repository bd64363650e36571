#ifndef RUNNER_SPAWNER_H
#define RUNNER_SPAWNER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

struct child;

/* The small process that starts and reaps checks: no sockets of ZeroMQ, no database, no secrets. It
 * is the runner's own program, started again with nothing set up, so that starting a check never
 * copies a large process. When the runner goes, it kills every check and ends. */

/* What a spawner is made with; strings are borrowed until spawner_start returns. */
struct spawner_options {
    const char *program;  /* whose main calls spawner_main: "/proc/self/exe" but in tests */
    const char *work_dir; /* absolute, its alone: each run gets an empty directory below it */
    const char *config;   /* file given to workers as TOCSIN_CONFIG */
    bool has_user;        /* programs run as uid and gid; workers as the runner */
    uid_t uid;
    gid_t gid;
    int64_t memory_bytes; /* of a program; 0: unlimited */
    int64_t workers;      /* processes for built-in checks, at most */
};

/* Start a spawner.
 * Shape:  ret_fd is the runner's end of the wire (spawnlink.h). It is started by exec, never a copy of
 *         this process, so one that died can be replaced at any time.
 * Units:  none.
 * Owns:   the caller closes ret_fd, which ends the spawner and all its checks, and reaps and closes
 *         ret_child.
 * Errors: as child_start. */
int spawner_start(const struct spawner_options *options, struct child *ret_child, int *ret_fd,
                  struct err *err);

/* The hidden first argument that makes a program a spawner, its wire being descriptor 3. */
#define SPAWNER_ARGUMENT "--spawner"

/* Be the spawner until the runner is gone.
 * Shape:  called by main before anything else when argv[1] is SPAWNER_ARGUMENT.
 * Units:  none.
 * Owns:   takes descriptor 3.
 * Errors: none; returns the exit status. */
int spawner_main(int argc, char **argv);

#endif
