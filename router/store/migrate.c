/* Judging a schema: which steps are there, and are they ours? It changes nothing; sqlite_migrate.c and
 * mariadb_migrate.c do, each in the way of its database. */
#include "router/store/migrate.h"

#include <string.h>

struct steps_seen {
    const struct sql_step *steps;
    size_t count;
    struct err *err;
};

static int check_step(void *ctx, const void *row)
{
    struct steps_seen *seen = ctx;
    const struct store_step *step = row;
    if (seen->count >= SQL_STEP_COUNT) {
        return err_set(
            seen->err, TC_EVERSION,
            "the database is newer than this program (it has '%s'): use the newer tocsin",
            step->name);
    }
    const struct sql_step *ours = &seen->steps[seen->count];
    if (strcmp(ours->name, step->name) != 0 || strcmp(ours->checksum, step->checksum) != 0) {
        return err_set(seen->err, TC_EVERSION,
                       "the database was made with another '%s' than this program's '%s': use the "
                       "tocsin that made it",
                       step->name, ours->name);
    }
    seen->count++;
    return TC_OK;
}

struct tables_seen {
    size_t count;
    bool has_steps;
    char first[80];
};

static int see_table(void *ctx, const void *row)
{
    struct tables_seen *seen = ctx;
    const struct store_count *table = row;
    if (strcmp(table->name, "SchemaMigrations") == 0) {
        seen->has_steps = true;
    } else if (seen->count++ == 0) {
        size_t size = strnlen(table->name, sizeof seen->first - 1);
        memcpy(seen->first, table->name, size);
    }
    return TC_OK;
}

int migrate_check(const struct database *database, size_t *ret_done, struct err *err)
{
    struct tables_seen tables = {0};
    int code = database->read(database->db, SQL_SCHEMA_TABLES, NULL, see_table, &tables, err);
    if (code != TC_OK) {
        return code;
    }
    if (!tables.has_steps && tables.count > 0) {
        return err_set(err, TC_ECONFLICT,
                       "the database holds '%s' but no SchemaMigrations: tocsin did not make it; "
                       "give tocsin a database of its own",
                       tables.first);
    }
    struct steps_seen steps = {.steps = database->steps, .err = err};
    if (tables.has_steps) {
        code = database->read(database->db, SQL_SCHEMA_STEPS, NULL, check_step, &steps, err);
    }
    if (code != TC_OK) {
        return code;
    }
    *ret_done = steps.count;
    return TC_OK;
}

int migrate_check_complete(const struct database *database, const char *path, struct err *err)
{
    size_t done = 0;
    int code = migrate_check(database, &done, err);
    if (code == TC_OK && done < SQL_STEP_COUNT) {
        code = done == 0
                   ? err_set(err, TC_ECONFLICT,
                             "not a complete tocsin database: give tocsin one of its own and run "
                             "'tocsin migrate'")
                   : err_set(err, TC_EVERSION, "older than this program: run 'tocsin migrate'");
    }
    if (code != TC_OK) {
        (void)err_ctx(err, "%s", path);
    }
    return code;
}
