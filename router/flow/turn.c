/* One turn: what is due is queued, events are applied in batches, each batch is one commit, and only
 * after it anything is answered. A store that is away stops all of this without losing anything:
 * nothing is acknowledged, runners keep what they have. */
#include <inttypes.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/tz.h"
#include "lib/sys/clock.h"
#include "lib/sys/log.h"
#include "router/flow/answer.h"
#include "router/flow/assign.h"
#include "router/flow/batch.h"
#include "router/flow/command.h"
#include "router/flow/deliver.h"
#include "router/flow/edit.h"
#include "router/flow/expect.h"
#include "router/flow/ingest.h"
#include "router/flow/plan.h"
#include "router/flow/report.h"
#include "router/flow/retain.h"

enum {
    BATCHES_A_TURN = 8,
    TRIES = 8,
    NOTICES_A_BATCH = 1000,
    TICK_MS = 1000, /* edits, peers, status */
    SEEN_MS = 1000, /* lastRunDt of OK results may be late by so much */
    CHECKPOINT_MS = 5 * 60 * 1000,
    CHECKPOINT_RECORDS = 1000,
    ZONES_MS = 3600 * 1000,
    OUTAGE_MS = 15 * 1000, /* shorter ones, deadlines have room for */
    STORAGE_MS = 60 * 1000,
    STORAGE_ROOM_MB = 64, /* room for the reserve and some work */
    STORE_WAIT_MS_MIN = 100,
    STORE_WAIT_MS_MAX = 5000,
};

static int64_t mono_ms_of(const struct flow *flow)
{
    return clock_mono_us(flow->options.clock) / 1000;
}

/* --- Applying -------------------------------------------------------------------------------- */

static void apply_reassign(struct flow *flow, const struct flow_event *event)
{
    struct flow_monitor *monitor = flow_live_monitor(flow, event->monitor_id);
    if (monitor != NULL) {
        flow_assign(flow, monitor);
    }
}

static void apply(struct flow *flow, const struct flow_event *event)
{
    switch (event->type) {
    case FLOW_HELLO:
        flow_apply_hello(flow, event);
        return;
    case FLOW_RESULT:
        flow_apply_result(flow, event);
        return;
    case FLOW_REPORT:
        flow_apply_report(flow, event);
        return;
    case FLOW_DEADLINE:
        flow_apply_deadline(flow, event);
        return;
    case FLOW_EXPIRY:
        flow_apply_expiry(flow, event);
        return;
    case FLOW_EDIT:
        flow_apply_edit(flow, event);
        return;
    case FLOW_REASSIGN:
        apply_reassign(flow, event);
        return;
    case FLOW_CATCH_UP:
        flow_apply_catch_up(flow, event);
        return;
    case FLOW_RECHECK:
        flow_apply_recheck(flow, event);
        return;
    case FLOW_OUTCOME:
        flow_apply_outcome(flow, event);
        return;
    case FLOW_COMMAND:
        flow_apply_command(flow, event);
        return;
    }
    TC_UNREACHABLE();
}

/* --- Building a batch ------------------------------------------------------------------------ */

static void write_seen(struct flow *flow)
{
    for (size_t i = 0; i < flow->seen.count; i++) {
        const struct flow_monitor *monitor = flow_find_monitor(flow, flow->seen.items[i]);
        bool is_written_otherwise =
            monitor != NULL && monitor->touched != NULL &&
            (monitor->touched->needs_decide || monitor->touched->needs_configure ||
             monitor->touched->is_new || monitor->touched->is_removed);
        if (monitor == NULL || !monitor->is_seen || is_written_otherwise ||
            monitor->row.core.last_run_utc_ms == CORE_NEVER) {
            continue;
        }
        struct store_seen seen = {.id = monitor->id,
                                  .version = monitor->row.version,
                                  .last_run_utc_ms = monitor->row.core.last_run_utc_ms,
                                  .last_result_message = monitor->row.last_message};
        store_batch_monitor_seen(&flow->batch.rows, &seen);
    }
    flow->batch.writes_seen = true;
}

/* The rows of SEEN that were written have a version more now. */
static void keep_seen(struct flow *flow)
{
    const struct store_rows *rows = &flow->batch.rows.rows[STORE_MONITOR_SEEN];
    const struct store_seen *seen = rows->p;
    for (size_t i = 0; i < rows->count; i++) {
        struct flow_monitor *monitor = flow_find_monitor(flow, seen[i].id);
        TC_ASSERT(monitor != NULL);
        monitor->row.version++;
        monitor->is_seen = false;
    }
    size_t left = 0;
    for (size_t i = 0; i < flow->seen.count; i++) {
        struct flow_monitor *monitor = flow_find_monitor(flow, flow->seen.items[i]);
        if (monitor != NULL && monitor->row.core.last_run_utc_ms == CORE_NEVER) {
            monitor->is_seen = false; /* a run was asked for meanwhile: the NULL stays */
        }
        if (monitor != NULL && monitor->is_seen) {
            flow->seen.items[left++] = flow->seen.items[i];
        } else if (monitor != NULL) {
            monitor->is_listed = false;
        }
    }
    flow->seen.count = left;
}

static void write_checkpoint(struct flow *flow)
{
    uint8_t hash[DIGEST_BYTES];
    uint8_t signature[DIGEST_SIGNATURE_MAX];
    size_t size = 0;
    audit_checkpoint_hash(flow->chain.sequence, flow->chain.head, flow->batch.now_utc_ms, hash);
    struct err err = ERR_INIT;
    if (digest_sign(flow->options.audit_key, hash, signature, &size, &err) != TC_OK) {
        log_error("router.audit", "a checkpoint can't be signed; cause=%s", err.text);
        return;
    }
    struct store_checkpoint row = {.seq = flow->chain.sequence,
                                   .at_utc_ms = flow->batch.now_utc_ms,
                                   .hash = {.p = flow->chain.head, .size = DIGEST_BYTES},
                                   .signature = {.p = signature, .size = size}};
    store_batch_checkpoint_add(&flow->batch.rows, &row);
    flow->batch.checkpoint_seq = flow->chain.sequence;
}

static bool is_checkpoint_due(const struct flow *flow)
{
    uint64_t records = flow->chain.sequence - flow->checkpoint_seq;
    return flow->options.audit_key != NULL && records > 0 &&
           (records >= CHECKPOINT_RECORDS || mono_ms_of(flow) >= flow->checkpoint_due_mono_ms);
}

static void build(struct flow *flow, size_t count)
{
    flow_batch_start(flow);
    flow->batch.now_utc_ms = clock_now_utc_ms(flow->options.clock);
    flow->batch.writes_seen = false;
    flow->batch.checkpoint_seq = 0;
    const struct flow_event *event = flow->queue.first;
    for (size_t i = 0; i < count; i++) {
        apply(flow, event);
        event = event->next;
    }
    flow_lease(flow);
    flow_record_runs(flow);
    flow_retain_write(flow);
    if (flow->seen.count > 0 && mono_ms_of(flow) >= flow->seen_due_mono_ms) {
        write_seen(flow);
    }
    flow->batch.notice_count =
        flow->notices.count < NOTICES_A_BATCH ? flow->notices.count : NOTICES_A_BATCH;
    flow_batch_write(flow);
    if (is_checkpoint_due(flow)) {
        write_checkpoint(flow);
    }
    if (flow->lease_token != 0 && store_batch_count(&flow->batch.rows) > 0) {
        struct store_lease lease = {.shard = flow->options.shard,
                                    .token = flow->lease_token,
                                    .holder = flow->options.holder,
                                    .expires_utc_ms =
                                        flow->batch.now_utc_ms + flow->options.lease_ms};
        store_batch_lease_renew(&flow->batch.rows, &lease);
    }
}

/* --- What a commit may answer ---------------------------------------------------------------- */

/* Runners could not be heard for so long that they hold results. */
static void note_outage(struct flow *flow, int64_t since_mono_ms)
{
    if (mono_ms_of(flow) - since_mono_ms >= OUTAGE_MS) {
        flow->deadlines_from_utc_ms = clock_now_utc_ms(flow->options.clock) + FLOW_RESEND_MS;
    }
}

static void store_is_back(struct flow *flow)
{
    if (!flow->stats.is_store_ok) {
        note_outage(flow, flow->store_away_mono_ms);
    }
    flow->stats.is_store_ok = true;
    flow->store_failures = 0;
    flow->store_due_mono_ms = 0;
}

static void keep(struct flow *flow, size_t count)
{
    if (store_batch_count(&flow->batch.rows) > 0) { /* an empty one never saw the store */
        flow->stats.commits++;
        flow->stats.last_commit_utc_ms = flow->batch.now_utc_ms;
        store_is_back(flow);
    }
    if (flow->batch.writes_seen) {
        keep_seen(flow);
    }
    if (flow->batch.notice_count > 0) {
        flow->notices.count -= flow->batch.notice_count;
        memmove(flow->notices.items, flow->notices.items + flow->batch.notice_count,
                flow->notices.count * sizeof(flow->notices.items[0]));
    }
    if (flow->batch.checkpoint_seq != 0) {
        flow->checkpoint_seq = flow->batch.checkpoint_seq;
        flow->checkpoint_due_mono_ms = mono_ms_of(flow) + CHECKPOINT_MS;
    }
    flow_retain_keep(flow);
    flow_hand_over(flow);
    flow_probes_send(flow);
    flow_send_change(flow);
    flow_batch_keep(flow);
    flow_queue_drop(&flow->queue, count);
    flow_answer(flow);
    flow->is_assign_left = flow_pump_assignments(flow);
}

static int note_ids(void *ctx, const void *row)
{
    *(struct store_ids *)ctx = *(const struct store_ids *)row;
    return TC_OK;
}

/* Hands insert monitors, schedules and tokens too, and may have taken the number that came next. */
static int reload_ids(struct flow *flow, struct err *err)
{
    struct store_ids ids = flow->ids;
    int code = store_read(flow->options.store, STORE_IDS, NULL, note_ids, &ids, err);
    flow->ids.monitor = ids.monitor > flow->ids.monitor ? ids.monitor : flow->ids.monitor;
    flow->ids.cron = ids.cron > flow->ids.cron ? ids.cron : flow->ids.cron;
    flow->ids.token = ids.token > flow->ids.token ? ids.token : flow->ids.token;
    return code;
}

/* The monitor whose schedule was not as expected is read again, with all its schedules. */
static int reload_schedule(struct flow *flow, uint32_t id, size_t *count, struct err *err)
{
    for (const struct flow_monitor *one = flow->monitors; one != NULL; one = one->hh.next) {
        const struct flow_setup *setup = one->row.setup;
        for (size_t i = 0; i < setup->schedule_count; i++) {
            if (setup->schedules[i].id == id) {
                (*count)++;
                return flow_queue_edit(flow, one->id, true, err);
            }
        }
    }
    return TC_OK; /* its monitor is gone: the command finds out when it is applied again */
}

/* A row that was not as expected is read again: it becomes an edit before all else. */
static int reload_conflict(struct flow *flow, const struct store_conflict *one, size_t *count,
                           struct err *err)
{
    switch (one->write) {
    case STORE_MONITOR_CONFIGURE:
    case STORE_MONITOR_DECIDE:
    case STORE_MONITOR_SEEN:
    case STORE_MONITOR_REMOVE:
        (*count)++;
        return flow_queue_edit(flow, (uint32_t)one->id, true, err);
    case STORE_CRON_CONFIGURE:
    case STORE_CRON_REMOVE:
        return reload_schedule(flow, (uint32_t)one->id, count, err);
    case STORE_COMMAND_ADD:
    case STORE_TOKEN_REMOVE:
        return TC_OK; /* the command finds out when it is applied again */
    case STORE_MONITOR_ADD:
    case STORE_CRON_ADD:
    case STORE_TOKEN_ADD:
        return reload_ids(flow, err);
    case STORE_LEASE_RENEW:
    case STORE_RUNNER_ADD:
    case STORE_RUNNER_SET:
    case STORE_CURSOR_SET:
    case STORE_RUN_ADD:
    case STORE_INCIDENT_ADD:
    case STORE_INCIDENT_SET:
    case STORE_NOTIFICATION_ADD:
    case STORE_NOTIFICATION_SET:
    case STORE_AUDIT_ADD:
    case STORE_NAME_ADD:
    case STORE_CHECKPOINT_ADD:
    case STORE_CHANGES_DONE:
    case STORE_RUN_REMOVE:
    case STORE_NOTIFICATION_REMOVE:
    case STORE_INCIDENT_REMOVE:
    case STORE_WRITE_COUNT_:
        break;
    }
    return err_set(err, TC_EFENCED,
                   "somebody else writes the router's own rows (kind %d, id %" PRIu64
                   "): two routers on one database?",
                   (int)one->write, one->id);
}

static int reload_conflicts(struct flow *flow, const struct store_conflicts *conflicts,
                            size_t *count, struct err *err)
{
    flow->stats.conflicts++;
    for (size_t i = 0; i < conflicts->count; i++) {
        int code = reload_conflict(flow, &conflicts->items[i], count, err);
        if (code != TC_OK) {
            return code;
        }
    }
    return TC_OK;
}

static void wait_for_store(struct flow *flow, const struct err *err)
{
    if (flow->stats.is_store_ok) {
        flow->store_away_mono_ms = mono_ms_of(flow);
        log_warn("router.store", "the store is away, nothing is acknowledged; cause=%s", err->text);
    }
    flow->stats.is_store_ok = false;
    uint32_t doublings = flow->store_failures < 6 ? flow->store_failures : 6;
    int64_t wait_ms = (int64_t)STORE_WAIT_MS_MIN << doublings;
    flow->store_failures++;
    flow->store_due_mono_ms =
        mono_ms_of(flow) + (wait_ms < STORE_WAIT_MS_MAX ? wait_ms : STORE_WAIT_MS_MAX);
}

/* --- A batch --------------------------------------------------------------------------------- */

/* Whether a batch was committed after all; TC_ECONFLICT: it was not. While the store can't tell, the
 * batch stays as it is: to build it anew could write its rows twice. */
static int look_whether_committed(struct flow *flow, size_t count, struct err *err)
{
    bool is_committed = false;
    int code =
        flow_retain_removes(flow)
            ? flow_retain_look(flow, &is_committed, err)
            : store_was_committed(flow->options.store, &flow->batch.rows, &is_committed, err);
    flow->is_unknown = code == TC_EAGAIN || code == TC_ETIMEDOUT;
    flow->unknown_count = count;
    return code != TC_OK ? code : is_committed ? TC_OK : TC_ECONFLICT;
}

/* What has to follow from the answer to a commit; TC_ECONFLICT: build it again. */
static int settle(struct flow *flow, int code, const struct store_conflicts *conflicts,
                  size_t *count, struct err *err)
{
    if (code == TC_EUNKNOWN) {
        code = look_whether_committed(flow, *count, err);
        if (flow->is_unknown) {
            return TC_EAGAIN;
        }
    }
    if (code == TC_OK) {
        keep(flow, *count);
        return TC_OK;
    }
    flow_batch_undo(flow);
    flow_retain_drop(flow);
    if (code == TC_ECONFLICT) {
        int reload = reload_conflicts(flow, conflicts, count, err);
        return reload == TC_OK ? TC_ECONFLICT : reload;
    }
    return code;
}

/* One commit of the first count events that wait. */
static int run_batch(struct flow *flow, size_t count, struct err *err)
{
    for (int try = 0; try < TRIES; try++) {
        struct store_conflicts conflicts = {.count = 0};
        int code = TC_EUNKNOWN;
        if (flow->is_unknown) {
            count = flow->unknown_count;
        } else {
            build(flow, count);
            code = store_commit(flow->options.store, &flow->batch.rows, &conflicts, err);
        }
        code = settle(flow, code, &conflicts, &count, err);
        if (code == TC_ENOSPC && store_use_reserve(flow->options.store)) {
            log_error("router.store", "the disk is full, the reserve is in use now: make room");
            flow_report(flow, FLOW_STORAGE, false,
                        "the disk of the database is full: make room, the reserve is in use now");
            continue;
        }
        if (code == TC_EAGAIN || code == TC_ENOSPC || code == TC_ETIMEDOUT) {
            wait_for_store(flow, err);
            return TC_EAGAIN;
        }
        if (code != TC_ECONFLICT) {
            return code;
        }
    }
    (void)err_set(err, TC_ECONFLICT, "rows change faster than a batch can be written");
    wait_for_store(flow, err);
    return TC_EAGAIN;
}

/* What is too old goes in a batch without events: nothing that waits for an answer waits for it. */
static int run_retention(struct flow *flow, struct err *err)
{
    int code = flow_retain_read(flow, err);
    if (code == TC_EAGAIN || code == TC_ETIMEDOUT) {
        wait_for_store(flow, err);
        return TC_EAGAIN;
    }
    if (code != TC_OK) {
        return code;
    }
    if (flow_retain_has_rows(flow)) {
        return run_batch(flow, 0, err);
    }
    flow_retain_keep(flow);
    return TC_OK;
}

static bool has_work(const struct flow *flow)
{
    return flow->queue.count > 0 || flow_can_lease(flow, clock_now_utc_ms(flow->options.clock)) ||
           (flow->seen.count > 0 && mono_ms_of(flow) >= flow->seen_due_mono_ms) ||
           flow->notices.count > 0 || flow->is_unknown || is_checkpoint_due(flow);
}

/* --- A turn ---------------------------------------------------------------------------------- */

static void refresh_zones(struct flow *flow)
{
    size_t changed = 0;
    struct err err = ERR_INIT;
    int64_t now_utc_ms = clock_now_utc_ms(flow->options.clock);
    if (tz_cache_refresh(flow->zones, now_utc_ms, &changed, &err) != TC_OK) {
        log_warn("router.zones", "time zone data is unusable, the last good one stays; cause=%s",
                 err.text);
    }
    if (changed > 0) {
        flow_expect_anew(flow);
    }
}

/* The end of what run_batch reports when the disk is full. */
static void look_at_storage(struct flow *flow)
{
    const struct flow_monitor *reserved = flow_reserved_monitor(flow, FLOW_STORAGE);
    struct store_stats stats;
    if (reserved != NULL && reserved->row.core.state == CORE_ALERT &&
        store_stats(flow->options.store, &stats, NULL) == TC_OK &&
        stats.free_bytes >= (uint64_t)STORAGE_ROOM_MB * 1024 * 1024) {
        flow_report(flow, FLOW_STORAGE, true,
                    "the disk of the database has room; a reserve is kept again after a restart");
    }
}

static int tick(struct flow *flow, struct err *err)
{
    int64_t mono_ms = mono_ms_of(flow);
    if (mono_ms < flow->tick_due_mono_ms) {
        return TC_OK;
    }
    flow->tick_due_mono_ms = mono_ms + TICK_MS;
    flow_watch_peers(flow);
    flow_send_status(flow);
    flow_probes_expire(flow);
    if (mono_ms >= flow->storage_due_mono_ms) {
        flow->storage_due_mono_ms = mono_ms + STORAGE_MS;
        look_at_storage(flow);
    }
    if (mono_ms >= flow->zones_due_mono_ms) {
        flow->zones_due_mono_ms = mono_ms + ZONES_MS;
        refresh_zones(flow);
    }
    /* An edit goes before what waits, and the batch in doubt is what waits. */
    int code = flow->is_unknown ? TC_OK : flow_poll_changes(flow, err);
    if (code == TC_EAGAIN || code == TC_ETIMEDOUT) {
        wait_for_store(flow, err);
        return TC_OK;
    }
    if (code == TC_OK && !has_work(flow)) {
        store_is_back(flow); /* there is nothing to commit that could show it */
    }
    return code;
}

int flow_turn(struct flow *flow, struct err *err)
{
    note_outage(flow, flow->turn_mono_ms); /* stopped, suspended, or held up by the store */
    flow->turn_mono_ms = mono_ms_of(flow);
    int code = tick(flow, err);
    if (code != TC_OK) {
        return code;
    }
    if (flow->store_due_mono_ms > mono_ms_of(flow)) {
        return TC_OK;
    }
    flow_queue_due(flow, clock_now_utc_ms(flow->options.clock));
    if (flow->seen.count == 0) {
        flow->seen_due_mono_ms = mono_ms_of(flow) + SEEN_MS;
    }
    for (int i = 0; i < BATCHES_A_TURN && has_work(flow); i++) {
        code =
            run_batch(flow, flow->queue.count < LIMIT_BATCH ? flow->queue.count : LIMIT_BATCH, err);
        if (code != TC_OK) {
            return code == TC_EAGAIN ? TC_OK : code;
        }
    }
    if (flow_retain_is_due(flow, !has_work(flow))) {
        code = run_retention(flow, err);
        if (code != TC_OK) {
            return code == TC_EAGAIN ? TC_OK : code;
        }
    }
    if (flow->is_assign_left) {
        flow->is_assign_left = flow_pump_assignments(flow);
    }
    return TC_OK;
}

int64_t flow_wake_utc_ms(const struct flow *flow)
{
    const struct clock *clock = flow->options.clock;
    int64_t now = clock_now_utc_ms(clock);
    int64_t mono_ms = mono_ms_of(flow);
    if (flow->store_due_mono_ms > mono_ms) {
        return now + (flow->store_due_mono_ms - mono_ms) * clock->rate;
    }
    if (has_work(flow)) {
        return now;
    }
    int64_t wake = now + (flow->tick_due_mono_ms - mono_ms) * clock->rate;
    if (flow_retain_due_mono_ms(flow) < flow->tick_due_mono_ms) {
        wake = now + (flow_retain_due_mono_ms(flow) - mono_ms) * clock->rate;
    }
    int64_t due = flow_due_utc_ms(flow);
    wake = due != CORE_NEVER && due < wake ? due : wake;
    for (const struct flow_sink *sink = flow->sinks; sink != NULL; sink = sink->hh.next) {
        int64_t ready = outbox_ready_utc_ms(flow->outbox, sink->channel);
        bool counts = ready != CORE_NEVER && flow_sink_can_take(sink);
        wake = counts && ready < wake ? ready : wake;
    }
    return wake;
}

void flow_clock_stepped(struct flow *flow, int64_t step_ms)
{
    outbox_shift(flow->outbox, step_ms);
    flow->deadlines_from_utc_ms += step_ms;
    flow_expect_anew(flow);
    flow_retain_wait(flow);
}
