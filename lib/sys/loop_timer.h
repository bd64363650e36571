#ifndef LIB_SYS_LOOP_TIMER_H
#define LIB_SYS_LOOP_TIMER_H

#include <stddef.h>
#include <stdint.h>

#include "lib/sys/loop.h"

/* The timers of one loop: two heaps, one by real time and one by the clock's UTC, so that a step of
 * UTC or a demonstration's rate needs no re-arming. Used by loop.c only. */
struct loop_timers;

/* Make and free the set; all timers go with it.
 * Trivial. */
struct loop_timers *loop_timers_new(void);
struct loop_timers *loop_timers_free(struct loop_timers *timers);

/* Make a disarmed timer, or free one; both may happen while timers fire.
 * Trivial. */
struct loop_timer *loop_timers_add(struct loop_timers *timers, const struct clock *clock,
                                   loop_fn fn, void *ctx);
void loop_timers_remove(struct loop_timers *timers, struct loop_timer *timer);

/* How long nothing is due: 0 when something is, -1 when no timer is armed.
 * Shape:  rounded up, so that a wake-up is never a moment early; at most an hour.
 * Units:  real ms; now_us and now_utc_ms from one reading of the clock.
 * Owns:   nothing.
 * Errors: none. */
int64_t loop_timers_wait_ms(const struct loop_timers *timers, int64_t now_us, int64_t now_utc_ms,
                            int32_t rate);

/* Run what is due, earliest first; what callbacks arm waits for the next turn.
 * Shape:  returns how many ran.
 * Units:  as above.
 * Owns:   nothing.
 * Errors: none. */
size_t loop_timers_fire(struct loop_timers *timers, int64_t now_us, int64_t now_utc_ms);

#endif
