/* Small questions about strings: equality, patterns, nearness. Does not build text (buf.c) or read
 * numbers (parse.c). Called by everything. */
#include "lib/base/str.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/err.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool str_eq(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

bool str_eq_nocase(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) == lower(*b);
}

bool str_has_prefix(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_has_suffix(const char *s, const char *suffix)
{
    size_t size = strlen(s);
    size_t suffix_size = strlen(suffix);
    return size >= suffix_size && strcmp(s + size - suffix_size, suffix) == 0;
}

const char *str_trim(const char *s, size_t size, size_t *ret_size)
{
    TC_ASSERT(ret_size != NULL);
    while (size > 0 && is_space(s[0])) {
        s++;
        size--;
    }
    while (size > 0 && is_space(s[size - 1])) {
        size--;
    }
    *ret_size = size;
    return s;
}

/* Only the last star ever needs to be retried: if its run has to grow, no choice at an earlier star
 * could have avoided it. That keeps hostile patterns at length times length. */
bool str_glob(const char *pattern, const char *text)
{
    const char *star = NULL;
    const char *retry = NULL;
    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            retry = text;
        } else if (*pattern != '\0' && (*pattern == '?' || *pattern == *text)) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}

int str_copy(char *ret_array, size_t size, const char *s)
{
    size_t need = strlen(s) + 1;
    if (need > size) {
        return TC_ERANGE;
    }
    memcpy(ret_array, s, need);
    return TC_OK;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: three rows of the usual table are enough. */
size_t str_distance(const char *a, const char *b)
{
    size_t a_size = strlen(a);
    size_t b_size = strlen(b);
    if (a_size > STR_DISTANCE_MAX || b_size > STR_DISTANCE_MAX) {
        return STR_DISTANCE_MAX;
    }
    size_t rows[3][STR_DISTANCE_MAX + 1] = {{0}};
    for (size_t j = 0; j <= b_size; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            char x = lower(a[i - 1]);
            char y = lower(b[j - 1]);
            size_t changed = above[j - 1] + (x == y ? 0 : 1);
            row[j] = least(changed, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y) {
                row[j] = least(row[j], above2[j - 2] + 1);
            }
        }
    }
    return rows[a_size % 3][b_size];
}

const char *str_nearer(const char *word, const char *best, const char *candidate)
{
    size_t distance = str_distance(word, candidate);
    size_t allowed = (strlen(word) + 2) / 3;
    if (distance > allowed || distance >= STR_DISTANCE_MAX) {
        return best;
    }
    return best == NULL || distance < str_distance(word, best) ? candidate : best;
}

const char *str_nearest(const char *word, const char *const *candidates)
{
    const char *best = NULL;
    for (size_t i = 0; candidates[i] != NULL; i++) {
        best = str_nearer(word, best, candidates[i]);
    }
    return best;
}
