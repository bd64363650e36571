/* A role's socket at the router. Checks each message's key against the list as it is now; the
 * content of frames is the codec's business. */
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/sys/clock.h"
#include "lib/sys/loop.h"
#include "proto/link/context.h"
#include "proto/link/socket.h"

enum {
    ID_BYTES = 5, /* a routing id that ZeroMQ made: 0 and 32 bits; peers can't choose these */
    ENDPOINT_BYTES = 256,
    SELF_TEST_US = 10000000,
};

struct link_server {
    struct link_context *context; /* borrowed */
    enum message_role role;
    void *socket; /* owned */
    struct loop_watch *watch;
    char endpoint[ENDPOINT_BYTES];
    link_server_fn on_message;
    void *ctx;
};

static const char *metadata(const zmq_msg_t *part, const char *name)
{
    const char *value = zmq_msg_gets(part, name);
    return value == NULL ? "" : value;
}

static void refuse(struct link_server *s, const zmq_msg_t *part, enum link_refusal_reason reason,
                   const char *detail)
{
    context_refuse(s->context, (struct link_refusal){.reason = reason,
                                                     .who = metadata(part, "User-Id"),
                                                     .key = metadata(part, "X-Key"),
                                                     .address = metadata(part, "Peer-Address"),
                                                     .detail = detail});
}

static void take(struct link_server *s, struct socket_message *m)
{
    const zmq_msg_t *last = &m->parts[m->count < SOCKET_PARTS ? m->count - 1 : SOCKET_PARTS - 1];
    const uint8_t *id = zmq_msg_data(&m->parts[0]);
    const struct allow_entry *entry = allow_find(&s->context->allow, metadata(last, "X-Key"));
    if (zmq_msg_size(&m->parts[0]) != ID_BYTES || id[0] != 0) {
        refuse(s, last, LINK_CHOSEN_ID, "the peer chose its own routing id");
    } else if (m->count != SOCKET_PARTS) {
        refuse(s, last, LINK_BAD_FRAMES, "a message must have four frames");
    } else if (entry == NULL || entry->role != s->role) {
        refuse(s, last, LINK_REVOKED, "the key of this connection is no longer allowed");
    } else if (s->on_message != NULL) {
        struct frame frames[LIMIT_FRAMES];
        struct link_peer peer = {.role = entry->role, .name = entry->name};
        memcpy(&peer.connection, id + 1, sizeof(peer.connection));
        socket_frames(m, 1, frames);
        s->on_message(s->ctx, &peer, frames);
    }
}

static void receive(void *ctx)
{
    struct link_server *s = ctx;
    for (int i = 0; i < SOCKET_TURN; i++) {
        struct socket_message m;
        if (socket_receive(s->socket, &m) != TC_OK) {
            return;
        }
        take(s, &m);
        socket_message_close(&m);
    }
}

/* Wait for what the gate tells a throw-away key. */
static int wait_refusal(struct link_server *s, void *monitor, struct err *err)
{
    const struct clock *clock = loop_clock(s->context->loop);
    int64_t deadline = clock_mono_us(clock) + SELF_TEST_US;
    while (clock_mono_us(clock) < deadline) {
        zmq_pollitem_t items[] = {{s->context->zap, 0, ZMQ_POLLIN, 0}, {monitor, 0, ZMQ_POLLIN, 0}};
        (void)zmq_poll(items, 2, 100); /* an interruption is one turn more */
        context_gate(s->context);
        int event = socket_event(monitor);
        if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) {
            return TC_OK;
        }
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
            return err_set(err, TC_EPERM, "%s lets an unknown key in", s->endpoint);
        }
    }
    return err_set(err, TC_EPERM, "%s did not refuse an unknown key in time", s->endpoint);
}

static int self_test(struct link_server *s, const struct link_key *key, struct err *err)
{
    struct link_key probe;
    int rc = link_key_make(&probe, err);
    if (rc != TC_OK) {
        return rc;
    }
    char name[64];
    context_name(s->context, name, sizeof(name));
    void *client = socket_new(s->context->zmq, ZMQ_DEALER);
    if (client == NULL) {
        return err_set(err, TC_EIO, "out of sockets");
    }
    socket_set(client, ZMQ_CURVE_SERVERKEY, key->public_z85, LINK_KEY_TEXT);
    socket_set(client, ZMQ_CURVE_PUBLICKEY, probe.public_z85, LINK_KEY_TEXT);
    socket_set(client, ZMQ_CURVE_SECRETKEY, probe.secret_z85, LINK_KEY_TEXT);
    (void)str_copy(s->context->probe, LINK_KEY_TEXT, probe.public_z85); /* the same size */
    void *monitor = socket_monitor(s->context->zmq, client, name);
    if (monitor == NULL || zmq_connect(client, s->endpoint) != 0) {
        rc = err_set(err, TC_EPERM, "%s can't be tried out", s->endpoint);
    } else {
        rc = wait_refusal(s, monitor, err);
    }
    (void)socket_unmonitor(client, monitor); /* always NULL */
    (void)socket_close(client);              /* always NULL */
    link_key_wipe(&probe);
    return rc;
}

static int bind_socket(struct link_server *s, const char *endpoint, const struct link_key *key,
                       struct err *err)
{
    const char *domain = message_role_name(s->role);
    s->socket = socket_new(s->context->zmq, ZMQ_ROUTER);
    if (s->socket == NULL) {
        return err_set(err, TC_EIO, "out of sockets");
    }
    socket_set_int(s->socket, ZMQ_ROUTER_MANDATORY, 1);
    socket_set_int(s->socket, ZMQ_CURVE_SERVER, 1);
    socket_set(s->socket, ZMQ_CURVE_SECRETKEY, key->secret_z85, LINK_KEY_TEXT);
    socket_set(s->socket, ZMQ_ZAP_DOMAIN, domain, strlen(domain));
    if (zmq_bind(s->socket, endpoint) != 0) {
        return err_set(err, TC_ECONFIG, "can't bind %s: %s", endpoint, zmq_strerror(zmq_errno()));
    }
    size_t size = sizeof(s->endpoint);
    if (zmq_getsockopt(s->socket, ZMQ_LAST_ENDPOINT, s->endpoint, &size) != 0) {
        return err_set(err, TC_ECONFIG, "the endpoint %s is too long", endpoint);
    }
    return TC_OK;
}

int link_server_new(struct link_context *context, enum message_role role, const char *endpoint,
                    const struct link_key *key, struct link_server **ret_server, struct err *err)
{
    TC_ASSERT(context->zap != NULL);
    struct link_server *s = mem_alloc(sizeof(*s));
    s->context = context;
    s->role = role;
    int rc = bind_socket(s, endpoint, key, err);
    if (rc == TC_OK) {
        rc = self_test(s, key, err);
    }
    if (rc != TC_OK) {
        link_server_free(s);
        return rc;
    }
    s->watch = loop_watch_socket(context->loop, s->socket, receive, s);
    *ret_server = s;
    return TC_OK;
}

void link_server_on_message(struct link_server *server, link_server_fn fn, void *ctx)
{
    server->on_message = fn;
    server->ctx = ctx;
}

struct link_server *link_server_free(struct link_server *server)
{
    if (server != NULL) {
        if (server->watch != NULL) {
            loop_unwatch(server->context->loop, server->watch);
        }
        (void)socket_close(server->socket);
        mem_free(server);
    }
    return NULL;
}

const char *link_server_endpoint(const struct link_server *server)
{
    return server->endpoint;
}

int link_server_send(struct link_server *server, uint32_t connection, const struct frames *frames)
{
    int rc = socket_check(frames);
    if (rc != TC_OK) {
        return rc;
    }
    uint8_t id[ID_BYTES] = {0};
    memcpy(id + 1, &connection, sizeof(connection));
    rc = socket_send(server->socket, id, sizeof(id), ZMQ_SNDMORE);
    return rc != TC_OK ? rc : socket_send_frames(server->socket, frames);
}
