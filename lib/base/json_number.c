/* The one text of a number. Called by the JSON writers; reading numbers is parse.c. */
#include "lib/base/json_number.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/err.h"
#include "lib/base/parse.h"

enum {
    DIGITS_MAX = 17,  /* enough for every double */
    DIGITS_SURE = 15, /* a decimal of so few survives the way through a normal double */
};

static const double plain_whole_max = 1e15; /* below, whole numbers need no search for digits */

/* 0.d1d2d3... * 10^point, like ECMAScript's n. */
struct decimal {
    char digits[DIGITS_MAX + 1]; /* NUL-terminated, no trailing zeros */
    int point;
};

static bool reads_back(const char *text, double value)
{
    double again = 0;
    int rc = parse_whole_double(text, &again);
    return rc == TC_OK && !(again < value) && !(again > value);
}

/* printf gives the nearest decimal of a precision. At powers of two the doubles below lie twice as
 * close as those above, so there a decimal that reads back may be the next one up instead. */
static bool next_up_reads_back(char *text, double value)
{
    char *last = strchr(text, 'e') - 1;
    while (last >= text && (*last == '9' || *last == '.')) {
        if (*last == '9') {
            *last = '0';
        }
        last--;
    }
    if (last < text) {
        return false; /* 9.99 -> 10.00 is a number of fewer digits, tried before */
    }
    (*last)++;
    return reads_back(text, value);
}

/* Shortest "d.ddde±xx" of a positive value. */
static void shortest_text(double value, char *ret_text, size_t size)
{
    int exponent;
    bool is_power_of_two = !(frexp(value, &exponent) > 0.5);
    for (int precision = 0; precision < DIGITS_MAX; precision++) {
        (void)snprintf(ret_text, size, "%.*e", precision, value); /* room for 17 digits */
        if (reads_back(ret_text, value)) {
            return;
        }
        if (is_power_of_two && next_up_reads_back(ret_text, value)) {
            return;
        }
    }
    TC_UNREACHABLE();
}

static struct decimal shortest_decimal(double value)
{
    char text[JSON_NUMBER_BYTES];
    (void)snprintf(text, sizeof(text), "%.*e", DIGITS_SURE - 1, value); /* room for 17 digits */
    if (value < DBL_MIN || !reads_back(text, value)) {
        shortest_text(value, text, sizeof(text));
    }
    struct decimal decimal = {.point = 0};
    const char *p = text;
    size_t count = 0;
    for (; *p != 'e'; p++) {
        if (*p != '.') {
            decimal.digits[count++] = *p;
        }
    }
    while (count > 1 && decimal.digits[count - 1] == '0') {
        count--;
    }
    decimal.digits[count] = '\0';
    bool is_negative = p[1] == '-';
    int64_t exponent = 0;
    int rc = parse_whole_i64(p + 2, 0, 400, &exponent);
    TC_ASSERT(rc == TC_OK);
    decimal.point = (int)(is_negative ? -exponent : exponent) + 1;
    return decimal;
}

/* The steps of Number::toString, with k digits and the point at n. */
static void write_decimal(const struct decimal *decimal, char *ret_text, size_t size)
{
    const char *digits = decimal->digits;
    int k = (int)strlen(digits);
    int n = decimal->point;
    if (k <= n && n <= 21) {
        (void)snprintf(ret_text, size, "%s%.*s", digits, n - k, "000000000000000000000");
    } else if (0 < n && n <= 21) {
        (void)snprintf(ret_text, size, "%.*s.%s", n, digits, digits + n);
    } else if (-6 < n && n <= 0) {
        (void)snprintf(ret_text, size, "0.%.*s%s", -n, "000000", digits);
    } else {
        (void)snprintf(ret_text, size, "%c%s%se%+d", digits[0], k > 1 ? "." : "", digits + 1,
                       n - 1);
    }
}

void json_number_format(double value, char *ret_text)
{
    TC_ASSERT(isfinite(value));
    if (value > -plain_whole_max && value < plain_whole_max) {
        int64_t whole = (int64_t)value;
        double back = (double)whole;
        if (!(back < value) && !(back > value)) {
            (void)snprintf(ret_text, JSON_NUMBER_BYTES, "%" PRId64, whole);
            return;
        }
    }
    char *p = ret_text;
    if (value < 0) {
        *p++ = '-';
        value = -value;
    }
    struct decimal decimal = shortest_decimal(value);
    write_decimal(&decimal, p, (size_t)(ret_text + JSON_NUMBER_BYTES - p));
}
