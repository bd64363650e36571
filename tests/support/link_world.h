#ifndef TESTS_SUPPORT_LINK_WORLD_H
#define TESTS_SUPPORT_LINK_WORLD_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/sys/clock.h"
#include "lib/sys/clock_real.h"
#include "lib/sys/file.h"
#include "lib/sys/loop.h"
#include "proto/link/keys.h"
#include "proto/link/link.h"
#include "proto/link/socket.h"
#include "tests/support/test.h"

/* A router's gate and runner socket on loopback, with one allowed runner "host7", and what came of
 * it; for the tests of proto/link. */

enum {
    WORLD_DEADLINE_MS = 15000
};

struct world {
    struct clock_real *clock;
    struct loop *loop;
    struct link_context *gate;
    struct link_context *outside;
    struct link_server *server;
    struct link_key server_key;
    struct link_key host7;
    char allow_path[64];
    int received;
    uint32_t connection;
    char name[64];
    char type[64];
    int refusals;
    enum link_refusal_reason refusal;
    enum link_state state;
    int changes;
    int answers;
};

static inline void world_on_refused(void *ctx, const struct link_refusal *refusal)
{
    struct world *w = ctx;
    w->refusals++;
    w->refusal = refusal->reason;
}

static inline void world_on_server(void *ctx, const struct link_peer *peer,
                                   const struct frame *frames)
{
    struct world *w = ctx;
    w->received++;
    w->connection = peer->connection;
    (void)snprintf(w->name, sizeof(w->name), "%s", peer->name);
    (void)snprintf(w->type, sizeof(w->type), "%.*s", (int)frames[0].size,
                   (const char *)frames[0].bytes);
}

static inline void world_on_client(void *ctx, const struct frame *frames)
{
    (void)frames;
    ((struct world *)ctx)->answers++;
}

static inline void world_on_state(void *ctx, enum link_state state, const char *detail)
{
    struct world *w = ctx;
    assert_true(strlen(detail) > 0);
    w->state = state;
    w->changes++;
}

static inline void world_allow(struct world *w, const char *role, const char *key)
{
    char text[256];
    int size = snprintf(text, sizeof(text), "# peers\n%s host7 %s\n", role, key);
    assert_int_equal(file_write(w->allow_path, 0600, text, (size_t)size, NULL), TC_OK);
}

/* Bind the router's socket, anew when there was one. */
static inline void world_bind(struct world *w, const char *endpoint)
{
    struct err err = ERR_INIT;
    w->server = link_server_free(w->server);
    if (link_server_new(w->gate, MESSAGE_RUNNER, endpoint, &w->server_key, &w->server, &err) !=
        TC_OK) {
        fail_msg("%s", err.text);
    }
    link_server_on_message(w->server, world_on_server, w);
}

static inline int world_setup(void **state)
{
    static struct world world;
    struct world *w = &world;
    struct err err = ERR_INIT;
    memset(w, 0, sizeof(*w));
    (void)snprintf(w->allow_path, sizeof(w->allow_path), "/tmp/link_world.%d", (int)getpid());
    w->clock = clock_real_new(&(struct clock_real_options){.rate = 1});
    w->loop = loop_new(clock_real_clock(w->clock));
    assert_int_equal(link_key_make(&w->server_key, NULL), TC_OK);
    assert_int_equal(link_key_make(&w->host7, NULL), TC_OK);
    world_allow(w, "runner", w->host7.public_z85);
    if (link_context_new_gate(w->loop, w->allow_path, world_on_refused, w, &w->gate, &err) !=
            TC_OK ||
        link_context_new(w->loop, &w->outside, &err) != TC_OK) {
        fail_msg("%s", err.text);
    }
    world_bind(w, "tcp://127.0.0.1:*");
    *state = w;
    return 0;
}

static inline int world_teardown(void **state)
{
    struct world *w = *state;
    link_server_free(w->server);
    link_context_free(w->outside);
    link_context_free(w->gate);
    loop_free(w->loop);
    clock_real_free(w->clock);
    (void)unlink(w->allow_path);
    return 0;
}

/* Turn the loop until *at reaches value. */
static inline void world_wait_int(struct world *w, const int *at, int value)
{
    int64_t end = clock_mono_us(loop_clock(w->loop)) + WORLD_DEADLINE_MS * INT64_C(1000);
    while (*at < value) {
        assert_true(clock_mono_us(loop_clock(w->loop)) < end);
        assert_int_equal(loop_turn(w->loop, 50, NULL), TC_OK);
    }
}

static inline struct link_client *world_client(struct world *w, const struct link_key *key,
                                               const char *server_key)
{
    struct link_client_options options = {.endpoint = link_server_endpoint(w->server),
                                          .key = key,
                                          .server_key = server_key,
                                          .on_message = world_on_client,
                                          .on_state = world_on_state,
                                          .ctx = w};
    struct link_client *c = NULL;
    assert_int_equal(link_client_new(w->outside, &options, &c, NULL), TC_OK);
    return c;
}

static inline void world_frames(struct frames *f, struct buf *body)
{
    buf_init(body, LIMIT_FRAME_BYTES);
    buf_add_str(body, "{}");
    frames_set(f, MESSAGE_RESULT, 2, 1, 7, body);
}

/* A peer with the right key that is not our client. */
static inline void *world_raw(struct world *w, void *zmq, const char *id)
{
    void *s = socket_new(zmq, ZMQ_DEALER);
    assert_non_null(s);
    socket_set(s, ZMQ_CURVE_SERVERKEY, w->server_key.public_z85, LINK_KEY_TEXT);
    socket_set(s, ZMQ_CURVE_PUBLICKEY, w->host7.public_z85, LINK_KEY_TEXT);
    socket_set(s, ZMQ_CURVE_SECRETKEY, w->host7.secret_z85, LINK_KEY_TEXT);
    if (id != NULL) {
        socket_set(s, ZMQ_ROUTING_ID, id, strlen(id));
    }
    assert_int_equal(zmq_connect(s, link_server_endpoint(w->server)), 0);
    return s;
}

/* The router still serves a peer that keeps to the rules. */
static inline void world_check_service(struct world *w)
{
    int received = w->received;
    int changes = w->changes;
    struct link_client *c = world_client(w, &w->host7, w->server_key.public_z85);
    struct buf body;
    struct frames f;
    world_frames(&f, &body);
    world_wait_int(w, &w->changes, changes + 1);
    assert_int_equal(w->state, LINK_UP);
    assert_int_equal(link_client_send(c, &f), TC_OK);
    world_wait_int(w, &w->received, received + 1);
    link_client_free(c);
    buf_free(&body);
}

#endif
