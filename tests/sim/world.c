/* Chance, time and the queue of what will happen, and one whole run over them. Everything is drawn
 * from the seed, so that the same seed gives the same trace. Called by main.c. */
#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/sys/rng.h"
#include "tests/sim/parts.h"

enum {
    HEAP_GROWTH = 1024,
    QUIET_MS = 40 * 60 * 1000, /* back-off goes up to 15 minutes */
    TRACE_BYTES = 512,
};

static uint64_t *rng_state; /* of the run at hand, for the code under test */

static uint64_t mix(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* --- In the place of lib/sys/rng.c: what the real code draws follows from the seed, too --------- */

uint64_t rng_u64(void)
{
    return mix(rng_state);
}

uint64_t rng_below(uint64_t bound)
{
    return mix(rng_state) % bound;
}

void rng_fill(void *ret_bytes, size_t size)
{
    unsigned char *bytes = ret_bytes;
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (unsigned char)(mix(rng_state) >> 56);
    }
}

/* --- Chance and time ---------------------------------------------------------------------------- */

uint32_t sim_pick(struct sim *sim, uint32_t bound)
{
    return (uint32_t)(mix(&sim->random) >> 33) % bound;
}

bool sim_chance(struct sim *sim, uint32_t of_10000)
{
    return of_10000 > 0 && !sim->is_quiet && sim_pick(sim, 10000) < of_10000;
}

int64_t sim_between(struct sim *sim, int64_t low, int64_t high)
{
    return low + (int64_t)(mix(&sim->random) % (uint64_t)(high - low + 1));
}

int64_t sim_utc_ms(const struct sim *sim)
{
    return SIM_START_UTC_MS + sim->mono_ms + sim->wall_ms;
}

static int64_t now_utc_ms(void *ctx)
{
    return sim_utc_ms(ctx);
}

static int64_t mono_us(void *ctx)
{
    const struct sim *sim = ctx;
    return sim->mono_ms * 1000;
}

/* --- Events ------------------------------------------------------------------------------------- */

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->tie < b->tie);
}

static void swap(struct sim_event *a, struct sim_event *b)
{
    struct sim_event kept = *a;
    *a = *b;
    *b = kept;
}

void sim_put(struct sim *sim, const struct sim_event *event)
{
    if (sim->heap_count % HEAP_GROWTH == 0) {
        sim->heap = mem_resize(sim->heap, sim->heap_count + HEAP_GROWTH, sizeof(*sim->heap));
    }
    size_t at = sim->heap_count++;
    sim->heap[at] = *event;
    sim->heap[at].tie = ((uint64_t)sim_pick(sim, 1U << 20) << 40) | ++sim->tie;
    while (at > 0 && is_before(&sim->heap[at], &sim->heap[(at - 1) / 2])) {
        swap(&sim->heap[at], &sim->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

void sim_in(struct sim *sim, int64_t ms, sim_fn fn, uint32_t who, uint64_t number)
{
    struct sim_event event = {.at_ms = sim->mono_ms + ms, .fn = fn, .who = who, .number = number};
    sim_put(sim, &event);
}

static struct sim_event take(struct sim *sim)
{
    struct sim_event first = sim->heap[0];
    sim->heap[0] = sim->heap[--sim->heap_count];
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++) {
            if (child < sim->heap_count && is_before(&sim->heap[child], &sim->heap[least])) {
                least = child;
            }
        }
        if (least == at) {
            return first;
        }
        swap(&sim->heap[at], &sim->heap[least]);
        at = least;
    }
}

/* --- What is said ------------------------------------------------------------------------------- */

void sim_trace(struct sim *sim, const char *fmt, ...)
{
    char line[TRACE_BYTES];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args); /* a long line may be cut */
    va_end(args);
    for (const char *c = line; *c != '\0'; c++) {
        sim->hash = (sim->hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    }
    sim->hash = (sim->hash ^ (uint64_t)sim->mono_ms) * UINT64_C(0x100000001b3);
    if (sim->is_tracing) {
        printf("%llu %lld.%03d %s\n", (unsigned long long)sim->event_count,
               (long long)(sim->mono_ms / 1000), (int)(sim->mono_ms % 1000), line);
    }
}

void sim_fail(struct sim *sim, const char *invariant, const char *fmt, ...)
{
    if (sim->has_failed) {
        return;
    }
    sim->has_failed = true;
    int size = snprintf(sim->violation, sizeof(sim->violation), "%s: ", invariant);
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(sim->violation + size, sizeof(sim->violation) - (size_t)size, fmt, args);
    va_end(args);
    sim_trace(sim, "VIOLATION %s", sim->violation);
}

/* --- A run -------------------------------------------------------------------------------------- */

static uint32_t draw(struct sim *sim, uint32_t most)
{
    return sim_pick(sim, 2) == 0 ? 0 : 1 + sim_pick(sim, most);
}

static void draw_faults(struct sim *sim)
{
    sim->faults = (struct sim_faults){.lose = draw(sim, 300),
                                      .copy = draw(sim, 300),
                                      .slow = draw(sim, 1000),
                                      .cut = draw(sim, 20),
                                      .again = draw(sim, 300),
                                      .conflict = draw(sim, 300),
                                      .full = draw(sim, 50),
                                      .unknown = draw(sim, 200),
                                      .commit = draw(sim, 100),
                                      .router_kill = draw(sim, 60),
                                      .router_freeze = draw(sim, 40),
                                      .router_die_sending = draw(sim, 30),
                                      .runner_kill = draw(sim, 15),
                                      .runner_mute = draw(sim, 10),
                                      .spool_loss = draw(sim, 2000),
                                      .sink_kill = draw(sim, 400),
                                      .refuse_retry = draw(sim, 2500),
                                      .refuse_dead = draw(sim, 800),
                                      .ambiguous = draw(sim, 1500),
                                      .down = draw(sim, 100),
                                      .busy = draw(sim, 200),
                                      .forge = draw(sim, 200),
                                      .step = draw(sim, 60),
                                      .by_hand = draw(sim, 2500),
                                      .command = draw(sim, 3500)};
}

static void begin(struct sim *sim)
{
    sim->random = sim->seed * UINT64_C(0xd1342543de82ef95) + 1;
    rng_state = &sim->random;
    sim->hash = UINT64_C(0xcbf29ce484222325);
    sim->clock =
        (struct clock){.now_utc_ms = now_utc_ms, .mono_us = mono_us, .rate = 1, .ctx = sim};
    sim->end_ms = sim_between(sim, 30, 150) * 60 * 1000;
    sim->runner_count = 1 + sim_pick(sim, SIM_RUNNERS);
    draw_faults(sim);
    watch_begin(sim);
    people_begin(sim);
    router_begin(sim);
    for (uint32_t i = 0; i < sim->runner_count; i++) {
        runner_begin(sim, i);
    }
    for (uint32_t i = 0; i < SIM_SINKS; i++) {
        sink_begin(sim, i);
    }
}

static void end(struct sim *sim)
{
    for (size_t i = 0; i < sim->heap_count; i++) {
        mem_free(sim->heap[i].packet);
    }
    for (uint32_t i = 0; i < SIM_SINKS; i++) {
        sink_end(sim, i);
    }
    for (uint32_t i = 0; i < sim->runner_count; i++) {
        runner_end(sim, i);
    }
    router_end(sim);
    people_end(sim);
    watch_end(sim);
    mem_free(sim->heap);
    mem_free(sim->truths);
    mem_free(sim->notes);
}

bool sim_run(struct sim *sim)
{
    begin(sim);
    int64_t stop_ms = sim->end_ms + QUIET_MS;
    while (!sim->has_failed && sim->heap_count > 0) {
        struct sim_event event = take(sim);
        sim->mono_ms = event.at_ms;
        sim->event_count++;
        if (!sim->is_quiet && sim->mono_ms >= sim->end_ms) {
            sim->is_quiet = true;
            sim_trace(sim, "quiet");
        }
        event.fn(sim, &event);
        mem_free(event.packet);
        if (sim->mono_ms >= stop_ms) {
            final_check(sim);
            break;
        }
        if (sim->is_quiet && sim->mono_ms >= sim->end_ms + 5 * 60 * 1000 && final_is_quiet(sim)) {
            final_check(sim);
            break;
        }
    }
    sim->cover->events += sim->event_count;
    end(sim);
    return !sim->has_failed;
}
