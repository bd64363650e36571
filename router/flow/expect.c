/* Silence is an alarm: a run that does not report until its deadline, a runner or notifier that is
 * not heard of. Deadlines and expiries wait in heaps, peers are looked at once in a while. */
#include "router/flow/expect.h"

#include <stdio.h>

#include "lib/base/cleanup.h"
#include "lib/base/timetext.h"
#include "lib/sys/clock.h"
#include "router/flow/assign.h"
#include "router/flow/batch.h"
#include "router/flow/plan.h"
#include "router/flow/report.h"

void flow_expect(struct flow *flow, struct flow_monitor *monitor, int64_t after_utc_ms)
{
    struct flow_row *row = &monitor->row;
    if (row->core.acknowledged_utc_ms == CORE_NEVER || row->core.ack_expires_utc_ms == CORE_NEVER) {
        heap_remove(&flow->expiries, &monitor->expiry);
    } else {
        heap_set(&flow->expiries, &monitor->expiry, row->core.ack_expires_utc_ms, monitor->id);
    }
    bool is_run = row->core.is_active && row->setup->problem == NULL && !row->setup->is_internal;
    int64_t next = is_run ? flow_setup_next_utc_ms(row->setup, after_utc_ms) : CRON_NEVER;
    if (next == CRON_NEVER) {
        row->expected_utc_ms = CORE_NEVER;
        heap_remove(&flow->deadlines, &monitor->deadline);
        return;
    }
    row->expected_utc_ms = next;
    int64_t due = next + (int64_t)row->setup->timeout_seconds * 1000 * flow->options.clock->rate +
                  flow->options.grace_ms;
    due = due < flow->deadlines_from_utc_ms ? flow->deadlines_from_utc_ms : due;
    int64_t now_utc_ms = clock_now_utc_ms(flow->options.clock);
    if (due <= now_utc_ms) { /* what came is old: the next one is on its way as well */
        due = now_utc_ms + FLOW_RESEND_MS;
    }
    heap_set(&flow->deadlines, &monitor->deadline, due, monitor->id);
}

static void queue_first(struct flow *flow, enum flow_event_type type,
                        const struct flow_monitor *monitor)
{
    struct flow_event *event = flow_event_new(type);
    event->monitor_id = monitor->id;
    event->scheduled_utc_ms = monitor->row.expected_utc_ms;
    flow_queue_add(&flow->queue, event);
}

/* From when on a monitor's silence counts: its results may be waiting in its runner's spool. */
static int64_t counts_from_utc_ms(const struct flow *flow, const struct flow_monitor *monitor,
                                  int64_t now_utc_ms)
{
    const struct flow_runner *runner = flow_runner_with_id(flow, monitor->row.runner_id);
    const struct clock *clock = flow->options.clock;
    int64_t from_utc_ms = flow->deadlines_from_utc_ms;
    if (runner != NULL) {
        int64_t left_ms = runner->resends_until_mono_ms - clock_mono_us(clock) / 1000;
        int64_t resent_utc_ms = now_utc_ms + left_ms * clock->rate;
        from_utc_ms = resent_utc_ms > from_utc_ms ? resent_utc_ms : from_utc_ms;
    }
    return from_utc_ms;
}

static void queue_deadlines(struct flow *flow, int64_t now_utc_ms)
{
    struct heap_node *node = NULL;
    while ((node = heap_first(&flow->deadlines)) != NULL && node->key <= now_utc_ms) {
        struct flow_monitor *monitor = HEAP_OWNER(node, struct flow_monitor, deadline);
        int64_t from_utc_ms = counts_from_utc_ms(flow, monitor, now_utc_ms);
        if (now_utc_ms < from_utc_ms) {
            heap_set(&flow->deadlines, node, from_utc_ms, monitor->id);
        } else {
            queue_first(flow, FLOW_DEADLINE, monitor);
            heap_remove(&flow->deadlines, node);
        }
    }
}

void flow_queue_due(struct flow *flow, int64_t now_utc_ms)
{
    struct heap_node *node = NULL;
    if (flow->stats.is_store_ok) { /* else nobody's results could be taken */
        queue_deadlines(flow, now_utc_ms);
    }
    while ((node = heap_first(&flow->expiries)) != NULL && node->key <= now_utc_ms) {
        queue_first(flow, FLOW_EXPIRY, HEAP_OWNER(node, struct flow_monitor, expiry));
        heap_remove(&flow->expiries, node);
    }
}

int64_t flow_due_utc_ms(const struct flow *flow)
{
    const struct heap_node *deadline = heap_first(&flow->deadlines);
    const struct heap_node *expiry = heap_first(&flow->expiries);
    if (deadline == NULL || expiry == NULL) {
        const struct heap_node *one = deadline == NULL ? expiry : deadline;
        return one == NULL ? CORE_NEVER : one->key;
    }
    return deadline->key < expiry->key ? deadline->key : expiry->key;
}

static bool is_covered(const struct flow *flow, const struct flow_runner *runner)
{
    if (runner == NULL || !runner->is_dead) {
        return false;
    }
    char name[LIMIT_NAME_BYTES + 32];
    (void)snprintf(name, sizeof(name), "internal:runner/%s", runner->name); /* sized for it */
    const struct flow_monitor *reserved = flow_reserved_monitor(flow, name);
    return reserved != NULL && reserved->row.core.state == CORE_ALERT;
}

static void write_missed(const struct flow *flow, const struct flow_monitor *monitor,
                         const struct flow_event *event, struct buf *text)
{
    char when[TIMETEXT_SIZE];
    char since[TIMETEXT_SIZE];
    const struct flow_runner *runner = flow_runner_with_id(flow, monitor->row.runner_id);
    if (runner == NULL) {
        buf_add_fmt(text, "no runner takes this monitor (check %s%s%s)", monitor->row.setup->check,
                    monitor->row.setup->runs_on == NULL ? "" : ", runsOn ",
                    monitor->row.setup->runs_on == NULL ? "" : monitor->row.setup->runs_on);
    } else {
        buf_add_fmt(text, "no result from %s", runner->name);
    }
    if (monitor->row.core.last_run_utc_ms != CORE_NEVER) {
        buf_add_fmt(text, " since %s", timetext_rfc3339(monitor->row.core.last_run_utc_ms, since));
    }
    buf_add_fmt(text, "; the run of %s did not report in time",
                timetext_rfc3339(event->scheduled_utc_ms, when));
}

void flow_apply_deadline(struct flow *flow, const struct flow_event *event)
{
    struct flow_monitor *monitor = flow_live_monitor(flow, event->monitor_id);
    if (monitor == NULL || monitor->row.expected_utc_ms != event->scheduled_utc_ms) {
        return; /* its result came while this waited */
    }
    const struct flow_runner *runner = flow_runner_with_id(flow, monitor->row.runner_id);
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, LIMIT_MESSAGE_BYTES);
    write_missed(flow, monitor, event, &text);
    struct core_event deadline = {.type = CORE_EVENT_DEADLINE,
                                  .deadline = {.is_covered = is_covered(flow, runner),
                                               .scheduled_utc_ms = event->scheduled_utc_ms}};
    struct flow_cause cause = {.kind = "deadline",
                               .message = text.p,
                               .reason = "missed",
                               .by = runner == NULL ? "router" : runner->name,
                               .scheduled_utc_ms = event->scheduled_utc_ms,
                               .started_utc_ms = flow->batch.now_utc_ms};
    (void)flow_touch_monitor(flow, monitor);
    flow_decide(flow, monitor, &deadline, &cause, NULL, NULL);
    flow_expect(flow, monitor, flow->batch.now_utc_ms);
}

void flow_apply_expiry(struct flow *flow, const struct flow_event *event)
{
    struct flow_monitor *monitor = flow_live_monitor(flow, event->monitor_id);
    if (monitor == NULL) {
        return;
    }
    struct core_event timer = {.type = CORE_EVENT_TIMER};
    struct flow_cause cause = {.kind = "timer", .scheduled_utc_ms = CORE_NEVER};
    flow_decide(flow, monitor, &timer, &cause, NULL, NULL);
    if (monitor->row.core.acknowledged_utc_ms == CORE_NEVER) {
        heap_remove(&flow->expiries, &monitor->expiry);
    }
}

/* --- Peers ----------------------------------------------------------------------------------- */

static void report_runner(struct flow *flow, const struct flow_runner *runner, int64_t silent_ms)
{
    char name[LIMIT_NAME_BYTES + 32];
    (void)snprintf(name, sizeof(name), "internal:runner/%s", runner->name); /* sized for it */
    if (!runner->is_dead) {
        flow_report(flow, name, true, "the runner reports again");
        return;
    }
    char silent[TIMETEXT_SIZE];
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, LIMIT_MESSAGE_BYTES);
    buf_add_fmt(&text, "runner %s has not been heard of for %s; not being checked: ", runner->name,
                timetext_duration(silent_ms, silent));
    size_t told = 0;
    size_t count = 0;
    for (const struct flow_monitor *one = flow->monitors; one != NULL; one = one->hh.next) {
        if (one->row.runner_id == runner->id && one->row.core.is_active) {
            count++;
            if (told < 20) {
                buf_add_fmt(&text, "%s%s", told == 0 ? "" : ", ", one->row.setup->name);
                told++;
            }
        }
    }
    if (count == 0) {
        buf_add_str(&text, "nothing");
    } else if (count > told) {
        buf_add_fmt(&text, " and %zu more", count - told);
    }
    flow_report(flow, name, false, text.p);
}

static void watch_runner(struct flow *flow, struct flow_runner *runner, int64_t mono_ms)
{
    int64_t silent_ms = mono_ms - runner->heard_mono_ms;
    bool is_dead = silent_ms >= flow->options.dead_ms;
    if (runner->late_mono_ms != 0 && mono_ms - runner->late_mono_ms >= flow->options.dead_ms) {
        runner->late_mono_ms = 0;
        if (!is_dead) {
            report_runner(flow, runner, silent_ms);
        }
    }
    if (is_dead == runner->is_dead) {
        return;
    }
    runner->is_dead = is_dead;
    if (is_dead) {
        runner->is_welcome = false;
        runner->connection = 0;
    }
    report_runner(flow, runner, silent_ms);
    flow_reassign_all(flow);
}

void flow_watch_peers(struct flow *flow)
{
    int64_t mono_ms = clock_mono_us(flow->options.clock) / 1000;
    for (struct flow_runner *one = flow->runners; one != NULL; one = one->hh.next) {
        watch_runner(flow, one, mono_ms);
    }
    for (struct flow_sink *one = flow->sinks; one != NULL; one = one->hh.next) {
        bool is_dead = mono_ms - one->heard_mono_ms >= flow->options.dead_ms;
        if (is_dead && !one->is_dead) {
            one->is_dead = true;
            flow_report_silent(flow, one->channel);
        }
    }
}

void flow_expect_anew(struct flow *flow)
{
    int64_t now_utc_ms = clock_now_utc_ms(flow->options.clock);
    for (struct flow_monitor *one = flow->monitors; one != NULL; one = one->hh.next) {
        flow_expect(flow, one, now_utc_ms);
    }
}
