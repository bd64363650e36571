#ifndef RUNNER_PUBLISH_H
#define RUNNER_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "proto/link/window.h"

struct message_runner_welcome;
struct spool;
struct spool_result;

/* Which results travel: between the spool and a transport, without socket or clock, so that the
 * simulation drives the same code. */
struct publish {
    struct spool *spool; /* borrowed */
    struct window window;
    /* Send one result: TC_EAGAIN when the transport takes no more now. */
    int (*send)(void *ctx, const struct spool_result *result);
    void *ctx;
};

/* A router answered hello.
 * Shape:  ret_is_renewed: the router knows numbers that this spool never gave, so it got a new id;
 *         say hello again.
 * Units:  now_utc_ms, Unix ms.
 * Owns:   nothing.
 * Errors: as spool_ack. */
int publish_welcome(struct publish *p, const struct message_runner_welcome *welcome,
                    int64_t now_utc_ms, bool *ret_is_renewed, struct err *err);

/* The connection is gone. Trivial. */
void publish_down(struct publish *p);

/* An acknowledgement, or a request to send again from a mark.
 * Shape:  up to and including seq.
 * Units:  now_utc_ms, Unix ms.
 * Owns:   nothing.
 * Errors: as spool_ack; TC_EPROTO a number that the spool never gave. */
int publish_ack(struct publish *p, uint64_t seq, int64_t now_utc_ms, struct err *err);
int publish_resend(struct publish *p, uint64_t mark, int64_t now_utc_ms, struct err *err);

/* Send what the window has room for.
 * Shape:  ret_is_blocked: the transport takes no more now, call again soon.
 * Units:  none.
 * Owns:   nothing.
 * Errors: as spool_next. */
int publish_send(struct publish *p, bool *ret_is_blocked, struct err *err);

/* How many results are on their way, and: send them again, since nothing was heard for long. Trivial. */
uint32_t publish_on_way(const struct publish *p);
void publish_again(struct publish *p);

#endif
