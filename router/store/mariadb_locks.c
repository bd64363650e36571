/* Advisory locks of one database. Called by mariadb_session.c and mariadb_migrate.c. */
#include "router/store/mariadb_locks.h"

enum {
    ROUTER_WAIT_S = 5, /* for a session that is ending */
    MIGRATION_WAIT_S = 60,
};

static const char router_lock[] = "tocsin-router-";
static const char migration_lock[] = "tocsin-migrate-";

static int see_count(void *ctx, const void *row)
{
    *(uint64_t *)ctx = ((const struct store_count *)row)->count;
    return TC_OK;
}

static int take(struct mariadb_conn *conn, const char *name, uint32_t wait_s, bool *ret_is_taken,
                struct err *err)
{
    const struct store_wait wait = {name, wait_s};
    uint64_t taken = 0;
    int code = mariadb_conn_read(conn, SQL_LOCK_TAKE, &wait, see_count, &taken, err);
    *ret_is_taken = taken == 1;
    return code;
}

static int holder_of(struct mariadb_conn *conn, const char *name, uint64_t *ret_session,
                     struct err *err)
{
    const struct store_wait wait = {name, 0};
    return mariadb_conn_read(conn, SQL_LOCK_HOLDER, &wait, see_count, ret_session, err);
}

static bool is_own(const struct mariadb_conn *conn, uint64_t session)
{
    for (size_t i = 1; i < MARIADB_SESSIONS; i++) {
        if (conn->sessions[i] != 0 && conn->sessions[i] == session) {
            return true;
        }
    }
    return false;
}

int mariadb_locks_take_router(struct mariadb_conn *conn, struct err *err)
{
    bool is_taken = false;
    uint64_t holder = 0;
    int code = take(conn, router_lock, 0, &is_taken, err);
    if (code == TC_OK && !is_taken) {
        code = holder_of(conn, router_lock, &holder, err);
    }
    if (code != TC_OK || is_taken) {
        return code;
    }
    if (is_own(conn, holder)) {
        /* It may be gone already: the lock tells. */
        (void)mysql_kill(conn->mysql, (unsigned long)holder);
    }
    code = take(conn, router_lock, ROUTER_WAIT_S, &is_taken, err);
    if (code != TC_OK || is_taken) {
        return code;
    }
    return err_set(err, TC_EEXIST,
                   "another router uses the database %s (connection %llu of the server)",
                   conn->place.url.database, (unsigned long long)holder);
}

int mariadb_locks_take_migration(struct mariadb_conn *conn, struct err *err)
{
    bool is_taken = false;
    uint64_t router = 0;
    int code = take(conn, migration_lock, MIGRATION_WAIT_S, &is_taken, err);
    if (code == TC_OK && !is_taken) {
        return err_set(err, TC_EAGAIN, "another migration of the database %s is running",
                       conn->place.url.database);
    }
    if (code == TC_OK) {
        code = take(conn, router_lock, ROUTER_WAIT_S, &is_taken, err);
    }
    if (code != TC_OK || is_taken) {
        return code;
    }
    code = holder_of(conn, router_lock, &router, err);
    return code != TC_OK ? code
                         : err_set(err, TC_EEXIST,
                                   "a router uses the database %s (connection %llu of the "
                                   "server): stop it first",
                                   conn->place.url.database, (unsigned long long)router);
}
