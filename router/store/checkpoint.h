#ifndef ROUTER_STORE_CHECKPOINT_H
#define ROUTER_STORE_CHECKPOINT_H

#include "lib/base/err.h"

/* Copies the write-ahead log into the database file beside the router, on a connection and thread of
 * its own, so that no commit waits for it (docs/spec.md 5.8). They share nothing but a flag. */
struct checkpoint;

/* Start and stop; stopping waits for a copy under way, accepts NULL and returns NULL.
 * Shape:  path is the database; vfs may be NULL.
 * Units:  none.
 * Owns:   the caller stops it.
 * Errors: as sqlite_db_open; TC_EAGAIN no thread to be had. */
int checkpoint_start(const char *path, const char *vfs, struct checkpoint **ret_checkpoint,
                     struct err *err);
struct checkpoint *checkpoint_stop(struct checkpoint *self);

/* Ask for a copy; several requests become one. Trivial. */
void checkpoint_wake(struct checkpoint *self);

#endif
