#ifndef ROUTER_FLOW_BATCH_H
#define ROUTER_FLOW_BATCH_H

#include "router/flow/index.h"
#include "router/flow/state.h"

/* The batch at hand: whatever an event changes in memory is touched first, so that it can be put
 * back when the commit fails, and written when it is built. Internal to this folder. */

/* Begin a batch: nothing is touched. Trivial. */
void flow_batch_start(struct flow *flow);

/* Prepare a monitor, an incident or a runner for a change.
 * Shape:  the object is in the flow's memory.
 * Units:  none.
 * Owns:   the batch owns what is returned, until its end.
 * Errors: none. */
struct flow_touched_monitor *flow_touch_monitor(struct flow *flow, struct flow_monitor *monitor);
struct flow_touched_incident *flow_touch_incident(struct flow *flow,
                                                  struct flow_incident *incident);
struct flow_touched_runner *flow_touch_runner(struct flow *flow, struct flow_runner *runner);

/* Prepare an unfinished notification for a change: the row to be written begins with what the outbox
 * knows of it.
 * Shape:  id is in the outbox.
 * Units:  none.
 * Owns:   as above.
 * Errors: none. */
struct flow_touched_delivery *flow_touch_delivery(struct flow *flow, uint64_t id);

/* Put a monitor, an incident, a runner, a notification into memory as new in this batch.
 * Shape:  ids are fresh.
 * Units:  none.
 * Owns:   takes row and its texts.
 * Errors: none. */
struct flow_monitor *flow_add_monitor(struct flow *flow, const struct flow_row *row);
struct flow_incident *flow_add_incident(struct flow *flow, const struct store_incident *row);
struct flow_runner *flow_add_runner(struct flow *flow, const char *name);
struct flow_touched_delivery *flow_add_delivery(struct flow *flow, const struct outbox_item *item);

/* Replace a text of a touched object; the one before the batch stays until its end.
 * Shape:  before is the object's text before the batch.
 * Units:  none.
 * Owns:   takes text.
 * Errors: none. */
void flow_set_text(char **slot, const char *before, char *text);

/* Keep a text until the end of the batch; returns it.
 * Trivial. */
const char *flow_keep_text(struct flow *flow, char *text);

/* Turn what was touched into rows, once all events of the batch are applied.
 * Trivial. */
void flow_batch_write(struct flow *flow);

/* End the batch: keep the changes, or put everything back.
 * Trivial. */
void flow_batch_keep(struct flow *flow);
void flow_batch_undo(struct flow *flow);

#endif
