/* G10: a runner that is silent for too long is an alert of its own. Called after each turn. */
#include <stdio.h>

#include "router/store/store.h"
#include "tests/sim/parts.h"

enum {
    SILENT_MS = 100 * 1000, /* 60 s until it is dead, ticks, and the commit */
};

static int note_state(void *ctx, const void *row)
{
    *(int *)ctx = ((const struct store_monitor *)row)->core.state == CORE_ALERT ? 1 : 0;
    return TC_OK;
}

void silence_check(struct sim *sim)
{
    struct err err = ERR_INIT;
    if (sim->mono_ms - sim->silence_looked_ms < 5000) {
        return;
    }
    sim->silence_looked_ms = sim->mono_ms;
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
