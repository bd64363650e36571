#ifndef LIB_SYS_SIG_H
#define LIB_SYS_SIG_H

#include "lib/base/err.h"

struct loop;

/* Signals as events of the loop; no handler ever runs. */
struct sig;

struct sig_handlers {
    void (*stop)(void *ctx, int signo); /* SIGTERM, SIGINT */
    void (*reload)(void *ctx);          /* SIGHUP; NULL: ignored */
    void (*child)(void *ctx);           /* SIGCHLD, coalesced; NULL: ignored */
    void *ctx;
};

/* Block the signals that the loop will take and ignore SIGPIPE. Call it first in main, before any
 * library can start a thread, which inherits the mask.
 * Trivial. */
void sig_block(void);

/* Take blocked signals in the loop.
 * Shape:  handlers->stop is required.
 * Units:  none.
 * Owns:   copies handlers; the caller frees with sig_free before the loop.
 * Errors: TC_EIO, TC_EAGAIN when out of descriptors. */
int sig_new(struct loop *loop, const struct sig_handlers *handlers, struct sig **ret_sig,
            struct err *err);
struct sig *sig_free(struct sig *sig);

#endif
