/* A peer's socket to the router: connects for ever and tells what the connection is worth. What is
 * said over it is the caller's business. */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/sys/loop.h"
#include "proto/link/context.h"
#include "proto/link/socket.h"

enum {
    REOPEN_MS = 60000, /* without a handshake; ZeroMQ does not always try again by itself */
    RETRY_MS = 1000,   /* when a socket could not be opened anew */
    BROKEN_MAX = 2,    /* handshakes cut off in a row before the key is doubted */
};

struct link_client {
    struct link_context *context; /* borrowed */
    struct link_client_options options;
    struct link_key key;
    char *endpoint;   /* owned */
    char *server_key; /* owned */
    void *socket;     /* owned */
    void *monitor;    /* owned */
    struct loop_watch *socket_watch;
    struct loop_watch *monitor_watch;
    struct loop_timer *reopen;
    enum link_state state;
    uint32_t broken;
    bool is_busy; /* in a callback: freeing waits for its end */
    bool is_freed;
};

static void on_socket(void *ctx);
static void on_monitor(void *ctx);

static void close_sockets(struct link_client *c)
{
    if (c->monitor_watch != NULL) {
        loop_unwatch(c->context->loop, c->monitor_watch);
    }
    if (c->socket_watch != NULL) {
        loop_unwatch(c->context->loop, c->socket_watch);
    }
    c->monitor_watch = NULL;
    c->socket_watch = NULL;
    c->monitor = socket_unmonitor(c->socket, c->monitor);
    c->socket = socket_close(c->socket);
}

static int open_sockets(struct link_client *c, struct err *err)
{
    char name[64];
    context_name(c->context, name, sizeof(name));
    c->socket = socket_new(c->context->zmq, ZMQ_DEALER);
    if (c->socket == NULL) {
        return err_set(err, TC_EIO, "out of sockets");
    }
    socket_set_int(c->socket, ZMQ_IMMEDIATE, 1);
    socket_set_int(c->socket, ZMQ_RECONNECT_IVL, 200);
    socket_set_int(c->socket, ZMQ_RECONNECT_IVL_MAX, 30000);
    socket_set(c->socket, ZMQ_CURVE_SERVERKEY, c->server_key, LINK_KEY_TEXT);
    socket_set(c->socket, ZMQ_CURVE_PUBLICKEY, c->key.public_z85, LINK_KEY_TEXT);
    socket_set(c->socket, ZMQ_CURVE_SECRETKEY, c->key.secret_z85, LINK_KEY_TEXT);
    c->monitor = socket_monitor(c->context->zmq, c->socket, name);
    if (c->monitor == NULL) {
        return err_set(err, TC_EIO, "out of sockets");
    }
    if (zmq_connect(c->socket, c->endpoint) != 0) {
        return err_set(err, TC_ECONFIG, "can't connect to %s: %s", c->endpoint,
                       zmq_strerror(zmq_errno()));
    }
    c->socket_watch = loop_watch_socket(c->context->loop, c->socket, on_socket, c);
    c->monitor_watch = loop_watch_socket(c->context->loop, c->monitor, on_monitor, c);
    loop_timer_in(c->reopen, REOPEN_MS);
    return TC_OK;
}

static void destroy(struct link_client *c)
{
    close_sockets(c);
    loop_timer_free(c->context->loop, c->reopen);
    link_key_wipe(&c->key);
    mem_free(c->endpoint);
    mem_free(c->server_key);
    mem_free(c);
}

static void change(struct link_client *c, enum link_state state, const char *detail)
{
    if (c->state == state || c->is_freed) {
        return;
    }
    c->state = state;
    if (c->options.on_state != NULL) {
        c->options.on_state(c->options.ctx, state, detail);
    }
}

static void on_broken_off(struct link_client *c)
{
    c->broken++;
    if (c->broken >= BROKEN_MAX && c->state != LINK_REFUSED) {
        change(c, LINK_WRONG_KEY,
               "whoever answers breaks the handshake off: the configured "
               "key of the router is wrong, or this is no router");
    }
}

/* ZeroMQ's events are numbers that may get company: what is not named here changes nothing. */
static void on_event(struct link_client *c, int event)
{
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
        c->broken = 0;
        loop_timer_stop(c->reopen);
        change(c, LINK_UP, "connected");
    } else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) {
        change(c, LINK_REFUSED,
               "the router refuses this key: is it on its allow-list, with the "
               "role of this endpoint?");
    } else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL ||
               event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) {
        on_broken_off(c);
    } else if (event == ZMQ_EVENT_DISCONNECTED && c->state == LINK_UP) {
        loop_timer_in(c->reopen, REOPEN_MS);
        change(c, LINK_DOWN, "the connection ended");
    }
}

static void on_monitor(void *ctx)
{
    struct link_client *c = ctx;
    c->is_busy = true;
    for (int event = socket_event(c->monitor); event != 0 && !c->is_freed;
         event = socket_event(c->monitor)) {
        on_event(c, event);
    }
    c->is_busy = false;
    if (c->is_freed) {
        destroy(c);
    }
}

static void on_socket(void *ctx)
{
    struct link_client *c = ctx;
    c->is_busy = true;
    for (int i = 0; i < SOCKET_TURN && !c->is_freed; i++) {
        struct socket_message m;
        if (socket_receive(c->socket, &m) != TC_OK) {
            break;
        }
        if (m.count == LIMIT_FRAMES && c->options.on_message != NULL) {
            struct frame frames[LIMIT_FRAMES];
            socket_frames(&m, 0, frames);
            c->options.on_message(c->options.ctx, frames);
        }
        socket_message_close(&m);
    }
    c->is_busy = false;
    if (c->is_freed) {
        destroy(c);
    }
}

static void on_reopen(void *ctx)
{
    struct link_client *c = ctx;
    close_sockets(c);
    if (open_sockets(c, NULL) != TC_OK) {
        /* It worked when the client was made, so descriptors are short: they come back. */
        close_sockets(c);
        loop_timer_in(c->reopen, RETRY_MS);
    }
}

int link_client_new(struct link_context *context, const struct link_client_options *options,
                    struct link_client **ret_client, struct err *err)
{
    if (!link_key_is_valid(options->server_key)) {
        return err_set(err, TC_ECONFIG, "the router's key must be 40 characters of Z85");
    }
    struct link_client *c = mem_alloc(sizeof(*c));
    c->context = context;
    c->options = *options;
    c->key = *options->key;
    c->endpoint = mem_strdup(options->endpoint);
    c->server_key = mem_strdup(options->server_key);
    c->reopen = loop_timer_new(context->loop, on_reopen, c);
    int rc = open_sockets(c, err);
    if (rc != TC_OK) {
        destroy(c);
        return rc;
    }
    *ret_client = c;
    return TC_OK;
}

struct link_client *link_client_free(struct link_client *client)
{
    if (client != NULL) {
        client->is_freed = true;
        if (!client->is_busy) {
            destroy(client);
        }
    }
    return NULL;
}

int link_client_send(struct link_client *client, const struct frames *frames)
{
    int rc = socket_check(frames);
    if (rc != TC_OK) {
        return rc;
    }
    if (client->state != LINK_UP || client->socket == NULL) {
        return TC_EAGAIN;
    }
    return socket_send_frames(client->socket, frames);
}
