/* What a monitor was and what it is, for the audit: only the members that differ. Decides nothing. Called
 * for edits by hand and for commands. */
#include "router/flow/change.h"

#include "lib/base/cleanup.h"
#include "lib/base/str.h"

void flow_change_start(struct flow_change *change, struct flow *flow, struct buf *before,
                       struct buf *after)
{
    change->flow = flow;
    json_enc_start(&change->before, before);
    json_enc_start(&change->after, after);
    json_enc_obj(&change->before, NULL);
    json_enc_obj(&change->after, NULL);
}

void flow_change_end(struct flow_change *change)
{
    json_enc_obj_end(&change->before);
    json_enc_obj_end(&change->after);
}

static bool is_same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && str_eq(a, b));
}

static void tell_text(struct flow_change *change, const char *name, const char *before,
                      const char *after)
{
    if (!is_same(before, after)) {
        json_enc_str(&change->before, name, before);
        json_enc_str(&change->after, name, after);
    }
}

/* Addresses and people stand in the audit as keyed hashes only (docs/spec.md 4.4). */
static void tell_names(struct flow_change *change, const char *name, const char *before,
                       const char *after)
{
    char old[AUDIT_NAME_BYTES];
    char new[AUDIT_NAME_BYTES];
    if (before != NULL) {
        audit_name(&change->flow->chain, before, old);
    }
    if (after != NULL) {
        audit_name(&change->flow->chain, after, new);
    }
    tell_text(change, name, before == NULL ? NULL : old, after == NULL ? NULL : new);
}

static void tell_number(struct flow_change *change, const char *name, int64_t before, int64_t after)
{
    if (before != after) {
        json_enc_i64(&change->before, name, before);
        json_enc_i64(&change->after, name, after);
    }
}

static void tell_time(struct flow_change *change, const char *name, int64_t before, int64_t after)
{
    if (before == after) {
        return;
    }
    if (before == CORE_NEVER) {
        json_enc_null(&change->before, name);
    } else {
        json_enc_time(&change->before, name, before);
    }
    if (after == CORE_NEVER) {
        json_enc_null(&change->after, name);
    } else {
        json_enc_time(&change->after, name, after);
    }
}

void flow_change_core(struct flow_change *change, const struct core_monitor *before,
                      const struct core_monitor *after)
{
    tell_number(change, "isActive", before->is_active, after->is_active);
    tell_number(change, "inAlert", before->state == CORE_ALERT, after->state == CORE_ALERT);
    tell_number(change, "consecutiveOkCount", before->ok_count, after->ok_count);
    tell_number(change, "consecutiveFailureCount", before->failure_count, after->failure_count);
    tell_number(change, "requiredConsecutiveOks", before->required_oks, after->required_oks);
    tell_number(change, "requiredConsecutiveFailures", before->required_failures,
                after->required_failures);
    tell_number(change, "reminderFrequencyMinutes", before->reminder_minutes,
                after->reminder_minutes);
    tell_time(change, "lastRunDt", before->last_run_utc_ms, after->last_run_utc_ms);
    tell_time(change, "lastNotificationDt", before->last_notification_utc_ms,
              after->last_notification_utc_ms);
    tell_time(change, "acknowledgedDt", before->acknowledged_utc_ms, after->acknowledged_utc_ms);
    tell_time(change, "ackExpiresDt", before->ack_expires_utc_ms, after->ack_expires_utc_ms);
}

static void tell_schedules(struct flow_change *change, const struct flow_setup *before,
                           const struct flow_setup *after)
{
    TC_CLEANUP(buf_freep) struct buf old;
    TC_CLEANUP(buf_freep) struct buf new;
    buf_init(&old, LIMIT_PARAMS_BYTES);
    buf_init(&new, LIMIT_PARAMS_BYTES);
    for (size_t i = 0; before != NULL && i < before->schedule_count; i++) {
        buf_add_fmt(&old, "%s%s %s%s", i == 0 ? "" : "; ", before->schedules[i].schedule,
                    before->schedules[i].timezone,
                    before->schedules[i].is_active ? "" : " (inactive)");
    }
    for (size_t i = 0; after != NULL && i < after->schedule_count; i++) {
        buf_add_fmt(&new, "%s%s %s%s", i == 0 ? "" : "; ", after->schedules[i].schedule,
                    after->schedules[i].timezone,
                    after->schedules[i].is_active ? "" : " (inactive)");
    }
    tell_text(change, "schedules", old.p, new.p);
}

void flow_change_setup(struct flow_change *change, const struct flow_setup *before,
                       const struct flow_setup *after)
{
    static const struct flow_setup none = {.uuid = NULL};
    const struct flow_setup *old = before == NULL ? &none : before;
    const struct flow_setup *new = after == NULL ? &none : after;
    tell_text(change, "name", old->name, new->name);
    tell_text(change, "checkName", old->check_name, new->check_name);
    tell_text(change, "phpClass", old->php_class, new->php_class);
    tell_text(change, "params", old->params, new->params);
    tell_text(change, "labels", old->labels, new->labels);
    tell_text(change, "runsOn", old->runs_on, new->runs_on);
    tell_text(change, "runbookUrl", old->runbook_url, new->runbook_url);
    tell_names(change, "peopleToNotify", old->people, new->people);
    tell_number(change, "timeoutSeconds", old->timeout_seconds, new->timeout_seconds);
    tell_number(change, "severity", (int64_t)old->severity, (int64_t) new->severity);
    tell_schedules(change, before, after);
}
