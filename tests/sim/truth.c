/* What became of each result that a check made (I13): what a runner made durable is stored or refused
 * when everything rests, unless its spool was lost or too small for it. Fed by runner.c and record.c,
 * asked by final.c. */
#include <inttypes.h>

#include "lib/base/mem.h"
#include "tests/sim/parts.h"

enum {
    GROWTH = 1024,
};

uint64_t truth_made(struct sim *sim, uint32_t runner, uint32_t monitor, bool is_ok)
{
    if (sim->truth_count % GROWTH == 0) {
        sim->truths = mem_resize(sim->truths, sim->truth_count + GROWTH, sizeof(*sim->truths));
    }
    sim->truths[sim->truth_count] =
        (struct sim_truth){.monitor = monitor, .runner = runner, .is_ok = is_ok};
    return sim->truth_count++;
}

void truth_durable(struct sim *sim, uint32_t runner)
{
    for (size_t i = sim->truths_durable[runner]; i < sim->truth_count; i++) {
        sim->truths[i].is_owed = sim->truths[i].is_owed || sim->truths[i].runner == runner;
    }
    sim->truths_durable[runner] = sim->truth_count;
}

void truth_forgotten(struct sim *sim, uint32_t runner)
{
    sim->truths_durable[runner] = sim->truth_count;
}

void truth_spool_lost(struct sim *sim, uint32_t runner)
{
    for (size_t i = 0; i < sim->truth_count; i++) {
        sim->truths[i].is_owed = sim->truths[i].is_owed && sim->truths[i].runner != runner;
    }
}

void truth_check(struct sim *sim)
{
    uint64_t missing[SIM_RUNNERS] = {0};
    for (size_t i = 0; i < sim->truth_count; i++) {
        const struct sim_truth *truth = &sim->truths[i];
        if (!truth->is_owed || truth->is_stored || truth->is_refused) {
            continue;
        }
        sim_trace(sim, "result n%zu is not stored", i);
        if (++missing[truth->runner] > runner_dropped(sim, truth->runner)) {
            sim_fail(
                sim, "I13",
                "runner %u: result n%zu was durable and is neither stored nor refused (%" PRIu64
                " were dropped)",
                truth->runner, i, runner_dropped(sim, truth->runner));
        }
    }
}
