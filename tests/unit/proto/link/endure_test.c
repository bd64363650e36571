/* Links in trouble: ends that vanish, start anew or fall silent, and time that passes. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/link/context.h"
#include "proto/link/link.h"
#include "proto/link/socket.h"
#include "tests/support/dial.h"
#include "tests/support/link_world.h"

enum {
    SETTLE_TURNS = 20,
    UNREAD = 1500, /* connections with two events each, more than ZeroMQ's own bound of 2000 */
    SILENCE_MS = 40000,
};

static void test_either_end_may_start_anew(void **state)
{
    struct world *w = *state;
    struct link_client *c = world_client(w, &w->host7, w->server_key.public_z85);
    struct buf body;
    struct frames f;
    world_frames(&f, &body);
    world_wait_int(w, &w->changes, 1);
    assert_int_equal(link_client_send(c, &f), TC_OK);
    world_wait_int(w, &w->received, 1);
    uint32_t connection = w->connection;
    link_client_free(c);
    c = world_client(w, &w->host7, w->server_key.public_z85);
    world_wait_int(w, &w->changes, 2);
    assert_int_equal(link_client_send(c, &f), TC_OK);
    world_wait_int(w, &w->received, 2);
    assert_int_not_equal(w->connection, connection);
    char endpoint[64];
    (void)snprintf(endpoint, sizeof(endpoint), "%s", link_server_endpoint(w->server));
    w->server = link_server_free(w->server);
    world_wait_int(w, &w->changes, 3);
    assert_int_equal(w->state, LINK_DOWN);
    assert_int_equal(link_client_send(c, &f), TC_EAGAIN);
    world_bind(w, endpoint);
    world_wait_int(w, &w->changes, 4);
    assert_int_equal(w->state, LINK_UP);
    assert_int_equal(link_client_send(c, &f), TC_OK);
    world_wait_int(w, &w->received, 3);
    link_client_free(c);
    buf_free(&body);
}

static void test_ipc_serves_as_tcp_does(void **state)
{
    struct world *w = *state;
    char endpoint[64];
    (void)snprintf(endpoint, sizeof(endpoint), "ipc:///tmp/hostile_test.%d", (int)getpid());
    world_bind(w, endpoint);
    world_check_service(w);
    assert_string_equal(w->name, "host7");
}

/* --- Between the ends ------------------------------------------------------------------------- */

/* A port of our own on loopback. */
static int listen_here(char *ret_endpoint, size_t size)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *to = (struct sockaddr *)(void *)&at;
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, to, len), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, to, &len), 0);
    (void)snprintf(ret_endpoint, size, "tcp://127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
    return fd;
}

/* Events pile up while a process is busy or stopped: the I/O thread, which serves every socket of the
 * context, must not wait for their reader. */
static void test_events_that_nobody_reads_block_nothing(void **state)
{
    struct world *w = *state;
    char endpoint[64];
    int fd = listen_here(endpoint, sizeof(endpoint));
    void *zmq = zmq_ctx_new();
    void *s = socket_new(zmq, ZMQ_DEALER);
    socket_set_int(s, ZMQ_RECONNECT_IVL, 1);
    void *monitor = socket_monitor(zmq, s, "inproc://unread");
    assert_non_null(monitor);
    assert_int_equal(zmq_connect(s, endpoint), 0);
    int64_t end = clock_mono_us(loop_clock(w->loop)) + WORLD_DEADLINE_MS * INT64_C(1000);
    for (int i = 0; i < UNREAD;) {
        assert_true(clock_mono_us(loop_clock(w->loop)) < end);
        struct pollfd p = {.fd = fd, .events = POLLIN};
        assert_true(poll(&p, 1, 1000) >= 0);
        int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        if (peer >= 0) {
            (void)close(peer);
            i++;
        }
    }
    (void)socket_unmonitor(s, monitor); /* always NULL */
    (void)socket_close(s);
    (void)zmq_ctx_term(zmq);
    (void)close(fd);
}

/* A cable between client and server that can be cut without either end being told. */
struct cable {
    struct world *w;
    int port;
    int ends[2]; /* to the client and to the server; -1: none */
};

static void cable_drop(struct cable *c)
{
    for (int i = 0; i < 2; i++) {
        if (c->ends[i] >= 0) {
            (void)close(c->ends[i]);
        }
        c->ends[i] = -1;
    }
}

/* Carry what waits at either end; a new connection takes the place of the one before. */
static void cable_carry(struct cable *c)
{
    int fd = accept4(c->port, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        cable_drop(c);
        c->ends[0] = fd;
        c->ends[1] = dial(link_server_endpoint(c->w->server));
    }
    for (int i = 0; i < 2 && c->ends[0] >= 0; i++) {
        char bytes[4096];
        ssize_t size = recv(c->ends[i], bytes, sizeof(bytes), 0);
        if (size > 0) {
            assert_int_equal(send(c->ends[1 - i], bytes, (size_t)size, MSG_NOSIGNAL), size);
        } else if (size == 0 || errno != EAGAIN) {
            cable_drop(c);
        }
    }
}

static void cable_wait(struct cable *c, bool is_cut, int changes)
{
    int64_t end = clock_mono_us(loop_clock(c->w->loop)) + SILENCE_MS * INT64_C(1000);
    while (c->w->changes < changes) {
        assert_true(clock_mono_us(loop_clock(c->w->loop)) < end);
        assert_int_equal(loop_turn(c->w->loop, 5, NULL), TC_OK);
        if (!is_cut) {
            cable_carry(c);
        }
    }
}

/* As when a host is frozen or a cable is pulled: only heartbeats tell. */
static void test_a_silent_connection_is_given_up_by_both_ends(void **state)
{
    struct world *w = *state;
    struct cable cable = {.w = w, .ends = {-1, -1}};
    char endpoint[64];
    cable.port = listen_here(endpoint, sizeof(endpoint));
    struct link_client_options options = {.endpoint = endpoint,
                                          .key = &w->host7,
                                          .server_key = w->server_key.public_z85,
                                          .on_state = world_on_state,
                                          .ctx = w};
    struct link_client *c = NULL;
    assert_int_equal(link_client_new(w->outside, &options, &c, NULL), TC_OK);
    struct buf body;
    struct frames f;
    world_frames(&f, &body);
    cable_wait(&cable, false, 1);
    assert_int_equal(w->state, LINK_UP);
    assert_int_equal(link_client_send(c, &f), TC_OK);
    while (w->received == 0) {
        assert_int_equal(loop_turn(w->loop, 5, NULL), TC_OK);
        cable_carry(&cable);
    }
    uint32_t connection = w->connection;
    assert_int_equal(link_server_send(w->server, connection, &f), TC_OK);
    cable_wait(&cable, true, 2);
    assert_int_equal(w->state, LINK_DOWN);
    int64_t end = clock_mono_us(loop_clock(w->loop)) + SILENCE_MS * INT64_C(1000);
    while (link_server_send(w->server, connection, &f) != TC_ECLOSED) {
        assert_true(clock_mono_us(loop_clock(w->loop)) < end);
        assert_int_equal(loop_turn(w->loop, 50, NULL), TC_OK);
    }
    cable_drop(&cable);
    cable_wait(&cable, false, 3);
    assert_int_equal(w->state, LINK_UP);
    link_client_free(c);
    cable_drop(&cable);
    (void)close(cable.port);
    buf_free(&body);
}

/* --- With a clock that is moved -------------------------------------------------------------- */

struct moved {
    struct clock clock;
    int64_t us;
    struct loop *loop;
    struct link_context *context;
    struct link_refusal last;
    int told;
};

static int64_t moved_us(void *ctx)
{
    return ((struct moved *)ctx)->us;
}

static int64_t moved_ms(void *ctx)
{
    return ((struct moved *)ctx)->us / 1000;
}

static void on_told(void *ctx, const struct link_refusal *refusal)
{
    struct moved *m = ctx;
    m->told++;
    m->last = *refusal;
}

static void moved_start(struct moved *m)
{
    *m = (struct moved){.us = 1000000};
    m->clock = (struct clock){.now_utc_ms = moved_ms, .mono_us = moved_us, .rate = 1, .ctx = m};
    m->loop = loop_new(&m->clock);
    assert_int_equal(link_context_new(m->loop, &m->context, NULL), TC_OK);
}

static void moved_end(struct moved *m)
{
    link_context_free(m->context);
    loop_free(m->loop);
}

static void turn(struct moved *m)
{
    for (int i = 0; i < SETTLE_TURNS; i++) {
        assert_int_equal(loop_turn(m->loop, 1, NULL), TC_OK);
    }
}

static void test_a_socket_without_handshake_is_opened_anew(void **state)
{
    struct world *w = *state;
    struct moved m;
    moved_start(&m);
    struct link_client_options options = {.endpoint = "tcp://127.0.0.1:1",
                                          .key = &w->host7,
                                          .server_key = w->server_key.public_z85,
                                          .on_state = world_on_state,
                                          .ctx = w};
    struct link_client *c = NULL;
    assert_int_equal(link_client_new(m.context, &options, &c, NULL), TC_OK);
    turn(&m);
    assert_int_equal(m.context->names, 1); /* a name for the monitor of each socket */
    m.us += INT64_C(59) * 1000000;
    turn(&m);
    assert_int_equal(m.context->names, 1);
    m.us += INT64_C(2) * 1000000;
    turn(&m);
    assert_int_equal(m.context->names, 2);
    m.us += INT64_C(61) * 1000000;
    turn(&m);
    assert_int_equal(m.context->names, 3);
    assert_int_equal(w->changes, 0);
    link_client_free(c);
    moved_end(&m);
}

static void test_refusals_are_told_once_a_second(void **state)
{
    (void)state;
    struct moved m;
    moved_start(&m);
    m.context->refused = on_told;
    m.context->ctx = &m;
    const struct link_refusal refusal = {.reason = LINK_UNKNOWN_KEY,
                                         .who = "",
                                         .key = "0123456789abcdef",
                                         .address = "192.0.2.1",
                                         .detail = "d"};
    for (int i = 0; i < 1000; i++) {
        context_refuse(m.context, refusal);
    }
    assert_int_equal(m.told, 1);
    struct link_refusal other = refusal;
    other.reason = LINK_BAD_FRAMES;
    context_refuse(m.context, other);
    assert_int_equal(m.told, 2);
    m.us += 999999;
    context_refuse(m.context, refusal);
    assert_int_equal(m.told, 2);
    m.us += 1;
    context_refuse(m.context, refusal);
    assert_int_equal(m.told, 3);
    assert_int_equal(m.last.suppressed, 1000);
    moved_end(&m);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(test_either_end_may_start_anew),
        T(test_ipc_serves_as_tcp_does),
        T(test_events_that_nobody_reads_block_nothing),
        T(test_a_silent_connection_is_given_up_by_both_ends),
        T(test_a_socket_without_handshake_is_opened_anew),
        T(test_refusals_are_told_once_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
