#ifndef RUNNER_SPOOL_OPEN_H
#define RUNNER_SPOOL_OPEN_H

#include <stdbool.h>

#include "lib/base/err.h"

struct spool;
struct spool_limits;

/* The two halves of opening a spool, between spool_open.c (directory, lock, damage) and spool.c. */

/* Open a file that is believed to be good.
 * Shape:  path or ":memory:"; ret_is_new tells a spool that was just made.
 * Units:  none.
 * Owns:   copies limits; the caller closes.
 * Errors: as spool_open; TC_ECORRUPT. */
int spool_open_file(const char *path, const struct spool_limits *limits, struct spool **ret_spool,
                    bool *ret_is_new, struct err *err);

/* Give the spool the descriptor of its lock, to hold until it is closed. Trivial. */
void spool_take_lock(struct spool *spool, int lock_fd);

#endif
