/* The tables of MariaDB: the same as SQLite's by the map of types, every statement prepares on them, and
 * a migration that is repeated, doubled, cut off or set on something else does what it should. */
#include <sqlite3.h>

#include "router/store/mariadb_migrate.h"
#include "router/store/sql.h"
#include "tests/store/mariadb.h"

static struct mariadb_server server = {.options = {"--innodb-flush-log-at-trx-commit=1"}};

static int start_server(void **state)
{
    (void)state;
    mariadb_make(&server);
    return 0;
}

static int end_server(void **state)
{
    (void)state;
    mariadb_remove(&server);
    return 0;
}

/* --- The two schemas -------------------------------------------------------------------------- */

/* The map at the head of the first file of sql/mariadb: which type of SQLite stands for which. */
static const char *mapped(const char *type)
{
    static const char *const map[][2] = {
        {"int", "INTEGER"},    {"tinyint", "INTEGER"}, {"smallint", "INTEGER"},
        {"bigint", "INTEGER"}, {"varchar", "TEXT"},    {"char", "TEXT"},
        {"enum", "TEXT"},      {"text", "TEXT"},       {"mediumtext", "TEXT"},
        {"longtext", "TEXT"},  {"datetime", "TEXT"},   {"binary", "BLOB"},
        {"varbinary", "BLOB"}, {"mediumblob", "BLOB"},
    };
    size_t size = strcspn(type, "( ");
    for (size_t i = 0; i < TEST_COUNT(map); i++) {
        if (strlen(map[i][0]) == size && strncmp(map[i][0], type, size) == 0) {
            return map[i][1];
        }
    }
    return "?";
}

struct column {
    char text[200];
};

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct column *)a)->text, ((const struct column *)b)->text);
}

static size_t columns_of_sqlite(struct column *columns)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    size_t count = 0;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    for (size_t i = 0; i < SQL_STEP_COUNT; i++) {
        assert_int_equal(sqlite3_exec(db, sql_steps[i].text, NULL, NULL, NULL), SQLITE_OK);
    }
    static const char sql[] =
        "SELECT t.name, c.name, c.type, c.\"notnull\" OR c.pk, c.dflt_value IS NOT NULL, c.hidden"
        " FROM sqlite_master t, pragma_table_xinfo(t.name) c"
        " WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'";
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        (void)snprintf(columns[count++].text, sizeof columns[0].text, "%s.%s %s%s%s%s",
                       (const char *)sqlite3_column_text(stmt, 0),
                       (const char *)sqlite3_column_text(stmt, 1),
                       (const char *)sqlite3_column_text(stmt, 2),
                       sqlite3_column_int(stmt, 3) ? " NOT NULL" : "",
                       sqlite3_column_int(stmt, 4) ? " DEFAULT" : "",
                       sqlite3_column_int(stmt, 5) ? " COMPUTED" : "");
    }
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return count;
}

static size_t columns_of_mariadb(const char *database, struct column *columns)
{
    MYSQL *mysql = mariadb_root(&server, database);
    size_t count = 0;
    assert_int_equal(
        mysql_query(mysql,
                    "SELECT c.TABLE_NAME, c.COLUMN_NAME, c.COLUMN_TYPE, c.IS_NULLABLE = 'NO',"
                    " c.COLUMN_DEFAULT IS NOT NULL AND c.COLUMN_DEFAULT <> 'NULL',"
                    " c.EXTRA LIKE '%GENERATED%'"
                    " FROM information_schema.COLUMNS c JOIN information_schema.TABLES t"
                    " USING (TABLE_SCHEMA, TABLE_NAME)"
                    " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'"),
        0);
    MYSQL_RES *rows = mysql_store_result(mysql);
    for (MYSQL_ROW row = mysql_fetch_row(rows); row != NULL; row = mysql_fetch_row(rows)) {
        (void)snprintf(columns[count++].text, sizeof columns[0].text, "%s.%s %s%s%s%s", row[0],
                       row[1], mapped(row[2]), row[3][0] == '1' ? " NOT NULL" : "",
                       row[4][0] == '1' ? " DEFAULT" : "", row[5][0] == '1' ? " COMPUTED" : "");
    }
    mysql_free_result(rows);
    mysql_close(mysql);
    return count;
}

static void schemas_are_the_same_by_the_map(void **state)
{
    (void)state;
    enum {
        COLUMNS_MAX = 400
    };
    static struct column ours[COLUMNS_MAX];
    static struct column theirs[COLUMNS_MAX];
    struct mariadb_database database;
    mariadb_database_make(&server, &database);
    mariadb_database_migrate(&server, &database);
    size_t count = columns_of_sqlite(ours);
    assert_int_equal(columns_of_mariadb(database.name, theirs), count);
    qsort(ours, count, sizeof ours[0], by_text);
    qsort(theirs, count, sizeof theirs[0], by_text);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(theirs[i].text, ours[i].text);
    }
}

static void statements_fit_the_schema(void **state)
{
    (void)state;
    struct mariadb_database database;
    mariadb_database_make(&server, &database);
    mariadb_database_migrate(&server, &database);
    MYSQL *mysql = mariadb_root(&server, database.name);
    for (size_t i = 0; i < SQL_QUERY_COUNT_; i++) {
        const struct sql_query *query = &sql_queries_mysql[i];
        if (query->text == NULL) {
            continue; /* of the other dialect */
        }
        MYSQL_STMT *stmt = mysql_stmt_init(mysql);
        if (mysql_stmt_prepare(stmt, query->text, strlen(query->text)) != 0) {
            fail_msg("%s: %s", query->name, mysql_stmt_error(stmt));
        }
        if (mysql_stmt_param_count(stmt) != query->param_count ||
            mysql_stmt_field_count(stmt) != query->column_count) {
            fail_msg("%s: parameters or columns are not as described", query->name);
        }
        assert_int_equal(mysql_stmt_close(stmt), 0);
    }
    mysql_close(mysql);
}

/* --- Migrations ------------------------------------------------------------------------------- */

static void count_step(void *ctx, const char *name, const char *sql)
{
    assert_true(strlen(name) > 0 && strlen(sql) > 0);
    *(size_t *)ctx += 1;
}

static void expect_migration(const struct mariadb_database *database, bool is_dry_run, int expected,
                             size_t steps, const char *told)
{
    struct err err = ERR_INIT;
    size_t count = 0;
    int code =
        store_migrate(&database->migrate, is_dry_run, ROWS_NOW_UTC_MS, count_step, &count, &err);
    if (code != expected || strstr(err.text, told) == NULL || count != steps) {
        fail_msg("%s after %zu steps, expected %s after %zu and '%s': %s", err_name(code), count,
                 err_name(expected), steps, told, err.text);
    }
}

static void value_is(const char *database, const char *sql, const char *expected)
{
    char *value = mariadb_value(&server, database, sql);
    assert_non_null(value);
    assert_string_equal(value, expected);
    mem_free(value);
}

static void migration_runs_once(void **state)
{
    (void)state;
    struct mariadb_database database;
    mariadb_database_make(&server, &database);
    expect_migration(&database, true, TC_OK, SQL_STEP_COUNT, "");
    value_is(database.name,
             "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()", "0");
    expect_migration(&database, false, TC_OK, SQL_STEP_COUNT, "");
    expect_migration(&database, true, TC_OK, 0, "");
    expect_migration(&database, false, TC_OK, 0, "");
    value_is(database.name, "SELECT appliedDt FROM SchemaMigrations LIMIT 1",
             "2026-03-01 12:00:00.000");
}

/* What any client would have done before its connection was cut, after each statement in turn. */
static void cut_off_migration_is_finished(void **state)
{
    (void)state;
    struct mariadb_database whole;
    mariadb_database_make(&server, &whole);
    mariadb_database_migrate(&server, &whole);
    size_t cuts = 0;
    struct mariadb_script all = {.at = sql_steps_mysql[0].text};
    size_t size = 0;
    while (mariadb_migrate_next(&all, &size) != NULL) {
        struct mariadb_database database;
        mariadb_database_make(&server, &database);
        struct mariadb_script script = {.at = sql_steps_mysql[0].text};
        for (size_t i = 0; i <= cuts; i++) {
            const char *at = mariadb_migrate_next(&script, &size);
            char *statement = mem_dup(at, size);
            mariadb_sql(&server, database.name, statement);
            mem_free(statement);
        }
        struct store *store = NULL;
        assert_int_not_equal(store_open(&database.migrate, &store, NULL), TC_OK);
        expect_migration(&database, false, TC_OK, 1, "");
        mariadb_grant(&server, database.name, true);
        store = mariadb_open_store(&database.router);
        place_seed(store);
        assert_int_equal(place_fail(store, 1, NULL), TC_OK);
        store = store_close(store);
        char sql[64];
        (void)snprintf(sql, sizeof sql, "DROP DATABASE %s", database.name);
        mariadb_sql(&server, NULL, sql);
        cuts++;
    }
    assert_true(cuts > 20);
}

/* The documented client takes the file as it stands, and makes the same of it. */
static void client_can_run_the_file(void **state)
{
    (void)state;
    struct mariadb_database database;
    mariadb_database_make(&server, &database);
    char path[128];
    char socket_option[128];
    (void)snprintf(path, sizeof path, SOURCE_DIR "/sql/mariadb/%s.sql", sql_steps_mysql[0].name);
    (void)snprintf(socket_option, sizeof socket_option, "--socket=%s", server.socket);
    char *const argv[] = {(char *)(uintptr_t) "mariadb",
                          (char *)(uintptr_t) "--no-defaults",
                          socket_option,
                          (char *)(uintptr_t) "--user=root",
                          database.name,
                          NULL};
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(open(path, O_RDONLY), STDIN_FILENO);
        (void)execvp(argv[0], argv);
        _exit(127);
    }
    int status = 0;
    assert_true(waitpid(pid, &status, 0) == pid);
    assert_int_equal(status, 0);
    expect_migration(&database, false, TC_OK, 1, "");
    mariadb_grant(&server, database.name, true);
}

static void two_at_once_run_each_step_once(void **state)
{
    (void)state;
    enum {
        BOTH = 2
    };
    struct mariadb_database database;
    mariadb_database_make(&server, &database);
    pid_t pids[BOTH];
    for (size_t i = 0; i < BOTH; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            size_t count = 0;
            _exit(store_migrate(&database.migrate, false, ROWS_NOW_UTC_MS, count_step, &count,
                                NULL) == TC_OK
                      ? (int)count
                      : 100);
        }
    }
    int sum = 0;
    for (size_t i = 0; i < BOTH; i++) {
        int status = 0;
        assert_true(waitpid(pids[i], &status, 0) == pids[i]);
        assert_true(WIFEXITED(status));
        sum += WEXITSTATUS(status);
    }
    assert_int_equal(sum, SQL_STEP_COUNT);
}

static void what_is_not_ours_is_refused(void **state)
{
    (void)state;
    struct mariadb_database database;
    mariadb_database_make(&server, &database);
    mariadb_sql(&server, database.name, "CREATE TABLE Monitors (id INT)");
    expect_migration(&database, false, TC_ECONFLICT, 0, "'Monitors' but no SchemaMigrations");
    mariadb_sql(&server, database.name, "DROP TABLE Monitors");
    expect_migration(&database, false, TC_OK, SQL_STEP_COUNT, "");
    mariadb_sql(&server, database.name, "UPDATE SchemaMigrations SET checksum = REPEAT('0', 64)");
    expect_migration(&database, false, TC_EVERSION, 0, "made with another");
    mariadb_sql(&server, database.name, "DELETE FROM SchemaMigrations");
    expect_migration(&database, false, TC_OK, SQL_STEP_COUNT, "");
    mariadb_sql(&server, database.name,
                "INSERT INTO SchemaMigrations (name, checksum, appliedDt)"
                " VALUES ('2099-01-01 - Future', 'x', '2099-01-01')");
    expect_migration(&database, false, TC_EVERSION, 0, "2099-01-01 - Future");
    struct store *store = NULL;
    struct err err = ERR_INIT;
    mariadb_grant(&server, database.name, true);
    assert_int_equal(store_open(&database.router, &store, &err), TC_EVERSION);
    assert_non_null(strstr(err.text, "newer than this program"));
}

static void no_migration_under_a_router(void **state)
{
    (void)state;
    struct mariadb_database database;
    mariadb_database_make(&server, &database);
    mariadb_database_migrate(&server, &database);
    struct store *store = mariadb_open_store(&database.router);
    expect_migration(&database, false, TC_EEXIST, 0, "a router uses the database");
    assert_null(store_close(store));
    expect_migration(&database, false, TC_OK, 0, "");
}

static void missing_rights_of_a_migration_are_named(void **state)
{
    (void)state;
    struct mariadb_database database;
    mariadb_database_make(&server, &database);
    char sql[128];
    (void)snprintf(sql, sizeof sql, "REVOKE TRIGGER ON %s.* FROM tocsin_migrate@localhost",
                   database.name);
    mariadb_sql(&server, NULL, sql);
    expect_migration(&database, false, TC_EPERM, 1,
                     "TRIGGER command denied to user 'tocsin_migrate'");
    mariadb_grant(&server, database.name, false);
    expect_migration(&database, false, TC_OK, 1, "");
}

/* --- Changed by hand -------------------------------------------------------------------------- */

static void changes_of_the_schema_are_named_at_start(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *told;
        const char *undo;
    } cases[] = {
        {"ALTER TABLE Monitors DROP COLUMN ackNote",
         "table Monitors has no column ackNote of type text",
         "ALTER TABLE Monitors ADD COLUMN ackNote TEXT"},
        {"ALTER TABLE Monitors MODIFY isActive VARCHAR(10) NOT NULL DEFAULT '1'",
         "table Monitors: isActive is varchar(10), it must be tinyint",
         "ALTER TABLE Monitors MODIFY isActive TINYINT NOT NULL DEFAULT 1"},
        {"ALTER TABLE Monitors MODIFY state ENUM('ok','alert','new') NOT NULL DEFAULT 'ok'",
         "state is enum('ok','alert','new'), it must be enum('ok','alert')",
         "ALTER TABLE Monitors MODIFY state ENUM('ok','alert') NOT NULL DEFAULT 'ok'"},
        {"ALTER TABLE Notifications DROP INDEX idempotencyKey",
         "table Notifications has no unique index idempotencyKey",
         "ALTER TABLE Notifications ADD UNIQUE idempotencyKey (idempotencyKey)"},
        {"ALTER TABLE MonitorRuns RENAME TO Runs", "table MonitorRuns",
         "ALTER TABLE Runs RENAME TO MonitorRuns"},
    };
    struct mariadb_database database;
    mariadb_database_make(&server, &database);
    mariadb_database_migrate(&server, &database);
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct store *store = NULL;
        struct err err = ERR_INIT;
        mariadb_sql(&server, database.name, cases[i].sql);
        int code = store_open(&database.router, &store, &err);
        if (code != TC_EVERSION || strstr(err.text, cases[i].told) == NULL) {
            fail_msg("%s: %s: %s", cases[i].sql, err_name(code), err.text);
        }
        mariadb_sql(&server, database.name, cases[i].undo);
    }
    mariadb_sql(&server, database.name, "DROP TRIGGER Monitors_updated");
    expect_migration(&database, false, TC_EVERSION, 0, "has no trigger Monitors_updated");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schemas_are_the_same_by_the_map),
        cmocka_unit_test(statements_fit_the_schema),
        cmocka_unit_test(migration_runs_once),
        cmocka_unit_test(cut_off_migration_is_finished),
        cmocka_unit_test(client_can_run_the_file),
        cmocka_unit_test(two_at_once_run_each_step_once),
        cmocka_unit_test(what_is_not_ours_is_refused),
        cmocka_unit_test(no_migration_under_a_router),
        cmocka_unit_test(missing_rights_of_a_migration_are_named),
        cmocka_unit_test(changes_of_the_schema_are_named_at_start),
    };
    return cmocka_run_group_tests(tests, start_server, end_server);
}
