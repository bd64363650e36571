/* The network: a connection keeps its order, may be slow, and loses what is on its way when it ends.
 * Messages that the protocol repairs by itself may also get lost or come twice. */
#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/sim/parts.h"

enum {
    COPIES_MAX = 5,
    DELAY_MS = 40,
    SLOW_MS = 4000, /* less than a lease, with the service's time */
    RECONNECT_MS = 5000,
};

void net_connect(struct sim *sim, struct sim_link *link)
{
    link->connection = ++sim->connections;
    link->last_ms[0] = link->last_ms[1] = sim->mono_ms;
}

void net_frames(const struct sim_packet *packet, struct frame *ret_frames)
{
    size_t at = 0;
    for (size_t i = 0; i < LIMIT_FRAMES; i++) {
        ret_frames[i] = (struct frame){.bytes = packet->bytes + at, .size = packet->size[i]};
        at += packet->size[i];
    }
}

static struct sim_packet *pack(enum message_role role, bool is_to_router, uint32_t connection,
                               const struct frames *frames)
{
    size_t size = 0;
    for (size_t i = 0; i < LIMIT_FRAMES; i++) {
        size += frames->part[i].size;
    }
    struct sim_packet *packet = mem_alloc(sizeof(*packet) + size + 1);
    packet->role = role;
    packet->is_to_router = is_to_router;
    packet->connection = connection;
    size = 0;
    for (size_t i = 0; i < LIMIT_FRAMES; i++) {
        packet->size[i] = frames->part[i].size;
        if (packet->size[i] > 0) {
            memcpy(packet->bytes + size, frames->part[i].bytes, packet->size[i]);
        }
        size += packet->size[i];
    }
    return packet;
}

/* --- Whose connection it is --------------------------------------------------------------------- */

static bool find_peer(struct sim *sim, enum message_role role, uint32_t connection,
                      uint32_t *ret_who)
{
    size_t count = role == MESSAGE_RUNNER ? sim->runner_count : role == MESSAGE_WEB ? 1 : SIM_SINKS;
    for (uint32_t i = 0; i < count; i++) {
        const struct sim_link *link = role == MESSAGE_RUNNER ? runner_link(sim, i)
                                      : role == MESSAGE_WEB  ? people_link(sim)
                                                             : sink_link(sim, i);
        if (connection != 0 && link->connection == connection) {
            *ret_who = i;
            return true;
        }
    }
    return false;
}

static void cut(struct sim *sim, enum message_role role, uint32_t who)
{
    sim_trace(sim, "net cut role=%d who=%u", (int)role, who);
    switch (role) {
    case MESSAGE_RUNNER:
        runner_disconnected(sim, who);
        return;
    case MESSAGE_NOTIFIER:
        sink_disconnected(sim, who);
        return;
    case MESSAGE_WEB:
        people_disconnected(sim);
        return;
    }
}

static void lost(struct sim *sim, const struct sim_packet *packet)
{
    if (packet->role == MESSAGE_NOTIFIER) {
        sink_outcome_lost(sim, packet);
    }
}

static void arrive(struct sim *sim, const struct sim_event *event)
{
    const struct sim_packet *packet = event->packet;
    uint32_t who = 0;
    if (!find_peer(sim, packet->role, packet->connection, &who)) {
        lost(sim, packet);
        return;
    }
    if (packet->is_to_router) {
        char name[32];
        (void)snprintf(name, sizeof(name), "r%u", who); /* short */
        router_receive(sim, packet, packet->role == MESSAGE_NOTIFIER ? sink_channels[who] : name);
        return;
    }
    switch (packet->role) {
    case MESSAGE_RUNNER:
        runner_receive(sim, who, packet);
        return;
    case MESSAGE_NOTIFIER:
        sink_receive(sim, who, packet);
        return;
    case MESSAGE_WEB:
        people_receive(sim, packet);
        return;
    }
}

/* --- Sending ------------------------------------------------------------------------------------ */

/* What a peer repairs by itself when it gets lost: the rest is lost with its connection only. */
static bool may_get_lost(const struct sim_packet *packet)
{
    static const char *const types[] = {"result/1",  "ack/1",       "resend/1",
                                        "welcome/1", "heartbeat/1", "outcome/1"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (packet->size[0] == strlen(types[i]) &&
            memcmp(packet->bytes, types[i], packet->size[0]) == 0) {
            return packet->role != MESSAGE_NOTIFIER || packet->is_to_router;
        }
    }
    return false;
}

static bool may_come_twice(const struct sim_packet *packet)
{
    return packet->is_to_router && packet->bytes[0] != 'h';
}

static void post(struct sim *sim, struct sim_link *link, const struct sim_packet *packet)
{
    int64_t delay = sim_between(sim, 0, DELAY_MS);
    if (sim_chance(sim, sim->faults.slow)) {
        delay = sim_between(sim, 0, SLOW_MS);
    }
    int64_t *last = &link->last_ms[packet->is_to_router ? 0 : 1];
    int64_t at = sim->mono_ms + delay;
    *last = at <= *last ? *last + 1 : at;
    size_t size = sizeof(*packet);
    for (size_t i = 0; i < LIMIT_FRAMES; i++) {
        size += packet->size[i];
    }
    struct sim_event event = {.at_ms = *last, .fn = arrive, .packet = mem_alloc(size + 1)};
    memcpy(event.packet, packet, size);
    sim_put(sim, &event);
}

void net_send(struct sim *sim, struct sim_link *link, enum message_role role, bool is_to_router,
              const struct frames *frames)
{
    TC_CLEANUP(mem_freep)
    struct sim_packet *packet = pack(role, is_to_router, link->connection, frames);
    sim_trace(sim, "net %s c=%u %.*s %.*s %.*s", is_to_router ? ">" : "<", link->connection,
              (int)frames->part[0].size, (const char *)frames->part[0].bytes,
              (int)frames->part[1].size, (const char *)frames->part[1].bytes,
              frames->part[3].size > 200 ? 200 : (int)frames->part[3].size,
              (const char *)frames->part[3].bytes);
    uint32_t who = 0;
    if (!find_peer(sim, role, link->connection, &who)) {
        lost(sim, packet);
        return;
    }
    if (sim_chance(sim, sim->faults.cut)) {
        lost(sim, packet);
        cut(sim, role, who);
        return;
    }
    if (may_get_lost(packet) && sim_chance(sim, sim->faults.lose)) {
        sim_trace(sim, "net lost");
        lost(sim, packet);
        return;
    }
    post(sim, link, packet);
    if (may_come_twice(packet) && sim_chance(sim, sim->faults.copy)) {
        for (uint32_t i = sim_pick(sim, COPIES_MAX); i > 0; i--) {
            post(sim, link, packet);
        }
    }
}

void net_send_body(struct sim *sim, struct sim_link *link, enum message_kind kind, uint64_t seq,
                   const void *body)
{
    TC_CLEANUP(buf_freep) struct buf json;
    struct err err = ERR_INIT;
    buf_init(&json, LIMIT_FRAME_BYTES);
    if (message_encode(kind, body, &json, &err) != TC_OK) {
        sim_fail(sim, "simulator", "a message can't be made: %s", err.text);
        return;
    }
    struct frames frames;
    frames_set(&frames, kind, seq, 0, 0, &json);
    net_send(sim, link, message_role(kind), message_is_to_router(kind), &frames);
}
