/* How many results the router applies durably: encoded result messages go into the flow, and the rows
 * they become into a real database, with nothing but the sockets left out. Called by tests/bench/run:
 * flow_bench DIR RESULTS FAILING_PERMILLE in|random WINDOW; DIR holds tocsin.db with its monitors.
 * Prints one JSON object. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/sys/clock.h"
#include "lib/sys/clock_real.h"
#include "lib/sys/digest.h"
#include "proto/codec.h"
#include "router/core/types.h"
#include "router/flow/flow.h"
#include "router/store/store.h"

enum {
    CONNECTION = 1,
    IDS_MAX = 1000 * 1000,
};

struct bench {
    const struct clock *clock;
    struct flow *flow;
    uint64_t results;
    uint64_t window;
    uint64_t failing_permille;
    bool is_random;
    bool is_refused; /* a message of ours */
    uint64_t acked;
    uint32_t *ids; /* assigned */
    size_t id_count;
    uint64_t *generations; /* by id */
    struct buf *bodies;    /* one a result */
    uint32_t *monitors;    /* of the results */
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static int take_assignments(struct bench *bench, const struct frames *frames)
{
    TC_CLEANUP(message_freep) struct message message = {.kind = MESSAGE_ASSIGN};
    int code = message_decode(MESSAGE_RUNNER, false, frames->part, &message, NULL);
    if (code != TC_OK) {
        return code;
    }
    const struct message_assign *assign = &message.body.assign;
    for (size_t i = 0; i < assign->monitor_count; i++) {
        uint32_t id = (uint32_t)assign->monitors[i].id;
        TC_ASSERT(id < IDS_MAX);
        if (bench->generations[id] == 0) {
            bench->ids[bench->id_count++] = id;
        }
        bench->generations[id] = assign->monitors[i].generation;
    }
    return TC_OK;
}

/* The runner's end of the connection. */
static int on_send(void *ctx, enum message_role role, uint32_t connection,
                   const struct frames *frames)
{
    struct bench *bench = ctx;
    (void)connection;
    TC_ASSERT(role == MESSAGE_RUNNER);
    const struct frame *type = &frames->part[FRAME_TYPE];
    if (type->size == 5 && memcmp(type->bytes, "ack/1", 5) == 0) {
        const struct frame *sequence = &frames->part[FRAME_SEQUENCE];
        const char *digits = sequence->bytes; /* of frames->head: ends with a NUL */
        return parse_u64(&digits, UINT64_MAX, &bench->acked);
    }
    if (type->size == 8 && memcmp(type->bytes, "assign/1", 8) == 0) {
        return take_assignments(bench, frames);
    }
    if (type->size == 7 && memcmp(type->bytes, "error/1", 7) == 0) {
        const struct frame *body = &frames->part[FRAME_BODY];
        (void)fprintf(stderr, "flow_bench: refused: %.*s\n", (int)body->size,
                      (const char *)body->bytes);
        bench->is_refused = true;
    }
    return TC_OK;
}

static void say_hello(struct bench *bench)
{
    TC_CLEANUP(buf_freep) struct buf body;
    buf_init(&body, LIMIT_FRAME_BYTES);
    const char *const checks[] = {"exec:*"};
    struct message_runner_hello hello = {.protocol = MESSAGE_PROTOCOL,
                                         .version = "bench",
                                         .boot_id = 1,
                                         .spool_id = 1,
                                         .checks = {.items = checks, .count = 1},
                                         .concurrency = 1};
    int code = message_encode(MESSAGE_RUNNER_HELLO, &hello, &body, NULL);
    TC_ASSERT(code == TC_OK);
    struct frames frames;
    frames_set(&frames, MESSAGE_RUNNER_HELLO, 0, 0, 0, &body);
    flow_message(bench->flow, MESSAGE_RUNNER, CONNECTION, "host7", frames.part);
}

static void encode_results(struct bench *bench)
{
    uint64_t random = 88172645463325252;
    int64_t first_utc_ms = clock_now_utc_ms(bench->clock) - (int64_t)bench->results;
    bench->bodies = mem_alloc(bench->results * sizeof(*bench->bodies));
    bench->monitors = mem_alloc(bench->results * sizeof(*bench->monitors));
    for (uint64_t i = 0; i < bench->results; i++) {
        uint64_t at =
            bench->is_random ? next_random(&random) % bench->id_count : i % bench->id_count;
        bool is_ok = next_random(&random) % 1000 >= bench->failing_permille;
        bench->monitors[i] = bench->ids[at];
        struct message_result result = {
            .generation = bench->generations[bench->ids[at]],
            .scheduled_at_utc_ms = first_utc_ms + (int64_t)i,
            .started_at_utc_ms = first_utc_ms + (int64_t)i,
            .duration_ms = 12,
            .is_ok = is_ok,
            .reason = is_ok ? "ok" : "failed",
            .message = is_ok ? "57 purchase orders in the last hour, the newest 4 minutes ago"
                             : "no purchase order for 95 minutes, the limit is 30 minutes",
            .metrics = {.text = "{\"orders\":57,\"ageMinutes\":4.25}",
                        .size = strlen("{\"orders\":57,\"ageMinutes\":4.25}")}};
        buf_init(&bench->bodies[i], LIMIT_FRAME_BYTES);
        int code = message_encode(MESSAGE_RESULT, &result, &bench->bodies[i], NULL);
        TC_ASSERT(code == TC_OK);
    }
}

/* What is measured, and what callgrind counts by this name. */
__attribute__((noinline)) static int measure(struct bench *bench, struct err *err)
{
    uint64_t sent = 0;
    int code = TC_OK;
    while (code == TC_OK && !bench->is_refused && bench->acked < bench->results) {
        for (; sent < bench->results && sent - bench->acked < bench->window; sent++) {
            struct frames frames;
            frames_set(&frames, MESSAGE_RESULT, sent + 1, sent, bench->monitors[sent],
                       &bench->bodies[sent]);
            flow_message(bench->flow, MESSAGE_RUNNER, CONNECTION, "host7", frames.part);
        }
        code = flow_turn(bench->flow, err);
    }
    return bench->is_refused ? err_set(err, TC_EPROTO, "the flow refused a message") : code;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage); /* can't fail for oneself */
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int run(struct bench *bench, const struct flow_options *options, struct err *err)
{
    int64_t load_from_us = clock_mono_us(bench->clock);
    int code = flow_new(options, &bench->flow, err);
    int64_t load_us = clock_mono_us(bench->clock) - load_from_us;
    if (code != TC_OK) {
        return code;
    }
    say_hello(bench);
    size_t known = SIZE_MAX; /* until no assignment is left to come */
    while (code == TC_OK && known != bench->id_count) {
        known = bench->id_count == 0 ? SIZE_MAX : bench->id_count;
        code = flow_turn(bench->flow, err);
    }
    if (code != TC_OK) {
        return code;
    }
    encode_results(bench);
    struct flow_stats before;
    struct flow_stats after;
    flow_stats(bench->flow, &before);
    double cpu_from = cpu_seconds();
    int64_t from_us = clock_mono_us(bench->clock);
    code = measure(bench, err);
    int64_t took_us = clock_mono_us(bench->clock) - from_us;
    double cpu = cpu_seconds() - cpu_from;
    flow_stats(bench->flow, &after);
    (void)printf("{\"monitors\":%zu,\"results\":%" PRIu64 ",\"refused\":%" PRIu64
                 ",\"commits\":%" PRIu64 ",\"seconds\":%.6f,\"cpu\":%.6f,\"loadMs\":%.3f}\n",
                 bench->id_count, after.results - before.results, after.refused - before.refused,
                 after.commits - before.commits, (double)took_us / 1e6, cpu, (double)load_us / 1e3);
    return code;
}

int main(int argc, char **argv)
{
    struct bench bench = {.is_random = argc > 4 && strcmp(argv[4], "random") == 0};
    if (argc != 6 || parse_whole_u64(argv[2], 100000000, &bench.results) != TC_OK ||
        parse_whole_u64(argv[3], 1000, &bench.failing_permille) != TC_OK ||
        parse_whole_u64(argv[5], 1000000, &bench.window) != TC_OK || bench.results == 0 ||
        bench.window == 0) {
        (void)fputs("usage: flow_bench DIR RESULTS FAILING_PERMILLE in|random WINDOW\n", stderr);
        return 64;
    }
    struct err err = ERR_INIT;
    TC_CLEANUP(clock_real_freep) struct clock_real *real = clock_real_new(NULL);
    TC_CLEANUP(digest_key_freep) struct digest_key *key = digest_key_new();
    TC_CLEANUP(store_closep) struct store *store = NULL;
    static const uint8_t name_key[DIGEST_BYTES] = {7};
    static const struct core_target defaults[] = {{.target = "email:ops@example.com"}};
    bench.clock = clock_real_clock(real);
    bench.ids = mem_alloc(IDS_MAX * sizeof(*bench.ids));
    bench.generations = mem_alloc(IDS_MAX * sizeof(*bench.generations));
    const char *url = getenv("TOCSIN_STORE_URL");
    struct store_config config = {.url = url != NULL ? url : "sqlite:tocsin.db",
                                  .dir = argv[1],
                                  .socket = getenv("TOCSIN_STORE_SOCKET")};
    int code = store_open(&config, &store, &err);
    struct flow_options options = {.clock = bench.clock,
                                   .store = store,
                                   .net = {.send = on_send, .ctx = &bench},
                                   .defaults = defaults,
                                   .default_count = 1,
                                   .holder = "bench",
                                   .grace_ms = 3600 * 1000,
                                   .dead_ms = 3600 * 1000,
                                   .retry_for_ms = 3600 * 1000,
                                   .name_key = name_key,
                                   .audit_key = key};
    code = code == TC_OK ? run(&bench, &options, &err) : code;
    (void)flow_free(bench.flow); /* always NULL */
    for (uint64_t i = 0; bench.bodies != NULL && i < bench.results; i++) {
        buf_free(&bench.bodies[i]);
    }
    mem_free(bench.bodies);
    mem_free(bench.monitors);
    mem_free(bench.ids);
    mem_free(bench.generations);
    if (code != TC_OK) {
        (void)fprintf(stderr, "flow_bench: %s\n", err.text);
    }
    return code == TC_OK ? 0 : 1;
}
