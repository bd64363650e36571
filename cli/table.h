#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* Tables for people: aligned by what a terminal shows, cut to its width, text from outside escaped so
 * that it can't steer the terminal. */
enum table_colour {
    TABLE_PLAIN,
    TABLE_GOOD,
    TABLE_BAD,
    TABLE_WEAK,
};

enum {
    TABLE_COLUMNS_MAX = 12,
};

struct table_column {
    const char *title; /* NULL ends a list */
    bool is_right;     /* numbers */
    bool is_flexible;  /* cut first when the terminal is too narrow */
};

struct table_cell {
    char *text; /* owned, escaped */
    size_t width;
    enum table_colour colour;
};

struct table {
    const struct table_column *columns; /* borrowed */
    size_t column_count;
    struct table_cell *cells; /* owned, row by row */
    size_t count;
    size_t cap;
};

/* Start, fill cell by cell, release.
 * Shape:  columns end with a NULL title, at most TABLE_COLUMNS_MAX; a NULL or empty text shows "-".
 * Units:  none.
 * Owns:   borrows columns, copies texts.
 * Errors: none. */
void table_start(struct table *table, const struct table_column *columns);
void table_add(struct table *table, const char *text, enum table_colour colour);
void table_freep(struct table *table);

/* Append the table, a title line and one line a row.
 * Shape:  width 0: nothing is cut; the last row must be whole.
 * Units:  terminal columns.
 * Owns:   nothing.
 * Errors: none but out's. */
void table_print(const struct table *table, size_t width, bool is_coloured, struct buf *out);

/* How many terminal columns escaped text takes. Trivial. */
size_t table_text_width(const char *text);

/* Append text, escaped, in a colour when is_coloured. Trivial. */
void table_paint(struct buf *out, const char *text, enum table_colour colour, bool is_coloured);

#endif
