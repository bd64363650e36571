#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/table.h"
#include "lib/base/err.h"

struct buf;
struct cli;
struct json_value;

/* How answers of the API are shown: as they are with --json, as tables and labelled lines to people. */

/* A member's text, "" when it is absent, null or of another type; its number, as text for a table cell.
 * Trivial. */
const char *show_text(const struct json_value *object, const char *name);
int64_t show_number(const struct json_value *object, const char *name);
bool show_flag(const struct json_value *object, const char *name);
const struct json_value *show_object(const struct json_value *object, const char *name);

/* One column of a list: where its text comes from. */
struct show_column {
    const char *member;
    void (*cell)(struct table *table, const struct json_value *element); /* NULL: member as it is */
};

/* A list of the API: its address, and its columns for people. */
struct show_list {
    const char *path;
    const char *name; /* of the member that is the list */
    const struct table_column *titles;
    const struct show_column *columns; /* as many as titles */
    const char *empty;                 /* said when there is nothing */
    bool is_paged;
};

/* Fetch and print a list.
 * Shape:  max 0: all.
 * Units:  none.
 * Owns:   nothing.
 * Errors: as client_list and cli_print. */
int show_list(struct cli *cli, const struct show_list *list, uint64_t max, struct err *err);

/* Print a value: as JSON, or its members one a line.
 * Shape:  any object.
 * Units:  none.
 * Owns:   nothing.
 * Errors: as cli_print. */
int show_value(struct cli *cli, const struct json_value *value, struct err *err);

/* Print what an action gave: its result with --json, else a sentence.
 * Trivial. */
int show_done(struct cli *cli, const struct json_value *answer, const char *sentence,
              struct err *err);

/* Append "name: value" lines of an object's members, escaped. Trivial. */
void show_members(const struct cli *cli, const struct json_value *object, struct buf *out);

#endif
