/* From an event to rows: the view is gathered from memory, the core decides, the plan becomes
 * touched objects, a run row, notifications and one audit record. Decides nothing itself. */
#include "router/flow/plan.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "lib/base/utf8.h"
#include "router/core/reason.h"
#include "router/flow/batch.h"
#include "router/flow/deliver.h"
#include "router/store/told.h"

static const char *const state_names[] = {[CORE_OK] = "ok", [CORE_ALERT] = "alert"};

/* --- The view -------------------------------------------------------------------------------- */

static bool needs_recipients(const struct flow_monitor *monitor, const struct core_event *event)
{
    return !(event->type == CORE_EVENT_RESULT && event->result.is_ok &&
             monitor->row.core.state == CORE_OK);
}

static void view_recipients(struct flow *flow, const struct flow_monitor *monitor,
                            struct core_view *view)
{
    const struct flow_setup *setup = monitor->row.setup;
    view->defaults = flow->options.defaults;
    view->default_count = flow->options.default_count;
    if (setup->is_internal && setup->people == NULL) {
        view->recipients = CORE_RECIPIENTS_VALID;
        view->targets = flow->options.defaults;
        view->target_count = flow->options.default_count;
        return;
    }
    view->recipients = flow_setup_recipients(setup, flow->targets, &view->target_count, NULL);
    view->targets = flow->targets;
}

static void view_incident(struct flow *flow, const struct flow_incident *incident,
                          struct core_view *view)
{
    if (incident != NULL) {
        int code = store_incident_read(&incident->row, flow->scratch, NULL);
        TC_ASSERT(code == TC_OK); /* checked when it was loaded, written by us since */
        view->incident = flow->scratch;
    }
}

static void view_gather(struct flow *flow, const struct flow_monitor *monitor,
                        const struct core_event *event, struct core_view *view)
{
    *view = (struct core_view){
        .is_known = true, .monitor = monitor->row.core, .recipients = CORE_RECIPIENTS_NOBODY};
    view_incident(flow, flow_find_incident(flow, monitor->row.incident_id), view);
    if (needs_recipients(monitor, event)) {
        view_recipients(flow, monitor, view);
    }
}

/* --- The incident ---------------------------------------------------------------------------- */

static struct flow_incident *open_incident(struct flow *flow, const struct flow_monitor *monitor,
                                           const struct flow_cause *cause)
{
    struct store_incident row = {.id = ++flow->ids.incident,
                                 .monitor_id = monitor->id,
                                 .monitor_name = mem_strdup(monitor->row.setup->name),
                                 .message = mem_strdup(cause->message)};
    return flow_add_incident(flow, &row);
}

static void write_incident(struct flow *flow, struct flow_incident *incident)
{
    const struct core_plan *plan = flow->plan;
    struct flow_touched_incident *touched = flow_touch_incident(flow, incident);
    struct buf told;
    buf_init(&told, (size_t)LIMIT_TOLD * (2 * LIMIT_RECIPIENT_BYTES + 64));
    struct store_incident row = incident->row;
    store_incident_write(&plan->incident, &told, &row);
    if (incident->row.told != touched->before.told) {
        mem_free_const(incident->row.told);
    }
    incident->row = row;
    incident->row.told = buf_take(&told);
    buf_free(&told);
}

static void apply_incident(struct flow *flow, struct flow_monitor *monitor,
                           const struct flow_cause *cause)
{
    struct core_plan *plan = flow->plan;
    struct flow_incident *incident = NULL;
    if (plan->incident_change == CORE_INCIDENT_OPEN) {
        incident = open_incident(flow, monitor, cause);
        plan->incident.id = incident->row.id;
    } else {
        incident = flow_find_incident(flow, plan->incident.id);
        TC_ASSERT(incident != NULL);
    }
    write_incident(flow, incident);
    if (plan->incident_change != CORE_INCIDENT_UPDATE) {
        bool is_over = plan->incident_change == CORE_INCIDENT_CLOSE &&
                       plan->incident.kept_ack_utc_ms == CORE_NEVER;
        monitor->row.incident_id = is_over ? 0 : incident->row.id;
    }
}

/* --- The run --------------------------------------------------------------------------------- */

/* The first line of a message, cut for lists. */
static void summary_of(const char *message, struct buf *out)
{
    size_t size = strcspn(message, "\r\n");
    utf8_add_cut(out, message, size, LIMIT_SUMMARY_BYTES);
}

static void metrics_of(const struct message_json *metrics, struct buf *out)
{
    if (metrics->text != NULL) {
        buf_add(out, metrics->text, metrics->size);
    } else if (metrics->value != NULL) {
        struct json_enc e;
        json_enc_start(&e, out);
        json_enc_value(&e, NULL, metrics->value);
    }
}

static void digest_run(struct flow *flow, const struct store_run *run)
{
    char line[128];
    int size = snprintf(line, sizeof(line), "%" PRIu64 " %" PRIu32 " %" PRId64 " %d\n", run->id,
                        run->monitor_id, run->started_utc_ms, run->is_ok ? 1 : 0);
    digest_add(&flow->batch.runs, line, (size_t)size);
    flow->batch.run_count++;
}

static void add_run(struct flow *flow, const struct flow_monitor *monitor, bool is_ok,
                    const struct flow_cause *cause, bool has_record)
{
    TC_CLEANUP(buf_freep) struct buf summary;
    TC_CLEANUP(buf_freep) struct buf metrics;
    buf_init(&summary, LIMIT_SUMMARY_BYTES);
    buf_init(&metrics, LIMIT_FRAME_BYTES);
    const char *message = cause->message == NULL ? "" : cause->message;
    summary_of(message, &summary);
    metrics_of(&cause->metrics, &metrics);
    struct store_run run = {.id = ++flow->ids.run,
                            .monitor_id = monitor->id,
                            .runner_id = cause->runner == NULL ? 0 : cause->runner->id,
                            .scheduled_utc_ms = cause->scheduled_utc_ms,
                            .started_utc_ms = cause->started_utc_ms,
                            .duration_ms = cause->duration_ms,
                            .is_ok = is_ok,
                            .reason = is_ok ? NULL : cause->reason,
                            .state = flow->plan->run == CORE_RUN_APPLIED ? flow->plan->monitor.state
                                                                         : monitor->row.core.state,
                            .summary = summary.p,
                            .message = str_eq(summary.p, message) ? NULL : message,
                            .metrics = metrics.len == 0 ? NULL : metrics.p};
    store_batch_run_add(&flow->batch.rows, &run);
    if (!has_record) {
        digest_run(flow, &run);
    }
}

/* --- The record ------------------------------------------------------------------------------ */

static void note_recipient(struct flow *flow, struct json_enc *e, const char *target)
{
    const char *colon = strchr(target, ':');
    TC_ASSERT(colon != NULL);
    char hash[AUDIT_NAME_BYTES];
    audit_name(&flow->chain, colon + 1, hash);
    struct store_name row = {.hash = hash, .name = colon + 1};
    store_batch_name_add(&flow->batch.rows, &row);
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, CORE_TARGET_BYTES + AUDIT_NAME_BYTES);
    buf_add(&text, target, (size_t)(colon - target) + 1);
    buf_add_str(&text, hash);
    json_enc_str(e, "recipient", text.p);
}

/* The notifications that the plan enqueued; they got the newest ids, in order. */
static void note_notifications(struct flow *flow, struct json_enc *e)
{
    const struct core_plan *plan = flow->plan;
    uint64_t id = flow->ids.notification - plan->notification_count;
    for (size_t i = 0; i < plan->notification_count; i++) {
        const struct core_notification *one = &plan->notifications[i];
        json_enc_obj(e, NULL);
        json_enc_u64_text(e, "notification", ++id);
        json_enc_str(e, "reason", core_reason_name(one->reason));
        note_recipient(flow, e, plan->incident.told[one->told].target);
        json_enc_obj_end(e);
    }
}

/* What was done and withheld for whom, as a JSON array; NULL when there is nothing to say. */
static const char *notes_of(struct flow *flow, struct buf *out)
{
    const struct core_plan *plan = flow->plan;
    if (plan->note_count + plan->notification_count == 0) {
        return NULL;
    }
    struct json_enc e;
    json_enc_start(&e, out);
    json_enc_arr(&e, NULL);
    for (size_t i = 0; i < plan->note_count; i++) {
        const struct core_note *note = &plan->notes[i];
        json_enc_obj(&e, NULL);
        json_enc_str(&e, "reason", core_reason_name(note->reason));
        if (note->unlisted != NULL) {
            note_recipient(flow, &e, note->unlisted);
        } else if (note->told != CORE_NOTE_MONITOR) {
            note_recipient(flow, &e, plan->incident.told[note->told].target);
        }
        json_enc_obj_end(&e);
    }
    note_notifications(flow, &e);
    json_enc_arr_end(&e);
    return out->p;
}

static bool is_worth_a_record(const struct core_plan *plan, const struct core_event *event)
{
    return event->type != CORE_EVENT_RESULT || !event->result.is_ok ||
           plan->reason != CORE_REASON_STAYS_OK || plan->note_count > 0 ||
           plan->run != CORE_RUN_APPLIED;
}

static void add_record(struct flow *flow, const struct flow_monitor *monitor,
                       enum core_state state_before, const struct flow_cause *cause)
{
    const struct core_plan *plan = flow->plan;
    TC_CLEANUP(buf_freep) struct buf notes;
    buf_init(&notes, LIMIT_AUDIT_RECORD_BYTES);
    const char *notes_text = notes_of(flow, &notes);
    struct audit_entry entry = {.kind = cause->kind,
                                .reason = core_reason_name(plan->reason),
                                .monitor_id = monitor->id,
                                .incident_id = monitor->row.incident_id,
                                .from = state_names[state_before],
                                .to = state_names[plan->monitor.state],
                                .type = cause->action,
                                .actor = cause->actor,
                                .via = cause->via,
                                .runner = cause->runner == NULL ? cause->by : cause->runner->name,
                                .spool_rank = cause->runner == NULL ? 0 : cause->runner->spool_rank,
                                .number = cause->number,
                                .message = cause->message,
                                .before = cause->before,
                                .after = cause->after,
                                .notes = notes_text};
    if (plan->incident_change != CORE_INCIDENT_NONE) {
        entry.incident_id = plan->incident.id;
    }
    flow_record(flow, &entry);
}

/* --- The decision ---------------------------------------------------------------------------- */

static void apply_monitor(struct flow *flow, struct flow_monitor *monitor,
                          const struct core_event *event, const struct flow_cause *cause)
{
    const struct core_plan *plan = flow->plan;
    struct flow_touched_monitor *touched = flow_touch_monitor(flow, monitor);
    bool is_run = plan->run == CORE_RUN_APPLIED && event->type == CORE_EVENT_RESULT;
    bool is_first = false; /* after a NULL: written at once, a NULL read later is a new one */
    monitor->row.core = plan->monitor;
    if (is_run) {
        flow_set_text(&monitor->row.last_message, touched->before.last_message,
                      mem_strdup(cause->message));
        if (plan->monitor.last_run_utc_ms != CORE_NEVER) {
            is_first = monitor->row.run_asked_utc_ms != CORE_NEVER;
            monitor->row.run_asked_utc_ms = CORE_NEVER;
        }
    }
    if (plan->monitor.acknowledged_utc_ms == CORE_NEVER) {
        flow_set_text(&monitor->row.acknowledged_by, touched->before.acknowledged_by, NULL);
        flow_set_text(&monitor->row.ack_note, touched->before.ack_note, NULL);
    }
    touched->needs_decide = touched->needs_decide || plan->is_monitor_changed || is_first;
    if (is_run && !touched->needs_decide) {
        monitor->is_seen = true;
        if (!monitor->is_listed) { /* twice would be two writes of one version */
            monitor->is_listed = true;
            *FLOW_LIST_ADD(flow->seen) = monitor->id;
        }
    }
}

static void apply_cancels(struct flow *flow)
{
    const struct core_plan *plan = flow->plan;
    for (size_t i = 0; i < plan->cancel_count; i++) {
        const struct core_cancel *cancel = &plan->cancels[i];
        flow_cancel(flow, plan->incident.id, cancel, plan->incident.told[cancel->told].target);
    }
}

static void apply_notifications(struct flow *flow, const struct flow_monitor *monitor,
                                const struct flow_cause *cause)
{
    const struct core_plan *plan = flow->plan;
    struct flow_incident *incident = flow_find_incident(flow, plan->incident.id);
    for (size_t i = 0; i < plan->notification_count; i++) {
        TC_ASSERT(incident != NULL);
        flow_enqueue(flow, monitor, incident, &plan->notifications[i],
                     plan->incident.told[plan->notifications[i].told].target, cause);
    }
    bool is_failing = plan->monitor.state == CORE_ALERT && cause->message != NULL;
    if (plan->notification_count > 0 && is_failing) {
        struct flow_touched_incident *touched = flow_touch_incident(flow, incident);
        flow_set_text(&incident->heard, touched->heard_before, mem_strdup(cause->message));
        incident->heard_utc_ms = cause->started_utc_ms + cause->duration_ms;
    }
}

void flow_decide(struct flow *flow, struct flow_monitor *monitor, const struct core_event *event,
                 const struct flow_cause *cause, enum core_reason *ret_reason, bool *ret_is_refused)
{
    struct core_view view;
    view_gather(flow, monitor, event, &view);
    struct core_plan *plan = flow->plan;
    int code = core_decide(&view, event, flow->batch.now_utc_ms, plan);
    TC_ASSERT(code == TC_OK);
    if (ret_reason != NULL) {
        *ret_reason = plan->reason;
    }
    if (ret_is_refused != NULL) {
        *ret_is_refused = plan->is_refused;
    }
    enum core_state state_before = view.monitor.state;
    bool has_record = is_worth_a_record(plan, event);
    if (!plan->is_refused) {
        if (plan->incident_change != CORE_INCIDENT_NONE) {
            (void)flow_touch_monitor(flow, monitor); /* before anything of it changes */
            apply_incident(flow, monitor, cause);
            apply_cancels(flow);
            apply_notifications(flow, monitor, cause);
        }
        if (plan->run != CORE_RUN_HISTORY) {
            apply_monitor(flow, monitor, event, cause);
        }
    }
    if (has_record) {
        add_record(flow, monitor, state_before, cause);
    }
    if (plan->run != CORE_RUN_NONE) {
        bool is_ok = event->type == CORE_EVENT_RESULT && event->result.is_ok;
        add_run(flow, monitor, is_ok, cause, has_record);
    }
}

/* The end of a delivery has a record of its own; this one tells what else followed from it. */
static void record_delivery(struct flow *flow, const struct outbox_item *item)
{
    TC_CLEANUP(buf_freep) struct buf notes;
    buf_init(&notes, LIMIT_AUDIT_RECORD_BYTES);
    struct audit_entry entry = {.kind = "notification",
                                .reason = core_reason_name(flow->plan->reason),
                                .monitor_id = item->monitor_id,
                                .incident_id = item->incident_id,
                                .notification_id = item->id,
                                .notes = notes_of(flow, &notes)};
    flow_record(flow, &entry);
}

void flow_decide_delivery(struct flow *flow, const struct outbox_item *item,
                          enum core_delivery step)
{
    struct flow_incident *incident = flow_find_incident(flow, item->incident_id);
    if (incident == NULL) {
        return;
    }
    struct core_event event = {
        .type = CORE_EVENT_DELIVERY,
        .delivery = {.kind = item->kind, .step = step, .round = item->round}};
    int code = str_copy(event.delivery.target, sizeof(event.delivery.target), item->recipient);
    TC_ASSERT(code == TC_OK);
    struct core_view view = {.is_known = true,
                             .monitor = {.id = item->monitor_id},
                             .recipients = CORE_RECIPIENTS_NOBODY};
    view_incident(flow, incident, &view);
    struct core_plan *plan = flow->plan;
    code = core_decide(&view, &event, flow->batch.now_utc_ms, plan);
    TC_ASSERT(code == TC_OK);
    TC_ASSERT(!plan->is_monitor_changed);
    TC_ASSERT(plan->notification_count == 0);
    if (plan->incident_change != CORE_INCIDENT_NONE) {
        write_incident(flow, incident);
        apply_cancels(flow);
    }
    if (plan->note_count > 0) {
        record_delivery(flow, item);
    }
}
