/* UUIDs: the layout of RFC 9562 with its own examples, and what is none. */
#include "lib/base/ids.h"

#include "tests/support/test.h"

static void test_examples_of_rfc_9562(void **state)
{
    (void)state;
    char text[IDS_UUID_SIZE];
    /* Appendix A.3: 919108f7-52d1-4320-9bac-f847db4148a8, its version and variant bits cleared. */
    static const uint8_t random4[] = {0x91, 0x91, 0x08, 0xf7, 0x52, 0xd1, 0x03, 0x20,
                                      0x1b, 0xac, 0xf8, 0x47, 0xdb, 0x41, 0x48, 0xa8};
    assert_string_equal(ids_uuid4(random4, text), "919108f7-52d1-4320-9bac-f847db4148a8");
    /* Appendix A.6: 2022-02-22 19:22:22 UTC. */
    static const uint8_t random7[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc, 0xc3,
                                      0xd8, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f};
    assert_string_equal(ids_uuid7(INT64_C(0x017f22e279b0), random7, text),
                        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

static void test_times_outside_are_held_at_the_edges(void **state)
{
    (void)state;
    char text[IDS_UUID_SIZE];
    static const uint8_t zeros[IDS_RANDOM_BYTES];
    assert_string_equal(ids_uuid7(-1, zeros, text), "00000000-0000-7000-8000-000000000000");
    assert_string_equal(ids_uuid7(INT64_MAX, zeros, text), "ffffffff-ffff-7000-8000-000000000000");
}

static void test_what_is_a_uuid(void **state)
{
    (void)state;
    assert_true(ids_is_uuid("919108f7-52d1-4320-9bac-f847db4148a8"));
    assert_true(ids_is_uuid("919108F7-52D1-4320-9BAC-F847DB4148A8"));
    assert_true(ids_is_uuid("00000000-0000-0000-0000-000000000000"));
    static const char *const bad[] = {
        "",
        "919108f7",
        "919108f7-52d1-4320-9bac-f847db4148a",
        "919108f7-52d1-4320-9bac-f847db4148a80",
        "919108f7-52d1-4320-9bac-f847db4148ag",
        "919108f752d143209bacf847db4148a8",
        "919108f7-52d1-4320-9bacf-847db4148a8",
        "{19108f7-52d1-4320-9bac-f847db4148a}",
    };
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        assert_false(ids_is_uuid(bad[i]));
    }
}

static void test_hash_spreads_evenly(void **state)
{
    (void)state;
    int counts[10] = {0};
    char text[IDS_UUID_SIZE];
    for (uint32_t i = 0; i < 10000; i++) {
        uint8_t random[IDS_RANDOM_BYTES] = {[14] = (uint8_t)(i >> 8), [15] = (uint8_t)i};
        counts[ids_hash(ids_uuid4(random, text)) % 10]++;
    }
    for (size_t i = 0; i < TEST_COUNT(counts); i++) {
        assert_in_range(counts[i], 850, 1150);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples_of_rfc_9562),
        cmocka_unit_test(test_times_outside_are_held_at_the_edges),
        cmocka_unit_test(test_what_is_a_uuid),
        cmocka_unit_test(test_hash_spreads_evenly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
