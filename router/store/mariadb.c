/* The production store on MariaDB: batches as transactions, what follows from each way in which one can
 * fail, and reading. Called through store.c. */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "router/store/backend.h"
#include "router/store/mariadb_conn.h"
#include "router/store/mariadb_error.h"
#include "router/store/mariadb_migrate.h"
#include "router/store/mariadb_schema.h"
#include "router/store/migrate.h"

enum {
    TRIES = 2, /* a lost connection and a deadlock are tried again at once, then the caller waits */
};

struct store_mariadb {
    struct store base;
    struct mariadb_conn conn;
};

static struct mariadb_conn *conn_of(struct store *store)
{
    return &((struct store_mariadb *)(void *)store)->conn;
}

static void mariadb_close(struct store *store)
{
    mariadb_conn_end(conn_of(store));
    mem_free(store);
}

/* --- Writing ---------------------------------------------------------------------------------- */

static void rollback(struct mariadb_conn *conn)
{
    if (conn->mysql == NULL) {
        return; /* the server rolls back what a lost session had open */
    }
    struct err ignored = ERR_INIT;
    unsigned int error = conn->error; /* what it is rolled back for matters more */
    if (mariadb_conn_run(conn, SQL_ROLLBACK, NULL, NULL, &ignored) != TC_OK) {
        mariadb_conn_drop(conn);
    }
    conn->error = error;
}

/* A kind of row at a time. Tells that something is not as expected, not what. */
static int write_quickly(struct mariadb_conn *conn, const struct store_batch *batch,
                         struct err *err)
{
    for (enum store_write write = 0; write < STORE_WRITE_COUNT_; write++) {
        const struct sql_write *how = &sql_writes[write];
        const struct store_rows *rows = &batch->rows[write];
        uint64_t changes = 0;
        int code = rows->count == 0 ? TC_OK
                                    : mariadb_conn_run_all(conn, how->query, rows->p, rows->count,
                                                           &changes, err);
        if (code == TC_OK && how->must_change && changes != rows->count) {
            code = err_set(err, TC_ECONFLICT, "%s: not all rows are as expected",
                           sql_queries_mysql[how->query].name);
        }
        if (code != TC_OK) {
            return code;
        }
    }
    return TC_OK;
}

/* Whether it is done is not known when the answer is lost, or when the server itself does not know. The
 * session is dropped: the next one waits until this one is over (mariadb_locks.h). */
static int commit(struct mariadb_conn *conn, struct err *err)
{
    int code = mariadb_conn_run(conn, SQL_COMMIT, NULL, NULL, err);
    if (code == TC_OK || mariadb_error_is_rolled_back(conn->error)) {
        return code;
    }
    mariadb_conn_drop(conn);
    return mariadb_error_as(TC_EUNKNOWN, err);
}

static int write_batch(struct mariadb_conn *conn, const struct store_batch *batch, bool is_quick,
                       struct store_conflicts *ret_conflicts, struct err *err)
{
    const struct database database = mariadb_conn_database(conn);
    int code = mariadb_conn_run(conn, SQL_BEGIN_WRITE, NULL, NULL, err);
    if (code == TC_OK) {
        code = is_quick ? write_quickly(conn, batch, err)
                        : database_write(&database, batch, ret_conflicts, err);
    }
    if (code == TC_OK) {
        code = commit(conn, err);
    }
    if (code != TC_OK) {
        rollback(conn);
    }
    return code;
}

static int try_batch(struct mariadb_conn *conn, const struct store_batch *batch,
                     struct store_conflicts *ret_conflicts, struct err *err)
{
    ret_conflicts->count = 0;
    int code = mariadb_conn_open(conn, err);
    if (code == TC_OK) {
        code = write_batch(conn, batch, true, ret_conflicts, err);
    }
    if (code == TC_ECONFLICT && conn->mysql != NULL) {
        /* Row by row this time, to find which; if none is left, it is written. */
        code = write_batch(conn, batch, false, ret_conflicts, err);
    }
    return code;
}

static bool may_try_again(const struct mariadb_conn *conn, int code)
{
    return code == TC_EAGAIN && conn->was_open &&
           (mariadb_error_is_deadlock(conn->error) ||
            (conn->mysql == NULL && mariadb_error_is_lost(conn->error)));
}

static int mariadb_commit(struct store *store, const struct store_batch *batch,
                          struct store_conflicts *ret_conflicts, struct err *err)
{
    struct mariadb_conn *conn = conn_of(store);
    bool was_connected = conn->mysql != NULL;
    int code = TC_EAGAIN;
    for (int i = 0; i < TRIES; i++) {
        code = try_batch(conn, batch, ret_conflicts, err);
        if (!was_connected || !may_try_again(conn, code)) {
            break;
        }
    }
    return code;
}

static int claim(struct mariadb_conn *conn, const struct store_claim *claim, uint64_t *ret_token,
                 struct err *err)
{
    const struct database database = mariadb_conn_database(conn);
    uint64_t token = 0;
    int code = mariadb_conn_run(conn, SQL_BEGIN_WRITE, NULL, NULL, err);
    if (code == TC_OK) {
        code = database_claim(&database, claim, &token, err);
    }
    if (code == TC_OK) {
        code = commit(conn, err);
    }
    if (code != TC_OK) {
        rollback(conn);
        return code;
    }
    *ret_token = token;
    return TC_OK;
}

static int mariadb_take_lease(struct store *store, const struct store_claim *what,
                              uint64_t *ret_token, struct err *err)
{
    struct mariadb_conn *conn = conn_of(store);
    int code = mariadb_conn_open(conn, err);
    return code != TC_OK ? code : claim(conn, what, ret_token, err);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static int mariadb_read(struct store *store, enum sql_query_id query, const void *params,
                        store_row_fn fn, void *ctx, struct err *err)
{
    struct mariadb_conn *conn = conn_of(store);
    bool was_connected = conn->mysql != NULL;
    int code = TC_EAGAIN;
    for (int i = 0; i < TRIES; i++) {
        code = mariadb_conn_open(conn, err);
        if (code == TC_OK) {
            code = mariadb_conn_read(conn, query, params, fn, ctx, err);
        }
        /* An idle session may have been ended by the server; rows are never given twice. */
        if (!was_connected || conn->given > 0 || !may_try_again(conn, code)) {
            break;
        }
    }
    return code;
}

static bool mariadb_use_reserve(struct store *store)
{
    (void)store; /* the disk is the server's */
    return false;
}

static int see_bytes(void *ctx, const void *row)
{
    ((struct store_stats *)ctx)->file_bytes = ((const struct store_count *)row)->count;
    return TC_OK;
}

static int mariadb_stats(struct store *store, struct store_stats *ret_stats, struct err *err)
{
    /* Nobody tells a client how full the server's disk is. */
    struct store_stats stats = {.free_bytes = STORE_FREE_UNKNOWN, .free_permille = 1000};
    int code = mariadb_read(store, SQL_SCHEMA_BYTES, NULL, see_bytes, &stats, err);
    if (code == TC_OK) {
        *ret_stats = stats;
    }
    return code;
}

static const struct store_ops mariadb_ops = {
    .close = mariadb_close,
    .commit = mariadb_commit,
    .take_lease = mariadb_take_lease,
    .read = mariadb_read,
    .use_reserve = mariadb_use_reserve,
    .stats = mariadb_stats,
};

/* --- Opening ---------------------------------------------------------------------------------- */

static int check(struct mariadb_conn *conn, struct err *err)
{
    const struct database database = mariadb_conn_database(conn);
    int code = migrate_check_complete(&database, conn->place.url.database, err);
    if (code == TC_OK) {
        code = mariadb_schema_check(conn, err);
    }
    return code == TC_OK ? mariadb_schema_check_rights(conn, err) : code;
}

static int mariadb_open(const struct store_config *config, bool is_reader, struct store **ret_store,
                        struct err *err)
{
    struct store_mariadb *made = mem_alloc(sizeof *made);
    made->base = (struct store){&mariadb_ops, is_reader};
    TC_CLEANUP(store_closep) struct store *store = &made->base;
    enum mariadb_role role = is_reader ? MARIADB_READER : MARIADB_ROUTER;
    int code = mariadb_conn_init(&made->conn, config, role, err);
    if (code == TC_OK) {
        code = mariadb_conn_open(&made->conn, err);
    }
    if (code == TC_OK) {
        code = check(&made->conn, err);
    }
    if (code != TC_OK) {
        return code;
    }
    *ret_store = TC_TAKE_PTR(store);
    return TC_OK;
}

const struct store_backend mariadb_backend = {
    .scheme = "mysql://",
    .open = mariadb_open,
    .migrate = mariadb_migrate,
};
