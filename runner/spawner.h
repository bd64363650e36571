#ifndef RUNNER_SPAWNER_H
#define RUNNER_SPAWNER_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

/* The small process that starts and reaps checks: no sockets of ZeroMQ, no database, no secrets. It
 * is the runner's own program, started again with nothing set up, so that starting a check never
 * copies a large process. When the runner goes, it kills every check and ends. */

/* What every check is started with; 0: no limit of our own. */
struct spawner_limits {
    int64_t cpu_seconds;
    int64_t memory_bytes; /* of address space */
    int64_t file_bytes;   /* one file written */
    int64_t open_files;
    int64_t processes;      /* of this user; the kernel does not count root's */
    int64_t worker_idle_ms; /* a built-in check's worker without work ends after this */
};

/* What a spawner is made with; strings are borrowed until spawner_start returns. */
struct spawner_options {
    const char *program; /* whose main calls spawner_main: "/proc/self/exe" but in tests */
    struct spawner_limits limits;
    const char *work_dir; /* absolute; each run gets an empty directory below it */
    const char *config;   /* given to workers as TOCSIN_CONFIG; may be NULL */
};

/* Start a spawner.
 * Shape:  ret_pid is the new process, ret_fd the runner's end of the wire (spawnlink.h). It is started
 *         by exec, never a copy of this process, so one that died can be replaced at any time.
 * Units:  none.
 * Owns:   the caller closes ret_fd, which ends the spawner and all its checks, and waits for ret_pid.
 * Errors: mapped errno. */
int spawner_start(const struct spawner_options *options, pid_t *ret_pid, int *ret_fd,
                  struct err *err);

/* The hidden argument that makes a program a spawner, its wire being descriptor 3. */
#define SPAWNER_ARGUMENT "--spawner"

/* Be the spawner until the runner is gone.
 * Shape:  called by main before anything else when its first argument is SPAWNER_ARGUMENT.
 * Units:  none.
 * Owns:   takes descriptor 3.
 * Errors: none; returns the exit status. */
int spawner_main(void);

#endif
