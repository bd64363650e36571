#include "lib/base/hex.h"

#include <string.h>

#include "lib/base/err.h"
#include "tests/support/test.h"

static void test_round_trip(void **state)
{
    (void)state;
    uint8_t bytes[256];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    char text[2 * sizeof(bytes) + 1];
    hex_encode(bytes, sizeof(bytes), text);
    assert_int_equal(strlen(text), 2 * sizeof(bytes));
    assert_memory_equal(text, "000102", 6);
    assert_string_equal(text + 2 * 253, "fdfeff");
    uint8_t back[sizeof(bytes)] = {0};
    assert_int_equal(hex_decode(text, sizeof(back), back), TC_OK);
    assert_memory_equal(back, bytes, sizeof(bytes));
}

static void test_decode(void **state)
{
    (void)state;
    uint8_t bytes[2] = {7, 7};
    static const char *const bad[] = {"",     "012",  "01234", "012g",
                                      "01 2", "0x12", "01-2",  "012\xC3"};
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        assert_int_equal(hex_decode(bad[i], sizeof(bytes), bytes), TC_EPARSE);
        assert_int_equal(bytes[0], 7);
    }
    assert_int_equal(hex_decode("aBCd", sizeof(bytes), bytes), TC_OK);
    assert_int_equal(bytes[0], 0xAB);
    assert_int_equal(bytes[1], 0xCD);
    assert_int_equal(hex_decode("", 0, bytes), TC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_decode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
