#ifndef CLI_UP_H
#define CLI_UP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/siblings.h"
#include "lib/base/err.h"
#include "lib/sys/child.h"

struct buf;
struct cli;
struct loop;
struct loop_timer;
struct loop_watch;

/* The supervisor's programs: each started, watched and restarted by itself. Private to up*.c. */
enum worker_state {
    WORKER_WAITING,  /* for its next start */
    WORKER_STARTING, /* runs, has not said that it serves */
    WORKER_READY,
    WORKER_ENDED, /* for good: the supervisor is stopping */
};

enum {
    WORKER_DETAIL_BYTES = 512,
    UP_RESTART_MS_MIN = 1000,
    UP_RESTART_MS_MAX = 30 * 1000,
    UP_HEALTHY_MS = 30 * 1000, /* ready for that long: the next back-off starts anew */
};

struct up;

struct worker {
    struct up *up; /* borrowed */
    struct sibling sibling;
    struct child child;
    struct loop_watch *watch; /* of its pidfd; NULL while it does not run */
    struct loop_timer *timer; /* of its next start */
    enum worker_state state;
    uint32_t failures; /* in a row */
    uint32_t restarts;
    int64_t since_utc_ms; /* of its state */
    char detail[WORKER_DETAIL_BYTES];
};

struct up {
    struct cli *cli;   /* borrowed */
    struct loop *loop; /* owned */
    struct worker workers[SIBLINGS_MAX];
    size_t count;
    const char **environ_list; /* owned array of borrowed texts: the programs' environment */
    char notify_env[64];       /* "NOTIFY_SOCKET=@…" */
    int notify_fd;             /* where programs say that they serve */
    bool was_ready;
    bool is_stopping;
    enum sibling_stage stage; /* being stopped */
    struct loop_timer *deadline;
    int64_t started_utc_ms;
};

/* Start a program, or plan its next start when that fails.
 * Trivial. */
void worker_start(struct worker *worker);

/* Tell a running program something, not its children. Trivial. */
void worker_signal(const struct worker *worker, int signo);

/* Whether it has a process. Trivial. */
bool worker_runs(const struct worker *worker);

/* A change of a worker's state: told to the service manager and written for doctor; stops or announces
 * when it was the last one to wait for. Called by up_worker.c.
 * Trivial. */
void up_changed(struct up *up);

/* Make the socket that programs tell their readiness on, and watch it.
 * Shape:  up->notify_env is filled.
 * Units:  none.
 * Owns:   up owns the descriptor.
 * Errors: TC_EIO. */
int up_listen(struct up *up, struct err *err);

/* The state of all programs as JSON, for state_dir/up.json. Trivial. */
void up_write_state(const struct up *up, struct buf *out);

#endif
