#ifndef LIB_SYS_CLOCK_REAL_H
#define LIB_SYS_CLOCK_REAL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct clock;

/* The kernel's time as a struct clock. UTC starts as the wall clock and then runs on
 * CLOCK_BOOTTIME. A step of the wall clock of up to CLOCK_STEP_MS is absorbed: UTC is led back to
 * the wall by at most 5 % of the time that passes, so it never goes back. A larger one is taken over
 * at once and reported, so that deadlines are re-based once (docs/spec.md 2.5).
 *
 * In a demonstration UTC is since + (real UTC - since) * rate: all processes of an installation
 * share `since` from its configuration, hence agree, and go on where they were after a restart. */
struct clock_real;

enum {
    CLOCK_STEP_MS = 60 * 1000,
    CLOCK_RATE_MAX = 600,
};

/* Where the time comes from; tests give their own. */
struct clock_source {
    int64_t (*boot_us)(void *ctx); /* microseconds, never back, counts suspension */
    int64_t (*wall_us)(void *ctx); /* Unix microseconds */
    void *ctx;
};

struct clock_real_options {
    int32_t rate;                      /* 1..CLOCK_RATE_MAX */
    int64_t since_utc_ms;              /* the anchor when rate > 1 */
    const struct clock_source *source; /* borrowed; NULL: the kernel */
};

/* Make a clock.
 * Shape:  options may be NULL: real time, the kernel's.
 * Units:  Unix ms.
 * Owns:   the caller frees with clock_real_free (NULL is fine; returns NULL).
 * Errors: none. */
struct clock_real *clock_real_new(const struct clock_real_options *options);
struct clock_real *clock_real_free(struct clock_real *real);
void clock_real_freep(struct clock_real **real);

/* The clock to hand around; lives as long as real.
 * Trivial. */
const struct clock *clock_real_clock(const struct clock_real *real);

/* Compare with the wall clock: to be called about once a second.
 * Shape:  true when a large step was taken over; ret_step_ms is then what was added.
 * Units:  ms of real time, negative when the wall clock was set back.
 * Owns:   nothing.
 * Errors: none. */
bool clock_real_check(struct clock_real *real, int64_t *ret_step_ms);

/* Read the rate of a demonstration from TOCSIN_CLOCK_RATE.
 * Shape:  text may be NULL or empty: 1.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_ECONFIG not 1..600, or a rate without `demo: true`, or without `demo_since`. */
int clock_rate_read(const char *text, bool is_demo, int64_t since_utc_ms, int32_t *ret_rate,
                    struct err *err);

#endif
