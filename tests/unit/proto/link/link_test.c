/* Links on real sockets with real keys: who gets in, who does not, and what traffic survives. */
#include "proto/link/link.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/sys/clock.h"
#include "lib/sys/clock_real.h"
#include "lib/sys/file.h"
#include "lib/sys/loop.h"
#include "proto/link/keys.h"
#include "proto/link/socket.h"
#include "tests/support/test.h"

enum {
    DEADLINE_MS = 15000
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

static void on_refused(void *ctx, const struct link_refusal *refusal)
{
    struct world *w = ctx;
    w->refusals++;
    w->refusal = refusal->reason;
}

static void on_server(void *ctx, const struct link_peer *peer, const struct frame *frames)
{
    struct world *w = ctx;
    w->received++;
    w->connection = peer->connection;
    (void)snprintf(w->name, sizeof(w->name), "%s", peer->name);
    (void)snprintf(w->type, sizeof(w->type), "%.*s", (int)frames[0].size,
                   (const char *)frames[0].bytes);
}

static void on_client(void *ctx, const struct frame *frames)
{
    (void)frames;
    ((struct world *)ctx)->answers++;
}

static void on_state(void *ctx, enum link_state state, const char *detail)
{
    struct world *w = ctx;
    assert_true(strlen(detail) > 0);
    w->state = state;
    w->changes++;
}

static void allow(struct world *w, const char *role, const char *key)
{
    char text[256];
    int size = snprintf(text, sizeof(text), "# peers\n%s host7 %s\n", role, key);
    assert_int_equal(file_write(w->allow_path, 0600, text, (size_t)size, NULL), TC_OK);
}

static int setup(void **state)
{
    static struct world world;
    struct world *w = &world;
    struct err err = ERR_INIT;
    memset(w, 0, sizeof(*w));
    (void)snprintf(w->allow_path, sizeof(w->allow_path), "/tmp/link_test.%d", (int)getpid());
    w->clock = clock_real_new(&(struct clock_real_options){.rate = 1});
    w->loop = loop_new(clock_real_clock(w->clock));
    assert_int_equal(link_key_make(&w->server_key, NULL), TC_OK);
    assert_int_equal(link_key_make(&w->host7, NULL), TC_OK);
    allow(w, "runner", w->host7.public_z85);
    if (link_context_new_gate(w->loop, w->allow_path, on_refused, w, &w->gate, &err) != TC_OK ||
        link_context_new(w->loop, &w->outside, &err) != TC_OK ||
        link_server_new(w->gate, MESSAGE_RUNNER, "tcp://127.0.0.1:*", &w->server_key, &w->server,
                        &err) != TC_OK) {
        fail_msg("%s", err.text);
    }
    link_server_on_message(w->server, on_server, w);
    *state = w;
    return 0;
}

static int teardown(void **state)
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
static void wait_int(struct world *w, const int *at, int value)
{
    int64_t end = clock_mono_us(loop_clock(w->loop)) + DEADLINE_MS * INT64_C(1000);
    while (*at < value) {
        assert_true(clock_mono_us(loop_clock(w->loop)) < end);
        assert_int_equal(loop_turn(w->loop, 50, NULL), TC_OK);
    }
}

static struct link_client *client(struct world *w, const struct link_key *key,
                                  const char *server_key)
{
    struct link_client_options options = {.endpoint = link_server_endpoint(w->server),
                                          .key = key,
                                          .server_key = server_key,
                                          .on_message = on_client,
                                          .on_state = on_state,
                                          .ctx = w};
    struct link_client *c = NULL;
    assert_int_equal(link_client_new(w->outside, &options, &c, NULL), TC_OK);
    return c;
}

static void frames(struct frames *f, struct buf *body)
{
    buf_init(body, LIMIT_FRAME_BYTES);
    buf_add_str(body, "{}");
    frames_set(f, MESSAGE_RESULT, 2, 1, 7, body);
}

static void test_a_known_key_talks_both_ways(void **state)
{
    struct world *w = *state;
    struct link_client *c = client(w, &w->host7, w->server_key.public_z85);
    struct buf body;
    struct frames f;
    frames(&f, &body);
    wait_int(w, &w->changes, 1);
    assert_int_equal(w->state, LINK_UP);
    assert_int_equal(link_client_send(c, &f), TC_OK);
    wait_int(w, &w->received, 1);
    assert_string_equal(w->name, "host7");
    assert_string_equal(w->type, "result/1");
    assert_int_equal(link_server_send(w->server, w->connection, &f), TC_OK);
    wait_int(w, &w->answers, 1);
    assert_int_equal(link_server_send(w->server, w->connection + 1000, &f), TC_ECLOSED);
    link_client_free(c);
    buf_free(&body);
}

static void test_an_unknown_key_is_refused_and_told(void **state)
{
    struct world *w = *state;
    struct link_key stranger;
    assert_int_equal(link_key_make(&stranger, NULL), TC_OK);
    struct link_client *c = client(w, &stranger, w->server_key.public_z85);
    struct buf body;
    struct frames f;
    frames(&f, &body);
    wait_int(w, &w->changes, 1);
    assert_int_equal(w->state, LINK_REFUSED);
    assert_int_equal(w->refusal, LINK_UNKNOWN_KEY);
    assert_int_equal(link_client_send(c, &f), TC_EAGAIN);
    link_client_free(c);
    buf_free(&body);
}

static void test_a_wrong_server_key_is_told_once(void **state)
{
    struct world *w = *state;
    struct link_client *c = client(w, &w->host7, w->host7.public_z85);
    wait_int(w, &w->changes, 1);
    assert_int_equal(w->state, LINK_WRONG_KEY);
    assert_int_equal(w->changes, 1);
    link_client_free(c);
}

static void test_a_key_of_another_role_is_refused(void **state)
{
    struct world *w = *state;
    allow(w, "notifier", w->host7.public_z85);
    struct link_client *c = client(w, &w->host7, w->server_key.public_z85);
    /* The list is read again within a second: at first the old one may still let it in. */
    struct buf body;
    struct frames f;
    frames(&f, &body);
    int64_t end = clock_mono_us(loop_clock(w->loop)) + DEADLINE_MS * INT64_C(1000);
    while (w->refusals == 0) {
        assert_true(clock_mono_us(loop_clock(w->loop)) < end);
        (void)link_client_send(c, &f); /* not before it is up */
        assert_int_equal(loop_turn(w->loop, 50, NULL), TC_OK);
    }
    assert_true(w->refusal == LINK_WRONG_ROLE || w->refusal == LINK_REVOKED);
    link_client_free(c);
    buf_free(&body);
}

static void test_revoking_ends_live_traffic(void **state)
{
    struct world *w = *state;
    struct link_client *c = client(w, &w->host7, w->server_key.public_z85);
    struct buf body;
    struct frames f;
    frames(&f, &body);
    wait_int(w, &w->changes, 1);
    assert_int_equal(link_client_send(c, &f), TC_OK);
    wait_int(w, &w->received, 1);
    allow(w, "runner", w->server_key.public_z85);
    int64_t end = clock_mono_us(loop_clock(w->loop)) + DEADLINE_MS * INT64_C(1000);
    while (w->refusals == 0) {
        assert_true(clock_mono_us(loop_clock(w->loop)) < end);
        (void)link_client_send(c, &f); /* full is as good */
        assert_int_equal(loop_turn(w->loop, 20, NULL), TC_OK);
    }
    assert_int_equal(w->refusal, LINK_REVOKED);
    int before = w->received;
    assert_int_equal(link_client_send(c, &f), TC_OK);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(loop_turn(w->loop, 10, NULL), TC_OK);
    }
    assert_int_equal(w->received, before);
    link_client_free(c);
    buf_free(&body);
}

/* A peer with the right key that is not our client. */
static void *raw(struct world *w, void *zmq, const char *id)
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

static void test_a_chosen_routing_id_is_refused(void **state)
{
    struct world *w = *state;
    void *zmq = zmq_ctx_new();
    void *s = raw(w, zmq, "other");
    struct buf body;
    struct frames f;
    frames(&f, &body);
    assert_int_equal(socket_send_frames(s, &f), TC_OK);
    wait_int(w, &w->refusals, 1);
    assert_int_equal(w->refusal, LINK_CHOSEN_ID);
    assert_int_equal(w->received, 0);
    (void)socket_close(s);
    (void)zmq_ctx_term(zmq);
    buf_free(&body);
}

static void test_twenty_thousand_frames_are_refused(void **state)
{
    struct world *w = *state;
    void *zmq = zmq_ctx_new();
    void *s = raw(w, zmq, NULL);
    for (int i = 0; i < 20000; i++) {
        assert_int_equal(socket_send(s, "x", 1, ZMQ_SNDMORE), TC_OK);
    }
    assert_int_equal(socket_send(s, "x", 1, 0), TC_OK);
    wait_int(w, &w->refusals, 1);
    assert_int_equal(w->refusal, LINK_BAD_FRAMES);
    assert_int_equal(w->received, 0);
    struct buf body;
    struct frames f;
    frames(&f, &body);
    assert_int_equal(socket_send_frames(s, &f), TC_OK);
    wait_int(w, &w->received, 1);
    (void)socket_close(s);
    (void)zmq_ctx_term(zmq);
    buf_free(&body);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_a_known_key_talks_both_ways),        T(test_an_unknown_key_is_refused_and_told),
        T(test_a_wrong_server_key_is_told_once),    T(test_a_key_of_another_role_is_refused),
        T(test_revoking_ends_live_traffic),         T(test_a_chosen_routing_id_is_refused),
        T(test_twenty_thousand_frames_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
