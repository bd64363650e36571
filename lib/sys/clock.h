#ifndef LIB_SYS_CLOCK_H
#define LIB_SYS_CLOCK_H

#include <stdint.h>

/* The one clock of a process, injected everywhere: UTC that follows CLOCK_BOOTTIME and absorbs
 * steps of the wall clock (docs/spec.md 2.5). In demonstrations it may run faster than real time
 * (rate > 1): schedules, reminders, deadlines, back-off and expiry follow now_utc_ms; network and
 * check time limits are measured with mono_us, which is always real. */
struct clock {
    int64_t (*now_utc_ms)(void *ctx); /* Unix ms */
    int64_t (*mono_us)(void *ctx);    /* microseconds since an arbitrary start, never back */
    int32_t rate; /* now_utc_ms runs this much faster than mono_us; normally 1 */
    void *ctx;    /* owned by whoever made the clock */
};

/* The instant now. Trivial. */
static inline int64_t clock_now_utc_ms(const struct clock *clock)
{
    return clock->now_utc_ms(clock->ctx);
}

/* Real microseconds for measuring durations. Trivial. */
static inline int64_t clock_mono_us(const struct clock *clock)
{
    return clock->mono_us(clock->ctx);
}

#endif
