/* core_decide against a second model of SPEC 1 (tests/core/model.h). Exhaustive over short sequences,
 * then long steered random runs; TOCSIN_MODEL_RUNS sets how many (default 2000). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/core/act.h"
#include "tests/core/model.h"
#include "tests/support/test.h"

enum {
    DEPTH = 12,
};

static struct world world;
static struct model model;
static uint64_t hits[2][OP_COUNT][3]; /* state, op, guard: idle, acknowledged, in mid-count */

static void begin(uint32_t oks, uint32_t failures, uint32_t minutes)
{
    world_begin(&world, oks, failures, minutes);
    model.need_oks = oks;
    model.need_fails = failures;
    model.window = minutes * (int64_t)WORLD_MINUTE;
    model.failing = model.paused = model.oks = model.fails = 0;
    model.acked = model.keep = model.kept = 0;
    model.last = model.last_run = model.ack_until = model.kept_until = -1;
    for (int i = 0; i < MODEL_PEOPLE; i++) {
        model.who[i] = '.';
        model.word[i] = model.flying[i] = model.line[i].count = 0;
    }
}

static void model_reset(int64_t run, int is_quiet)
{
    if (model.failing) {
        m_end(&model, world.now, run, 'C', is_quiet);
    }
    model.failing = model.acked = model.kept = model.keep = model.oks = model.fails = 0;
    model.last = model.last_run = -1;
}

static void model_step(enum world_op op, int64_t run)
{
    switch (op) {
    case OP_DEADLINE:
    case OP_FAIL:
    case OP_OK:
        if (!model.paused) {
            (op == OP_OK ? m_ok : m_fail)(&model, world.now, run);
        }
        break;
    case OP_ACK:
    case OP_ACK_KEEP:
        if (model.failing) {
            model.acked = 1;
            model.ack_until = op == OP_ACK_KEEP ? world.now + 3 * WORLD_MINUTE : -1;
            model.keep = op == OP_ACK_KEEP ? 2 : 0;
        }
        break;
    case OP_UNACK:
        model.acked = model.kept = model.keep = 0;
        break;
    case OP_TIMER:
        if (model.acked && m_over(model.ack_until, world.now)) {
            model.acked = model.keep = 0;
        }
        model.kept = model.kept && !m_over(model.kept_until, world.now);
        break;
    case OP_PAUSE:
    case OP_RESUME:
        model.paused = op == OP_PAUSE;
        break;
    case OP_RESET:
    case OP_RESET_QUIET:
        model_reset(run, op == OP_RESET_QUIET);
        break;
    case OP_COVERED:
    case OP_STALE:
    case OP_HAND:
    case OP_SENT:
    case OP_RETURNED:
    case OP_DEAD:
    case OP_LOST:
    case OP_LOST_HEARD:
    case OP_COUNT:
        break;
    }
}

static void compare(void)
{
    assert_int_equal(world.monitor.state, model.failing ? CORE_ALERT : CORE_OK);
    assert_int_equal(world.monitor.ok_count, model.oks);
    assert_int_equal(world.monitor.failure_count, model.fails);
    assert_int_equal(world.monitor.acknowledged_utc_ms != CORE_NEVER, model.acked);
    assert_true(world.monitor.last_notification_utc_ms ==
                (model.last < 0 ? CORE_NEVER : model.last));
    for (int i = 0; i < MODEL_PEOPLE; i++) {
        char letters[WORLD_QUEUE + 1];

        world_letters(&world.boxes[i], letters);
        assert_int_equal(world.boxes[i].count, model.line[i].count);
        assert_memory_equal(letters, model.line[i].letter, world.boxes[i].count);
    }
}

static void count_hit(enum world_op op)
{
    int guard = model.acked ? 1 : model.oks + model.fails > 0 ? 2 : 0;

    hits[model.failing][op][guard]++;
}

static void step(enum world_op op, int who, int64_t gap, bool has_schedule)
{
    struct core_event event;
    int64_t run = -1;

    world.now += gap;
    if (op < OP_HAND) {
        /* the decision jitters, the run does not */
        run = has_schedule ? world.now - world.now % 7 : -1;
        event = world_event(&world, op, run);
        count_hit(op);
        model_step(op, run);
        world_decide(&world, &event);
    } else if (world_forget(&world, who)) {
        m_remove(&model.line[who], 0);
        model.flying[who] = 0;
    } else if (world_can_deliver(&world, op, who)) {
        count_hit(op);
        m_deliver(&model, op, who);
        world_deliver(&world, op, who);
    }
    compare();
}

static const uint32_t oks[] = {0, 1, 2, 3, 255};
static const uint32_t failures[] = {0, 1, 2, 3};
static const uint32_t minutes[] = {0, 1, 60};

static void run_sequences(uint32_t need_oks, uint32_t need_failures, uint32_t window, int64_t edge)
{
    int64_t gap = window * (int64_t)WORLD_MINUTE + edge;

    for (unsigned bits = 0; bits < 1U << DEPTH; bits++) {
        begin(need_oks, need_failures, window);
        for (unsigned i = 0; i < DEPTH; i++) {
            step((bits >> i & 1) != 0 ? OP_OK : OP_FAIL, 0, gap < 0 ? 0 : gap, false);
        }
    }
}

static void all_result_sequences_agree(void **state)
{
    (void)state;
    for (size_t a = 0; a < sizeof(oks) / sizeof(oks[0]); a++) {
        for (size_t b = 0; b < sizeof(failures) / sizeof(failures[0]); b++) {
            for (size_t c = 0; c < sizeof(minutes) / sizeof(minutes[0]); c++) {
                run_sequences(oks[a], failures[b], minutes[c], -1);
                run_sequences(oks[a], failures[b], minutes[c], 0);
                run_sequences(oks[a], failures[b], minutes[c], 1);
            }
        }
    }
}

/* Every sequence of five of all operations, after one failure. */
static void all_short_interleavings_agree(void **state)
{
    (void)state;
    for (uint32_t need = 1; need <= 2; need++) {
        for (uint64_t code = 0;
             code < (uint64_t)OP_COUNT * OP_COUNT * OP_COUNT * OP_COUNT * OP_COUNT; code++) {
            uint64_t rest = code;

            begin(need, 1, 1);
            step(OP_FAIL, 0, WORLD_MINUTE, false);
            for (int i = 0; i < 5; i++, rest /= OP_COUNT) {
                step((enum world_op)(rest % OP_COUNT), 0, WORLD_MINUTE, false);
            }
        }
    }
}

static uint64_t seed;

static uint32_t pick(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 33) % below;
}

static int64_t pick_gap(int64_t window)
{
    static const int64_t near[] = {-1, 0, 1};

    switch (pick(4)) {
    case 0:
        return pick(10 * 1000);
    case 1:
        return window + near[pick(3)] < 0 ? 0 : window + near[pick(3)] + 1;
    case 2:
        return WORLD_MINUTE * (int64_t)pick(4) + (pick(2) != 0 ? 1 : 0);
    default:
        return window == 0 ? 1 : window - (int64_t)pick(3);
    }
}

/* Uniform results hardly ever remind: phases of mostly failures and mostly OKs do. */
static enum world_op pick_op(bool is_bad_phase)
{
    uint32_t dice = pick(100);

    if (dice < 35) {
        return pick(10) < (is_bad_phase ? 9U : 2U) ? OP_FAIL : OP_OK;
    }
    return dice < 75 ? (enum world_op)(OP_HAND + (int)pick(12) % 6)
                     : (enum world_op)(OP_ACK + (int)pick(OP_COUNT - OP_ACK));
}

static void steered_random_runs_agree(void **state)
{
    const char *wish = getenv("TOCSIN_MODEL_RUNS");
    unsigned long runs = wish != NULL ? strtoul(wish, NULL, 10) : 2000;
    uint64_t lowest = UINT64_MAX;

    (void)state;
    memset(hits, 0, sizeof(hits));
    for (unsigned long run = 0; run < runs; run++) {
        uint32_t window = minutes[run % 3];

        seed = 88172645463325252ULL + run * 7919;
        begin(oks[pick(4)], failures[pick(4)], window);
        for (int i = 0; i < 2000; i++) {
            enum world_op op = pick_op((i / 40) % 2 == 0);

            if (op == OP_PAUSE && pick(3) == 0) {
                op = OP_RESUME;
            }
            step(op, (int)pick(2), pick_gap(model.window), pick(2) != 0);
        }
    }
    for (int failing = 0; failing < 2; failing++) {
        for (int op = 0; op < OP_COUNT; op++) {
            for (int guard = 0; guard < 3; guard++) {
                bool is_possible = failing == 1 || guard != 1;

                printf("state %d op %2d guard %d: %llu\n", failing, op, guard,
                       (unsigned long long)hits[failing][op][guard]);
                lowest = is_possible && hits[failing][op][guard] < lowest ? hits[failing][op][guard]
                                                                          : lowest;
            }
        }
    }
    assert_true(runs != 2000 || lowest >= 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_result_sequences_agree),
        cmocka_unit_test(all_short_interleavings_agree),
        cmocka_unit_test(steered_random_runs_agree),
    };

    return cmocka_run_group_tests_name("core model", tests, NULL, NULL);
}
