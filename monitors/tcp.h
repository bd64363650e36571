#ifndef MONITORS_TCP_H
#define MONITORS_TCP_H

#include <stdint.h>

#include "monitors/check.h"

struct net_result;

/* The tcp check: whether a port takes connections and, where asked, says the right thing. */
extern const struct check_ops check_tcp;

struct tcp_limits {
    const char *host;
    int64_t port;
    const char *expect; /* NULL: nothing */
    int64_t ms_max;     /* 0: none */
    int64_t timeout_ms; /* for the message */
};

/* Hold a conversation against the limits.
 * Shape:  answer as tcp_converse fills it; result is empty.
 * Units:  real ms.
 * Owns:   nothing retained.
 * Errors: none. */
void tcp_judge(const struct net_result *answer, const struct tcp_limits *limits,
               struct check_result *result);

#endif
