#ifndef PROTO_LINK_CONTEXT_H
#define PROTO_LINK_CONTEXT_H

#include "proto/link/allow.h"
#include "proto/link/link.h"

/* The context's inside, for server.c and client.c. Private to proto/link. */

enum {
    CONTEXT_REASONS = LINK_BAD_LIST + 1,
};

struct context_rate {
    int64_t next_us; /* nothing of this reason is told before */
    uint64_t suppressed;
};

struct link_context {
    struct loop *loop; /* borrowed */
    void *zmq;         /* owned */
    uint32_t names;    /* of monitors made */
    void *zap;         /* owned; NULL without a gate */
    struct loop_watch *zap_watch;
    struct loop_timer *reread;
    char *allow_path; /* owned */
    struct allow allow;
    int64_t allow_stamp[4];    /* of the file: device, inode, size, change time */
    char probe[LINK_KEY_TEXT]; /* public key of a self-test going on, not told */
    link_refused_fn refused;
    void *ctx;
    struct context_rate rates[CONTEXT_REASONS];
};

/* Tell of a peer turned away, at most once a second of a reason.
 * Trivial. */
void context_refuse(struct link_context *context, struct link_refusal refusal);

/* Answer the handshakes that wait now.
 * Trivial. */
void context_gate(void *context);

/* An inproc name not used before in this context.
 * Trivial. */
void context_name(struct link_context *context, char *ret_name, size_t size);

#endif
