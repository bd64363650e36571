/* Retry times: the curve of spec G6, its jitter and its end. */
#include "lib/base/backoff.h"

#include "tests/support/test.h"

#define NOW INT64_C(1767323045678)

static void test_curve_without_jitter(void **state)
{
    (void)state;
    static const int64_t waits_s[] = {5, 10, 20, 40, 80, 160, 320, 640, 900, 900};
    struct backoff plain = BACKOFF_DELIVERY;
    plain.jitter_percent = 0;
    int64_t sum_ms = 0;
    for (uint32_t i = 0; i < TEST_COUNT(waits_s); i++) {
        int64_t tried_utc_ms = NOW + sum_ms + 1500; /* an attempt takes its time, the curve stays */
        sum_ms += waits_s[i] * 1000;
        assert_int_equal(backoff_wait_ms(&plain, i + 1, 1), waits_s[i] * 1000);
        assert_int_equal(backoff_next_utc_ms(&plain, NOW, i + 1, 1, tried_utc_ms), NOW + sum_ms);
    }
    assert_int_equal(backoff_wait_ms(&plain, UINT32_MAX, 1), 900000);
}

static void test_jitter_only_shortens_and_is_repeatable(void **state)
{
    (void)state;
    struct backoff delivery = BACKOFF_DELIVERY;
    int64_t least = INT64_MAX;
    int64_t most = 0;
    for (uint64_t id = 0; id < 2000; id++) {
        int64_t wait_ms = backoff_wait_ms(&delivery, 3, id);
        assert_int_equal(wait_ms, backoff_wait_ms(&delivery, 3, id));
        least = wait_ms < least ? wait_ms : least;
        most = wait_ms > most ? wait_ms : most;
    }
    assert_in_range(least, 16000, 16100);
    assert_in_range(most, 19900, 20000);
}

static void test_late_attempts_and_the_end(void **state)
{
    (void)state;
    struct backoff plain = BACKOFF_DELIVERY;
    plain.jitter_percent = 0;
    /* Down for an hour: one wait from now, not at once and not the whole curve again. */
    assert_int_equal(backoff_next_utc_ms(&plain, NOW, 2, 1, NOW + 3600000), NOW + 3610000);
    /* Every attempt until the lifetime ends is after the one before; then it gives up. */
    int64_t at = NOW;
    uint32_t attempts = 1;
    for (;;) {
        int64_t next = backoff_next_utc_ms(&plain, NOW, attempts++, 1, at);
        if (next == BACKOFF_GIVE_UP) {
            break;
        }
        assert_true(next > at);
        assert_true(next <= NOW + 86400000);
        at = next;
    }
    assert_in_range(attempts, 100, 105);
    /* Tried often since a creation that lies at most as far back as now: the clock was set back. */
    assert_int_equal(backoff_next_utc_ms(&plain, NOW, 12, 1, NOW), NOW + 900000);
    assert_int_equal(backoff_next_utc_ms(&plain, NOW, UINT32_MAX, 1, NOW), NOW + 900000);
    assert_true(backoff_next_utc_ms(&plain, NOW, 1, 1, NOW + 86400000) == BACKOFF_GIVE_UP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_curve_without_jitter),
        cmocka_unit_test(test_jitter_only_shortens_and_is_repeatable),
        cmocka_unit_test(test_late_attempts_and_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
