#ifndef ROUTER_FLOW_INGEST_H
#define ROUTER_FLOW_INGEST_H

#include "router/flow/state.h"

/* What runners send. Internal to this folder. */

/* Apply a runner's hello and a result, as part of the batch. Trivial. */
void flow_apply_hello(struct flow *flow, const struct flow_event *event);
void flow_apply_result(struct flow *flow, const struct flow_event *event);

/* A heartbeat changes nothing that is stored. Trivial. */
void flow_heartbeat(struct flow *flow, uint32_t connection, const char *peer,
                    const struct message_runner_heartbeat *heartbeat);

#endif
