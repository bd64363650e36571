/* Instants and durations to text and back, digit by digit: no locale, no zone database, no stdio,
 * so that the pure core may use it as well. Called wherever a time meets a row, a message, a mail
 * or a person. */
#include "lib/base/timetext.h"

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/assert.h"
#include "lib/base/civil.h"
#include "lib/base/err.h"

enum {
    ABBREVIATION_BYTES_MAX = 31,
};

static char *put_digits(char *at, int64_t value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + width;
}

static char *put_number(char *at, int64_t value)
{
    int width = 1;
    for (int64_t rest = value; rest >= 10; rest /= 10) {
        width++;
    }
    return put_digits(at, value, width);
}

static char *put_text(char *at, const char *text, size_t bytes_max)
{
    for (size_t i = 0; i < bytes_max && text[i] != '\0'; i++) {
        *at++ = text[i];
    }
    return at;
}

static char *put_date(char *at, struct civil_date date)
{
    at = put_digits(at, date.year, 4);
    *at++ = '-';
    at = put_digits(at, date.month, 2);
    *at++ = '-';
    return put_digits(at, date.day, 2);
}

static char *put_clock(char *at, struct civil_time time)
{
    at = put_digits(at, time.hour, 2);
    *at++ = ':';
    at = put_digits(at, time.minute, 2);
    *at++ = ':';
    return put_digits(at, time.second, 2);
}

static struct civil_time saturated(int64_t utc_ms, int32_t offset_s)
{
    if (utc_ms < TIMETEXT_UTC_MS_MIN) {
        utc_ms = TIMETEXT_UTC_MS_MIN;
    }
    if (utc_ms > TIMETEXT_UTC_MS_MAX) {
        utc_ms = TIMETEXT_UTC_MS_MAX;
    }
    int64_t local_ms = utc_ms + (int64_t)offset_s * 1000;
    if (local_ms < TIMETEXT_UTC_MS_MIN || local_ms > TIMETEXT_UTC_MS_MAX) {
        local_ms = utc_ms;
    }
    return civil_from_ms(local_ms);
}

static void put_full(int64_t utc_ms, char separator, const char *end, char *ret_text)
{
    struct civil_time time = saturated(utc_ms, 0);
    char *at = put_date(ret_text, time.date);
    *at++ = separator;
    at = put_clock(at, time);
    *at++ = '.';
    at = put_digits(at, time.ms, 3);
    *put_text(at, end, 1) = '\0';
}

const char *timetext_rfc3339(int64_t utc_ms, char *ret_text)
{
    TC_ASSERT(ret_text != NULL);
    put_full(utc_ms, 'T', "Z", ret_text);
    return ret_text;
}

const char *timetext_sql(int64_t utc_ms, char *ret_text)
{
    TC_ASSERT(ret_text != NULL);
    put_full(utc_ms, ' ', "", ret_text);
    return ret_text;
}

const char *timetext_mail(int64_t utc_ms, int32_t offset_s, char *ret_text)
{
    static const char weekdays[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    TC_ASSERT(ret_text != NULL);
    TC_ASSERT(offset_s > -CIVIL_DAY_S);
    TC_ASSERT(offset_s < CIVIL_DAY_S);
    int32_t minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;
    int32_t whole_s = offset_s < 0 ? -minutes * 60 : minutes * 60;
    struct civil_time time = saturated(utc_ms, whole_s);
    char *at =
        put_text(ret_text, weekdays + (ptrdiff_t)3 * civil_weekday(civil_days(time.date)), 3);
    at = put_text(at, ", ", 2);
    at = put_digits(at, time.date.day, 2);
    *at++ = ' ';
    at = put_text(at, months + (ptrdiff_t)3 * (time.date.month - 1), 3);
    *at++ = ' ';
    at = put_digits(at, time.date.year, 4);
    *at++ = ' ';
    at = put_clock(at, time);
    *at++ = ' ';
    *at++ = offset_s < 0 ? '-' : '+';
    at = put_digits(at, minutes / 60, 2);
    *put_digits(at, minutes % 60, 2) = '\0';
    return ret_text;
}

const char *timetext_local(int64_t utc_ms, int32_t offset_s, const char *abbreviation,
                           char *ret_text)
{
    TC_ASSERT(ret_text != NULL);
    TC_ASSERT(abbreviation != NULL);
    struct civil_time time = saturated(utc_ms, offset_s);
    char *at = put_date(ret_text, time.date);
    *at++ = ' ';
    at = put_clock(at, time);
    *at++ = ' ';
    *put_text(at, abbreviation, ABBREVIATION_BYTES_MAX) = '\0';
    return ret_text;
}

static char *put_units(char *at, int64_t value, const char *unit)
{
    at = put_number(at, value);
    *at++ = ' ';
    return put_text(at, unit, 4);
}

const char *timetext_duration(int64_t duration_ms, char *ret_text)
{
    /* From a threshold on, this unit leads; the smaller one follows below smaller_until_ms. */
    static const struct {
        int64_t unit_ms;
        const char *unit;
        int64_t smaller_ms;
        const char *smaller;
        int64_t smaller_until_ms;
    } scales[] = {
        {INT64_C(86400000), "d", 3600000, "h", INT64_C(30) * 86400000},
        {3600000, "h", 60000, "min", 86400000},
        {60000, "min", 1000, "s", 600000},
        {1000, "s", 1, "ms", 0},
        {0, "ms", 1, "ms", 0},
    };
    TC_ASSERT(ret_text != NULL);
    char *at = ret_text;
    if (duration_ms < 0) {
        *at++ = '-';
        duration_ms = duration_ms == INT64_MIN ? INT64_MAX : -duration_ms;
    }
    size_t i = 0;
    while (duration_ms < scales[i].unit_ms) {
        i++;
    }
    int64_t unit_ms = scales[i].unit_ms > 0 ? scales[i].unit_ms : 1;
    at = put_units(at, duration_ms / unit_ms, scales[i].unit);
    int64_t rest = duration_ms % unit_ms / scales[i].smaller_ms;
    if (rest > 0 && duration_ms < scales[i].smaller_until_ms) {
        *at++ = ' ';
        at = put_units(at, rest, scales[i].smaller);
    }
    *at = '\0';
    return ret_text;
}

/* The reading side: a cursor with a sticky failure, so that a whole form is read as one list. */
struct reader {
    const char *at;
    bool is_bad;
};

static int32_t take_digits(struct reader *in, int width)
{
    int32_t value = 0;
    for (int i = 0; i < width && !in->is_bad; i++) {
        if (*in->at < '0' || *in->at > '9') {
            in->is_bad = true;
            return 0;
        }
        value = value * 10 + (*in->at - '0');
        in->at++;
    }
    return value;
}

static void take_one_of(struct reader *in, char a, char b)
{
    if (!in->is_bad && (*in->at == a || *in->at == b)) {
        in->at++;
        return;
    }
    in->is_bad = true;
}

static int32_t take_fraction_ms(struct reader *in)
{
    if (in->is_bad || *in->at != '.') {
        return 0;
    }
    in->at++;
    int32_t ms = take_digits(in, 1) * 100;
    for (int32_t weight = 10; *in->at >= '0' && *in->at <= '9'; weight /= 10) {
        ms += (*in->at - '0') * weight;
        in->at++;
    }
    return ms;
}

static struct civil_time take_time(struct reader *in, char separator, char other)
{
    struct civil_time time;
    time.date.year = take_digits(in, 4);
    take_one_of(in, '-', '-');
    time.date.month = take_digits(in, 2);
    take_one_of(in, '-', '-');
    time.date.day = take_digits(in, 2);
    take_one_of(in, separator, other);
    time.hour = take_digits(in, 2);
    take_one_of(in, ':', ':');
    time.minute = take_digits(in, 2);
    take_one_of(in, ':', ':');
    time.second = take_digits(in, 2);
    time.ms = take_fraction_ms(in);
    return time;
}

static int32_t take_offset_s(struct reader *in)
{
    if (in->is_bad || *in->at == 'Z' || *in->at == 'z') {
        take_one_of(in, 'Z', 'z');
        return 0;
    }
    int32_t sign = *in->at == '-' ? -1 : 1;
    take_one_of(in, '+', '-');
    int32_t hours = take_digits(in, 2);
    take_one_of(in, ':', ':');
    int32_t minutes = take_digits(in, 2);
    if (hours > 23 || minutes > 59) {
        in->is_bad = true;
    }
    return sign * (hours * 3600 + minutes * 60);
}

/* Whether the fields are a real time; second 60 is, where UTC has leap seconds. */
static bool is_time(struct civil_time time, int32_t offset_s)
{
    if (!civil_is_date(time.date) || time.hour > 23 || time.minute > 59 || time.second > 60) {
        return false;
    }
    if (time.second < 60) {
        return true;
    }
    time.second = 0;
    struct civil_time utc = civil_from_ms(civil_ms(time) - (int64_t)offset_s * 1000);
    return utc.hour == 23 && utc.minute == 59;
}

static bool is_finished(struct reader *in, struct civil_time time, int32_t offset_s,
                        int64_t *ret_utc_ms)
{
    if (in->is_bad || *in->at != '\0' || !is_time(time, offset_s)) {
        return false;
    }
    int64_t utc_ms = civil_ms(time) - (int64_t)offset_s * 1000;
    if (utc_ms < TIMETEXT_UTC_MS_MIN || utc_ms > TIMETEXT_UTC_MS_MAX) {
        return false;
    }
    *ret_utc_ms = utc_ms;
    return true;
}

int timetext_parse_rfc3339(const char *text, int64_t *ret_utc_ms, struct err *err)
{
    TC_ASSERT(text != NULL);
    TC_ASSERT(ret_utc_ms != NULL);
    struct reader in = {.at = text};
    struct civil_time time = take_time(&in, 'T', 't');
    int32_t offset_s = take_offset_s(&in);
    if (!is_finished(&in, time, offset_s, ret_utc_ms)) {
        return err_set(err, TC_EPARSE,
                       "\"%.40s\" is not a time; write it like 2026-01-02T03:04:05.678Z", text);
    }
    return TC_OK;
}

int timetext_parse_sql(const char *text, int64_t *ret_utc_ms, struct err *err)
{
    TC_ASSERT(text != NULL);
    TC_ASSERT(ret_utc_ms != NULL);
    struct reader in = {.at = text};
    struct civil_time time = take_time(&in, ' ', 'T');
    if (!in.is_bad && *in.at == 'Z') {
        in.at++;
    }
    if (!is_finished(&in, time, 0, ret_utc_ms)) {
        return err_set(err, TC_EPARSE,
                       "\"%.40s\" is not a stored UTC time; write it like 2026-01-02 03:04:05.678",
                       text);
    }
    return TC_OK;
}
