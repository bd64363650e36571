#ifndef MONITORS_FILE_H
#define MONITORS_FILE_H

#include <stdint.h>

#include "monitors/check.h"

/* The file check: whether a file, or those of a pattern, are there, fresh and of the right size. */
extern const struct check_ops check_file;

enum {
    FILE_NAME_BYTES = 256,
};

struct file_facts {
    const char *what; /* the path or pattern, as in params */
    bool is_pattern;
    uint64_t count;
    int64_t newest_utc_ms; /* of modification; the rest holds when count > 0 */
    uint64_t smallest_bytes;
    uint64_t largest_bytes;
    char newest[FILE_NAME_BYTES];
    char smallest[FILE_NAME_BYTES];
    char largest[FILE_NAME_BYTES];
};

struct file_limits {
    int64_t age_ms_max; /* 0: none */
    double bytes_min;   /* 0: none */
    double bytes_max;   /* negative: none */
    int64_t count_min;
    int64_t count_max; /* negative: none */
};

/* Take one more file into the facts.
 * Shape:  name as it is shown, cut at FILE_NAME_BYTES.
 * Units:  bytes, Unix ms.
 * Owns:   copies.
 * Errors: none. */
void file_count(struct file_facts *facts, const char *name, uint64_t bytes, int64_t utc_ms);

/* Hold the facts against the limits.
 * Shape:  result is empty.
 * Units:  Unix ms.
 * Owns:   nothing retained.
 * Errors: none. */
void file_judge(const struct file_facts *facts, const struct file_limits *limits,
                int64_t now_utc_ms, struct check_result *result);

#endif
