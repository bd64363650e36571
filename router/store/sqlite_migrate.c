/* The steps of sql/sqlite on a file. Each step and its record are one transaction, and what is there is
 * read again inside it, so that a kill or a second migration at the same time harms nothing. Called by
 * store.c through sqlite.c, and by memory.c. */
#include "router/store/sqlite_migrate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/sys/file.h"
#include "router/store/migrate.h"
#include "router/store/sqlite_file.h"

enum {
    DB_MODE = 0640, /* the web process reads through the group */
};

/* Ends the transaction in every case. */
static int run_next(struct sqlite_db *db, int64_t now_utc_ms, size_t *done, store_migrate_fn fn,
                    void *ctx, struct err *err)
{
    const struct database database = sqlite_db_database(db);
    int code = sqlite_db_run(db, SQL_BEGIN_WRITE, NULL, NULL, err);
    if (code == TC_OK) {
        code = migrate_check(&database, done, err); /* another migration may have come first */
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

int sqlite_migrate_db(struct sqlite_db *db, int64_t now_utc_ms, store_migrate_fn fn, void *ctx,
                      struct err *err)
{
    const struct database database = sqlite_db_database(db);
    size_t done = 0;
    int code = migrate_check(&database, &done, err);
    while (code == TC_OK && done < SQL_STEP_COUNT) {
        code = run_next(db, now_utc_ms, &done, fn, ctx, err);
    }
    return code;
}

static int migrate_file(const char *path, const char *vfs, int64_t now_utc_ms, store_migrate_fn fn,
                        void *ctx, struct err *err)
{
    struct sqlite_db db;
    int code = sqlite_db_open(&db, path, SQLITE_OPEN_READWRITE, vfs, err);
    if (code == TC_OK) {
        code = sqlite_migrate_db(&db, now_utc_ms, fn, ctx, err);
    }
    if (code == TC_OK) {
        int copied = sqlite3_wal_checkpoint_v2(db.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        code = copied == SQLITE_OK ? TC_OK : sqlite_db_error(&db, copied, path, err);
    }
    sqlite_db_close(&db);
    return code;
}

/* A new database appears whole under its name or not at all, also when this is killed. */
static int make_file(const char *path, const char *vfs, int64_t now_utc_ms, store_migrate_fn fn,
                     void *ctx, struct err *err)
{
    if (sqlite_file_exists(path, "-wal")) {
        return err_set(err, TC_ECORRUPT,
                       "%s-wal is there but %s is not: restore it, or remove the former to begin "
                       "with nothing",
                       path, path);
    }
    TC_CLEANUP(mem_freep) char *fresh = sqlite_file_with_end(path, ".new");
    TC_CLEANUP(mem_freep) char *fresh_wal = sqlite_file_with_end(path, ".new-wal");
    TC_CLEANUP(mem_freep) char *dir = file_dir(path);
    (void)unlink(fresh_wal); /* of a call that was killed */
    (void)unlink(fresh);
    int code = file_create(fresh, DB_MODE, "", 0, err);
    if (code == TC_OK) {
        code = migrate_file(fresh, vfs, now_utc_ms, fn, ctx, err);
    }
    if (code == TC_OK && rename(fresh, path) != 0) {
        code = err_set(err, err_from_errno(errno), "%s: %s", path, strerrordesc_np(errno));
    }
    return code != TC_OK ? code : file_sync_dir(dir, err);
}

static int show_missing(const char *path, const char *vfs, store_migrate_fn fn, void *ctx,
                        struct err *err)
{
    size_t done = 0;
    int code = TC_OK;
    if (sqlite_file_exists(path, "")) {
        struct sqlite_db db;
        code = sqlite_db_open(&db, path, SQLITE_OPEN_READONLY, vfs, err);
        const struct database database = sqlite_db_database(&db);
        code = code != TC_OK ? code : migrate_check(&database, &done, err);
        sqlite_db_close(&db);
    }
    for (size_t i = done; code == TC_OK && i < SQL_STEP_COUNT; i++) {
        fn(ctx, sql_steps[i].name, sql_steps[i].text);
    }
    return code;
}

int sqlite_migrate(const struct store_config *config, bool is_dry_run, int64_t now_utc_ms,
                   store_migrate_fn fn, void *ctx, struct err *err)
{
    TC_CLEANUP(mem_freep) char *path = NULL;
    TC_CLEANUP(fd_closep) int lock_fd = -1;
    int code = sqlite_file_path(config, &path, err);
    if (code == TC_OK && is_dry_run) {
        return show_missing(path, config->vfs, fn, ctx, err);
    }
    if (code == TC_OK) {
        code = sqlite_file_lock(path, &lock_fd, err);
    }
    if (code != TC_OK) {
        return code;
    }
    if (!sqlite_file_exists(path, "")) {
        return make_file(path, config->vfs, now_utc_ms, fn, ctx, err);
    }
    code = sqlite_file_check(path, err);
    return code != TC_OK ? code : migrate_file(path, config->vfs, now_utc_ms, fn, ctx, err);
}
