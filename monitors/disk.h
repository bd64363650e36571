#ifndef MONITORS_DISK_H
#define MONITORS_DISK_H

#include <stdint.h>

#include "monitors/check.h"

/* The disk check: room on one file system, as df counts it for ordinary users. */
extern const struct check_ops check_disk;

struct disk_facts {
    const char *path; /* as in params */
    uint64_t used_bytes;
    uint64_t free_bytes; /* for ordinary users */
    uint64_t used_inodes;
    uint64_t free_inodes; /* for ordinary users; both 0: the file system does not count them */
};

struct disk_limits {
    double free_percent_min; /* 0: none, as for the others */
    double free_bytes_min;
    double free_inodes_percent_min;
};

/* Hold the facts against the limits.
 * Shape:  result is empty.
 * Units:  bytes, percent of what is used and free together.
 * Owns:   nothing retained.
 * Errors: none. */
void disk_judge(const struct disk_facts *facts, const struct disk_limits *limits,
                struct check_result *result);

#endif
