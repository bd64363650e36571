/* The hash tables of the flow's memory. Only here do uthash's macros stand for them: what they expand
 * to nests deeper than a function of ours may, and the analyzer takes the last item's table for NULL. */
#include "router/flow/index.h"

/* NOLINTBEGIN(readability-function-size, clang-analyzer-core.NullDereference) */

/* --- Looking up ------------------------------------------------------------------------------ */

struct flow_monitor *flow_find_monitor(const struct flow *flow, uint32_t id)
{
    struct flow_monitor *monitor = NULL;
    HASH_FIND(hh, flow->monitors, &id, sizeof(id), monitor);
    return monitor;
}

struct flow_monitor *flow_live_monitor(const struct flow *flow, uint32_t id)
{
    struct flow_monitor *monitor = flow_find_monitor(flow, id);
    bool is_removed = monitor != NULL && monitor->touched != NULL && monitor->touched->is_removed;
    return is_removed ? NULL : monitor;
}

struct flow_incident *flow_find_incident(const struct flow *flow, uint64_t id)
{
    struct flow_incident *incident = NULL;
    HASH_FIND(hh, flow->incidents, &id, sizeof(id), incident);
    return incident;
}

struct flow_runner *flow_find_runner(const struct flow *flow, const char *name)
{
    struct flow_runner *runner = NULL;
    HASH_FIND_STR(flow->runners, name, runner);
    return runner;
}

struct flow_runner *flow_runner_with_id(const struct flow *flow, uint32_t id)
{
    for (struct flow_runner *one = flow->runners; id != 0 && one != NULL; one = one->hh.next) {
        if (one->id == id) {
            return one;
        }
    }
    return NULL;
}

struct flow_sink *flow_find_sink(const struct flow *flow, const char *channel)
{
    struct flow_sink *sink = NULL;
    HASH_FIND_STR(flow->sinks, channel, sink);
    return sink;
}

struct flow_touched_delivery *flow_find_touched(const struct flow *flow, uint64_t id)
{
    struct flow_touched_delivery *touched = NULL;
    HASH_FIND(hh, flow->batch.deliveries, &id, sizeof(id), touched);
    return touched;
}

/* --- Putting in ------------------------------------------------------------------------------ */

void flow_put_monitor(struct flow *flow, struct flow_monitor *monitor)
{
    HASH_ADD(hh, flow->monitors, id, sizeof(monitor->id), monitor);
}

void flow_put_incident(struct flow *flow, struct flow_incident *incident)
{
    HASH_ADD(hh, flow->incidents, row.id, sizeof(incident->row.id), incident);
}

void flow_put_runner(struct flow *flow, struct flow_runner *runner)
{
    HASH_ADD_STR(flow->runners, name, runner);
}

void flow_put_sink(struct flow *flow, struct flow_sink *sink)
{
    HASH_ADD_STR(flow->sinks, channel, sink);
}

void flow_put_touched(struct flow *flow, struct flow_touched_delivery *touched)
{
    HASH_ADD(hh, flow->batch.deliveries, id, sizeof(touched->id), touched);
}

/* --- Taking out ------------------------------------------------------------------------------ */

void flow_monitor_free(struct flow *flow, struct flow_monitor *monitor)
{
    heap_remove(&flow->deadlines, &monitor->deadline);
    heap_remove(&flow->expiries, &monitor->expiry);
    HASH_DEL(flow->monitors, monitor);
    flow_row_free(&monitor->row);
    mem_free(monitor);
}

static void incident_texts_free(struct flow_incident *incident)
{
    mem_free_const(incident->row.monitor_name);
    mem_free_const(incident->row.told);
    mem_free_const(incident->row.message);
    mem_free(incident->heard);
}

void flow_incident_free(struct flow *flow, struct flow_incident *incident)
{
    HASH_DEL(flow->incidents, incident);
    incident_texts_free(incident);
    mem_free(incident);
}

void flow_runner_free(struct flow *flow, struct flow_runner *runner)
{
    HASH_DEL(flow->runners, runner);
    mem_free(runner->labels);
    mem_free(runner->checks);
    mem_free(runner->program_version);
    mem_free(runner->dirty.items);
    mem_free(runner->refused.items);
    mem_free(runner);
}

void flow_sink_free(struct flow *flow, struct flow_sink *sink)
{
    HASH_DEL(flow->sinks, sink);
    mem_free(sink);
}

void flow_touched_free(struct flow *flow, struct flow_touched_delivery *touched)
{
    HASH_DEL(flow->batch.deliveries, touched);
    mem_free(touched);
}

/* NOLINTEND(readability-function-size, clang-analyzer-core.NullDereference) */
