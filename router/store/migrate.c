/* Bringing a schema up to date: which steps are there, are they ours, run the rest. Each step and its
 * record are one transaction, and what is there is read again inside it, so that a kill or a second
 * migration at the same time harms nothing. Called by sqlite.c (files) and memory.c. */
#include "router/store/migrate.h"

#include <string.h>

struct steps_seen {
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
    const struct sql_step *ours = &sql_steps[seen->count];
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

int migrate_check(struct sqlite_db *db, size_t *ret_done, struct err *err)
{
    struct tables_seen tables = {0};
    int code = sqlite_db_read(db, SQL_SCHEMA_TABLES, NULL, see_table, &tables, err);
    if (code != TC_OK) {
        return code;
    }
    if (!tables.has_steps && tables.count > 0) {
        return err_set(err, TC_ECONFLICT,
                       "the database holds '%s' but no SchemaMigrations: tocsin did not make it; "
                       "give tocsin a database of its own",
                       tables.first);
    }
    struct steps_seen steps = {.err = err};
    if (tables.has_steps) {
        code = sqlite_db_read(db, SQL_SCHEMA_STEPS, NULL, check_step, &steps, err);
    }
    if (code != TC_OK) {
        return code;
    }
    *ret_done = steps.count;
    return TC_OK;
}

/* Ends the transaction in every case. */
static int run_next(struct sqlite_db *db, int64_t now_utc_ms, size_t *done, store_migrate_fn fn,
                    void *ctx, struct err *err)
{
    int code = sqlite_db_run(db, SQL_BEGIN_WRITE, NULL, NULL, err);
    if (code == TC_OK) {
        code = migrate_check(db, done, err); /* another migration may have come first */
    }
    if (code == TC_OK && *done < SQL_STEP_COUNT) {
        const struct sql_step *step = &sql_steps[*done];
        const struct store_step record = {step->name, step->checksum, now_utc_ms};
        if (fn != NULL) {
            fn(ctx, step->name, step->text);
        }
        code = sqlite_db_script(db, step->text, err);
        if (code == TC_OK) {
            code = sqlite_db_run(db, SQL_SCHEMA_STEP_ADD, &record, NULL, err);
        }
        if (code != TC_OK) {
            (void)err_ctx(err, "migration '%s'", step->name);
        }
        *done += 1;
    }
    if (code == TC_OK) {
        code = sqlite_db_run(db, SQL_COMMIT, NULL, NULL, err);
    }
    if (code != TC_OK) {
        sqlite_db_rollback(db);
    }
    return code;
}

int migrate_db(struct sqlite_db *db, int64_t now_utc_ms, store_migrate_fn fn, void *ctx,
               struct err *err)
{
    size_t done = 0;
    int code = migrate_check(db, &done, err);
    while (code == TC_OK && done < SQL_STEP_COUNT) {
        code = run_next(db, now_utc_ms, &done, fn, ctx, err);
    }
    return code;
}
