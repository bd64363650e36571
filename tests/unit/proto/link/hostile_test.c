/* Links under attack: strangers at the port, too large messages, a broken gate. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/link/context.h"
#include "proto/link/link.h"
#include "proto/link/socket.h"
#include "tests/support/dial.h"
#include "tests/support/link_world.h"

/* Turn the loop until the server hangs up. */
static void wait_hangup(struct world *w, int fd)
{
    char bytes[512];
    int64_t end = clock_mono_us(loop_clock(w->loop)) + WORLD_DEADLINE_MS * INT64_C(1000);
    ssize_t size = 1;
    while (size > 0 || (size < 0 && errno == EAGAIN)) {
        assert_true(clock_mono_us(loop_clock(w->loop)) < end);
        assert_int_equal(loop_turn(w->loop, 20, NULL), TC_OK);
        size = recv(fd, bytes, sizeof(bytes), 0);
    }
    (void)close(fd);
}

static void test_what_is_no_zeromq_is_hung_up_on(void **state)
{
    struct world *w = *state;
    static const char http[] = "GET / HTTP/1.1\r\nHost: router\r\n\r\n";
    int fd = dial(link_server_endpoint(w->server));
    assert_int_equal(send(fd, http, sizeof(http) - 1, MSG_NOSIGNAL), sizeof(http) - 1);
    wait_hangup(w, fd);
    uint8_t noise[512];
    uint32_t x = 12345;
    for (size_t i = 0; i < sizeof(noise); i++) {
        x = x * 1103515245 + 12345;
        noise[i] = (uint8_t)(x >> 16);
    }
    noise[0] = 0xff; /* as ZMTP begins, so that it goes on reading */
    noise[9] = 0x7f;
    fd = dial(link_server_endpoint(w->server));
    assert_int_equal(send(fd, noise, sizeof(noise), MSG_NOSIGNAL), sizeof(noise));
    wait_hangup(w, fd);
    assert_int_equal(w->received, 0);
    world_check_service(w);
}

static void test_a_peer_without_encryption_is_not_heard(void **state)
{
    struct world *w = *state;
    void *zmq = zmq_ctx_new();
    void *s = socket_new(zmq, ZMQ_DEALER);
    void *monitor = socket_monitor(zmq, s, "inproc://plain");
    assert_non_null(monitor);
    assert_int_equal(zmq_connect(s, link_server_endpoint(w->server)), 0);
    struct buf body;
    struct frames f;
    world_frames(&f, &body);
    assert_int_equal(socket_send_frames(s, &f), TC_OK); /* queued for a handshake that fails */
    int64_t end = clock_mono_us(loop_clock(w->loop)) + WORLD_DEADLINE_MS * INT64_C(1000);
    int event = 0;
    while (event == 0) {
        assert_true(clock_mono_us(loop_clock(w->loop)) < end);
        assert_int_equal(loop_turn(w->loop, 20, NULL), TC_OK);
        event = socket_event(monitor);
    }
    assert_int_not_equal(event, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    world_check_service(w);
    assert_int_equal(w->received, 1);
    (void)socket_unmonitor(s, monitor); /* always NULL */
    (void)socket_close(s);
    (void)zmq_ctx_term(zmq);
    buf_free(&body);
}

/* Wait for an event of a peer that is not our client. */
static void wait_event(struct world *w, void *monitor, int event)
{
    int64_t end = clock_mono_us(loop_clock(w->loop)) + WORLD_DEADLINE_MS * INT64_C(1000);
    while (socket_event(monitor) != event) {
        assert_true(clock_mono_us(loop_clock(w->loop)) < end);
        assert_int_equal(loop_turn(w->loop, 20, NULL), TC_OK);
    }
}

/* Send what no rule allows: it ends the connection, and the same peer is heard over its next one. */
static void send_large(struct world *w, size_t size)
{
    int before = w->received;
    void *zmq = zmq_ctx_new();
    void *s = world_raw(w, zmq, NULL);
    void *monitor = socket_monitor(zmq, s, "inproc://large");
    char *bytes = calloc(1, size);
    assert_non_null(bytes);
    assert_non_null(monitor);
    assert_int_equal(socket_send(s, "result/1", 8, ZMQ_SNDMORE), TC_OK);
    assert_int_equal(socket_send(s, "2 1", 3, ZMQ_SNDMORE), TC_OK);
    assert_int_equal(socket_send(s, "7", 1, ZMQ_SNDMORE), TC_OK);
    assert_int_equal(socket_send(s, bytes, size, 0), TC_OK);
    free(bytes);
    wait_event(w, monitor, ZMQ_EVENT_DISCONNECTED);
    assert_int_equal(w->received, before);
    struct buf body;
    struct frames f;
    world_frames(&f, &body);
    assert_int_equal(socket_send_frames(s, &f), TC_OK);
    world_wait_int(w, &w->received, before + 1);
    (void)socket_unmonitor(s, monitor); /* always NULL */
    (void)socket_close(s);
    (void)zmq_ctx_term(zmq);
    buf_free(&body);
}

static void test_a_frame_over_the_limit_never_arrives(void **state)
{
    struct world *w = *state;
    send_large(w, LIMIT_FRAME_BYTES + 1);
    send_large(w, 10 * 1024 * 1024);
    world_check_service(w);
    struct link_client *c = world_client(w, &w->host7, w->server_key.public_z85);
    struct buf body;
    struct frames f;
    world_frames(&f, &body);
    f.part[FRAME_BODY].size = LIMIT_FRAME_BYTES + 1;
    assert_int_equal(link_client_send(c, &f), TC_ERANGE);
    assert_int_equal(link_server_send(w->server, 1, &f), TC_ERANGE);
    link_client_free(c);
    buf_free(&body);
}

static void test_a_frame_at_the_limit_arrives(void **state)
{
    struct world *w = *state;
    struct link_client *c = world_client(w, &w->host7, w->server_key.public_z85);
    struct buf body;
    struct frames f;
    buf_init(&body, LIMIT_FRAME_BYTES);
    for (int i = 0; i < LIMIT_FRAME_BYTES; i++) {
        buf_add_char(&body, ' ');
    }
    frames_set(&f, MESSAGE_RESULT, 2, 1, 7, &body);
    world_wait_int(w, &w->changes, 1);
    assert_int_equal(link_client_send(c, &f), TC_OK);
    world_wait_int(w, &w->received, 1);
    link_client_free(c);
    buf_free(&body);
}

/* Without its handler ZeroMQ lets everybody in, which the self-test is there to find. */
static void test_a_broken_gate_keeps_the_router_from_starting(void **state)
{
    struct world *w = *state;
    struct link_server *server = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(zmq_unbind(w->gate->zap, "inproc://zeromq.zap.01"), 0);
    assert_int_equal(
        link_server_new(w->gate, MESSAGE_WEB, "tcp://127.0.0.1:*", &w->server_key, &server, &err),
        TC_EPERM);
    assert_non_null(strstr(err.text, "unknown key"));
    assert_null(server);
}

/* The second lock: whoever gets past a gate that died still has no key that the list allows. */
static void test_who_slips_past_a_dead_gate_is_not_heard(void **state)
{
    struct world *w = *state;
    assert_int_equal(zmq_unbind(w->gate->zap, "inproc://zeromq.zap.01"), 0);
    void *zmq = zmq_ctx_new();
    void *s = world_raw(w, zmq, NULL);
    struct buf body;
    struct frames f;
    world_frames(&f, &body);
    assert_int_equal(socket_send_frames(s, &f), TC_OK);
    world_wait_int(w, &w->refusals, 1);
    assert_int_equal(w->refusal, LINK_REVOKED);
    assert_int_equal(w->received, 0);
    (void)socket_close(s);
    (void)zmq_ctx_term(zmq);
    buf_free(&body);
}

static void test_an_endpoint_in_use_or_senseless_is_told(void **state)
{
    struct world *w = *state;
    struct link_server *server = NULL;
    struct err err = ERR_INIT;
    const char *const endpoints[] = {link_server_endpoint(w->server), "tcp://nowhere", "what", ""};
    for (size_t i = 0; i < TEST_COUNT(endpoints); i++) {
        assert_int_equal(
            link_server_new(w->gate, MESSAGE_WEB, endpoints[i], &w->server_key, &server, &err),
            TC_ECONFIG);
        assert_non_null(strstr(err.text, endpoints[i]));
    }
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(test_what_is_no_zeromq_is_hung_up_on),
        T(test_a_peer_without_encryption_is_not_heard),
        T(test_a_frame_over_the_limit_never_arrives),
        T(test_a_frame_at_the_limit_arrives),
        T(test_a_broken_gate_keeps_the_router_from_starting),
        T(test_who_slips_past_a_dead_gate_is_not_heard),
        T(test_an_endpoint_in_use_or_senseless_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
