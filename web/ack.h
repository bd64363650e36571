#ifndef WEB_ACK_H
#define WEB_ACK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/sys/acklink.h"
#include "router/core/types.h"

struct buf;

/* One use of a link to acknowledge: what stands behind it, and the page that tells so. Private to
 * ack*.c. */

enum ack_state {
    ACK_STATE_OFF,     /* this host has no key: there are no links */
    ACK_STATE_FORGED,  /* not a link, not ours, or not of anybody who was told */
    ACK_STATE_EXPIRED, /* ours, too late */
    ACK_STATE_OVER,    /* the incident has ended */
    ACK_STATE_TAKEN,   /* it is acknowledged */
    ACK_STATE_USED,    /* this link did its work; the acknowledgement is gone since */
    ACK_STATE_OPEN,    /* it may acknowledge */
    ACK_STATE_FAILED,  /* nobody can tell now; problem says why */
};

struct ack {
    enum ack_state state;
    struct acklink link;
    char recipient[CORE_TARGET_BYTES]; /* whose link it is; "" unless it is ours */
    uint32_t monitor_id;
    char *name;    /* owned: the monitor's, as it is called now */
    char *message; /* owned: of the result that opened the incident */
    enum core_end end;
    int64_t opened_utc_ms;
    int64_t closed_utc_ms;
    int64_t acknowledged_utc_ms; /* CORE_NEVER: not, or it has run out */
    int64_t ack_expires_utc_ms;
    char *acknowledged_by; /* owned */
    char *note;            /* owned */
    char *problem;         /* owned */
};

/* The status of HTTP that goes with a state.
 * Trivial. */
int ack_page_status(enum ack_state state);

/* Write the page of a state: a form where the link may acknowledge, else what is so.
 * Shape:  appends one whole HTML document without script; every text of rows is escaped.
 * Units:  none.
 * Owns:   copies.
 * Errors: none but out's. */
void ack_page_write(const struct ack *ack, struct buf *out);

#endif
