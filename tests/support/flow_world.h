#ifndef TESTS_SUPPORT_FLOW_WORLD_H
#define TESTS_SUPPORT_FLOW_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/sys/clock.h"
#include "lib/sys/digest.h"
#include "proto/codec.h"
#include "router/flow/flow.h"
#include "router/store/memory.h"
#include "router/store/store.h"
#include "tests/support/test.h"

/* The router's flow over a store in memory, with a clock that the test moves; what it sends is read as
 * its peers would read it. For the tests of router/flow. */

/* 2026-03-01 12:00:00.000 UTC, a Sunday. */
#define WORLD_NOW_UTC_MS INT64_C(1772366400000)

enum {
    WORLD_FATES = 32,
    WORLD_MINUTE_MS = 60 * 1000,
    WORLD_RUNNER = 1, /* connections */
    WORLD_SINK = 2,
    WORLD_WEB = 3,
};

struct world_sent {
    enum message_role role;
    uint32_t connection;
    char type[32];
    uint64_t seq;
    char *body;      /* owned */
    bool is_refused; /* its peer can't read it */
    struct err err;
};

struct world {
    int64_t utc_ms;
    int64_t mono_us;
    struct clock clock;
    struct store *store;
    struct flow *flow;
    struct digest_key *audit_key;       /* NULL: no checkpoints */
    enum store_fate fates[WORLD_FATES]; /* of the next commits that hold rows; then they go well */
    size_t fate_count;
    size_t fate_at;
    int busy; /* so many sends find the peer busy */
    struct world_sent *sent;
    size_t sent_count;
    size_t sent_cap;
    uint64_t requests;
};

static inline int64_t world_now(void *ctx)
{
    return ((struct world *)ctx)->utc_ms;
}

static inline int64_t world_mono(void *ctx)
{
    return ((struct world *)ctx)->mono_us;
}

static inline enum store_fate world_fate(void *ctx)
{
    struct world *w = ctx;
    return w->fate_at < w->fate_count ? w->fates[w->fate_at++] : STORE_FATE_COMMIT;
}

static inline int world_on_send(void *ctx, enum message_role role, uint32_t connection,
                                const struct frames *frames)
{
    struct world *w = ctx;
    if (w->busy > 0) {
        w->busy--;
        return TC_EAGAIN;
    }
    if (w->sent_count == w->sent_cap) {
        w->sent_cap = 2 * w->sent_cap + 64;
        w->sent = realloc(w->sent, w->sent_cap * sizeof(*w->sent));
    }
    struct world_sent *one = &w->sent[w->sent_count++];
    *one = (struct world_sent){.role = role, .connection = connection};
    const struct frame *type = &frames->part[FRAME_TYPE];
    (void)snprintf(one->type, sizeof(one->type), "%.*s", (int)type->size,
                   (const char *)type->bytes);
    one->body = strndup(frames->part[FRAME_BODY].bytes, frames->part[FRAME_BODY].size);
    struct message message;
    one->is_refused = message_decode(role, false, frames->part, &message, &one->err) != TC_OK;
    one->seq = message.seq;
    message_free(&message);
    return TC_OK;
}

/* Forget what was sent so far. Trivial. */
static inline void world_forget(struct world *w)
{
    for (size_t i = 0; i < w->sent_count; i++) {
        free(w->sent[i].body);
    }
    w->sent_count = 0;
}

/* Start a router on what is stored; stop it. Trivial. */
static inline void world_start(struct world *w)
{
    static const uint8_t name_key[DIGEST_BYTES] = {7};
    static const struct core_target defaults[] = {{.target = "email:oncall@example.com"}};
    struct flow_options options = {.clock = &w->clock,
                                   .store = w->store,
                                   .net = {.send = world_on_send, .ctx = w},
                                   .defaults = defaults,
                                   .default_count = 1,
                                   .holder = "world",
                                   .grace_ms = 15 * 1000,
                                   .dead_ms = WORLD_MINUTE_MS,
                                   .retry_for_ms = 24 * 60 * WORLD_MINUTE_MS,
                                   .name_key = name_key,
                                   .audit_key = w->audit_key};
    struct err err = ERR_INIT;
    int code = flow_new(&options, &w->flow, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(code, TC_OK);
}

static inline void world_stop(struct world *w)
{
    w->flow = flow_free(w->flow);
}

static inline void world_open(struct world *w)
{
    *w = (struct world){.utc_ms = WORLD_NOW_UTC_MS, .mono_us = 1};
    w->clock = (struct clock){.now_utc_ms = world_now, .mono_us = world_mono, .rate = 1, .ctx = w};
    struct err err = ERR_INIT;
    assert_int_equal(store_open_memory(world_fate, w, &w->store, &err), TC_OK);
}

static inline void world_close(struct world *w)
{
    world_stop(w);
    world_forget(w);
    free(w->sent);
    (void)store_close(w->store);         /* always NULL */
    (void)digest_key_free(w->audit_key); /* always NULL */
}

/* Change rows as an operator does. Trivial. */
static inline void world_sql(struct world *w, const char *sql)
{
    struct err err = ERR_INIT;
    int code = store_memory_by_hand(w->store, sql, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(code, TC_OK);
}

/* Let time pass without a turn; take one; let time pass as the loop does, with a turn each second.
 * Trivial. */
static inline void world_pass(struct world *w, int64_t ms)
{
    w->utc_ms += ms;
    w->mono_us += ms * 1000;
}

static inline void world_turn(struct world *w)
{
    struct err err = ERR_INIT;
    int code = flow_turn(w->flow, &err);
    assert_string_equal(code == TC_OK ? "" : err.text, "");
    assert_int_equal(code, TC_OK);
}

static inline void world_live(struct world *w, int64_t ms)
{
    for (int64_t left = ms; left > 0; left -= 1000) {
        world_pass(w, left < 1000 ? left : 1000);
        world_turn(w);
    }
}

#endif
