#ifndef LIB_NET_NET_H
#define LIB_NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

/* Many requests to other hosts at once, HTTP and SMTP, over connections that are kept and reused,
 * driven by the caller's event loop. What a remote does is data (struct net_result), never an
 * error. Requests are made by http_start (lib/net/http.h) and smtp_start (lib/net/smtp.h). */
struct net;

/* Which addresses may be connected to, judged after the name was resolved, so that no name can
 * lead around it. Link-local and cloud metadata addresses are refused in every case. */
enum net_reach {
    NET_REACH_ANY,      /* endpoints that the configuration names */
    NET_REACH_PUBLIC,   /* endpoints that rows or people name: no loopback, no private network */
    NET_REACH_LOOPBACK, /* demonstrations: nothing may leave the machine */
};

struct net_policy {
    enum net_reach reach;
    const char *const *allowed; /* NULL or NULL-terminated "address/bits" that NET_REACH_PUBLIC may
                                   reach as well; borrowed for the engine's life */
};

/* The event loop, as the engine needs it: the caller fills this with its own loop. */
enum {
    NET_READ = 1,
    NET_WRITE = 2
};

struct net_host {
    void (*watch)(void *ctx, int fd, unsigned events); /* replaces; 0 forgets the descriptor */
    void (*timer)(void *ctx, int64_t delay_ms);        /* replaces; real ms, -1 disarms */
    void *ctx;
};

/* How far a request came. */
enum net_end {
    NET_ANSWERED,    /* status and body are the remote's */
    NET_UNREACHABLE, /* no name, no route, connection refused */
    NET_FORBIDDEN,   /* the policy refuses the address; nothing was sent */
    NET_INSECURE,    /* TLS: no agreement, or the certificate is not valid */
    NET_TIMED_OUT,
    NET_BROKEN, /* the connection ended, or what came is not of the protocol */
};

enum {
    NET_TEXT_MAX = 256,
};

struct net_result {
    enum net_end end;
    int status;        /* HTTP status, or SMTP's last reply code; 0: none came */
    bool is_ambiguous; /* all was sent, no answer came: the remote may have acted on it */
    bool is_cut;       /* the answer is larger than LIMIT_RESPONSE_BYTES; body is its beginning */
    char *body;        /* owned; HTTP's body or SMTP's last reply; NUL-terminated, never NULL */
    size_t body_size;  /* bytes */
    char *head;        /* owned; the last answer's header lines when asked for, else NULL */
    int64_t cert_end_utc_ms; /* end of the server's certificate when asked for, else 0 */
    int64_t connect_us;      /* real, until connected; with TLS until agreed; 0: never was */
    int64_t retry_after_ms;  /* what Retry-After asks for, at most an hour; -1: nothing */
    int64_t duration_ms;     /* real, from the start to the end of the request */
    int curl_code;           /* libcurl's CURLcode, for the log */
    char
        text[NET_TEXT_MAX]; /* what went wrong, without address, path or secret; "" when answered */
};

/* Release what a result owns.
 * Shape:  NULL is fine; the struct itself stays the caller's.
 * Units:  none.
 * Owns:   frees body and head.
 * Errors: none.
 * Source: none, plain bookkeeping. */
void net_result_clear(struct net_result *result);

typedef void (*net_done_fn)(void *ctx, const struct net_result *result);

/* Make and free an engine.
 * Shape:  net_free(NULL) is fine and returns NULL; requests in flight end without their callback.
 * Units:  none.
 * Owns:   the caller frees; host is copied, its ctx outlives the engine.
 * Errors: none.
 * Source: libcurl-multi(3), multi_socket. */
struct net *net_new(const struct net_host *host, const struct net_policy *policy);
struct net *net_free(struct net *net);

/* Tell the engine that a watched descriptor is ready, or that its timer fired. Callbacks of
 * requests run from here only, and may start further ones.
 * Shape:  events of NET_READ and NET_WRITE.
 * Units:  none.
 * Owns:   nothing.
 * Errors: none; what goes wrong ends the requests it concerns.
 * Source: curl_multi_socket_action(3). */
void net_ready(struct net *net, int fd, unsigned events);
void net_timeout(struct net *net);

/* How many requests are in flight.
 * Trivial. */
size_t net_count(const struct net *net);

#endif
