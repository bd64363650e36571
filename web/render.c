/* Rows to JSON and nothing else; every handler that shows rows calls it. */
#include "web/render.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "lib/sys/digest.h"
#include "router/store/records.h"

/* --- Words ------------------------------------------------------------------------------------ */

const char *render_state(enum core_state state)
{
    return state == CORE_ALERT ? "alert" : "ok";
}

const char *render_kind(enum core_kind kind)
{
    switch (kind) {
    case CORE_KIND_ALERT:
        return "alert";
    case CORE_KIND_REMINDER:
        return "reminder";
    case CORE_KIND_RECOVERY:
        return "recovery";
    case CORE_KIND_CLOSED:
        return "closed";
    }
    TC_UNREACHABLE();
}

const char *render_end(enum core_end end)
{
    switch (end) {
    case CORE_END_OPEN:
        return "open";
    case CORE_END_RECOVERED:
        return "recovered";
    case CORE_END_RESET:
        return "reset";
    case CORE_END_DELETED:
        return "deleted";
    }
    TC_UNREACHABLE();
}

const char *render_status(enum store_delivery status)
{
    switch (status) {
    case STORE_QUEUED:
        return "queued";
    case STORE_LEASED:
        return "leased";
    case STORE_SENT:
        return "sent";
    case STORE_DEAD:
        return "dead";
    case STORE_CANCELLED:
        return "cancelled";
    case STORE_COLLAPSED:
        return "collapsed";
    }
    TC_UNREACHABLE();
}

static const char *severity_word(enum store_severity severity)
{
    switch (severity) {
    case STORE_INFO:
        return "info";
    case STORE_WARNING:
        return "warning";
    case STORE_CRITICAL:
        return "critical";
    }
    TC_UNREACHABLE();
}

/* --- Values ----------------------------------------------------------------------------------- */

void render_time(struct json_enc *e, const char *key, int64_t utc_ms)
{
    if (utc_ms == CORE_NEVER) {
        json_enc_null(e, key);
    } else {
        json_enc_time(e, key, utc_ms);
    }
}

void render_json(struct json_enc *e, const char *key, const char *text, int type)
{
    TC_CLEANUP(json_freep) struct json *json = NULL;
    if (text != NULL && json_parse(text, strlen(text), LIMIT_FRAME_BYTES, &json, NULL) == TC_OK &&
        json_type_of(json_root(json)) == (enum json_type)type) {
        json_enc_value(e, key, json_root(json));
    } else {
        json_enc_null(e, key);
    }
}

static void render_reference(struct json_enc *e, const char *key, uint64_t id)
{
    if (id == 0) {
        json_enc_null(e, key);
    } else {
        json_enc_u64_text(e, key, id);
    }
}

static void render_monitor_id(struct json_enc *e, const char *key, uint32_t id)
{
    if (id == 0) {
        json_enc_null(e, key);
    } else {
        json_enc_i64(e, key, id);
    }
}

/* --- Schedules -------------------------------------------------------------------------------- */

int render_schedules_add(void *schedules, const void *row)
{
    struct render_schedules *s = schedules;
    const struct store_cron *cron = row;
    struct render_schedule item = {
        .monitor_id = cron->monitor_id, .id = cron->id, .is_active = cron->is_active};
    if (cron->monitor_id == 0 || cron->action == NULL || !str_eq(cron->action, "Monitor/Run")) {
        return TC_OK;
    }
    /* A hand may have typed more than a schedule can have; the router has refused it then. */
    (void)snprintf(item.schedule, sizeof item.schedule, "%s",
                   cron->schedule == NULL ? "" : cron->schedule);
    (void)snprintf(item.timezone, sizeof item.timezone, "%s",
                   cron->timezone == NULL ? "" : cron->timezone);
    if (s->count == s->cap) {
        s->cap = s->cap == 0 ? 16 : 2 * s->cap;
        s->items = mem_resize(s->items, s->cap, sizeof *s->items);
    }
    s->items[s->count++] = item;
    return TC_OK;
}

static int compare(const void *a, const void *b)
{
    const struct render_schedule *x = a;
    const struct render_schedule *y = b;
    if (x->monitor_id != y->monitor_id) {
        return x->monitor_id < y->monitor_id ? -1 : 1;
    }
    return x->id < y->id ? -1 : 1;
}

void render_schedules_sort(struct render_schedules *schedules)
{
    if (schedules->count > 0) {
        qsort(schedules->items, schedules->count, sizeof *schedules->items, compare);
    }
}

void render_schedules_freep(struct render_schedules *schedules)
{
    mem_free(schedules->items);
}

static void render_schedules(struct json_enc *e, uint32_t monitor_id,
                             const struct render_schedules *schedules)
{
    size_t low = 0;
    size_t high = schedules->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (schedules->items[middle].monitor_id < monitor_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    json_enc_arr(e, "schedules");
    for (size_t i = low; i < schedules->count && schedules->items[i].monitor_id == monitor_id;
         i++) {
        json_enc_obj(e, NULL);
        json_enc_i64(e, "id", schedules->items[i].id);
        json_enc_bool(e, "isActive", schedules->items[i].is_active);
        json_enc_str(e, "schedule", schedules->items[i].schedule);
        json_enc_str(e, "timezone", schedules->items[i].timezone);
        json_enc_obj_end(e);
    }
    json_enc_arr_end(e);
}

/* --- Rows ------------------------------------------------------------------------------------- */

static void render_configured(struct json_enc *e, const struct store_monitor *row)
{
    json_enc_i64(e, "id", row->core.id);
    json_enc_str(e, "uuid", row->uuid == NULL ? "" : row->uuid);
    json_enc_bool(e, "isActive", row->core.is_active);
    render_time(e, "dtCreated", row->created_utc_ms);
    json_enc_str(e, "name", row->name == NULL ? "" : row->name);
    json_enc_str(e, "checkName", row->check_name);
    json_enc_str(e, "phpClass", row->php_class);
    render_json(e, "params", row->params, JSON_OBJECT);
    json_enc_i64(e, "timeoutSeconds", row->timeout_seconds);
    json_enc_str(e, "runsOn", row->runs_on);
    json_enc_i64(e, "requiredConsecutiveOks", row->core.required_oks);
    json_enc_i64(e, "requiredConsecutiveFailures", row->core.required_failures);
    json_enc_i64(e, "reminderFrequencyMinutes", row->core.reminder_minutes);
    render_json(e, "peopleToNotify", row->people_to_notify, JSON_ARRAY);
    json_enc_str(e, "severity", severity_word(row->severity));
    render_json(e, "labels", row->labels, JSON_OBJECT);
    json_enc_str(e, "runbookUrl", row->runbook_url);
}

void render_monitor(struct json_enc *e, const char *key, const struct store_monitor *row,
                    const struct render_schedules *schedules)
{
    bool is_told = row->core.last_notification_utc_ms != CORE_NEVER;
    json_enc_obj(e, key);
    render_configured(e, row);
    json_enc_str(e, "state", render_state(row->core.state));
    json_enc_i64(e, "consecutiveOkCount", row->core.ok_count);
    json_enc_i64(e, "consecutiveFailureCount", row->core.failure_count);
    render_time(e, "lastRunDt", row->core.last_run_utc_ms);
    json_enc_str(e, "lastResultMessage", row->last_result_message);
    render_time(e, "lastNotificationDt", row->core.last_notification_utc_ms);
    json_enc_str(e, "lastNotificationType",
                 is_told ? render_kind(row->core.last_notification_kind) : NULL);
    render_time(e, "acknowledgedDt", row->core.acknowledged_utc_ms);
    json_enc_str(e, "acknowledgedBy", row->acknowledged_by);
    render_time(e, "ackExpiresDt", row->core.ack_expires_utc_ms);
    json_enc_str(e, "ackNote", row->ack_note);
    json_enc_u64_text(e, "version", row->version);
    render_schedules(e, row->core.id, schedules);
    json_enc_str(e, "problem", row->problem);
    json_enc_obj_end(e);
}

void render_run(struct json_enc *e, const char *key, const struct store_run *row)
{
    const char *summary = row->summary == NULL ? "" : row->summary;
    json_enc_obj(e, key);
    json_enc_u64_text(e, "id", row->id);
    json_enc_bool(e, "isOk", row->is_ok);
    json_enc_str(e, "message", row->message == NULL ? summary : row->message);
    render_time(e, "startedAt", row->started_utc_ms);
    json_enc_i64(e, "durationMs", row->duration_ms);
    json_enc_str(e, "runner", row->runner);
    json_enc_str(e, "state", render_state(row->state));
    json_enc_str(e, "summary", summary);
    render_time(e, "scheduledAt", row->scheduled_utc_ms);
    json_enc_str(e, "reason", row->reason);
    render_json(e, "metrics", row->metrics, JSON_OBJECT);
    json_enc_obj_end(e);
}

static void render_told(struct json_enc *e, const char *text)
{
    TC_CLEANUP(json_freep) struct json *json = NULL;
    json_enc_arr(e, "told");
    if (text != NULL && json_parse(text, strlen(text), LIMIT_FRAME_BYTES, &json, NULL) == TC_OK &&
        json_type_of(json_root(json)) == JSON_ARRAY) {
        const struct json_value *item = json_first(json_root(json));
        for (; item != NULL; item = json_next(item)) {
            struct json_dec d;
            json_dec_start(&d, item, "told", NULL);
            const char *target = json_str(&d, "target", LIMIT_RECIPIENT_BYTES);
            const char *told = json_str(&d, "told", 16);
            if (json_end(&d) == TC_OK) {
                json_enc_obj(e, NULL);
                json_enc_str(e, "target", target);
                json_enc_str(e, "told", told);
                json_enc_obj_end(e);
            }
        }
    }
    json_enc_arr_end(e);
}

void render_incident(struct json_enc *e, const struct store_incident *row)
{
    json_enc_u64_text(e, "id", row->id);
    json_enc_i64(e, "monitorId", row->monitor_id);
    json_enc_str(e, "monitorName", row->monitor_name == NULL ? "" : row->monitor_name);
    json_enc_str(e, "end", render_end(row->end));
    render_time(e, "openedDt", row->opened_utc_ms);
    render_time(e, "closedDt", row->closed_utc_ms);
    render_time(e, "notifiedDt", row->notified_utc_ms);
    json_enc_i64(e, "reminderCount", row->reminder_count);
    json_enc_str(e, "message", row->message);
    json_enc_i64(e, "ackKeepMinutes", row->ack_keep_minutes);
    render_told(e, row->told);
}

void render_notification(struct json_enc *e, const struct store_notification *row, bool has_body)
{
    json_enc_obj(e, NULL);
    json_enc_u64_text(e, "id", row->id);
    render_monitor_id(e, "monitorId", row->monitor_id);
    render_reference(e, "incidentId", row->incident_id);
    json_enc_str(e, "kind", render_kind(row->kind));
    json_enc_str(e, "recipient", row->recipient == NULL ? "" : row->recipient);
    json_enc_str(e, "idempotencyKey", row->key == NULL ? "" : row->key);
    json_enc_i64(e, "number", row->number);
    json_enc_bool(e, "isCollapsed", row->is_collapsed);
    render_time(e, "decidedDt", row->decided_utc_ms);
    json_enc_str(e, "status", render_status(row->status));
    json_enc_i64(e, "attempt", row->attempt);
    render_time(e, "nextDt", row->next_utc_ms);
    render_time(e, "finishedDt", row->finished_utc_ms);
    json_enc_str(e, "code", row->code);
    json_enc_str(e, "reason", row->reason);
    json_enc_str(e, "remote", row->remote);
    json_enc_str(e, "providerId", row->provider_id);
    if (has_body) {
        render_json(e, "body", row->body, JSON_OBJECT);
    }
    json_enc_obj_end(e);
}

void render_audit(struct json_enc *e, const struct store_audit *row)
{
    char hash[2 * DIGEST_BYTES + 1] = "";
    TC_CLEANUP(mem_freep) char *record = mem_dup(row->bytes.p, row->bytes.size);
    if (row->hash.size == DIGEST_BYTES) {
        hex_encode(row->hash.p, DIGEST_BYTES, hash);
    }
    json_enc_obj(e, NULL);
    json_enc_u64_text(e, "seq", row->seq);
    render_time(e, "dt", row->at_utc_ms);
    json_enc_str(e, "kind", row->kind == NULL ? "" : row->kind);
    render_monitor_id(e, "monitorId", row->monitor_id);
    json_enc_str(e, "hash", hash);
    render_json(e, "record", record, JSON_OBJECT);
    json_enc_obj_end(e);
}

void render_token(struct json_enc *e, const struct store_token *row)
{
    json_enc_obj(e, NULL);
    json_enc_i64(e, "id", row->id);
    json_enc_str(e, "name", row->name == NULL ? "" : row->name);
    json_enc_str(e, "role", row->role == NULL ? "" : row->role);
    render_time(e, "dtCreated", row->created_utc_ms);
    render_time(e, "expiresDt", row->expires_utc_ms);
    json_enc_obj_end(e);
}
