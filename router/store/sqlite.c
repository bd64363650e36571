/* The production store on a SQLite file: who may open it, in which condition it must be, the reserve and
 * the checkpoints around the connection of sqlite_db.c. Nobody but SQLite ever opens the database file
 * itself: closing any other descriptor of it would drop SQLite's locks. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/sys/file.h"
#include "router/store/backend.h"
#include "router/store/checkpoint.h"
#include "router/store/migrate.h"
#include "router/store/sqlite_db.h"
#include "router/store/sqlite_file.h"
#include "router/store/sqlite_migrate.h"

enum {
    CHECKPOINT_PAGES = 4000,
    WAL_PAGES_MAX = 4 * CHECKPOINT_PAGES, /* then a commit makes the log start anew */
    RESERVE_BYTES = 16 * 1024 * 1024,
    CHECK_STEPS = 4 * 1000 * 1000, /* of SQLite's machine: bounds the check at start */
};

struct store_sqlite {
    struct store base;
    struct sqlite_db db;
    struct checkpoint *checkpoint; /* owned; NULL in a reader */
    char *path;                    /* owned */
    int lock_fd;                   /* owned; -1 in a reader */
    int wal_pages;                 /* after the last commit */
};

static struct store_sqlite *self(struct store *store)
{
    return (struct store_sqlite *)(void *)store;
}

static uint64_t size_of(const char *path, const char *end)
{
    TC_CLEANUP(mem_freep) char *whole = sqlite_file_with_end(path, end);
    struct stat info;
    return stat(whole, &info) == 0 ? (uint64_t)info.st_size : 0;
}

static void sqlite_close(struct store *store)
{
    struct store_sqlite *s = self(store);
    s->checkpoint = checkpoint_stop(s->checkpoint);
    sqlite_db_close(&s->db);
    fd_closep(&s->lock_fd);
    mem_free(s->path);
    mem_free(s);
}

static int sqlite_commit(struct store *store, const struct store_batch *batch,
                         struct store_conflicts *ret_conflicts, struct err *err)
{
    struct store_sqlite *s = self(store);
    int code = sqlite_db_commit(&s->db, batch, ret_conflicts, err);
    if (code == TC_OK && s->wal_pages > WAL_PAGES_MAX) {
        (void)sqlite3_wal_checkpoint_v2(
            s->db.db, NULL, SQLITE_CHECKPOINT_RESTART, NULL,
            NULL); /* a reader may forbid it: the next commit asks again */
    }
    return code;
}

static int sqlite_take_lease(struct store *store, const struct store_claim *claim,
                             uint64_t *ret_token, struct err *err)
{
    return sqlite_db_lease(&self(store)->db, claim, ret_token, err);
}

static int sqlite_read(struct store *store, enum sql_query_id query, const void *params,
                       store_row_fn fn, void *ctx, struct err *err)
{
    return sqlite_db_read(&self(store)->db, query, params, fn, ctx, err);
}

static bool sqlite_use_reserve(struct store *store)
{
    TC_CLEANUP(mem_freep) char *path = sqlite_file_with_end(self(store)->path, ".reserve");
    return unlink(path) == 0;
}

static int sqlite_stats(struct store *store, struct store_stats *ret_stats, struct err *err)
{
    const struct store_sqlite *s = self(store);
    struct store_stats stats = {.file_bytes = size_of(s->path, ""),
                                .wal_bytes = size_of(s->path, "-wal"),
                                .reserve_bytes = size_of(s->path, ".reserve")};
    int code = file_free_space(s->path, &stats.free_bytes, &stats.free_permille, err);
    if (code == TC_OK) {
        *ret_stats = stats;
    }
    return code;
}

static const struct store_ops sqlite_ops = {
    .close = sqlite_close,
    .commit = sqlite_commit,
    .take_lease = sqlite_take_lease,
    .read = sqlite_read,
    .use_reserve = sqlite_use_reserve,
    .stats = sqlite_stats,
};

static int check_report(void *ctx, const void *row)
{
    const struct store_count *report = row;
    return strcmp(report->name, "ok") == 0
               ? TC_OK
               : err_set(ctx, TC_ECORRUPT, "the database is damaged: %s: restore it from a backup",
                         report->name);
}

static int give_up(void *ctx)
{
    int *left = ctx;
    return (*left)-- <= 0;
}

/* Looks through the file for a bounded time: a large one is checked in part at start. */
static int quick_check(struct sqlite_db *db, struct err *err)
{
    enum {
        STEPS = 10000
    };
    int left = CHECK_STEPS / STEPS;
    sqlite3_progress_handler(db->db, STEPS, give_up, &left);
    int code = sqlite_db_read(db, SQL_QUICK_CHECK, NULL, check_report, err, err);
    sqlite3_progress_handler(db->db, 0, NULL, NULL);
    if (code == TC_EIO && left < 0) { /* interrupted by give_up, not by the disk */
        db->fatal = TC_OK;
        return TC_OK;
    }
    return code;
}

static int check_content(struct sqlite_db *db, const char *path, struct err *err)
{
    int code = quick_check(db, err);
    if (code != TC_OK) {
        (void)err_ctx(err, "%s", path);
        return code;
    }
    const struct database database = sqlite_db_database(db);
    return migrate_check_complete(&database, path, err);
}

/* A missing reserve is no reason not to start: store_stats shows it. */
static void make_reserve(const char *path)
{
    TC_CLEANUP(mem_freep) char *reserve = sqlite_file_with_end(path, ".reserve");
    TC_CLEANUP(fd_closep) int fd = open(reserve, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd >= 0 && posix_fallocate(fd, 0, RESERVE_BYTES) != 0) {
        (void)unlink(reserve); /* half a reserve would fill the disk for nothing */
    }
}

static int after_commit(void *ctx, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    struct store_sqlite *s = ctx;
    s->wal_pages = pages;
    if (pages >= CHECKPOINT_PAGES && s->checkpoint != NULL) {
        checkpoint_wake(s->checkpoint);
    }
    return SQLITE_OK;
}

static int open_writer(struct store_sqlite *s, const char *vfs, struct err *err)
{
    int code = sqlite_file_lock(s->path, &s->lock_fd, err);
    if (code == TC_OK) {
        code = sqlite_db_open(&s->db, s->path, SQLITE_OPEN_READWRITE, vfs, err);
    }
    if (code == TC_OK) {
        code = check_content(&s->db, s->path, err);
    }
    if (code == TC_OK) {
        code = checkpoint_start(s->path, vfs, &s->checkpoint, err);
    }
    if (code != TC_OK) {
        return code;
    }
    int keeps_wal = 1; /* readers without write access need -wal and -shm to stay */
    (void)sqlite3_file_control(s->db.db, NULL, SQLITE_FCNTL_PERSIST_WAL, &keeps_wal);
    (void)sqlite3_wal_hook(s->db.db, after_commit, s);
    make_reserve(s->path);
    return TC_OK;
}

static int sqlite_open(const struct store_config *config, bool is_reader, struct store **ret_store,
                       struct err *err)
{
    TC_CLEANUP(mem_freep) char *path = NULL;
    int code = sqlite_file_path(config, &path, err);
    if (code == TC_OK) {
        code = sqlite_file_check(path, err);
    }
    if (code != TC_OK) {
        return code;
    }
    struct store_sqlite *s = mem_alloc(sizeof *s);
    s->base = (struct store){&sqlite_ops, is_reader};
    s->path = TC_TAKE_PTR(path);
    s->lock_fd = -1;
    TC_CLEANUP(store_closep) struct store *store = &s->base;
    if (is_reader) {
        code = sqlite_db_open(&s->db, s->path, SQLITE_OPEN_READONLY, config->vfs, err);
        const struct database database = sqlite_db_database(&s->db);
        size_t done = 0;
        code = code != TC_OK ? code : migrate_check(&database, &done, err);
    } else {
        code = open_writer(s, config->vfs, err);
    }
    if (code != TC_OK) {
        return code;
    }
    *ret_store = TC_TAKE_PTR(store);
    return TC_OK;
}

const struct store_backend sqlite_backend = {
    .scheme = "sqlite:",
    .open = sqlite_open,
    .migrate = sqlite_migrate,
};
