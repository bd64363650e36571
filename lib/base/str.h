#ifndef LIB_BASE_STR_H
#define LIB_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

/* Small questions about NUL-terminated strings. Case means ASCII case only. */

/* Equal, equal but for ASCII case, starts with, ends with.
 * Trivial. */
bool str_eq(const char *a, const char *b);
bool str_eq_nocase(const char *a, const char *b);
bool str_has_prefix(const char *s, const char *prefix);
bool str_has_suffix(const char *s, const char *suffix);

/* The part of s between its leading and trailing ASCII white space.
 * Shape:  s need not be NUL-terminated; the result lies inside s.
 * Units:  bytes.
 * Owns:   nothing.
 * Errors: none. */
const char *str_trim(const char *s, size_t size, size_t *ret_size);

/* Whether text as a whole matches a pattern: "*" stands for any bytes, also none, "?" for any one
 * byte, all else for itself ("exec:*").
 * Shape:  both NUL-terminated; takes at most length times length steps.
 * Units:  none.
 * Owns:   nothing.
 * Errors: none. */
bool str_glob(const char *pattern, const char *text);

/* Copy into a fixed array, or refuse: nothing is ever cut.
 * Shape:  size is the array's, with the NUL; untouched on failure.
 * Units:  bytes.
 * Owns:   copies.
 * Errors: TC_ERANGE when s does not fit. */
int str_copy(char *ret_array, size_t size, const char *s);

enum {
    STR_DISTANCE_MAX = 64, /* longer strings are that far from everything */
};

/* How many typing errors apart two words are: insertions, deletions, changes and swaps of
 * neighbours, without regard to ASCII case.
 * Shape:  STR_DISTANCE_MAX when either is longer than that.
 * Units:  edits.
 * Owns:   nothing.
 * Errors: none. */
size_t str_distance(const char *a, const char *b);

/* The nearer to word of best (may be NULL) and candidate, for "did you mean": start with NULL and
 * offer every known word.
 * Shape:  a candidate more than a third of the word's length away is never taken.
 * Units:  none.
 * Owns:   returns one of its arguments, or NULL.
 * Errors: none. */
const char *str_nearer(const char *word, const char *best, const char *candidate);

/* The nearest to word of a NULL-terminated list, or NULL when none is near.
 * Trivial. */
const char *str_nearest(const char *word, const char *const *candidates);

#endif
