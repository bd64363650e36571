#ifndef RUNNER_CAPTURE_H
#define RUNNER_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"

/* What comes out of a pipe of a child, up to a limit; what is over it is read all the same and thrown
 * away, so that the child never blocks on a full pipe. */
struct capture {
    struct buf bytes; /* owned */
    size_t max;
    bool keeps_end; /* keep the last max bytes instead of the first */
    bool is_cut;    /* something was thrown away */
};

enum capture_state {
    CAPTURE_MORE, /* nothing to read for now, or enough for one turn */
    CAPTURE_END,  /* the other end is closed */
};

/* Begin and release.
 * Trivial. */
void capture_init(struct capture *c, size_t max, bool keeps_end);
void capture_free(struct capture *c);

/* Forget what was captured, to begin with another run. Trivial. */
void capture_reset(struct capture *c);

/* Read what is there, at most 256 KiB in one call so that other children get their turn.
 * Shape:  fd does not block.
 * Units:  bytes.
 * Owns:   borrows fd.
 * Errors: none; a broken pipe counts as its end. */
enum capture_state capture_read(struct capture *c, int fd);

#endif
