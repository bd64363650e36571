#ifndef ROUTER_FLOW_ASSIGN_H
#define ROUTER_FLOW_ASSIGN_H

#include "router/flow/state.h"

/* Which runner runs which monitor (docs/spec.md 2.2, 2.3). Internal to this folder. */

/* Give a monitor to the runner it belongs to, or take it away, with a new generation when the runner
 * changes; part of the batch.
 * Trivial. */
void flow_assign(struct flow *flow, struct flow_monitor *monitor);

/* Look at every monitor that has no runner, or whose runner is gone: those need FLOW_REASSIGN.
 * Trivial. */
void flow_reassign_all(struct flow *flow);

/* Have a monitor's runner hear of it again with the next messages. Trivial. */
void flow_mark_dirty(struct flow *flow, struct flow_monitor *monitor);

/* A runner starts from nothing: everything that it has is dirty. Trivial. */
void flow_mark_all_dirty(struct flow *flow, struct flow_runner *runner);

/* Whether a runner's own list allows a check. Trivial. */
bool flow_runner_allows(const struct flow_runner *runner, const char *check);

/* The request id of the run that a NULL in lastRunDt asks for.
 * Shape:  ret_text has 48 bytes; NULL when none is asked for.
 * Units:  none.
 * Owns:   returns ret_text.
 * Errors: none. */
const char *flow_run_request(const struct flow_monitor *monitor, char *ret_text);

#endif
