/* The real clock on a source that the test moves: absorbing, following and scaling time. */
#include "lib/sys/clock_real.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/sys/clock.h"
#include "tests/support/test.h"

#define T0_MS INT64_C(1767323045678)

struct moved {
    int64_t boot_us;
    int64_t wall_us;
};

static int64_t moved_boot(void *ctx)
{
    return ((struct moved *)ctx)->boot_us;
}

static int64_t moved_wall(void *ctx)
{
    return ((struct moved *)ctx)->wall_us;
}

static void pass(struct moved *moved, int64_t ms)
{
    moved->boot_us += ms * 1000;
    moved->wall_us += ms * 1000;
}

static struct clock_real *make(struct moved *moved, int32_t rate)
{
    *moved = (struct moved){INT64_C(5000000), T0_MS * 1000};
    struct clock_source source = {moved_boot, moved_wall, moved};
    struct clock_real_options options = {rate, T0_MS, &source};
    return clock_real_new(&options);
}

static void test_follows_boot_time(void **state)
{
    (void)state;
    struct moved moved;
    TC_CLEANUP(clock_real_freep) struct clock_real *real = make(&moved, 1);
    const struct clock *clock = clock_real_clock(real);
    assert_int_equal(clock_now_utc_ms(clock), T0_MS);
    moved.boot_us += 1500 * 1000;
    assert_int_equal(clock_now_utc_ms(clock), T0_MS + 1500);
    assert_int_equal(clock_mono_us(clock), 6500000);
}

static void test_small_step_back_is_absorbed(void **state)
{
    (void)state;
    struct moved moved;
    TC_CLEANUP(clock_real_freep) struct clock_real *real = make(&moved, 1);
    const struct clock *clock = clock_real_clock(real);
    moved.wall_us -= 10 * 1000 * 1000; /* ten seconds back */
    int64_t step_ms = 0;
    int64_t before = clock_now_utc_ms(clock);
    for (int second = 0; second < 100; second++) {
        pass(&moved, 1000);
        assert_false(clock_real_check(real, &step_ms));
        int64_t now = clock_now_utc_ms(clock);
        assert_in_range(now - before, 940, 1000);
        before = now;
    }
    assert_true(before > moved.wall_us / 1000 + 4900); /* 5 of 10 s led back in 100 s */
    for (int second = 0; second < 110; second++) {
        pass(&moved, 1000);
        assert_false(clock_real_check(real, &step_ms));
    }
    assert_int_equal(clock_now_utc_ms(clock), moved.wall_us / 1000);
}

static void test_small_step_ahead_is_absorbed(void **state)
{
    (void)state;
    struct moved moved;
    TC_CLEANUP(clock_real_freep) struct clock_real *real = make(&moved, 1);
    moved.wall_us += INT64_C(60) * 1000 * 1000; /* exactly the limit */
    int64_t step_ms = 0;
    pass(&moved, 1000);
    assert_false(clock_real_check(real, &step_ms));
    assert_int_equal(clock_now_utc_ms(clock_real_clock(real)), T0_MS + 1050);
}

static void test_large_steps_are_taken_over_once(void **state)
{
    (void)state;
    struct moved moved;
    TC_CLEANUP(clock_real_freep) struct clock_real *real = make(&moved, 1);
    const struct clock *clock = clock_real_clock(real);
    static const int64_t steps_ms[] = {61000, -3600000, INT64_C(86400000) * 365};
    for (size_t i = 0; i < sizeof(steps_ms) / sizeof(steps_ms[0]); i++) {
        moved.wall_us += steps_ms[i] * 1000;
        int64_t step_ms = 0;
        assert_true(clock_real_check(real, &step_ms));
        assert_int_equal(step_ms, steps_ms[i]);
        assert_int_equal(clock_now_utc_ms(clock), moved.wall_us / 1000);
        assert_false(clock_real_check(real, &step_ms));
    }
}

static void test_rate_counts_from_the_anchor(void **state)
{
    (void)state;
    struct moved moved;
    TC_CLEANUP(clock_real_freep) struct clock_real *first = make(&moved, 60);
    struct clock_source source = {moved_boot, moved_wall, &moved};
    pass(&moved, 1500);
    /* A process started later, as after a restart, agrees. */
    struct clock_real_options options = {60, T0_MS, &source};
    TC_CLEANUP(clock_real_freep) struct clock_real *second = clock_real_new(&options);
    assert_int_equal(clock_now_utc_ms(clock_real_clock(first)), T0_MS + 90000);
    assert_int_equal(clock_now_utc_ms(clock_real_clock(second)), T0_MS + 90000);
    assert_int_equal(clock_mono_us(clock_real_clock(first)), 6500000);
    assert_int_equal(clock_real_clock(first)->rate, 60);
}

static void test_kernel(void **state)
{
    (void)state;
    TC_CLEANUP(clock_real_freep) struct clock_real *real = clock_real_new(NULL);
    const struct clock *clock = clock_real_clock(real);
    int64_t step_ms = 0;
    assert_true(clock_now_utc_ms(clock) > T0_MS);
    assert_true(clock_mono_us(clock) <= clock_mono_us(clock));
    assert_false(clock_real_check(real, &step_ms));
}

static void test_rate_is_refused_outside_demonstrations(void **state)
{
    (void)state;
    int32_t rate = 0;
    struct err err = ERR_INIT;
    assert_int_equal(clock_rate_read(NULL, false, INT64_MIN, &rate, &err), TC_OK);
    assert_int_equal(rate, 1);
    assert_int_equal(clock_rate_read("600", true, T0_MS, &rate, &err), TC_OK);
    assert_int_equal(rate, 600);
    static const char *const bad[] = {"0", "601", "-1", "60x", " 60", "1.5"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(clock_rate_read(bad[i], true, T0_MS, &rate, &err), TC_ECONFIG);
    }
    assert_int_equal(clock_rate_read("60", false, T0_MS, &rate, &err), TC_ECONFIG);
    assert_non_null(strstr(err.text, "demo: true"));
    assert_int_equal(clock_rate_read("60", true, INT64_MIN, &rate, &err), TC_ECONFIG);
    assert_non_null(strstr(err.text, "demo_since"));
    assert_int_equal(rate, 600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follows_boot_time),
        cmocka_unit_test(test_small_step_back_is_absorbed),
        cmocka_unit_test(test_small_step_ahead_is_absorbed),
        cmocka_unit_test(test_large_steps_are_taken_over_once),
        cmocka_unit_test(test_rate_counts_from_the_anchor),
        cmocka_unit_test(test_kernel),
        cmocka_unit_test(test_rate_is_refused_outside_demonstrations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
