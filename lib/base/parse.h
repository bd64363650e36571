#ifndef LIB_BASE_PARSE_H
#define LIB_BASE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers and durations from text. A cursor form reads at *cursor, which moves behind what was read
 * on success and stays where it is on failure; a whole form wants nothing else in the string. No
 * form skips white space, takes a plus sign or knows another base than ten. */

/* Read the byte c, or say false.
 * Trivial. */
bool parse_char(const char **cursor, char c);

/* Read exactly count decimal digits (1..18), as in "0930".
 * Shape:  *cursor NUL-terminated.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EPARSE. */
int parse_digits(const char **cursor, size_t count, int64_t *ret_value);

/* Read a whole number, all its digits.
 * Shape:  *cursor NUL-terminated; parse_i64 takes a leading '-'.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EPARSE no digit, TC_ERANGE outside min..max. */
int parse_i64(const char **cursor, int64_t min, int64_t max, int64_t *ret_value);
int parse_u64(const char **cursor, uint64_t max, uint64_t *ret_value);

/* Read a finite decimal number: [-]digits[.digits][e[+-]digits], also ".5" and "5.".
 * Shape:  *cursor NUL-terminated; a value too small to represent is 0.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EPARSE, TC_ERANGE too large to represent. */
int parse_double(const char **cursor, double *ret_value);

/* Read a duration: "500ms", "30s", "5m", "2h", "1d", "1w", any of them joined from the largest unit
 * down ("1h30m"), or a bare whole number of seconds.
 * Shape:  *cursor NUL-terminated; not negative.
 * Units:  ms.
 * Owns:   nothing.
 * Errors: TC_EPARSE, TC_ERANGE over 10,000 years. */
int parse_duration(const char **cursor, int64_t *ret_ms);

/* The same, of a whole string.
 * Shape:  s NUL-terminated; TC_EPARSE when anything follows.
 * Units:  ms for durations.
 * Owns:   nothing.
 * Errors: as above. */
int parse_whole_i64(const char *s, int64_t min, int64_t max, int64_t *ret_value);
int parse_whole_u64(const char *s, uint64_t max, uint64_t *ret_value);
int parse_whole_double(const char *s, double *ret_value);
int parse_whole_duration(const char *s, int64_t *ret_ms);

#endif
