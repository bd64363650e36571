/* Requests on the wire and on disk: the loop's side of lib/net, and Maildirs. Judges nothing; the
 * engine starts requests here and gets their results. */
#include "notifiers/transport.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "lib/net/http.h"
#include "lib/net/smtp.h"
#include "lib/sys/loop.h"
#include "notifiers/channel.h"
#include "notifiers/maildir.h"

/* A watched descriptor of lib/net; a handful at a time, so a list serves. */
struct watch {
    int fd;
    struct loop_watch *handle; /* owned by the loop */
    struct watch *next;
};

struct transport {
    struct loop *loop;        /* borrowed */
    struct net *net;          /* owned */
    struct loop_timer *timer; /* of net */
    struct watch *watches;    /* owned */
    int64_t timeout_ms;
};

static void on_ready(void *ctx, int fd, unsigned events)
{
    struct transport *transport = ctx;
    unsigned ready = 0;
    if ((events & (LOOP_READ | LOOP_ERROR)) != 0) {
        ready |= NET_READ; /* reading tells which error it is */
    }
    if ((events & LOOP_WRITE) != 0) {
        ready |= NET_WRITE;
    }
    net_ready(transport->net, fd, ready);
}

static void on_timer(void *ctx)
{
    struct transport *transport = ctx;
    net_timeout(transport->net);
}

static void set_watch(void *ctx, int fd, unsigned events)
{
    struct transport *transport = ctx;
    struct watch **p = &transport->watches;
    unsigned wanted = ((events & NET_READ) != 0 ? (unsigned)LOOP_READ : 0) |
                      ((events & NET_WRITE) != 0 ? (unsigned)LOOP_WRITE : 0);
    while (*p != NULL && (*p)->fd != fd) {
        p = &(*p)->next;
    }
    struct watch *watch = *p;
    if (watch == NULL && wanted != 0) {
        watch = mem_alloc(sizeof *watch);
        watch->fd = fd;
        watch->handle = loop_watch_fd(transport->loop, fd, wanted, on_ready, transport);
        *p = watch;
    } else if (watch != NULL && wanted != 0) {
        loop_watch_events(watch->handle, wanted);
    } else if (watch != NULL) {
        loop_unwatch(transport->loop, watch->handle);
        *p = watch->next;
        mem_free(watch);
    }
}

static void set_timer(void *ctx, int64_t delay_ms)
{
    struct transport *transport = ctx;
    if (delay_ms < 0) {
        loop_timer_stop(transport->timer);
    } else {
        loop_timer_in(transport->timer, delay_ms);
    }
}

struct transport *transport_new(struct loop *loop, bool is_demo, int64_t timeout_ms)
{
    struct transport *transport = mem_alloc(sizeof *transport);
    struct net_host host = {.watch = set_watch, .timer = set_timer, .ctx = transport};
    struct net_policy policy = {.reach = is_demo ? NET_REACH_LOOPBACK : NET_REACH_ANY};
    transport->loop = loop;
    transport->timeout_ms = timeout_ms;
    transport->timer = loop_timer_new(loop, on_timer, transport);
    transport->net = net_new(&host, &policy);
    return transport;
}

struct transport *transport_free(struct transport *transport)
{
    if (transport == NULL) {
        return NULL;
    }
    transport->net = net_free(transport->net);
    while (transport->watches != NULL) {
        set_watch(transport, transport->watches->fd, 0);
    }
    loop_timer_free(transport->loop, transport->timer);
    mem_free(transport);
    return NULL;
}

static int start_http(struct transport *transport, const struct request *request, net_done_fn done,
                      void *done_ctx, struct err *err)
{
    const char *headers[REQUEST_HEADERS_MAX + 1] = {NULL};
    for (size_t i = 0; i < request->header_count; i++) {
        headers[i] = request->headers[i].p;
    }
    struct http_request http = {
        .method = "POST",
        .url = request->url.p,
        .headers = headers,
        .body = request->body.p,
        .body_size = request->body.len,
        .ca_file = request->ca_file,
        .timeout_ms = transport->timeout_ms,
    };
    return http_start(transport->net, &http, done, done_ctx, err);
}

static int start_smtp(struct transport *transport, const struct request *request, net_done_fn done,
                      void *done_ctx, struct err *err)
{
    struct smtp_mail mail = {
        .server = request->url.p,
        .helo = request->helo,
        .tls = (enum smtp_tls)request->tls,
        .ca_file = request->ca_file,
        .user = request->user,
        .password = request->password,
        .from = request->from.p,
        .to = request->to.p,
        .message = request->body.p,
        .message_size = request->body.len,
        .timeout_ms = transport->timeout_ms,
    };
    return smtp_start(transport->net, &mail, done, done_ctx, err);
}

static int write_file(const struct request *request, net_done_fn done, void *done_ctx)
{
    struct err err = ERR_INIT;
    char empty[] = "";
    struct net_result result = {.end = NET_ANSWERED, .retry_after_ms = -1, .body = empty};
    if (maildir_deliver(request->url.p, request->provider_id, request->body.p, request->body.len,
                        &err) != TC_OK) {
        result.end = NET_BROKEN;
        (void)snprintf(result.text, sizeof result.text, "%s", err.text);
    }
    done(done_ctx, &result);
    return TC_OK;
}

static int start(void *ctx, const struct request *request, net_done_fn done, void *done_ctx,
                 struct err *err)
{
    struct transport *transport = ctx;
    switch (request->kind) {
    case REQUEST_HTTP:
        return start_http(transport, request, done, done_ctx, err);
    case REQUEST_SMTP:
        return start_smtp(transport, request, done, done_ctx, err);
    case REQUEST_FILE:
        return write_file(request, done, done_ctx);
    case REQUEST_NOTHING:
        break;
    }
    TC_UNREACHABLE();
}

struct engine_transport transport_ops(struct transport *transport)
{
    return (struct engine_transport){.start = start, .ctx = transport};
}
