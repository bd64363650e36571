/* The life of the router: the real flow over the store in memory, killed at commits, between them
 * and while it sends, frozen, stepped in time, and started again on what is durable. */
#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/sys/digest.h"
#include "router/flow/flow.h"
#include "router/store/store.h"
#include "tests/sim/parts.h"

enum {
    DEAD_MS = 60 * 1000,
    GRACE_MS = 15 * 1000,
    LEASE_MS = 15 * 1000,
    MINUTE_MS = 60 * 1000,
    FREEZE_MS = 600 * 1000,
    START_MS = 8000,
    TURNS_A_SECOND_MAX = 50,
};

struct letter {                /* came while the router was frozen */
    struct sim_packet *packet; /* owned */
    char name[32];             /* whose key sent it, however long its connection is gone */
};

struct sim_router {
    struct flow *flow;
    bool is_frozen,
        is_dying; /* dying: what it sends goes nowhere, the end of the turn is its end */
    bool has_lease;
    uint32_t life;   /* how often it was started */
    char holder[32]; /* borrowed by the flow */
    uint64_t turn;   /* the one that is planned */
    int64_t planned_ms;
    int64_t steady_ms; /* nothing kept it from working since */
    int64_t second;
    bool is_asked; /* the next turn follows from a message */
    uint32_t turns_in_second;
    int64_t retry_for_ms;
    struct letter *inbox; /* owned */
    size_t inbox_count;
};

static void start(struct sim *sim, const struct sim_event *event);
static void plan_turn(struct sim *sim, int64_t ms);

bool router_is_up(const struct sim *sim)
{
    return sim->router->flow != NULL;
}

int64_t router_steady_ms(const struct sim *sim)
{
    return sim->router->flow == NULL || sim->router->is_frozen
               ? 0
               : sim->mono_ms - sim->router->steady_ms;
}

size_t router_unfinished(const struct sim *sim)
{
    struct flow_stats stats;
    if (sim->router->flow == NULL) {
        return SIZE_MAX;
    }
    flow_stats(sim->router->flow, &stats);
    return stats.unfinished;
}

/* --- What a commit meets ------------------------------------------------------------------------ */

static enum store_fate fate(void *ctx)
{
    struct sim *sim = ctx;
    const struct sim_faults *faults = &sim->faults;
    enum store_fate chosen = STORE_FATE_COMMIT;
    sim->cover->commits++;
    if (sim_chance(sim, faults->again)) {
        chosen = STORE_FATE_AGAIN;
    } else if (sim_chance(sim, faults->conflict)) {
        chosen = STORE_FATE_CONFLICT;
    } else if (sim_chance(sim, faults->full)) {
        chosen = STORE_FATE_FULL;
    } else if (sim_chance(sim, faults->unknown)) {
        chosen = sim_pick(sim, 2) == 0 ? STORE_FATE_UNKNOWN_LOST : STORE_FATE_UNKNOWN_KEPT;
    } else if (sim_chance(sim, faults->commit)) {
        chosen = sim_pick(sim, 2) == 0 ? STORE_FATE_CRASHED_BEFORE : STORE_FATE_CRASHED_AFTER;
    }
    if (chosen != STORE_FATE_COMMIT) {
        sim_trace(sim, "store fate=%d", (int)chosen);
        sim->router->steady_ms = sim->mono_ms;
    }
    return chosen;
}

/* --- What it sends ------------------------------------------------------------------------------ */

static struct sim_link *link_of(struct sim *sim, enum message_role role, uint32_t connection,
                                uint32_t *ret_who)
{
    size_t count = role == MESSAGE_RUNNER ? sim->runner_count : role == MESSAGE_WEB ? 1 : SIM_SINKS;
    for (uint32_t i = 0; i < count; i++) {
        struct sim_link *link = role == MESSAGE_RUNNER ? runner_link(sim, i)
                                : role == MESSAGE_WEB  ? people_link(sim)
                                                       : sink_link(sim, i);
        if (link->connection == connection) {
            *ret_who = i;
            return link;
        }
    }
    return NULL;
}

static int send_out(void *ctx, enum message_role role, uint32_t connection,
                    const struct frames *frames)
{
    struct sim *sim = ctx;
    struct sim_router *router = sim->router;
    uint32_t who = 0;
    struct sim_link *link = link_of(sim, role, connection, &who);
    if (link == NULL) {
        return TC_ECLOSED;
    }
    if (sim_chance(sim, sim->faults.busy)) {
        return TC_EAGAIN;
    }
    if (!router->is_dying && sim_chance(sim, sim->faults.router_die_sending)) {
        sim_trace(sim, "router dies while it sends");
        router->is_dying = true;
    }
    if (router->is_dying) {
        return TC_OK;
    }
    const struct frame *type = &frames->part[FRAME_TYPE];
    if (role == MESSAGE_RUNNER && type->size == 5 && memcmp(type->bytes, "ack/1", 5) == 0) {
        uint64_t seq = 0;
        for (size_t i = 0; i < frames->part[FRAME_SEQUENCE].size; i++) {
            seq =
                seq * 10 + (uint64_t)(((const char *)frames->part[FRAME_SEQUENCE].bytes)[i] - '0');
        }
        watch_acked(sim, who, seq);
    }
    net_send(sim, link, role, false, frames);
    return TC_OK;
}

/* --- Turns -------------------------------------------------------------------------------------- */

/* A loop that never rests is as bad as one that stops (I11). */
static void count_turn(struct sim *sim)
{
    struct sim_router *router = sim->router;
    if (sim->mono_ms / 1000 != router->second) {
        router->second = sim->mono_ms / 1000;
        router->turns_in_second = 0;
    }
    router->turns_in_second += router->is_asked ? 0 : 1;
    router->is_asked = false;
    if (router->turns_in_second > TURNS_A_SECOND_MAX) {
        sim_fail(sim, "I11", "%u turns in one second", router->turns_in_second);
    }
}

static void take_turn(struct sim *sim, const struct sim_event *event)
{
    struct sim_router *router = sim->router;
    if (event->number != router->turn || router->flow == NULL || router->is_frozen) {
        return;
    }
    struct err err = ERR_INIT;
    router->planned_ms = INT64_MAX;
    count_turn(sim);
    sim->cover->turns++;
    int code = flow_turn(router->flow, &err);
    watch_turn(sim);
    if (code != TC_OK) {
        if (code == TC_EFENCED && !router->has_lease) {
            sim_fail(sim, "I16", "the router takes itself for another one: %s", err.text);
        }
        router_kill(sim, err.text);
        return;
    }
    if (router->is_dying) {
        router_kill(sim, "in the middle of sending");
        return;
    }
    int64_t wait = flow_wake_utc_ms(router->flow) - sim_utc_ms(sim);
    plan_turn(sim, wait < 1 ? 1 : wait);
}

static void plan_turn(struct sim *sim, int64_t ms)
{
    struct sim_router *router = sim->router;
    if (sim->mono_ms + ms < router->planned_ms) {
        router->planned_ms = sim->mono_ms + ms;
        sim_in(sim, ms, take_turn, 0, ++router->turn);
    }
}

static void hand_in(struct sim *sim, const struct sim_packet *packet, const char *name)
{
    struct frame frames[LIMIT_FRAMES];
    net_frames(packet, frames);
    flow_message(sim->router->flow, packet->role, packet->connection, name, frames);
}

static uint32_t peer_of(struct sim *sim, const struct sim_packet *packet)
{
    uint32_t who = 0;
    (void)link_of(sim, packet->role, packet->connection, &who); /* 0: gone, and so is its message */
    return who;
}

void router_receive(struct sim *sim, const struct sim_packet *packet, const char *name)
{
    struct sim_router *router = sim->router;
    if (router->flow == NULL) {
        return;
    }
    if (router->is_frozen) {
        size_t size = sizeof(*packet) + 1;
        for (size_t i = 0; i < LIMIT_FRAMES; i++) {
            size += packet->size[i];
        }
        router->inbox = mem_resize(router->inbox, router->inbox_count + 1, sizeof(*router->inbox));
        struct letter *letter = &router->inbox[router->inbox_count++];
        letter->packet = mem_alloc(size);
        memcpy(letter->packet, packet, size - 1);
        (void)snprintf(letter->name, sizeof(letter->name), "%s", name); /* short */
        return;
    }
    if (packet->role == MESSAGE_RUNNER) {
        runner_heard(sim, peer_of(sim, packet));
    }
    hand_in(sim, packet, name);
    router->is_asked = true;
    /* Now and then more comes in before the turn. */
    plan_turn(sim, sim_pick(sim, 3) == 0 ? sim_between(sim, 0, 60) : 0);
}

static void drop_inbox(struct sim *sim)
{
    struct sim_router *router = sim->router;
    for (size_t i = 0; i < router->inbox_count; i++) {
        if (router->inbox[i].packet->role == MESSAGE_NOTIFIER) {
            sink_outcome_lost(sim, router->inbox[i].packet);
        }
        mem_free(router->inbox[i].packet);
    }
    router->inbox_count = 0;
}

/* --- Faults ------------------------------------------------------------------------------------- */

static void thaw(struct sim *sim, const struct sim_event *event)
{
    struct sim_router *router = sim->router;
    if (!router->is_frozen || event->number != router->life) {
        return;
    }
    sim_trace(sim, "router thaws");
    router->is_frozen = false;
    router->steady_ms = sim->mono_ms;
    for (size_t i = 0; i < router->inbox_count; i++) {
        hand_in(sim, router->inbox[i].packet, router->inbox[i].name);
        mem_free(router->inbox[i].packet);
    }
    router->inbox_count = 0;
    router->planned_ms = INT64_MAX;
    plan_turn(sim, 0);
}

static void mishap(struct sim *sim, const struct sim_event *event)
{
    struct sim_router *router = sim->router;
    (void)event;
    sim_in(sim, 10 * 1000, mishap, 0, 0);
    if (router->flow == NULL || router->is_frozen) {
        return;
    }
    if (sim_chance(sim, sim->faults.router_kill)) {
        router_kill(sim, "killed");
    } else if (sim_chance(sim, sim->faults.router_freeze)) {
        int64_t ms = sim_between(sim, 1, sim_pick(sim, 3) == 0 ? FREEZE_MS : MINUTE_MS);
        sim_trace(sim, "router freezes for %lld ms", (long long)ms);
        router->is_frozen = true;
        sim_in(sim, ms, thaw, 0, router->life);
    } else if (sim_chance(sim, sim->faults.step)) {
        int64_t ms = sim_between(sim, -2 * 3600 * 1000, 2 * 3600 * 1000);
        sim_trace(sim, "the wall clock steps by %lld ms", (long long)ms);
        sim->wall_ms += ms;
        memset(sim->asked_utc_ms, 0, sizeof(sim->asked_utc_ms)); /* by another clock */
        flow_clock_stepped(router->flow, ms);
        router->steady_ms = sim->mono_ms;
        plan_turn(sim, 0);
    }
}

void router_kill(struct sim *sim, const char *why)
{
    struct sim_router *router = sim->router;
    sim_trace(sim, "router ends: %s", why);
    router->flow = flow_free(router->flow);
    router->is_frozen = router->is_dying = false;
    drop_inbox(sim);
    for (size_t i = 0; i < sim->note_count; i++) {
        sim->notes[i].excuses += sim->notes[i].is_answered ? 1 : 0;
        sim->notes[i].is_answered = false;
    }
    for (uint32_t i = 0; i < sim->runner_count; i++) {
        runner_disconnected(sim, i);
    }
    for (uint32_t i = 0; i < SIM_SINKS; i++) {
        sink_disconnected(sim, i);
    }
    people_disconnected(sim);
    sim_in(sim, sim_between(sim, 100, START_MS), start, 0, 0);
}

/* --- Start and end ------------------------------------------------------------------------------ */

static void start(struct sim *sim, const struct sim_event *event)
{
    static const uint8_t name_key[DIGEST_BYTES] = {1, 2, 3};
    static const struct core_target defaults[] = {{.target = "email:ops@example.com"}};
    struct sim_router *router = sim->router;
    (void)event;
    (void)snprintf(router->holder, sizeof(router->holder), "life %u", ++router->life); /* short */
    struct flow_options options = {.clock = &sim->clock,
                                   .store = sim->store,
                                   .net = {.send = send_out, .ctx = sim},
                                   .defaults = defaults,
                                   .default_count = 1,
                                   .holder = router->holder,
                                   .shard = 0,
                                   .lease_ms = router->has_lease ? LEASE_MS : 0,
                                   .grace_ms = GRACE_MS,
                                   .dead_ms = DEAD_MS,
                                   .retry_for_ms = router->retry_for_ms,
                                   .name_key = name_key};
    struct err err = ERR_INIT;
    int code = flow_new(&options, &router->flow, &err);
    if (code != TC_OK) {
        sim_trace(sim, "router can't start: %s", err.text);
        if (code != TC_EFENCED) {
            sim_fail(sim, "G21", "the router does not start: %s", err.text);
        }
        router->flow = NULL;
        sim_in(sim, 1000, start, 0, 0);
        return;
    }
    sim->cover->restarts++;
    sim_trace(sim, "router starts");
    router->steady_ms = sim->mono_ms;
    router->planned_ms = INT64_MAX;
    plan_turn(sim, 0);
}

void router_begin(struct sim *sim)
{
    struct err err = ERR_INIT;
    sim->router = mem_alloc(sizeof(*sim->router));
    sim->router->has_lease = sim_pick(sim, 3) == 0;
    sim->router->retry_for_ms = sim_pick(sim, 3) == 0 ? 4 * MINUTE_MS : 24 * 60 * MINUTE_MS;
    if (sim->store == NULL && store_open_memory(fate, sim, &sim->store, &err) != TC_OK) {
        sim_fail(sim, "simulator", "no store: %s", err.text);
        return;
    }
    sim_in(sim, 1, start, 0, 0);
    sim_in(sim, 1000, mishap, 0, 0);
}

void router_end(struct sim *sim)
{
    drop_inbox(sim);
    sim->router->flow = flow_free(sim->router->flow);
    mem_free(sim->router->inbox);
    mem_free(sim->router);
    sim->store = store_close(sim->store);
}
