#ifndef WEB_HTTP_SERVER_H
#define WEB_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct loop;

/* HTTP/1.1 on the loop: requests arrive whole, or not at all. What libmicrohttpd lets through is
 * refused here: more than one Host, Content-Length or Authorization, any Transfer-Encoding, bodies over
 * LIMIT_HTTP_BODY_BYTES, clients that take longer than HTTP_REQUEST_MS for a request. */
struct http_server;
struct http_request;

enum {
    HTTP_REQUEST_MS = 10 * 1000, /* from the first byte to the last of a request */
    HTTP_IDLE_MS = 20 * 1000,    /* a kept connection's next request must be whole by then */
    HTTP_ANSWER_MS = 90 * 1000,  /* making and sending an answer, which also waits for runs */
    HTTP_STREAM_BYTES = 256 * 1024,
    HTTP_PER_ADDRESS = 256, /* connections of one address at a time */
};

/* A whole request came: answer it with http_answer or http_stream, now or later. */
typedef void (*http_fn)(void *ctx, struct http_request *request);

struct http_options {
    const char *listen;   /* "host:port" */
    const char *tls_cert; /* PEM texts; NULL: plain HTTP */
    const char *tls_key;
    int64_t connections;
    http_fn on_request;
    void *ctx;
};

/* Listen, and stop: open streams and answers are cut.
 * Shape:  options' texts outlive the call only.
 * Units:  none.
 * Owns:   the caller frees (NULL is fine; returns NULL); loop outlives it.
 * Errors: TC_ECONFIG address unusable or in use, TLS files unusable. */
int http_server_new(struct loop *loop, const struct http_options *options,
                    struct http_server **ret_server, struct err *err);
struct http_server *http_server_free(struct http_server *server);

/* What was asked: "GET", the path as it was sent (not decoded), the query behind "?" or "", the body,
 * a header's value or NULL, the peer's address.
 * Shape:  borrowed until the request is answered.
 * Units:  bytes.
 * Owns:   nothing.
 * Errors: none. */
const char *http_method(const struct http_request *request);
const char *http_path(const struct http_request *request);
const char *http_query(const struct http_request *request);
const char *http_body(const struct http_request *request, size_t *ret_size);
const char *http_header(const struct http_request *request, const char *name);
const char *http_address(const struct http_request *request);

struct http_answer {
    int status;
    const char *type; /* Content-Type */
    const char *body;
    size_t size;
    bool is_secret;     /* its address is: no referrer, and no script runs in it */
    const char *header; /* one more header, or NULL */
    const char *value;
};

/* Answer; the request may not be used afterwards.
 * Trivial. Copies. */
void http_answer(struct http_request *request, const struct http_answer *answer);

/* Answer with a stream of events, append to it, end it.
 * Shape:  a client that leaves HTTP_STREAM_BYTES unread is cut off.
 * Units:  bytes.
 * Owns:   copies; the request lives until its end is told.
 * Errors: none: a gone client is told by on_end. */
void http_stream(struct http_request *request);
void http_stream_write(struct http_request *request, const char *bytes, size_t size);
void http_stream_end(struct http_request *request);

/* Be told when the connection ends before the answer, or the stream does: the request is gone then.
 * Trivial. NULL: no longer. */
void http_on_end(struct http_request *request, http_fn on_end, void *ctx);

#endif
