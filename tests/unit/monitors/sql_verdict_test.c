/* What an answer's rows mean: each mode, its limits, and what is not there. */
#include "monitors/sql_verdict.h"

#include <string.h>

#include "lib/base/err.h"
#include "lib/base/timetext.h"
#include "lib/base/tz.h"
#include "monitors/check.h"
#include "monitors/sql_driver.h"
#include "tests/support/test.h"

#define NOW INT64_C(1767322800000) /* 2026-01-02T03:00:00Z */

static struct tz_cache *zones;
static const struct tz *utc;
static const struct tz *chicago;

static int open_zones(void **state)
{
    (void)state;
    zones = tz_cache_new(NULL);
    assert_int_equal(tz_open(zones, "UTC", &utc, NULL), TC_OK);
    assert_int_equal(tz_open(zones, "America/Chicago", &chicago, NULL), TC_OK);
    return 0;
}

static int close_zones(void **state)
{
    (void)state;
    zones = tz_cache_free(zones);
    return 0;
}

/* A table of one column, "v": "a,b" is two rows, "~" is NULL, "" is none. */
static void fold(struct sql_fold *f, const char *cells)
{
    static const char *const names[] = {"v", "note"};
    while (*cells != '\0') {
        char text[300];
        size_t size = strcspn(cells, ",");
        memcpy(text, cells, size);
        text[size] = '\0';
        const struct sql_cell row_cells[] = {
            {.text = strcmp(text, "~") == 0 ? NULL : text, .size = size}, {.text = "n", .size = 1}};
        const struct sql_row row = {.names = names, .cells = row_cells, .count = 2};
        if (!sql_fold_row(f, &row)) {
            return;
        }
        cells += size + (cells[size] == ',');
    }
}

#define MIN(x) .has_min = true, .min = (x)
#define MAX(x) .has_max = true, .max = (x)

static const struct {
    struct sql_limits limits;
    const char *cells;
    const char *problem; /* NULL: ok */
} rows[] = {
    {{.mode = SQL_MODE_VALUE, MIN(1)}, "1", NULL},
    {{.mode = SQL_MODE_VALUE, MIN(1)}, "0.99", "src: v is 0.99, at least 1 is right"},
    {{.mode = SQL_MODE_VALUE, MAX(30)}, "30", NULL},
    {{.mode = SQL_MODE_VALUE, MAX(30)}, "31", "src: v is 31, at most 30 is right"},
    {{.mode = SQL_MODE_VALUE, .has_number = true, .number = 5}, "5.0", NULL},
    {{.mode = SQL_MODE_VALUE, .has_number = true, .number = 5},
     "6",
     "src: v is 6, exactly 5 is right"},
    {{.mode = SQL_MODE_VALUE, .text = "open"}, "open", NULL},
    {{.mode = SQL_MODE_VALUE, .text = "open"}, "shut", "src: v is \"shut\", \"open\" is right"},
    {{.mode = SQL_MODE_VALUE, MAX(30)}, "many", "src: v is \"many\", which is no number"},
    {{.mode = SQL_MODE_VALUE, MAX(30)}, "nan", "src: v is \"nan\", which is no number"},
    {{.mode = SQL_MODE_VALUE, MAX(30)}, "~", "src: v is NULL"},
    {{.mode = SQL_MODE_VALUE, MAX(30)}, "", "src: the query gave no row, so there is no value"},
    {{.mode = SQL_MODE_VALUE, MAX(30)},
     "1,2",
     "src: the query gave more than one row; mode value wants exactly one"},
    {{.mode = SQL_MODE_COUNT, MAX(2)}, "1,2", NULL},
    {{.mode = SQL_MODE_COUNT, MAX(1)}, "1,2", "src: the number of rows is 2, at most 1 is right"},
    {{.mode = SQL_MODE_COUNT, MIN(1)}, "", "src: the number of rows is 0, at least 1 is right"},
    {{.mode = SQL_MODE_COUNT, MIN(1), .rows_max = 2},
     "1,2,3",
     "src: the query gave more than 2 rows, which is params.maxRows; let the database count or "
     "take "
     "the newest"},
    {{.mode = SQL_MODE_ROWS}, "", NULL},
    {{.mode = SQL_MODE_ROWS}, "7", "src: 1 row is wrong, at most 0 may be: v=7, note=n"},
    {{.mode = SQL_MODE_ROWS, MAX(2)}, "7,8", NULL},
    {{.mode = SQL_MODE_ROWS},
     "1,2,3,4,5,6",
     "src: 6 rows are wrong, at most 0 may be: v=1, note=n | v=2, note=n | v=3, note=n | v=4, "
     "note=n "
     "| v=5, note=n | …"},
    {{.mode = SQL_MODE_ROWS, .rows_max = 1},
     "~,2",
     "src: more than 1 row is wrong, at most 0 may be: v=NULL, note=n"},
    {{.mode = SQL_MODE_FRESHNESS, .age_ms_max = 1800000}, "2026-01-02 02:30:00", NULL},
    {{.mode = SQL_MODE_FRESHNESS, .age_ms_max = 1800000},
     "2026-01-02 02:29:00,~,2026-01-01 00:00:00",
     "src: v is 31 min old (2026-01-02T02:29:00.000Z), the limit is 30 min"},
    {{.mode = SQL_MODE_FRESHNESS, .age_ms_max = 1800000},
     "",
     "src: there is no newest time, the query gave no row"},
    {{.mode = SQL_MODE_FRESHNESS, .age_ms_max = 1800000},
     "~,~",
     "src: there is no newest time, only NULL"},
    {{.mode = SQL_MODE_FRESHNESS, .age_ms_max = 1800000},
     "0000-00-00 00:00:00",
     "src: v is \"0000-00-00 00:00:00\", which is no time"},
    {{.mode = SQL_MODE_FRESHNESS, .age_ms_max = 1800000}, "2026-01-02 03:04:59", NULL},
    {{.mode = SQL_MODE_FRESHNESS, .age_ms_max = 1800000},
     "2026-01-02 09:00:00",
     "src: v is 6 h in the future (2026-01-02T09:00:00.000Z); is the time zone of the source "
     "right?"},
};

static void each_answer_has_its_verdict(void **state)
{
    (void)state;
    static const char *const all[] = {NULL};
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        struct sql_limits limits = rows[i].limits;
        limits.source = "src";
        limits.columns = all;
        limits.zone = utc;
        limits.now_utc_ms = NOW;
        limits.rows_max = limits.rows_max == 0 ? 1000 : limits.rows_max;
        struct sql_fold f;
        struct check_result result;
        sql_fold_init(&f, &limits);
        check_result_init(&result);
        fold(&f, rows[i].cells);
        sql_judge(&f, &result);
        if (result.is_ok != (rows[i].problem == NULL) || result.message.len == 0 ||
            (!result.is_ok && strcmp(result.message.p, rows[i].problem) != 0)) {
            fail_msg("row %zu (%s): %s", i, rows[i].cells, result.message.p);
        }
        check_result_freep(&result);
        sql_fold_freep(&f);
    }
}

static void chosen_columns_only_and_long_values_cut(void **state)
{
    (void)state;
    static const char *const chosen[] = {"V", NULL};
    struct sql_limits limits = {.source = "src",
                                .mode = SQL_MODE_ROWS,
                                .columns = chosen,
                                .zone = utc,
                                .rows_max = 10,
                                .now_utc_ms = NOW};
    char cell[260];
    memset(cell, 'x', sizeof(cell) - 1);
    cell[sizeof(cell) - 1] = '\0';
    cell[0] = '\x1b'; /* shown, never sent to a terminal */
    struct sql_fold f;
    sql_fold_init(&f, &limits);
    fold(&f, cell);
    assert_null(strstr(f.shown.p, "note"));
    assert_null(strchr(f.shown.p, '\x1b'));
    assert_non_null(strstr(f.shown.p, "v=\\x1B"));
    assert_true(f.shown.len <= SQL_SHOWN_BYTES + 10);
    sql_fold_freep(&f);
}

static void times_as_databases_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_chicago;
        const char *wanted; /* NULL: refused */
    } times[] = {
        {"2026-01-02 03:04:05", false, "2026-01-02T03:04:05.000Z"},
        {"2026-01-02T03:04:05.678", false, "2026-01-02T03:04:05.678Z"},
        {"2026-01-02 03:04:05Z", true, "2026-01-02T03:04:05.000Z"},
        {"2026-01-02 03:04:05+01:00", true, "2026-01-02T02:04:05.000Z"},
        {"2026-01-02", false, "2026-01-02T00:00:00.000Z"},
        {"2026-01-01 20:00:00", true, "2026-01-02T02:00:00.000Z"},
        {"1767322800", false, "2026-01-02T03:00:00.000Z"},
        {"1767322800000", true, "2026-01-02T03:00:00.000Z"},
        {"1767322800.5", false, "2026-01-02T03:00:00.500Z"},
        {"2025-11-02 01:30:00", true, "2025-11-02T07:30:00.000Z"}, /* twice: the later pass */
        {"2025-03-09 02:30:00", true, "2025-03-09T08:00:00.000Z"}, /* never: behind the gap */
        {"", false, NULL},
        {"-5", false, NULL},
        {"yesterday", false, NULL},
        {"2026-13-01", false, NULL},
        {"2026-01-02 25:00:00", false, NULL},
        {"2026-01-02 03:04:05 and more than any time has", false, NULL},
    };
    for (size_t i = 0; i < TEST_COUNT(times); i++) {
        int64_t utc_ms = 0;
        char text[TIMETEXT_SIZE] = "";
        int rc = sql_time(times[i].text, times[i].is_chicago ? chicago : utc, NOW, &utc_ms);
        if (rc == TC_OK) {
            (void)timetext_rfc3339(utc_ms, text);
        }
        if ((rc == TC_OK) != (times[i].wanted != NULL) ||
            (rc == TC_OK && strcmp(text, times[i].wanted) != 0)) {
            fail_msg("%s: %d %s", times[i].text, rc, text);
        }
    }
}

/* In the hour that comes twice, what was written in its first pass is not taken for the future. */
static void the_doubled_hour_is_not_ahead(void **state)
{
    (void)state;
    int64_t now = 0;
    int64_t utc_ms = 0;
    assert_int_equal(timetext_parse_rfc3339("2025-11-02T06:40:00Z", &now, NULL), TC_OK);
    assert_int_equal(sql_time("2025-11-02 01:30:00", chicago, now, &utc_ms), TC_OK);
    assert_int_equal(now - utc_ms, 600000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_answer_has_its_verdict),
                                       cmocka_unit_test(chosen_columns_only_and_long_values_cut),
                                       cmocka_unit_test(times_as_databases_write_them),
                                       cmocka_unit_test(the_doubled_hour_is_not_ahead)};
    return cmocka_run_group_tests(tests, open_zones, close_zones);
}
