#ifndef LIB_SYS_CHILD_EXEC_H
#define LIB_SYS_CHILD_EXEC_H

#include <sys/types.h>

struct child_spec;

/* Between child.c and child_exec.c only. */

/* What went wrong between vfork and exec; shared with the parent, which waits meanwhile. */
struct child_failure {
    const char *step; /* static; NULL: nothing */
    int reason;       /* errno */
};

/* Become the executable of spec, in the child of a vfork: everything here is async-signal-safe and
 * touches nothing of the parent's but failure.
 * Shape:  fds are the three standard descriptors, already open; keep_fd as in spec.
 * Units:  none.
 * Owns:   nothing.
 * Errors: does not return; tells *failure and ends the child when a step fails. */
_Noreturn void child_exec(const struct child_spec *spec, const int *fds, pid_t parent,
                          struct child_failure *failure);

#endif
