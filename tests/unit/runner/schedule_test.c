/* The rules of spec 2.5, 2.7 and 2.8 about who runs when, over a number for a clock. */
#include "runner/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cron.h"
#include "lib/base/err.h"
#include "lib/base/ids.h"
#include "lib/base/tz.h"
#include "tests/support/test.h"

#define T0     INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */
#define MINUTE INT64_C(60000)

struct world {
    struct tz_cache *zones;
    struct schedule *schedule;
};

static struct world world_new(uint32_t concurrency)
{
    struct world world = {.zones = tz_cache_new(NULL)};
    world.schedule = schedule_new(world.zones, concurrency);
    return world;
}

static void world_free(struct world *world)
{
    schedule_free(world->schedule);
    tz_cache_free(world->zones);
}

static void set(struct world *world, uint64_t id, const char *expression, int64_t now)
{
    struct schedule_row row = {expression, "UTC"};
    struct schedule_monitor monitor = {.id = id, .uuid = "u", .rows = &row, .row_count = 1};
    assert_int_equal(schedule_set(world->schedule, &monitor, now, NULL), TC_OK);
}

static void expect_nothing(struct world *world, int64_t now)
{
    assert_int_equal(schedule_take(world->schedule, now).kind, SCHEDULE_NOTHING);
}

static struct schedule_event expect(struct world *world, int64_t now, enum schedule_kind kind,
                                    uint64_t id)
{
    struct schedule_event event = schedule_take(world->schedule, now);
    assert_int_equal(event.kind, kind);
    assert_int_equal(event.id, id);
    return event;
}

static void test_runs_at_its_ticks(void **state)
{
    (void)state;
    struct world world = world_new(4);
    assert_true(schedule_wake_utc_ms(world.schedule) == INT64_MAX);
    set(&world, 7, "*/5 * * * *", T0);
    assert_int_equal(schedule_wake_utc_ms(world.schedule), T0 + 5 * MINUTE);
    expect_nothing(&world, T0 + 5 * MINUTE - 1);
    struct schedule_event event = expect(&world, T0 + 5 * MINUTE, SCHEDULE_RUN, 7);
    assert_true(event.has_tick);
    assert_false(event.is_asked);
    assert_int_equal(event.tick_utc_ms, T0 + 5 * MINUTE);
    assert_int_equal(event.missed, 0);
    expect_nothing(&world, T0 + 5 * MINUTE);
    schedule_finished(world.schedule, 7);
    assert_int_equal(schedule_wake_utc_ms(world.schedule), T0 + 10 * MINUTE);
    world_free(&world);
}

static void test_ticks_during_a_run_are_skipped_and_told(void **state)
{
    (void)state;
    struct world world = world_new(1); /* told also when every place is taken */
    set(&world, 7, "* * * * *", T0);
    expect(&world, T0 + MINUTE, SCHEDULE_RUN, 7);
    struct schedule_event event = expect(&world, T0 + 2 * MINUTE, SCHEDULE_OVERRUN, 7);
    assert_int_equal(event.tick_utc_ms, T0 + 2 * MINUTE);
    assert_int_equal(event.missed, 0);
    event = expect(&world, T0 + 5 * MINUTE, SCHEDULE_OVERRUN, 7);
    assert_int_equal(event.tick_utc_ms, T0 + 5 * MINUTE);
    assert_int_equal(event.missed, 2);
    schedule_finished(world.schedule, 7);
    expect_nothing(&world, T0 + 5 * MINUTE);
    expect(&world, T0 + 6 * MINUTE, SCHEDULE_RUN, 7);
    world_free(&world);
}

static void test_missed_ticks_run_once(void **state)
{
    (void)state;
    struct world world = world_new(4);
    set(&world, 7, "*/10 * * * *", T0);
    struct schedule_event event = expect(&world, T0 + 65 * MINUTE, SCHEDULE_RUN, 7);
    assert_int_equal(event.tick_utc_ms, T0 + 60 * MINUTE);
    assert_int_equal(event.missed, 5);
    schedule_finished(world.schedule, 7);
    expect_nothing(&world, T0 + 65 * MINUTE);
    assert_int_equal(schedule_wake_utc_ms(world.schedule), T0 + 70 * MINUTE);

    /* A year away: counted up to the limit, and still the latest tick. */
    int64_t later = T0 + 365 * 1440 * MINUTE + 3 * MINUTE;
    event = expect(&world, later, SCHEDULE_RUN, 7);
    assert_int_equal(event.tick_utc_ms, later - 3 * MINUTE);
    assert_int_equal(event.missed, SCHEDULE_MISSED_MAX);
    world_free(&world);
}

static void test_downtime_counts_from_the_last_run(void **state)
{
    (void)state;
    struct world world = world_new(4);
    struct schedule_row row = {"@hourly", "UTC"};
    struct schedule_monitor monitor = {
        .id = 1, .uuid = "u", .rows = &row, .row_count = 1, .last_utc_ms = T0 - 180 * MINUTE};
    assert_int_equal(schedule_set(world.schedule, &monitor, T0 + MINUTE, NULL), TC_OK);
    struct schedule_event event = expect(&world, T0 + MINUTE, SCHEDULE_RUN, 1);
    assert_int_equal(event.tick_utc_ms, T0);
    assert_int_equal(event.missed, 2);
    world_free(&world);
}

static void test_asked_runs_coalesce(void **state)
{
    (void)state;
    struct world world = world_new(4);
    set(&world, 7, "*/5 * * * *", T0);
    assert_int_equal(schedule_ask(world.schedule, 8), TC_ENOENT);
    assert_int_equal(schedule_ask(world.schedule, 7), TC_OK);
    assert_int_equal(schedule_ask(world.schedule, 7), TC_OK);
    assert_true(schedule_wake_utc_ms(world.schedule) == INT64_MIN);
    struct schedule_event event = expect(&world, T0 + MINUTE, SCHEDULE_RUN, 7);
    assert_true(event.is_asked);
    assert_false(event.has_tick);
    /* While it runs: one more, after it. */
    assert_int_equal(schedule_ask(world.schedule, 7), TC_OK);
    assert_int_equal(schedule_ask(world.schedule, 7), TC_OK);
    expect_nothing(&world, T0 + 2 * MINUTE);
    schedule_finished(world.schedule, 7);
    event = expect(&world, T0 + 2 * MINUTE, SCHEDULE_RUN, 7);
    assert_true(event.is_asked);
    schedule_finished(world.schedule, 7);
    expect_nothing(&world, T0 + 2 * MINUTE);
    /* With a tick that is due: one run that is both. */
    assert_int_equal(schedule_ask(world.schedule, 7), TC_OK);
    event = expect(&world, T0 + 5 * MINUTE, SCHEDULE_RUN, 7);
    assert_true(event.is_asked);
    assert_true(event.has_tick);
    schedule_finished(world.schedule, 7);
    expect_nothing(&world, T0 + 5 * MINUTE);
    world_free(&world);
}

static void test_rows_of_one_minute_are_one_tick(void **state)
{
    (void)state;
    struct world world = world_new(4);
    struct schedule_row rows[] = {
        {"*/2 * * * *", "UTC"}, {"*/3 * * * *", "America/Chicago"}, {"@every 100s", "UTC"}};
    struct schedule_monitor monitor = {.id = 1, .uuid = "u", .rows = rows, .row_count = 3};
    int64_t from = T0 - T0 % 300000;
    assert_int_equal(schedule_set(world.schedule, &monitor, from, NULL), TC_OK);
    /* From a multiple of 300 s: 100 s, 120 s, 180 s, 240 s; 200 s shares 180 s's minute; 300 s. */
    static const int64_t ticks_s[] = {100, 120, 180, 240, 300};
    int64_t at = from;
    for (size_t i = 0; i < TEST_COUNT(ticks_s); i++) {
        at = schedule_wake_utc_ms(world.schedule);
        assert_int_equal(at - from, ticks_s[i] * 1000);
        struct schedule_event event = expect(&world, at, SCHEDULE_RUN, 1);
        assert_int_equal(event.missed, 0);
        schedule_finished(world.schedule, 1);
        expect_nothing(&world, at);
    }
    world_free(&world);
}

static void test_cap_and_order_of_waiting(void **state)
{
    (void)state;
    struct world world = world_new(2);
    for (uint64_t id = 1; id <= 5; id++) {
        set(&world, id, id % 2 == 0 ? "1 * * * *" : "2 * * * *", T0);
    }
    int64_t now = T0 + 3 * MINUTE;
    expect(&world, now, SCHEDULE_RUN, 2);
    expect(&world, now, SCHEDULE_RUN, 4);
    expect_nothing(&world, now);
    assert_int_equal(schedule_running(world.schedule), 2);
    assert_int_equal(schedule_waiting(world.schedule), 3);
    assert_int_equal(schedule_wake_utc_ms(world.schedule),
                     T0 + 61 * MINUTE); /* nothing till then */
    schedule_finished(world.schedule, 4);
    expect(&world, now, SCHEDULE_RUN, 1);
    expect_nothing(&world, now);
    schedule_remove(world.schedule, 3); /* leaves the queue */
    schedule_finished(world.schedule, 2);
    expect(&world, now, SCHEDULE_RUN, 5);
    schedule_finished(world.schedule, 1);
    schedule_finished(world.schedule, 5);
    expect_nothing(&world, now);
    world_free(&world);
}

static void test_change_and_removal(void **state)
{
    (void)state;
    struct world world = world_new(2);
    set(&world, 1, "30 * * * *", T0);
    set(&world, 1, "30 * * * *", T0 + 31 * MINUTE); /* unchanged: the due tick stays */
    expect(&world, T0 + 31 * MINUTE, SCHEDULE_RUN, 1);
    set(&world, 1, "40 * * * *", T0 + 32 * MINUTE); /* changed while it runs */
    assert_int_equal(schedule_wake_utc_ms(world.schedule), T0 + 40 * MINUTE);
    schedule_remove(world.schedule, 1);
    schedule_remove(world.schedule, 99);
    assert_int_equal(schedule_ask(world.schedule, 1), TC_ENOENT);
    expect_nothing(&world, T0 + 41 * MINUTE);
    set(&world, 1, "50 * * * *", T0 + 42 * MINUTE); /* back before the run ended: still one run */
    assert_int_equal(schedule_ask(world.schedule, 1), TC_OK);
    expect_nothing(&world, T0 + 43 * MINUTE);
    schedule_finished(world.schedule, 1);
    expect(&world, T0 + 43 * MINUTE, SCHEDULE_RUN, 1);
    schedule_remove(world.schedule, 1);
    schedule_finished(world.schedule, 1);
    assert_int_equal(schedule_running(world.schedule), 0);
    assert_true(schedule_wake_utc_ms(world.schedule) == INT64_MAX);
    world_free(&world);
}

static void test_invalid_rows_stop_that_monitor_alone(void **state)
{
    (void)state;
    static const struct schedule_row bad[] = {{"61 * * * *", "UTC"},
                                              {"* * * * *", "America/Chicgo"}};
    struct world world = world_new(2);
    set(&world, 2, "*/5 * * * *", T0);
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        set(&world, 1, "* * * * *", T0);
        struct schedule_row rows[] = {{"* * * * *", "UTC"}, bad[i]};
        struct schedule_monitor monitor = {.id = 1, .uuid = "u", .rows = rows, .row_count = 2};
        struct err err = ERR_INIT;
        assert_int_equal(schedule_set(world.schedule, &monitor, T0, &err), TC_EINVAL);
        assert_string_not_equal(err.text, "");
        assert_int_equal(schedule_wake_utc_ms(world.schedule), T0 + 5 * MINUTE);
    }
    struct schedule_row many[SCHEDULE_ROWS_MAX + 1];
    for (size_t i = 0; i < TEST_COUNT(many); i++) {
        many[i] = (struct schedule_row){"* * * * *", "UTC"};
    }
    struct schedule_monitor monitor = {
        .id = 1, .uuid = "u", .rows = many, .row_count = TEST_COUNT(many)};
    assert_int_equal(schedule_set(world.schedule, &monitor, T0, NULL), TC_ERANGE);
    expect(&world, T0 + 5 * MINUTE, SCHEDULE_RUN, 2);
    world_free(&world);
}

static void test_steps_of_the_clock(void **state)
{
    (void)state;
    struct world world = world_new(1);
    set(&world, 1, "*/10 * * * *", T0);
    set(&world, 2, "0 12 * * *", T0);
    /* A day ahead: one run each, never a replay. */
    int64_t now = T0 + 1440 * MINUTE;
    schedule_rebase(world.schedule, now);
    struct schedule_event event = expect(&world, now, SCHEDULE_RUN, 1);
    assert_int_equal(event.missed, 143);
    schedule_finished(world.schedule, 1);
    event = expect(&world, now, SCHEDULE_RUN, 2);
    assert_int_equal(event.tick_utc_ms, T0 + 720 * MINUTE);
    /* And back, with one running and one waiting: neither hangs for a day. */
    expect_nothing(&world, now + 10 * MINUTE);
    assert_int_equal(schedule_waiting(world.schedule), 1);
    now = T0 + 5 * MINUTE;
    schedule_rebase(world.schedule, now);
    assert_int_equal(schedule_waiting(world.schedule), 0);
    schedule_finished(world.schedule, 2);
    assert_int_equal(schedule_wake_utc_ms(world.schedule), T0 + 10 * MINUTE);
    expect(&world, T0 + 10 * MINUTE, SCHEDULE_RUN, 1);
    schedule_finished(world.schedule, 1);
    expect(&world, T0 + 720 * MINUTE, SCHEDULE_RUN, 1);
    schedule_finished(world.schedule, 1);
    expect(&world, T0 + 720 * MINUTE, SCHEDULE_RUN, 2);
    world_free(&world);
}

/* SPEC 2.5 "a step over 60 s is an event that re-bases deadlines once": whatever the clock does, in each hour after
 * it every monitor runs once for each of its ticks, and at most once for all that went before. */
enum {
    STEPPED = 40,
    STEPS = 300,
};

static const char *const hourly[] = {"* * * * *", "*/7 * * * *", "@every 13m", "41 * * * *"};

static const struct {
    const char *what;
    int64_t by_ms;
    bool is_seen; /* false: time that passed while the host slept, which is no step */
} moves[] = {
    {"nothing", 0, false},
    {"an hour forth", 60 * MINUTE, true},
    {"an hour back", -60 * MINUTE, true},
    {"61 s forth", 61000, true},
    {"61 s back", -61000, true},
    {"ten years forth", 10 * 366 * 1440 * MINUTE, true},
    {"ten years back", -10 * 366 * 1440 * MINUTE, true},
    {"a suspend of two hours", 120 * MINUTE, false},
    {"a suspend of three weeks", 21 * 1440 * MINUTE, false},
};

static uint32_t ticks_between(const char *expression, int64_t from, int64_t to)
{
    struct cron cron;
    uint32_t count = 0;
    assert_int_equal(cron_parse(expression, &cron, NULL), TC_OK);
    TC_CLEANUP(tz_cache_freep) struct tz_cache *zones = tz_cache_new(NULL);
    const struct tz *utc = NULL;
    assert_int_equal(tz_open(zones, "UTC", &utc, NULL), TC_OK);
    for (int64_t at = cron_next(&cron, utc, from); at <= to; at = cron_next(&cron, utc, at)) {
        count++;
    }
    return count;
}

/* Through an hour as the loop goes: it wakes when told, runs end at once. */
static void pass_an_hour(struct world *world, int64_t now, uint32_t *runs)
{
    for (int64_t end = now + 60 * MINUTE; now <= end;) {
        struct schedule_event event = schedule_take(world->schedule, now);
        for (; event.kind != SCHEDULE_NOTHING; event = schedule_take(world->schedule, now)) {
            assert_int_equal(event.kind, SCHEDULE_RUN);
            assert_true(event.tick_utc_ms <= now);
            runs[event.id]++;
            schedule_finished(world->schedule, event.id);
        }
        int64_t wake = schedule_wake_utc_ms(world->schedule);
        assert_true(wake > now);
        now = wake;
    }
}

static void test_any_move_of_the_clock(void **state)
{
    (void)state;
    struct world world = world_new(STEPPED);
    uint64_t seed = 7;
    int64_t now = T0;
    for (uint64_t id = 0; id < STEPPED; id++) {
        set(&world, id, hourly[id % TEST_COUNT(hourly)], now);
    }
    for (int step = 0; step < STEPS; step++) {
        uint32_t runs[STEPPED] = {0};
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
        size_t move = (size_t)(seed >> 33) % TEST_COUNT(moves);
        now += moves[move].by_ms + (int64_t)(seed >> 20) % 1000;
        if (moves[move].is_seen) {
            schedule_rebase(world.schedule, now);
        }
        pass_an_hour(&world, now, runs);
        for (uint64_t id = 0; id < STEPPED; id++) {
            uint32_t ticks = ticks_between(hourly[id % TEST_COUNT(hourly)], now, now + 60 * MINUTE);
            if (runs[id] < ticks || runs[id] > ticks + 1) {
                fail_msg("after %s: %u runs of %s for %u ticks", moves[move].what, runs[id],
                         hourly[id % TEST_COUNT(hourly)], ticks);
            }
        }
        now += 60 * MINUTE;
    }
    world_free(&world);
}

/* Ten thousand monitors through a day in which the loop wakes when it is told to: every tick that
 * cron_next knows is run, skipped as an overrun, or counted as missed; never two runs at once; the
 * cap holds; splay delays by a fixed amount. */
struct fleet_monitor {
    char uuid[IDS_UUID_SIZE];
    int64_t run_end; /* 0: does not run */
    uint32_t seen;   /* ticks run, skipped or missed */
};

enum {
    FLEET = 10000,
    FLEET_CAP = 300,
};

static const char *const fleet_expressions[] = {"*/15 * * * *", "@every 20m", "7 * * * *",
                                                "30 2 * * *", "0 0,12 * * *"};

static void fleet_set(struct world *world, struct fleet_monitor *fleet)
{
    for (uint64_t id = 0; id < FLEET; id++) {
        uint8_t random[IDS_RANDOM_BYTES] = {[0] = (uint8_t)(id >> 8), [1] = (uint8_t)id};
        struct schedule_row row = {fleet_expressions[id % TEST_COUNT(fleet_expressions)], "UTC"};
        struct schedule_monitor monitor = {.id = id,
                                           .uuid = ids_uuid4(random, fleet[id].uuid),
                                           .rows = &row,
                                           .row_count = 1,
                                           .splay_ms = id % 2 == 0 ? 0 : 10000};
        assert_int_equal(schedule_set(world->schedule, &monitor, T0, NULL), TC_OK);
    }
}

static void fleet_event(struct fleet_monitor *fleet, const struct schedule_event *event,
                        int64_t now)
{
    struct fleet_monitor *one = &fleet[event->id];
    one->seen += 1 + event->missed;
    if (event->kind == SCHEDULE_OVERRUN) {
        assert_true(one->run_end != 0);
        return;
    }
    assert_true(one->run_end == 0);
    one->run_end = now + 1 + (int64_t)(ids_hash(one->uuid) % 4000);
    if (event->id % 50 == 0) {
        one->run_end += 16 * MINUTE; /* overruns the next tick of the quarter-hourly ones */
    }
    assert_true(event->tick_utc_ms <= now);
}

static int64_t fleet_reap(struct world *world, struct fleet_monitor *fleet, int64_t now)
{
    int64_t next = INT64_MAX;
    for (uint64_t id = 0; id < FLEET; id++) {
        if (fleet[id].run_end != 0 && fleet[id].run_end <= now) {
            fleet[id].run_end = 0;
            schedule_finished(world->schedule, id);
        } else if (fleet[id].run_end != 0 && fleet[id].run_end < next) {
            next = fleet[id].run_end;
        }
    }
    return next;
}

static void test_a_day_of_ten_thousand_monitors(void **state)
{
    (void)state;
    struct world world = world_new(FLEET_CAP);
    struct fleet_monitor *fleet = calloc(FLEET, sizeof(*fleet));
    fleet_set(&world, fleet);
    int64_t end = T0 + 1440 * MINUTE + 30 * MINUTE - 1; /* the last tick may still wait its turn */
    for (int64_t now = T0; now <= end;) {
        int64_t reap_at = fleet_reap(&world, fleet, now);
        struct schedule_event event = schedule_take(world.schedule, now);
        for (; event.kind != SCHEDULE_NOTHING; event = schedule_take(world.schedule, now)) {
            fleet_event(fleet, &event, now);
        }
        assert_true(schedule_running(world.schedule) <= FLEET_CAP);
        /* Ends of runs are looked for every 200 ms, as a slow loop would. */
        int64_t wake = schedule_wake_utc_ms(world.schedule);
        assert_true(wake > now);
        int64_t ends = reap_at == INT64_MAX || reap_at > now + 200 ? reap_at : now + 200;
        now = wake < ends ? wake : ends;
    }
    for (uint64_t id = 0; id < FLEET; id++) {
        struct cron cron;
        assert_int_equal(
            cron_parse(fleet_expressions[id % TEST_COUNT(fleet_expressions)], &cron, NULL), TC_OK);
        const struct tz *utc = NULL;
        assert_int_equal(tz_open(world.zones, "UTC", &utc, NULL), TC_OK);
        uint32_t ticks = 0;
        int64_t splay = id % 2 == 0 ? 0 : (int64_t)(ids_hash(fleet[id].uuid) % 10001);
        for (int64_t at = cron_next(&cron, utc, T0); at + splay <= end;
             at = cron_next(&cron, utc, at)) {
            ticks++;
        }
        if (fleet[id].seen != ticks) {
            fail_msg("monitor %d: %d ticks of %d", (int)id, (int)fleet[id].seen, (int)ticks);
        }
    }
    free(fleet);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_at_its_ticks),
        cmocka_unit_test(test_ticks_during_a_run_are_skipped_and_told),
        cmocka_unit_test(test_missed_ticks_run_once),
        cmocka_unit_test(test_downtime_counts_from_the_last_run),
        cmocka_unit_test(test_asked_runs_coalesce),
        cmocka_unit_test(test_rows_of_one_minute_are_one_tick),
        cmocka_unit_test(test_cap_and_order_of_waiting),
        cmocka_unit_test(test_change_and_removal),
        cmocka_unit_test(test_invalid_rows_stop_that_monitor_alone),
        cmocka_unit_test(test_steps_of_the_clock),
        cmocka_unit_test(test_any_move_of_the_clock),
        cmocka_unit_test(test_a_day_of_ten_thousand_monitors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
