/* Reading schedules and finding when they fire. All of it is arithmetic over bit sets, dates and a
 * zone's periods; nothing scans minutes. Called by the runner's schedule, the router's deadlines,
 * validation of rows, and `tocsin cron next`. */
#include "lib/base/cron.h"

#include <stddef.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/civil.h"
#include "lib/base/err.h"
#include "lib/base/limits.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/base/tz.h"

enum {
    FIELDS = 5,
    WORD_BYTES = LIMIT_SCHEDULE_BYTES + 1,
    EVERY_MS_MIN = 1000,
    SEARCH_YEARS = 50, /* 29 February on a given weekday comes at least every 40 years */
};

#define MINUTE_MS    INT64_C(60000)
#define EVERY_MS_MAX (366 * CIVIL_DAY_MS)

struct field {
    const char *name;
    int64_t low;
    int64_t high;
    const char *const *names; /* of low, low + 1 ...; NULL-terminated; NULL: none */
};

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                          "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const day_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

static const struct field fields[FIELDS] = {
    {"minute", 0, 59, NULL},          {"hour", 0, 23, NULL},
    {"day of month", 1, 31, NULL},    {"month", 1, 12, month_names},
    {"day of week", 0, 7, day_names},
};

/* One field while it is read. */
struct part {
    const struct field *field;
    const char *text; /* the whole field, for messages */
    uint64_t bits;
    bool has_star;
};

static int refuse(const struct part *part, struct err *err, const char *why)
{
    return err_set(err, TC_EINVAL, "%s \"%.60s\" %s", part->field->name, part->text, why);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int read_name(const struct part *part, const char **cursor, int64_t *ret_value,
                     struct err *err)
{
    char name[4] = "";
    size_t size = 0;
    while (is_letter((*cursor)[size])) {
        size++;
    }
    if (size == 3) {
        memcpy(name, *cursor, size);
    }
    for (size_t i = 0; part->field->names[i] != NULL; i++) {
        if (str_eq_nocase(name, part->field->names[i])) {
            *cursor += size;
            *ret_value = part->field->low + (int64_t)i;
            return TC_OK;
        }
    }
    return err_set(err, TC_EINVAL, "%s \"%.60s\" has an unknown name; names are %s",
                   part->field->name, part->text,
                   part->field->names == month_names ? "jan, feb ... dec" : "sun, mon ... sat");
}

static int read_value(const struct part *part, const char **cursor, int64_t *ret_value,
                      struct err *err)
{
    const struct field *field = part->field;
    if (field->names != NULL && is_letter(**cursor)) {
        return read_name(part, cursor, ret_value, err);
    }
    int rc = parse_i64(cursor, field->low, field->high, ret_value);
    if (rc == TC_ERANGE) {
        return err_set(err, TC_EINVAL, "%s \"%.60s\" is out of range; it goes from %lld to %lld",
                       field->name, part->text, (long long)field->low, (long long)field->high);
    }
    if (rc != TC_OK) {
        return refuse(part, err,
                      "is not of the form *, 5, 1-5, */10, 8-18/2 or a list of these with commas");
    }
    return TC_OK;
}

static int read_step(const struct part *part, const char **cursor, int64_t *ret_step,
                     struct err *err)
{
    *ret_step = 1;
    if (!parse_char(cursor, '/')) {
        return TC_OK;
    }
    int64_t high = part->field == &fields[4] ? 6 : part->field->high;
    int64_t longest = high - part->field->low + 1;
    if (parse_i64(cursor, 1, longest, ret_step) != TC_OK) {
        return err_set(err, TC_EINVAL, "%s \"%.60s\" has a bad step; it goes from 1 to %lld",
                       part->field->name, part->text, (long long)longest);
    }
    return TC_OK;
}

/* One element of a list: "*", "5", "1-5", each but a single number with a step. */
static int read_element(struct part *part, const char **cursor, struct err *err)
{
    int64_t low = part->field->low;
    int64_t high = part->field->high;
    bool is_single = false;
    int rc = TC_OK;
    if (parse_char(cursor, '*')) {
        part->has_star = true;
    } else {
        rc = read_value(part, cursor, &low, err);
        is_single = rc == TC_OK && !parse_char(cursor, '-');
        high = low;
        if (rc == TC_OK && !is_single) {
            rc = read_value(part, cursor, &high, err);
        }
    }
    if (rc != TC_OK) {
        return rc;
    }
    if (is_single && **cursor == '/') {
        return refuse(part, err, "has a step without a range; write */5 or 10-59/5");
    }
    if (high < low) {
        return refuse(part, err, "has a range that runs backwards; split it, like 22-23,0-6");
    }
    int64_t step = 1;
    rc = read_step(part, cursor, &step, err);
    for (int64_t value = low; rc == TC_OK && value <= high; value += step) {
        part->bits |= UINT64_C(1) << value;
    }
    return rc;
}

static int read_field(struct part *part, struct err *err)
{
    const char *cursor = part->text;
    do {
        int rc = read_element(part, &cursor, err);
        if (rc != TC_OK) {
            return rc;
        }
    } while (parse_char(&cursor, ','));
    if (*cursor != '\0') {
        return refuse(part, err,
                      "is not of the form *, 5, 1-5, */10, 8-18/2 or a list of these with commas");
    }
    return TC_OK;
}

/* Whether some month that is asked for has one of the days. */
static bool has_date(const struct cron *cron)
{
    for (int32_t month = 1; month <= 12; month++) {
        uint64_t days = (UINT64_C(2) << civil_month_length(2024, month)) - 2;
        if ((cron->months >> month & 1) != 0 && (cron->days & days) != 0) {
            return true;
        }
    }
    return false;
}

static int parse_fields(char words[FIELDS][WORD_BYTES], struct cron *ret_cron, struct err *err)
{
    struct part parts[FIELDS];
    for (size_t i = 0; i < FIELDS; i++) {
        parts[i] = (struct part){.field = &fields[i], .text = words[i]};
        int rc = read_field(&parts[i], err);
        if (rc != TC_OK) {
            return rc;
        }
    }
    /* Sunday is 0 and 7. */
    uint64_t weekdays = (parts[4].bits | parts[4].bits >> 7) & 0x7f;
    struct cron cron = {
        .minutes = parts[0].bits,
        .hours = (uint32_t)parts[1].bits,
        .days = (uint32_t)parts[2].bits,
        .months = (uint16_t)parts[3].bits,
        .weekdays = (uint8_t)weekdays,
        .is_wild = parts[0].has_star || parts[1].has_star,
        .is_either_day = !parts[2].has_star && !parts[4].has_star,
    };
    if (!cron.is_either_day && !has_date(&cron)) {
        return err_set(err, TC_EINVAL, "day of month \"%.60s\" never comes in month \"%.60s\"",
                       words[2], words[3]);
    }
    *ret_cron = cron;
    return TC_OK;
}

static int parse_every(const char *text, struct cron *ret_cron, struct err *err)
{
    int64_t every_ms = 0;
    if (parse_whole_duration(text, &every_ms) != TC_OK || every_ms < EVERY_MS_MIN ||
        every_ms > EVERY_MS_MAX || every_ms % 1000 != 0) {
        return err_set(
            err, TC_EINVAL,
            "\"@every %.60s\" is not an interval of 1s to 366d; write it like @every 30s "
            "or @every 1h30m",
            text);
    }
    *ret_cron = (struct cron){.every_ms = every_ms};
    return TC_OK;
}

/* Split at white space; counts words beyond FIELDS without keeping them. */
static size_t split(const char *text, char words[FIELDS][WORD_BYTES])
{
    size_t count = 0;
    for (const char *at = text + strspn(text, " \t"); *at != '\0'; at += strspn(at, " \t")) {
        size_t size = strcspn(at, " \t");
        if (count < FIELDS) {
            memcpy(words[count], at, size);
            words[count][size] = '\0';
        }
        count++;
        at += size;
    }
    return count;
}

static int parse_nickname(const char *word, struct cron *ret_cron, struct err *err)
{
    static const struct {
        const char *name;
        const char *expression;
    } nicknames[] = {
        {"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
        {"@weekly", "0 0 * * 0"},   {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
        {"@annually", "0 0 1 1 *"},
    };
    static const char *const known[] = {"@hourly", "@daily",    "@midnight", "@weekly", "@monthly",
                                        "@yearly", "@annually", "@every",    NULL};
    for (size_t i = 0; i < sizeof(nicknames) / sizeof(nicknames[0]); i++) {
        if (str_eq_nocase(word, nicknames[i].name)) {
            char words[FIELDS][WORD_BYTES];
            (void)split(nicknames[i].expression, words); /* always five */
            return parse_fields(words, ret_cron, err);
        }
    }
    if (str_eq_nocase(word, "@reboot")) {
        return err_set(
            err, TC_EINVAL,
            "@reboot has no meaning here: a monitor belongs to no machine's start; use a "
            "time or @every");
    }
    const char *near = str_nearest(word, known);
    return err_set(err, TC_EINVAL, "\"%.40s\" is not known; %s%s%s", word,
                   near != NULL ? "did you mean " : "use @hourly, @daily, @weekly, @monthly, ",
                   near != NULL ? near : "@yearly or @every 30s", near != NULL ? "?" : "");
}

int cron_parse(const char *text, struct cron *ret_cron, struct err *err)
{
    TC_ASSERT(text != NULL);
    TC_ASSERT(ret_cron != NULL);
    if (strnlen(text, WORD_BYTES) > LIMIT_SCHEDULE_BYTES) {
        return err_set(err, TC_EINVAL, "the schedule is longer than %d bytes",
                       LIMIT_SCHEDULE_BYTES);
    }
    char words[FIELDS][WORD_BYTES];
    size_t count = split(text, words);
    if (count == 0) {
        return err_set(err, TC_EINVAL, "the schedule is empty; write it like */5 * * * *");
    }
    if (words[0][0] == '@') {
        if (count == 2 && str_eq_nocase(words[0], "@every")) {
            return parse_every(words[1], ret_cron, err);
        }
        if (count != 1 || str_eq_nocase(words[0], "@every")) {
            return err_set(err, TC_EINVAL, "\"%.60s\" is not a schedule; write it like %s", text,
                           str_eq_nocase(words[0], "@every") ? "@every 30s" : "@daily");
        }
        return parse_nickname(words[0], ret_cron, err);
    }
    if (count != FIELDS) {
        return err_set(err, TC_EINVAL,
                       "\"%.60s\" has %zu fields instead of 5: minute, hour, day of month, month, "
                       "day of week",
                       text, count);
    }
    return parse_fields(words, ret_cron, err);
}

bool cron_is_same(const struct cron *a, const struct cron *b)
{
    return a->every_ms == b->every_ms && a->minutes == b->minutes && a->hours == b->hours &&
           a->days == b->days && a->months == b->months && a->weekdays == b->weekdays &&
           a->is_wild == b->is_wild && a->is_either_day == b->is_either_day;
}

static int64_t ceil_to(int64_t value, int64_t unit)
{
    int64_t rest = value % unit;
    return rest == 0 ? value : value - rest + (rest > 0 ? unit : 0);
}

static bool is_day(const struct cron *cron, int64_t day, int32_t day_of_month)
{
    bool is_month_day = (cron->days >> day_of_month & 1) != 0;
    bool is_weekday = (cron->weekdays >> civil_weekday(day) & 1) != 0;
    return cron->is_either_day ? is_month_day || is_weekday : is_month_day && is_weekday;
}

/* The first matching day at or after one; a day far beyond CIVIL_YEAR_MAX when there is none. */
static int64_t next_day(const struct cron *cron, int64_t day)
{
    struct civil_date date = civil_from_days(day);
    int32_t last_year = date.year + SEARCH_YEARS;
    while (date.year <= last_year) {
        int32_t length = civil_month_length(date.year, date.month);
        int64_t first = civil_days((struct civil_date){date.year, date.month, 1});
        bool is_month = (cron->months >> date.month & 1) != 0;
        for (; is_month && date.day <= length; date.day++) {
            if (is_day(cron, first + date.day - 1, date.day)) {
                return first + date.day - 1;
            }
        }
        date.day = 1;
        date.year += date.month == 12 ? 1 : 0;
        date.month = date.month == 12 ? 1 : date.month + 1;
    }
    TC_UNREACHABLE();
}

/* The first matching minute of a day at or after one (0..1440), or -1. */
static int64_t next_minute(const struct cron *cron, int64_t minute)
{
    for (int64_t hour = minute / 60; hour < 24; hour++) {
        int64_t from = hour == minute / 60 ? minute % 60 : 0;
        uint64_t left = cron->minutes >> from;
        if ((cron->hours >> hour & 1) != 0 && left != 0) {
            return hour * 60 + from + __builtin_ctzll(left);
        }
    }
    return -1;
}

/* The first local time at or after one that the fields match, as if every day had 24 hours. */
static int64_t next_local_ms(const struct cron *cron, int64_t from_local_ms)
{
    int64_t at_ms = ceil_to(from_local_ms, MINUTE_MS);
    int64_t day = (at_ms - (at_ms < 0 ? CIVIL_DAY_MS - 1 : 0)) / CIVIL_DAY_MS;
    int64_t found = next_day(cron, day);
    int64_t minute = -1;
    if (found == day) {
        minute = next_minute(cron, (at_ms - day * CIVIL_DAY_MS) / MINUTE_MS);
        if (minute < 0) {
            found = next_day(cron, day + 1);
        }
    }
    if (minute < 0) {
        minute = next_minute(cron, 0);
    }
    return found * CIVIL_DAY_MS + minute * MINUTE_MS;
}

static int64_t offset_ms(const struct tz_period *period)
{
    return (int64_t)period->offset_s * 1000;
}

/* A fixed time fires when walls first reach it: at its only or first pass, or, when clocks are put
 * forward over it, at the first instant after. So the next one after an instant is the first local
 * time that walls had not reached by then. */
static int64_t next_fixed(const struct cron *cron, const struct tz *zone, int64_t after_utc_ms)
{
    const struct tz_period *at = tz_period_at(zone, after_utc_ms);
    int64_t from_ms = after_utc_ms + offset_ms(at) + 1;
    if (from_ms < at->reached_local_ms) {
        from_ms = at->reached_local_ms;
    }
    int64_t local_ms = next_local_ms(cron, from_ms);
    while (local_ms - offset_ms(at) >= at->end_utc_ms) {
        at = tz_period_next(zone, at);
    }
    int64_t utc_ms = local_ms - offset_ms(at);
    return utc_ms > at->start_utc_ms ? utc_ms : at->start_utc_ms;
}

/* A wildcard time fires whenever walls show it. */
static int64_t next_wild(const struct cron *cron, const struct tz *zone, int64_t after_utc_ms)
{
    const struct tz_period *at = tz_period_at(zone, after_utc_ms);
    int64_t from_utc_ms = after_utc_ms + 1;
    for (;;) {
        int64_t utc_ms = next_local_ms(cron, from_utc_ms + offset_ms(at)) - offset_ms(at);
        if (utc_ms < at->end_utc_ms) {
            return utc_ms;
        }
        from_utc_ms = at->end_utc_ms;
        at = tz_period_next(zone, at);
    }
}

static int64_t next_every(const struct cron *cron, int64_t after_utc_ms)
{
    return ceil_to(after_utc_ms + 1, cron->every_ms);
}

/* From the first to the last day that the calendar arithmetic is asked about. */
#define AFTER_MIN_MS INT64_C(-2208988800000)  /* 1900-01-01 */
#define AFTER_MAX_MS INT64_C(253402300799999) /* 9999-12-31 */

int64_t cron_next(const struct cron *cron, const struct tz *zone, int64_t after_utc_ms)
{
    TC_ASSERT(cron != NULL);
    if (after_utc_ms < AFTER_MIN_MS) {
        after_utc_ms = AFTER_MIN_MS;
    }
    if (after_utc_ms > AFTER_MAX_MS) {
        return CRON_NEVER;
    }
    if (cron->every_ms > 0) {
        return next_every(cron, after_utc_ms);
    }
    TC_ASSERT(zone != NULL);
    return cron->is_wild ? next_wild(cron, zone, after_utc_ms)
                         : next_fixed(cron, zone, after_utc_ms);
}

/* Looks back twice as far until something fires, then narrows it down: cron_next grows with its
 * argument, so bisection finds the last firing. */
int64_t cron_last(const struct cron *cron, const struct tz *zone, int64_t until_utc_ms)
{
    TC_ASSERT(cron != NULL);
    int64_t back_ms = MINUTE_MS;
    while (until_utc_ms - back_ms > AFTER_MIN_MS &&
           cron_next(cron, zone, until_utc_ms - back_ms) > until_utc_ms) {
        back_ms *= 2;
    }
    int64_t before = until_utc_ms - back_ms;
    if (before <= AFTER_MIN_MS) {
        before = AFTER_MIN_MS;
    }
    if (cron_next(cron, zone, before) > until_utc_ms) {
        return -CRON_NEVER;
    }
    int64_t none_after = until_utc_ms;
    while (none_after - before > 1) {
        int64_t middle = before + (none_after - before) / 2;
        if (cron_next(cron, zone, middle) <= until_utc_ms) {
            before = middle;
        } else {
            none_after = middle;
        }
    }
    return cron_next(cron, zone, before);
}
