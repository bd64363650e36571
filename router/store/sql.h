#ifndef ROUTER_STORE_SQL_H
#define ROUTER_STORE_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "generated/sql_queries.h"
#include "router/store/store.h"

/* sql/queries.sql as tables: every statement, and how the members of rows stand in it. What a backend
 * needs to bind and to read any row without knowing it. For backends only. */
enum sql_type {
    SQL_U32,
    SQL_U64,
    SQL_I64,
    SQL_BOOL,
    SQL_TEXT,
    SQL_BLOB,
    SQL_REF32,
    SQL_REF64,
    SQL_TIME,
    SQL_LIMIT,
    SQL_BEFORE,
    SQL_STATE, /* from here on names, see sql_names */
    SQL_KIND,
    SQL_END,
    SQL_SEVERITY,
    SQL_DELIVERY,
};

struct sql_field {
    const char *name;
    enum sql_type type;
    size_t offset; /* in the row's struct */
};

#define SQL_NO_PROBLEM SIZE_MAX

struct sql_row {
    const char *table; /* for messages */
    size_t size;
    const struct sql_field *fields;
    size_t field_count;
    size_t problem; /* offset of `problem`, or SQL_NO_PROBLEM */
};

struct sql_query {
    const char *name;
    const char *text;
    enum sql_row_id takes; /* SQL_ROW_COUNT_: no parameters */
    enum sql_row_id gives; /* SQL_ROW_COUNT_: no result */
    const uint8_t *params; /* fields of takes, in the order of the statement */
    size_t param_count;
    const uint8_t *columns; /* fields of gives, in the order of the result */
    size_t column_count;
};

/* A migration: its file's name, SHA-256 in hex, and text. */
struct sql_step {
    const char *name;
    const char *checksum;
    const char *text;
};

/* Rows that only backends use. */
struct store_claim {
    uint32_t shard;
    const char *holder;
    int64_t expires_utc_ms;
    int64_t now_utc_ms;
    int64_t beyond_utc_ms; /* an expiry later than this was written before the clock stepped back */
};
struct store_step {
    const char *name;
    const char *checksum;
    int64_t applied_utc_ms;
};

/* A column, an index or a trigger, as MariaDB's information_schema tells it, display widths aside. */
struct store_part {
    const char *table;
    const char *name;
    const char *type; /* "int unsigned", "unique index", "index", "trigger" */
};
/* An advisory lock of MariaDB and how long to wait for it. */
struct store_wait {
    const char *name;
    uint32_t wait_s;
};

/* Each dialect has its own text of a statement, NULL where it has no use for it; names and rows are
 * the same. Migrations have the same names in the same order. */
extern const struct sql_row sql_rows[SQL_ROW_COUNT_];
extern const struct sql_query sql_queries[SQL_QUERY_COUNT_]; /* SQLite */
extern const struct sql_query sql_queries_mysql[SQL_QUERY_COUNT_];
extern const struct sql_step sql_steps[SQL_STEP_COUNT]; /* SQLite */
extern const struct sql_step sql_steps_mysql[SQL_STEP_COUNT];
extern const struct store_part sql_parts[SQL_PART_COUNT]; /* of MariaDB's tables */

/* How a backend writes and reads: the statement of each kind of write and of each view. */
struct sql_write {
    enum sql_query_id query;
    enum sql_row_id row;
    bool must_change; /* exactly one row, or it is a conflict */
};
extern const struct sql_write sql_writes[STORE_WRITE_COUNT_];
extern const enum sql_query_id sql_views[STORE_VIEW_COUNT_];

/* The text of a value of a named type, and the value of a text.
 * Shape:  type is SQL_STATE or after it; an unknown text gives -1, an unknown value asserts.
 * Units:  none.
 * Owns:   static strings.
 * Errors: none. */
const char *sql_name(enum sql_type type, uint32_t value);
int sql_value(enum sql_type type, const char *text);

/* The id of a row, for conflicts and messages: its first member if that is a number, else 0.
 * Trivial. */
uint64_t sql_row_id(enum sql_row_id row, const void *values);

/* What would be right in a column of a type, for messages. Trivial. */
const char *sql_expected(enum sql_type type);

#endif
