/* Fan-out of a decision to recipients, and the list of those told. That something is to be told is
 * decided in machine.c and decide.c; how and when it is delivered is the outbox's. */
#include "router/core/tell.h"

#include <string.h>

#include "lib/base/assert.h"

enum {
    TOLD_NONE = LIMIT_TOLD, /* no such entry */
};

static bool is_told(enum core_told told)
{
    return told == CORE_TOLD_PENDING || told == CORE_TOLD_YES;
}

bool tell_was_anybody_told(const struct core_incident *incident)
{
    for (size_t i = 0; i < incident->told_count; i++) {
        if (incident->told[i].told != CORE_TOLD_ENDED) {
            return true;
        }
    }
    return false;
}

static size_t find_told(const struct core_incident *incident, const char *target)
{
    for (size_t i = 0; i < incident->told_count; i++) {
        if (strcmp(incident->told[i].target, target) == 0) {
            return i;
        }
    }
    return TOLD_NONE;
}

/* The entry of a target; where there is none a new one, or that of somebody whose ALERT died: of
 * him nothing is queued, while an ALERT that ended may still be in flight. */
static size_t claim_told(struct step *step, const struct core_target *target)
{
    struct core_incident *incident = step_incident(step);
    size_t at = find_told(incident, target->target);

    if (at != TOLD_NONE) {
        return at;
    }
    at = incident->told_count;
    for (size_t i = 0; at == LIMIT_TOLD && i < LIMIT_TOLD; i++) {
        at = incident->told[i].told == CORE_TOLD_DEAD ? i : at;
    }
    if (at == LIMIT_TOLD) {
        return TOLD_NONE;
    }
    if (at == incident->told_count) {
        incident->told_count++;
    }
    memcpy(incident->told[at].target, target->target, sizeof(target->target));
    incident->told[at].keeps_alert = target->keeps_alert;
    incident->told[at].told = CORE_TOLD_ENDED;
    incident->told[at].round = 0;
    return at;
}

static void enqueue(struct step *step, enum core_kind kind, size_t told, enum core_reason reason)
{
    struct core_plan *plan = step->plan;

    TC_ASSERT(plan->notification_count < CORE_NOTIFICATIONS_MAX);
    plan->notifications[plan->notification_count++] = (struct core_notification){
        .kind = kind,
        .told = told,
        .is_collapsed = reason == CORE_REASON_SEND_COLLAPSED,
        .reason = reason,
    };
}

static void cancel(struct step *step, struct core_cancel cancel)
{
    struct core_plan *plan = step->plan;

    TC_ASSERT(plan->cancel_count < CORE_CANCELS_MAX);
    plan->cancels[plan->cancel_count++] = cancel;
}

/* Those of the word that the recipient's last ALERT began. */
static void cancel_reminders(struct step *step, size_t told, enum core_reason reason)
{
    cancel(step, (struct core_cancel){
                     .kind = CORE_KIND_REMINDER,
                     .told = told,
                     .round = step->plan->incident.told[told].round,
                     .reason = reason,
                 });
}

/* Number what was enqueued. A decision that enqueues nothing leaves no trace in the numbers. */
static void number_round(struct step *step)
{
    struct core_plan *plan = step->plan;
    bool has_reminder = false;

    if (plan->notification_count == 0) {
        return;
    }
    plan->incident.round++;
    for (size_t i = 0; i < plan->notification_count; i++) {
        has_reminder = has_reminder || plan->notifications[i].kind == CORE_KIND_REMINDER;
    }
    plan->incident.reminder_count += has_reminder ? 1 : 0;
    for (size_t i = 0; i < plan->notification_count; i++) {
        struct core_notification *notification = &plan->notifications[i];

        notification->round = plan->incident.round;
        notification->number =
            notification->kind == CORE_KIND_REMINDER ? plan->incident.reminder_count : 0;
        if (notification->kind == CORE_KIND_ALERT) {
            plan->incident.told[notification->told].round = plan->incident.round;
        }
    }
}

/* SPEC 1.4 "written only if at least one notification was enqueued" */
static void write_last_notification(struct step *step)
{
    struct core_plan *plan = step->plan;
    enum core_kind kind = CORE_KIND_ALERT;

    if (plan->notification_count == 0) {
        return;
    }
    for (size_t i = 0; i < plan->notification_count; i++) {
        if (plan->notifications[i].kind != CORE_KIND_ALERT) {
            kind = plan->notifications[i].kind;
        }
    }
    plan->monitor.last_notification_utc_ms = step->now_utc_ms;
    plan->monitor.last_notification_kind = kind;
    plan->incident.notified_utc_ms = step->now_utc_ms;
    plan->incident.notified_scheduled_utc_ms = step->scheduled_utc_ms;
}

/* Whom the row names now. SPEC 1.9 "default_recipients stand in for it" */
static const struct core_target *targets_now(struct step *step, size_t *ret_count)
{
    const struct core_view *view = step->view;

    switch (view->recipients) {
    case CORE_RECIPIENTS_VALID:
        break;
    case CORE_RECIPIENTS_PARTLY:
        step_note(step, CORE_REASON_RECIPIENTS_PARTLY);
        break;
    case CORE_RECIPIENTS_NOBODY:
        *ret_count = 0;
        return NULL;
    case CORE_RECIPIENTS_UNUSABLE:
        step_note(step, CORE_REASON_RECIPIENTS_UNUSABLE);
        *ret_count = view->default_count;
        return view->defaults;
    }
    *ret_count = view->target_count;
    return view->targets;
}

void tell_failing(struct step *step, bool is_first)
{
    size_t count = 0;
    const struct core_target *targets = targets_now(step, &count);

    if (count == 0) {
        step_note(step, CORE_REASON_NOBODY_TO_TELL);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct core_incident *incident = step_incident(step);
        size_t at = claim_told(step, &targets[i]);

        if (at == TOLD_NONE) {
            step_note_unlisted(step, CORE_REASON_TOLD_LIST_FULL, targets[i].target);
        } else if (is_told(incident->told[at].told)) {
            enqueue(step, CORE_KIND_REMINDER, at, CORE_REASON_SEND_REMINDER);
        } else {
            incident->told[at].told = CORE_TOLD_PENDING;
            enqueue(step, CORE_KIND_ALERT, at,
                    is_first ? CORE_REASON_SEND_ALERT : CORE_REASON_SEND_ALERT_LATE);
        }
    }
    number_round(step);
    write_last_notification(step);
}

/* SPEC 1.13 "one RECOVERED naming the interval": for people, and only at a recovery. */
static void end_untold(struct step *step, enum core_kind kind, size_t at)
{
    const struct core_recipient *recipient = &step->plan->incident.told[at];
    bool is_collapsed = kind == CORE_KIND_RECOVERY && !recipient->keeps_alert;

    cancel(step, (struct core_cancel){
                     .kind = CORE_KIND_ALERT,
                     .told = at,
                     .round = recipient->round,
                     .reason = is_collapsed ? CORE_REASON_SEND_COLLAPSED : CORE_REASON_CANCELLED,
                 });
    if (is_collapsed) {
        enqueue(step, CORE_KIND_RECOVERY, at, CORE_REASON_SEND_COLLAPSED);
    } else {
        step_note_told(step, CORE_REASON_CANCELLED, at);
    }
}

static void end_told(struct step *step, enum core_kind kind, bool is_quiet, size_t at)
{
    if (is_quiet && !step->plan->incident.told[at].keeps_alert) {
        step_note_told(step, CORE_REASON_QUIET, at);
    } else {
        enqueue(step, kind, at,
                kind == CORE_KIND_RECOVERY ? CORE_REASON_SEND_RECOVERY : CORE_REASON_SEND_CLOSED);
    }
}

void tell_end(struct step *step, enum core_kind kind, bool is_quiet)
{
    struct core_incident *incident = step_incident(step);

    for (size_t i = 0; i < incident->told_count; i++) {
        enum core_told told = incident->told[i].told;

        incident->told[i].told = CORE_TOLD_ENDED;
        if (is_told(told) && incident->reminder_count > 0) {
            cancel_reminders(step, i, CORE_REASON_CANCELLED);
        }
        switch (told) {
        case CORE_TOLD_PENDING:
            end_untold(step, kind, i);
            break;
        case CORE_TOLD_YES:
            end_told(step, kind, is_quiet, i);
            break;
        case CORE_TOLD_DEAD:
            step_note_told(step, CORE_REASON_NEVER_TOLD, i);
            break;
        case CORE_TOLD_ENDED:
            break;
        }
    }
    number_round(step);
    if (kind == CORE_KIND_RECOVERY) {
        write_last_notification(step);
    }
}

/* The end that waits behind an ALERT: of a kind, in the same word. */
static void cancel_end(struct step *step, enum core_kind kind, size_t at, uint32_t alert_round,
                       enum core_reason reason)
{
    cancel(step, (struct core_cancel){
                     .kind = kind,
                     .told = at,
                     .round = alert_round + 1,
                     .is_collapsed = reason == CORE_REASON_SEND_COLLAPSED,
                     .reason = reason,
                 });
}

/* An ALERT came back whose end waits behind it. SPEC 1.13 "as if it had never been in flight" */
static void collapse(struct step *step, size_t at, uint32_t alert_round)
{
    const struct core_incident *incident = step_incident(step);
    bool is_recovered = incident->end == CORE_END_RECOVERED || incident->end == CORE_END_OPEN;
    enum core_reason told_in_one =
        incident->told[at].keeps_alert ? CORE_REASON_CANCELLED : CORE_REASON_SEND_COLLAPSED;
    enum core_reason reason = is_recovered ? told_in_one : CORE_REASON_CANCELLED;

    cancel(step, (struct core_cancel){
                     .kind = CORE_KIND_ALERT,
                     .told = at,
                     .round = alert_round,
                     .reason = reason,
                 });
    cancel_end(step, CORE_KIND_RECOVERY, at, alert_round, told_in_one);
    cancel_end(step, CORE_KIND_CLOSED, at, alert_round, CORE_REASON_CANCELLED);
    step_note_told(step, reason, at);
}

/* An ALERT died whose end waits behind it. */
static void withdraw_end(struct step *step, size_t at, uint32_t alert_round)
{
    (void)step_incident(step);
    cancel_end(step, CORE_KIND_RECOVERY, at, alert_round, CORE_REASON_NEVER_TOLD);
    cancel_end(step, CORE_KIND_CLOSED, at, alert_round, CORE_REASON_NEVER_TOLD);
    step_note_told(step, CORE_REASON_NEVER_TOLD, at);
}

/* An ALERT whose end is decided: its incident closed, or reopened since. */
static void follow_ended(struct step *step, size_t at, const struct core_event_delivery *delivery)
{
    switch (delivery->step) {
    case CORE_DELIVERY_HANDED:
    case CORE_DELIVERY_SENT:
        break;
    case CORE_DELIVERY_RETURNED:
        collapse(step, at, delivery->round);
        break;
    case CORE_DELIVERY_DEAD:
        withdraw_end(step, at, delivery->round);
        break;
    }
}

void tell_delivered(struct step *step, const struct core_event_delivery *delivery)
{
    static const enum core_told next[] = {
        [CORE_DELIVERY_HANDED] = CORE_TOLD_YES,
        [CORE_DELIVERY_RETURNED] = CORE_TOLD_PENDING,
        [CORE_DELIVERY_SENT] = CORE_TOLD_YES,
        [CORE_DELIVERY_DEAD] = CORE_TOLD_DEAD,
    };
    const struct core_incident *incident = step->view->incident;
    const struct core_recipient *recipient = NULL;
    size_t at = TOLD_NONE;

    if (incident != NULL && delivery->kind == CORE_KIND_ALERT) {
        at = find_told(incident, delivery->target);
    }
    if (at == TOLD_NONE) {
        return;
    }
    recipient = &incident->told[at];
    if (recipient->told == CORE_TOLD_ENDED || recipient->round != delivery->round) {
        follow_ended(step, at, delivery);
    } else if (recipient->told != next[delivery->step]) {
        step_incident(step)->told[at].told = next[delivery->step];
        if (delivery->step == CORE_DELIVERY_DEAD) {
            cancel_reminders(step, at, CORE_REASON_NEVER_TOLD);
        }
    }
}
