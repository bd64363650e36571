/* A connection, its statements and its transactions. It opens nothing by itself and never retries:
 * its callers do. Used by sqlite.c, memory.c and migrate.c. */
#include "router/store/sqlite_db.h"

#include <stdalign.h>
#include <string.h>

#include "lib/base/assert.h"
#include "router/store/sqlite_values.h"
#include "router/store/values.h"

enum {
    BUSY_TIMEOUT_MS = 5000,
    ROW_BYTES_MAX = 1024,
};

int sqlite_db_error(struct sqlite_db *db, int code, const char *doing, struct err *err)
{
    const char *text = db->db != NULL ? sqlite3_errmsg(db->db) : sqlite3_errstr(code);
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(err, TC_EAGAIN, "%s: the database is busy: %s", doing, text);
    case SQLITE_FULL:
        return err_set(err, TC_ENOSPC, "%s: no space left for the database", doing);
    case SQLITE_CONSTRAINT:
        if (code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_UNIQUE ||
            code == SQLITE_CONSTRAINT_ROWID) {
            return err_set(err, TC_ECONFLICT, "%s: %s", doing, text);
        }
        return err_set(err, TC_EINVAL, "%s: %s", doing, text);
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
    case SQLITE_ERROR:
        return err_set(err, TC_EINVAL, "%s: %s", doing, text);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        db->fatal = TC_ECORRUPT;
        return err_set(err, TC_ECORRUPT, "%s: %s: restore it from a backup", doing, text);
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
        db->fatal = TC_EPERM;
        return err_set(err, TC_EPERM, "%s: %s: check the owner and mode of the file and its folder",
                       doing, text);
    default:
        db->fatal = TC_EIO; /* fsync may have failed: only a restart reads what is really there */
        return err_set(err, TC_EIO, "%s: %s (%s)", doing, text, sqlite3_errstr(code));
    }
}

static int check_setting(void *ctx, const void *row)
{
    static const struct store_count expected[] = {
        {"foreign_keys", 1},     {"synchronous", 2},
        {"trusted_schema", 0},   {"busy_timeout", BUSY_TIMEOUT_MS},
        {"journal_mode=wal", 1}, {"journal_mode=memory", 1},
    };
    size_t *good = ctx;
    const struct store_count *setting = row;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        if (strcmp(expected[i].name, setting->name) == 0 && expected[i].count == setting->count) {
            *good += 1;
        }
    }
    return TC_OK;
}

static int set_up(struct sqlite_db *db, int flags, struct err *err)
{
    int is_defensive = 0;
    if (sqlite3_busy_timeout(db->db, BUSY_TIMEOUT_MS) != SQLITE_OK ||
        sqlite3_db_config(db->db, SQLITE_DBCONFIG_DEFENSIVE, 1, &is_defensive) != SQLITE_OK ||
        is_defensive != 1) {
        return err_set(err, TC_EIO, "SQLite refuses its settings");
    }
    int code = sqlite_db_script(db, sql_queries[SQL_SETTINGS].text, err);
    if (code == TC_OK && (flags & SQLITE_OPEN_READONLY) == 0) {
        code = sqlite_db_script(db, sql_queries[SQL_SETTINGS_WRITER].text, err);
    }
    if (code != TC_OK) {
        return code;
    }
    size_t good = 0;
    code = sqlite_db_read(db, SQL_SETTINGS_CHECK, NULL, check_setting, &good, err);
    if (code != TC_OK) {
        return code;
    }
    return good == 5 ? TC_OK
                     : err_set(err, TC_EIO, "SQLite did not take its settings (%zu of 5)", good);
}

int sqlite_db_open(struct sqlite_db *db, const char *path, int flags, const char *vfs,
                   struct err *err)
{
    *db = (struct sqlite_db){0};
    int code =
        sqlite3_open_v2(path, &db->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
    if (code != SQLITE_OK) {
        return sqlite_db_error(db, code, path, err);
    }
    code = set_up(db, flags, err);
    if (code != TC_OK) {
        (void)err_ctx(err, "%s", path);
    }
    return code;
}

void sqlite_db_close(struct sqlite_db *db)
{
    for (size_t i = 0; i < SQL_QUERY_COUNT_; i++) {
        (void)sqlite3_finalize(db->stmts[i]); /* repeats an error that was told already */
        db->stmts[i] = NULL;
    }
    (void)sqlite3_close(db->db); /* fails only with statements left, there are none */
    db->db = NULL;
}

static int prepared(struct sqlite_db *db, enum sql_query_id id, const void *params,
                    sqlite3_stmt **ret_stmt, struct err *err)
{
    const struct sql_query *query = &sql_queries[id];
    if (db->fatal != TC_OK) {
        return err_set(err, db->fatal, "%s: the database failed before; restart", query->name);
    }
    int code = SQLITE_OK;
    if (db->stmts[id] == NULL) {
        code = sqlite3_prepare_v3(db->db, query->text, -1, SQLITE_PREPARE_PERSISTENT,
                                  &db->stmts[id], NULL);
    }
    if (code == SQLITE_OK) {
        code = sqlite_values_bind(db->stmts[id], query, params);
    }
    if (code != SQLITE_OK) {
        return sqlite_db_error(db, code, query->name, err);
    }
    *ret_stmt = db->stmts[id];
    return TC_OK;
}

int sqlite_db_run(struct sqlite_db *db, enum sql_query_id query, const void *params,
                  uint64_t *ret_changes, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int code = prepared(db, query, params, &stmt, err);
    if (code != TC_OK) {
        return code;
    }
    int step = sqlite3_step(stmt);
    if (step != SQLITE_DONE && step != SQLITE_ROW) {
        code = sqlite_db_error(db, step, sql_queries[query].name, err);
    } else if (ret_changes != NULL) {
        *ret_changes = (uint64_t)sqlite3_changes64(db->db);
    }
    (void)sqlite3_reset(stmt); /* repeats the error of the step */
    return code;
}

int sqlite_db_read(struct sqlite_db *db, enum sql_query_id id, const void *params, store_row_fn fn,
                   void *ctx, struct err *err)
{
    const struct sql_query *query = &sql_queries[id];
    alignas(max_align_t) char row[ROW_BYTES_MAX];
    char problem[VALUES_PROBLEM_BYTES];
    TC_ASSERT(sql_rows[query->gives].size <= sizeof row);
    sqlite3_stmt *stmt = NULL;
    int code = prepared(db, id, params, &stmt, err);
    if (code != TC_OK) {
        return code;
    }
    int step = sqlite3_step(stmt);
    while (step == SQLITE_ROW && code == TC_OK) {
        sqlite_values_read(stmt, query, row, problem);
        code = fn(ctx, row);
        if (code == TC_OK) {
            step = sqlite3_step(stmt);
        }
    }
    if (code == TC_OK && step != SQLITE_DONE) {
        code = sqlite_db_error(db, step, query->name, err);
    }
    (void)sqlite3_reset(stmt); /* repeats the error of the step */
    return code;
}

int sqlite_db_script(struct sqlite_db *db, const char *sql, struct err *err)
{
    int code = sqlite3_exec(db->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? TC_OK : sqlite_db_error(db, code, "running SQL", err);
}

void sqlite_db_rollback(struct sqlite_db *db)
{
    if (db->db != NULL && sqlite3_get_autocommit(db->db) == 0) {
        int fatal = db->fatal;
        db->fatal = TC_OK;                                       /* leaving is allowed even then */
        (void)sqlite_db_run(db, SQL_ROLLBACK, NULL, NULL, NULL); /* closing rolls back as well */
        db->fatal = fatal != TC_OK ? fatal : db->fatal;
    }
}

static int run_statement(void *db, enum sql_query_id query, const void *params,
                         uint64_t *ret_changes, struct err *err)
{
    return sqlite_db_run(db, query, params, ret_changes, err);
}

static int read_statement(void *db, enum sql_query_id query, const void *params, store_row_fn fn,
                          void *ctx, struct err *err)
{
    return sqlite_db_read(db, query, params, fn, ctx, err);
}

struct database sqlite_db_database(struct sqlite_db *db)
{
    return (struct database){db, run_statement, read_statement, sql_steps};
}

int sqlite_db_commit(struct sqlite_db *db, const struct store_batch *batch,
                     struct store_conflicts *ret_conflicts, struct err *err)
{
    int code = sqlite_db_run(db, SQL_BEGIN_WRITE, NULL, NULL, err);
    if (code == TC_OK) {
        const struct database database = sqlite_db_database(db);
        code = database_write(&database, batch, ret_conflicts, err);
    }
    if (code == TC_OK) {
        code = sqlite_db_run(db, SQL_COMMIT, NULL, NULL, err);
    }
    if (code != TC_OK) {
        sqlite_db_rollback(db);
    }
    return code;
}

int sqlite_db_lease(struct sqlite_db *db, const struct store_claim *claim, uint64_t *ret_token,
                    struct err *err)
{
    const struct database database = sqlite_db_database(db);
    int code = sqlite_db_run(db, SQL_BEGIN_WRITE, NULL, NULL, err);
    if (code == TC_OK) {
        code = database_claim(&database, claim, ret_token, err);
    }
    if (code == TC_OK) {
        code = sqlite_db_run(db, SQL_COMMIT, NULL, NULL, err);
    }
    if (code != TC_OK) {
        sqlite_db_rollback(db);
    }
    return code;
}
