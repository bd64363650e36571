#ifndef LIB_SYS_CHILD_H
#define LIB_SYS_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

/* Child processes: started with nothing inherited but what is asked for, ended with all that they
 * started. Meant for small single-threaded processes; starting uses vfork. */

/* What a standard descriptor of the child becomes: one of these, or a descriptor of the caller. */
enum {
    CHILD_NULL = -1,
    CHILD_PIPE = -2,    /* a new pipe; the caller's end is close-on-exec and does not block */
    CHILD_INHERIT = -3, /* as the caller's */
};

/* Limits of the child and what it starts; 0: as the caller's. */
struct child_limits {
    uint64_t cpu_seconds;
    uint64_t file_bytes;
    uint64_t descriptors;
    uint64_t memory_bytes; /* address space */
    uint64_t processes;    /* of the user, not of the child */
};

struct child_spec {
    const char *path;        /* of the executable; never searched for */
    const char *const *argv; /* NULL-terminated */
    const char *const *envp; /* NULL-terminated, the whole environment */
    const char *dir;         /* working directory; NULL: as the caller's */
    int in;                  /* CHILD_... or a descriptor */
    int out;
    int err;
    int keep_fd; /* one more descriptor, given to the child as 3; -1: none */
    struct child_limits limits;
    bool has_user; /* become uid and gid, without other groups; needs privilege */
    uid_t uid;
    gid_t gid;
    bool dies_with_parent; /* killed when the calling process ends */
    bool dies_first;       /* the kernel's choice when this host is out of memory */
    int group_fd;          /* cgroup.procs of the control group to join, open to write; 0: none */
};

struct child {
    pid_t pid; /* also its session and process group */
    int pidfd; /* readable when it has ended */
    int in;    /* the caller's ends of pipes, -1 where none */
    int out;
    int err;
};

#define CHILD_INIT                                             \
    (struct child)                                             \
    {                                                          \
        .pid = -1, .pidfd = -1, .in = -1, .out = -1, .err = -1 \
    }

/* How a child ended. */
struct child_exit {
    int status; /* exit status, -1 when a signal ended it */
    int signo;  /* the signal, 0 when none */
    bool dumped_core;
    int64_t cpu_us; /* user and system time of it and its waited-for children */
    int64_t memory_max_bytes;
};

/* Start an executable: own session and group, empty signal mask, default dispositions, no core
 * dumps, no descriptor above 2 (3 with keep_fd).
 * Shape:  spec as above.
 * Units:  none.
 * Owns:   the caller reaps the child and releases ret_child with child_close.
 * Errors: the kernel's reason mapped by err_from_errno, the text naming the step and path ("cannot
 *         execute /x: No such file or directory"); nothing is left behind. */
int child_start(const struct child_spec *spec, struct child *ret_child, struct err *err);

/* Run a function in a forked process and end it with the function's return value.
 * Shape:  call it before any thread or ZeroMQ context exists. The child keeps descriptors, signal
 *         mask and standard streams; it gets SIGKILL when the caller ends.
 * Units:  none.
 * Owns:   as child_start; run gets ctx.
 * Errors: TC_EAGAIN out of processes. */
int child_fork(int (*run)(void *ctx), void *ctx, struct child *ret_child, struct err *err);

/* Signal the child's whole group; the group of an ended, unreaped child still counts.
 * Shape:  signo of signal.h; nothing happens when all are gone.
 * Units:  none.
 * Owns:   nothing.
 * Errors: none. */
void child_signal(const struct child *child, int signo);

/* Take the exit of a child that has ended; kills what is left of its group first.
 * Shape:  never waits. The descriptors stay for child_close.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EAGAIN still running, TC_ENOENT reaped already. */
int child_reap(struct child *child, struct child_exit *ret_exit);

/* Close all descriptors; does not end the child. Trivial. */
void child_close(struct child *child);
void child_closep(struct child *child);

/* Adopt every orphan below this process, so that none escapes child_kill_strays.
 * Shape:  once, early.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EIO. */
int child_adopt_orphans(struct err *err);

/* Kill and reap every descendant that hangs below no known child: what a check left behind when it
 * left its group (a double fork with setsid).
 * Shape:  is_known tells a direct child's pid; bounded work a call.
 * Units:  none.
 * Owns:   nothing.
 * Errors: none; returns how many strays may still live: call again soon when not 0. */
size_t child_kill_strays(bool (*is_known)(void *ctx, pid_t pid), void *ctx);

#endif
