#ifndef LIB_BASE_CRON_H
#define LIB_BASE_CRON_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct tz;

/* Schedules: five fields with the meaning of Debian's cron(8), its @names, and "@every 30s". Pure:
 * when a schedule fires is a function of the schedule, the zone and the instant alone.
 *
 * Clock changes (docs/spec.md 2.7): a schedule without "*" in minute and hour fires once at the
 * first instant after a gap for times inside it, and at the first pass only of times that come
 * twice. One with "*" there ("*" followed by a step too, and @hourly) fires whenever walls show its
 * time. "@every" counts elapsed time from 1970-01-01T00:00Z in every zone. */
struct cron {
    int64_t every_ms;   /* 0: the fields count */
    uint64_t minutes;   /* bit 0..59 */
    uint32_t hours;     /* bit 0..23 */
    uint32_t days;      /* bit 1..31 */
    uint16_t months;    /* bit 1..12 */
    uint8_t weekdays;   /* bit 0 Sunday .. 6 */
    bool is_wild;       /* "*" in minute or hour */
    bool is_either_day; /* day of month and day of week are both restricted: one suffices */
};

/* The value for "no such instant". */
#define CRON_NEVER INT64_MAX

/* Read a schedule.
 * Shape:  up to LIMIT_SCHEDULE_BYTES; white space before and after is allowed.
 * Units:  none.
 * Owns:   ret_cron is a plain value.
 * Errors: TC_EINVAL, saying which field, what is wrong with it and what would be right; also for a
 *         date that never comes (30 February). */
int cron_parse(const char *text, struct cron *ret_cron, struct err *err);

/* Whether two schedules fire alike, field by field. Trivial. */
bool cron_is_same(const struct cron *a, const struct cron *b);

/* The first instant after another at which a schedule fires.
 * Shape:  from cron_parse; zone is not used by "@every".
 * Units:  Unix ms, UTC; the answer is greater than after_utc_ms.
 * Owns:   nothing.
 * Errors: none; CRON_NEVER after the year 9999. */
int64_t cron_next(const struct cron *cron, const struct tz *zone, int64_t after_utc_ms);

/* The last instant at or before another at which a schedule fires.
 * Shape:  as cron_next.
 * Units:  Unix ms, UTC.
 * Owns:   nothing.
 * Errors: none; -CRON_NEVER when there is none since 1900. */
int64_t cron_last(const struct cron *cron, const struct tz *zone, int64_t until_utc_ms);

#endif
