/* The plan as it grows: notes and the copy of the incident. Takes no decision; machine.c, tell.c and
 * decide.c build their plans through it. */
#include "router/core/step.h"

#include <string.h>

#include "lib/base/assert.h"

struct step step_begin(const struct core_view *view, int64_t now_utc_ms, struct core_plan *plan)
{
    plan->reason = CORE_REASON_NONE;
    plan->is_refused = false;
    plan->run = CORE_RUN_NONE;
    plan->is_monitor_changed = false;
    plan->monitor = view->monitor;
    plan->incident_change = CORE_INCIDENT_NONE;
    plan->cancel_count = 0;
    plan->notification_count = 0;
    plan->note_count = 0;
    return (struct step){
        .view = view,
        .plan = plan,
        .now_utc_ms = now_utc_ms,
        .scheduled_utc_ms = CORE_NEVER,
    };
}

static void add_note(struct step *step, struct core_note note)
{
    TC_ASSERT(step->plan->note_count < CORE_NOTES_MAX);
    step->plan->notes[step->plan->note_count++] = note;
}

void step_note(struct step *step, enum core_reason reason)
{
    add_note(step, (struct core_note){.reason = reason, .told = CORE_NOTE_MONITOR});
}

void step_note_told(struct step *step, enum core_reason reason, size_t told)
{
    add_note(step, (struct core_note){.reason = reason, .told = (int)told});
}

void step_note_unlisted(struct step *step, enum core_reason reason, const char *target)
{
    add_note(step,
             (struct core_note){.reason = reason, .told = CORE_NOTE_MONITOR, .unlisted = target});
}

static const struct core_incident *incident_now(const struct step *step)
{
    return step->plan->incident_change == CORE_INCIDENT_NONE ? step->view->incident
                                                             : &step->plan->incident;
}

bool step_has_open_incident(const struct step *step)
{
    const struct core_incident *incident = incident_now(step);

    return incident != NULL && incident->end == CORE_END_OPEN;
}

/* Only the used part of the told list is copied: it is large and mostly empty. */
static void copy_incident(struct core_incident *to, const struct core_incident *from)
{
    memcpy(to, from, offsetof(struct core_incident, told));
    memcpy(to->told, from->told, from->told_count * sizeof(from->told[0]));
}

struct core_incident *step_incident(struct step *step)
{
    struct core_plan *plan = step->plan;

    if (plan->incident_change == CORE_INCIDENT_NONE) {
        TC_ASSERT(step->view->incident != NULL);
        copy_incident(&plan->incident, step->view->incident);
        plan->incident_change = CORE_INCIDENT_UPDATE;
    }
    return &plan->incident;
}

struct core_incident *step_open_incident(struct step *step)
{
    struct core_plan *plan = step->plan;
    struct core_incident *incident = &plan->incident;

    TC_ASSERT(!step_has_open_incident(step));
    TC_ASSERT(plan->incident_change == CORE_INCIDENT_NONE);
    plan->incident_change = CORE_INCIDENT_OPEN;
    incident->id = 0;
    incident->end = CORE_END_OPEN;
    incident->opened_utc_ms = step->now_utc_ms;
    incident->closed_utc_ms = CORE_NEVER;
    incident->notified_utc_ms = CORE_NEVER;
    incident->notified_scheduled_utc_ms = CORE_NEVER;
    incident->round = 0;
    incident->reminder_count = 0;
    incident->ack_keep_minutes = 0;
    incident->kept_ack_utc_ms = CORE_NEVER;
    incident->kept_ack_expires_utc_ms = CORE_NEVER;
    incident->told_count = 0;
    return incident;
}

void step_close_incident(struct step *step, enum core_end end)
{
    struct core_incident *incident = NULL;

    if (!step_has_open_incident(step)) {
        return;
    }
    incident = step_incident(step);
    incident->end = end;
    incident->closed_utc_ms = step->now_utc_ms;
    step->plan->incident_change = CORE_INCIDENT_CLOSE;
}
