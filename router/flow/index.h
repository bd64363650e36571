#ifndef ROUTER_FLOW_INDEX_H
#define ROUTER_FLOW_INDEX_H

#include "router/flow/state.h"

/* The hash tables of the flow's memory: finding, putting in, taking out. Internal to this folder. */

/* Look things up; NULL when they are not there.
 * Trivial. */
struct flow_monitor *flow_find_monitor(const struct flow *flow, uint32_t id);
struct flow_incident *flow_find_incident(const struct flow *flow, uint64_t id);
struct flow_runner *flow_find_runner(const struct flow *flow, const char *name);
struct flow_runner *flow_runner_with_id(const struct flow *flow, uint32_t id);
struct flow_sink *flow_find_sink(const struct flow *flow, const char *channel);
struct flow_touched_delivery *flow_find_touched(const struct flow *flow, uint64_t id);

/* The same, but NULL for a monitor that the batch at hand removes: whatever comes behind the removal
 * finds nothing.
 * Trivial. */
struct flow_monitor *flow_live_monitor(const struct flow *flow, uint32_t id);

/* Put an object in under its id, name or number, which is not there yet.
 * Trivial. */
void flow_put_monitor(struct flow *flow, struct flow_monitor *monitor);
void flow_put_incident(struct flow *flow, struct flow_incident *incident);
void flow_put_runner(struct flow *flow, struct flow_runner *runner);
void flow_put_sink(struct flow *flow, struct flow_sink *sink);
void flow_put_touched(struct flow *flow, struct flow_touched_delivery *touched);

/* Take an object out and free all that memory holds of it. Trivial. */
void flow_monitor_free(struct flow *flow, struct flow_monitor *monitor);
void flow_incident_free(struct flow *flow, struct flow_incident *incident);
void flow_runner_free(struct flow *flow, struct flow_runner *runner);
void flow_sink_free(struct flow *flow, struct flow_sink *sink);
void flow_touched_free(struct flow *flow, struct flow_touched_delivery *touched);

#endif
