#ifndef ROUTER_STORE_SQLITE_VALUES_H
#define ROUTER_STORE_SQLITE_VALUES_H

#include <sqlite3.h>

#include "router/store/sql.h"

/* Between the members of a row and the parameters and columns of a statement. */

/* Bind the parameters of a statement from a row.
 * Shape:  texts and blobs are borrowed until the statement is reset.
 * Units:  none.
 * Owns:   nothing.
 * Errors: an SQLite code. */
int sqlite_values_bind(sqlite3_stmt *stmt, const struct sql_query *query, const void *row);

/* Read the current row of a result.
 * Shape:  row is zeroed and filled; problem has VALUES_PROBLEM_BYTES and tells the first member that
 *         could not be read, "" when there is none; a `problem` member then points to it.
 * Units:  none.
 * Owns:   texts are borrowed until the next step.
 * Errors: none. */
void sqlite_values_read(sqlite3_stmt *stmt, const struct sql_query *query, void *row,
                        char *problem);

#endif
