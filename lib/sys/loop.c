/* The event loop: zmq_poll over everything a process waits for, the timers of loop_timer.c, one
 * time a turn. It decides nothing and logs nothing. Called by every process's shell.
 *
 * zmq_poll re-reads a socket's state itself, so the edge-triggered ZMQ_FD can't leave a message
 * waiting; one that could not be sent or was left unread is seen in the next turn. */
#include "lib/sys/loop.h"

#include <errno.h>
#include <zmq.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/sys/clock.h"
#include "lib/sys/loop_timer.h"

struct loop_watch {
    void *socket; /* borrowed; NULL for a descriptor */
    int fd;
    unsigned events;
    loop_fd_fn fd_fn;
    loop_fn fn;
    void *ctx;
    bool is_dead; /* unwatched while the turn runs; freed at its end */
};

struct loop {
    const struct clock *clock; /* borrowed */
    struct loop_timers *timers;
    struct loop_watch **watches; /* owned, with what they point to */
    zmq_pollitem_t *items;       /* owned; one a watch, in the same order */
    size_t count;
    size_t cap;
    loop_fn turn_end;
    void *turn_end_ctx;
    int64_t now_utc_ms;
    int64_t now_us;
    int status;
    bool is_stopped;
    bool is_in_turn;
    bool has_dead;
};

static void read_time(struct loop *loop)
{
    loop->now_utc_ms = clock_now_utc_ms(loop->clock);
    loop->now_us = clock_mono_us(loop->clock);
}

struct loop *loop_new(const struct clock *clock)
{
    TC_ASSERT(clock != NULL);
    TC_ASSERT(clock->rate >= 1);
    struct loop *loop = mem_alloc(sizeof(*loop));
    loop->clock = clock;
    loop->timers = loop_timers_new();
    loop->cap = 16;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): a list of pointers */
    loop->watches = mem_array(loop->cap, sizeof(*loop->watches));
    loop->items = mem_array(loop->cap, sizeof(*loop->items));
    read_time(loop);
    return loop;
}

struct loop *loop_free(struct loop *loop)
{
    if (loop == NULL) {
        return NULL;
    }
    TC_ASSERT(!loop->is_in_turn);
    for (size_t i = 0; i < loop->count; i++) {
        mem_free(loop->watches[i]);
    }
    mem_free(loop->watches);
    mem_free(loop->items);
    loop->timers = loop_timers_free(loop->timers);
    mem_free(loop);
    return NULL;
}

const struct clock *loop_clock(const struct loop *loop)
{
    return loop->clock;
}

int64_t loop_now_utc_ms(const struct loop *loop)
{
    return loop->now_utc_ms;
}

static struct loop_watch *watch_add(struct loop *loop, struct loop_watch init)
{
    if (loop->count == loop->cap) {
        loop->cap *= 2;
        /* NOLINTNEXTLINE(bugprone-sizeof-expression): a list of pointers */
        loop->watches = mem_resize(loop->watches, loop->cap, sizeof(*loop->watches));
        loop->items = mem_resize(loop->items, loop->cap, sizeof(*loop->items));
    }
    struct loop_watch *watch = mem_alloc(sizeof(*watch));
    *watch = init;
    loop->items[loop->count] = (zmq_pollitem_t){0};
    loop->watches[loop->count] = watch;
    loop->count++;
    return watch;
}

struct loop_watch *loop_watch_fd(struct loop *loop, int fd, unsigned events, loop_fd_fn fn,
                                 void *ctx)
{
    TC_ASSERT(fd >= 0);
    TC_ASSERT(fn != NULL);
    TC_ASSERT((events & ~(unsigned)(LOOP_READ | LOOP_WRITE)) == 0);
    return watch_add(loop,
                     (struct loop_watch){.fd = fd, .events = events, .fd_fn = fn, .ctx = ctx});
}

struct loop_watch *loop_watch_socket(struct loop *loop, void *zmq_socket, loop_fn fn, void *ctx)
{
    TC_ASSERT(zmq_socket != NULL);
    TC_ASSERT(fn != NULL);
    return watch_add(
        loop, (struct loop_watch){
                  .socket = zmq_socket, .fd = -1, .events = LOOP_READ, .fn = fn, .ctx = ctx});
}

void loop_watch_events(struct loop_watch *watch, unsigned events)
{
    TC_ASSERT((events & ~(unsigned)(LOOP_READ | LOOP_WRITE)) == 0);
    watch->events = events;
}

static void sweep_dead(struct loop *loop)
{
    size_t kept = 0;
    for (size_t i = 0; i < loop->count; i++) {
        if (loop->watches[i]->is_dead) {
            mem_free(loop->watches[i]);
        } else {
            loop->watches[kept] = loop->watches[i];
            kept++;
        }
    }
    loop->count = kept;
    loop->has_dead = false;
}

void loop_unwatch(struct loop *loop, struct loop_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    TC_ASSERT(!watch->is_dead);
    watch->is_dead = true;
    loop->has_dead = true;
    if (!loop->is_in_turn) {
        sweep_dead(loop);
    }
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_fn fn, void *ctx)
{
    TC_ASSERT(fn != NULL);
    return loop_timers_add(loop->timers, loop->clock, fn, ctx);
}

void loop_timer_free(struct loop *loop, struct loop_timer *timer)
{
    if (timer != NULL) {
        loop_timers_remove(loop->timers, timer);
    }
}

void loop_on_turn_end(struct loop *loop, loop_fn fn, void *ctx)
{
    TC_ASSERT(loop->turn_end == NULL || fn == NULL);
    loop->turn_end = fn;
    loop->turn_end_ctx = ctx;
}

/* Wait for events or the next timer; EINTR is a wake-up without events. */
static int poll_once(struct loop *loop, int64_t wait_ms, size_t *ret_ready, struct err *err)
{
    for (size_t i = 0; i < loop->count; i++) {
        const struct loop_watch *watch = loop->watches[i];
        unsigned wanted = watch->socket == NULL ? ZMQ_POLLERR : 0U;
        wanted |= (watch->events & LOOP_READ) != 0 ? (unsigned)ZMQ_POLLIN : 0U;
        wanted |= (watch->events & LOOP_WRITE) != 0 ? (unsigned)ZMQ_POLLOUT : 0U;
        loop->items[i] = (zmq_pollitem_t){watch->socket, watch->fd, (short)wanted, 0};
    }
    int ready = zmq_poll(loop->items, (int)loop->count, wait_ms);
    if (ready < 0 && errno != EINTR) {
        return err_set(err, TC_EIO, "cannot wait for events: %s", zmq_strerror(errno));
    }
    *ret_ready = ready < 0 ? 0 : (size_t)ready;
    return TC_OK;
}

static void dispatch(const struct loop_watch *watch, short got)
{
    if (watch->socket != NULL) {
        watch->fn(watch->ctx);
        return;
    }
    unsigned events = 0;
    events |= (got & ZMQ_POLLIN) != 0 ? LOOP_READ : 0U;
    events |= (got & ZMQ_POLLOUT) != 0 ? LOOP_WRITE : 0U;
    events |= (got & ZMQ_POLLERR) != 0 ? LOOP_ERROR : 0U;
    watch->fd_fn(watch->ctx, watch->fd, events);
}

int loop_turn(struct loop *loop, int64_t wait_ms, struct err *err)
{
    TC_ASSERT(!loop->is_in_turn);
    read_time(loop);
    int64_t timer_ms =
        loop_timers_wait_ms(loop->timers, loop->now_us, loop->now_utc_ms, loop->clock->rate);
    if (timer_ms >= 0 && (wait_ms < 0 || timer_ms < wait_ms)) {
        wait_ms = timer_ms;
    }
    size_t ready = 0;
    int code = poll_once(loop, wait_ms, &ready, err);
    if (code != TC_OK) {
        return code;
    }
    read_time(loop);
    loop->is_in_turn = true;
    bool has_worked = ready > 0;
    /* Watches added by callbacks lie behind `polled` and wait for the next turn. */
    size_t polled = loop->count;
    for (size_t i = 0; i < polled && ready > 0; i++) {
        short got = loop->items[i].revents;
        if (got != 0) {
            ready--;
            if (!loop->watches[i]->is_dead) {
                dispatch(loop->watches[i], got);
            }
        }
    }
    has_worked |= loop_timers_fire(loop->timers, loop->now_us, loop->now_utc_ms) > 0;
    if (has_worked && loop->turn_end != NULL) {
        loop->turn_end(loop->turn_end_ctx);
    }
    loop->is_in_turn = false;
    if (loop->has_dead) {
        sweep_dead(loop);
    }
    return TC_OK;
}

int loop_run(struct loop *loop, struct err *err)
{
    while (!loop->is_stopped) {
        int code = loop_turn(loop, -1, err);
        if (code != TC_OK) {
            return code;
        }
    }
    loop->is_stopped = false;
    return loop->status;
}

void loop_stop(struct loop *loop, int status)
{
    loop->is_stopped = true;
    loop->status = status;
}
