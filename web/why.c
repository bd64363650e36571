/* Why a monitor stands as it stands, in sentences: its row and open incident for what is, the audit
 * for what was decided, the outbox for who was told. Rules are the core's; here are only their names. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/base/timetext.h"
#include "lib/sys/loop.h"
#include "router/core/reason.h"
#include "web/call.h"
#include "web/handlers.h"
#include "web/render.h"

enum {
    DECISIONS = 30,
    NOTIFICATIONS = 20,
    SENTENCE_BYTES = 1024,
    MINUTE_MS = 60 * 1000,
};

static const char *const sentences[] = {
    [CORE_REASON_NONE] = "Nothing was decided.",
    [CORE_REASON_STAYS_OK] = "The run was OK and nothing was wrong before.",
    [CORE_REASON_FAILURE_COUNTED] = "The run failed; it takes more failures in a row for an alert.",
    [CORE_REASON_ALERT_OPENED] = "The run failed: an incident began.",
    [CORE_REASON_STAYS_ALERT] = "The run failed again; the incident goes on.",
    [CORE_REASON_OK_COUNTED] = "The run was OK; it takes more OKs in a row to end the incident.",
    [CORE_REASON_RECOVERED] = "Enough OKs in a row: the incident ended.",
    [CORE_REASON_REOPENED] =
        "It failed again soon after its recovery: the same incident goes on, quietly.",
    [CORE_REASON_SEND_ALERT] = "ALERT was sent at once.",
    [CORE_REASON_SEND_ALERT_LATE] = "ALERT was sent to somebody who had not been told yet.",
    [CORE_REASON_SEND_REMINDER] = "The reminder window had passed: REMINDER was sent.",
    [CORE_REASON_SEND_RECOVERY] = "RECOVERED was sent to everybody who had been told.",
    [CORE_REASON_SEND_COLLAPSED] =
        "ALERT had not been handed over yet: one RECOVERED tells the whole interval.",
    [CORE_REASON_SEND_CLOSED] = "Those who had been told got one closing message.",
    [CORE_REASON_WINDOW_OPEN] = "No reminder: the reminder window has not passed yet.",
    [CORE_REASON_ACKNOWLEDGED] = "No reminder: the incident is acknowledged.",
    [CORE_REASON_NOBODY_TO_TELL] = "Nobody was told: peopleToNotify is empty.",
    [CORE_REASON_NEVER_TOLD] = "No end was sent to somebody who never heard of the beginning.",
    [CORE_REASON_INACTIVE] = "Nothing was decided: the monitor is paused.",
    [CORE_REASON_COVERED] = "Nothing was sent: the incident of its runner covers this.",
    [CORE_REASON_CANCELLED] = "A message that still waited was cancelled.",
    [CORE_REASON_QUIET] = "Nobody was told, as was asked for.",
    [CORE_REASON_TOLD_LIST_FULL] = "Not sent: the incident remembers no more recipients.",
    [CORE_REASON_RECIPIENTS_PARTLY] =
        "Some entries of peopleToNotify are invalid; the valid ones were told.",
    [CORE_REASON_RECIPIENTS_UNUSABLE] =
        "peopleToNotify has no usable entry; the default recipients were told of that.",
    [CORE_REASON_STALE_GENERATION] =
        "The result is of an older assignment: kept in the history only.",
    [CORE_REASON_STALE_ORDER] = "The result is older than one applied: kept in the history only.",
    [CORE_REASON_UNKNOWN_MONITOR] = "The result names no monitor that exists.",
    [CORE_REASON_ACK_SET] = "The incident was acknowledged.",
    [CORE_REASON_ACK_REFUSED_OK] = "Acknowledging was refused: the monitor is OK.",
    [CORE_REASON_ACK_REFUSED_PAST] = "Acknowledging was refused: its end is in the past.",
    [CORE_REASON_ACK_CLEARED] = "The acknowledgement was taken back.",
    [CORE_REASON_ACK_EXPIRED] = "The acknowledgement's time was over.",
    [CORE_REASON_ACK_KEPT] = "The acknowledgement is kept for a while after the recovery.",
    [CORE_REASON_ACK_NONE] = "There was no acknowledgement to take back.",
    [CORE_REASON_RESET] = "The monitor was reset.",
    [CORE_REASON_FORCED_ALERT] = "The state was set to alert by hand.",
    [CORE_REASON_PAUSED] = "The monitor was paused.",
    [CORE_REASON_RESUMED] = "The monitor was resumed.",
    [CORE_REASON_DELETED] = "The monitor was removed.",
    [CORE_REASON_DEADLINE_MISSED] = "No result came in time, which counts as a failure.",
    [CORE_REASON_TIME_IN_FUTURE] = "A time of the row lies in the future and counts as now.",
    [CORE_REASON_CONFIG] = "The monitor's own row is unusable.",
};
_Static_assert(sizeof sentences / sizeof sentences[0] == CORE_REASON_COUNT_,
               "each reason has a sentence");

struct why {
    struct call *call;
    uint32_t monitor_id;
    int64_t now_utc_ms;
    struct render_schedules schedules;
    struct buf sentences; /* JSON strings of what is, with commas */
    bool has_monitor;
    bool has_incident;
    size_t count;
};

/* --- What is ---------------------------------------------------------------------------------- */

static void say(struct why *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct why *why, const char *fmt, ...)
{
    char text[SENTENCE_BYTES];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args); /* a long one is cut */
    va_end(args);
    struct json_enc e;
    if (why->sentences.len > 0) {
        buf_add_char(&why->sentences, ',');
    }
    json_enc_start(&e, &why->sentences);
    json_enc_str(&e, NULL, text);
}

static void say_state(struct why *why, const struct store_monitor *row)
{
    const struct core_monitor *core = &row->core;
    uint32_t oks = core->required_oks == 0 ? 1 : core->required_oks;
    uint32_t failures = core->required_failures == 0 ? 1 : core->required_failures;
    char text[TIMETEXT_SIZE];
    if (row->problem != NULL) {
        say(why, "Its row can't be used: %s", row->problem);
    }
    if (!core->is_active) {
        say(why, "It is paused: nothing runs, nobody is told.");
    }
    if (core->last_run_utc_ms == CORE_NEVER) {
        say(why, "It waits for a run that was asked for, or has never run.");
    } else {
        say(why, "Its last run was due at %s.", timetext_rfc3339(core->last_run_utc_ms, text));
    }
    if (core->state == CORE_ALERT && row->last_result_message != NULL) {
        say(why, "Its last result: %.600s", row->last_result_message);
    }
    if (core->state == CORE_ALERT) {
        say(why, "It is in ALERT; %" PRIu32 " of %" PRIu32 " OKs in a row that end it.",
            core->ok_count, oks);
    } else if (core->failure_count > 0) {
        say(why, "It is OK, after %" PRIu32 " of %" PRIu32 " failures in a row that make an alert.",
            core->failure_count, failures);
    } else {
        say(why, "It is OK.");
    }
}

static void say_acknowledgement(struct why *why, const struct store_monitor *row)
{
    char since[TIMETEXT_SIZE];
    char until[TIMETEXT_SIZE];
    if (row->core.acknowledged_utc_ms == CORE_NEVER) {
        return;
    }
    const char *by = row->acknowledged_by == NULL ? "somebody" : row->acknowledged_by;
    (void)timetext_rfc3339(row->core.acknowledged_utc_ms, since); /* returns since */
    if (row->core.ack_expires_utc_ms == CORE_NEVER) {
        say(why, "Acknowledged by %s since %s, until it recovers: no reminders.", by, since);
    } else {
        say(why, "Acknowledged by %s since %s until %s: no reminders.", by, since,
            timetext_rfc3339(row->core.ack_expires_utc_ms, until));
    }
}

static void say_reminder(struct why *why, const struct core_monitor *core)
{
    char text[TIMETEXT_SIZE];
    if (core->state != CORE_ALERT || !core->is_active || core->acknowledged_utc_ms != CORE_NEVER) {
        return;
    }
    if (core->last_notification_utc_ms == CORE_NEVER) {
        say(why, "Nobody has been told yet; the next failing run tells.");
        return;
    }
    int64_t due = core->last_notification_utc_ms + INT64_C(1) * MINUTE_MS * core->reminder_minutes;
    if (due <= why->now_utc_ms) {
        say(why, "The next failing run sends a reminder.");
    } else {
        say(why, "The next reminder is due in %s, if it still fails then.",
            timetext_duration(due - why->now_utc_ms, text));
    }
}

static int on_monitor(void *ctx, const void *row)
{
    struct why *why = ctx;
    const struct store_monitor *monitor = row;
    why->has_monitor = true;
    render_monitor(&why->call->e, "monitor", monitor, &why->schedules);
    say_state(why, monitor);
    say_acknowledgement(why, monitor);
    say_reminder(why, &monitor->core);
    if (monitor->people_to_notify != NULL && str_eq(monitor->people_to_notify, "[]")) {
        say(why, "Nobody is told of it: peopleToNotify is empty.");
    }
    return TC_OK;
}

/* What is wrong with its recipients is told by a reserved monitor (docs/spec.md 1.9). */
static int on_config_monitor(void *ctx, const void *row)
{
    const struct store_monitor *monitor = row;
    if (monitor->core.state == CORE_ALERT && monitor->last_result_message != NULL) {
        say(ctx, "Its row has a fault: %.600s", monitor->last_result_message);
    }
    return TC_OK;
}

static int on_incident(void *ctx, const void *row)
{
    struct why *why = ctx;
    const struct store_incident *incident = row;
    char text[TIMETEXT_SIZE];
    if (incident->end != CORE_END_OPEN) {
        return CALL_ENOUGH;
    }
    why->has_incident = true;
    json_enc_obj(&why->call->e, "incident");
    render_incident(&why->call->e, incident);
    json_enc_obj_end(&why->call->e);
    say(why, "Incident %" PRIu64 " has been open since %s; %" PRIu32 " reminders.", incident->id,
        timetext_rfc3339(incident->opened_utc_ms, text), incident->reminder_count);
    return CALL_ENOUGH;
}

/* --- What was decided ------------------------------------------------------------------------- */

static const char *text_of(const struct json_value *record, const char *name)
{
    const struct json_value *value = json_member(record, name);
    return value != NULL && json_type_of(value) == JSON_STRING ? json_string(value) : NULL;
}

/* The sentence of a record's reason and those of its notes: what was withheld is a note. */
static bool add_reasons(const struct json_value *record, struct buf *out)
{
    const struct json_value *notes = json_member(record, "notes");
    bool has_notes = notes != NULL && json_type_of(notes) == JSON_ARRAY;
    const struct json_value *note = has_notes ? json_first(notes) : NULL;
    bool is_withheld = false;
    for (const struct json_value *v = record; v != NULL;) {
        enum core_reason reason = CORE_REASON_NONE;
        const char *name = json_type_of(v) == JSON_OBJECT ? text_of(v, "reason") : NULL;
        if (name != NULL && core_reason_parse(name, &reason) == TC_OK &&
            reason != CORE_REASON_NONE) {
            buf_add_fmt(out, "%s%s", out->len == 0 ? "" : " ", sentences[reason]);
            is_withheld = is_withheld || core_reason_is_withheld(reason);
        }
        v = v == record ? note : json_next(v);
    }
    return is_withheld;
}

static int on_record(void *ctx, const void *row)
{
    struct why *why = ctx;
    const struct store_audit *audit = row;
    struct json_enc *e = &why->call->e;
    TC_CLEANUP(json_freep) struct json *json = NULL;
    TC_CLEANUP(buf_freep) struct buf sentence;
    buf_init(&sentence, LIMIT_AUDIT_RECORD_BYTES);
    if (why->count == DECISIONS) {
        return CALL_ENOUGH;
    }
    if (json_parse(audit->bytes.p, audit->bytes.size, LIMIT_AUDIT_RECORD_BYTES, &json, NULL) !=
            TC_OK ||
        json_type_of(json_root(json)) != JSON_OBJECT) {
        return TC_OK; /* `audit verify` is who complains of it */
    }
    bool is_withheld = add_reasons(json_root(json), &sentence);
    why->count++;
    json_enc_obj(e, NULL);
    json_enc_u64_text(e, "seq", audit->seq);
    render_time(e, "at", audit->at_utc_ms);
    json_enc_str(e, "kind", audit->kind == NULL ? "" : audit->kind);
    json_enc_str(e, "reason", text_of(json_root(json), "reason"));
    json_enc_str(e, "sentence", sentence.len > 0 ? sentence.p : NULL);
    json_enc_bool(e, "isWithheld", is_withheld);
    const char *detail = text_of(json_root(json), "detail");
    json_enc_str(e, "detail", detail == NULL ? text_of(json_root(json), "type") : detail);
    json_enc_obj_end(e);
    return TC_OK;
}

static int on_notification(void *ctx, const void *row)
{
    struct why *why = ctx;
    render_notification(&why->call->e, row, false);
    return TC_OK;
}

/* --- Together --------------------------------------------------------------------------------- */

static bool write_why(struct why *why)
{
    struct call *call = why->call;
    struct store_filter filter = {.id = why->monitor_id};
    json_enc_obj(&call->e, NULL);
    if (!call_read(call, STORE_CRONS_OF_MONITOR, &filter, render_schedules_add, &why->schedules) ||
        !call_read(call, STORE_MONITOR, &filter, on_monitor, why)) {
        return false;
    }
    if (!why->has_monitor) {
        call_problem(call, 404, NULL, "the monitor was removed just now");
        return false;
    }
    char config[64];
    (void)snprintf(config, sizeof config, "internal:config/%" PRIu32, why->monitor_id); /* fits */
    struct store_filter named = {.text = config};
    if (!call_read(call, STORE_MONITORS_NAMED, &named, on_config_monitor, why)) {
        return false;
    }
    filter.limit = 1;
    if (!call_read(call, STORE_INCIDENTS_OF_MONITOR, &filter, on_incident, why)) {
        return false;
    }
    if (!why->has_incident) {
        json_enc_null(&call->e, "incident");
    }
    json_enc_arr(&call->e, "sentences");
    json_enc_raw(&call->e, NULL, why->sentences.p, why->sentences.len);
    json_enc_arr_end(&call->e);
    filter.limit = DECISIONS;
    json_enc_arr(&call->e, "decisions");
    if (!call_read(call, STORE_AUDIT_OF_MONITOR, &filter, on_record, why)) {
        return false;
    }
    json_enc_arr_end(&call->e);
    filter.limit = NOTIFICATIONS;
    json_enc_arr(&call->e, "notifications");
    if (!call_read(call, STORE_NOTIFICATIONS_OF_MONITOR, &filter, on_notification, why)) {
        return false;
    }
    json_enc_arr_end(&call->e);
    json_enc_obj_end(&call->e);
    return true;
}

void why_monitor(struct call *call)
{
    static const char *const none[] = {NULL};
    struct why why = {.call = call, .now_utc_ms = loop_now_utc_ms(call->web->loop)};
    if (!call_allows(call, none) ||
        !call_monitor(call, call->path.segments[3], NULL, &why.monitor_id)) {
        return;
    }
    buf_init(&why.sentences, LIMIT_FRAME_BYTES);
    if (write_why(&why)) {
        call_json(call, 200);
    }
    buf_free(&why.sentences);
    mem_free(why.schedules.items);
}
