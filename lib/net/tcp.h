#ifndef LIB_NET_TCP_H
#define LIB_NET_TCP_H

#include <stdint.h>

#include "lib/net/net.h"

/* One plain TCP conversation: connect, perhaps say something, perhaps listen for something. */
struct tcp_request {
    const char *host; /* name or address, an IPv6 one without brackets */
    uint16_t port;
    const char *send;   /* NULL: nothing */
    const char *expect; /* NULL: nothing is read; else read until this text has come */
    int64_t timeout_ms; /* for all of it; > 0 */
};

/* Hold one conversation, blocking, and close it.
 * Shape:  ret_result is filled on TC_OK only: NET_ANSWERED once connected, all sent and, with
 *         expect, its text seen in body; NET_BROKEN when the remote ended before; is_cut when
 *         LIMIT_RESPONSE_BYTES came without it.
 * Units:  real ms.
 * Owns:   the caller clears the result with net_result_clear.
 * Errors: TC_EINVAL no host name, nothing was sent; TC_EIO out of descriptors.
 * Source: RFC 9293; curl_easy_setopt(3) CURLOPT_CONNECT_ONLY. */
int tcp_converse(const struct net_policy *policy, const struct tcp_request *request,
                 struct net_result *ret_result, struct err *err);

#endif
