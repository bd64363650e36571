#ifndef ROUTER_CORE_STEP_H
#define ROUTER_CORE_STEP_H

#include "router/core/decide.h"

/* One decision while it is made: the view as it is read, the plan as it grows. Inside router/core. */
struct step {
    const struct core_view *view; /* borrowed */
    struct core_plan *plan;       /* borrowed; plan->monitor begins as the view's */
    int64_t now_utc_ms;
    int64_t scheduled_utc_ms; /* of the event's run, at most now; or CORE_NEVER */
};

/* Begin a plan that changes nothing.
 * Trivial. Source: SPEC 4.1. */
struct step step_begin(const struct core_view *view, int64_t now_utc_ms, struct core_plan *plan);

/* Add a note about the monitor, about one recipient that was told, about one that is in no list.
 * Trivial. Source: SPEC 4.1. */
void step_note(struct step *step, enum core_reason reason);
void step_note_told(struct step *step, enum core_reason reason, size_t told);
void step_note_unlisted(struct step *step, enum core_reason reason, const char *target);

/* Whether the monitor's incident is open, in the plan as far as it has grown.
 * Trivial. Source: SPEC 1.3. */
bool step_has_open_incident(const struct step *step);

/* The incident to write to: the view's, copied into the plan once and marked as updated.
 * Shape:  asserts that there is one.
 * Units:  none.
 * Owns:   lives in the plan.
 * Errors: none.
 * Source: SPEC 1.3. */
struct core_incident *step_incident(struct step *step);

/* A new incident that nobody was told of.
 * Trivial. Source: SPEC 1.8. */
struct core_incident *step_open_incident(struct step *step);

/* End the open incident; a closed one stays as it is.
 * Trivial. Source: SPEC 1.8. */
void step_close_incident(struct step *step, enum core_end end);

#endif
