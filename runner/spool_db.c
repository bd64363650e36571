/* The spool's SQLite file: opening, schema, prepared statements. All SQL of the runner stands in this
 * file, since it has one dialect and one user. It decides nothing about results. Called by spool.c. */
#include "runner/spool_db.h"

#include <sqlite3.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"

enum {
    SCHEMA_VERSION = 1,
    BUSY_MS = 5000,
    CACHE_KIB = 2048,
};

struct spool_db {
    sqlite3 *handle;                              /* owned */
    sqlite3_stmt *statements[SPOOL_QUERY_COUNT_]; /* owned, made at first use */
};

/* synchronous=FULL: an acknowledgement of the router depends on what stands here. */
static const char settings[] = "PRAGMA journal_mode=WAL;"
                               "PRAGMA synchronous=FULL;"
                               "PRAGMA trusted_schema=OFF;"
                               "PRAGMA temp_store=MEMORY;";

/* acks(seq, at): everything up to seq was durable at the router at that time. Results need not be
 * written again to be acknowledged, and the grace period is a lookup. */
static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS meta(key INTEGER PRIMARY KEY, value INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS results(seq INTEGER PRIMARY KEY, monitor INTEGER NOT NULL,"
    " is_ok INTEGER NOT NULL, is_repeat INTEGER NOT NULL, created INTEGER NOT NULL,"
    " body TEXT NOT NULL) STRICT;"
    "CREATE INDEX IF NOT EXISTS results_repeat ON results(seq) WHERE is_repeat = 1;"
    "CREATE TABLE IF NOT EXISTS latest(monitor INTEGER PRIMARY KEY, seq INTEGER NOT NULL,"
    " is_ok INTEGER NOT NULL) STRICT;"
    "CREATE INDEX IF NOT EXISTS latest_seq ON latest(seq);"
    "CREATE TABLE IF NOT EXISTS acks(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS runs(run INTEGER PRIMARY KEY, monitor INTEGER NOT NULL,"
    " note TEXT NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS assignments(monitor INTEGER PRIMARY KEY, body TEXT NOT NULL) "
    "STRICT;"
    "PRAGMA user_version=1;"
    "COMMIT;";

#define NOT_LATEST " AND seq NOT IN (SELECT l.seq FROM latest AS l)"
#define DROP(condition)                                                          \
    "DELETE FROM results WHERE seq IN (SELECT seq FROM results WHERE " condition \
    " ORDER BY seq LIMIT ?) RETURNING seq, length(CAST(body AS BLOB))"
#define SALVAGE(order)                                                     \
    "SELECT seq, monitor, is_ok, created, body FROM results WHERE seq > ?" \
    " ORDER BY seq " order

static const char *const queries[SPOOL_QUERY_COUNT_] = {
    [SPOOL_BEGIN] = "BEGIN IMMEDIATE",
    [SPOOL_COMMIT] = "COMMIT",
    [SPOOL_ROLLBACK] = "ROLLBACK",
    [SPOOL_META_GET] = "SELECT value FROM meta WHERE key = ?",
    [SPOOL_META_PUT] = "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)",
    [SPOOL_RESULT_ADD] = "INSERT INTO results(seq, monitor, is_ok, is_repeat, created, body)"
                         " VALUES(?, ?, ?, ?, ?, ?)",
    [SPOOL_RESULT_NEXT] = "SELECT seq, monitor, body FROM results WHERE seq > ? AND seq <= ?"
                          " ORDER BY seq LIMIT 1",
    [SPOOL_RESULT_BEFORE] = "SELECT seq FROM results WHERE seq < ? ORDER BY seq DESC LIMIT 1",
    [SPOOL_RESULT_FIGURES] =
        "SELECT coalesce(sum(seq > ?), 0), coalesce(sum(length(CAST(body AS BLOB))), 0)"
        " FROM results",
    [SPOOL_RESULT_FIRST] = "SELECT seq FROM results WHERE seq > ? ORDER BY seq LIMIT 1",
    [SPOOL_RESULT_COUNT] = "SELECT count(*) FROM results WHERE seq > ?",
    [SPOOL_LATEST_GET] = "SELECT is_ok FROM latest WHERE monitor = ?",
    [SPOOL_LATEST_PUT] = "INSERT OR REPLACE INTO latest(monitor, seq, is_ok) VALUES(?, ?, ?)",
    [SPOOL_DROP_UPTO] = DROP("seq <= ?"),
    [SPOOL_DROP_REPEATS] = DROP("is_repeat = 1 AND seq > ?" NOT_LATEST),
    [SPOOL_DROP_OLDEST] = DROP("seq > ?" NOT_LATEST),
    [SPOOL_DROP_OLD] = DROP("seq > ? AND created < ?" NOT_LATEST),
    [SPOOL_ACK_ADD] = "INSERT OR REPLACE INTO acks(seq, at) VALUES(?, ?)",
    [SPOOL_ACK_LAST] = "SELECT seq, at FROM acks ORDER BY seq DESC LIMIT 1",
    [SPOOL_ACK_BEFORE] = "SELECT coalesce(max(seq), 0) FROM acks WHERE at < ?",
    [SPOOL_ACK_ABOVE_GONE] = "DELETE FROM acks WHERE seq > ?",
    [SPOOL_ACK_UNDER_GONE] = "DELETE FROM acks WHERE seq < ?",
    [SPOOL_RUN_ADD] = "INSERT OR REPLACE INTO runs(run, monitor, note) VALUES(?, ?, ?)",
    [SPOOL_RUN_GONE] = "DELETE FROM runs WHERE run = ?",
    [SPOOL_RUN_ALL] = "SELECT run, monitor, note FROM runs ORDER BY run",
    [SPOOL_ASSIGN_PUT] = "INSERT OR REPLACE INTO assignments(monitor, body) VALUES(?, ?)",
    [SPOOL_ASSIGN_GONE] = "DELETE FROM assignments WHERE monitor = ?",
    [SPOOL_ASSIGN_CLEAR] = "DELETE FROM assignments",
    [SPOOL_ASSIGN_ALL] = "SELECT monitor, body FROM assignments ORDER BY monitor",
    [SPOOL_SALVAGE_UP] = SALVAGE("ASC"),
    [SPOOL_SALVAGE_DOWN] = SALVAGE("DESC"),
};

static int error_of(const struct spool_db *db, int code, const char *doing, struct err *err)
{
    const char *text = db->handle == NULL ? sqlite3_errstr(code) : sqlite3_errmsg(db->handle);
    switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return err_set(err, TC_ECORRUPT, "the spool is damaged (%s): %s", doing, text);
    case SQLITE_FULL:
        return err_set(err, TC_ENOSPC, "the spool's disk is full (%s)", doing);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
        return err_set(err, TC_EPERM, "the spool can't be written (%s): %s", doing, text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(err, TC_ECONFLICT, "the spool is in use by another process (%s)", doing);
    default:
        return err_set(err, TC_EIO, "the spool failed (%s): %s", doing, text);
    }
}

static int read_pragma(struct spool_db *db, const char *sql, char *ret_text, size_t size,
                       struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
    }
    int rc = TC_OK;
    if (code == SQLITE_ROW) {
        const unsigned char *text = sqlite3_column_text(statement, 0);
        if (text == NULL || str_copy(ret_text, size, (const char *)text) != TC_OK) {
            ret_text[0] = '\0';
        }
    } else {
        rc = error_of(db, code, "reading settings", err);
    }
    (void)sqlite3_finalize(statement); /* its error is the step's, already told */
    return rc;
}

static int check_integrity(struct spool_db *db, struct err *err)
{
    char text[200];
    int rc = read_pragma(db, "PRAGMA user_version", text, sizeof(text), err);
    if (rc != TC_OK) {
        return rc;
    }
    if (!str_eq(text, "0") && !str_eq(text, "1")) {
        return err_set(err, TC_EVERSION,
                       "the spool has format %s, this program knows 1: install the newer tocsin "
                       "again, or let it deliver its results and remove the file",
                       text);
    }
    rc = read_pragma(db, "PRAGMA quick_check(1)", text, sizeof(text), err);
    if (rc == TC_OK && !str_eq(text, "ok")) {
        return err_set(err, TC_ECORRUPT, "the spool is damaged: %s", text);
    }
    return rc;
}

static int bring_up(struct spool_db *db, struct err *err)
{
    int code = sqlite3_exec(db->handle, settings, NULL, NULL, NULL);
    if (code != SQLITE_OK) {
        return error_of(db, code, "opening", err);
    }
    int rc = check_integrity(db, err);
    if (rc != TC_OK) {
        return rc;
    }
    code = sqlite3_exec(db->handle, schema, NULL, NULL, NULL);
    if (code != SQLITE_OK) {
        return error_of(db, code, "making its tables", err);
    }
    char text[32];
    rc = read_pragma(db, "PRAGMA synchronous", text, sizeof(text), err);
    TC_ASSERT(rc != TC_OK || str_eq(text, "2"));
    return rc;
}

int spool_db_open(const char *path, bool is_salvage, struct spool_db **ret_db, struct err *err)
{
    TC_CLEANUP(spool_db_closep) struct spool_db *db = mem_alloc(sizeof(*db));
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    if (!is_salvage) {
        flags |= SQLITE_OPEN_CREATE;
    }
    int code = sqlite3_open_v2(path, &db->handle, flags, NULL);
    if (code != SQLITE_OK) {
        return error_of(db, code, path, err);
    }
    (void)sqlite3_extended_result_codes(db->handle, 1); /* can't fail on an open handle */
    (void)sqlite3_busy_timeout(db->handle, BUSY_MS);    /* likewise */
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL); /* hardening only */
    if (!is_salvage) {
        int rc = bring_up(db, err);
        if (rc != TC_OK) {
            return rc;
        }
    }
    *ret_db = TC_TAKE_PTR(db);
    return TC_OK;
}

struct spool_db *spool_db_close(struct spool_db *db)
{
    if (db == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < SPOOL_QUERY_COUNT_; i++) {
        (void)sqlite3_finalize(db->statements[i]); /* reports the last step's error again */
    }
    (void)sqlite3_close(db->handle); /* nothing is left open that could refuse it */
    mem_free(db);
    return NULL;
}

void spool_db_closep(struct spool_db **db)
{
    *db = spool_db_close(*db);
}

void spool_db_start(struct spool_db *db, enum spool_db_query query, const int64_t *values,
                    size_t count)
{
    TC_ASSERT(query < SPOOL_QUERY_COUNT_);
    sqlite3_stmt *statement = db->statements[query];
    if (statement == NULL) {
        /* A failure here is met, and told, by the first step. */
        (void)sqlite3_prepare_v3(db->handle, queries[query], -1, SQLITE_PREPARE_PERSISTENT,
                                 &statement, NULL);
        db->statements[query] = statement;
    }
    (void)sqlite3_reset(statement); /* reports the last step's error again */
    for (size_t i = 0; i < count; i++) {
        (void)sqlite3_bind_int64(statement, (int)i + 1, values[i]); /* only a bad index fails */
    }
}

void spool_db_text(struct spool_db *db, enum spool_db_query query, const char *text, size_t size)
{
    sqlite3_stmt *statement = db->statements[query];
    int index = sqlite3_bind_parameter_count(statement);
    (void)sqlite3_bind_text64(statement, index, text, size, SQLITE_STATIC, SQLITE_UTF8);
}

int spool_db_step(struct spool_db *db, enum spool_db_query query, struct err *err)
{
    sqlite3_stmt *statement = db->statements[query];
    if (statement == NULL) {
        return error_of(db, sqlite3_errcode(db->handle), queries[query], err);
    }
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        return TC_OK;
    }
    if (code == SQLITE_DONE) {
        (void)sqlite3_reset(statement); /* it ended well */
        return TC_ENOENT;
    }
    int rc = error_of(db, code, queries[query], err);
    (void)sqlite3_reset(statement); /* the error is told above */
    return rc;
}

void spool_db_done(struct spool_db *db, enum spool_db_query query)
{
    if (db->statements[query] != NULL) {
        (void)sqlite3_reset(db->statements[query]); /* the row that was read was good */
    }
}

int64_t spool_db_i64(struct spool_db *db, enum spool_db_query query, int column)
{
    return sqlite3_column_int64(db->statements[query], column);
}

const char *spool_db_bytes(struct spool_db *db, enum spool_db_query query, int column,
                           size_t *ret_size)
{
    const unsigned char *text = sqlite3_column_text(db->statements[query], column);
    int size = sqlite3_column_bytes(db->statements[query], column);
    *ret_size = text == NULL ? 0 : (size_t)size;
    return text == NULL ? "" : (const char *)text;
}

int spool_db_run(struct spool_db *db, enum spool_db_query query, const int64_t *values,
                 size_t count, struct err *err)
{
    spool_db_start(db, query, values, count);
    int rc = spool_db_step(db, query, err);
    spool_db_done(db, query);
    return rc == TC_ENOENT ? TC_OK : rc;
}

int spool_db_get(struct spool_db *db, enum spool_db_query query, int64_t value, int64_t fallback,
                 int64_t *ret_value, struct err *err)
{
    spool_db_start(db, query, &value, 1);
    int rc = spool_db_step(db, query, err);
    if (rc == TC_OK) {
        *ret_value = spool_db_i64(db, query, 0);
        spool_db_done(db, query);
    } else if (rc == TC_ENOENT) {
        *ret_value = fallback;
        rc = TC_OK;
    }
    return rc;
}

int spool_db_each_run(struct spool_db *db, spool_db_run_fn fn, void *ctx, struct err *err)
{
    int rc = TC_OK;
    spool_db_start(db, SPOOL_RUN_ALL, NULL, 0);
    while ((rc = spool_db_step(db, SPOOL_RUN_ALL, err)) == TC_OK) {
        size_t size = 0;
        const char *note = spool_db_bytes(db, SPOOL_RUN_ALL, 2, &size);
        fn(ctx, (uint64_t)spool_db_i64(db, SPOOL_RUN_ALL, 0),
           (uint32_t)spool_db_i64(db, SPOOL_RUN_ALL, 1), note);
    }
    return rc == TC_ENOENT ? TC_OK : rc;
}

int spool_db_each_assignment(struct spool_db *db, spool_db_assignment_fn fn, void *ctx,
                             struct err *err)
{
    int rc = TC_OK;
    spool_db_start(db, SPOOL_ASSIGN_ALL, NULL, 0);
    while ((rc = spool_db_step(db, SPOOL_ASSIGN_ALL, err)) == TC_OK) {
        size_t size = 0;
        const char *body = spool_db_bytes(db, SPOOL_ASSIGN_ALL, 1, &size);
        fn(ctx, (uint32_t)spool_db_i64(db, SPOOL_ASSIGN_ALL, 0), body, size);
    }
    return rc == TC_ENOENT ? TC_OK : rc;
}
