#ifndef LIB_NET_HTTP_H
#define LIB_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/net/net.h"

/* One HTTP request. Unless redirects are allowed a 3xx is the answer; every hop is held to the
 * policy. The environment's proxy settings are ignored. */
struct http_request {
    const char *method;         /* "GET", "POST", "HEAD", ... */
    const char *url;            /* http or https; user and password in it are refused */
    const char *const *headers; /* NULL, or NULL-terminated "Name: value" lines */
    const char *body;           /* NULL: none */
    size_t body_size;           /* bytes */
    const char *proxy;          /* NULL or "": none */
    const char *ca_file;        /* NULL: the system's */
    int64_t connect_timeout_ms; /* 0: 5 s */
    int64_t timeout_ms;         /* 0: 20 s */
    size_t answer_bytes_max;    /* of its body; 0: LIMIT_RESPONSE_BYTES */
    int32_t redirects_max;      /* 0: none is followed */
    bool wants_head;            /* keep the answer's header lines */
    bool wants_cert;            /* tell when the server's certificate ends */
};

/* Begin a request; done runs once, later, from net_ready or net_timeout.
 * Shape:  request is read during the call only; a control byte in any part is refused.
 * Units:  real ms; the answer's body is read up to answer_bytes_max.
 * Owns:   copies what it needs; ctx outlives the request; the result is done's for the call only.
 * Errors: TC_EINVAL the request breaks a rule, nothing was sent.
 * Source: RFC 9110; RFC 9112 section 2.2 on bare CR and LF. */
int http_start(struct net *net, const struct http_request *request, net_done_fn done, void *ctx,
               struct err *err);

/* The same, blocking, on a connection of its own: for the command line and checks.
 * Shape:  ret_result is filled on TC_OK only.
 * Units:  as above.
 * Owns:   the caller clears the result with net_result_clear.
 * Errors: as above.
 * Source: as above. */
int http_fetch(const struct net_policy *policy, const struct http_request *request,
               struct net_result *ret_result, struct err *err);

#endif
