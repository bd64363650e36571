#ifndef ROUTER_STORE_VALUES_H
#define ROUTER_STORE_VALUES_H

#include "lib/base/timetext.h"
#include "router/store/sql.h"

/* Between the members of a row and SQL values: what each backend binds and reads, whatever its own
 * types are called. For backends only. */
enum value_kind {
    VALUE_NULL,
    VALUE_NUMBER,
    VALUE_TEXT,
    VALUE_BLOB,
};

struct value {
    enum value_kind kind;
    int64_t number;
    const char *p; /* borrowed: from the row, static, or time */
    size_t size;
    char time[TIMETEXT_SIZE];
};

enum {
    VALUES_PROBLEM_BYTES = 400,
};

/* Whether members of a type are numbers in SQL, else they are texts or blobs. Trivial. */
bool value_is_number(enum sql_type type);

/* The SQL value of a member.
 * Shape:  from points to the member.
 * Units:  none.
 * Owns:   ret_value borrows from the row and, for an instant, from itself.
 * Errors: none. */
void value_of(enum sql_type type, const char *from, struct value *ret_value);

/* Put a number, or a text of a time, a name or a text, into a member.
 * Shape:  to points to the member; NULL is SQL NULL. A text is borrowed: it must outlive the row.
 * Units:  none.
 * Owns:   nothing.
 * Errors: false when the value can't stand there: the member is neutral then. */
bool value_put_number(enum sql_type type, int64_t number, char *to);
bool value_put_text(enum sql_type type, const char *text, size_t size, char *to);

/* Tell in VALUES_PROBLEM_BYTES of ret_problem what is wrong with a value of a row, and note in the row
 * that something is.
 * Trivial. */
void value_tell(const struct sql_row *def, const char *id, const char *column, const char *value,
                enum sql_type type, char *ret_problem);
void value_note_problem(const struct sql_row *def, void *row, const char *problem);

#endif
