#ifndef MONITORS_SQL_VERDICT_H
#define MONITORS_SQL_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

struct check_result;
struct sql_row;
struct tz;

/* What the rows of an answer mean: pure. Rows are folded one by one, so that an answer of any size
 * takes little memory; then the fold is judged. */

enum {
    SQL_SHOWN_ROWS = 5,           /* quoted in a message */
    SQL_SHOWN_BYTES = 200,        /* of one value in a message */
    SQL_COLUMN_BYTES = 128,       /* of a column's name in a message */
    SQL_AHEAD_MS = 5 * 60 * 1000, /* a newest time so far in the future is not believed */
};

enum sql_mode {
    SQL_MODE_VALUE,
    SQL_MODE_COUNT,
    SQL_MODE_ROWS,
    SQL_MODE_FRESHNESS,
};

struct sql_limits {
    const char *source;
    enum sql_mode mode;
    bool has_min;
    bool has_max;
    bool has_number; /* equals is a number */
    double min;
    double max;
    double number;
    const char *text;   /* equals is this text; NULL: it is not */
    int64_t age_ms_max; /* for freshness */
    size_t rows_max;
    const char *const *columns; /* NULL-terminated, to quote; none: all */
    const struct tz *zone;      /* of times without one */
    int64_t now_utc_ms;
};

struct sql_fold {
    const struct sql_limits *limits; /* borrowed */
    size_t rows;
    bool is_over;       /* more came than rows_max */
    bool is_null;       /* value: it is NULL */
    bool is_unreadable; /* freshness: value holds what is no time */
    bool has_newest;
    int64_t newest_utc_ms;
    char column[SQL_COLUMN_BYTES];
    char value[SQL_SHOWN_BYTES + 1];
    struct buf shown; /* owned: the first rows */
};

/* Begin and end a fold.
 * Trivial. */
void sql_fold_init(struct sql_fold *fold, const struct sql_limits *limits);
void sql_fold_freep(struct sql_fold *fold);

/* Take one row; false when the verdict needs no more.
 * Shape:  row as a driver gives it; texts of any bytes.
 * Units:  none.
 * Owns:   copies what it keeps.
 * Errors: none; what is wrong with a row is part of the verdict. */
bool sql_fold_row(struct sql_fold *fold, const struct sql_row *row);

/* Judge what was folded. NULL is never ok: value and freshness fail on it, and without a row.
 * Shape:  result is empty.
 * Units:  none.
 * Owns:   nothing retained.
 * Errors: none. */
void sql_judge(const struct sql_fold *fold, struct check_result *result);

/* Read a time as databases write it: "YYYY-MM-DD[ HH:MM:SS[.f]]" with a space or T, with Z, an
 * offset or none (then zone's; in the hour that comes twice the later pass that is not ahead of now),
 * or a number: Unix seconds, from 10^11 on milliseconds.
 * Shape:  the whole text.
 * Units:  Unix ms.
 * Owns:   nothing.
 * Errors: TC_EPARSE. */
int sql_time(const char *text, const struct tz *zone, int64_t now_utc_ms, int64_t *ret_utc_ms);

#endif
