#ifndef MONITORS_HTTP_H
#define MONITORS_HTTP_H

#include <stdint.h>

#include "monitors/check.h"

struct net_result;

/* The http check: one request on a connection of its own, as somebody who comes now would make it. */
extern const struct check_ops check_http;

enum {
    HTTP_STATUSES_MAX = 32,
};

struct http_limits {
    const char *url;                 /* without its query, for messages */
    int statuses[HTTP_STATUSES_MAX]; /* that are right; none: 200 to 299 */
    size_t status_count;
    const char *contains; /* NULL: anything, as below */
    const char *lacks;
    const char *const *headers; /* NULL-terminated "Name: value" or "Name:" */
    int64_t ms_max;             /* 0: none */
    int64_t timeout_ms;         /* for the message */
    int64_t cert_days_min;      /* negative: the certificate's end is not asked for */
};

/* Hold an answer against the limits.
 * Shape:  answer as http_fetch fills it; result is empty.
 * Units:  real ms, Unix ms.
 * Owns:   nothing retained.
 * Errors: none. */
void http_judge(const struct net_result *answer, const struct http_limits *limits,
                int64_t now_utc_ms, struct check_result *result);

#endif
