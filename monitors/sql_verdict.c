/* The verdicts of the sql check: rows in, one sentence out. It knows no database. Called by sql.c. */
#include "monitors/sql_verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/civil.h"
#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/escape.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/base/timetext.h"
#include "lib/base/tz.h"
#include "lib/base/utf8.h"
#include "monitors/check.h"
#include "monitors/sql_driver.h"

enum {
    SHOWN_BYTES_MAX = 8 * 1024,
    TIME_BYTES = 40,
    DATE_BYTES = 10, /* YYYY-MM-DD */
};
#define SECONDS_MAX INT64_C(100000000000)

/* --- Times ------------------------------------------------------------------------------------- */

static bool is_later_pass_ahead(const struct tz_local *local, int64_t now_utc_ms)
{
    return local->kind == TZ_LOCAL_TWICE && local->last_utc_ms > now_utc_ms;
}

static int read_number(const char *text, int64_t *ret_utc_ms)
{
    double number = 0;
    if (parse_whole_double(text, &number) != TC_OK || number < 0 ||
        number > (double)TIMETEXT_UTC_MS_MAX) {
        return TC_EPARSE;
    }
    *ret_utc_ms = (int64_t)(number < (double)SECONDS_MAX ? number * 1000.0 : number);
    return TC_OK;
}

int sql_time(const char *text, const struct tz *zone, int64_t now_utc_ms, int64_t *ret_utc_ms)
{
    char copy[TIME_BYTES];
    if (strchr(text, '-') == NULL) {
        return read_number(text, ret_utc_ms);
    }
    if (strlen(text) == DATE_BYTES) {
        (void)snprintf(copy, sizeof(copy), "%s 00:00:00", text); /* fits */
    } else if (str_copy(copy, sizeof(copy), text) != TC_OK || strlen(text) < DATE_BYTES) {
        return TC_EPARSE;
    }
    if (strpbrk(copy + DATE_BYTES, "Z+-") != NULL) {
        copy[DATE_BYTES] = 'T';
        return timetext_parse_rfc3339(copy, ret_utc_ms, NULL);
    }
    int64_t local_ms = 0;
    if (timetext_parse_sql(copy, &local_ms, NULL) != TC_OK) {
        return TC_EPARSE;
    }
    struct tz_local local = tz_from_local(zone, local_ms);
    *ret_utc_ms = is_later_pass_ahead(&local, now_utc_ms) ? local.first_utc_ms : local.last_utc_ms;
    return TC_OK;
}

/* --- Folding ----------------------------------------------------------------------------------- */

void sql_fold_init(struct sql_fold *fold, const struct sql_limits *limits)
{
    *fold = (struct sql_fold){.limits = limits};
    buf_init(&fold->shown, SHOWN_BYTES_MAX);
}

void sql_fold_freep(struct sql_fold *fold)
{
    buf_free(&fold->shown);
}

/* A value as one line, at most SQL_SHOWN_BYTES. */
static void add_shown(struct buf *out, const char *text, size_t size)
{
    TC_CLEANUP(buf_freep) struct buf line;
    size_t some = size < SQL_SHOWN_BYTES ? size : SQL_SHOWN_BYTES;
    buf_init(&line, (size_t)SQL_SHOWN_BYTES * 4);
    escape_line(&line, text, some);
    utf8_add_cut(out, line.p, line.len, SQL_SHOWN_BYTES);
    if (some < size && line.len < SQL_SHOWN_BYTES) {
        buf_add_str(out, "…");
    }
}

static void keep_line(char *ret_text, size_t room, const char *text, size_t size)
{
    TC_CLEANUP(buf_freep) struct buf line;
    TC_CLEANUP(buf_freep) struct buf cut;
    buf_init(&line, (size_t)SQL_SHOWN_BYTES * 4 + 4);
    buf_init(&cut, room - 1);
    add_shown(&line, text, size);
    utf8_add_cut(&cut, line.p, line.len, room - 1);
    memcpy(ret_text, cut.p, cut.len + 1);
}

static bool is_wanted(const char *const *columns, const char *name)
{
    if (columns[0] == NULL) {
        return true;
    }
    for (; *columns != NULL; columns++) {
        if (str_eq_nocase(*columns, name)) {
            return true;
        }
    }
    return false;
}

static void show_row(struct sql_fold *fold, const struct sql_row *row)
{
    size_t shown = 0;
    buf_add_str(&fold->shown, fold->rows > 1 ? " | " : "");
    for (size_t i = 0; i < row->count; i++) {
        if (!is_wanted(fold->limits->columns, row->names[i])) {
            continue;
        }
        buf_add_str(&fold->shown, shown++ > 0 ? ", " : "");
        add_shown(&fold->shown, row->names[i], strlen(row->names[i]));
        buf_add_char(&fold->shown, '=');
        if (row->cells[i].text == NULL) {
            buf_add_str(&fold->shown, "NULL");
        } else {
            add_shown(&fold->shown, row->cells[i].text, row->cells[i].size);
        }
    }
}

static bool fold_time(struct sql_fold *fold, const struct sql_cell *cell)
{
    int64_t utc_ms = 0;
    const struct sql_limits *limits = fold->limits;
    if (cell->text == NULL) {
        fold->is_null = true;
        return true;
    }
    int rc = TC_EPARSE;
    if (cell->is_utc) {
        rc = timetext_parse_sql(cell->text, &utc_ms, NULL);
    } else {
        rc = sql_time(cell->text, limits->zone, limits->now_utc_ms, &utc_ms);
    }
    if (rc != TC_OK) {
        fold->is_unreadable = true;
        keep_line(fold->value, sizeof(fold->value), cell->text, cell->size);
        return false;
    }
    if (!fold->has_newest || utc_ms > fold->newest_utc_ms) {
        fold->has_newest = true;
        fold->newest_utc_ms = utc_ms;
    }
    return true;
}

bool sql_fold_row(struct sql_fold *fold, const struct sql_row *row)
{
    if (fold->rows == fold->limits->rows_max) {
        fold->is_over = true;
        return false;
    }
    if (fold->rows++ == 0) {
        keep_line(fold->column, sizeof(fold->column), row->names[0], strlen(row->names[0]));
    }
    if (fold->rows <= SQL_SHOWN_ROWS) {
        show_row(fold, row);
    }
    switch (fold->limits->mode) {
    case SQL_MODE_VALUE:
        if (fold->rows > 1) {
            return false;
        }
        fold->is_null = row->cells[0].text == NULL;
        if (!fold->is_null) {
            keep_line(fold->value, sizeof(fold->value), row->cells[0].text, row->cells[0].size);
        }
        return true;
    case SQL_MODE_FRESHNESS:
        return fold_time(fold, &row->cells[0]);
    case SQL_MODE_COUNT:
    case SQL_MODE_ROWS:
        return true;
    }
    return true;
}

/* --- Judging ----------------------------------------------------------------------------------- */

static void judge_number(const struct sql_limits *limits, const char *thing, double value,
                         const char *shown, struct check_result *result)
{
    if (limits->has_min && value < limits->min) {
        check_fail(result, "%s: %s is %s, at least %.15g is right", limits->source, thing, shown,
                   limits->min);
    }
    if (limits->has_max && value > limits->max) {
        check_fail(result, "%s: %s is %s, at most %.15g is right", limits->source, thing, shown,
                   limits->max);
    }
    if (limits->has_number && (value < limits->number || value > limits->number)) {
        check_fail(result, "%s: %s is %s, exactly %.15g is right", limits->source, thing, shown,
                   limits->number);
    }
}

static void judge_value(const struct sql_fold *fold, struct check_result *result)
{
    const struct sql_limits *limits = fold->limits;
    double value = 0;
    if (fold->rows == 0) {
        check_fail(result, "%s: the query gave no row, so there is no value", limits->source);
        return;
    }
    if (fold->rows > 1 || fold->is_over) {
        check_fail(result, "%s: the query gave more than one row; mode value wants exactly one",
                   limits->source);
        return;
    }
    if (fold->is_null) {
        check_fail(result, "%s: %s is NULL", limits->source, fold->column);
        return;
    }
    bool is_number = parse_whole_double(fold->value, &value) == TC_OK;
    if (limits->text != NULL && !str_eq(limits->text, fold->value)) {
        check_fail(result, "%s: %s is \"%s\", \"%.200s\" is right", limits->source, fold->column,
                   fold->value, limits->text);
    }
    if (is_number) {
        check_metric(result, "value", value);
        judge_number(limits, fold->column, value, fold->value, result);
    } else if (limits->has_min || limits->has_max || limits->has_number) {
        check_fail(result, "%s: %s is \"%s\", which is no number", limits->source, fold->column,
                   fold->value);
    }
    check_ok(result, "%s: %s is %s", limits->source, fold->column, fold->value);
}

static void judge_count(const struct sql_fold *fold, struct check_result *result)
{
    char rows[32];
    const struct sql_limits *limits = fold->limits;
    (void)snprintf(rows, sizeof(rows), "%zu", fold->rows); /* fits */
    check_metric(result, "rows", (double)fold->rows);
    if (limits->text != NULL && !str_eq(limits->text, rows)) {
        check_fail(result, "%s: the number of rows is %s, \"%.200s\" is right", limits->source,
                   rows, limits->text);
    }
    judge_number(limits, "the number of rows", (double)fold->rows, rows, result);
    check_ok(result, "%s: the number of rows is %s", limits->source, rows);
}

static void judge_rows(const struct sql_fold *fold, struct check_result *result)
{
    const struct sql_limits *limits = fold->limits;
    double tolerated = limits->has_max ? limits->max : 0;
    check_metric(result, "rows", (double)fold->rows);
    if ((double)fold->rows > tolerated) {
        check_fail(result, "%s: %s%zu row%s wrong, at most %.15g may be: %s%s", limits->source,
                   fold->is_over ? "more than " : "", fold->rows, fold->rows == 1 ? " is" : "s are",
                   tolerated, fold->shown.p, fold->rows > SQL_SHOWN_ROWS ? " | …" : "");
        return;
    }
    check_ok(result, "%s: %zu row%s wrong, at most %.15g may be", limits->source, fold->rows,
             fold->rows == 1 ? " is" : "s are", tolerated);
}

static void judge_freshness(const struct sql_fold *fold, struct check_result *result)
{
    char age[TIMETEXT_SIZE];
    char limit[TIMETEXT_SIZE];
    char at[TIMETEXT_SIZE];
    const struct sql_limits *limits = fold->limits;
    if (fold->is_unreadable) {
        check_fail(result, "%s: %s is \"%s\", which is no time", limits->source, fold->column,
                   fold->value);
        return;
    }
    if (!fold->has_newest) {
        check_fail(result, "%s: there is no newest time, %s", limits->source,
                   fold->is_null ? "only NULL" : "the query gave no row");
        return;
    }
    int64_t age_ms = limits->now_utc_ms - fold->newest_utc_ms;
    check_metric(result, "rows", (double)fold->rows);
    check_metric(result, "ageSeconds", (double)age_ms / 1000.0);
    (void)timetext_rfc3339(fold->newest_utc_ms, at); /* these give their arguments */
    (void)timetext_duration(age_ms < 0 ? -age_ms : age_ms, age);
    (void)timetext_duration(limits->age_ms_max, limit);
    if (age_ms < -SQL_AHEAD_MS) {
        check_fail(result, "%s: %s is %s in the future (%s); is the time zone of the source right?",
                   limits->source, fold->column, age, at);
    } else if (age_ms > limits->age_ms_max) {
        check_fail(result, "%s: %s is %s old (%s), the limit is %s", limits->source, fold->column,
                   age, at, limit);
    }
    check_ok(result, "%s: %s is %s old, the limit is %s", limits->source, fold->column,
             age_ms < 0 ? "0 s" : age, limit);
}

void sql_judge(const struct sql_fold *fold, struct check_result *result)
{
    const struct sql_limits *limits = fold->limits;
    if (fold->is_over && (limits->mode == SQL_MODE_COUNT || limits->mode == SQL_MODE_FRESHNESS)) {
        check_fail(result,
                   "%s: the query gave more than %zu rows, which is params.maxRows; let the "
                   "database count or take the newest",
                   limits->source, limits->rows_max);
        return;
    }
    switch (limits->mode) {
    case SQL_MODE_VALUE:
        judge_value(fold, result);
        return;
    case SQL_MODE_COUNT:
        judge_count(fold, result);
        return;
    case SQL_MODE_ROWS:
        judge_rows(fold, result);
        return;
    case SQL_MODE_FRESHNESS:
        judge_freshness(fold, result);
        return;
    }
}
