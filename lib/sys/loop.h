#ifndef LIB_SYS_LOOP_H
#define LIB_SYS_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct clock;

/* The event loop of a process: zmq_poll over ZeroMQ sockets and descriptors, a heap of timers, a
 * hook at the end of each turn (where batches are committed). One thread, no recursion. */
struct loop;
struct loop_watch; /* a watched descriptor or socket; owned by the loop */
struct loop_timer; /* owned by the loop */

enum {
    LOOP_READ = 1,
    LOOP_WRITE = 2,
    LOOP_ERROR = 4, /* always reported for descriptors */
};

typedef void (*loop_fd_fn)(void *ctx, int fd, unsigned events);
typedef void (*loop_fn)(void *ctx);

/* Make and free a loop.
 * Shape:  clock outlives the loop; loop_free(NULL) is fine and returns NULL.
 * Units:  none.
 * Owns:   the caller frees; watches and timers go with it, their descriptors do not.
 * Errors: none. */
struct loop *loop_new(const struct clock *clock);
struct loop *loop_free(struct loop *loop);

/* The clock of this loop, and its time read once a turn.
 * Trivial. */
const struct clock *loop_clock(const struct loop *loop);
int64_t loop_now_utc_ms(const struct loop *loop);

/* Watch a descriptor, or a ZeroMQ socket for incoming messages.
 * Shape:  events is LOOP_READ and/or LOOP_WRITE. A socket's callback runs once a turn while
 *         messages wait; it need not drain them.
 * Units:  none.
 * Owns:   the loop owns the watch; loop_unwatch frees it and may be called from any callback.
 * Errors: none. */
struct loop_watch *loop_watch_fd(struct loop *loop, int fd, unsigned events, loop_fd_fn fn,
                                 void *ctx);
struct loop_watch *loop_watch_socket(struct loop *loop, void *zmq_socket, loop_fn fn, void *ctx);
void loop_watch_events(struct loop_watch *watch, unsigned events);
void loop_unwatch(struct loop *loop, struct loop_watch *watch);

/* Timers: one-shot, disarmed when made; setting an armed timer replaces its time.
 * Shape:  loop_timer_in counts real time, loop_timer_at waits for an instant of the clock
 *         (a past instant fires in the next turn); loop_timer_stop disarms.
 * Units:  delay in real ms; utc_ms Unix ms of the loop's clock.
 * Owns:   the loop owns the timer; loop_timer_free may be called from any callback.
 * Errors: none. */
struct loop_timer *loop_timer_new(struct loop *loop, loop_fn fn, void *ctx);
void loop_timer_in(struct loop_timer *timer, int64_t delay_ms);
void loop_timer_at(struct loop_timer *timer, int64_t utc_ms);
void loop_timer_stop(struct loop_timer *timer);
void loop_timer_free(struct loop *loop, struct loop_timer *timer);

/* Run fn at the end of every turn in which anything happened (one hook a loop).
 * Trivial. */
void loop_on_turn_end(struct loop *loop, loop_fn fn, void *ctx);

/* Run until loop_stop; loop_turn runs one turn, waiting at most wait_ms (real; -1: no limit).
 * Shape:  returns the status given to loop_stop.
 * Units:  real ms.
 * Owns:   nothing.
 * Errors: TC_EIO when polling itself fails. */
int loop_run(struct loop *loop, struct err *err);
int loop_turn(struct loop *loop, int64_t wait_ms, struct err *err);
void loop_stop(struct loop *loop, int status);

#endif
