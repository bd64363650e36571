#ifndef MONITORS_SQL_DRIVER_H
#define MONITORS_SQL_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct clock;
struct config;
struct source;

/* What the sql check needs of a database; one implementation an engine. */

enum {
    SQL_ROW_BYTES = 1024 * 1024,         /* one row; more is a failure */
    SQL_ANSWER_BYTES = 16 * 1024 * 1024, /* all rows */
    SQL_COLUMNS_MAX = 64,
};

struct sql_cell {
    const char *text; /* NULL: SQL's NULL; else NUL-terminated behind size bytes */
    size_t size;
    bool is_utc; /* an instant, given in UTC whatever zone the source is in */
};

struct sql_row {
    const char *const *names;
    const struct sql_cell *cells;
    size_t count; /* 1..SQL_COLUMNS_MAX */
};

struct sql_query {
    const char *text;
    int64_t limit_ms;                                  /* real */
    bool (*row)(void *ctx, const struct sql_row *row); /* false: enough, read no further */
    void *ctx;
};

struct sql_session; /* an open connection; each engine has its own kind */

struct sql_driver {
    bool backslash_escapes; /* for sql_guard */

    /* Connect.
     * Errors: a sentence without the source's name; TC_EPERM refused, TC_ETIMEDOUT, TC_ECLOSED
     *         unreachable, TC_ECONFIG, TC_ENOENT. */
    int (*open)(const struct source *source, const struct config *config, const struct clock *clock,
                int64_t limit_ms, struct sql_session **ret_session, struct err *err);
    /* Run one query that can only read. TC_ENOSPC: row had enough, the session must be closed.
     * Errors: TC_ECLOSED the connection is gone and was so before the query began: open anew and try
     *         once more; TC_ETIMEDOUT; TC_EPERM it would write; TC_ERANGE too large; TC_EINVAL the
     *         database's own complaint. After any error but TC_EINVAL and TC_EPERM close it. */
    int (*query)(struct sql_session *session, const struct sql_query *query, struct err *err);
    struct sql_session *(*close)(struct sql_session *session); /* NULL is fine; returns NULL */
};

extern const struct sql_driver sql_driver_sqlite;
extern const struct sql_driver sql_driver_mysql;

#endif
