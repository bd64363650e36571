#ifndef LIB_BASE_CIVIL_H
#define LIB_BASE_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

/* The calendar as arithmetic: days since 1970-01-01 and Gregorian dates, without any zone. */

enum {
    CIVIL_YEAR_MIN = 1,
    CIVIL_YEAR_MAX = 9999,
};

#define CIVIL_DAY_S  INT64_C(86400)
#define CIVIL_DAY_MS (CIVIL_DAY_S * 1000)

struct civil_date {
    int32_t year;  /* proleptic Gregorian */
    int32_t month; /* 1..12 */
    int32_t day;   /* 1..31 */
};

/* A date and time of day on some clock face; which zone's is the caller's knowledge. */
struct civil_time {
    struct civil_date date;
    int32_t hour;   /* 0..23 */
    int32_t minute; /* 0..59 */
    int32_t second; /* 0..59 */
    int32_t ms;     /* 0..999 */
};

/* The days from 1970-01-01 to a date.
 * Shape:  month 1..12, year and day any (day 0 is the last day of the month before).
 * Units:  days, negative before 1970.
 * Owns:   nothing.
 * Errors: none. */
int64_t civil_days(struct civil_date date);

/* The date that lies days after 1970-01-01.
 * Shape:  |days| below 10^9.
 * Units:  days.
 * Owns:   nothing.
 * Errors: none. */
struct civil_date civil_from_days(int64_t days);

/* The weekday of a day: 0 Sunday .. 6 Saturday.
 * Shape:  any day.
 * Units:  days since 1970-01-01.
 * Owns:   nothing.
 * Errors: none. */
int32_t civil_weekday(int64_t days);

/* How many days a month has.
 * Shape:  month 1..12.
 * Units:  days.
 * Owns:   nothing.
 * Errors: none. */
int32_t civil_month_length(int32_t year, int32_t month);

/* Whether a date exists, with its year in CIVIL_YEAR_MIN..CIVIL_YEAR_MAX. Trivial. */
bool civil_is_date(struct civil_date date);

/* Milliseconds since 1970-01-01 00:00 of the same clock face.
 * Shape:  fields in their ranges.
 * Units:  ms; UTC when the fields are UTC.
 * Owns:   nothing.
 * Errors: none. */
int64_t civil_ms(struct civil_time time);

/* The fields of a number of milliseconds since 1970-01-01 00:00 of the same clock face.
 * Shape:  |ms| below 10^16.
 * Units:  ms.
 * Owns:   nothing.
 * Errors: none. */
struct civil_time civil_from_ms(int64_t ms);

#endif
