#ifndef ROUTER_FLOW_EXPECT_H
#define ROUTER_FLOW_EXPECT_H

#include "router/flow/state.h"

/* What is waited for: results until their deadlines, acknowledgements until they expire, peers
 * until they are silent for too long. Internal to this folder. */

enum {
    FLOW_RESEND_MS = 2 * 60 * 1000, /* until runners have sent again what they hold */
};

/* Wait for the first run after an instant, and for the acknowledgement's expiry; called after
 * whatever changes one of them.
 * Shape:  monitor as it is now.
 * Units:  Unix ms.
 * Owns:   nothing.
 * Errors: none. */
void flow_expect(struct flow *flow, struct flow_monitor *monitor, int64_t after_utc_ms);

/* Queue an event for each deadline and expiry that has passed. Trivial. */
void flow_queue_due(struct flow *flow, int64_t now_utc_ms);

/* When the next of them is due; CORE_NEVER: none. Trivial. */
int64_t flow_due_utc_ms(const struct flow *flow);

/* Apply them. Trivial. */
void flow_apply_deadline(struct flow *flow, const struct flow_event *event);
void flow_apply_expiry(struct flow *flow, const struct flow_event *event);

/* Look for runners and notifiers that have gone silent. Trivial. */
void flow_watch_peers(struct flow *flow);

/* The clock was stepped: wait anew, from now. Trivial. */
void flow_expect_anew(struct flow *flow);

#endif
