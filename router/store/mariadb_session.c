/* Making a session: address, account, TLS, time-outs, the settings that everything here relies on, each
 * read back, and a router's lock. Runs no statement of the pipeline. Called by mariadb.c and
 * mariadb_migrate.c. */
#include <errmsg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/sys/secret.h"
#include "router/store/mariadb_conn.h"
#include "router/store/mariadb_error.h"
#include "router/store/mariadb_locks.h"

enum {
    CONNECT_S = 5,
    ANSWER_S = 10,            /* more than a lock is waited for */
    ANSWER_S_MIGRATE = 86400, /* a table may be long in the making */
    VERSION_MIN = 101100,
    PACKET_BYTES_MIN = 4194304, /* the largest row has 1 MiB */
};

static const char system_ca[] = "/etc/ssl/certs/ca-certificates.crt";
/* Only ways to log in that never show the server the password itself. */
static const char auth_plugins[] = "mysql_native_password,client_ed25519,auth_gssapi_client";

/* Whether what is sent to a host leaves this one. */
static bool is_here(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "::1") == 0;
}

int mariadb_conn_init(struct mariadb_conn *conn, const struct store_config *config,
                      enum mariadb_role role, struct err *err)
{
    *conn = (struct mariadb_conn){.role = role};
    struct mariadb_place *place = &conn->place;
    int code = mysql_url_parse(config->url, &place->url, err);
    if (code != TC_OK) {
        (void)err_ctx(err, "store.url '%s'", config->url);
        return mariadb_error_as(TC_ECONFIG, err);
    }
    if (config->user != NULL && (size_t)snprintf(place->url.user, sizeof place->url.user, "%s",
                                                 config->user) >= sizeof place->url.user) {
        return err_set(err, TC_ECONFIG, "the database account '%s' is longer than %zu bytes",
                       config->user, sizeof place->url.user - 1);
    }
    place->password = mem_strdup(config->password);
    place->secret_dir = mem_strdup(config->secret_dir);
    place->socket = mem_strdup(config->socket);
    place->ca = mem_strdup(config->ca);
    place->is_tls = config->is_tls_required || config->ca != NULL;
    if (!place->is_tls && place->socket == NULL && !is_here(place->url.host)) {
        return err_set(err, TC_ECONFIG,
                       "store.url names another host, %s: results and the password would go there "
                       "in clear; set store.require_tls: true, or store.ca to its certificates",
                       place->url.host);
    }
    return TC_OK;
}

static void set_options(MYSQL *mysql, const struct mariadb_conn *conn)
{
    const unsigned int connect_s = CONNECT_S;
    const unsigned int answer_s = conn->role == MARIADB_MIGRATE ? ANSWER_S_MIGRATE : ANSWER_S;
    const unsigned int off = 0;
    const my_bool yes = 1;
    const my_bool no = 0;
    const unsigned int protocol =
        conn->place.socket != NULL ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    (void)mysql_optionsv(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s); /* known ones can't fail */
    (void)mysql_optionsv(mysql, MYSQL_OPT_READ_TIMEOUT, &answer_s);
    (void)mysql_optionsv(mysql, MYSQL_OPT_WRITE_TIMEOUT, &answer_s);
    (void)mysql_optionsv(mysql, MYSQL_OPT_RECONNECT, &no);
    (void)mysql_optionsv(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
    (void)mysql_optionsv(mysql, MYSQL_REPORT_DATA_TRUNCATION, &yes);
    (void)mysql_optionsv(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    (void)mysql_optionsv(mysql, MYSQL_OPT_PROTOCOL, &protocol);
    (void)mysql_optionsv(mysql, MARIADB_OPT_RESTRICTED_AUTH, auth_plugins);
    if (conn->place.is_tls) {
        (void)mysql_optionsv(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
        (void)mysql_optionsv(mysql, MYSQL_OPT_SSL_CA,
                             conn->place.ca != NULL ? conn->place.ca : system_ca);
        (void)mysql_optionsv(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
    }
}

static int explain(struct mariadb_conn *conn, struct err *err)
{
    const struct mysql_url *url = &conn->place.url;
    unsigned int number = mysql_errno(conn->mysql);
    char server[MYSQL_URL_HOST_BYTES + 64];
    if (conn->place.socket != NULL) {
        (void)snprintf(server, sizeof server, "%s", conn->place.socket); /* cut: it is for people */
    } else {
        (void)snprintf(server, sizeof server, "%s port %u", url->host, url->port);
    }
    if (number == CR_SSL_CONNECTION_ERROR) {
        return err_set(err, TC_ECONFIG,
                       "the database server at %s can't be trusted: %s: check store.ca and the "
                       "server's certificate",
                       server, mysql_error(conn->mysql));
    }
    char doing[sizeof server + 3 * (size_t)MYSQL_URL_WORD_BYTES];
    (void)snprintf(doing, sizeof doing, "database %s as %s at %s", url->database, url->user,
                   server); /* sized for it */
    int code = mariadb_error(number, mysql_error(conn->mysql), doing, err);
    return code == TC_EIO || code == TC_EVERSION ? mariadb_error_as(TC_ECONFIG, err) : code;
}

static int connect_to(struct mariadb_conn *conn, struct err *err)
{
    const struct mariadb_place *place = &conn->place;
    TC_CLEANUP(secret_freep) struct secret *password = NULL;
    if (place->password != NULL) {
        int code = secret_load(place->password, place->secret_dir, &password, err);
        if (code != TC_OK) {
            (void)err_ctx(err, "the password of the database account %s", place->url.user);
            return code;
        }
    }
    conn->mysql = mysql_init(NULL);
    TC_ASSERT(conn->mysql != NULL);
    set_options(conn->mysql, conn);
    /* Rows that are found count, also those that an UPDATE leaves as they were. */
    const char *host = place->socket != NULL ? "localhost" : place->url.host;
    if (mysql_real_connect(conn->mysql, host, place->url.user,
                           password == NULL ? NULL : secret_bytes(password), place->url.database,
                           place->url.port, place->socket, CLIENT_FOUND_ROWS) == NULL) {
        conn->error = mysql_errno(conn->mysql);
        return explain(conn, err);
    }
    memmove(conn->sessions + 1, conn->sessions, (MARIADB_SESSIONS - 1) * sizeof conn->sessions[0]);
    conn->sessions[0] = mysql_thread_id(conn->mysql);
    return TC_OK;
}

static int check_version(const struct mariadb_conn *conn, struct err *err)
{
    const char *version = mysql_get_server_info(conn->mysql);
    if (strstr(version, "MariaDB") == NULL || mysql_get_server_version(conn->mysql) < VERSION_MIN) {
        return err_set(err, TC_EVERSION,
                       "the database server is %s: tocsin needs MariaDB 10.11 or newer", version);
    }
    my_bool reconnects = 1;
    (void)mysql_get_optionv(conn->mysql, MYSQL_OPT_RECONNECT, &reconnects); /* a known one */
    TC_ASSERT(!reconnects);
    return TC_OK;
}

static int refuse_setting(void *ctx, const void *row)
{
    return err_set(ctx, TC_ECONFIG, "the database server does not take the session's %s",
                   ((const struct store_count *)row)->name);
}

static int set_up(struct mariadb_conn *conn, struct err *err)
{
    static const enum sql_query_id settings[] = {SQL_SETTINGS, SQL_SETTINGS_ISOLATION,
                                                 SQL_SETTINGS_READER};
    size_t count = conn->role == MARIADB_READER ? 3 : 2;
    int code = TC_OK;
    for (size_t i = 0; code == TC_OK && i < count; i++) {
        code = mariadb_conn_run(conn, settings[i], NULL, NULL, err);
    }
    return code != TC_OK
               ? code
               : mariadb_conn_read(conn, SQL_SETTINGS_CHECK, NULL, refuse_setting, err, err);
}

struct server_seen {
    struct mariadb_conn *conn;
    struct err *err;
};

static int see_server(void *ctx, const void *row)
{
    const struct server_seen *seen = ctx;
    const struct store_count *setting = row;
    if (strcmp(setting->name, "max_allowed_packet") == 0) {
        seen->conn->packet_bytes = setting->count;
        return setting->count >= PACKET_BYTES_MIN
                   ? TC_OK
                   : err_set(seen->err, TC_ECONFIG,
                             "the database server's max_allowed_packet is %llu: set it to at "
                             "least %d",
                             (unsigned long long)setting->count, PACKET_BYTES_MIN);
    }
    if (seen->conn->role == MARIADB_ROUTER && setting->count != 1) {
        return err_set(seen->err, TC_ECONFIG,
                       "the database server's innodb_flush_log_at_trx_commit is %llu: what was "
                       "committed could be lost with its power; set it to 1",
                       (unsigned long long)setting->count);
    }
    return TC_OK;
}

static int make_session(struct mariadb_conn *conn, struct err *err)
{
    struct server_seen seen = {conn, err};
    int code = connect_to(conn, err);
    if (code == TC_OK) {
        code = check_version(conn, err);
    }
    if (code == TC_OK) {
        code = set_up(conn, err);
    }
    if (code == TC_OK) {
        code = mariadb_conn_read(conn, SQL_SERVER, NULL, see_server, &seen, err);
    }
    if (code == TC_OK && conn->role == MARIADB_ROUTER) {
        code = mariadb_locks_take_router(conn, err);
    }
    return code;
}

int mariadb_conn_open(struct mariadb_conn *conn, struct err *err)
{
    if (conn->mysql != NULL) {
        return TC_OK;
    }
    conn->error = 0;
    int code = make_session(conn, err);
    if (code != TC_OK) {
        mariadb_conn_drop(conn);
        /* Once it was all well: a changed password, a server of another version or a second router
         * are waited out, nothing is acknowledged meanwhile. */
        return conn->was_open ? mariadb_error_as(TC_EAGAIN, err) : code;
    }
    conn->was_open = true;
    return TC_OK;
}
