/* Numbers and durations from text, bounded; the only user of strtod and its family. Instants are
 * timetext.c. Called by JSON, options, configuration, cron and perfdata. */
#include "lib/base/parse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/err.h"

enum {
    DIGITS_MAX = 18, /* always fit an int64_t */
};

static const int64_t duration_max_ms = INT64_C(10000) * 366 * 86400 * 1000;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool parse_char(const char **cursor, char c)
{
    TC_ASSERT(c != '\0');
    if (**cursor != c) {
        return false;
    }
    (*cursor)++;
    return true;
}

int parse_digits(const char **cursor, size_t count, int64_t *ret_value)
{
    TC_ASSERT(count > 0);
    TC_ASSERT(count <= DIGITS_MAX);
    int64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        char c = (*cursor)[i];
        if (!is_digit(c)) {
            return TC_EPARSE;
        }
        value = value * 10 + (c - '0');
    }
    *cursor += count;
    *ret_value = value;
    return TC_OK;
}

int parse_u64(const char **cursor, uint64_t max, uint64_t *ret_value)
{
    const char *p = *cursor;
    if (!is_digit(*p)) {
        return TC_EPARSE;
    }
    uint64_t value = 0;
    for (; is_digit(*p); p++) {
        if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value) || value > max) {
            return TC_ERANGE;
        }
    }
    *cursor = p;
    *ret_value = value;
    return TC_OK;
}

int parse_i64(const char **cursor, int64_t min, int64_t max, int64_t *ret_value)
{
    const char *p = *cursor;
    bool is_negative = parse_char(&p, '-');
    uint64_t magnitude;
    int rc = parse_u64(&p, (uint64_t)INT64_MAX + (is_negative ? 1 : 0), &magnitude);
    if (rc != TC_OK) {
        return rc;
    }
    /* -(m - 1) - 1 also holds for the magnitude of INT64_MIN, which has no positive twin. */
    int64_t value =
        is_negative && magnitude > 0 ? -(int64_t)(magnitude - 1) - 1 : (int64_t)magnitude;
    if (value < min || value > max) {
        return TC_ERANGE;
    }
    *cursor = p;
    *ret_value = value;
    return TC_OK;
}

/* The span of a decimal number, 0 if there is none: strtod alone would also take white space, plus
 * signs, "inf", "nan" and hexadecimal. */
static size_t number_span(const char *s)
{
    static const char digits[] = "0123456789";
    const char *p = s;
    (void)parse_char(&p, '-');
    size_t whole = strspn(p, digits);
    p += whole;
    size_t fraction = 0;
    if (*p == '.') {
        fraction = strspn(p + 1, digits);
        p += fraction + 1;
    }
    if (whole + fraction == 0) {
        return 0;
    }
    if (*p == 'e' || *p == 'E') {
        size_t sign = p[1] == '+' || p[1] == '-' ? 1 : 0;
        size_t exponent = strspn(p + 1 + sign, digits);
        p += exponent > 0 ? 1 + sign + exponent : 0;
    }
    return (size_t)(p - s);
}

int parse_double(const char **cursor, double *ret_value)
{
    size_t span = number_span(*cursor);
    if (span == 0) {
        return TC_EPARSE;
    }
    /* "0x1" is the one case where strtod reads on behind the span: the number is its "0". */
    const char *p = *cursor + (**cursor == '-' ? 1 : 0);
    bool is_hex_like = p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
    double zero = **cursor == '-' ? -0.0 : 0.0;
    double value = is_hex_like ? zero : strtod(*cursor, NULL);
    if (!isfinite(value)) {
        return TC_ERANGE;
    }
    *cursor += span;
    *ret_value = value;
    return TC_OK;
}

static const struct unit {
    const char *name;
    int64_t ms;
} units[] = {
    {"w", INT64_C(7) * 86400 * 1000}, {"d", INT64_C(86400) * 1000},
    {"h", INT64_C(3600) * 1000},      {"ms", 1}, /* before "m", which it begins with */
    {"m", INT64_C(60) * 1000},        {"s", 1000},
};

static const struct unit *unit_at(const char *p)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strncmp(p, units[i].name, strlen(units[i].name)) == 0) {
            return &units[i];
        }
    }
    return NULL;
}

int parse_duration(const char **cursor, int64_t *ret_ms)
{
    const char *p = *cursor;
    int64_t total_ms = 0;
    int64_t last_unit_ms = INT64_MAX;
    do {
        int64_t count;
        int rc = parse_i64(&p, 0, duration_max_ms, &count);
        if (rc != TC_OK) {
            return rc;
        }
        const struct unit *unit = unit_at(p);
        if (unit == NULL && last_unit_ms != INT64_MAX) {
            return TC_EPARSE; /* "1h30": thirty of what? */
        }
        int64_t unit_ms = unit == NULL ? 1000 : unit->ms;
        if (unit_ms >= last_unit_ms) {
            return TC_EPARSE;
        }
        int64_t part_ms;
        if (__builtin_mul_overflow(count, unit_ms, &part_ms) ||
            part_ms > duration_max_ms - total_ms) {
            return TC_ERANGE;
        }
        total_ms += part_ms;
        last_unit_ms = unit_ms;
        p += unit == NULL ? 0 : strlen(unit->name);
        if (unit == NULL) {
            break;
        }
    } while (is_digit(*p));
    *cursor = p;
    *ret_ms = total_ms;
    return TC_OK;
}

int parse_whole_i64(const char *s, int64_t min, int64_t max, int64_t *ret_value)
{
    int64_t value;
    int rc = parse_i64(&s, min, max, &value);
    if (rc != TC_OK) {
        return rc;
    }
    if (*s != '\0') {
        return TC_EPARSE;
    }
    *ret_value = value;
    return TC_OK;
}

int parse_whole_u64(const char *s, uint64_t max, uint64_t *ret_value)
{
    uint64_t value;
    int rc = parse_u64(&s, max, &value);
    if (rc != TC_OK) {
        return rc;
    }
    if (*s != '\0') {
        return TC_EPARSE;
    }
    *ret_value = value;
    return TC_OK;
}

int parse_whole_double(const char *s, double *ret_value)
{
    double value;
    int rc = parse_double(&s, &value);
    if (rc != TC_OK) {
        return rc;
    }
    if (*s != '\0') {
        return TC_EPARSE;
    }
    *ret_value = value;
    return TC_OK;
}

int parse_whole_duration(const char *s, int64_t *ret_ms)
{
    int64_t ms;
    int rc = parse_duration(&s, &ms);
    if (rc != TC_OK) {
        return rc;
    }
    if (*s != '\0') {
        return TC_EPARSE;
    }
    *ret_ms = ms;
    return TC_OK;
}
