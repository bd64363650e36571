#ifndef MONITORS_SQL_GUARD_H
#define MONITORS_SQL_GUARD_H

#include <stdbool.h>

#include "lib/base/err.h"

/* Whether a text is one statement that only reads, as far as its words tell. It is the first of three
 * walls: behind it stand a read-only transaction or handle, and an account that can only read.
 * Shape:  knows quotes, comments and MySQL's executable comments; sql_mode must not be ANSI_QUOTES or
 *         NO_BACKSLASH_ESCAPES where backslash_escapes is true.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EINVAL with what is wrong: empty, another first word than SELECT, WITH, VALUES, SHOW;
 *         INTO; a second statement; an open quote or comment; an executable comment. */
int sql_guard(const char *query, bool backslash_escapes, struct err *err);

#endif
