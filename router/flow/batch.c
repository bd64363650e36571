/* Touching, writing, keeping and undoing: the memory of the flow changes together with the
 * database or not at all. Called by everything that applies events, and by turn.c. */
#include "router/flow/batch.h"

#include <stdio.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "router/flow/command.h"
#include "router/flow/deliver.h"

/* --- Touching -------------------------------------------------------------------------------- */

void flow_batch_start(struct flow *flow)
{
    struct flow_batch *batch = &flow->batch;
    store_batch_reset(&batch->rows);
    TC_ASSERT(batch->monitors.count == 0);
    TC_ASSERT(batch->deliveries == NULL);
    batch->chain_before = flow->chain;
    batch->ids_before = flow->ids;
    batch->stats_before = flow->stats;
    batch->is_open = true;
    batch->run_count = 0;
    batch->notice_count = 0;
    digest_start(&batch->runs);
}

struct flow_touched_monitor *flow_touch_monitor(struct flow *flow, struct flow_monitor *monitor)
{
    if (monitor->touched == NULL) {
        struct flow_touched_monitor *touched = mem_alloc(sizeof(*touched));
        touched->monitor = monitor;
        touched->before = monitor->row;
        monitor->touched = touched;
        /* NOLINTNEXTLINE(bugprone-sizeof-expression): a list of pointers */
        *FLOW_LIST_ADD(flow->batch.monitors) = touched;
    }
    return monitor->touched;
}

struct flow_touched_incident *flow_touch_incident(struct flow *flow, struct flow_incident *incident)
{
    if (incident->touched == NULL) {
        struct flow_touched_incident *touched = mem_alloc(sizeof(*touched));
        touched->incident = incident;
        touched->before = incident->row;
        touched->heard_before = incident->heard;
        touched->heard_utc_ms_before = incident->heard_utc_ms;
        incident->touched = touched;
        /* NOLINTNEXTLINE(bugprone-sizeof-expression): a list of pointers */
        *FLOW_LIST_ADD(flow->batch.incidents) = touched;
    }
    return incident->touched;
}

struct flow_touched_runner *flow_touch_runner(struct flow *flow, struct flow_runner *runner)
{
    if (runner->touched == NULL) {
        struct flow_touched_runner *touched = mem_alloc(sizeof(*touched));
        touched->runner = runner;
        touched->before = (struct flow_runner_state){.spool_rank = runner->spool_rank,
                                                     .seq = runner->seq,
                                                     .connection = runner->connection,
                                                     .boot_id = runner->boot_id,
                                                     .late_mono_ms = runner->late_mono_ms,
                                                     .needs_welcome = runner->needs_welcome,
                                                     .is_welcome = runner->is_welcome,
                                                     .dropped = runner->dropped,
                                                     .refused_count = runner->refused.count};
        memcpy(touched->before.spool_id, runner->spool_id, sizeof(runner->spool_id));
        memcpy(touched->before.boots_before, runner->boots_before, sizeof(runner->boots_before));
        runner->touched = touched;
        /* NOLINTNEXTLINE(bugprone-sizeof-expression): a list of pointers */
        *FLOW_LIST_ADD(flow->batch.runners) = touched;
    }
    return runner->touched;
}

struct flow_touched_delivery *flow_touch_delivery(struct flow *flow, uint64_t id)
{
    struct flow_touched_delivery *touched = flow_find_touched(flow, id);
    if (touched == NULL) {
        const struct outbox_item *item = outbox_find(flow->outbox, id);
        TC_ASSERT(item != NULL);
        touched = mem_alloc(sizeof(*touched));
        touched->id = id;
        touched->before = *item;
        touched->row = (struct store_notification){
            .id = id,
            .status = item->leased_until_utc_ms == CORE_NEVER ? STORE_QUEUED : STORE_LEASED,
            .attempt = (uint32_t)item->attempts,
            .round = item->round,
            .is_collapsed = item->is_collapsed,
            .is_uncertain = item->is_uncertain,
            .next_utc_ms = item->due_utc_ms,
            .lease_utc_ms = item->leased_until_utc_ms,
            .finished_utc_ms = CORE_NEVER};
        flow_put_touched(flow, touched);
    }
    return touched;
}

struct flow_monitor *flow_add_monitor(struct flow *flow, const struct flow_row *row)
{
    struct flow_monitor *monitor = mem_alloc(sizeof(*monitor));
    monitor->id = row->core.id;
    monitor->row = *row;
    flow_put_monitor(flow, monitor);
    struct flow_touched_monitor *touched = flow_touch_monitor(flow, monitor);
    touched->is_new = true;
    touched->before = (struct flow_row){.setup = NULL};
    return monitor;
}

struct flow_incident *flow_add_incident(struct flow *flow, const struct store_incident *row)
{
    struct flow_incident *incident = mem_alloc(sizeof(*incident));
    incident->row = *row;
    flow_put_incident(flow, incident);
    struct flow_touched_incident *touched = flow_touch_incident(flow, incident);
    touched->is_new = true;
    touched->before = (struct store_incident){.id = row->id};
    return incident;
}

struct flow_runner *flow_add_runner(struct flow *flow, const char *name)
{
    struct flow_runner *runner = mem_alloc(sizeof(*runner));
    int code = str_copy(runner->name, sizeof(runner->name), name);
    TC_ASSERT(code == TC_OK);
    runner->id = (uint32_t)++flow->ids.runner;
    flow_put_runner(flow, runner);
    flow_touch_runner(flow, runner)->is_new = true;
    return runner;
}

struct flow_touched_delivery *flow_add_delivery(struct flow *flow, const struct outbox_item *item)
{
    outbox_add(flow->outbox, item);
    struct flow_touched_delivery *touched = flow_touch_delivery(flow, item->id);
    touched->is_new = true;
    return touched;
}

void flow_set_text(char **slot, const char *before, char *text)
{
    if (*slot != before) {
        mem_free(*slot);
    }
    *slot = text;
}

const char *flow_keep_text(struct flow *flow, char *text)
{
    *FLOW_LIST_ADD(flow->batch.texts) = text;
    return text;
}

/* --- Writing --------------------------------------------------------------------------------- */

static struct store_monitor monitor_row(const struct flow_monitor *monitor, uint64_t version)
{
    const struct flow_row *row = &monitor->row;
    const struct flow_setup *setup = row->setup;
    return (struct store_monitor){.core = row->core,
                                  .version = version,
                                  .uuid = setup->uuid,
                                  .name = setup->name,
                                  .check_name = setup->check_name,
                                  .php_class = setup->php_class,
                                  .params = setup->params,
                                  .timeout_seconds = setup->timeout_seconds,
                                  .runs_on = setup->runs_on,
                                  .people_to_notify = setup->people,
                                  .severity = setup->severity,
                                  .labels = setup->labels,
                                  .runbook_url = setup->runbook_url,
                                  .created_utc_ms = setup->created_utc_ms,
                                  .last_result_message = row->last_message,
                                  .acknowledged_by = row->acknowledged_by,
                                  .ack_note = row->ack_note,
                                  .generation = row->generation,
                                  .runner_id = row->runner_id};
}

static void write_monitor(struct flow *flow, struct flow_touched_monitor *touched)
{
    struct flow_monitor *monitor = touched->monitor;
    struct flow_row *row = &monitor->row;
    struct store_batch *rows = &flow->batch.rows;
    if (touched->is_removed) {
        struct store_key key = {.id = monitor->id, .version = row->version};
        if (!touched->is_new && !touched->is_gone) {
            store_batch_monitor_remove(rows, &key);
        }
        return;
    }
    if (touched->is_new && row->version == 0) {
        struct store_monitor added = monitor_row(monitor, 0);
        store_batch_monitor_add(rows, &added);
        row->version = 1; /* what was decided of it follows, as for any other */
        touched->needs_configure = false;
    }
    if (touched->needs_configure) {
        struct store_monitor configured = monitor_row(monitor, row->version);
        store_batch_monitor_configure(rows, &configured);
        row->version++;
    }
    if (touched->needs_decide) {
        struct store_monitor decided = monitor_row(monitor, row->version);
        store_batch_monitor_decide(rows, &decided);
        row->version++;
        monitor->is_seen = false;
    }
}

static void write_delivery(struct flow *flow, const struct flow_touched_delivery *touched)
{
    if (touched->is_new) {
        store_batch_notification_add(&flow->batch.rows, &touched->row);
    } else {
        store_batch_notification_set(&flow->batch.rows, &touched->row);
    }
}

static void write_runner(struct flow *flow, const struct flow_touched_runner *touched)
{
    const struct flow_runner *runner = touched->runner;
    struct store_runner row = {.id = runner->id,
                               .name = runner->name,
                               .spool_id = runner->spool_id,
                               .spool_rank = runner->spool_rank,
                               .seq = runner->seq,
                               .labels = runner->labels,
                               .checks = runner->checks,
                               .program_version = runner->program_version,
                               .last_seen_utc_ms = flow->batch.now_utc_ms};
    if (touched->is_new) {
        store_batch_runner_add(&flow->batch.rows, &row);
        return;
    }
    if (touched->needs_set) {
        store_batch_runner_set(&flow->batch.rows, &row);
    }
    if (runner->spool_rank != touched->before.spool_rank || runner->seq != touched->before.seq) {
        struct store_cursor cursor = {.id = runner->id,
                                      .was_rank = touched->before.spool_rank,
                                      .was_seq = touched->before.seq,
                                      .spool_id = runner->spool_id,
                                      .spool_rank = runner->spool_rank,
                                      .seq = runner->seq};
        store_batch_cursor_set(&flow->batch.rows, &cursor);
    }
}

void flow_batch_write(struct flow *flow)
{
    struct flow_batch *batch = &flow->batch;
    for (size_t i = 0; i < batch->monitors.count; i++) {
        write_monitor(flow, batch->monitors.items[i]);
    }
    for (size_t i = 0; i < batch->incidents.count; i++) {
        const struct flow_touched_incident *touched = batch->incidents.items[i];
        if (touched->is_new) {
            store_batch_incident_add(&batch->rows, &touched->incident->row);
        } else {
            store_batch_incident_set(&batch->rows, &touched->incident->row);
        }
    }
    for (const struct flow_touched_delivery *one = batch->deliveries; one != NULL;
         one = one->hh.next) {
        write_delivery(flow, one);
    }
    for (size_t i = 0; i < batch->runners.count; i++) {
        write_runner(flow, batch->runners.items[i]);
    }
    for (size_t i = 0; i < batch->notice_count; i++) {
        struct store_key key = {.id = flow->notices.items[i]};
        store_batch_changes_done(&batch->rows, &key);
    }
}

/* --- Ending ---------------------------------------------------------------------------------- */

/* Free the texts of one that the other does not have as well. */
static void row_free_other(struct flow_row *old, const struct flow_row *kept)
{
    if (old->setup != kept->setup) {
        (void)flow_setup_free(old->setup); /* always NULL */
    }
    if (old->last_message != kept->last_message) {
        mem_free(old->last_message);
    }
    if (old->acknowledged_by != kept->acknowledged_by) {
        mem_free(old->acknowledged_by);
    }
    if (old->ack_note != kept->ack_note) {
        mem_free(old->ack_note);
    }
}

static void text_free_other(const char *old, const char *kept)
{
    if (old != kept) {
        mem_free_const(old);
    }
}

static void incident_free_other(const struct store_incident *old, const struct store_incident *kept)
{
    text_free_other(old->monitor_name, kept->monitor_name);
    text_free_other(old->told, kept->told);
    text_free_other(old->message, kept->message);
}

static void note_any(void *ctx, const struct outbox_item *item)
{
    (void)item;
    *(bool *)ctx = true;
}

/* A closed incident is known as long as its monitor points to it, since it may be reopened, and as
 * long as something of it is on its way: what becomes of an ALERT decides about the end behind it. */
static void release_incident(struct flow *flow, uint64_t id)
{
    struct flow_incident *incident = flow_find_incident(flow, id);
    if (incident == NULL || incident->row.end == CORE_END_OPEN || incident->touched != NULL) {
        return;
    }
    const struct flow_monitor *monitor = flow_find_monitor(flow, incident->row.monitor_id);
    bool is_on_its_way = false;
    outbox_each_of_incident(flow->outbox, id, note_any, &is_on_its_way);
    if (!is_on_its_way && (monitor == NULL || monitor->row.incident_id != id)) {
        flow_incident_free(flow, incident);
    }
}

static void keep_incident(struct flow_touched_incident *touched)
{
    struct flow_incident *incident = touched->incident;
    incident_free_other(&touched->before, &incident->row);
    text_free_other(touched->heard_before, incident->heard);
    incident->touched = NULL;
    mem_free(touched);
}

static void touched_runner_free(struct flow_touched_runner *touched)
{
    mem_free(touched->labels);
    mem_free(touched->checks);
    mem_free(touched->program_version);
    mem_free(touched);
}

static void batch_end(struct flow *flow)
{
    struct flow_batch *batch = &flow->batch;
    batch->is_open = false;
    for (size_t i = 0; i < batch->texts.count; i++) {
        mem_free(batch->texts.items[i]);
    }
    while (batch->deliveries != NULL) {
        flow_touched_free(flow, batch->deliveries);
    }
    batch->texts.count = 0;
    batch->monitors.count = 0;
    batch->incidents.count = 0;
    batch->runners.count = 0;
}

void flow_batch_keep(struct flow *flow)
{
    struct flow_batch *batch = &flow->batch;
    for (size_t i = 0; i < batch->monitors.count; i++) {
        struct flow_touched_monitor *touched = batch->monitors.items[i];
        struct flow_monitor *monitor = touched->monitor;
        row_free_other(&touched->before, &monitor->row);
        monitor->touched = NULL;
        if (touched->is_removed) {
            flow_monitor_free(flow, monitor);
        }
        mem_free(touched);
    }
    for (size_t i = 0; i < batch->incidents.count; i++) {
        uint64_t id = batch->incidents.items[i]->incident->row.id;
        keep_incident(batch->incidents.items[i]);
        release_incident(flow, id);
    }
    for (size_t i = 0; i < batch->runners.count; i++) {
        batch->runners.items[i]->runner->touched = NULL;
        touched_runner_free(batch->runners.items[i]);
    }
    while (batch->reports.first != NULL) {
        flow_queue_add(&flow->queue, flow_queue_take(&batch->reports));
    }
    for (const struct flow_touched_delivery *one = batch->deliveries; one != NULL;
         one = one->hh.next) {
        if (one->is_finished) {
            outbox_remove(flow->outbox, one->id);
            release_incident(flow, one->before.incident_id);
        }
    }
    batch_end(flow);
}

static void undo_monitor(struct flow *flow, struct flow_touched_monitor *touched)
{
    struct flow_monitor *monitor = touched->monitor;
    monitor->touched = NULL;
    if (touched->is_new) {
        flow_monitor_free(flow, monitor);
    } else {
        row_free_other(&monitor->row, &touched->before);
        monitor->row = touched->before;
    }
    mem_free(touched);
}

static void undo_incident(struct flow *flow, struct flow_touched_incident *touched)
{
    struct flow_incident *incident = touched->incident;
    incident->touched = NULL;
    if (touched->is_new) {
        flow_incident_free(flow, incident);
    } else {
        incident_free_other(&incident->row, &touched->before);
        text_free_other(incident->heard, touched->heard_before);
        incident->row = touched->before;
        incident->heard = touched->heard_before;
        incident->heard_utc_ms = touched->heard_utc_ms_before;
    }
    mem_free(touched);
}

static void swap_text(char **a, char **b)
{
    char *text = *a;
    *a = *b;
    *b = text;
}

/* Results and refusals are counted when they are kept; what else is counted stays. */
static void undo_stats(struct flow *flow)
{
    const struct flow_stats *before = &flow->batch.stats_before;
    flow->stats.results = before->results;
    flow->stats.duplicates = before->duplicates;
    flow->stats.refused = before->refused;
    flow->stats.bad_messages = before->bad_messages;
}

static void undo_runner(struct flow *flow, struct flow_touched_runner *touched)
{
    struct flow_runner *runner = touched->runner;
    runner->touched = NULL;
    if (touched->is_new) {
        flow_runner_free(flow, runner);
        touched_runner_free(touched);
        return;
    }
    const struct flow_runner_state *before = &touched->before;
    memcpy(runner->spool_id, before->spool_id, sizeof(runner->spool_id));
    runner->spool_rank = before->spool_rank;
    runner->seq = before->seq;
    runner->connection = before->connection;
    runner->boot_id = before->boot_id;
    memcpy(runner->boots_before, before->boots_before, sizeof(runner->boots_before));
    runner->late_mono_ms = before->late_mono_ms;
    runner->needs_welcome = before->needs_welcome;
    runner->is_welcome = before->is_welcome;
    runner->dropped = before->dropped;
    runner->refused.count = touched->needs_set ? 0 : before->refused_count;
    if (touched->needs_set) {
        swap_text(&runner->labels, &touched->labels);
        swap_text(&runner->checks, &touched->checks);
        swap_text(&runner->program_version, &touched->program_version);
    }
    touched_runner_free(touched);
}

void flow_batch_undo(struct flow *flow)
{
    struct flow_batch *batch = &flow->batch;
    flow->chain = batch->chain_before;
    flow->ids = batch->ids_before;
    undo_stats(flow);
    flow_probes_forget(flow);
    flow_queue_drop(&batch->reports, batch->reports.count);
    for (size_t i = batch->monitors.count; i-- > 0;) {
        undo_monitor(flow, batch->monitors.items[i]);
    }
    for (size_t i = batch->incidents.count; i-- > 0;) {
        undo_incident(flow, batch->incidents.items[i]);
    }
    for (size_t i = batch->runners.count; i-- > 0;) {
        undo_runner(flow, batch->runners.items[i]);
    }
    for (const struct flow_touched_delivery *one = batch->deliveries; one != NULL;
         one = one->hh.next) {
        if (one->is_new) {
            outbox_remove(flow->outbox, one->id);
        } else {
            outbox_restore(flow->outbox, &one->before);
        }
        if (one->handed_to != 0) {
            flow_sink_refund(flow, one->handed_to);
        }
    }
    for (size_t i = 0; i < batch->replies.count; i++) {
        mem_free(batch->replies.items[i].body);
    }
    batch->replies.count = 0;
    batch_end(flow);
}
