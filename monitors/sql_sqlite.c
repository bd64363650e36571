/* SQLite files for the sql check: read-only by handle, authorizer and statement; bounded in time,
 * memory and row size. Called by sql.c through its struct sql_driver. */
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/sys/clock.h"
#include "monitors/source.h"
#include "monitors/sql_driver.h"

enum {
    STEPS_BETWEEN_LOOKS = 4000, /* of SQLite's machine, between looks at the clock */
    HEAP_BYTES = 256 * 1024 * 1024,
    PATIENCE_MS = 2000, /* with a writer that holds the file */
};

struct sql_session {
    sqlite3 *db; /* owned */
    const struct clock *clock;
    char path[SOURCE_PATH_BYTES];
    dev_t device; /* what the path led to when it was opened */
    ino_t inode;
    int64_t end_us; /* of the query that runs */
};

/* Only reading: not even ATTACH or PRAGMA, which would open other files. */
static int authorize(void *ctx, int action, const char *one, const char *two, const char *three,
                     const char *four)
{
    (void)ctx;
    (void)one;
    (void)three;
    (void)four;
    if (action == SQLITE_FUNCTION) {
        return two != NULL && sqlite3_stricmp(two, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
    }
    return action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_RECURSIVE
               ? SQLITE_OK
               : SQLITE_DENY;
}

static int on_progress(void *ctx)
{
    const struct sql_session *session = ctx;
    return clock_mono_us(session->clock) > session->end_us ? 1 : 0;
}

static struct sql_session *close_sqlite(struct sql_session *session)
{
    if (session != NULL) {
        (void)sqlite3_close_v2(session->db); /* a read-only handle loses nothing */
        mem_free(session);
    }
    return NULL;
}

static void closep(struct sql_session **session)
{
    *session = close_sqlite(*session);
}

static int open_sqlite(const struct source *source, const struct config *config,
                       const struct clock *clock, int64_t limit_ms,
                       struct sql_session **ret_session, struct err *err)
{
    (void)config;
    struct stat st;
    if (stat(source->path, &st) != 0 || !S_ISREG(st.st_mode)) {
        return err_set(err, TC_ENOENT, "there is no file %s", source->path);
    }
    TC_CLEANUP(closep) struct sql_session *session = mem_alloc(sizeof(*session));
    session->clock = clock;
    memcpy(session->path, source->path, sizeof(session->path));
    session->device = st.st_dev;
    session->inode = st.st_ino;
    (void)sqlite3_hard_heap_limit64(HEAP_BYTES); /* gives the old limit */
    int rc = sqlite3_open_v2(source->path, &session->db,
                             SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
                             NULL);
    if (rc == SQLITE_OK) {
        /* What is sorted stays in memory, where the heap's limit holds; disks are not filled. */
        rc = sqlite3_exec(session->db, "PRAGMA temp_store = MEMORY", NULL, NULL, NULL);
    }
    if (rc != SQLITE_OK) {
        return err_set(err, TC_EPERM, "the file %s can't be opened: %s", source->path,
                       sqlite3_errmsg(session->db));
    }
    int64_t patience_ms = limit_ms / 2 < PATIENCE_MS ? limit_ms / 2 : PATIENCE_MS;
    (void)sqlite3_busy_timeout(session->db, (int)patience_ms); /* these three can't fail */
    (void)sqlite3_limit(session->db, SQLITE_LIMIT_LENGTH, SQL_ROW_BYTES);
    (void)sqlite3_limit(session->db, SQLITE_LIMIT_COLUMN, SQL_COLUMNS_MAX);
    (void)sqlite3_set_authorizer(session->db, authorize, NULL);
    sqlite3_progress_handler(session->db, STEPS_BETWEEN_LOOKS, on_progress, session);
    *ret_session = TC_TAKE_PTR(session);
    return TC_OK;
}

static int fail(const struct sql_session *session, int code, struct err *err)
{
    const char *text = sqlite3_errmsg(session->db);
    switch (code & 0xff) {
    case SQLITE_INTERRUPT:
        return err_set(err, TC_ETIMEDOUT, "the query was still running at its time limit");
    case SQLITE_AUTH:
        return err_set(err, TC_EPERM, "the query must read only: %s", text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(err, TC_EAGAIN, "the file is locked by a writer: %s", text);
    case SQLITE_TOOBIG:
    case SQLITE_NOMEM:
        return err_set(err, TC_ERANGE, "the query needs more memory than a check may use: %s",
                       text);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return err_set(err, TC_ECORRUPT, "the file %s is damaged or no database: %s", session->path,
                       text);
    default:
        return err_set(err, TC_EINVAL, "the database says: %s", text);
    }
}

/* Hand over one row; false when enough was read. */
static bool give_row(sqlite3_stmt *statement, const struct sql_query *query, size_t *bytes)
{
    const char *names[SQL_COLUMNS_MAX];
    struct sql_cell cells[SQL_COLUMNS_MAX];
    size_t count = (size_t)sqlite3_column_count(statement);
    for (size_t i = 0; i < count; i++) {
        names[i] = sqlite3_column_name(statement, (int)i);
        bool is_blob = sqlite3_column_type(statement, (int)i) == SQLITE_BLOB;
        cells[i].text = (const char *)sqlite3_column_text(statement, (int)i);
        if (cells[i].text == NULL && is_blob) {
            cells[i].text = "";
        }
        cells[i].size = cells[i].text == NULL ? 0 : strlen(cells[i].text);
        cells[i].is_utc = false;
        *bytes += cells[i].size;
    }
    const struct sql_row row = {.names = names, .cells = cells, .count = count};
    return query->row(query->ctx, &row);
}

static int read_rows(struct sql_session *session, sqlite3_stmt *statement,
                     const struct sql_query *query, struct err *err)
{
    size_t bytes = 0;
    for (;;) {
        int code = sqlite3_step(statement);
        if (code == SQLITE_DONE) {
            return TC_OK;
        }
        if (code != SQLITE_ROW) {
            return fail(session, code, err);
        }
        if (!give_row(statement, query, &bytes)) {
            return TC_OK;
        }
        if (bytes > SQL_ANSWER_BYTES) {
            return err_set(err, TC_ERANGE, "the answer is larger than %d MiB",
                           SQL_ANSWER_BYTES >> 20);
        }
    }
}

static int query_sqlite(struct sql_session *session, const struct sql_query *query, struct err *err)
{
    struct stat st;
    if (stat(session->path, &st) != 0 || st.st_dev != session->device ||
        st.st_ino != session->inode) {
        return err_set(err, TC_ECLOSED, "the file %s was replaced", session->path);
    }
    sqlite3_stmt *statement = NULL;
    const char *rest = NULL;
    session->end_us = clock_mono_us(session->clock) + query->limit_ms * 1000;
    int code = sqlite3_prepare_v2(session->db, query->text, -1, &statement, &rest);
    if (code != SQLITE_OK) {
        return fail(session, code, err);
    }
    int rc = TC_OK;
    if (statement == NULL) {
        return err_set(err, TC_EINVAL, "the query is empty");
    }
    if (sqlite3_stmt_readonly(statement) == 0) {
        rc = err_set(err, TC_EPERM, "the query must read only");
    } else if (sqlite3_column_count(statement) == 0) {
        rc = err_set(err, TC_EINVAL, "the query gives no columns");
    } else {
        rc = read_rows(session, statement, query, err);
    }
    (void)sqlite3_finalize(statement); /* repeats the step's error */
    return rc;
}

const struct sql_driver sql_driver_sqlite = {
    .open = open_sqlite,
    .query = query_sqlite,
    .close = close_sqlite,
};
