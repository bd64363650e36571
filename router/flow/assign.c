/* The router chooses who runs what, runners never do: a monitor with runsOn goes to that runner, any
 * other to one connected runner that allows its check, and stays there while that one lives. */
#include "router/flow/assign.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "proto/checks.h"
#include "router/flow/batch.h"

bool flow_runner_allows(const struct flow_runner *runner, const char *check)
{
    TC_CLEANUP(json_freep) struct json *json = NULL;
    if (runner->checks == NULL || json_parse(runner->checks, strlen(runner->checks),
                                             LIMIT_PARAMS_BYTES, &json, NULL) != TC_OK) {
        return false;
    }
    for (const struct json_value *one = json_first(json_root(json)); one != NULL;
         one = json_next(one)) {
        if (json_type_of(one) == JSON_STRING && str_glob(json_string(one), check)) {
            return true;
        }
    }
    return false;
}

static bool wants_runner(const struct flow_monitor *monitor)
{
    const struct flow_setup *setup = monitor->row.setup;
    enum checks_kind kind = CHECKS_HEARTBEAT;
    return monitor->row.core.is_active && !setup->is_internal && setup->problem == NULL &&
           checks_parse(setup->check, &kind, NULL, NULL) == TC_OK && kind != CHECKS_HEARTBEAT;
}

/* The connected runner with the least to do that allows the check; NULL when there is none. */
static struct flow_runner *least_loaded(const struct flow *flow, const char *check)
{
    struct flow_runner *best = NULL;
    for (struct flow_runner *one = flow->runners; one != NULL; one = one->hh.next) {
        if (!one->is_welcome || one->is_dead || !flow_runner_allows(one, check)) {
            continue;
        }
        if (best == NULL || one->load < best->load) {
            best = one;
        }
    }
    return best;
}

static struct flow_runner *runner_for(const struct flow *flow, const struct flow_monitor *monitor)
{
    const struct flow_setup *setup = monitor->row.setup;
    struct flow_runner *current = flow_runner_with_id(flow, monitor->row.runner_id);
    if (!wants_runner(monitor)) {
        return NULL;
    }
    if (setup->runs_on != NULL) {
        return flow_find_runner(flow, setup->runs_on);
    }
    bool may_stay = current != NULL && !current->is_dead &&
                    (!current->is_welcome || flow_runner_allows(current, setup->check));
    if (may_stay) {
        return current;
    }
    struct flow_runner *other = least_loaded(flow, setup->check);
    return other != NULL ? other : current;
}

void flow_mark_dirty(struct flow *flow, struct flow_monitor *monitor)
{
    struct flow_runner *runner = flow_runner_with_id(flow, monitor->row.runner_id);
    if (runner != NULL && !monitor->is_dirty) {
        monitor->is_dirty = true;
        *FLOW_LIST_ADD(runner->dirty) = monitor->id;
    }
}

void flow_mark_all_dirty(struct flow *flow, struct flow_runner *runner)
{
    for (size_t i = 0; i < runner->dirty.count; i++) {
        struct flow_monitor *monitor = flow_find_monitor(flow, runner->dirty.items[i]);
        if (monitor != NULL) {
            monitor->is_dirty = false;
        }
    }
    runner->dirty.count = 0;
    for (struct flow_monitor *one = flow->monitors; one != NULL; one = one->hh.next) {
        if (one->row.runner_id == runner->id) {
            flow_mark_dirty(flow, one);
        }
    }
}

/* The old runner learns that the monitor is no longer its own: an id that it has to drop. */
static void take_away(struct flow *flow, const struct flow_monitor *monitor)
{
    struct flow_runner *runner = flow_runner_with_id(flow, monitor->row.runner_id);
    if (runner != NULL) {
        runner->load -= runner->load > 0 ? 1 : 0;
        *FLOW_LIST_ADD(runner->dirty) = monitor->id;
    }
}

void flow_assign(struct flow *flow, struct flow_monitor *monitor)
{
    struct flow_runner *runner = runner_for(flow, monitor);
    uint32_t id = runner == NULL ? 0 : runner->id;
    if (id == monitor->row.runner_id) {
        flow_mark_dirty(flow, monitor);
        return;
    }
    take_away(flow, monitor);
    flow_touch_monitor(flow, monitor)->needs_decide = true;
    monitor->is_dirty = false;
    monitor->row.runner_id = id;
    if (runner != NULL) {
        runner->load++;
        monitor->row.generation++;
        flow_mark_dirty(flow, monitor);
    }
}

/* Counted anew, so that batches that were undone leave no trace in it. */
static void count_loads(struct flow *flow)
{
    for (struct flow_runner *one = flow->runners; one != NULL; one = one->hh.next) {
        one->load = 0;
    }
    for (const struct flow_monitor *one = flow->monitors; one != NULL; one = one->hh.next) {
        struct flow_runner *runner = flow_runner_with_id(flow, one->row.runner_id);
        if (runner != NULL) {
            runner->load++;
        }
    }
}

void flow_reassign_all(struct flow *flow)
{
    count_loads(flow);
    for (struct flow_monitor *one = flow->monitors; one != NULL; one = one->hh.next) {
        const struct flow_runner *runner = runner_for(flow, one);
        uint32_t id = runner == NULL ? 0 : runner->id;
        if (id != one->row.runner_id) {
            struct flow_event *event = flow_event_new(FLOW_REASSIGN);
            event->monitor_id = one->id;
            flow_queue_add(&flow->queue, event);
        }
    }
}

const char *flow_run_request(const struct flow_monitor *monitor, char *ret_text)
{
    if (monitor->row.run_asked_utc_ms == CORE_NEVER) {
        return NULL;
    }
    (void)snprintf(ret_text, 48, "null-%" PRIu32 "-%" PRId64, monitor->id,
                   monitor->row.run_asked_utc_ms); /* at most 37 characters */
    return ret_text;
}
