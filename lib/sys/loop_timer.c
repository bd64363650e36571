/* Timers in two binary heaps, each operation O(log n): one ordered by real microseconds, one by UTC
 * milliseconds. Knows neither descriptors nor the kernel. Called by loop.c. */
#include "lib/sys/loop_timer.h"

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/sys/clock.h"

enum heap_kind {
    HEAP_REAL,
    HEAP_UTC,
    HEAP_DUE, /* what fires in this turn, by the order in which it will */
    HEAP_COUNT,
};

enum {
    WAIT_MS_MAX = 3600 * 1000, /* keeps the arithmetic of zmq_poll far from its ends */
};

#define NOT_ARMED       SIZE_MAX
/* UTC follows the wall clock only as it is checked: look again after a minute at most. */
#define UTC_WAIT_MS_MAX INT64_C(60000)

struct loop_timer {
    struct loop_timers *set;   /* borrowed */
    const struct clock *clock; /* borrowed from the loop */
    loop_fn fn;
    void *ctx;
    struct loop_timer *previous; /* the list of all timers */
    struct loop_timer *next;
    int64_t due;    /* us of real time, or ms of UTC, by heap */
    uint64_t order; /* of arming: ties fire first armed, first fired */
    size_t at;      /* index in its heap or NOT_ARMED */
    enum heap_kind kind;
};

struct heap {
    struct loop_timer **timers; /* owned array, the timers belong to the list */
    size_t count;
    size_t cap;
};

struct loop_timers {
    struct heap heaps[HEAP_COUNT];
    struct loop_timer *all; /* owned list */
    uint64_t armed_count;   /* ever */
};

struct loop_timers *loop_timers_new(void)
{
    return mem_alloc(sizeof(struct loop_timers));
}

struct loop_timers *loop_timers_free(struct loop_timers *timers)
{
    if (timers == NULL) {
        return NULL;
    }
    struct loop_timer *timer = timers->all;
    while (timer != NULL) {
        struct loop_timer *next = timer->next;
        mem_free(timer);
        timer = next;
    }
    for (size_t i = 0; i < HEAP_COUNT; i++) {
        mem_free(timers->heaps[i].timers);
    }
    mem_free(timers);
    return NULL;
}

static bool is_before(const struct loop_timer *a, const struct loop_timer *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void place(struct heap *heap, size_t at, struct loop_timer *timer)
{
    heap->timers[at] = timer;
    timer->at = at;
}

static void sift_up(struct heap *heap, size_t at)
{
    struct loop_timer *timer = heap->timers[at];
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!is_before(timer, heap->timers[parent])) {
            break;
        }
        place(heap, at, heap->timers[parent]);
        at = parent;
    }
    place(heap, at, timer);
}

static void sift_down(struct heap *heap, size_t at)
{
    struct loop_timer *timer = heap->timers[at];
    for (size_t child = 2 * at + 1; child < heap->count; child = 2 * at + 1) {
        if (child + 1 < heap->count && is_before(heap->timers[child + 1], heap->timers[child])) {
            child++;
        }
        if (!is_before(heap->timers[child], timer)) {
            break;
        }
        place(heap, at, heap->timers[child]);
        at = child;
    }
    place(heap, at, timer);
}

static void disarm(struct loop_timer *timer)
{
    if (timer->at == NOT_ARMED) {
        return;
    }
    struct heap *heap = &timer->set->heaps[timer->kind];
    size_t hole = timer->at;
    TC_ASSERT(heap->timers[hole] == timer);
    timer->at = NOT_ARMED;
    heap->count--;
    if (hole < heap->count) {
        struct loop_timer *moved = heap->timers[heap->count];
        place(heap, hole, moved);
        sift_up(heap, hole);
        sift_down(heap, moved->at);
    }
}

static void arm(struct loop_timer *timer, enum heap_kind kind, int64_t due)
{
    disarm(timer);
    struct heap *heap = &timer->set->heaps[kind];
    if (heap->count == heap->cap) {
        heap->cap = heap->cap == 0 ? 16 : heap->cap * 2;
        heap->timers = mem_resize(heap->timers, heap->cap, sizeof(struct loop_timer *));
    }
    timer->kind = kind;
    timer->due = due;
    timer->order = timer->set->armed_count++;
    place(heap, heap->count, timer);
    heap->count++;
    sift_up(heap, heap->count - 1);
}

struct loop_timer *loop_timers_add(struct loop_timers *timers, const struct clock *clock,
                                   loop_fn fn, void *ctx)
{
    struct loop_timer *timer = mem_alloc(sizeof(*timer));
    *timer = (struct loop_timer){
        .set = timers, .clock = clock, .fn = fn, .ctx = ctx, .next = timers->all, .at = NOT_ARMED};
    if (timers->all != NULL) {
        timers->all->previous = timer;
    }
    timers->all = timer;
    return timer;
}

void loop_timers_remove(struct loop_timers *timers, struct loop_timer *timer)
{
    TC_ASSERT(timer->set == timers);
    disarm(timer);
    if (timer->previous != NULL) {
        timer->previous->next = timer->next;
    } else {
        timers->all = timer->next;
    }
    if (timer->next != NULL) {
        timer->next->previous = timer->previous;
    }
    mem_free(timer);
}

void loop_timer_in(struct loop_timer *timer, int64_t delay_ms)
{
    int64_t now_us = clock_mono_us(timer->clock);
    int64_t delay_us = 0;
    int64_t due = INT64_MAX;
    if (delay_ms <= 0) {
        due = now_us;
    } else if (!__builtin_mul_overflow(delay_ms, INT64_C(1000), &delay_us)) {
        due = now_us > INT64_MAX - delay_us ? INT64_MAX : now_us + delay_us;
    }
    arm(timer, HEAP_REAL, due);
}

void loop_timer_at(struct loop_timer *timer, int64_t utc_ms)
{
    arm(timer, HEAP_UTC, utc_ms);
}

void loop_timer_stop(struct loop_timer *timer)
{
    disarm(timer);
}

/* Ceil(a / b), saturating where the distance is beyond any wait. */
static int64_t wait_until(int64_t due, int64_t now, int64_t per_ms)
{
    if (due <= now) {
        return 0;
    }
    uint64_t apart = (uint64_t)due - (uint64_t)now;
    uint64_t ms = apart / (uint64_t)per_ms + (apart % (uint64_t)per_ms != 0 ? 1 : 0);
    return ms > WAIT_MS_MAX ? WAIT_MS_MAX : (int64_t)ms;
}

int64_t loop_timers_wait_ms(const struct loop_timers *timers, int64_t now_us, int64_t now_utc_ms,
                            int32_t rate)
{
    int64_t wait_ms = -1;
    const struct heap *real = &timers->heaps[HEAP_REAL];
    const struct heap *utc = &timers->heaps[HEAP_UTC];
    if (real->count > 0) {
        wait_ms = wait_until(real->timers[0]->due, now_us, 1000);
    }
    if (utc->count > 0) {
        int64_t utc_wait_ms = wait_until(utc->timers[0]->due, now_utc_ms, rate);
        utc_wait_ms = utc_wait_ms > UTC_WAIT_MS_MAX ? UTC_WAIT_MS_MAX : utc_wait_ms;
        wait_ms = wait_ms < 0 || utc_wait_ms < wait_ms ? utc_wait_ms : wait_ms;
    }
    return wait_ms;
}

/* Callbacks may arm, also for a past instant, and free: what is due is set apart before the first
 * one runs, so that a timer which re-arms itself can neither run twice a turn nor hide others. */
static void collect_due(struct loop_timers *timers, enum heap_kind kind, int64_t now)
{
    const struct heap *heap = &timers->heaps[kind];
    while (heap->count > 0 && heap->timers[0]->due <= now) {
        arm(heap->timers[0], HEAP_DUE, 0);
    }
}

size_t loop_timers_fire(struct loop_timers *timers, int64_t now_us, int64_t now_utc_ms)
{
    collect_due(timers, HEAP_REAL, now_us);
    collect_due(timers, HEAP_UTC, now_utc_ms);
    const struct heap *due = &timers->heaps[HEAP_DUE];
    size_t fired = 0;
    while (due->count > 0) {
        struct loop_timer *timer = due->timers[0];
        disarm(timer);
        timer->fn(timer->ctx); /* may free the timer */
        fired++;
    }
    return fired;
}
