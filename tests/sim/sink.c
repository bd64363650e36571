/* Notifiers and the services behind them. A notifier takes a delivery, asks its service, reports the
 * outcome, and may die between any two of these; a service refuses, is down, or takes a message and
 * is not heard. PagerDuty keeps alerts: a trigger after the resolve opens another one. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "router/store/store.h"
#include "tests/sim/parts.h"

enum {
    HEARTBEAT_MS = 15 * 1000,
    RECONNECT_MS = 5000,
    RESTART_MS = 20 * 1000,
    SERVICE_MS = 8000,
    DOWN_MS = 90 * 60 * 1000,
    PAGES_MAX = 512,
    HELLO_AGAIN_MS = 10 * 1000,
};

const char *const sink_channels[SIM_SINKS] = {"email", "slack", "pagerduty"};

struct hand {
    bool is_used;
    uint64_t id;
    uint64_t token;
};

struct page { /* an open alert at PagerDuty */
    uint64_t incident;
    char target[32];
};

struct sim_sink {
    struct sim_link link;
    bool is_alive, is_up, is_welcome;
    uint64_t token; /* of work begun */
    int64_t down_until_ms, hello_ms, heartbeat_ms;
    struct hand hands[SIM_HANDS];
    struct page pages[PAGES_MAX];
    size_t page_count;
};

static void connect_up(struct sim *sim, const struct sim_event *event);

struct sim_link *sink_link(struct sim *sim, uint32_t who)
{
    return &sim->sinks[who]->link;
}

static int64_t credit_of(const struct sim_sink *sink)
{
    int64_t credit = 0;
    for (size_t i = 0; i < SIM_HANDS; i++) {
        credit += sink->hands[i].is_used ? 0 : 1;
    }
    return credit / 2; /* what is on its way may be as many again */
}

static struct sim_note *note_of(struct sim *sim, uint64_t id)
{
    if (id > sim->note_count) {
        watch_refresh_notes(sim);
    }
    if (id == 0 || id > sim->note_count) {
        sim_fail(sim, "I4", "delivery %llu was handed over before its row was durable",
                 (unsigned long long)id);
        return NULL;
    }
    return &sim->notes[id - 1];
}

/* --- Services ----------------------------------------------------------------------------------- */

static void page(struct sim *sim, const struct sim_note *note)
{
    struct sim_sink *sink = sim->sinks[2];
    const char *target = strchr(note->recipient, ':') + 1;
    size_t at = 0;
    while (at < sink->page_count && (sink->pages[at].incident != note->incident ||
                                     !str_eq(sink->pages[at].target, target))) {
        at++;
    }
    bool is_open = at < sink->page_count;
    if (note->kind == CORE_KIND_RECOVERY || note->kind == CORE_KIND_CLOSED) {
        if (is_open) {
            sink->pages[at] = sink->pages[--sink->page_count];
        }
    } else if (!is_open && sink->page_count < PAGES_MAX) {
        struct page *opened = &sink->pages[sink->page_count++];
        opened->incident = note->incident;
        (void)snprintf(opened->target, sizeof(opened->target), "%s", target); /* short */
    }
}

bool sink_has_page(const struct sim *sim, uint64_t incident, const char *target)
{
    const struct sim_sink *sink = sim->sinks[2];
    for (size_t i = 0; i < sink->page_count; i++) {
        if (sink->pages[i].incident == incident &&
            (target == NULL || str_eq(sink->pages[i].target, target))) {
            return true;
        }
    }
    return false;
}

static void accept(struct sim *sim, uint32_t who, struct sim_note *note)
{
    sim->copy_count++;
    sim->cover->copies++;
    note->copies++;
    if (note->copies == 1) {
        note->first_at = sim->copy_count;
    }
    note->last_at = sim->copy_count;
    if (who == 2) {
        page(sim, note);
    }
    sim_trace(sim, "service %s takes %llu to %s kind=%d copy=%d", sink_channels[who],
              (unsigned long long)note->id, note->recipient, (int)note->kind, note->copies);
    if (note->copies > 1 + note->excuses) {
        sim_fail(sim, "I6", "delivery %llu was sent %d times with %d reasons for a copy",
                 (unsigned long long)note->id, note->copies, note->excuses);
    }
}

/* --- A delivery at work ------------------------------------------------------------------------- */

static void answer(struct sim *sim, uint32_t who, struct hand *hand,
                   const struct message_outcome *outcome)
{
    struct sim_sink *sink = sim->sinks[who];
    struct sim_note *note = note_of(sim, hand->id);
    uint64_t id = hand->id;
    hand->is_used = false;
    if (note == NULL) {
        return;
    }
    note->is_answered = outcome->class == MESSAGE_OUTCOME_OK;
    note->is_throttled = outcome->class == MESSAGE_OUTCOME_RETRY && outcome->is_throttle;
    net_send_body(sim, &sink->link, MESSAGE_OUTCOME, id, outcome);
    struct message_credit credit = {.credit = credit_of(sink)};
    net_send_body(sim, &sink->link, MESSAGE_CREDIT, 0, &credit);
}

static void die(struct sim *sim, uint32_t who);

static struct message_outcome ask_service(struct sim *sim, uint32_t who, struct sim_note *note)
{
    const struct sim_faults *faults = &sim->faults;
    struct message_outcome outcome = {
        .class = MESSAGE_OUTCOME_RETRY, .code = 503, .reason = "refused", .remote = "no"};
    if (sim->mono_ms < sim->sinks[who]->down_until_ms && !sim->is_quiet) {
        outcome.reason = "down";
    } else if (sim_chance(sim, faults->refuse_retry)) {
        outcome.is_throttle = sim_pick(sim, 4) == 0;
        outcome.retry_after_ms = sim_pick(sim, 2) == 0 ? 0 : sim_between(sim, 1, 120 * 1000);
    } else if (sim_chance(sim, faults->refuse_dead)) {
        outcome.class = MESSAGE_OUTCOME_DEAD;
    } else if (sim_chance(sim, faults->ambiguous)) {
        outcome.reason = "time-out";
        outcome.is_ambiguous = true;
        if (sim_pick(sim, 2) == 0) {
            accept(sim, who, note);
            note->excuses++;
        }
    } else {
        accept(sim, who, note);
        outcome = (struct message_outcome){.class = MESSAGE_OUTCOME_OK,
                                           .code = 200,
                                           .reason = "sent",
                                           .remote = "ok",
                                           .provider_id = "id"};
    }
    return outcome;
}

static void work(struct sim *sim, const struct sim_event *event)
{
    struct sim_sink *sink = sim->sinks[event->who];
    struct hand *hand = NULL;
    for (size_t i = 0; i < SIM_HANDS; i++) {
        if (sink->hands[i].is_used && sink->hands[i].token == event->number) {
            hand = &sink->hands[i];
        }
    }
    if (hand == NULL) {
        return;
    }
    struct sim_note *note = note_of(sim, hand->id);
    if (note == NULL) {
        return;
    }
    if (sim_chance(sim, sim->faults.sink_kill)) {
        die(sim, event->who);
        return;
    }
    int before = note->copies;
    struct message_outcome outcome = ask_service(sim, event->who, note);
    if (sim_chance(sim, sim->faults.sink_kill)) {
        note->excuses += note->copies - before - (outcome.is_ambiguous ? note->copies - before : 0);
        die(sim, event->who);
        return;
    }
    answer(sim, event->who, hand, &outcome);
}

void sink_outcome_lost(struct sim *sim, const struct sim_packet *packet)
{
    static const char type[] = "outcome/1";
    if (!packet->is_to_router || packet->size[0] != sizeof(type) - 1 ||
        memcmp(packet->bytes, type, packet->size[0]) != 0) {
        return;
    }
    uint64_t id = 0;
    for (size_t i = 0; i < packet->size[1]; i++) {
        id = id * 10 + (uint64_t)(packet->bytes[packet->size[0] + i] - '0');
    }
    struct sim_note *note = note_of(sim, id);
    if (note != NULL && note->is_answered) {
        note->is_answered = false;
        note->excuses++;
    }
}

/* --- The link ----------------------------------------------------------------------------------- */

static void say_hello(struct sim *sim, uint32_t who)
{
    struct sim_sink *sink = sim->sinks[who];
    struct message_notifier_hello hello = {.protocol = MESSAGE_PROTOCOL,
                                           .version = "sim",
                                           .channel = sink_channels[who],
                                           .credit = credit_of(sink)};
    sink->is_welcome = false;
    sink->hello_ms = sim->mono_ms;
    net_send_body(sim, &sink->link, MESSAGE_NOTIFIER_HELLO, 0, &hello);
}

static void connect_up(struct sim *sim, const struct sim_event *event)
{
    struct sim_sink *sink = sim->sinks[event->who];
    sink->is_alive = true;
    if (sink->is_up) {
        return;
    }
    if (!router_is_up(sim)) {
        sim_in(sim, sim_between(sim, 200, RECONNECT_MS), connect_up, event->who, 0);
        return;
    }
    net_connect(sim, &sink->link);
    sink->is_up = true;
    say_hello(sim, event->who);
}

void sink_disconnected(struct sim *sim, uint32_t who)
{
    struct sim_sink *sink = sim->sinks[who];
    sink->is_up = sink->is_welcome = false;
    sink->link.connection = 0;
    if (sink->is_alive) {
        sim_in(sim, sim_between(sim, 200, RECONNECT_MS), connect_up, who, 0);
    }
}

static void die(struct sim *sim, uint32_t who)
{
    struct sim_sink *sink = sim->sinks[who];
    sim_trace(sim, "sink %s dies", sink_channels[who]);
    memset(sink->hands, 0, sizeof(sink->hands));
    sink->is_alive = false;
    sink_disconnected(sim, who);
    sim_in(sim, sim_between(sim, 100, RESTART_MS), connect_up, who, 0);
}

static void take(struct sim *sim, uint32_t who, const struct message *message)
{
    struct sim_sink *sink = sim->sinks[who];
    struct hand *unused = NULL;
    struct sim_note *note = note_of(sim, message->seq);
    if (note == NULL) {
        return;
    }
    if (!str_eq(message->body.deliver.key, note->key)) {
        sim_fail(sim, "I6", "delivery %llu came with another key", (unsigned long long)note->id);
    }
    for (size_t i = 0; i < SIM_HANDS; i++) {
        if (sink->hands[i].is_used && sink->hands[i].id == message->seq) {
            return; /* at work already */
        }
        unused = sink->hands[i].is_used ? unused : &sink->hands[i];
    }
    if (unused == NULL) {
        sim_fail(sim, "I12", "%s was handed more than its credit", sink_channels[who]);
        return;
    }
    *unused = (struct hand){.is_used = true, .id = message->seq, .token = ++sink->token};
    sim_in(sim, sim_between(sim, 1, SERVICE_MS), work, who, sink->token);
}

void sink_receive(struct sim *sim, uint32_t who, const struct sim_packet *packet)
{
    struct frame frames[LIMIT_FRAMES];
    struct err err = ERR_INIT;
    if (!sim->sinks[who]->is_alive) {
        return;
    }
    net_frames(packet, frames);
    TC_CLEANUP(message_freep) struct message message = {.seq = 0};
    if (message_decode(MESSAGE_NOTIFIER, false, frames, &message, &err) != TC_OK) {
        sim_fail(sim, "protocol", "a message of the router can't be read: %s", err.text);
    } else if (message.kind == MESSAGE_DELIVER) {
        take(sim, who, &message);
    } else if (message.kind == MESSAGE_NOTIFIER_WELCOME) {
        sim->sinks[who]->is_welcome = true;
    } else if (message.kind == MESSAGE_NOTIFIER_ERROR &&
               str_eq(message.body.error.code, "hello_first")) {
        say_hello(sim, who);
    }
}

/* A notifier that speaks of what was never its own: nothing follows from it. */
static void forge(struct sim *sim, uint32_t who)
{
    static const struct message_outcome outcome = {.class = MESSAGE_OUTCOME_OK,
                                                   .code = 200,
                                                   .reason = "sent",
                                                   .remote = "ok",
                                                   .provider_id = "forged"};
    if (sim->note_count == 0) {
        return;
    }
    const struct sim_note *note = &sim->notes[sim_pick(sim, (uint32_t)sim->note_count)];
    bool is_open = note->status == STORE_QUEUED || note->status == STORE_LEASED;
    if (is_open && !str_has_prefix(note->recipient, sink_channels[who])) {
        sim_trace(sim, "sink %s speaks of %llu", sink_channels[who], (unsigned long long)note->id);
        net_send_body(sim, &sim->sinks[who]->link, MESSAGE_OUTCOME, note->id, &outcome);
    }
}

static void pulse(struct sim *sim, const struct sim_event *event)
{
    struct sim_sink *sink = sim->sinks[event->who];
    sim_in(sim, 1000, pulse, event->who, 0);
    if (sim_chance(sim, sim->faults.down / 4)) {
        sink->down_until_ms = sim->mono_ms + sim_between(sim, 1000, DOWN_MS);
        sim_trace(sim, "service %s is down", sink_channels[event->who]);
    }
    if (!sink->is_alive || !sink->is_up) {
        return;
    }
    if (!sink->is_welcome && sim->mono_ms - sink->hello_ms >= HELLO_AGAIN_MS) {
        say_hello(sim, event->who);
    }
    if (sink->is_welcome && sim_chance(sim, sim->faults.forge)) {
        forge(sim, event->who);
    }
    if (sim->mono_ms - sink->heartbeat_ms >= HEARTBEAT_MS) {
        struct message_notifier_heartbeat heartbeat = {.now_utc_ms = sim_utc_ms(sim)};
        sink->heartbeat_ms = sim->mono_ms;
        net_send_body(sim, &sink->link, MESSAGE_NOTIFIER_HEARTBEAT, 0, &heartbeat);
    }
}

void sink_begin(struct sim *sim, uint32_t who)
{
    sim->sinks[who] = mem_alloc(sizeof(*sim->sinks[who]));
    sim_in(sim, sim_between(sim, 1, 3000), connect_up, who, 0);
    sim_in(sim, 1000, pulse, who, 0);
}

void sink_end(struct sim *sim, uint32_t who)
{
    mem_free(sim->sinks[who]);
}
