#ifndef NOTIFIERS_OUTCOME_H
#define NOTIFIERS_OUTCOME_H

#include <stddef.h>

#include "notifiers/channel.h"

/* Judge what is the same for every service: no connection, time-outs, and HTTP statuses when no
 * channel knows better (docs/adding-a-channel.md).
 * Shape:  ret_outcome is overwritten.
 * Units:  ms.
 * Owns:   copies.
 * Errors: none. */
void outcome_of_net(const struct net_result *answer, struct outcome *ret_outcome);
void outcome_of_http(const struct net_result *answer, struct outcome *ret_outcome);

/* Fill class and reason; and what the service said, made one line of valid UTF-8, cut.
 * Shape:  reason printf-like, one sentence without secrets.
 * Units:  bytes.
 * Owns:   copies.
 * Errors: none. */
void outcome_set(struct outcome *outcome, enum outcome_class class, const char *reason, ...)
    __attribute__((format(printf, 3, 4)));
void outcome_set_remote(struct outcome *outcome, const char *text, size_t size);

/* "ok", "retry", "dead".
 * Trivial. */
const char *outcome_class_name(enum outcome_class class);

#endif
