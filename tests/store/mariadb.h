#ifndef TESTS_STORE_MARIADB_H
#define TESTS_STORE_MARIADB_H

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/sys/file.h"
#include "router/store/store.h"
#include "tests/store/mariadb_server.h"
#include "tests/store/place.h"

/* A database on a server, with the accounts of sql/mariadb-accounts.sql. */
struct mariadb_database {
    char name[32];
    char url[96];
    struct store_config router;
    struct store_config web;
    struct store_config migrate;
};

/* A text with every "tocsin" as the name of a database in its place, but in the names of accounts: the
 * accounts are one set a server. Trivial. */
static inline char *mariadb_rename(const char *sql, const char *name)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    for (const char *at = sql; *at != '\0'; at++) {
        if (strncmp(at, "tocsin.", 7) == 0 || strncmp(at, "EXISTS tocsin ", 14) == 0) {
            bool is_dot = at[6] == '.';
            buf_add_str(&out, is_dot ? "" : "EXISTS ");
            buf_add_str(&out, name);
            at += is_dot ? 5 : 12;
        } else {
            buf_add_char(&out, *at);
        }
    }
    return buf_take(&out);
}

/* Run the first or the second half of the accounts' file. Trivial. */
static inline void mariadb_grant(const struct mariadb_server *server, const char *name,
                                 bool is_second)
{
    char *text = NULL;
    assert_int_equal(file_read(SOURCE_DIR "/sql/mariadb-accounts.sql", 1 << 16, &text, NULL, NULL),
                     TC_OK);
    char *middle = strstr(text, "-- The rest after the first");
    assert_non_null(middle);
    char *half = mariadb_rename(is_second ? middle : text, name);
    if (!is_second) {
        *strstr(half, "-- The rest after the first") = '\0';
    }
    mariadb_sql(server, NULL, half);
    mem_free(half);
    mem_free(text);
}

/* Make a database with its accounts and without tables. Trivial. */
static inline void mariadb_database_make(const struct mariadb_server *server,
                                         struct mariadb_database *database)
{
    static unsigned int count;
    (void)snprintf(database->name, sizeof database->name, "t%u", ++count);
    (void)snprintf(database->url, sizeof database->url, "mysql://tocsin@localhost/%s",
                   database->name);
    assert_int_equal(setenv("TOCSIN_TEST_PASSWORD", "change-me", 1), 0);
    database->router = (struct store_config){.url = database->url,
                                             .dir = "/",
                                             .password = "env:TOCSIN_TEST_PASSWORD",
                                             .secret_dir = "/",
                                             .socket = server->socket};
    database->web = database->router;
    database->web.user = "tocsin_web";
    database->migrate = database->router;
    database->migrate.user = "tocsin_migrate";
    mariadb_grant(server, database->name, false);
}

/* Bring it up to date and let the router and the web process in. Trivial. */
static inline void mariadb_database_migrate(const struct mariadb_server *server,
                                            const struct mariadb_database *database)
{
    struct err err = ERR_INIT;
    if (store_migrate(&database->migrate, false, ROWS_NOW_UTC_MS, place_step, NULL, &err) !=
        TC_OK) {
        fail_msg("%s", err.text);
    }
    mariadb_grant(server, database->name, true);
}

/* Open a store as a router does, which tries again what passes; fails the test when that fails.
 * Trivial. */
static inline struct store *mariadb_open_store(const struct store_config *config)
{
    struct store *store = NULL;
    struct err err = ERR_INIT;
    int code = TC_EAGAIN;
    for (int tries = 0; code == TC_EAGAIN && tries < 5; tries++) {
        code = store_open(config, &store, &err);
    }
    if (code != TC_OK) {
        fail_msg("%s", err.text);
    }
    return store;
}

#endif
