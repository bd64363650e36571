#ifndef ROUTER_STORE_SQLITE_DB_H
#define ROUTER_STORE_SQLITE_DB_H

#include <sqlite3.h>

#include "router/store/database.h"

/* One SQLite connection that runs the named statements: binding, reading, transactions, and what its
 * error codes mean to us. It knows no files; sqlite.c, memory.c and migrate.c do. */
struct sqlite_db {
    sqlite3 *db;                           /* owned; NULL after sqlite_db_close */
    sqlite3_stmt *stmts[SQL_QUERY_COUNT_]; /* owned, prepared at first use */
    int fatal;                             /* TC_OK, or why this connection may not be used again */
};

/* Open a connection and set it up: every setting is read back.
 * Shape:  db is overwritten; flags are SQLite's; vfs may be NULL; path must exist unless flags create.
 * Units:  none.
 * Owns:   the caller closes with sqlite_db_close, also after a failure.
 * Errors: TC_EPERM, TC_ECORRUPT, TC_EAGAIN busy, TC_EIO, TC_ENOSPC. */
int sqlite_db_open(struct sqlite_db *db, const char *path, int flags, const char *vfs,
                   struct err *err);
void sqlite_db_close(struct sqlite_db *db);

/* What an SQLite code means, with SQLite's own message.
 * Shape:  code is an extended result code other than OK, ROW and DONE.
 * Units:  none.
 * Owns:   nothing.
 * Errors: returns a TC_E code and sets db->fatal where nothing may follow. */
int sqlite_db_error(struct sqlite_db *db, int code, const char *doing, struct err *err);

/* Run a statement without a result; ret_changes may be NULL.
 * Shape:  params is the row that the statement takes, or NULL.
 * Units:  none.
 * Owns:   nothing retained.
 * Errors: as sqlite_db_error; TC_ECONFLICT a key is taken; TC_EINVAL the schema refuses a value. */
int sqlite_db_run(struct sqlite_db *db, enum sql_query_id query, const void *params,
                  uint64_t *ret_changes, struct err *err);

/* Run a statement and hand out its rows.
 * Shape:  as store_read.
 * Units:  none.
 * Owns:   rows are borrowed during fn.
 * Errors: as store_read. */
int sqlite_db_read(struct sqlite_db *db, enum sql_query_id id, const void *params, store_row_fn fn,
                   void *ctx, struct err *err);

/* Run SQL text of a migration or of a hand.
 * Shape:  any number of statements.
 * Units:  none.
 * Owns:   nothing.
 * Errors: as sqlite_db_run. */
int sqlite_db_script(struct sqlite_db *db, const char *sql, struct err *err);

/* The same connection for the parts that all backends share. Trivial. */
struct database sqlite_db_database(struct sqlite_db *db);

/* Leave a transaction, if one is open. Trivial. */
void sqlite_db_rollback(struct sqlite_db *db);

/* Write a batch in one transaction; the contract of store_commit.
 * Shape:  batch is not empty.
 * Units:  none.
 * Owns:   nothing.
 * Errors: as store_commit. */
int sqlite_db_commit(struct sqlite_db *db, const struct store_batch *batch,
                     struct store_conflicts *ret_conflicts, struct err *err);

/* Take a lease; the contract of store_take_lease.
 * Shape:  ret_token on success.
 * Units:  Unix ms in claim.
 * Owns:   nothing.
 * Errors: as store_take_lease. */
int sqlite_db_lease(struct sqlite_db *db, const struct store_claim *claim, uint64_t *ret_token,
                    struct err *err);

#endif
