#ifndef ROUTER_FLOW_DELIVER_H
#define ROUTER_FLOW_DELIVER_H

#include "router/flow/plan.h"
#include "router/flow/state.h"

/* Notifications from the decision to the sink: enqueueing, cancelling, handing over within credit,
 * outcomes. Internal to this folder. */

/* Enqueue one notification of the plan at hand.
 * Shape:  target "channel:target"; incident as it is after the decision.
 * Units:  none.
 * Owns:   copies.
 * Errors: none. */
void flow_enqueue(struct flow *flow, const struct flow_monitor *monitor,
                  const struct flow_incident *incident, const struct core_notification *one,
                  const char *target, const struct flow_cause *cause);

/* Cancel what a plan names: queued, neither in flight nor finished, of its round or a later one.
 * Trivial. */
void flow_cancel(struct flow *flow, uint64_t incident_id, const struct core_cancel *cancel,
                 const char *target);

/* A notifier said hello, how much it takes, that it lives. Trivial. */
void flow_sink_hello(struct flow *flow, uint32_t connection, const char *channel, int64_t credit);
void flow_sink_credit(struct flow *flow, uint32_t connection, int64_t credit);
void flow_sink_heard(struct flow *flow, uint32_t connection);

/* Whether a notifier said hello on a connection. Trivial. */
bool flow_sink_is_known(const struct flow *flow, uint32_t connection);

/* Whether it would take a delivery now. Trivial. */
bool flow_sink_can_take(const struct flow_sink *sink);

/* One of what it takes was not handed to it after all. Trivial. */
void flow_sink_refund(struct flow *flow, uint32_t connection);

/* Apply an outcome event. Trivial. */
void flow_apply_outcome(struct flow *flow, const struct flow_event *event);

/* Lease to connected notifiers what may go now, as part of the batch; after its commit send it.
 * Trivial. */
void flow_lease(struct flow *flow);
void flow_hand_over(struct flow *flow);

/* Whether flow_lease would find something now. Trivial. */
bool flow_can_lease(const struct flow *flow, int64_t now_utc_ms);

#endif
