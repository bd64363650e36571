#ifndef MONITORS_SQL_H
#define MONITORS_SQL_H

#include "monitors/check.h"

/* The sql check: one query that reads, on a source of the runner's configuration. */
extern const struct check_ops check_sql;

/* The connections that a process keeps, one a source, and the zones it knows.
 * Trivial. */
struct sql_pool *sql_pool_new(void);
struct sql_pool *sql_pool_free(struct sql_pool *pool);

#endif
