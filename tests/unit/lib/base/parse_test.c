#include "lib/base/parse.h"

#include <math.h>
#include <string.h>

#include "lib/base/err.h"
#include "tests/support/test.h"

static void test_char(void **state)
{
    (void)state;
    const char *p = ":x";
    assert_false(parse_char(&p, 'x'));
    assert_string_equal(p, ":x");
    assert_true(parse_char(&p, ':'));
    assert_string_equal(p, "x");
}

static void test_digits(void **state)
{
    (void)state;
    int64_t value = -1;
    const char *p = "0930Z";
    assert_int_equal(parse_digits(&p, 4, &value), TC_OK);
    assert_int_equal(value, 930);
    assert_string_equal(p, "Z");
    const char *bad = "12x4";
    assert_int_equal(parse_digits(&bad, 4, &value), TC_EPARSE);
    assert_string_equal(bad, "12x4");
    assert_int_equal(value, 930);
    const char *end = "12";
    assert_int_equal(parse_digits(&end, 3, &value), TC_EPARSE);
    const char *long_one = "999999999999999999";
    assert_int_equal(parse_digits(&long_one, 18, &value), TC_OK);
    assert_true(value == INT64_C(999999999999999999));
}

static void test_i64(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int code;
        int64_t value;
    } cases[] = {
        {"0", TC_OK, 0},
        {"-0", TC_OK, 0},
        {"007", TC_OK, 7},
        {"9223372036854775807", TC_OK, INT64_MAX},
        {"-9223372036854775808", TC_OK, INT64_MIN},
        {"9223372036854775808", TC_ERANGE, 0},
        {"-9223372036854775809", TC_ERANGE, 0},
        {"99999999999999999999999", TC_ERANGE, 0},
        {"", TC_EPARSE, 0},
        {"-", TC_EPARSE, 0},
        {"+1", TC_EPARSE, 0},
        {" 1", TC_EPARSE, 0},
        {"1 ", TC_EPARSE, 0},
        {"0x10", TC_EPARSE, 0},
        {"--1", TC_EPARSE, 0},
        {"1e3", TC_EPARSE, 0},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        int64_t value = 42;
        int rc = parse_whole_i64(cases[i].text, INT64_MIN, INT64_MAX, &value);
        if (rc != cases[i].code || value != (rc == TC_OK ? cases[i].value : 42)) {
            fail_msg("'%s': %d, %lld", cases[i].text, rc, (long long)value);
        }
    }
    int64_t value;
    assert_int_equal(parse_whole_i64("5", 6, 9, &value), TC_ERANGE);
    assert_int_equal(parse_whole_i64("10", 6, 9, &value), TC_ERANGE);
    assert_int_equal(parse_whole_i64("6", 6, 9, &value), TC_OK);
    assert_int_equal(parse_whole_i64("9", 6, 9, &value), TC_OK);
    const char *p = "12,13";
    assert_int_equal(parse_i64(&p, 0, 59, &value), TC_OK);
    assert_string_equal(p, ",13");
}

static void test_u64(void **state)
{
    (void)state;
    uint64_t value = 1;
    assert_int_equal(parse_whole_u64("18446744073709551615", UINT64_MAX, &value), TC_OK);
    assert_true(value == UINT64_MAX);
    assert_int_equal(parse_whole_u64("18446744073709551616", UINT64_MAX, &value), TC_ERANGE);
    assert_int_equal(parse_whole_u64("18446744073709551620", UINT64_MAX, &value), TC_ERANGE);
    assert_int_equal(parse_whole_u64("-1", UINT64_MAX, &value), TC_EPARSE);
    assert_int_equal(parse_whole_u64("", UINT64_MAX, &value), TC_EPARSE);
    assert_int_equal(parse_whole_u64("10", 9, &value), TC_ERANGE);
    assert_true(value == UINT64_MAX);
}

static void test_double(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
        const char *rest;
    } good[] = {
        {"1", 1, ""},         {"-2.5", -2.5, ""},   {".5", 0.5, ""},      {"5.", 5, ""},
        {"1e3", 1000, ""},    {"1E+2x", 100, "x"},  {"1e", 1, "e"},       {"1e+", 1, "e+"},
        {"0x10", 0, "x10"},   {"-0x1", -0.0, "x1"}, {"1.5;2", 1.5, ";2"}, {"1e-999", 0, ""},
        {"1.5.2", 1.5, ".2"}, {"00x1", 0, "x1"},
    };
    for (size_t i = 0; i < TEST_COUNT(good); i++) {
        const char *p = good[i].text;
        double value = 42;
        assert_int_equal(parse_double(&p, &value), TC_OK);
        assert_memory_equal(&value, &good[i].value, sizeof(value));
        assert_string_equal(p, good[i].rest);
    }
    static const char *const bad[] = {"",  "-",   ".",   "-.",   "+1",  " 1",      "e5",
                                      "x", "inf", "nan", "-inf", "NaN", "infinity"};
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        const char *p = bad[i];
        double value = 42;
        assert_int_equal(parse_double(&p, &value), TC_EPARSE);
        assert_ptr_equal(p, bad[i]);
    }
    double value;
    assert_int_equal(parse_whole_double("1e999", &value), TC_ERANGE);
    assert_int_equal(parse_whole_double("-1e999", &value), TC_ERANGE);
    assert_int_equal(parse_whole_double("1x", &value), TC_EPARSE);
}

static void test_duration(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int code;
        int64_t ms;
    } cases[] = {
        {"0", TC_OK, 0},
        {"90", TC_OK, 90000},
        {"500ms", TC_OK, 500},
        {"30s", TC_OK, 30000},
        {"5m", TC_OK, 300000},
        {"2h", TC_OK, 7200000},
        {"1d", TC_OK, 86400000},
        {"1w", TC_OK, 604800000},
        {"1h30m", TC_OK, 5400000},
        {"1m500ms", TC_OK, 60500},
        {"90m", TC_OK, 5400000},
        {"", TC_EPARSE, 0},
        {"s", TC_EPARSE, 0},
        {"-5s", TC_ERANGE, 0},
        {"1.5h", TC_EPARSE, 0},
        {"1h30", TC_EPARSE, 0},
        {"30m1h", TC_EPARSE, 0},
        {"1h1h", TC_EPARSE, 0},
        {"5 m", TC_EPARSE, 0},
        {"5M", TC_EPARSE, 0},
        {"5y", TC_EPARSE, 0},
        {"1h ", TC_EPARSE, 0},
        {"99999999999999999999s", TC_ERANGE, 0},
        {"99999999999999d", TC_ERANGE, 0},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        int64_t ms = 42;
        int rc = parse_whole_duration(cases[i].text, &ms);
        if (rc != cases[i].code || ms != (rc == TC_OK ? cases[i].ms : 42)) {
            fail_msg("'%s': %d, %lld", cases[i].text, rc, (long long)ms);
        }
    }
    int64_t ms;
    const char *p = "30s from now";
    assert_int_equal(parse_duration(&p, &ms), TC_OK);
    assert_string_equal(p, " from now");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_char), cmocka_unit_test(test_digits), cmocka_unit_test(test_i64),
        cmocka_unit_test(test_u64),  cmocka_unit_test(test_double), cmocka_unit_test(test_duration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
