#ifndef ROUTER_CORE_MACHINE_H
#define ROUTER_CORE_MACHINE_H

#include "router/core/step.h"

/* The state machine proper. Inside router/core. */

/* Apply one OK or failure to the monitor of the plan.
 * Trivial. Source: SPEC 1.1. */
void machine_apply(struct step *step, bool is_ok);

/* Whether an acknowledgement with that expiry is over.
 * Trivial. Source: SPEC 1.5. */
bool machine_is_over(int64_t expires_utc_ms, int64_t now_utc_ms);

/* Take the acknowledgement off the monitor and the incident, and say why; nothing where there is
 * none. Returns whether there was one.
 * Trivial. Source: SPEC 1.5. */
bool machine_clear_ack(struct step *step, enum core_reason reason);

#endif
