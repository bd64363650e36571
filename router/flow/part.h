#ifndef ROUTER_FLOW_PART_H
#define ROUTER_FLOW_PART_H

#include "proto/messages.h"
#include "router/flow/setup.h"

/* What of a monitor's row goes into messages, and whether those who get them can read it: rows are
 * typed by hand, and one of them must not spoil a message that is about others too (docs/spec.md
 * 1.10). Internal to this folder. */

/* Whether runners and notifiers can read a monitor: the limits of the protocol, by its own decoder.
 * Shape:  a setup without a problem so far; schedules are there.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EINVAL naming the column, the cause and what would be right. */
int flow_part_check(const struct flow_setup *setup, struct err *err);

/* What a runner is told of a monitor; its id, generation, state and request are the caller's.
 * Shape:  schedules has room for setup->schedule_count.
 * Units:  none.
 * Owns:   ret_part borrows from setup and schedules.
 * Errors: none. */
void flow_part_assignment(const struct flow_setup *setup, struct message_schedule *schedules,
                          struct message_assignment *ret_part);

/* What a notifier is told of a monitor; of a row that flow_part_check refuses what can be read.
 * Shape:  name has LIMIT_NAME_BYTES + 1.
 * Units:  none.
 * Owns:   ret_part borrows from setup and name.
 * Errors: none. */
void flow_part_deliver(const struct flow_setup *setup, char *name,
                       struct message_deliver_monitor *ret_part);

#endif
