/* A runner: its real spool, assignments, schedule, runs and publisher, between a link that fails and
 * checks that do what their monitor's fortunes say. Crashes forget what was not committed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/tz.h"
#include "lib/sys/rng.h"
#include "runner/assignments.h"
#include "runner/publish.h"
#include "runner/runs.h"
#include "runner/schedule.h"
#include "runner/spawnlink.h"
#include "runner/spool.h"
#include "tests/sim/parts.h"

enum {
    PULSE_MS = 1000,
    HELLO_AGAIN_MS = 10 * 1000,
    STALL_MS = 30 * 1000,
    HEARTBEAT_MS = 15 * 1000,
    RECONNECT_MS = 5000,
    RESTART_MS = 20 * 1000,
    MUTE_MS = 5 * 60 * 1000,
    CHECK_MS = 4000,
    SPOOL_BYTES = 64 * 1024 * 1024,
    NUMBER_TEXT = 24,
};

struct sim_runner {
    uint32_t who;
    struct sim *sim;
    struct spool *spool;
    struct tz_cache *zones;
    struct schedule *schedule; /* NULL: the process is not running */
    struct assignments *assignments;
    struct runs *runs;
    struct publish publish;
    struct sim_link link;
    bool is_up, is_welcome, is_mute;
    uint32_t life;
    uint64_t boot_id;
    int64_t heard_ms, heartbeat_ms, reached_ms;
    uint64_t turn;
    int64_t planned_ms;
    int64_t bytes_max;                    /* of its spool */
    uint64_t begun, ended, ended_durable; /* checks, since the spool was made */
};

static void plan_turn(struct sim_runner *r, int64_t ms);
static void connect_up(struct sim *sim, const struct sim_event *event);

struct sim_link *runner_link(struct sim *sim, uint32_t who)
{
    return &sim->runners[who]->link;
}

int64_t runner_silent_ms(const struct sim *sim, uint32_t who)
{
    return sim->mono_ms - sim->runners[who]->reached_ms;
}

void runner_heard(struct sim *sim, uint32_t who)
{
    sim->runners[who]->reached_ms = sim->mono_ms;
}

size_t runner_pending(struct sim *sim, uint32_t who)
{
    struct spool_stats stats;
    struct err err = ERR_INIT;
    if (spool_stats(sim->runners[who]->spool, &stats, &err) != TC_OK) {
        sim_fail(sim, "simulator", "spool: %s", err.text);
        return 0;
    }
    return (size_t)stats.pending;
}

uint64_t runner_dropped(struct sim *sim, uint32_t who)
{
    struct spool_stats stats = {.dropped = 0};
    struct err err = ERR_INIT;
    (void)spool_stats(sim->runners[who]->spool, &stats, &err); /* in memory */
    return stats.dropped;
}

/* The spool lives in memory and has no reason to fail. */
static void check(struct sim_runner *r, int code, const struct err *err)
{
    if (code != TC_OK) {
        sim_fail(r->sim, "runner", "runner %u: %s", r->who, err->text);
    }
}

/* --- Checks ------------------------------------------------------------------------------------- */

/* Uniform chance hardly ever reminds: monitors fare well, badly or changeably for a while. */
static bool is_well(struct sim *sim, uint32_t monitor)
{
    struct sim_check *fortune = &sim->checks[monitor];
    if (sim->mono_ms >= fortune->until_ms) {
        fortune->mode = sim_pick(sim, 4);
        fortune->until_ms = sim->mono_ms + sim_between(sim, 1, 25) * 60 * 1000;
    }
    if (sim->is_quiet || fortune->mode == 0) {
        return true;
    }
    return fortune->mode >= 2 && sim_pick(sim, 2) == 0;
}

/* number: the run; who: the runner and which of its lives. */
static void check_ends(struct sim *sim, const struct sim_event *event)
{
    struct sim_runner *r = sim->runners[event->who % SIM_RUNNERS];
    if (r->schedule == NULL || event->who / SIM_RUNNERS != r->life) {
        return;
    }
    uint32_t monitor = (uint32_t)event->packet->connection;
    bool is_ok = monitor >= SIM_MONITORS || is_well(sim, monitor);
    char out[96];
    uint64_t number = truth_made(sim, r->who, monitor, is_ok);
    int size = snprintf(out, sizeof(out), "{\"isOk\": %s, \"message\": \"n%" PRIu64 "\"}",
                        is_ok ? "true" : "false", number);
    struct spawnlink_report report = {
        .run = event->number,
        .duration_us = 1000,
        .outcome = {.end = VERDICT_ANSWERED, .out = out, .out_size = (size_t)size, .errors = ""}};
    sim_trace(sim, "runner %u check m%u ok=%d n%" PRIu64, r->who, monitor, is_ok, number);
    struct err err = ERR_INIT;
    check(r, runs_report(r->runs, &report, &err), &err);
    r->ended++;
    plan_turn(r, 0);
}

static int start_check(void *ctx, const struct spawnlink_order *order)
{
    struct sim_runner *r = ctx;
    struct sim *sim = r->sim;
    static const char member[] = "\"monitorId\":";
    uint64_t monitor = 0;
    const char *at = strstr(order->input, member);
    for (at += at == NULL ? 0 : sizeof(member) - 1; at != NULL && *at >= '0' && *at <= '9'; at++) {
        monitor = monitor * 10 + (uint64_t)(*at - '0');
    }
    struct sim_event event = {.at_ms = sim->mono_ms + sim_between(sim, 1, CHECK_MS),
                              .fn = check_ends,
                              .who = r->life * SIM_RUNNERS + r->who,
                              .number = order->run,
                              .packet = mem_alloc(sizeof(*event.packet))};
    event.packet->connection = (uint32_t)monitor;
    sim_put(sim, &event);
    r->begun++;
    return TC_OK;
}

static void run_finished(void *ctx, uint32_t monitor)
{
    struct sim_runner *r = ctx;
    schedule_finished(r->schedule, monitor);
}

/* --- Assignments -------------------------------------------------------------------------------- */

static void assigned(void *ctx, struct assignment *a, const struct message_assignment *message)
{
    struct sim_runner *r = ctx;
    struct schedule_row rows[SCHEDULE_ROWS_MAX];
    size_t count = a->is_active ? message->schedule_count : 0;
    for (size_t i = 0; i < count; i++) {
        rows[i] = (struct schedule_row){.expression = message->schedules[i].schedule,
                                        .timezone = message->schedules[i].timezone};
    }
    struct schedule_monitor monitor = {
        .id = a->id, .uuid = a->uuid, .rows = rows, .row_count = count};
    struct err err = ERR_INIT;
    check(r, schedule_set(r->schedule, &monitor, sim_utc_ms(r->sim), &err), &err);
    if (a->request_id != NULL) {
        (void)schedule_ask(r->schedule, a->id); /* it was set just now */
    }
}

static void removed(void *ctx, uint32_t id)
{
    struct sim_runner *r = ctx;
    schedule_remove(r->schedule, id);
}

/* --- Turns -------------------------------------------------------------------------------------- */

static uint64_t generation_of(const char *body)
{
    static const char member[] = "\"generation\":";
    uint64_t generation = 0;
    const char *at = strstr(body, member);
    for (at += at == NULL ? 0 : sizeof(member) - 1; at != NULL && *at >= '0' && *at <= '9'; at++) {
        generation = generation * 10 + (uint64_t)(*at - '0');
    }
    return generation;
}

static int send_result(void *ctx, const struct spool_result *result)
{
    struct sim_runner *r = ctx;
    if (!r->is_up || r->is_mute) {
        return TC_EAGAIN;
    }
    TC_CLEANUP(buf_freep) struct buf json;
    struct frames frames;
    buf_init(&json, LIMIT_FRAME_BYTES);
    buf_add(&json, result->body, result->body_size);
    frames_set(&frames, MESSAGE_RESULT, result->seq, result->prev, result->monitor, &json);
    const char *at = strstr(json.p, "\"message\":\"n");
    uint64_t number = UINT64_MAX; /* lost: a result without a check */
    if (at != NULL) {
        number = 0;
        for (at += 12; *at >= '0' && *at <= '9'; at++) {
            number = number * 10 + (uint64_t)(*at - '0');
        }
    }
    if (number != UINT64_MAX) {
        r->sim->truths[number].generation = generation_of(json.p);
    }
    watch_sent(r->sim, r->who, result->seq, number);
    net_send(r->sim, &r->link, MESSAGE_RUNNER, true, &frames);
    return TC_OK;
}

static void take_due(struct sim_runner *r)
{
    struct err err = ERR_INIT;
    for (;;) {
        struct schedule_event event = schedule_take(r->schedule, sim_utc_ms(r->sim));
        if (event.kind == SCHEDULE_NOTHING) {
            return;
        }
        struct assignment *a = assignments_find(r->assignments, (uint32_t)event.id);
        if (event.kind == SCHEDULE_OVERRUN) {
            continue;
        }
        if (a == NULL) {
            schedule_finished(r->schedule, event.id);
        } else {
            check(r, runs_begin(r->runs, a, &event, &err), &err);
        }
    }
}

static void turn(struct sim *sim, const struct sim_event *event)
{
    struct sim_runner *r = sim->runners[event->who];
    if (r->schedule == NULL || event->number != r->turn) {
        return;
    }
    struct err err = ERR_INIT;
    bool is_blocked = false;
    r->planned_ms = INT64_MAX;
    take_due(r);
    check(r, spool_commit(r->spool, sim_utc_ms(sim), &err), &err);
    r->ended_durable = r->ended;
    truth_durable(sim, r->who);
    runs_start(r->runs);
    check(r, publish_send(&r->publish, &is_blocked, &err), &err);
    int64_t wake = schedule_wake_utc_ms(r->schedule);
    if (wake != INT64_MAX) {
        int64_t wait = wake - sim_utc_ms(sim);
        plan_turn(r, wait < 1 ? 1 : wait);
    }
}

static void plan_turn(struct sim_runner *r, int64_t ms)
{
    if (r->sim->mono_ms + ms < r->planned_ms) {
        r->planned_ms = r->sim->mono_ms + ms;
        sim_in(r->sim, ms, turn, r->who, ++r->turn);
    }
}

/* --- The link ----------------------------------------------------------------------------------- */

static void say_hello(struct sim_runner *r)
{
    static const char *const checks[] = {"tcp"};
    struct spool_stats stats;
    struct err err = ERR_INIT;
    check(r, spool_stats(r->spool, &stats, &err), &err);
    struct message_runner_hello hello = {.protocol = MESSAGE_PROTOCOL,
                                         .version = "sim",
                                         .boot_id = r->boot_id,
                                         .spool_id = stats.id,
                                         .first = stats.first,
                                         .last = stats.first == 0 ? 0 : stats.last,
                                         .labels = {.text = "{}", .size = 2},
                                         .checks = {.items = checks, .count = 1},
                                         .concurrency = 8};
    r->is_welcome = false;
    r->heard_ms = r->sim->mono_ms;
    net_send_body(r->sim, &r->link, MESSAGE_RUNNER_HELLO, 0, &hello);
}

static void send_heartbeat(struct sim_runner *r)
{
    struct spool_stats stats;
    struct err err = ERR_INIT;
    check(r, spool_stats(r->spool, &stats, &err), &err);
    struct message_runner_heartbeat heartbeat = {.running = (int64_t)runs_count(r->runs),
                                                 .spool_count = (int64_t)stats.pending,
                                                 .spool_bytes = (uint64_t)stats.bytes,
                                                 .dropped = stats.dropped,
                                                 .now_utc_ms = sim_utc_ms(r->sim)};
    r->heartbeat_ms = r->sim->mono_ms;
    net_send_body(r->sim, &r->link, MESSAGE_RUNNER_HEARTBEAT, 0, &heartbeat);
}

static void connect_up(struct sim *sim, const struct sim_event *event)
{
    struct sim_runner *r = sim->runners[event->who];
    if (r->schedule == NULL || r->is_up) {
        return;
    }
    if (!router_is_up(sim)) {
        sim_in(sim, sim_between(sim, 200, RECONNECT_MS), connect_up, r->who, 0);
        return;
    }
    net_connect(sim, &r->link);
    r->is_up = true;
    say_hello(r);
}

void runner_disconnected(struct sim *sim, uint32_t who)
{
    struct sim_runner *r = sim->runners[who];
    r->is_up = r->is_welcome = false;
    r->link.connection = 0;
    if (r->schedule != NULL) {
        publish_down(&r->publish);
        sim_in(sim, sim_between(sim, 200, RECONNECT_MS), connect_up, who, 0);
    }
}

static void welcomed(struct sim_runner *r, const struct message_runner_welcome *welcome)
{
    bool is_renewed = false;
    struct err err = ERR_INIT;
    check(r, publish_welcome(&r->publish, welcome, sim_utc_ms(r->sim), &is_renewed, &err), &err);
    if (is_renewed) {
        watch_new_spool(r->sim, r->who);
        say_hello(r);
        return;
    }
    r->is_welcome = true;
    send_heartbeat(r);
}

static void handle(struct sim_runner *r, const struct message *message)
{
    struct err err = ERR_INIT;
    int64_t now = sim_utc_ms(r->sim);
    r->heard_ms = r->sim->mono_ms;
    if (message->kind == MESSAGE_RUNNER_WELCOME) {
        welcomed(r, &message->body.runner_welcome);
    } else if (message->kind == MESSAGE_ACK) {
        int code = publish_ack(&r->publish, message->seq, now, &err);
        check(r, code == TC_EPROTO ? TC_OK : code, &err);
    } else if (message->kind == MESSAGE_RESEND) {
        int code = publish_resend(&r->publish, message->seq, now, &err);
        check(r, code == TC_EPROTO ? TC_OK : code, &err);
    } else if (message->kind == MESSAGE_ASSIGN) {
        check(r, assignments_apply(r->assignments, &message->body.assign, &err), &err);
    } else if (message->kind == MESSAGE_RUNNER_ERROR &&
               str_eq(message->body.error.code, "hello_first")) {
        say_hello(r);
    } else if (message->kind == MESSAGE_RUNNER_ERROR) {
        sim_fail(r->sim, "protocol", "the router objects: %s", message->body.error.message);
    }
}

void runner_receive(struct sim *sim, uint32_t who, const struct sim_packet *packet)
{
    struct sim_runner *r = sim->runners[who];
    struct frame frames[LIMIT_FRAMES];
    struct err err = ERR_INIT;
    if (r->schedule == NULL || r->is_mute) {
        return;
    }
    net_frames(packet, frames);
    TC_CLEANUP(message_freep) struct message message = {.seq = 0};
    if (message_decode(MESSAGE_RUNNER, false, frames, &message, &err) != TC_OK) {
        sim_fail(sim, "protocol", "a message of the router can't be read: %s", err.text);
        return;
    }
    handle(r, &message);
    plan_turn(r, 0);
}

static void unmute(struct sim *sim, const struct sim_event *event)
{
    sim->runners[event->who]->is_mute = false;
}

/* --- Life and death ----------------------------------------------------------------------------- */

static void stop(struct sim_runner *r)
{
    r->runs = runs_free(r->runs);
    r->assignments = assignments_free(r->assignments);
    r->schedule = schedule_free(r->schedule);
    r->zones = tz_cache_free(r->zones);
}

static void open_spool(struct sim_runner *r)
{
    const struct spool_limits limits = {.bytes_max = r->bytes_max,
                                        .age_ms_max = INT64_C(7) * 24 * 3600 * 1000,
                                        .grace_ms = 10 * 60 * 1000};
    struct spool_opening opening;
    struct err err = ERR_INIT;
    check(r, spool_open(":memory:", &limits, sim_utc_ms(r->sim), &r->spool, &opening, &err), &err);
    watch_new_spool(r->sim, r->who);
    r->begun = r->ended = r->ended_durable = 0;
}

/* Whoever began a check has a result of it, whatever became of both (I13). */
static void recover(struct sim_runner *r)
{
    struct spool_stats before;
    struct spool_stats after;
    struct err err = ERR_INIT;
    size_t lost = 0;
    check(r, spool_stats(r->spool, &before, &err), &err);
    check(r, runs_recover(r->runs, &lost, &err), &err);
    check(r, assignments_load(r->assignments, &err), &err);
    check(r, spool_commit(r->spool, sim_utc_ms(r->sim), &err), &err);
    check(r, spool_stats(r->spool, &after, &err), &err);
    if (after.last - before.last != r->begun - r->ended) {
        sim_fail(r->sim, "I13",
                 "runner %u: %llu checks were ended by its crash, %llu have a result", r->who,
                 (unsigned long long)(r->begun - r->ended),
                 (unsigned long long)(after.last - before.last));
    }
    r->ended = r->ended_durable = r->begun;
    sim_trace(r->sim, "runner %u starts lost=%zu", r->who, lost);
}

static void boot(struct sim *sim, const struct sim_event *event)
{
    static const char *const allow[] = {"*"};
    static struct check_policy policy = {.builtin = "/bin/true"};
    struct sim_runner *r = sim->runners[event->who];
    struct assignments_ops assignments_ops = {.set = assigned, .removed = removed, .ctx = r};
    struct runs_ops runs_ops = {.start = start_check, .finished = run_finished, .ctx = r};
    policy.allow = (struct config_list){.items = (void *)(uintptr_t)allow, .count = 1};
    r->life++;
    r->boot_id = rng_u64();
    r->zones = tz_cache_new(NULL);
    r->schedule = schedule_new(r->zones, 8);
    r->assignments = assignments_new(r->spool, &assignments_ops);
    r->runs = runs_new(r->spool, &sim->clock, &runs_ops);
    runs_set_policy(r->runs, &policy);
    r->publish = (struct publish){.spool = r->spool, .send = send_result, .ctx = r};
    recover(r);
    r->planned_ms = INT64_MAX;
    sim_in(sim, sim_between(sim, 1, 2000), connect_up, r->who, 0);
    plan_turn(r, 0);
}

static void die(struct sim_runner *r)
{
    struct sim *sim = r->sim;
    struct err err = ERR_INIT;
    sim_trace(sim, "runner %u dies", r->who);
    stop(r);
    runner_disconnected(sim, r->who);
    check(r, spool_rollback(r->spool, &err), &err);
    truth_forgotten(sim, r->who);
    r->ended = r->ended_durable;
    if (sim_chance(sim, sim->faults.spool_loss)) {
        sim_trace(sim, "runner %u loses its spool", r->who);
        truth_spool_lost(sim, r->who);
        r->spool = spool_close(r->spool);
        open_spool(r);
    }
    int64_t away = sim_pick(sim, 4) == 0 ? MUTE_MS : RESTART_MS;
    sim_in(sim, sim_between(sim, 100, away), boot, r->who, 0);
}

/* What the courier does once a second, and what fate does now and then. */
static void pulse(struct sim *sim, const struct sim_event *event)
{
    struct sim_runner *r = sim->runners[event->who];
    sim_in(sim, PULSE_MS, pulse, r->who, 0);
    if (r->schedule == NULL) {
        return;
    }
    int64_t silence = sim->mono_ms - r->heard_ms;
    if (r->is_up && !r->is_welcome && silence >= HELLO_AGAIN_MS) {
        say_hello(r);
    } else if (publish_on_way(&r->publish) == 0) {
        r->heard_ms = r->is_welcome ? sim->mono_ms : r->heard_ms;
    } else if (silence >= STALL_MS) {
        publish_again(&r->publish);
        r->heard_ms = sim->mono_ms;
    }
    if (r->is_welcome && !r->is_mute && sim->mono_ms - r->heartbeat_ms >= HEARTBEAT_MS) {
        send_heartbeat(r);
    }
    plan_turn(r, 0);
    if (sim_chance(sim, sim->faults.runner_kill)) {
        die(r);
    } else if (sim_chance(sim, sim->faults.runner_mute)) {
        sim_trace(sim, "runner %u falls silent", r->who);
        r->is_mute = true;
        sim_in(sim, sim_between(sim, 1, MUTE_MS), unmute, r->who, 0);
    }
}

void runner_begin(struct sim *sim, uint32_t who)
{
    struct sim_runner *r = mem_alloc(sizeof(*r));
    sim->runners[who] = r;
    r->sim = sim;
    r->who = who;
    r->bytes_max = sim_pick(sim, 4) == 0 ? sim_between(sim, 1500, 6000) : SPOOL_BYTES;
    open_spool(r);
    sim_in(sim, sim_between(sim, 1, 3000), boot, who, 0);
    sim_in(sim, PULSE_MS, pulse, who, 0);
}

void runner_end(struct sim *sim, uint32_t who)
{
    struct sim_runner *r = sim->runners[who];
    stop(r);
    r->spool = spool_close(r->spool);
    mem_free(r);
}
