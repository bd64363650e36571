/* Times as text: the forms of RFC 3339, RFC 5322 and spec 2.6, and what must be refused. */
#include "lib/base/timetext.h"

#include "lib/base/civil.h"
#include "lib/base/err.h"
#include "tests/support/test.h"

#define T_2026 INT64_C(1767323045678) /* date -u -d '2026-01-02 03:04:05.678' +%s%3N */

static void test_formats(void **state)
{
    (void)state;
    char text[TIMETEXT_SIZE];
    assert_string_equal(timetext_rfc3339(T_2026, text), "2026-01-02T03:04:05.678Z");
    assert_string_equal(timetext_sql(T_2026, text), "2026-01-02 03:04:05.678");
    assert_string_equal(timetext_mail(T_2026, -6 * 3600, text), "Thu, 01 Jan 2026 21:04:05 -0600");
    assert_string_equal(timetext_mail(T_2026, 5 * 3600 + 2700, text),
                        "Fri, 02 Jan 2026 08:49:05 +0545");
    assert_string_equal(timetext_local(T_2026, -6 * 3600, "CST", text), "2026-01-01 21:04:05 CST");
    assert_string_equal(timetext_rfc3339(-1, text), "1969-12-31T23:59:59.999Z");
}

static void test_instants_outside_the_calendar_are_held_at_its_edge(void **state)
{
    (void)state;
    char text[TIMETEXT_SIZE];
    assert_string_equal(timetext_rfc3339(INT64_MAX, text), "9999-12-31T23:59:59.999Z");
    assert_string_equal(timetext_rfc3339(INT64_MIN, text), "0001-01-01T00:00:00.000Z");
    assert_string_equal(timetext_mail(INT64_MAX, 3600, text), "Fri, 31 Dec 9999 23:59:59 +0100");
}

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {0, "0 ms"},
        {850, "850 ms"},
        {1000, "1 s"},
        {42999, "42 s"},
        {60000, "1 min"},
        {90000, "1 min 30 s"},
        {599999, "9 min 59 s"},
        {14 * 60000 + 30000, "14 min"},
        {125 * 60000, "2 h 5 min"},
        {7200000, "2 h"},
        {86400000, "1 d"},
        {76 * 3600000, "3 d 4 h"},
        {INT64_C(40) * 86400000 + 3600000, "40 d"},
        {-90000, "-1 min 30 s"},
        {INT64_MIN, "-106751991167 d"},
    };
    char text[TIMETEXT_SIZE];
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        assert_string_equal(timetext_duration(rows[i].ms, text), rows[i].text);
    }
}

static void test_rfc3339_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"2026-01-02T03:04:05.678Z", T_2026},
        {"2026-01-02t03:04:05.678z", T_2026},
        {"2026-01-01T21:04:05.678-06:00", T_2026},
        {"2026-01-02T08:49:05.678999999+05:45", T_2026},
        {"2026-01-02T03:04:05Z", T_2026 - 678},
        {"2026-01-02T03:04:05.6Z", T_2026 - 78},
        {"1970-01-01T00:00:00-00:00", 0},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
        {"2016-12-31T17:59:60-06:00", INT64_C(1483228800000)},
        {"2024-02-29T00:00:00Z", INT64_C(1709164800000)},
    };
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        int64_t ms = -7;
        assert_int_equal(timetext_parse_rfc3339(rows[i].text, &ms, NULL), TC_OK);
        assert_int_equal(ms, rows[i].ms);
    }
}

static void test_rfc3339_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "now",
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-01-02 03:04:05Z",
        "2026-01-02T03:04Z",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05,6Z",
        "2026-13-02T03:04:05Z",
        "2026-00-02T03:04:05Z",
        "2026-02-29T03:04:05Z",
        "2026-01-32T03:04:05Z",
        "2026-01-02T24:00:00Z",
        "2026-01-02T03:60:05Z",
        "2026-01-02T03:04:60Z",
        "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05+0100",
        "2026-01-02T03:04:05Z ",
        " 2026-01-02T03:04:05Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "02026-01-02T03:04:05Z",
        "2026-1-02T03:04:05Z",
        "-026-01-02T03:04:05Z",
    };
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        int64_t ms = -7;
        struct err err = ERR_INIT;
        assert_int_equal(timetext_parse_rfc3339(rows[i], &ms, &err), TC_EPARSE);
        assert_int_equal(ms, -7);
        assert_int_equal(err.code, TC_EPARSE);
    }
}

static void test_sql_text(void **state)
{
    (void)state;
    static const char *const good[] = {"2026-01-02 03:04:05.678", "2026-01-02T03:04:05.678",
                                       "2026-01-02T03:04:05.678Z", "2026-01-02 03:04:05.678901"};
    static const char *const bad[] = {"0000-00-00 00:00:00", "2026-01-02",
                                      "2026-01-02 03:04:05+01:00", "2026-01-02  03:04:05",
                                      "2026-01-02 03:04:05ZZ"};
    int64_t ms = 0;
    for (size_t i = 0; i < TEST_COUNT(good); i++) {
        assert_int_equal(timetext_parse_sql(good[i], &ms, NULL), TC_OK);
        assert_int_equal(ms, T_2026);
    }
    assert_int_equal(timetext_parse_sql("2026-01-02 03:04:05", &ms, NULL), TC_OK);
    assert_int_equal(ms, T_2026 - 678);
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        assert_int_equal(timetext_parse_sql(bad[i], &ms, NULL), TC_EPARSE);
    }
}

/* Every day of the calendar follows the one before it, in date, weekday and text. */
static void test_every_day_of_the_calendar(void **state)
{
    (void)state;
    struct civil_date date = {.year = CIVIL_YEAR_MIN, .month = 1, .day = 1};
    int64_t days = TIMETEXT_UTC_MS_MIN / CIVIL_DAY_MS;
    int32_t weekday = 1; /* 0001-01-01 was a Monday in the proleptic calendar */
    while (date.year <= CIVIL_YEAR_MAX) {
        struct civil_date got = civil_from_days(days);
        if (got.year != date.year || got.month != date.month || got.day != date.day ||
            civil_days(date) != days || civil_weekday(days) != weekday) {
            fail_msg("wrong at %04d-%02d-%02d", date.year, date.month, date.day);
        }
        days++;
        weekday = (weekday + 1) % 7;
        if (++date.day > civil_month_length(date.year, date.month)) {
            date.day = 1;
            if (++date.month > 12) {
                date.month = 1;
                date.year++;
            }
        }
    }
    assert_int_equal(days * CIVIL_DAY_MS, TIMETEXT_UTC_MS_MAX + 1);
}

static void test_round_trip(void **state)
{
    (void)state;
    char text[TIMETEXT_SIZE];
    for (int64_t ms = TIMETEXT_UTC_MS_MIN; ms < TIMETEXT_UTC_MS_MAX; ms += INT64_C(987654321987)) {
        int64_t again = 0;
        assert_int_equal(timetext_parse_rfc3339(timetext_rfc3339(ms, text), &again, NULL), TC_OK);
        assert_int_equal(again, ms);
        assert_int_equal(timetext_parse_sql(timetext_sql(ms, text), &again, NULL), TC_OK);
        assert_int_equal(again, ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_instants_outside_the_calendar_are_held_at_its_edge),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_rfc3339_is_read),
        cmocka_unit_test(test_rfc3339_is_refused),
        cmocka_unit_test(test_sql_text),
        cmocka_unit_test(test_every_day_of_the_calendar),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
