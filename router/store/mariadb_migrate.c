/* The steps of sql/mariadb. MariaDB commits each statement of a step by itself, so a step is recorded
 * only after its last one, and every statement may run again: after a kill in the middle the next call
 * runs the step anew. Two calls at once wait for each other. Called by store.c through mariadb.c. */
#include "router/store/mariadb_migrate.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "router/store/mariadb_conn.h"
#include "router/store/mariadb_locks.h"
#include "router/store/mariadb_schema.h"
#include "router/store/migrate.h"

const char *mariadb_migrate_next(struct mariadb_script *script, size_t *ret_size)
{
    static const char other[] = "DELIMITER //\n";
    static const char usual[] = "DELIMITER ;\n";
    if (script->delimiter == NULL) {
        script->delimiter = ";\n";
    }
    for (;;) {
        script->at += strspn(script->at, " \n");
        if (str_has_prefix(script->at, other)) {
            script->delimiter = "//\n";
            script->at += sizeof other - 1;
        } else if (str_has_prefix(script->at, usual)) {
            script->delimiter = ";\n";
            script->at += sizeof usual - 1;
        } else {
            break;
        }
    }
    const char *from = script->at;
    const char *end = strstr(from, script->delimiter);
    if (end == NULL) {
        return NULL;
    }
    *ret_size = (size_t)(end - from);
    script->at = end + strlen(script->delimiter);
    return from;
}

static int run_statements(struct mariadb_conn *conn, const struct sql_step *step, struct err *err)
{
    struct mariadb_script script = {.at = step->text};
    size_t size = 0;
    for (const char *at = mariadb_migrate_next(&script, &size); at != NULL;
         at = mariadb_migrate_next(&script, &size)) {
        TC_CLEANUP(mem_freep) char *statement = mem_dup(at, size);
        int code = mariadb_conn_text(conn, statement, step->name, err);
        if (code != TC_OK) {
            return code;
        }
    }
    return TC_OK;
}

static int run_step(struct mariadb_conn *conn, const struct sql_step *step, int64_t now_utc_ms,
                    struct err *err)
{
    const struct store_step record = {step->name, step->checksum, now_utc_ms};
    int code = run_statements(conn, step, err);
    if (code == TC_OK) {
        code = mariadb_conn_run(conn, SQL_SCHEMA_STEP_ADD, &record, NULL, err);
    }
    if (code != TC_OK) {
        (void)err_ctx(err, "migration");
    }
    return code;
}

static int migrate(struct mariadb_conn *conn, bool is_dry_run, int64_t now_utc_ms,
                   store_migrate_fn fn, void *ctx, struct err *err)
{
    const struct database database = mariadb_conn_database(conn);
    size_t done = 0;
    int code = is_dry_run ? TC_OK : mariadb_locks_take_migration(conn, err);
    if (code == TC_OK) {
        code = migrate_check(&database, &done, err);
    }
    for (size_t i = done; code == TC_OK && i < SQL_STEP_COUNT; i++) {
        fn(ctx, sql_steps_mysql[i].name, sql_steps_mysql[i].text);
        if (!is_dry_run) {
            code = run_step(conn, &sql_steps_mysql[i], now_utc_ms, err);
        }
    }
    return code == TC_OK && !is_dry_run ? mariadb_schema_check(conn, err) : code;
}

int mariadb_migrate(const struct store_config *config, bool is_dry_run, int64_t now_utc_ms,
                    store_migrate_fn fn, void *ctx, struct err *err)
{
    struct mariadb_conn conn;
    int code = mariadb_conn_init(&conn, config, MARIADB_MIGRATE, err);
    if (code == TC_OK) {
        code = mariadb_conn_open(&conn, err);
    }
    if (code == TC_OK) {
        code = migrate(&conn, is_dry_run, now_utc_ms, fn, ctx, err);
    }
    mariadb_conn_end(&conn);
    return code;
}
