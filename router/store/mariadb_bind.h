#ifndef ROUTER_STORE_MARIADB_BIND_H
#define ROUTER_STORE_MARIADB_BIND_H

#include <mysql.h>

#include "router/store/sql.h"

/* Between the rows of a batch or a view and the library's parameters and columns. */

/* Room for the parameters of many rows, kept from statement to statement.
 * Trivial. */
struct mariadb_array;
struct mariadb_array *mariadb_arrays_new(void);
struct mariadb_array *mariadb_arrays_free(struct mariadb_array *arrays);

/* Bind as many rows as may travel together; one row is bound as an ordinary parameter list.
 * Shape:  rows holds count > 0 rows of the type that the statement takes, which has parameters.
 * Units:  bytes_max of texts and blobs in one execution; a single row may exceed it.
 * Owns:   borrows rows and arrays until the statement was executed.
 * Errors: none; returns how many rows were bound. */
size_t mariadb_arrays_bind(struct mariadb_array *arrays, MYSQL_STMT *stmt,
                           const struct sql_query *query, const void *rows, size_t count,
                           size_t bytes_max);

/* Room for one row that is read, growing with what it meets.
 * Trivial. */
struct mariadb_column;
struct mariadb_column *mariadb_columns_new(void);
struct mariadb_column *mariadb_columns_free(struct mariadb_column *columns);

/* Fetch the next row of an executed statement.
 * Shape:  count columns.
 * Units:  none.
 * Owns:   columns hold the row until the next fetch.
 * Errors: 0, MYSQL_NO_DATA, or another value: mysql_stmt_errno tells. */
int mariadb_columns_fetch(struct mariadb_column *columns, MYSQL_STMT *stmt, size_t count);

/* Read the fetched row into the struct that the statement gives.
 * Shape:  row is zeroed and filled; problem has VALUES_PROBLEM_BYTES and tells the first member that
 *         could not be read, "" when there is none; a `problem` member then points to it.
 * Units:  none.
 * Owns:   texts are borrowed until the next fetch.
 * Errors: none. */
void mariadb_columns_read(const struct mariadb_column *columns, MYSQL_STMT *stmt,
                          const struct sql_query *query, void *row, char *problem);

#endif
