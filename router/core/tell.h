#ifndef ROUTER_CORE_TELL_H
#define ROUTER_CORE_TELL_H

#include "router/core/step.h"

/* Who hears what. Each works on the open incident of the plan. Inside router/core. */

/* Tell everybody whom the row names now: REMINDER to those who were told of this incident, ALERT to
 * the others. is_first: the incident begins with it.
 * Trivial. Source: SPEC 1.3. */
void tell_failing(struct step *step, bool is_first);

/* Tell its end to those who were told, take back what is still queued. kind is CORE_KIND_RECOVERY
 * or CORE_KIND_CLOSED; is_quiet: only channels that keep an alert of their own.
 * Trivial. Source: SPEC 1.3. */
void tell_end(struct step *step, enum core_kind kind, bool is_quiet);

/* Whether somebody was told of this incident, or an attempt to do so ended as a dead letter.
 * Trivial. Source: SPEC 1.3. */
bool tell_was_anybody_told(const struct core_incident *incident);

/* Note what became of one delivery, of any incident.
 * Trivial. Source: SPEC 1.3. */
void tell_delivered(struct step *step, const struct core_event_delivery *delivery);

#endif
