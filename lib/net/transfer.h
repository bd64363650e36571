#ifndef LIB_NET_TRANSFER_H
#define LIB_NET_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/net/net.h"

/* One request while it is in flight: the parts that HTTP and SMTP share. Private to lib/net. */
struct transfer {
    CURL *easy;                  /* owned */
    struct curl_slist *lines;    /* owned: headers or the recipient */
    char *upload;                /* owned, or NULL */
    size_t upload_size;          /* bytes */
    size_t upload_taken;         /* bytes that libcurl has read */
    struct buf body;             /* owned: HTTP's body, or SMTP's last reply */
    size_t header_bytes;         /* of all header lines */
    bool wants_head;             /* HTTP: keep them */
    struct buf head;             /* owned: those of the last answer */
    char cause[CURL_ERROR_SIZE]; /* libcurl's own words; may hold the URL */
    int reply_code;              /* SMTP: of the last whole reply */
    bool is_reply_open;          /* SMTP: in the middle of a reply of several lines */
    bool is_smtp;
    bool is_cut;
    bool is_forbidden;
    const struct net_policy *policy; /* borrowed from the engine */
    net_done_fn done;
    void *ctx;             /* the caller's */
    struct transfer *next; /* of the engine's list */
    struct transfer *previous;
};

/* Make a transfer with all that must hold for every request set on its handle.
 * Shape:  protocols as CURLOPT_PROTOCOLS_STR; timeouts 0 take the defaults.
 * Units:  real ms.
 * Owns:   the caller frees with transfer_free, or hands it to net_add.
 * Errors: none.
 * Source: curl_easy_setopt(3). */
struct transfer *transfer_new(const struct net_policy *policy, const char *protocols,
                              int64_t connect_timeout_ms, int64_t timeout_ms);
struct transfer *transfer_free(struct transfer *transfer);
void transfer_freep(struct transfer **transfer);

/* Keep a copy of what is to be sent.
 * Trivial. */
void transfer_set_upload(struct transfer *transfer, const char *bytes, size_t size);

/* Append one header line or recipient.
 * Trivial. */
void transfer_add_line(struct transfer *transfer, const char *line);

/* What became of a transfer.
 * Shape:  ret_result is overwritten.
 * Units:  none.
 * Owns:   the caller clears ret_result.
 * Errors: none.
 * Source: libcurl-errors(3). */
void transfer_result(struct transfer *transfer, CURLcode code, struct net_result *ret_result);

/* Start a transfer on an engine, which then owns it.
 * Trivial. */
void net_add(struct net *net, struct transfer *transfer, net_done_fn done, void *ctx);

/* The policy of an engine.
 * Trivial. */
const struct net_policy *net_policy_of(const struct net *net);

/* Whether s is free of control bytes.
 * Trivial. */
bool transfer_is_clean(const char *s);

#endif
