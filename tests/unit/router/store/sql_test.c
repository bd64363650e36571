/* The statements and tables of sql/: each statement prepares on a fresh schema with as many parameters
 * and columns as its description says, each is used, and docs/schema.md tells of every column. */
#include "router/store/sql.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/sys/file.h"
#include "tests/support/test.h"

static int make_schema(void **state)
{
    sqlite3 *db = NULL;
    if (sqlite3_open(":memory:", &db) != SQLITE_OK) {
        return -1;
    }
    for (size_t i = 0; i < SQL_STEP_COUNT; i++) {
        if (sqlite3_exec(db, sql_steps[i].text, NULL, NULL, NULL) != SQLITE_OK) {
            fail_msg("%s: %s", sql_steps[i].name, sqlite3_errmsg(db));
        }
    }
    *state = db;
    return 0;
}

static int drop_schema(void **state)
{
    return sqlite3_close(*state);
}

static void statements_fit_the_schema(void **state)
{
    for (size_t i = 0; i < SQL_QUERY_COUNT_; i++) {
        const struct sql_query *query = &sql_queries[i];
        sqlite3_stmt *stmt = NULL;
        if (query->text == NULL) {
            continue; /* of the other dialect */
        }
        if (sqlite3_prepare_v2(*state, query->text, -1, &stmt, NULL) != SQLITE_OK) {
            fail_msg("%s: %s", query->name, sqlite3_errmsg(*state));
        }
        int columns = query->column_count > 0 ? sqlite3_column_count(stmt) : 0;
        if ((size_t)sqlite3_bind_parameter_count(stmt) != query->param_count ||
            (size_t)columns != query->column_count) {
            fail_msg("%s: parameters or columns are not as described", query->name);
        }
        assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    }
}

static void lists_name_their_columns(void **state)
{
    (void)state;
    for (size_t i = 0; i < SQL_QUERY_COUNT_; i++) {
        const char *texts[] = {sql_queries[i].text, sql_queries_mysql[i].text};
        assert_true(texts[0] != NULL || texts[1] != NULL);
        for (size_t t = 0; t < TEST_COUNT(texts); t++) {
            if (texts[t] != NULL && strstr(texts[t], "SELECT *") != NULL) {
                fail_msg("%s: list the columns", sql_queries[i].name);
            }
        }
    }
}

/* The enumerators of generated/sql_queries.h, looked for in what uses them. */
static void every_statement_is_used(void **state)
{
    (void)state;
    static const char *const users[] = {
        "sql.c",           "database.c",       "migrate.c",        "sqlite_db.c",
        "sqlite.c",        "sqlite_migrate.c", "mariadb.c",        "mariadb_session.c",
        "mariadb_locks.c", "mariadb_schema.c", "mariadb_migrate.c"};
    char *texts[TEST_COUNT(users)];
    for (size_t i = 0; i < TEST_COUNT(users); i++) {
        char path[512];
        (void)snprintf(path, sizeof path, SOURCE_DIR "/router/store/%s", users[i]);
        assert_int_equal(file_read(path, 1 << 20, &texts[i], NULL, NULL), TC_OK);
    }
    for (size_t i = 0; i < SQL_QUERY_COUNT_; i++) {
        char name[80] = "SQL_";
        for (size_t at = 0; sql_queries[i].name[at] != '\0'; at++) {
            char c = sql_queries[i].name[at];
            name[at + 4] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
        }
        size_t uses = 0;
        for (size_t u = 0; u < TEST_COUNT(users); u++) {
            for (const char *at = strstr(texts[u], name); at != NULL; at = strstr(at + 1, name)) {
                char after = at[strlen(name)];
                uses += after == ',' || after == ']' || after == '}' ? 1 : 0;
            }
        }
        if (uses == 0) {
            fail_msg("%s is used nowhere", sql_queries[i].name);
        }
    }
    for (size_t i = 0; i < TEST_COUNT(users); i++) {
        mem_free(texts[i]);
    }
}

static size_t count_of(const char *text, const char *end, const char *what)
{
    size_t found = 0;
    for (const char *at = strstr(text, what); at != NULL && at < end; at = strstr(at + 1, what)) {
        found++;
    }
    return found;
}

/* The section of one table lists its columns and no others. */
static void check_table(sqlite3 *db, const char *page, const char *table)
{
    char head[100];
    (void)snprintf(head, sizeof head, "\n## %s\n", table);
    const char *section = strstr(page, head);
    if (section == NULL) {
        fail_msg("docs/schema.md has no section %s", table);
        return;
    }
    const char *end = strstr(section + 4, "\n## ");
    end = end != NULL ? end : page + strlen(page);
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT name FROM pragma_table_xinfo(?)", -1, &stmt, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC), SQLITE_OK);
    size_t columns = 0;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        char row[100];
        (void)snprintf(row, sizeof row, "\n| `%s` |", (const char *)sqlite3_column_text(stmt, 0));
        if (count_of(section, end, row) != 1) {
            fail_msg("docs/schema.md: %s.%s", table, (const char *)sqlite3_column_text(stmt, 0));
        }
        columns++;
    }
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    assert_int_equal(count_of(section, end, "\n| `"), columns);
}

static void manual_tells_every_column(void **state)
{
    sqlite3 *db = *state;
    char *page = NULL;
    assert_int_equal(file_read(SOURCE_DIR "/docs/schema.md", 1 << 20, &page, NULL, NULL), TC_OK);
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, sql_queries[SQL_SCHEMA_TABLES].text, -1, &stmt, NULL),
                     SQLITE_OK);
    size_t tables = 0;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        check_table(db, page, (const char *)sqlite3_column_text(stmt, 0));
        tables++;
    }
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    assert_int_equal(count_of(page, page + strlen(page), "\n## "), tables);
    mem_free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_fit_the_schema),
        cmocka_unit_test(lists_name_their_columns),
        cmocka_unit_test(every_statement_is_used),
        cmocka_unit_test(manual_tells_every_column),
    };
    return cmocka_run_group_tests(tests, make_schema, drop_schema);
}
