#ifndef ROUTER_FLOW_REPORT_H
#define ROUTER_FLOW_REPORT_H

#include "router/flow/state.h"

/* tocsin's own troubles, as results of reserved monitors (docs/spec.md 1.12). Internal to this
 * folder. */

#define FLOW_CONFIG_PREFIX "internal:config/"
#define FLOW_STORAGE       "internal:storage"

enum {
    FLOW_RESERVED_NAME_BYTES = LIMIT_NAME_BYTES + 32, /* "internal:runner/<name of a runner>" */
};

/* Queue a result of a reserved monitor, which is made when it fails for the first time; an OK for
 * one that is not in alert then changes nothing. What the batch at hand reports is queued when it is
 * kept.
 * Shape:  name "internal:runner/host7", text one sentence.
 * Units:  none.
 * Owns:   copies.
 * Errors: none. */
void flow_report(struct flow *flow, const char *name, bool is_ok, const char *text);

/* The same for the recipients of a monitor.
 * Shape:  ret_name has FLOW_RESERVED_NAME_BYTES; the result is ret_name.
 * Units:  none.
 * Owns:   copies.
 * Errors: none. */
const char *flow_config_name(uint32_t monitor_id, char *ret_name);
void flow_report_config(struct flow *flow, uint32_t monitor_id, bool is_ok, const char *text);

/* The same for what deliveries show of a channel. Trivial. */
void flow_report_dead(struct flow *flow, const char *recipient, const char *reason);
void flow_report_sent(struct flow *flow, const char *recipient);

/* The same for a notifier that is not heard of, or again; and whether that was a channel's last word.
 * Trivial. */
void flow_report_silent(struct flow *flow, const char *channel);
void flow_report_heard(struct flow *flow, const char *channel);
bool flow_is_reported_silent(const struct flow *flow, const char *channel);

/* Apply a report event. Trivial. */
void flow_apply_report(struct flow *flow, const struct flow_event *event);

/* The reserved monitor of a name, or NULL: by its check, for hands may rename it. Trivial. */
struct flow_monitor *flow_reserved_monitor(const struct flow *flow, const char *name);

#endif
