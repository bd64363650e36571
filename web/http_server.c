/* HTTP on libmicrohttpd, its only user: connections, deadlines, whole requests, answers, streams. It
 * knows no route and no right; web/web.c gives it the function that does.
 *
 * libmicrohttpd runs in external-poll mode: its epoll descriptor is watched by our loop. Its own
 * time-out counts idleness only, so every connection has an absolute deadline here; a sweep shuts
 * late ones down. Paths are read raw: it would decode "%00" and "%2F" before a route is chosen. */
#include "web/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/limits.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/sys/clock.h"
#include "lib/sys/loop.h"

enum {
    SWEEP_MS = 500,
    IDLE_SECONDS = HTTP_IDLE_MS / 1000,
    STREAM_IDLE_SECONDS = 60,
    MEMORY_BYTES = 32 * 1024, /* of a connection: its head */
    METHOD_BYTES = 16,
    HOST_BYTES = 256,
    BACKLOG = 511,
    DISCARD_BYTES = 16 * 1024 * 1024,
};

struct http_server {
    struct loop *loop; /* borrowed */
    struct MHD_Daemon *daemon;
    struct loop_watch *watch;
    struct loop_timer *turn;
    struct loop_timer *sweep;
    struct connection *connections; /* list of all */
    http_fn on_request;
    void *ctx;
    bool is_stopping;
};

struct connection {
    struct connection *next;
    struct connection **link; /* what points here */
    struct http_server *server;
    int fd;
    int64_t deadline_us;          /* 0: none */
    struct http_request *request; /* the one being read or answered */
    char address[INET6_ADDRSTRLEN];
};

enum phase {
    READING,
    HANDLING,
    ANSWERED,
    STREAMING
};

struct http_request {
    struct MHD_Connection *mhd;    /* borrowed */
    struct connection *connection; /* borrowed */
    struct http_server *server;    /* borrowed */
    enum phase phase;
    bool has_begun;
    bool is_suspended;
    bool is_ended; /* the stream */
    char method[METHOD_BYTES];
    char *target; /* owned: path, NUL, query */
    const char *query;
    struct buf body;
    size_t discarded;
    struct buf pending;            /* of a stream */
    struct MHD_Response *response; /* owned, once answered */
    unsigned status;
    http_fn on_end;
    void *end_ctx;
};

/* --- Turning ---------------------------------------------------------------------------------- */

static void turn(void *ctx)
{
    struct http_server *server = ctx;
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    (void)MHD_run(server->daemon); /* fails only for a daemon of another mode */
    if (MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES) {
        loop_timer_in(server->turn, wait_ms > SWEEP_MS ? SWEEP_MS : (int64_t)wait_ms);
    }
}

static void on_ready(void *ctx, int fd, unsigned events)
{
    (void)fd;
    (void)events;
    turn(ctx);
}

static int64_t now_us(const struct http_server *server)
{
    return clock_mono_us(loop_clock(server->loop));
}

static void set_deadline(struct connection *connection, int64_t in_ms)
{
    connection->deadline_us = now_us(connection->server) + in_ms * 1000;
}

static void sweep(void *ctx)
{
    struct http_server *server = ctx;
    int64_t now = now_us(server);
    for (struct connection *c = server->connections; c != NULL; c = c->next) {
        if (c->deadline_us != 0 && c->deadline_us < now) {
            c->deadline_us = 0;
            (void)shutdown(c->fd, SHUT_RDWR); /* gone already is as good */
        }
    }
    loop_timer_in(server->sweep, SWEEP_MS);
    turn(server);
}

/* --- Connections ------------------------------------------------------------------------------ */

static void on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = cls;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        struct connection *gone = *socket_context;
        *gone->link = gone->next;
        if (gone->next != NULL) {
            gone->next->link = gone->link;
        }
        mem_free(gone);
        *socket_context = NULL;
        return;
    }
    struct connection *connection = mem_alloc(sizeof *connection);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    connection->server = server;
    connection->fd = info->connect_fd;
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (getnameinfo(info->client_addr, sizeof(struct sockaddr_storage), connection->address,
                    sizeof connection->address, NULL, 0, NI_NUMERICHOST) != 0) {
        (void)str_copy(connection->address, sizeof connection->address, "?"); /* fits */
    }
    set_deadline(connection, HTTP_REQUEST_MS);
    connection->next = server->connections;
    connection->link = &server->connections;
    if (connection->next != NULL) {
        connection->next->link = &connection->next;
    }
    server->connections = connection;
    *socket_context = connection;
}

/* The first thing heard of a request: its target as it was sent. */
static void *on_target(void *cls, const char *target, struct MHD_Connection *mhd)
{
    struct http_request *request = mem_alloc(sizeof *request);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    request->server = cls;
    request->connection = info->socket_context;
    request->connection->request = request;
    request->mhd = mhd;
    request->target = mem_strdup(target);
    char *mark = strchr(request->target, '?');
    request->query = "";
    if (mark != NULL) {
        *mark = '\0';
        request->query = mark + 1;
    }
    buf_init(&request->body, LIMIT_HTTP_BODY_BYTES);
    buf_init(&request->pending, HTTP_STREAM_BYTES);
    return request;
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **con_cls,
                         enum MHD_RequestTerminationCode code)
{
    (void)cls;
    (void)mhd;
    (void)code;
    struct http_request *request = *con_cls;
    if (request == NULL) {
        return;
    }
    if (request->on_end != NULL && request->phase != ANSWERED) {
        request->on_end(request->end_ctx, request);
    }
    request->connection->request = NULL;
    set_deadline(request->connection, HTTP_IDLE_MS);
    if (request->response != NULL) {
        MHD_destroy_response(request->response);
    }
    buf_free(&request->body);
    buf_free(&request->pending);
    mem_free(request->target);
    mem_free(request);
    *con_cls = NULL;
}

/* --- Answers ---------------------------------------------------------------------------------- */

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    TC_ASSERT(MHD_add_response_header(response, name, value) == MHD_YES);
}

static void add_common_headers(struct MHD_Response *response, bool is_secret)
{
    add_header(response, "X-Content-Type-Options", "nosniff");
    add_header(response, "Cache-Control", "no-store");
    add_header(response, "Referrer-Policy", is_secret ? "no-referrer" : "same-origin");
    add_header(response, "Content-Security-Policy",
               is_secret ? "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
                           "form-action 'self'; frame-ancestors 'none'"
                         : "default-src 'self'; base-uri 'none'; form-action 'self'; "
                           "frame-ancestors 'none'; object-src 'none'");
}

static enum MHD_Result queue(struct http_request *request)
{
    return MHD_queue_response(request->mhd, request->status, request->response);
}

static void resume(struct http_request *request)
{
    if (request->is_suspended) {
        request->is_suspended = false;
        MHD_resume_connection(request->mhd);
        loop_timer_in(request->server->turn, 0);
    }
}

void http_answer(struct http_request *request, const struct http_answer *answer)
{
    TC_ASSERT(request->phase == HANDLING || request->phase == READING);
    void *copy = mem_dup(answer->body, answer->size);
    request->response =
        MHD_create_response_from_buffer_with_free_callback(answer->size, copy, mem_free);
    request->status = (unsigned)answer->status;
    add_common_headers(request->response, answer->is_secret);
    add_header(request->response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
    if (answer->header != NULL) {
        add_header(request->response, answer->header, answer->value);
    }
    request->phase = ANSWERED;
    resume(request);
}

static ssize_t read_stream(void *cls, uint64_t position, char *bytes, size_t max)
{
    struct http_request *request = cls;
    (void)position;
    if (request->pending.len > 0) {
        size_t size = request->pending.len < max ? request->pending.len : max;
        memcpy(bytes, request->pending.p, size);
        buf_drop_front(&request->pending, size);
        return (ssize_t)size;
    }
    if (request->is_ended || request->server->is_stopping) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    request->is_suspended = true;
    MHD_suspend_connection(request->mhd);
    return 0;
}

void http_stream(struct http_request *request)
{
    TC_ASSERT(request->phase == HANDLING);
    request->response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, (size_t)16 * 1024,
                                                          read_stream, request, NULL);
    request->status = MHD_HTTP_OK;
    add_common_headers(request->response, false);
    add_header(request->response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/event-stream");
    add_header(request->response, "X-Accel-Buffering", "no");
    request->phase = STREAMING;
    request->connection->deadline_us = 0;
    (void)MHD_set_connection_option(request->mhd, MHD_CONNECTION_OPTION_TIMEOUT,
                                    (unsigned)STREAM_IDLE_SECONDS); /* else IDLE_SECONDS */
    resume(request);
}

void http_stream_write(struct http_request *request, const char *bytes, size_t size)
{
    TC_ASSERT(request->phase == STREAMING);
    buf_add(&request->pending, bytes, size);
    if (request->pending.err != TC_OK) {
        request->is_ended = true;
        (void)shutdown(request->connection->fd, SHUT_RDWR); /* it has not read for long */
    }
    resume(request);
}

void http_stream_end(struct http_request *request)
{
    request->is_ended = true;
    resume(request);
}

void http_on_end(struct http_request *request, http_fn on_end, void *ctx)
{
    request->on_end = on_end;
    request->end_ctx = ctx;
}

/* --- Requests --------------------------------------------------------------------------------- */

struct head {
    unsigned hosts;
    unsigned lengths;
    unsigned encodings;
    unsigned singles; /* doubled ones of those that may stand once */
    bool has_authorization;
    bool has_type;
    bool has_cookie;
};

static void count_single(struct head *head, bool *has)
{
    head->singles += *has ? 1 : 0;
    *has = true;
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    struct head *head = cls;
    (void)kind;
    (void)value;
    if (str_eq_nocase(name, "Host")) {
        head->hosts++;
    } else if (str_eq_nocase(name, "Content-Length")) {
        head->lengths++;
    } else if (str_eq_nocase(name, "Transfer-Encoding")) {
        head->encodings++;
    } else if (str_eq_nocase(name, "Authorization")) {
        count_single(head, &head->has_authorization);
    } else if (str_eq_nocase(name, "Content-Type")) {
        count_single(head, &head->has_type);
    } else if (str_eq_nocase(name, "Cookie")) {
        count_single(head, &head->has_cookie);
    }
    return MHD_YES;
}

/* Refuse before the body: the connection ends, so that nothing behind it is read as a request. */
static void refuse(struct http_request *request, int status, const char *title, const char *detail)
{
    char text[512];
    int size =
        snprintf(text, sizeof text,
                 "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\"}\n",
                 title, status, detail);
    struct http_answer answer = {.status = status,
                                 .type = "application/problem+json",
                                 .body = text,
                                 .size = (size_t)size,
                                 .header = "Connection",
                                 .value = "close"};
    http_answer(request, &answer);
}

static void begin(struct http_request *request, const char *method)
{
    struct head head = {0};
    (void)MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, on_header, &head); /* a count */
    if (str_copy(request->method, sizeof request->method, method) != TC_OK) {
        refuse(request, 501, "Not Implemented", "there is no such method");
        return;
    }
    if (head.hosts != 1 || head.lengths > 1 || head.singles > 0) {
        refuse(request, 400, "Bad Request",
               "Host must stand once; Content-Length, Content-Type, Authorization and Cookie at "
               "most once");
        return;
    }
    if (head.encodings > 0) {
        refuse(request, 411, "Length Required",
               "send the body with Content-Length, not with Transfer-Encoding");
        return;
    }
    const char *length =
        MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, "Content-Length");
    uint64_t size = 0;
    if (length != NULL && parse_whole_u64(length, LIMIT_HTTP_BODY_BYTES, &size) != TC_OK) {
        refuse(request, 413, "Content Too Large", "a body may have 262144 bytes");
    }
}

static enum MHD_Result take_body(struct http_request *request, const char *bytes, size_t *size)
{
    request->discarded += *size;
    if (request->phase == READING) {
        buf_add(&request->body, bytes, *size);
    }
    *size = 0;
    return request->discarded > DISCARD_BYTES ? MHD_NO : MHD_YES;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are libmicrohttpd's */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **con_cls)
{
    struct http_server *server = cls;
    struct http_request *request = *con_cls;
    (void)mhd;
    (void)url;
    (void)version;
    if (!request->has_begun) {
        request->has_begun = true;
        begin(request, method);
        return request->phase == ANSWERED ? queue(request) : MHD_YES;
    }
    if (*upload_size > 0) {
        return take_body(request, upload, upload_size);
    }
    if (request->phase == READING) {
        request->phase = HANDLING;
        set_deadline(request->connection, HTTP_ANSWER_MS);
        server->on_request(server->ctx, request);
        if (request->phase == HANDLING) {
            request->is_suspended = true;
            MHD_suspend_connection(request->mhd);
            return MHD_YES;
        }
    }
    return queue(request);
}

const char *http_method(const struct http_request *request)
{
    return request->method;
}

const char *http_path(const struct http_request *request)
{
    return request->target;
}

const char *http_query(const struct http_request *request)
{
    return request->query;
}

const char *http_body(const struct http_request *request, size_t *ret_size)
{
    *ret_size = request->body.len;
    return request->body.p;
}

const char *http_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

const char *http_address(const struct http_request *request)
{
    return request->connection->address;
}

/* --- Listening -------------------------------------------------------------------------------- */

static int bind_socket(const struct addrinfo *address, int *ret_fd)
{
    int one = 1;
    TC_CLEANUP(fd_closep)
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        return TC_ECONFIG;
    }
    *ret_fd = TC_TAKE_FD(fd);
    return TC_OK;
}

static int open_socket(const char *listen_at, int *ret_fd, struct err *err)
{
    char host[HOST_BYTES];
    const char *colon = strrchr(listen_at, ':');
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    size_t size = colon == NULL ? 0 : (size_t)(colon - listen_at);
    bool is_bracketed = size >= 2 && listen_at[0] == '[' && listen_at[size - 1] == ']';
    const char *start = is_bracketed ? listen_at + 1 : listen_at;
    size = is_bracketed ? size - 2 : size;
    if (colon == NULL || size >= sizeof host) {
        return err_set(err, TC_ECONFIG, "web.listen: \"%s\" is not host:port", listen_at);
    }
    memcpy(host, start, size);
    host[size] = '\0';
    if (getaddrinfo(size == 0 ? NULL : host, colon + 1, &hints, &list) != 0) {
        return err_set(err, TC_ECONFIG, "web.listen: there is no address \"%s\"", listen_at);
    }
    int status = bind_socket(list, ret_fd);
    freeaddrinfo(list);
    if (status != TC_OK) {
        return err_set(err, status, "web.listen: can't listen on %s: %s", listen_at,
                       strerrordesc_np(errno));
    }
    return TC_OK;
}

/* Paths are decoded by web/url.c, from what was sent. */
static size_t keep_escapes(void *cls, struct MHD_Connection *mhd, char *text)
{
    (void)cls;
    (void)mhd;
    return strlen(text);
}

static struct MHD_Daemon *start_daemon(struct http_server *server,
                                       const struct http_options *options, int fd)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;
    /* NOLINTBEGIN(performance-no-int-to-ptr): a pointer that may be written through, which it is not */
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)options->tls_cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)options->tls_key},
        {MHD_OPTION_END, 0, NULL},
    };
    /* NOLINTEND(performance-no-int-to-ptr) */
    bool has_tls = options->tls_cert != NULL;
    return MHD_start_daemon(
        has_tls ? flags | MHD_USE_TLS : flags, 0, NULL, NULL, on_request, server,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)options->connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)HTTP_PER_ADDRESS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_BYTES, MHD_OPTION_URI_LOG_CALLBACK,
        on_target, server, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, server, MHD_OPTION_ARRAY, has_tls ? tls : tls + 2, MHD_OPTION_END);
}

int http_server_new(struct loop *loop, const struct http_options *options,
                    struct http_server **ret_server, struct err *err)
{
    TC_CLEANUP(fd_closep) int fd = -1;
    int status = open_socket(options->listen, &fd, err);
    if (status != TC_OK) {
        return status;
    }
    struct http_server *server = mem_alloc(sizeof *server);
    server->loop = loop;
    server->on_request = options->on_request;
    server->ctx = options->ctx;
    server->daemon = start_daemon(server, options, fd);
    if (server->daemon == NULL) {
        mem_free(server);
        return err_set(err, TC_ECONFIG,
                       "web: the HTTP server does not start on %s; check tls_cert and tls_key",
                       options->listen);
    }
    (void)TC_TAKE_FD(fd); /* the daemon closes it */
    server->turn = loop_timer_new(loop, turn, server);
    server->sweep = loop_timer_new(loop, sweep, server);
    loop_timer_in(server->sweep, SWEEP_MS);
    server->watch =
        loop_watch_fd(loop, MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
                      LOOP_READ, on_ready, server);
    *ret_server = server;
    return TC_OK;
}

/* So that it can be let go: a stream ends, an answer that is still being made is given up. */
static void end_request(struct http_request *request)
{
    request->is_ended = true;
    if (request->phase == HANDLING) {
        if (request->on_end != NULL) {
            request->on_end(request->end_ctx, request);
            request->on_end = NULL;
        }
        refuse(request, 503, "Service Unavailable", "tocsin-web is stopping");
        return;
    }
    resume(request);
}

struct http_server *http_server_free(struct http_server *server)
{
    if (server == NULL) {
        return NULL;
    }
    /* The library stops only when nothing is suspended. */
    server->is_stopping = true;
    for (struct connection *c = server->connections; c != NULL; c = c->next) {
        if (c->request != NULL) {
            end_request(c->request);
        }
    }
    (void)MHD_run(server->daemon); /* as in turn */
    loop_unwatch(server->loop, server->watch);
    loop_timer_free(server->loop, server->turn);
    loop_timer_free(server->loop, server->sweep);
    MHD_stop_daemon(server->daemon);
    mem_free(server);
    return NULL;
}
