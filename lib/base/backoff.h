#ifndef LIB_BASE_BACKOFF_H
#define LIB_BASE_BACKOFF_H

#include <stdint.h>

/* When to try again: a pure function of when the thing began, how often it was tried and its id.
 * The jitter comes from the id, so a restart or a second process computes the same instant. */
struct backoff {
    int64_t base_ms;        /* > 0: the first wait */
    int32_t factor;         /* >= 1: each wait is so many times the one before */
    int64_t cap_ms;         /* >= base_ms: no wait is longer */
    int64_t lifetime_ms;    /* > 0: give up so long after the creation */
    int32_t jitter_percent; /* 0..100: a wait is shortened by up to this share */
};

/* Deliveries: 5 s, 10 s, 20 s … 15 min, for 24 h. */
#define BACKOFF_DELIVERY                       \
    ((struct backoff){.base_ms = 5000,         \
                      .factor = 2,             \
                      .cap_ms = 900000,        \
                      .lifetime_ms = 86400000, \
                      .jitter_percent = 20})

/* The value for "no more attempts". */
#define BACKOFF_GIVE_UP INT64_MAX

/* The wait before attempt number attempts + 1.
 * Shape:  attempts >= 1 made so far; id names the thing that is tried, any value.
 * Units:  ms.
 * Owns:   nothing.
 * Errors: none. */
int64_t backoff_wait_ms(const struct backoff *backoff, uint32_t attempts, uint64_t id);

/* The instant of the next attempt on the curve that starts at the creation. When that instant has
 * passed already (the attempts took long, the process was down), or lies further away than this wait
 * is long (the clock was set back since the creation), one wait from now.
 * Shape:  as backoff_wait_ms.
 * Units:  Unix ms, UTC.
 * Owns:   nothing.
 * Errors: none; BACKOFF_GIVE_UP when it would come after the lifetime. */
int64_t backoff_next_utc_ms(const struct backoff *backoff, int64_t created_utc_ms,
                            uint32_t attempts, uint64_t id, int64_t now_utc_ms);

#endif
