/* Edits by hand: reading rows anew, telling the core what changed, and what an unusable row leads
 * to. */
#include "router/flow/edit.h"

#include <stdio.h>

#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "router/flow/assign.h"
#include "router/flow/batch.h"
#include "router/flow/change.h"
#include "router/flow/expect.h"
#include "router/flow/plan.h"
#include "router/flow/report.h"

enum {
    CHANGES_MAX = 1000, /* notices of one look */
};

/* --- Reading --------------------------------------------------------------------------------- */

static int take_monitor(void *ctx, const void *stored)
{
    flow_row_read(stored, ctx);
    return TC_OK;
}

struct schedules {
    struct flow *flow;
    struct flow_setup *setup;
};

static int take_schedule(void *ctx, const void *stored)
{
    struct schedules *schedules = ctx;
    flow_setup_add_schedule(schedules->setup, stored, schedules->flow->zones);
    return TC_OK;
}

int flow_read_row(struct flow *flow, uint32_t id, struct flow_row *ret_row, struct err *err)
{
    struct flow_row row = {.setup = NULL};
    struct store_filter filter = {.id = id};
    int code = store_read(flow->options.store, STORE_MONITOR, &filter, take_monitor, &row, err);
    if (code == TC_OK && row.setup != NULL) {
        struct schedules schedules = {.flow = flow, .setup = row.setup};
        code = store_read(flow->options.store, STORE_CRONS_OF_MONITOR, &filter, take_schedule,
                          &schedules, err);
    }
    if (code != TC_OK) {
        flow_row_free(&row);
        return code;
    }
    if (row.setup != NULL) {
        flow_setup_check(row.setup);
    }
    *ret_row = row;
    return TC_OK;
}

int flow_queue_edit(struct flow *flow, uint32_t id, bool is_first, struct err *err)
{
    struct flow_row row;
    int code = flow_read_row(flow, id, &row, err);
    if (code != TC_OK) {
        return code;
    }
    struct flow_event *event = flow_event_new(FLOW_EDIT);
    event->monitor_id = id;
    event->row = row;
    const struct flow_monitor *known = flow_find_monitor(flow, id);
    event->known_version = known == NULL ? 0 : known->row.version;
    if (is_first) {
        flow_queue_add_first(&flow->queue, event);
    } else {
        flow_queue_add(&flow->queue, event);
    }
    return TC_OK;
}

struct notices {
    FLOW_LIST(uint32_t) monitors;
    FLOW_LIST(uint64_t) seqs;
    const struct flow *flow;
};

static bool is_noticed(const struct flow *flow, uint64_t seq)
{
    for (size_t i = flow->notices.count; i > 0; i--) {
        if (flow->notices.items[i - 1] == seq) {
            return true;
        }
    }
    return false;
}

static int take_notice(void *ctx, const void *stored)
{
    const struct store_change *change = stored;
    struct notices *notices = ctx;
    if (is_noticed(notices->flow, change->seq)) {
        return TC_OK;
    }
    *FLOW_LIST_ADD(notices->seqs) = change->seq;
    if (change->monitor_id == 0) {
        return TC_OK;
    }
    for (size_t i = notices->monitors.count; i > 0 && i + 64 > notices->monitors.count; i--) {
        if (notices->monitors.items[i - 1] == change->monitor_id) {
            return TC_OK; /* noticed a moment ago */
        }
    }
    *FLOW_LIST_ADD(notices->monitors) = change->monitor_id;
    return TC_OK;
}

/* All that are there, not those above the last one: transactions of hands may end in another order than
 * they began in, and a low number can appear late. */
int flow_poll_changes(struct flow *flow, struct err *err)
{
    struct notices notices = {.flow = flow};
    struct store_filter filter = {.limit = CHANGES_MAX};
    int code = store_read(flow->options.store, STORE_CHANGES, &filter, take_notice, &notices, err);
    for (size_t i = 0; code == TC_OK && i < notices.monitors.count; i++) {
        /* Before what waits: the row does not know of it, and would take it back. */
        code = flow_queue_edit(flow, notices.monitors.items[i], true, err);
    }
    for (size_t i = 0; code == TC_OK && i < notices.seqs.count; i++) {
        *FLOW_LIST_ADD(flow->notices) = notices.seqs.items[i];
    }
    mem_free(notices.monitors.items);
    mem_free(notices.seqs.items);
    return code;
}

/* --- Unusable rows --------------------------------------------------------------------------- */

static bool is_same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && str_eq(a, b));
}

static void fail_config(struct flow *flow, struct flow_monitor *monitor)
{
    struct core_event result = {.type = CORE_EVENT_RESULT,
                                .result = {.is_config = true,
                                           .generation = monitor->row.generation,
                                           .current_generation = monitor->row.generation,
                                           .scheduled_utc_ms = CORE_NEVER,
                                           .started_utc_ms = flow->batch.now_utc_ms}};
    struct flow_cause cause = {.kind = "result",
                               .message = monitor->row.setup->problem,
                               .reason = "config",
                               .by = "router",
                               .scheduled_utc_ms = CORE_NEVER,
                               .started_utc_ms = flow->batch.now_utc_ms};
    flow_decide(flow, monitor, &result, &cause, NULL, NULL);
}

void flow_check_setup(struct flow *flow, struct flow_monitor *monitor,
                      const struct flow_setup *before, bool was_active)
{
    const struct flow_setup *setup = monitor->row.setup;
    bool is_told = before != NULL && was_active && is_same(before->problem, setup->problem);
    bool is_active = monitor->row.core.is_active;
    if (setup->problem != NULL && is_active && !is_told) {
        fail_config(flow, monitor);
    }
    bool is_people_told = before != NULL && is_same(before->people_problem, setup->people_problem);
    if (is_people_told || setup->is_internal) {
        return;
    }
    if (setup->people_problem == NULL) {
        flow_report_config(flow, monitor->id, true, "its recipients can be read again");
        return;
    }
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, LIMIT_MESSAGE_BYTES);
    buf_add_fmt(&text, "monitor %u (%s): %s", monitor->id, setup->name, setup->people_problem);
    flow_report_config(flow, monitor->id, false, text.p);
}

/* --- Applying -------------------------------------------------------------------------------- */

/* A row that differs in everything, so that all of it is told. */
static struct core_monitor unlike(const struct core_monitor *row)
{
    return (struct core_monitor){
        .is_active = !row->is_active,
        .state = row->state == CORE_OK ? CORE_ALERT : CORE_OK,
        .ok_count = row->ok_count + 1,
        .failure_count = row->failure_count + 1,
        .required_oks = row->required_oks + 1,
        .required_failures = row->required_failures + 1,
        .reminder_minutes = row->reminder_minutes + 1,
        .last_run_utc_ms = row->last_run_utc_ms == CORE_NEVER ? 0 : CORE_NEVER,
        .last_notification_utc_ms = row->last_notification_utc_ms == CORE_NEVER ? 0 : CORE_NEVER,
        .acknowledged_utc_ms = row->acknowledged_utc_ms == CORE_NEVER ? 0 : CORE_NEVER,
        .ack_expires_utc_ms = row->ack_expires_utc_ms == CORE_NEVER ? 0 : CORE_NEVER};
}

static void decide_edit(struct flow *flow, struct flow_monitor *monitor,
                        const struct flow_event *event, const struct flow_setup *setup_before)
{
    TC_CLEANUP(buf_freep) struct buf before_text;
    TC_CLEANUP(buf_freep) struct buf after_text;
    buf_init(&before_text, LIMIT_AUDIT_RECORD_BYTES / 2);
    buf_init(&after_text, LIMIT_AUDIT_RECORD_BYTES / 2);
    struct flow_change change;
    flow_change_start(&change, flow, &before_text, &after_text);
    struct core_event edit = {.type = CORE_EVENT_EDIT};
    edit.edit.is_deleted = event->row.setup == NULL;
    edit.edit.before = monitor->touched->before.core;
    if (monitor->touched->is_new) {
        edit.edit.before = monitor->row.core;
        edit.edit.before.state = CORE_OK;
        edit.edit.before.is_active = true;
        edit.edit.before.acknowledged_utc_ms = CORE_NEVER;
        edit.edit.before.ack_expires_utc_ms = CORE_NEVER;
    }
    struct core_monitor other = unlike(&monitor->row.core);
    bool is_new = monitor->touched->is_new;
    flow_change_core(&change, is_new ? &other : &edit.edit.before, &monitor->row.core);
    flow_change_setup(&change, setup_before, event->row.setup);
    flow_change_end(&change);
    struct flow_cause cause = {.kind = "edit",
                               .scheduled_utc_ms = CORE_NEVER,
                               .before = is_new ? NULL : before_text.p,
                               .after = after_text.p};
    flow_decide(flow, monitor, &edit, &cause, NULL, NULL);
}

/* Rows of CronJobs may be written anew with the same text: commands remove them by id and version. */
static void take_schedule_rows(struct flow_monitor *monitor, const struct flow_setup *read)
{
    struct flow_setup *own = monitor->row.setup;
    if (monitor->touched != NULL && monitor->touched->before.setup != own) {
        return; /* a command of this batch wants others: it finds out when it is written */
    }
    for (size_t i = 0; i < own->schedule_count; i++) {
        own->schedules[i].id = read->schedules[i].id;
        own->schedules[i].version = read->schedules[i].version;
    }
}

/* Put the row that was read in the place of what memory has. */
static void take_row(struct flow *flow, struct flow_monitor *monitor, const struct flow_row *row)
{
    struct flow_touched_monitor *touched = flow_touch_monitor(flow, monitor);
    struct flow_row *own = &monitor->row;
    /* Its write-back is late: the row does not know of the last run yet. */
    int64_t last_run_utc_ms = own->core.last_run_utc_ms;
    bool is_newer = monitor->is_seen && row->core.last_run_utc_ms != CORE_NEVER &&
                    row->core.last_run_utc_ms < last_run_utc_ms;
    if (own->setup != touched->before.setup) {
        (void)flow_setup_free(own->setup); /* always NULL */
    }
    own->setup = flow_setup_copy(row->setup);
    own->core = row->core;
    own->version = row->version;
    if (is_newer) {
        own->core.last_run_utc_ms = last_run_utc_ms;
    } else {
        flow_set_text(&own->last_message, touched->before.last_message,
                      mem_strdup(row->last_message));
    }
    flow_set_text(&own->acknowledged_by, touched->before.acknowledged_by,
                  mem_strdup(row->acknowledged_by));
    flow_set_text(&own->ack_note, touched->before.ack_note, mem_strdup(row->ack_note));
    if (row->generation != own->generation || row->runner_id != own->runner_id) {
        touched->needs_decide = true; /* those are the router's own: written back */
    }
}

static struct flow_monitor *make_monitor(struct flow *flow, const struct flow_event *event)
{
    struct flow_row row = event->row;
    row.setup = flow_setup_copy(event->row.setup);
    row.last_message = mem_strdup(event->row.last_message);
    row.acknowledged_by = mem_strdup(event->row.acknowledged_by);
    row.ack_note = mem_strdup(event->row.ack_note);
    row.runner_id = 0;
    if (flow->ids.monitor < event->monitor_id) {
        flow->ids.monitor = event->monitor_id; /* its number is not for another one, ever */
    }
    return flow_add_monitor(flow, &row);
}

static void remove_monitor(struct flow *flow, struct flow_monitor *monitor,
                           const struct flow_event *event)
{
    struct flow_touched_monitor *touched = flow_touch_monitor(flow, monitor);
    decide_edit(flow, monitor, event, monitor->row.setup);
    flow_report_config(flow, monitor->id, true, "its monitor is gone");
    touched->is_removed = true;
    touched->is_gone = true;
    struct flow_runner *runner = flow_runner_with_id(flow, monitor->row.runner_id);
    if (runner != NULL) {
        *FLOW_LIST_ADD(runner->dirty) = monitor->id;
    }
}

static void ask_for_run(struct flow *flow, struct flow_monitor *monitor)
{
    if (monitor->row.core.last_run_utc_ms != CORE_NEVER || monitor->row.setup->is_internal) {
        monitor->row.run_asked_utc_ms = CORE_NEVER;
    } else if (monitor->row.run_asked_utc_ms == CORE_NEVER) {
        monitor->row.run_asked_utc_ms = flow->batch.now_utc_ms;
        flow_mark_dirty(flow, monitor);
    }
}

void flow_apply_edit(struct flow *flow, const struct flow_event *event)
{
    struct flow_monitor *monitor = flow_find_monitor(flow, event->monitor_id);
    if (monitor != NULL && event->row.setup != NULL && monitor->row.version == event->row.version) {
        const struct flow_setup *now = monitor->row.setup;
        const struct flow_setup *read = event->row.setup;
        if (flow_setup_runs_alike(now, read)) { /* noticed before */
            take_schedule_rows(monitor, read);
            return;
        }
    }
    if (monitor == NULL && event->row.setup == NULL) {
        return;
    }
    if (monitor != NULL && flow_live_monitor(flow, event->monitor_id) == NULL) {
        return; /* removed by the batch at hand; if it is there all the same, that does not commit */
    }
    if (monitor != NULL && event->row.setup != NULL && event->row.version < monitor->row.version &&
        event->known_version != monitor->row.version) {
        return; /* read before what memory has; a later notice follows, if there is more */
    }
    if (event->row.setup == NULL) {
        remove_monitor(flow, monitor, event);
        return;
    }
    TC_CLEANUP(flow_setup_freep) struct flow_setup *before = NULL;
    if (monitor == NULL) {
        monitor = make_monitor(flow, event);
    } else {
        before = flow_setup_copy(monitor->row.setup); /* it may go with take_row */
        take_row(flow, monitor, &event->row);
    }
    bool was_active = before != NULL && monitor->touched->before.core.is_active;
    decide_edit(flow, monitor, event, before);
    flow_check_setup(flow, monitor, before, was_active);
    flow_assign(flow, monitor);
    ask_for_run(flow, monitor);
    flow_expect(flow, monitor, flow->batch.now_utc_ms);
}

void flow_apply_catch_up(struct flow *flow, const struct flow_event *event)
{
    struct flow_monitor *monitor = flow_live_monitor(flow, event->monitor_id);
    if (monitor == NULL) {
        return;
    }
    const struct flow_incident *incident = flow_find_incident(flow, monitor->row.incident_id);
    bool was_alert = incident != NULL && incident->row.end == CORE_END_OPEN;
    struct core_event edit = {
        .type = CORE_EVENT_EDIT,
        .edit = {.before = monitor->row.core, .is_deleted = monitor->is_gone}};
    edit.edit.before.state = was_alert ? CORE_ALERT : CORE_OK;
    if (!was_alert) {
        edit.edit.before.acknowledged_utc_ms = CORE_NEVER;
        edit.edit.before.ack_expires_utc_ms = CORE_NEVER;
    }
    TC_CLEANUP(buf_freep) struct buf ignored;
    TC_CLEANUP(buf_freep) struct buf after_text;
    buf_init(&ignored, LIMIT_AUDIT_RECORD_BYTES);
    buf_init(&after_text, LIMIT_AUDIT_RECORD_BYTES / 2);
    struct flow_change change;
    flow_change_start(&change, flow, &ignored, &after_text);
    if (!monitor->is_gone) {
        struct core_monitor other = unlike(&monitor->row.core);
        flow_change_core(&change, &other, &monitor->row.core);
        flow_change_setup(&change, NULL, monitor->row.setup);
    }
    flow_change_end(&change);
    struct flow_cause cause = {
        .kind = "edit", .scheduled_utc_ms = CORE_NEVER, .after = after_text.p};
    struct flow_touched_monitor *touched = flow_touch_monitor(flow, monitor);
    flow_decide(flow, monitor, &edit, &cause, NULL, NULL);
    touched->is_removed = touched->is_gone = monitor->is_gone;
}

/* A router that starts says nothing twice: only what no incident tells yet. */
void flow_apply_recheck(struct flow *flow, const struct flow_event *event)
{
    struct flow_monitor *monitor = flow_live_monitor(flow, event->monitor_id);
    if (monitor == NULL) {
        return;
    }
    const struct flow_setup *setup = monitor->row.setup;
    char name[FLOW_RESERVED_NAME_BYTES];
    const struct flow_monitor *reserved =
        flow_reserved_monitor(flow, flow_config_name(monitor->id, name));
    bool is_people_told = reserved != NULL && reserved->row.core.state == CORE_ALERT;
    struct flow_setup known = {.problem =
                                   monitor->row.core.state == CORE_ALERT ? setup->problem : NULL,
                               .people_problem = is_people_told ? setup->people_problem : NULL};
    flow_check_setup(flow, monitor, &known, true);
}
