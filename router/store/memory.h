#ifndef ROUTER_STORE_MEMORY_H
#define ROUTER_STORE_MEMORY_H

#include <stdint.h>

#include "lib/base/err.h"

struct store;

/* The store of tests and simulation: the same statements on the same engine, in memory, with what may
 * happen to a commit decided by the caller. The handle is the data: a router that "crashed" is thrown
 * away, the next one starts on the same handle. */
enum store_fate {
    STORE_FATE_COMMIT,         /* as it should */
    STORE_FATE_AGAIN,          /* nothing written, TC_EAGAIN */
    STORE_FATE_CONFLICT,       /* nothing written, TC_ECONFLICT naming no row */
    STORE_FATE_FULL,           /* nothing written, TC_ENOSPC */
    STORE_FATE_FENCED,         /* nothing written, TC_EFENCED */
    STORE_FATE_UNKNOWN_LOST,   /* nothing written, TC_EUNKNOWN */
    STORE_FATE_UNKNOWN_KEPT,   /* written, TC_EUNKNOWN */
    STORE_FATE_CRASHED_BEFORE, /* nothing written, TC_EIO: the caller plays dead */
    STORE_FATE_CRASHED_AFTER,  /* written, TC_EIO */
};

/* Asked once a commit that holds rows, in order.
 * Trivial. */
typedef enum store_fate (*store_fate_fn)(void *ctx);

/* Make an empty database with the newest schema in memory.
 * Shape:  fate_fn may be NULL: every commit goes well.
 * Units:  none.
 * Owns:   borrows ctx; the caller closes with store_close.
 * Errors: TC_EIO, only when this program's own schema is broken. */
int store_open_memory(store_fate_fn fate_fn, void *ctx, struct store **ret_store, struct err *err);

/* Run SQL on it as an operator does by hand, beside the router.
 * Shape:  any number of statements; not inside a commit.
 * Units:  none.
 * Owns:   nothing retained.
 * Errors: TC_EINVAL with the engine's message. */
int store_memory_by_hand(struct store *store, const char *sql, struct err *err);

#endif
