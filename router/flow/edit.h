#ifndef ROUTER_FLOW_EDIT_H
#define ROUTER_FLOW_EDIT_H

#include "router/flow/state.h"

/* Rows may be changed by SQL at any time (docs/spec.md 3.1): changes are noticed by their notices or
 * by a version that does not fit, and become events. Internal to this folder. */

/* Read the rows of a monitor as they are now.
 * Shape:  ret_row->setup NULL: there is none.
 * Units:  none.
 * Owns:   the caller frees with flow_row_free.
 * Errors: as store_read. */
int flow_read_row(struct flow *flow, uint32_t id, struct flow_row *ret_row, struct err *err);

/* Queue an edit for a monitor whose row is not what memory has; first: before all else.
 * Shape:  any id.
 * Units:  none.
 * Owns:   nothing.
 * Errors: as store_read. */
int flow_queue_edit(struct flow *flow, uint32_t id, bool is_first, struct err *err);

/* Look for notices of changes, and queue an edit for each monitor that they touch. Trivial. */
int flow_poll_changes(struct flow *flow, struct err *err);

/* Apply an edit, and a look at a row that was unusable at the start. Trivial. */
void flow_apply_edit(struct flow *flow, const struct flow_event *event);
void flow_apply_recheck(struct flow *flow, const struct flow_event *event);

/* What has to follow from a setup, new or changed or of a monitor that was paused: an unusable row
 * fails once, unusable recipients raise a configuration alert, what was repaired recovers. Trivial. */
void flow_check_setup(struct flow *flow, struct flow_monitor *monitor,
                      const struct flow_setup *before, bool was_active);

/* Apply a change that was made while no router ran: what the row was is not known any more, but its
 * incident tells whether it was in alert. Trivial. */
void flow_apply_catch_up(struct flow *flow, const struct flow_event *event);

#endif
