#ifndef ROUTER_FLOW_PLAN_H
#define ROUTER_FLOW_PLAN_H

#include "router/flow/state.h"

/* From an event to rows: ask the core, then turn its plan into touched objects, run rows,
 * notifications and one audit record. Internal to this folder. */

/* What the rows and the record of an event tell beyond the decision; NULL and 0 are left out. */
struct flow_cause {
    const char *kind; /* of the audit record: "result", "deadline", "command", "edit", ... */
    const char *message;
    const char *reason; /* of a failing result: "failed", "timeout", ... */
    struct message_json metrics;
    const struct flow_runner *runner;
    const char *by;  /* who reports when no runner does: "router" */
    uint64_t number; /* of the result in its spool */
    int64_t scheduled_utc_ms;
    int64_t started_utc_ms;
    int64_t duration_ms;
    bool is_quiet;      /* of a reset */
    const char *action; /* of a command */
    const char *actor;
    const char *via;    /* how the actor came in */
    const char *before; /* JSON, of an edit */
    const char *after;
};

/* Decide an event of one monitor and apply what follows to the batch.
 * Shape:  monitor is in memory; ret_reason and ret_is_refused may be NULL.
 * Units:  none.
 * Owns:   copies.
 * Errors: none: what the core refuses is told and audited. */
void flow_decide(struct flow *flow, struct flow_monitor *monitor, const struct core_event *event,
                 const struct flow_cause *cause, enum core_reason *ret_reason,
                 bool *ret_is_refused);

/* Decide what follows from the step of a delivery; it may outlive its monitor.
 * Shape:  item as it was at that step; one whose incident nobody knows any more changes nothing.
 * Units:  none.
 * Owns:   copies.
 * Errors: none. */
void flow_decide_delivery(struct flow *flow, const struct outbox_item *item,
                          enum core_delivery step);

/* Write one audit record into the batch, with the names that stand in it.
 * Shape:  entry->at_utc_ms is filled in.
 * Units:  none.
 * Owns:   copies.
 * Errors: none: a record that is too large is replaced by one that says so. */
void flow_record(struct flow *flow, struct audit_entry *entry);

/* Forget or keep the row of a run that decided nothing: one digest covers them. Trivial. */
void flow_record_runs(struct flow *flow);

#endif
