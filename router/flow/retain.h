#ifndef ROUTER_FLOW_RETAIN_H
#define ROUTER_FLOW_RETAIN_H

#include "router/flow/state.h"

/* Retention by age (docs/spec.md 3.5): pass after pass over MonitorRuns, Notifications and Incidents,
 * a chunk at a time, each chunk one batch of its own that the turn commits. Internal to this folder. */

/* Make its memory in the flow and wait; give it back (before or after the making). Trivial. */
void flow_retain_start(struct flow *flow);
void flow_retain_end(struct flow *flow);

/* Begin anew, after the wait that a start and a step of the clock need. Trivial. */
void flow_retain_wait(struct flow *flow);

/* When the next chunk is due in an idle router, in real ms; INT64_MAX: never. Trivial. */
int64_t flow_retain_due_mono_ms(const struct flow *flow);

/* Whether a chunk is due now; a busy router lets it wait for a while, not for ever.
 * Trivial. */
bool flow_retain_is_due(const struct flow *flow, bool is_idle);

/* Read the next chunk and choose what goes; then it is at hand until it is kept or dropped.
 * Shape:  no batch is being built.
 * Units:  none.
 * Owns:   nothing.
 * Errors: as store_read; nothing is at hand then. */
int flow_retain_read(struct flow *flow, struct err *err);

/* Whether the chunk at hand has anything to write. Trivial. */
bool flow_retain_has_rows(const struct flow *flow);

/* Write the chunk at hand, if there is one, into the batch, and at the end of a pass its record.
 * Trivial. */
void flow_retain_write(struct flow *flow);

/* Whether a chunk is at hand that removes rows. Trivial. */
bool flow_retain_removes(const struct flow *flow);

/* After a commit of unknown outcome: whether the chunk at hand is gone from the database.
 * Shape:  it removes rows.
 * Units:  none.
 * Owns:   nothing.
 * Errors: as store_read. */
int flow_retain_look(struct flow *flow, bool *ret_is_committed, struct err *err);

/* The chunk at hand, if there is one, is committed, or is not: go on behind it, or read it again.
 * Trivial. */
void flow_retain_keep(struct flow *flow);
void flow_retain_drop(struct flow *flow);

#endif
