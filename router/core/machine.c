/* The table of the state machine and its effects on counters, incident and acknowledgement. Called
 * by decide.c for results and missed deadlines that count; who is told is tell.c's. */
#include "router/core/machine.h"

#include "router/core/tell.h"

static const int64_t MINUTE_MS = INT64_C(60) * 1000;

enum effect {
    EFFECT_NONE,
    EFFECT_BEGIN,  /* open or reopen an incident, tell it */
    EFFECT_REMIND, /* tell again if that is due */
    EFFECT_END
};

struct cell {
    enum core_state next;
    bool is_counted; /* the counter of this outcome goes up; else both are zeroed */
    enum effect effect;
    enum core_reason reason;
};

enum {
    BELOW,  /* with this outcome the counter stays below the threshold */
    REACHED /* it reaches it */
};

enum {
    FAILURE,
    OK
};

static const struct cell cells[2][2][2] = {
    [CORE_OK][OK][BELOW] = {CORE_OK, false, EFFECT_NONE, CORE_REASON_STAYS_OK},
    [CORE_OK][OK][REACHED] = {CORE_OK, false, EFFECT_NONE, CORE_REASON_STAYS_OK},
    [CORE_OK][FAILURE][BELOW] = {CORE_OK, true, EFFECT_NONE, CORE_REASON_FAILURE_COUNTED},
    [CORE_OK][FAILURE][REACHED] = {CORE_ALERT, false, EFFECT_BEGIN, CORE_REASON_ALERT_OPENED},
    [CORE_ALERT][FAILURE][BELOW] = {CORE_ALERT, false, EFFECT_REMIND, CORE_REASON_STAYS_ALERT},
    [CORE_ALERT][FAILURE][REACHED] = {CORE_ALERT, false, EFFECT_REMIND, CORE_REASON_STAYS_ALERT},
    [CORE_ALERT][OK][BELOW] = {CORE_ALERT, true, EFFECT_NONE, CORE_REASON_OK_COUNTED},
    [CORE_ALERT][OK][REACHED] = {CORE_OK, false, EFFECT_END, CORE_REASON_RECOVERED},
};

bool machine_is_over(int64_t expires_utc_ms, int64_t now_utc_ms)
{
    return expires_utc_ms != CORE_NEVER && now_utc_ms >= expires_utc_ms;
}

bool machine_clear_ack(struct step *step, enum core_reason reason)
{
    struct core_monitor *monitor = &step->plan->monitor;

    if (monitor->acknowledged_utc_ms == CORE_NEVER) {
        return false;
    }
    monitor->acknowledged_utc_ms = CORE_NEVER;
    monitor->ack_expires_utc_ms = CORE_NEVER;
    if (step_has_open_incident(step)) {
        step_incident(step)->ack_keep_minutes = 0;
    }
    step_note(step, reason);
    return true;
}

/* SPEC 1.5 "reopens the same incident quietly" */
static bool can_reopen(const struct step *step)
{
    const struct core_incident *incident = step->view->incident;

    return incident != NULL && incident->end == CORE_END_RECOVERED &&
           incident->kept_ack_utc_ms != CORE_NEVER &&
           !machine_is_over(incident->kept_ack_expires_utc_ms, step->now_utc_ms) &&
           step->now_utc_ms - incident->closed_utc_ms <= incident->ack_keep_minutes * MINUTE_MS;
}

static void reopen(struct step *step)
{
    struct core_incident *incident = step_incident(step);
    struct core_monitor *monitor = &step->plan->monitor;

    step->plan->incident_change = CORE_INCIDENT_REOPEN;
    step->plan->reason = CORE_REASON_REOPENED;
    incident->end = CORE_END_OPEN;
    incident->closed_utc_ms = CORE_NEVER;
    monitor->acknowledged_utc_ms = incident->kept_ack_utc_ms;
    monitor->ack_expires_utc_ms = incident->kept_ack_expires_utc_ms;
    incident->kept_ack_utc_ms = CORE_NEVER;
    incident->kept_ack_expires_utc_ms = CORE_NEVER;
    step_note(step, CORE_REASON_ACKNOWLEDGED);
}

static void begin(struct step *step)
{
    (void)machine_clear_ack(step,
                            CORE_REASON_ACK_CLEARED); /* one of an earlier time is no excuse */
    if (can_reopen(step)) {
        reopen(step);
        return;
    }
    (void)step_open_incident(step);
    tell_failing(step, true);
}

/* SPEC 1.4 "Windows compare the scheduled times of the two runs where both have one" */
static bool has_window_passed(struct step *step, const struct core_incident *incident)
{
    struct core_monitor *monitor = &step->plan->monitor;
    int64_t window_ms = monitor->reminder_minutes * MINUTE_MS;

    if (monitor->last_notification_utc_ms == CORE_NEVER) {
        return true;
    }
    if (monitor->last_notification_utc_ms > step->now_utc_ms) {
        monitor->last_notification_utc_ms = step->now_utc_ms;
        step_note(step, CORE_REASON_TIME_IN_FUTURE);
    }
    if (window_ms == 0) {
        return true;
    }
    if (step->scheduled_utc_ms != CORE_NEVER && incident->notified_scheduled_utc_ms != CORE_NEVER &&
        incident->notified_utc_ms == monitor->last_notification_utc_ms) {
        return step->scheduled_utc_ms - incident->notified_scheduled_utc_ms >= window_ms;
    }
    return step->now_utc_ms - monitor->last_notification_utc_ms >= window_ms;
}

static void remind(struct step *step)
{
    const struct core_incident *incident = NULL;
    bool is_due = false;

    if (machine_is_over(step->plan->monitor.ack_expires_utc_ms, step->now_utc_ms)) {
        (void)machine_clear_ack(step, CORE_REASON_ACK_EXPIRED);
    }
    if (!step_has_open_incident(step)) {
        (void)step_open_incident(step);
    }
    incident = step->plan->incident_change == CORE_INCIDENT_NONE ? step->view->incident
                                                                 : &step->plan->incident;
    is_due = has_window_passed(step, incident) || !tell_was_anybody_told(incident);
    if (step->plan->monitor.acknowledged_utc_ms != CORE_NEVER) {
        step_note(step, CORE_REASON_ACKNOWLEDGED);
    } else if (!is_due) {
        step_note(step, CORE_REASON_WINDOW_OPEN);
    } else {
        tell_failing(step, false);
    }
}

/* The acknowledgement ends with the recovery, unless its author asked to keep it. */
static void end(struct step *step)
{
    struct core_monitor *monitor = &step->plan->monitor;

    if (machine_is_over(monitor->ack_expires_utc_ms, step->now_utc_ms)) {
        (void)machine_clear_ack(step, CORE_REASON_ACK_EXPIRED);
    }
    if (step_has_open_incident(step)) {
        struct core_incident *incident = step_incident(step);
        uint32_t keep_minutes = incident->ack_keep_minutes;

        tell_end(step, CORE_KIND_RECOVERY, false);
        if (keep_minutes > 0) {
            incident->kept_ack_utc_ms = monitor->acknowledged_utc_ms;
            incident->kept_ack_expires_utc_ms = monitor->ack_expires_utc_ms;
            (void)machine_clear_ack(step, CORE_REASON_ACK_KEPT);
            incident->ack_keep_minutes = keep_minutes;
        }
        step_close_incident(step, CORE_END_RECOVERED);
    }
    (void)machine_clear_ack(step, CORE_REASON_ACK_CLEARED);
}

/* SPEC 1.1 "0 reads as 1" */
static bool reaches(uint32_t count, uint32_t required)
{
    return (uint64_t)count + 1 >= (required == 0 ? 1 : required);
}

void machine_apply(struct step *step, bool is_ok)
{
    struct core_monitor *monitor = &step->plan->monitor;
    bool is_reached = is_ok ? reaches(monitor->ok_count, monitor->required_oks)
                            : reaches(monitor->failure_count, monitor->required_failures);
    const struct cell *cell = &cells[monitor->state][is_ok ? OK : FAILURE][is_reached];

    monitor->ok_count = cell->is_counted && is_ok ? monitor->ok_count + 1 : 0;
    monitor->failure_count = cell->is_counted && !is_ok ? monitor->failure_count + 1 : 0;
    monitor->state = cell->next;
    step->plan->reason = cell->reason;
    switch (cell->effect) {
    case EFFECT_NONE:
        break;
    case EFFECT_BEGIN:
        begin(step);
        break;
    case EFFECT_REMIND:
        remind(step);
        break;
    case EFFECT_END:
        end(step);
        break;
    }
}
