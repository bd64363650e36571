/* tocsin-sim: the deterministic simulation. Runs seeds, prints the first violation of each with the
 * line that repeats it, and what was covered. Called by ./dev simulate, ctest and tools/mutate-sim. */
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sys/log.h"
#include "tests/sim/world.h"

struct options {
    uint64_t first, count;
    bool is_tracing, is_stopping; /* stopping: at the first seed that fails, each named before */
};

static struct sim *running; /* what the code under test logs is part of the trace */

/* --- In the place of lib/sys/log.c -------------------------------------------------------------- */

#define LOG_FUNCTION(name)                                  \
    void name(const char *area, const char *fmt, ...)       \
    {                                                       \
        char line[400];                                     \
        va_list args;                                       \
        va_start(args, fmt);                                \
        (void)vsnprintf(line, sizeof(line), fmt, args);     \
        va_end(args);                                       \
        if (running != NULL) {                              \
            sim_trace(running, #name " %s %s", area, line); \
        }                                                   \
    }
LOG_FUNCTION(log_error)
LOG_FUNCTION(log_warn)
LOG_FUNCTION(log_info)
LOG_FUNCTION(log_debug)

/* --- Seeds -------------------------------------------------------------------------------------- */

static bool run_seed(const struct options *options, uint64_t seed, struct sim_cover *cover,
                     uint64_t *ret_hash)
{
    static struct sim sim; /* large */
    memset(&sim, 0, sizeof(sim));
    sim.seed = seed;
    sim.is_tracing = options->is_tracing;
    sim.cover = cover;
    running = &sim;
    if (options->is_stopping) { /* an assertion of the code under test ends the process */
        printf("seed %" PRIu64 "\n", seed);
        (void)fflush(stdout); /* as below */
    }
    bool is_good = sim_run(&sim);
    running = NULL;
    *ret_hash = sim.hash;
    if (!is_good) {
        printf("FAILED seed %" PRIu64 " event %" PRIu64 " at %" PRId64 " ms: %s\n"
               "  repeat: tocsin-sim --seed %" PRIu64 " --trace\n",
               seed, sim.event_count, sim.mono_ms, sim.violation, seed);
    }
    (void)fflush(stdout); /* an abort that follows must not swallow it */
    return is_good;
}

static void print_cover(const struct sim_cover *cover, uint64_t runs)
{
    static const char *const events[] = {"ok",    "failure", "missed", "ack", "unack",
                                         "timer", "reset",   "switch", "edit"};
    printf("%" PRIu64 " runs, %" PRIu64 " events, %" PRIu64 " turns, %" PRIu64 " commits, %" PRIu64
           " routers started\n",
           runs, cover->events, cover->turns, cover->commits, cover->restarts);
    printf("alerts %" PRIu64 ", reminders %" PRIu64 ", recoveries %" PRIu64 ", closed %" PRIu64
           ", collapsed %" PRIu64 ", dead %" PRIu64 ", copies %" PRIu64
           ", within 1 ms of a window %" PRIu64 "\n",
           cover->kinds[0], cover->kinds[1], cover->kinds[2], cover->kinds[3], cover->collapsed,
           cover->dead, cover->copies, cover->edges);
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        printf("  %-8s", events[i]);
        for (int state = 0; state < 2; state++) {
            printf("  %s: idle %" PRIu64 " acknowledged %" PRIu64 " counting %" PRIu64,
                   state == 0 ? "ok" : "alert", cover->oracle[state][i][0],
                   cover->oracle[state][i][1], cover->oracle[state][i][2]);
        }
        printf("\n");
    }
}

static int read_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"seeds", required_argument, NULL, 'n'}, {"seed", required_argument, NULL, 's'},
        {"from", required_argument, NULL, 'f'},  {"trace", no_argument, NULL, 't'},
        {"stop", no_argument, NULL, 'x'},        {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (c == 'n') {
            options->count = strtoull(optarg, NULL, 10);
        } else if (c == 's' || c == 'f') {
            options->first = strtoull(optarg, NULL, 10);
            options->count = c == 's' ? 1 : options->count;
        } else if (c == 't') {
            options->is_tracing = true;
        } else if (c == 'x') {
            options->is_stopping = true;
        } else {
            printf(
                "usage: tocsin-sim [--seeds N] [--from SEED] [--stop] | --seed SEED [--trace]\n");
            return 64;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct sim_cover cover;
    struct options options = {.first = 1, .count = 200};
    uint64_t failed = 0;
    int code = read_options(argc, argv, &options);
    if (code != 0) {
        return code;
    }
    for (uint64_t i = 0; i < options.count && !(options.is_stopping && failed > 0); i++) {
        uint64_t seed = options.first + i;
        uint64_t hash = 0;
        uint64_t again = 0;
        bool is_good = run_seed(&options, seed, &cover, &hash);
        failed += is_good ? 0 : 1;
        if (i % 16 == 0 && is_good && !options.is_tracing) { /* I14 */
            static struct sim_cover unused;
            if (!run_seed(&options, seed, &unused, &again) || again != hash) {
                printf("FAILED seed %" PRIu64 ": I14: another trace the second time\n", seed);
                failed++;
            }
        }
    }
    print_cover(&cover, options.count);
    printf("%" PRIu64 " of %" PRIu64 " seeds failed\n", failed, options.count);
    return failed == 0 ? 0 : 1;
}
