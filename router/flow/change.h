#ifndef ROUTER_FLOW_CHANGE_H
#define ROUTER_FLOW_CHANGE_H

#include "lib/base/json.h"
#include "router/flow/state.h"

/* What a monitor was and what it is, as the two JSON objects of an audit record: only the members that
 * differ, addresses as keyed hashes (docs/spec.md 4.4). Internal to this folder. */
struct flow_change {
    struct flow *flow;      /* borrowed */
    struct json_enc before; /* what it was */
    struct json_enc after;
};

/* Begin and end the two objects, each in a buffer of its own.
 * Trivial. */
void flow_change_start(struct flow_change *change, struct flow *flow, struct buf *before,
                       struct buf *after);
void flow_change_end(struct flow_change *change);

/* Tell what differs of what the router notes, and of what a person configures.
 * Shape:  between start and end; a setup may be NULL: there is none.
 * Units:  none.
 * Owns:   nothing.
 * Errors: none. */
void flow_change_core(struct flow_change *change, const struct core_monitor *before,
                      const struct core_monitor *after);
void flow_change_setup(struct flow_change *change, const struct flow_setup *before,
                       const struct flow_setup *after);

#endif
