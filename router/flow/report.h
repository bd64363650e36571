#ifndef ROUTER_FLOW_REPORT_H
#define ROUTER_FLOW_REPORT_H

#include "router/flow/state.h"

/* tocsin's own troubles, as results of reserved monitors (docs/spec.md 1.12). Internal to this
 * folder. */

/* Queue a result of a reserved monitor, which is made when it fails for the first time; an OK for
 * one that is not in alert is dropped.
 * Shape:  name "internal:runner/host7", text one sentence.
 * Units:  none.
 * Owns:   copies.
 * Errors: none. */
void flow_report(struct flow *flow, const char *name, bool is_ok, const char *text);

/* The same for what deliveries show of a channel. Trivial. */
void flow_report_dead(struct flow *flow, const char *recipient, const char *reason);
void flow_report_sent(struct flow *flow, const char *recipient);

/* Apply a report event. Trivial. */
void flow_apply_report(struct flow *flow, const struct flow_event *event);

/* The reserved monitor of a name, or NULL. Trivial. */
struct flow_monitor *flow_reserved_monitor(const struct flow *flow, const char *name);

#endif
