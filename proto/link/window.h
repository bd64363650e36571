#ifndef PROTO_LINK_WINDOW_H
#define PROTO_LINK_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

/* Which results travel when: the runner's window and the router's acceptance. Pure numbers, no
 * sockets and no clock. */

enum {
    WINDOW_MIN = 64,
    WINDOW_MAX = 2000,
};

/* --- Runner: publishing ---------------------------------------------------------------------- */

struct window {
    bool is_open;                 /* between welcome and the end of the connection */
    uint64_t mark;                /* acknowledged up to here */
    uint64_t sent;                /* sent up to here, >= mark */
    uint32_t on_way;              /* sent, not acknowledged */
    uint32_t size;                /* of the window now */
    uint32_t ceiling;             /* by welcome */
    uint32_t count;               /* acknowledged since the size changed last */
    uint32_t head;                /* oldest entry of numbers */
    uint64_t numbers[WINDOW_MAX]; /* ring: the numbers on their way, in order */
};

/* Begin after welcome, with its mark and window; end with the connection.
 * Trivial. */
void window_open(struct window *w, uint64_t mark, uint32_t ceiling);
void window_close(struct window *w);

/* Whether another result may be sent now; then the one to send is the first of the spool above
 * w->sent, and window_sent notes it.
 * Trivial. */
bool window_has_room(const struct window *w);
void window_sent(struct window *w, uint64_t seq);

/* A cumulative ack, or a resend to a mark, came. The window grows by the half when a whole one was
 * acknowledged, and halves at a resend.
 * Shape:  an ack below the mark changes nothing; resend may go back below it (a restored backup).
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EPROTO an ack above what was sent.
 * Source: proto/PROTOCOL.md "Results". */
int window_ack(struct window *w, uint64_t seq);
void window_resend(struct window *w, uint64_t mark);

/* --- Router: accepting ----------------------------------------------------------------------- */

enum accept {
    ACCEPT_APPLY,
    ACCEPT_DUPLICATE, /* durable already: ack again, count */
    ACCEPT_GAP,       /* something before it is missing: answer resend with the mark */
};

/* What to do with the result seq whose predecessor in the spool is prev, at a durable mark (or the
 * last one applied in the batch at hand).
 * Shape:  prev < seq, as decoded.
 * Units:  none.
 * Owns:   nothing.
 * Errors: none.
 * Source: proto/PROTOCOL.md "Results". */
enum accept window_accept(uint64_t seq, uint64_t prev, uint64_t mark);

#endif
