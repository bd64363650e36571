/* The entry of the decision: which rule an event falls under, and what people and rows ask for by
 * command or by hand. The state machine is machine.c, the recipients are tell.c's. Called by
 * router/flow for each event of a batch, and by simulation and replay. */
#include "router/core/decide.h"

#include "lib/base/err.h"
#include "router/core/machine.h"
#include "router/core/step.h"
#include "router/core/tell.h"

static int64_t at_most(int64_t instant, int64_t limit)
{
    return instant > limit ? limit : instant;
}

static void ignore(struct step *step, enum core_run run, enum core_reason reason)
{
    step->plan->run = run;
    step->plan->reason = reason;
}

/* SPEC 2.8 "a write-back never replaces a NULL that it has not seen" */
static void write_last_run(struct step *step, const struct core_event_result *result)
{
    int64_t *last_run = &step->plan->monitor.last_run_utc_ms;
    int64_t started = at_most(result->started_utc_ms, step->now_utc_ms);

    if (*last_run == CORE_NEVER ? result->answers_run_request
                                : *last_run > step->now_utc_ms || started > *last_run) {
        *last_run = started;
    }
}

static void decide_result(struct step *step, const struct core_event_result *result)
{
    if (result->generation != result->current_generation) {
        ignore(step, CORE_RUN_HISTORY, CORE_REASON_STALE_GENERATION);
        return;
    }
    if (result->is_older) {
        ignore(step, CORE_RUN_HISTORY, CORE_REASON_STALE_ORDER);
        return;
    }
    if (!step->view->monitor.is_active) {
        ignore(step, CORE_RUN_HISTORY, CORE_REASON_INACTIVE);
        return;
    }
    step->plan->run = CORE_RUN_APPLIED;
    step->scheduled_utc_ms = at_most(result->scheduled_utc_ms, step->now_utc_ms);
    if (result->is_config) {
        step_note(step, CORE_REASON_CONFIG);
    }
    write_last_run(step, result);
    machine_apply(step, result->is_ok);
}

static void decide_deadline(struct step *step, const struct core_event_deadline *deadline)
{
    if (!step->view->monitor.is_active) {
        ignore(step, CORE_RUN_NONE, CORE_REASON_INACTIVE);
        return;
    }
    if (deadline->is_covered) {
        ignore(step, CORE_RUN_HISTORY, CORE_REASON_COVERED);
        return;
    }
    step->plan->run = CORE_RUN_APPLIED;
    step->scheduled_utc_ms = at_most(deadline->scheduled_utc_ms, step->now_utc_ms);
    step_note(step, CORE_REASON_DEADLINE_MISSED);
    machine_apply(step, false);
}

static void refuse(struct step *step, enum core_reason reason)
{
    step->plan->is_refused = true;
    step->plan->reason = reason;
}

static void decide_acknowledge(struct step *step, const struct core_event_acknowledge *wish)
{
    struct core_monitor *monitor = &step->plan->monitor;

    if (monitor->state == CORE_OK) {
        refuse(step, CORE_REASON_ACK_REFUSED_OK);
        return;
    }
    if (machine_is_over(wish->expires_utc_ms, step->now_utc_ms)) {
        refuse(step, CORE_REASON_ACK_REFUSED_PAST);
        return;
    }
    monitor->acknowledged_utc_ms = step->now_utc_ms;
    monitor->ack_expires_utc_ms = wish->expires_utc_ms;
    if (!step_has_open_incident(step)) {
        (void)step_open_incident(step);
    }
    step_incident(step)->ack_keep_minutes = wish->keep_minutes;
    step->plan->reason = CORE_REASON_ACK_SET;
}

/* Whether a recovered incident still keeps an acknowledgement for its next failure. */
static bool is_ack_kept(const struct step *step)
{
    const struct core_incident *incident = step->view->incident;

    return incident != NULL && incident->end == CORE_END_RECOVERED &&
           incident->kept_ack_utc_ms != CORE_NEVER;
}

static void drop_kept_ack(struct step *step)
{
    struct core_incident *incident = step_incident(step);

    incident->kept_ack_utc_ms = CORE_NEVER;
    incident->kept_ack_expires_utc_ms = CORE_NEVER;
    incident->ack_keep_minutes = 0;
}

static void decide_unacknowledge(struct step *step)
{
    bool was_kept = is_ack_kept(step);

    if (was_kept) {
        drop_kept_ack(step);
    }
    if (machine_clear_ack(step, CORE_REASON_ACK_CLEARED) || was_kept) {
        step->plan->reason = CORE_REASON_ACK_CLEARED;
    } else {
        refuse(step, CORE_REASON_ACK_NONE);
    }
}

static void decide_timer(struct step *step)
{
    if (is_ack_kept(step) &&
        machine_is_over(step->view->incident->kept_ack_expires_utc_ms, step->now_utc_ms)) {
        drop_kept_ack(step);
        step->plan->reason = CORE_REASON_ACK_EXPIRED;
    }
    if (machine_is_over(step->plan->monitor.ack_expires_utc_ms, step->now_utc_ms) &&
        machine_clear_ack(step, CORE_REASON_ACK_EXPIRED)) {
        step->plan->reason = CORE_REASON_ACK_EXPIRED;
    }
}

static void close_incident(struct step *step, enum core_end how, bool is_quiet)
{
    (void)machine_clear_ack(step, CORE_REASON_ACK_CLEARED);
    if (is_ack_kept(step)) {
        drop_kept_ack(step);
    }
    if (step_has_open_incident(step)) {
        tell_end(step, CORE_KIND_CLOSED, is_quiet);
        step_close_incident(step, how);
    }
}

static void reset(struct step *step, bool is_quiet)
{
    struct core_monitor *monitor = &step->plan->monitor;

    close_incident(step, CORE_END_RESET, is_quiet);
    monitor->state = CORE_OK;
    monitor->ok_count = 0;
    monitor->failure_count = 0;
    monitor->last_notification_utc_ms = CORE_NEVER;
    step->plan->reason = CORE_REASON_RESET;
}

/* An acknowledgement set or cleared by hand. */
static void edit_ack(struct step *step, const struct core_monitor *before)
{
    bool was_acked = before->acknowledged_utc_ms != CORE_NEVER;
    bool is_acked = step->plan->monitor.acknowledged_utc_ms != CORE_NEVER;

    if (is_acked && step->plan->monitor.state == CORE_OK) {
        (void)machine_clear_ack(step, CORE_REASON_ACK_REFUSED_OK);
    } else if (is_acked && !was_acked) {
        step_note(step, CORE_REASON_ACK_SET);
    } else if (was_acked && !is_acked) {
        step->plan->monitor.ack_expires_utc_ms = CORE_NEVER;
        step_note(step, CORE_REASON_ACK_CLEARED);
        if (step_has_open_incident(step)) {
            step_incident(step)->ack_keep_minutes = 0;
        }
    }
}

static void decide_edit(struct step *step, const struct core_event_edit *edit)
{
    struct core_monitor *monitor = &step->plan->monitor;

    if (edit->is_deleted) {
        close_incident(step, CORE_END_DELETED, false);
        step->plan->reason = CORE_REASON_DELETED;
        return;
    }
    if (edit->before.is_active != monitor->is_active) {
        step->plan->reason = monitor->is_active ? CORE_REASON_RESUMED : CORE_REASON_PAUSED;
        step_note(step, step->plan->reason);
    }
    if (edit->before.state == CORE_ALERT && monitor->state == CORE_OK) {
        reset(step, false);
        return;
    }
    if (edit->before.state == CORE_OK && monitor->state == CORE_ALERT) {
        step->plan->reason = CORE_REASON_FORCED_ALERT;
        monitor->ok_count = 0;
        monitor->failure_count = 0;
        if (!step_has_open_incident(step)) {
            (void)step_open_incident(step);
        }
    }
    edit_ack(step, &edit->before);
}

static bool differs(const struct core_monitor *a, const struct core_monitor *b)
{
    return a->state != b->state || a->ok_count != b->ok_count ||
           a->failure_count != b->failure_count ||
           a->last_notification_utc_ms != b->last_notification_utc_ms ||
           a->last_notification_kind != b->last_notification_kind ||
           a->acknowledged_utc_ms != b->acknowledged_utc_ms ||
           a->ack_expires_utc_ms != b->ack_expires_utc_ms;
}

static bool is_valid(const struct core_view *view, const struct core_event *event)
{
    return (unsigned)event->type < CORE_EVENT_COUNT_ &&
           (unsigned)view->monitor.state <= CORE_ALERT &&
           (unsigned)view->recipients <= CORE_RECIPIENTS_UNUSABLE &&
           view->target_count <= LIMIT_RECIPIENTS && view->default_count <= LIMIT_RECIPIENTS &&
           (view->incident == NULL || view->incident->told_count <= LIMIT_TOLD) &&
           (event->type != CORE_EVENT_DELIVERY ||
            ((unsigned)event->delivery.kind <= CORE_KIND_CLOSED &&
             (unsigned)event->delivery.step <= CORE_DELIVERY_DEAD));
}

static void decide_known(struct step *step, const struct core_event *event)
{
    switch (event->type) {
    case CORE_EVENT_RESULT:
        decide_result(step, &event->result);
        break;
    case CORE_EVENT_DEADLINE:
        decide_deadline(step, &event->deadline);
        break;
    case CORE_EVENT_ACKNOWLEDGE:
        decide_acknowledge(step, &event->acknowledge);
        break;
    case CORE_EVENT_UNACKNOWLEDGE:
        decide_unacknowledge(step);
        break;
    case CORE_EVENT_RESET:
        reset(step, event->is_quiet);
        break;
    case CORE_EVENT_TIMER:
        decide_timer(step);
        break;
    case CORE_EVENT_EDIT:
        decide_edit(step, &event->edit);
        break;
    case CORE_EVENT_DELIVERY:
    case CORE_EVENT_COUNT_:
        break;
    }
}

int core_decide(const struct core_view *view, const struct core_event *event, int64_t now_utc_ms,
                struct core_plan *ret_plan)
{
    struct step step;

    if (!is_valid(view, event)) {
        return TC_EINVAL;
    }
    step = step_begin(view, now_utc_ms, ret_plan);
    if (event->type == CORE_EVENT_DELIVERY) { /* may outlive its monitor */
        tell_delivered(&step, &event->delivery);
    } else if (view->is_known) {
        decide_known(&step, event);
    } else {
        ignore(&step, CORE_RUN_NONE, CORE_REASON_UNKNOWN_MONITOR);
        ret_plan->is_refused = true;
    }
    ret_plan->is_monitor_changed = differs(&ret_plan->monitor, &view->monitor);
    return TC_OK;
}
