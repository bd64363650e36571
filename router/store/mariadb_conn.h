#ifndef ROUTER_STORE_MARIADB_CONN_H
#define ROUTER_STORE_MARIADB_CONN_H

#include <mysql.h>

#include "lib/base/mysql_url.h"
#include "router/store/database.h"

/* One connection to MariaDB that runs the named statements. It comes back by itself only between
 * transactions, always as a new session with all its settings and read back; inside of one, an error
 * ends the transaction. Library and server are told nothing to reconnect. */

/* What a connection is for: which account, which settings, which locks. */
enum mariadb_role {
    MARIADB_ROUTER,
    MARIADB_READER,
    MARIADB_MIGRATE,
};

/* Where the server is and who asks: copies of struct store_config. */
struct mariadb_place {
    struct mysql_url url;
    char *password; /* owned: secret reference, read at each connect; NULL: none */
    char *secret_dir;
    char *socket; /* owned; NULL: TCP */
    char *ca;     /* owned; NULL: the system's */
    bool is_tls;
};

enum {
    MARIADB_SESSIONS = 8, /* of its own that a connection knows again */
};

struct mariadb_column;
struct mariadb_array;

struct mariadb_conn {
    enum mariadb_role role;
    struct mariadb_place place;
    MYSQL *mysql;                        /* owned; NULL: away */
    MYSQL_STMT *stmts[SQL_QUERY_COUNT_]; /* owned, prepared at first use */
    struct mariadb_column *columns;      /* owned: room for a row that is read */
    struct mariadb_array *arrays;        /* owned: room for rows that are written */
    uint64_t packet_bytes;               /* that the server takes */
    unsigned long
        sessions[MARIADB_SESSIONS]; /* the server's numbers of the last ones, newest first */
    unsigned int error;             /* number of the last failure, 0: none since connecting */
    uint64_t given;                 /* rows that the last read has handed out */
    bool was_open;                  /* once at least: what fails now may pass */
};

/* Make a connection that is away, from a configuration.
 * Shape:  conn is overwritten.
 * Units:  none.
 * Owns:   the caller ends it with mariadb_conn_end, also after a failure.
 * Errors: TC_ECONFIG the address, or a host elsewhere without TLS. */
int mariadb_conn_init(struct mariadb_conn *conn, const struct store_config *config,
                      enum mariadb_role role, struct err *err);
void mariadb_conn_end(struct mariadb_conn *conn);

/* Be connected: does nothing when it is, else makes a session with every setting and, for a router, the
 * lock that only one may hold.
 * Shape:  blocks for its time-outs at most.
 * Units:  none.
 * Owns:   nothing.
 * Errors: at the first time TC_EPERM the account, TC_ECONFIG TLS or a server's setting, TC_EVERSION the
 *         server, TC_EEXIST another router; TC_EAGAIN it is away, and later for all of these. */
int mariadb_conn_open(struct mariadb_conn *conn, struct err *err);

/* Let go of the session; the next mariadb_conn_open makes another. Trivial. */
void mariadb_conn_drop(struct mariadb_conn *conn);

/* Run one text without parameters and result.
 * Shape:  connected; doing is for messages.
 * Units:  none.
 * Owns:   nothing.
 * Errors: as mariadb_error; a connection that is lost is dropped. */
int mariadb_conn_text(struct mariadb_conn *conn, const char *sql, const char *doing,
                      struct err *err);

/* Run a statement without a result; ret_changes may be NULL and counts the rows that were found.
 * Shape:  connected; params is the row that the statement takes, or NULL.
 * Units:  none.
 * Owns:   nothing retained.
 * Errors: as mariadb_error. */
int mariadb_conn_run(struct mariadb_conn *conn, enum sql_query_id id, const void *params,
                     uint64_t *ret_changes, struct err *err);

/* Run a statement for many rows with as few trips to the server as their size allows.
 * Shape:  connected; count rows of the type that the statement takes.
 * Units:  none.
 * Owns:   nothing retained.
 * Errors: as mariadb_error. */
int mariadb_conn_run_all(struct mariadb_conn *conn, enum sql_query_id id, const void *rows,
                         size_t count, uint64_t *ret_changes, struct err *err);

/* Run a statement and hand out its rows; conn->given counts them as they come.
 * Shape:  connected; as store_read.
 * Units:  none.
 * Owns:   rows are borrowed during fn.
 * Errors: as mariadb_error, or what fn returned. */
int mariadb_conn_read(struct mariadb_conn *conn, enum sql_query_id id, const void *params,
                      store_row_fn fn, void *ctx, struct err *err);

/* Prepare a statement, which also checks the account's rights to it and its tables and columns.
 * Shape:  connected.
 * Units:  none.
 * Owns:   stays with conn.
 * Errors: as mariadb_error. */
int mariadb_conn_prepare(struct mariadb_conn *conn, enum sql_query_id id, struct err *err);

/* Note an error of the library or the server and tell it; drops a connection that is lost.
 * Shape:  stmt or NULL, then of the connection itself.
 * Units:  none.
 * Owns:   nothing.
 * Errors: as mariadb_error. */
int mariadb_conn_fail(struct mariadb_conn *conn, MYSQL_STMT *stmt, const char *doing,
                      struct err *err);

/* The same connection for the parts that all backends share. Trivial. */
struct database mariadb_conn_database(struct mariadb_conn *conn);

#endif
