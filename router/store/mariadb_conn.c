/* A connection and its statements. It opens no transaction and never tries anything twice: mariadb.c
 * and mariadb_migrate.c do. How a session is made stands in mariadb_session.c. */
#include "router/store/mariadb_conn.h"

#include <stdalign.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "router/store/mariadb_bind.h"
#include "router/store/mariadb_error.h"
#include "router/store/values.h"

enum {
    ROW_BYTES_MAX = 1024,
};

void mariadb_conn_drop(struct mariadb_conn *conn)
{
    for (size_t i = 0; i < SQL_QUERY_COUNT_; i++) {
        if (conn->stmts[i] != NULL) {
            (void)mysql_stmt_close(conn->stmts[i]); /* nothing is left to lose */
            conn->stmts[i] = NULL;
        }
    }
    mysql_close(conn->mysql); /* NULL is fine */
    conn->mysql = NULL;
}

void mariadb_conn_end(struct mariadb_conn *conn)
{
    mariadb_conn_drop(conn);
    conn->columns = mariadb_columns_free(conn->columns);
    conn->arrays = mariadb_arrays_free(conn->arrays);
    mem_free(conn->place.password);
    mem_free(conn->place.secret_dir);
    mem_free(conn->place.socket);
    mem_free(conn->place.ca);
    conn->place = (struct mariadb_place){.password = NULL};
}

int mariadb_conn_fail(struct mariadb_conn *conn, MYSQL_STMT *stmt, const char *doing,
                      struct err *err)
{
    unsigned int number = stmt != NULL ? mysql_stmt_errno(stmt) : mysql_errno(conn->mysql);
    const char *text = stmt != NULL ? mysql_stmt_error(stmt) : mysql_error(conn->mysql);
    int code = mariadb_error(number, text, doing, err);
    conn->error = number;
    if (mariadb_error_is_lost(number)) {
        mariadb_conn_drop(conn);
    }
    return code;
}

int mariadb_conn_text(struct mariadb_conn *conn, const char *sql, const char *doing,
                      struct err *err)
{
    TC_ASSERT(conn->mysql != NULL);
    if (mysql_real_query(conn->mysql, sql, strlen(sql)) != 0) {
        return mariadb_conn_fail(conn, NULL, doing, err);
    }
    MYSQL_RES *rows = mysql_use_result(conn->mysql);
    if (rows != NULL) {
        mysql_free_result(rows);
    }
    return TC_OK;
}

int mariadb_conn_prepare(struct mariadb_conn *conn, enum sql_query_id id, struct err *err)
{
    const struct sql_query *query = &sql_queries_mysql[id];
    TC_ASSERT(conn->mysql != NULL);
    TC_ASSERT(query->text != NULL);
    if (conn->stmts[id] != NULL) {
        return TC_OK;
    }
    MYSQL_STMT *stmt = mysql_stmt_init(conn->mysql);
    TC_ASSERT(stmt != NULL); /* fails only without memory */
    if (mysql_stmt_prepare(stmt, query->text, strlen(query->text)) != 0) {
        int code = mariadb_error(mysql_stmt_errno(stmt), mysql_stmt_error(stmt), query->name, err);
        conn->error = mysql_stmt_errno(stmt);
        (void)mysql_stmt_close(stmt); /* it was never there for the server */
        if (mariadb_error_is_lost(conn->error)) {
            mariadb_conn_drop(conn);
        }
        return code;
    }
    TC_ASSERT(mysql_stmt_param_count(stmt) == query->param_count);
    conn->stmts[id] = stmt;
    return TC_OK;
}

int mariadb_conn_run_all(struct mariadb_conn *conn, enum sql_query_id id, const void *rows,
                         size_t count, uint64_t *ret_changes, struct err *err)
{
    const struct sql_query *query = &sql_queries_mysql[id];
    int code = mariadb_conn_prepare(conn, id, err);
    uint64_t changes = 0;
    size_t done = 0;
    while (code == TC_OK && done < count) {
        MYSQL_STMT *stmt = conn->stmts[id];
        size_t step = 1;
        if (query->param_count > 0) {
            if (conn->arrays == NULL) {
                conn->arrays = mariadb_arrays_new();
            }
            const char *from = (const char *)rows + done * sql_rows[query->takes].size;
            step = mariadb_arrays_bind(conn->arrays, stmt, query, from, count - done,
                                       conn->packet_bytes / 2);
        }
        if (mysql_stmt_execute(stmt) != 0) {
            return mariadb_conn_fail(conn, stmt, query->name, err);
        }
        changes += mysql_stmt_affected_rows(stmt);
        done += step;
    }
    if (code == TC_OK && ret_changes != NULL) {
        *ret_changes = changes;
    }
    return code;
}

int mariadb_conn_run(struct mariadb_conn *conn, enum sql_query_id id, const void *params,
                     uint64_t *ret_changes, struct err *err)
{
    const struct sql_query *query = &sql_queries_mysql[id];
    if (query->param_count > 0) {
        TC_ASSERT(params != NULL);
        return mariadb_conn_run_all(conn, id, params, 1, ret_changes, err);
    }
    TC_ASSERT(ret_changes == NULL);
    return mariadb_conn_text(conn, query->text, query->name, err);
}

/* Start a statement with a result. */
static int execute(struct mariadb_conn *conn, enum sql_query_id id, const void *params,
                   struct err *err)
{
    const struct sql_query *query = &sql_queries_mysql[id];
    int code = mariadb_conn_prepare(conn, id, err);
    if (code != TC_OK) {
        return code;
    }
    if (query->param_count > 0) {
        TC_ASSERT(params != NULL);
        if (conn->arrays == NULL) {
            conn->arrays = mariadb_arrays_new();
        }
        (void)mariadb_arrays_bind(conn->arrays, conn->stmts[id], query, params, 1,
                                  conn->packet_bytes); /* one is one */
    }
    if (mysql_stmt_execute(conn->stmts[id]) != 0) {
        return mariadb_conn_fail(conn, conn->stmts[id], query->name, err);
    }
    if (conn->columns == NULL) {
        conn->columns = mariadb_columns_new();
    }
    return TC_OK;
}

int mariadb_conn_read(struct mariadb_conn *conn, enum sql_query_id id, const void *params,
                      store_row_fn fn, void *ctx, struct err *err)
{
    const struct sql_query *query = &sql_queries_mysql[id];
    alignas(max_align_t) char row[ROW_BYTES_MAX];
    char problem[VALUES_PROBLEM_BYTES];
    TC_ASSERT(sql_rows[query->gives].size <= sizeof row);
    conn->given = 0;
    int code = execute(conn, id, params, err);
    if (code != TC_OK) {
        return code;
    }
    MYSQL_STMT *stmt = conn->stmts[id];
    int step = mariadb_columns_fetch(conn->columns, stmt, query->column_count);
    while (step == 0 && code == TC_OK) {
        conn->given++;
        mariadb_columns_read(conn->columns, stmt, query, row, problem);
        code = fn(ctx, row);
        if (code == TC_OK) {
            step = mariadb_columns_fetch(conn->columns, stmt, query->column_count);
        }
    }
    if (code == TC_OK && step != MYSQL_NO_DATA) {
        return mariadb_conn_fail(conn, stmt, query->name, err);
    }
    (void)mysql_stmt_free_result(stmt); /* reads away what fn did not want; next use tells */
    return code;
}

static int run_statement(void *db, enum sql_query_id query, const void *params,
                         uint64_t *ret_changes, struct err *err)
{
    return mariadb_conn_run(db, query, params, ret_changes, err);
}

static int read_statement(void *db, enum sql_query_id query, const void *params, store_row_fn fn,
                          void *ctx, struct err *err)
{
    return mariadb_conn_read(db, query, params, fn, ctx, err);
}

struct database mariadb_conn_database(struct mariadb_conn *conn)
{
    return (struct database){conn, run_statement, read_statement, sql_steps_mysql};
}
