/* G10: a runner that is silent for too long is an alert of its own, and so is a monitor that nobody
 * hears of: each has a run in time, a missed one at least. Called after each turn. */
#include <stdio.h>

#include "router/store/store.h"
#include "tests/sim/parts.h"

enum {
    SILENT_MS = 100 * 1000, /* 60 s until it is dead, ticks, and the commit */
    /* A schedule of 2 minutes, time limit, grace, twice the time for what is sent again. */
    UNHEARD_MS = (120 + 10 + 15 + 2 * 120 + 15) * 1000,
};

static int note_state(void *ctx, const void *row)
{
    *(int *)ctx = ((const struct store_monitor *)row)->core.state == CORE_ALERT ? 1 : 0;
    return TC_OK;
}

static void check_monitor(struct sim *sim, uint32_t id)
{
    const struct sim_oracle *o = &sim->oracles[id];
    if (!o->is_known || o->is_gone || o->is_internal || !o->is_active || !sim->checks[id].exists) {
        sim->unexpected_ms[id] = sim->mono_ms;
    } else if (sim->mono_ms - sim->unexpected_ms[id] > UNHEARD_MS &&
               sim->mono_ms - sim->run_ms[id] > UNHEARD_MS && router_steady_ms(sim) > UNHEARD_MS) {
        sim_fail(sim, "G10", "monitor %u was not heard of for %lld s and nobody says so", id,
                 (long long)((sim->mono_ms - sim->run_ms[id]) / 1000));
    }
}

void silence_check(struct sim *sim)
{
    struct err err = ERR_INIT;
    if (sim->mono_ms - sim->silence_looked_ms < 5000) {
        return;
    }
    sim->silence_looked_ms = sim->mono_ms;
    for (uint32_t i = 0; i < SIM_MONITORS; i++) {
        check_monitor(sim, i);
    }
    for (uint32_t i = 0; i < sim->runner_count; i++) {
        char name[48];
        int state = -1;
        if (runner_silent_ms(sim, i) < SILENT_MS || router_steady_ms(sim) < SILENT_MS) {
            continue;
        }
        (void)snprintf(name, sizeof(name), "internal:runner/r%u", i); /* short */
        struct store_filter filter = {.text = name};
        (void)store_read(sim->store, STORE_MONITORS_NAMED, &filter, note_state, &state, &err);
        if (state != 1) {
            sim_fail(sim, "G10", "runner %u is silent for %lld s and nobody is told", i,
                     (long long)(runner_silent_ms(sim, i) / 1000));
        }
    }
}
