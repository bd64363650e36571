/* Links on real sockets with real keys: who gets in, who does not, and what traffic survives. */
#include "proto/link/link.h"

#include <string.h>

#include "proto/link/socket.h"
#include "tests/support/link_world.h"

static void test_a_known_key_talks_both_ways(void **state)
{
    struct world *w = *state;
    struct link_client *c = world_client(w, &w->host7, w->server_key.public_z85);
    struct buf body;
    struct frames f;
    world_frames(&f, &body);
    world_wait_int(w, &w->changes, 1);
    assert_int_equal(w->state, LINK_UP);
    assert_int_equal(link_client_send(c, &f), TC_OK);
    world_wait_int(w, &w->received, 1);
    assert_string_equal(w->name, "host7");
    assert_string_equal(w->type, "result/1");
    assert_int_equal(link_server_send(w->server, w->connection, &f), TC_OK);
    world_wait_int(w, &w->answers, 1);
    assert_int_equal(link_server_send(w->server, w->connection + 1000, &f), TC_ECLOSED);
    link_client_free(c);
    buf_free(&body);
}

static void test_an_unknown_key_is_refused_and_told(void **state)
{
    struct world *w = *state;
    struct link_key stranger;
    assert_int_equal(link_key_make(&stranger, NULL), TC_OK);
    struct link_client *c = world_client(w, &stranger, w->server_key.public_z85);
    struct buf body;
    struct frames f;
    world_frames(&f, &body);
    world_wait_int(w, &w->changes, 1);
    assert_int_equal(w->state, LINK_REFUSED);
    assert_int_equal(w->refusal, LINK_UNKNOWN_KEY);
    assert_int_equal(link_client_send(c, &f), TC_EAGAIN);
    link_client_free(c);
    buf_free(&body);
}

static void test_a_wrong_server_key_is_told_once(void **state)
{
    struct world *w = *state;
    struct link_client *c = world_client(w, &w->host7, w->host7.public_z85);
    world_wait_int(w, &w->changes, 1);
    assert_int_equal(w->state, LINK_WRONG_KEY);
    assert_int_equal(w->changes, 1);
    link_client_free(c);
}

static void test_a_key_of_another_role_is_refused(void **state)
{
    struct world *w = *state;
    world_allow(w, "notifier", w->host7.public_z85);
    struct link_client *c = world_client(w, &w->host7, w->server_key.public_z85);
    /* The list is read again within a second: at first the old one may still let it in. */
    struct buf body;
    struct frames f;
    world_frames(&f, &body);
    int64_t end = clock_mono_us(loop_clock(w->loop)) + WORLD_DEADLINE_MS * INT64_C(1000);
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
    struct link_client *c = world_client(w, &w->host7, w->server_key.public_z85);
    struct buf body;
    struct frames f;
    world_frames(&f, &body);
    world_wait_int(w, &w->changes, 1);
    assert_int_equal(link_client_send(c, &f), TC_OK);
    world_wait_int(w, &w->received, 1);
    world_allow(w, "runner", w->server_key.public_z85);
    int64_t end = clock_mono_us(loop_clock(w->loop)) + WORLD_DEADLINE_MS * INT64_C(1000);
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

static void test_a_chosen_routing_id_is_refused(void **state)
{
    struct world *w = *state;
    void *zmq = zmq_ctx_new();
    void *s = world_raw(w, zmq, "other");
    struct buf body;
    struct frames f;
    world_frames(&f, &body);
    assert_int_equal(socket_send_frames(s, &f), TC_OK);
    world_wait_int(w, &w->refusals, 1);
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
    void *s = world_raw(w, zmq, NULL);
    for (int i = 0; i < 20000; i++) {
        assert_int_equal(socket_send(s, "x", 1, ZMQ_SNDMORE), TC_OK);
    }
    assert_int_equal(socket_send(s, "x", 1, 0), TC_OK);
    world_wait_int(w, &w->refusals, 1);
    assert_int_equal(w->refusal, LINK_BAD_FRAMES);
    assert_int_equal(w->received, 0);
    struct buf body;
    struct frames f;
    world_frames(&f, &body);
    assert_int_equal(socket_send_frames(s, &f), TC_OK);
    world_wait_int(w, &w->received, 1);
    (void)socket_close(s);
    (void)zmq_ctx_term(zmq);
    buf_free(&body);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(test_a_known_key_talks_both_ways),        T(test_an_unknown_key_is_refused_and_told),
        T(test_a_wrong_server_key_is_told_once),    T(test_a_key_of_another_role_is_refused),
        T(test_revoking_ends_live_traffic),         T(test_a_chosen_routing_id_is_refused),
        T(test_twenty_thousand_frames_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
