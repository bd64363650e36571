/* MariaDB and MySQL for the sql check: each query in a read-only transaction, bounded in time on both
 * sides and in size. Called by sql.c through its struct sql_driver. */
#include <errmsg.h>
#include <errno.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/sys/clock.h"
#include "lib/sys/config.h"
#include "lib/sys/secret.h"
#include "monitors/source.h"
#include "monitors/sql_driver.h"

enum {
    STATEMENT_BYTES = 128,
    MAX_STATEMENT_TIME = 1969, /* ER_STATEMENT_TIMEOUT of MariaDB */
    MAX_EXECUTION_TIME = 3024, /* ER_QUERY_TIMEOUT of MySQL */
};

static const char system_ca[] = "/etc/ssl/certs/ca-certificates.crt";
/* Only ways to log in that never show the server the password itself. */
static const char auth_plugins[] =
    "mysql_native_password,client_ed25519,caching_sha2_password,sha256_password,"
    "auth_gssapi_client";

struct sql_session {
    MYSQL *mysql; /* owned */
    bool is_mariadb;
    int64_t limit_ms; /* that the connection's own limits were made for */
};

static struct sql_session *close_mysql(struct sql_session *session)
{
    if (session != NULL) {
        mysql_close(session->mysql);
        mem_free(session);
    }
    return NULL;
}

static void closep(struct sql_session **session)
{
    *session = close_mysql(*session);
}

static void set_options(MYSQL *mysql, const struct source *source, int64_t limit_ms)
{
    const unsigned int off = 0;
    const unsigned int seconds = (unsigned int)((limit_ms + 999) / 1000);
    const size_t packet = SQL_ROW_BYTES;
    const my_bool yes = 1;
    (void)mysql_optionsv(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds); /* known options can't fail */
    (void)mysql_optionsv(mysql, MYSQL_OPT_READ_TIMEOUT, &seconds);
    (void)mysql_optionsv(mysql, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
    (void)mysql_optionsv(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    (void)mysql_optionsv(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
    (void)mysql_optionsv(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
    (void)mysql_optionsv(mysql, MARIADB_OPT_RESTRICTED_AUTH, auth_plugins);
    if (source->is_tls_required) {
        (void)mysql_optionsv(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
        (void)mysql_optionsv(mysql, MYSQL_OPT_SSL_CA,
                             source->ca[0] != '\0' ? source->ca : system_ca);
        (void)mysql_optionsv(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
    }
}

static int explain_open(MYSQL *mysql, const struct source *source, struct err *err)
{
    unsigned int code = mysql_errno(mysql);
    const char *text = mysql_error(mysql);
    if (code == ER_ACCESS_DENIED_ERROR || code == ER_DBACCESS_DENIED_ERROR) {
        return err_set(err, TC_EPERM, "the server refuses the account %s: %s", source->user, text);
    }
    if (code == CR_SSL_CONNECTION_ERROR) {
        return err_set(err, TC_EPERM, "the server %s port %u can't be trusted: %s", source->host,
                       source->port, text);
    }
    if (code < CR_MIN_ERROR) {
        return err_set(err, TC_EPERM, "the server refuses the connection: %s", text);
    }
    if (source->socket[0] != '\0') {
        return err_set(err, TC_ECLOSED, "the server at %s can't be reached: %s", source->socket,
                       text);
    }
    return err_set(err, TC_ECLOSED, "the server %s port %u can't be reached: %s", source->host,
                   source->port, text);
}

static int run_words(MYSQL *mysql, const char *words)
{
    return mysql_real_query(mysql, words, strlen(words));
}

/* The session as every query expects it; time zone UTC makes TIMESTAMP columns instants. */
static int prepare_session(const struct sql_session *session)
{
    char limit[STATEMENT_BYTES];
    static const char mode[] = "SET SESSION sql_mode = '', time_zone = '+00:00'";
    (void)snprintf(limit, sizeof(limit),
                   session->is_mariadb ? "SET SESSION max_statement_time = %jd.%03jd"
                                       : "SET SESSION max_execution_time = %jd%03jd",
                   (intmax_t)(session->limit_ms / 1000), (intmax_t)(session->limit_ms % 1000));
    if (run_words(session->mysql, mode) != 0 || run_words(session->mysql, limit) != 0) {
        return 1;
    }
    return run_words(session->mysql, "SET SESSION TRANSACTION READ ONLY");
}

static int open_mysql(const struct source *source, const struct config *config,
                      const struct clock *clock, int64_t limit_ms, struct sql_session **ret_session,
                      struct err *err)
{
    (void)clock; /* the server and the socket keep the time */
    TC_CLEANUP(secret_freep) struct secret *password = NULL;
    if (source->password[0] != '\0') {
        int rc = secret_load(source->password, config->dir, &password, err);
        if (rc != TC_OK) {
            return rc;
        }
    }
    TC_CLEANUP(closep) struct sql_session *session = mem_alloc(sizeof(*session));
    session->mysql = mysql_init(NULL);
    TC_ASSERT(session->mysql != NULL);
    session->limit_ms = limit_ms;
    set_options(session->mysql, source, limit_ms);
    bool is_local = source->socket[0] != '\0';
    const unsigned int protocol = is_local ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    (void)mysql_optionsv(session->mysql, MYSQL_OPT_PROTOCOL, &protocol); /* can't fail */
    if (mysql_real_connect(session->mysql, is_local ? "localhost" : source->host, source->user,
                           password == NULL ? NULL : secret_bytes(password), source->database,
                           source->port, is_local ? source->socket : NULL, 0) == NULL) {
        return explain_open(session->mysql, source, err);
    }
    session->is_mariadb = strstr(mysql_get_server_info(session->mysql), "MariaDB") != NULL;
    if (prepare_session(session) != 0) {
        return err_set(err, TC_ECLOSED, "the connection can't be made read-only: %s",
                       mysql_error(session->mysql));
    }
    *ret_session = TC_TAKE_PTR(session);
    return TC_OK;
}

static int fail(const struct sql_session *session, struct err *err)
{
    unsigned int code = mysql_errno(session->mysql);
    const char *text = mysql_error(session->mysql);
    switch (code) {
    case MAX_STATEMENT_TIME:
    case MAX_EXECUTION_TIME:
        return err_set(err, TC_ETIMEDOUT, "the query was still running at its time limit");
    case CR_SERVER_GONE_ERROR:
    case CR_SERVER_LOST:
        return err_set(err, TC_EIO,
                       "the connection broke, a row is larger than %d MiB, or the answer did "
                       "not come in time: %s",
                       SQL_ROW_BYTES >> 20, text);
    case CR_NET_PACKET_TOO_LARGE:
        return err_set(err, TC_ERANGE, "a row of the answer is larger than %d MiB",
                       SQL_ROW_BYTES >> 20);
    case ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION:
        return err_set(err, TC_EPERM, "the query must read only: %s", text);
    default:
        return err_set(err, TC_EINVAL, "the database says: %s", text);
    }
}

/* Hand over one row; false when enough was read. */
static bool give_row(MYSQL_RES *answer, MYSQL_ROW fields, const struct sql_query *query,
                     size_t *bytes)
{
    const char *names[SQL_COLUMNS_MAX];
    struct sql_cell cells[SQL_COLUMNS_MAX];
    const unsigned long *sizes = mysql_fetch_lengths(answer);
    const MYSQL_FIELD *columns = mysql_fetch_fields(answer);
    size_t count = mysql_num_fields(answer);
    count = count < SQL_COLUMNS_MAX ? count : SQL_COLUMNS_MAX;
    for (size_t i = 0; i < count; i++) {
        names[i] = columns[i].name;
        cells[i] = (struct sql_cell){
            .text = fields[i], .size = sizes[i], .is_utc = columns[i].type == MYSQL_TYPE_TIMESTAMP};
        *bytes += sizes[i];
    }
    const struct sql_row row = {.names = names, .cells = cells, .count = count};
    return query->row(query->ctx, &row);
}

/* Read what the server streams. When it is enough, the rest is cut off at the socket: waiting it out
 * could take for ever, and the caller then closes the session. */
static int read_rows(const struct sql_session *session, MYSQL_RES *answer,
                     const struct sql_query *query, struct err *err)
{
    size_t bytes = 0;
    MYSQL_ROW row = NULL;
    while ((row = mysql_fetch_row(answer)) != NULL) {
        if (!give_row(answer, row, query, &bytes)) {
            (void)shutdown(mysql_get_socket(session->mysql), SHUT_RDWR); /* closed soon anyway */
            return TC_ENOSPC;
        }
        if (bytes > SQL_ANSWER_BYTES) {
            (void)shutdown(mysql_get_socket(session->mysql), SHUT_RDWR);
            return err_set(err, TC_ERANGE, "the answer is larger than %d MiB",
                           SQL_ANSWER_BYTES >> 20);
        }
    }
    return mysql_errno(session->mysql) == 0 ? TC_OK : fail(session, err);
}

static int query_mysql(struct sql_session *session, const struct sql_query *query, struct err *err)
{
    if (query->limit_ms != session->limit_ms) {
        return err_set(err, TC_ECLOSED, "the connection was made for another time limit");
    }
    if (run_words(session->mysql, "START TRANSACTION READ ONLY") != 0) {
        return err_set(err, TC_ECLOSED, "the connection is gone: %s", mysql_error(session->mysql));
    }
    if (mysql_real_query(session->mysql, query->text, strlen(query->text)) != 0) {
        return fail(session, err);
    }
    MYSQL_RES *answer = mysql_use_result(session->mysql);
    if (answer == NULL) {
        return mysql_errno(session->mysql) != 0
                   ? fail(session, err)
                   : err_set(err, TC_EINVAL, "the query gives no columns");
    }
    int rc = read_rows(session, answer, query, err);
    mysql_free_result(answer);
    if (rc == TC_OK && run_words(session->mysql, "ROLLBACK") != 0) {
        return fail(session, err);
    }
    return rc;
}

const struct sql_driver sql_driver_mysql = {
    .backslash_escapes = true,
    .open = open_mysql,
    .query = query_mysql,
    .close = close_mysql,
};
