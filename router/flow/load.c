/* Starting: everything that decisions need is read once, what was unfinished goes on. */
#include <inttypes.h>

#include "lib/base/assert.h"
#include "lib/base/backoff.h"
#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/base/tz.h"
#include "lib/sys/clock.h"
#include "router/flow/assign.h"
#include "router/flow/batch.h"
#include "router/flow/command.h"
#include "router/flow/edit.h"
#include "router/flow/expect.h"
#include "router/flow/report.h"
#include "router/flow/retain.h"
#include "router/store/told.h"

enum {
    BODY_BYTES_MAX = LIMIT_FRAME_BYTES,
    KEEP_MS_MAX = 7 * 24 * 3600 * 1000, /* an acknowledgement is kept through flapping so long */
};

/* --- Rows ------------------------------------------------------------------------------------ */

static int take_monitor(void *ctx, const void *stored)
{
    const struct store_monitor *from = stored;
    struct flow *flow = ctx;
    struct flow_monitor *monitor = mem_alloc(sizeof(*monitor));
    monitor->id = from->core.id;
    flow_row_read(from, &monitor->row);
    flow_put_monitor(flow, monitor);
    return TC_OK;
}

static int take_schedule(void *ctx, const void *stored)
{
    const struct store_cron *from = stored;
    struct flow *flow = ctx;
    struct flow_monitor *monitor = flow_find_monitor(flow, from->monitor_id);
    if (monitor != NULL) {
        flow_setup_add_schedule(monitor->row.setup, from, flow->zones);
    }
    return TC_OK;
}

static void catch_up(struct flow *flow, struct flow_monitor *monitor)
{
    if (!monitor->is_changed) {
        monitor->is_changed = true;
        struct flow_event *event = flow_event_new(FLOW_CATCH_UP);
        event->monitor_id = monitor->id;
        flow_queue_add(&flow->queue, event);
    }
}

/* The row of an open incident's monitor is gone: in its place stands what the incident knows, until
 * the deletion is decided and told (docs/spec.md 1.8). */
static struct flow_monitor *stand_in(struct flow *flow, const struct store_incident *incident)
{
    struct store_monitor gone = {.core = {.id = incident->monitor_id,
                                          .is_active = true,
                                          .state = CORE_ALERT,
                                          .last_run_utc_ms = CORE_NEVER,
                                          .last_notification_utc_ms = CORE_NEVER,
                                          .acknowledged_utc_ms = CORE_NEVER,
                                          .ack_expires_utc_ms = CORE_NEVER},
                                 .uuid = "00000000-0000-0000-0000-000000000000",
                                 .name = incident->monitor_name,
                                 .check_name = "heartbeat",
                                 .params = "{}",
                                 .people_to_notify = "[]",
                                 .labels = "{}",
                                 .severity = STORE_CRITICAL,
                                 .timeout_seconds = 60,
                                 .is_params_json = true,
                                 .is_people_json = true,
                                 .is_labels_json = true,
                                 .created_utc_ms = incident->opened_utc_ms};
    (void)take_monitor(flow, &gone); /* always TC_OK */
    struct flow_monitor *monitor = flow_find_monitor(flow, incident->monitor_id);
    monitor->is_gone = true;
    catch_up(flow, monitor);
    return monitor;
}

static void put_incident(struct flow *flow, const struct store_incident *from)
{
    struct flow_incident *incident = mem_alloc(sizeof(*incident));
    incident->row = *from;
    incident->row.monitor_name = mem_strdup(from->monitor_name);
    incident->row.told = mem_strdup(from->told);
    incident->row.message = mem_strdup(from->message);
    incident->row.problem = NULL;
    incident->heard = mem_strdup(from->message);
    incident->heard_utc_ms = from->opened_utc_ms;
    flow_put_incident(flow, incident);
}

/* One that its monitor points to: open, or reopened by the next failure. */
static int take_incident(void *ctx, const void *stored)
{
    const struct store_incident *from = stored;
    struct flow *flow = ctx;
    struct flow_monitor *monitor = flow_find_monitor(flow, from->monitor_id);
    if (store_incident_read(from, flow->scratch, NULL) != TC_OK) {
        return TC_OK; /* spoilt by hand: doctor names it, an alert opens anew */
    }
    if (monitor == NULL && from->end == CORE_END_OPEN) {
        monitor = stand_in(flow, from);
    }
    if (monitor != NULL) {
        put_incident(flow, from);
        monitor->row.incident_id = from->id;
    }
    return TC_OK;
}

/* One that is over while something of it is on its way: what becomes of an ALERT decides about the
 * end behind it (docs/spec.md 1.13). */
static int take_delivering(void *ctx, const void *stored)
{
    const struct store_incident *from = stored;
    struct flow *flow = ctx;
    if (flow_find_incident(flow, from->id) == NULL &&
        store_incident_read(from, flow->scratch, NULL) == TC_OK) {
        put_incident(flow, from);
    }
    return TC_OK;
}

/* A time that can't lie so far ahead was written before the clock was set back. */
static int64_t at_most(int64_t utc_ms, int64_t most_utc_ms)
{
    return utc_ms > most_utc_ms ? most_utc_ms : utc_ms;
}

static int take_notification(void *ctx, const void *stored)
{
    const struct store_notification *from = stored;
    struct flow *flow = ctx;
    int64_t now = clock_now_utc_ms(flow->options.clock);
    int64_t lease_ms = (int64_t)MESSAGE_LEASE_SECONDS * 1000 * flow->options.clock->rate;
    const struct backoff backoff = BACKOFF_DELIVERY;
    int64_t ahead_ms = from->decided_utc_ms > now ? from->decided_utc_ms - now : 0;
    struct outbox_item item = {.id = from->id,
                               .incident_id = from->incident_id,
                               .monitor_id = from->monitor_id,
                               .kind = from->kind,
                               .round = from->round,
                               .is_collapsed = from->is_collapsed,
                               /* Handed over by a router that is gone: nobody knows what of it. */
                               .is_uncertain = from->is_uncertain || from->status == STORE_LEASED,
                               .attempts = (int32_t)from->attempt,
                               .created_utc_ms = from->decided_utc_ms - ahead_ms,
                               .due_utc_ms =
                                   at_most(from->next_utc_ms - ahead_ms, now + backoff.cap_ms),
                               .leased_until_utc_ms = at_most(from->lease_utc_ms, now + lease_ms)};
    char channel[OUTBOX_CHANNEL_BYTES];
    if (str_copy(item.recipient, sizeof(item.recipient), from->recipient) == TC_OK &&
        outbox_split(item.recipient, channel) != NULL) {
        outbox_add(flow->outbox, &item);
    }
    return TC_OK;
}

static int take_runner(void *ctx, const void *stored)
{
    const struct store_runner *from = stored;
    struct flow *flow = ctx;
    struct flow_runner *runner = mem_alloc(sizeof(*runner));
    if (str_copy(runner->name, sizeof(runner->name), from->name) != TC_OK) {
        mem_free(runner);
        return TC_OK;
    }
    runner->id = from->id;
    runner->spool_rank = from->spool_rank;
    runner->seq = from->seq;
    runner->labels = mem_strdup(from->labels);
    runner->checks = mem_strdup(from->checks);
    runner->program_version = mem_strdup(from->program_version);
    runner->heard_mono_ms = clock_mono_us(flow->options.clock) / 1000;
    (void)str_copy(runner->spool_id, sizeof(runner->spool_id),
                   from->spool_id == NULL ? "" : from->spool_id); /* else it is a new spool */
    flow_put_runner(flow, runner);
    return TC_OK;
}

static int take_ids(void *ctx, const void *stored)
{
    struct flow *flow = ctx;
    flow->ids = *(const struct store_ids *)stored;
    return TC_OK;
}

static int take_head(void *ctx, const void *stored)
{
    const struct store_audit *from = stored;
    struct flow *flow = ctx;
    if (from->hash.size != DIGEST_BYTES) {
        return TC_ECORRUPT;
    }
    flow->chain.sequence = from->seq;
    memcpy(flow->chain.head, from->hash.p, DIGEST_BYTES);
    return TC_OK;
}

/* Notices that no router acted on: of rows that hands changed while none ran. */
static int take_change(void *ctx, const void *stored)
{
    const struct store_change *change = stored;
    struct flow *flow = ctx;
    struct flow_monitor *monitor = flow_find_monitor(flow, change->monitor_id);
    if (monitor != NULL) { /* else it is gone, and its incident says so */
        catch_up(flow, monitor);
    }
    return TC_OK;
}

static int take_notice(void *ctx, const void *stored)
{
    struct flow *flow = ctx;
    *FLOW_LIST_ADD(flow->notices) = ((const struct store_change *)stored)->seq;
    return TC_OK;
}

static int take_checkpoint(void *ctx, const void *stored)
{
    struct flow *flow = ctx;
    flow->checkpoint_seq = ((const struct store_checkpoint *)stored)->seq;
    return TC_OK;
}

static int read_all(struct flow *flow, struct err *err)
{
    static const struct {
        store_row_fn fn;
        enum store_view view;
        uint32_t limit;
    } steps[] = {
        /* Notices first: what changes while the rows are read is noticed again. */
        {take_notice, STORE_CHANGES, 0},
        {take_ids, STORE_IDS, 0},
        {take_runner, STORE_RUNNERS, 0},
        {take_monitor, STORE_MONITORS, 0},
        {take_schedule, STORE_CRONS, 0},
        {take_change, STORE_CHANGES, 0},
        {take_incident, STORE_INCIDENTS_OPEN, 0},
        {take_delivering, STORE_INCIDENTS_DELIVERING, 0},
        {take_notification, STORE_NOTIFICATIONS_UNFINISHED, 0},
        {take_head, STORE_AUDIT_NEWEST, 1},
        {take_checkpoint, STORE_CHECKPOINTS, 0},
    };
    int64_t now_utc_ms = clock_now_utc_ms(flow->options.clock);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct store_filter filter = {.limit = steps[i].limit,
                                      .since_utc_ms = now_utc_ms - KEEP_MS_MAX};
        int code = store_read(flow->options.store, steps[i].view, &filter, steps[i].fn, flow, err);
        if (code != TC_OK) {
            return code;
        }
    }
    return TC_OK;
}

/* --- Standing ready -------------------------------------------------------------------------- */

/* Repaired or removed while no router ran: nobody else says so. */
static void check_config_alert(struct flow *flow, const struct flow_monitor *reserved)
{
    const char *check = reserved->row.setup->check;
    if (check == NULL || !str_has_prefix(check, FLOW_CONFIG_PREFIX) ||
        reserved->row.core.state == CORE_OK) {
        return;
    }
    uint64_t id = 0;
    if (parse_whole_u64(check + strlen(FLOW_CONFIG_PREFIX), UINT32_MAX, &id) != TC_OK) {
        return;
    }
    const struct flow_monitor *monitor = flow_find_monitor(flow, (uint32_t)id);
    if (monitor == NULL) {
        flow_report_config(flow, (uint32_t)id, true, "its monitor is gone");
    } else if (monitor->row.setup->people_problem == NULL) {
        flow_report_config(flow, (uint32_t)id, true, "its recipients can be read again");
    }
}

/* What an unusable row leads to was decided when it was first seen; only what nobody saw is new. */
static void check_rows(struct flow *flow)
{
    int64_t now_utc_ms = clock_now_utc_ms(flow->options.clock);
    for (struct flow_monitor *one = flow->monitors; one != NULL; one = one->hh.next) {
        flow_setup_check(one->row.setup);
    }
    for (struct flow_monitor *one = flow->monitors; one != NULL; one = one->hh.next) {
        check_config_alert(flow, one);
        struct flow_row *row = &one->row;
        if (row->core.last_run_utc_ms == CORE_NEVER && !row->setup->is_internal) {
            row->run_asked_utc_ms = now_utc_ms;
        }
        int64_t from =
            row->core.last_run_utc_ms == CORE_NEVER || row->core.last_run_utc_ms > now_utc_ms
                ? now_utc_ms
                : row->core.last_run_utc_ms;
        flow_expect(flow, one, from);
        bool is_new_problem = row->setup->problem != NULL && row->core.state == CORE_OK;
        if ((is_new_problem && row->core.is_active) || row->setup->people_problem != NULL) {
            struct flow_event *event = flow_event_new(FLOW_RECHECK);
            event->monitor_id = one->id;
            flow_queue_add(&flow->queue, event);
        }
    }
}

int flow_new(const struct flow_options *options, struct flow **ret_flow, struct err *err)
{
    struct flow *flow = mem_alloc(sizeof(*flow));
    flow->options = *options;
    flow->outbox = outbox_new();
    flow->zones = tz_cache_new(options->zone_dir);
    flow->plan = mem_alloc(sizeof(*flow->plan));
    flow->scratch = mem_alloc(sizeof(*flow->scratch));
    flow->targets = mem_array(LIMIT_RECIPIENTS, sizeof(*flow->targets));
    buf_init(&flow->body, BODY_BYTES_MAX);
    buf_init(&flow->record, LIMIT_AUDIT_RECORD_BYTES);
    store_batch_init(&flow->batch.rows);
    memcpy(flow->chain.name_key, options->name_key, DIGEST_BYTES);
    flow->stats.is_store_ok = true;
    flow->stats.last_commit_utc_ms = CORE_NEVER;
    int64_t now_utc_ms = clock_now_utc_ms(options->clock);
    flow->deadlines_from_utc_ms = now_utc_ms + FLOW_RESEND_MS; /* none is missed so soon */
    flow->turn_mono_ms = clock_mono_us(options->clock) / 1000;
    int code = read_all(flow, err);
    if (code == TC_OK && options->lease_ms > 0) {
        const struct store_lease wanted = {.shard = options->shard,
                                           .holder = options->holder,
                                           .expires_utc_ms = now_utc_ms + options->lease_ms};
        code = store_take_lease(options->store, &wanted, now_utc_ms, &flow->lease_token, err);
    }
    if (code != TC_OK) {
        (void)flow_free(flow); /* always NULL */
        return code;
    }
    check_rows(flow);
    flow_reassign_all(flow);
    flow_retain_start(flow);
    *ret_flow = flow;
    return TC_OK;
}

static void lists_free(struct flow *flow)
{
    mem_free(flow->batch.monitors.items);
    mem_free(flow->batch.incidents.items);
    mem_free(flow->batch.runners.items);
    mem_free(flow->batch.replies.items);
    mem_free(flow->batch.probes.items);
    mem_free(flow->batch.texts.items);
    mem_free(flow->webs.items);
    mem_free(flow->probes.items);
    mem_free(flow->seen.items);
    mem_free(flow->notices.items);
}

struct flow *flow_free(struct flow *flow)
{
    if (flow == NULL) {
        return NULL;
    }
    flow_queue_drop(&flow->queue, flow->queue.count);
    flow_queue_drop(&flow->batch.reports, flow->batch.reports.count);
    flow_probes_forget(flow);
    while (flow->monitors != NULL) {
        flow_monitor_free(flow, flow->monitors);
    }
    while (flow->incidents != NULL) {
        flow_incident_free(flow, flow->incidents);
    }
    while (flow->runners != NULL) {
        flow_runner_free(flow, flow->runners);
    }
    while (flow->sinks != NULL) {
        flow_sink_free(flow, flow->sinks);
    }
    heap_free(&flow->deadlines);
    heap_free(&flow->expiries);
    store_batch_free(&flow->batch.rows);
    lists_free(flow);
    flow_retain_end(flow);
    (void)outbox_free(flow->outbox);  /* always NULL */
    (void)tz_cache_free(flow->zones); /* always NULL */
    mem_free(flow->plan);
    mem_free(flow->scratch);
    mem_free(flow->targets);
    buf_free(&flow->body);
    buf_free(&flow->record);
    mem_free(flow);
    return NULL;
}

void flow_stats(const struct flow *flow, struct flow_stats *ret_stats)
{
    *ret_stats = flow->stats;
    ret_stats->monitors = HASH_COUNT(flow->monitors);
    ret_stats->alerts = 0;
    for (const struct flow_monitor *one = flow->monitors; one != NULL; one = one->hh.next) {
        ret_stats->alerts += one->row.core.state == CORE_ALERT ? 1 : 0;
    }
    ret_stats->unfinished = outbox_count(flow->outbox);
}
