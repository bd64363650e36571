#ifndef LIB_BASE_TIMETEXT_H
#define LIB_BASE_TIMETEXT_H

#include <stdint.h>

struct err;

/* Instants and durations as text. Every instant is Unix ms, UTC. The writers return ret_text, so
 * that they can stand in an argument list; it must hold TIMETEXT_SIZE bytes. An instant outside
 * the years 1..9999 is written as the nearest one inside. */
enum {
    TIMETEXT_SIZE = 64,
};

/* The instants that have a text: 0001-01-01T00:00:00.000Z .. 9999-12-31T23:59:59.999Z. */
#define TIMETEXT_UTC_MS_MIN INT64_C(-62135596800000)
#define TIMETEXT_UTC_MS_MAX INT64_C(253402300799999)

/* "2026-01-02T03:04:05.678Z": JSON, logs, APIs (RFC 3339).
 * Shape:  ret_text TIMETEXT_SIZE bytes.
 * Units:  Unix ms, UTC.
 * Owns:   the caller's buffer.
 * Errors: none. */
const char *timetext_rfc3339(int64_t utc_ms, char *ret_text);

/* "2026-01-02 03:04:05.678": UTC in SQL columns (docs/spec.md 2.6).
 * Shape:  ret_text TIMETEXT_SIZE bytes.
 * Units:  Unix ms, UTC.
 * Owns:   the caller's buffer.
 * Errors: none. */
const char *timetext_sql(int64_t utc_ms, char *ret_text);

/* "Fri, 02 Jan 2026 03:04:05 -0600": the Date of a mail (RFC 5322, section 3.3).
 * Shape:  ret_text TIMETEXT_SIZE bytes; offset within 24 hours, its seconds are dropped.
 * Units:  Unix ms, UTC; offset in seconds east of UTC.
 * Owns:   the caller's buffer.
 * Errors: none. */
const char *timetext_mail(int64_t utc_ms, int32_t offset_s, char *ret_text);

/* "2026-01-02 03:04:05 CST": what people read beside the same instant in UTC.
 * Shape:  ret_text TIMETEXT_SIZE bytes; abbreviation up to 31 bytes, more is cut.
 * Units:  Unix ms, UTC; offset in seconds east of UTC.
 * Owns:   the caller's buffer.
 * Errors: none. */
const char *timetext_local(int64_t utc_ms, int32_t offset_s, const char *abbreviation,
                           char *ret_text);

/* A duration for people, cut down to what matters: "850 ms", "42 s", "1 min 30 s", "14 min",
 * "2 h 5 min", "3 d 4 h".
 * Shape:  ret_text TIMETEXT_SIZE bytes; a negative duration has a minus before it.
 * Units:  ms.
 * Owns:   the caller's buffer.
 * Errors: none. */
const char *timetext_duration(int64_t duration_ms, char *ret_text);

/* Read an RFC 3339 time with any offset; digits after the milliseconds are dropped, a leap second
 * (23:59:60 UTC) is the second after it.
 * Shape:  the whole text, nothing before or after it.
 * Units:  Unix ms, UTC.
 * Owns:   nothing.
 * Errors: TC_EPARSE with what was expected. */
int timetext_parse_rfc3339(const char *text, int64_t *ret_utc_ms, struct err *err);

/* Read a stored UTC time: "YYYY-MM-DD HH:MM:SS", also with "T", a fraction, "Z" (spec 2.6).
 * Shape:  the whole text, nothing before or after it; an offset other than Z is refused.
 * Units:  Unix ms, UTC.
 * Owns:   nothing.
 * Errors: TC_EPARSE with what was expected. */
int timetext_parse_sql(const char *text, int64_t *ret_utc_ms, struct err *err);

#endif
