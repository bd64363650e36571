/* Every write, sync and truncation of a commit fails in turn, in four ways: afterwards the database is
 * sound and holds the commit whole or not at all, and whole if the commit said so (guarantee G5). */
#include <sqlite3.h>
#include <stdlib.h>

#include "tests/store/place.h"

enum fault_way {
    WAY_IO,    /* the operation fails */
    WAY_FULL,  /* the disk is full */
    WAY_SHORT, /* half is written, then the disk is full */
    WAY_SYNC,  /* a sync fails, all else works */
};

/* What is armed: the operation number `left` from now fails; all others work. */
static struct {
    enum fault_way way;
    int left;
    bool has_struck;
} fault;

struct fault_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct */
};

static sqlite3_vfs *real_vfs;

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct fault_file *)(void *)file)->real;
}

static bool strikes(bool is_sync)
{
    if (fault.left == 0 || (fault.way == WAY_SYNC && !is_sync)) {
        return false;
    }
    fault.left--;
    fault.has_struck = fault.left == 0;
    return fault.has_struck;
}

static int on_close(sqlite3_file *f)
{
    return real_of(f)->pMethods->xClose(real_of(f));
}

static int on_read(sqlite3_file *f, void *to, int size, sqlite3_int64 at)
{
    return real_of(f)->pMethods->xRead(real_of(f), to, size, at);
}

static int on_write(sqlite3_file *f, const void *from, int size, sqlite3_int64 at)
{
    sqlite3_file *real = real_of(f);
    if (!strikes(false)) {
        return real->pMethods->xWrite(real, from, size, at);
    }
    if (fault.way == WAY_SHORT) {
        (void)real->pMethods->xWrite(real, from, size / 2, at);
    }
    return fault.way == WAY_IO ? SQLITE_IOERR_WRITE : SQLITE_FULL;
}

static int on_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return strikes(false) ? SQLITE_IOERR_TRUNCATE
                          : real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int on_sync(sqlite3_file *f, int flags)
{
    return strikes(true) ? SQLITE_IOERR_FSYNC : real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int on_size(sqlite3_file *f, sqlite3_int64 *ret_size)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), ret_size);
}

static int on_lock(sqlite3_file *f, int kind)
{
    return real_of(f)->pMethods->xLock(real_of(f), kind);
}

static int on_unlock(sqlite3_file *f, int kind)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), kind);
}

static int on_reserved(sqlite3_file *f, int *ret_is_locked)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), ret_is_locked);
}

static int on_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int on_sector(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int on_traits(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int on_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **ret_p)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, ret_p);
}

static int on_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), at, n, flags);
}

static void on_shm_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int on_shm_unmap(sqlite3_file *f, int is_deleted)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), is_deleted);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_size,
    .xLock = on_lock,
    .xUnlock = on_unlock,
    .xCheckReservedLock = on_reserved,
    .xFileControl = on_control,
    .xSectorSize = on_sector,
    .xDeviceCharacteristics = on_traits,
    .xShmMap = on_shm_map,
    .xShmLock = on_shm_lock,
    .xShmBarrier = on_shm_barrier,
    .xShmUnmap = on_shm_unmap,
};

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
    (void)vfs;
    struct fault_file *file = (struct fault_file *)(void *)f;
    file->real = (sqlite3_file *)(void *)(file + 1);
    int code = real_vfs->xOpen(real_vfs, name, file->real, flags, ret_flags);
    file->base.pMethods = file->real->pMethods != NULL ? &methods : NULL;
    return code;
}

static int register_vfs(void **state)
{
    (void)state;
    static sqlite3_vfs vfs;
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs;
    vfs.zName = "fault";
    vfs.szOsFile += (int)sizeof(struct fault_file);
    vfs.xOpen = on_open;
    return sqlite3_vfs_register(&vfs, 0);
}

/* Whether the fault was reached. */
static bool strike(enum fault_way way, int at)
{
    struct place place;
    place_make(&place, true);
    struct store *store = place_open(&place);
    place_seed(store);
    store = store_close(store);
    place.config.vfs = "fault";
    store = place_open(&place);
    fault.way = way;
    fault.has_struck = false;
    fault.left = at;
    int code = place_fail(store, 1, NULL);
    fault.left = 0;
    if (fault.has_struck) {
        assert_true(code == TC_EIO || (code == TC_ENOSPC && (way == WAY_FULL || way == WAY_SHORT)));
    } else {
        assert_int_equal(code, TC_OK);
    }
    if (code == TC_EIO) { /* never again in this process */
        assert_int_equal(place_fail(store, 1, NULL), TC_EIO);
    } else if (code == TC_ENOSPC) { /* room was made: the same commit goes through */
        assert_int_equal(place_failures(store), 0);
        assert_int_equal(place_fail(store, 1, NULL), TC_OK);
        code = TC_OK;
    }
    store = store_close(store);
    place.config.vfs = NULL;
    store = place_open(&place);
    size_t failures = place_failures(store);
    assert_true(code == TC_OK ? failures == 1 : failures <= 1);
    assert_null(store_close(store));
    place_remove(&place);
    return fault.has_struck;
}

static void every_operation_fails_once(void **state)
{
    (void)state;
    static const enum fault_way ways[] = {WAY_IO, WAY_FULL, WAY_SHORT, WAY_SYNC};
    for (size_t i = 0; i < TEST_COUNT(ways); i++) {
        int at = 1;
        while (strike(ways[i], at)) {
            at++;
        }
        assert_true(at > 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_operation_fails_once)};
    return cmocka_run_group_tests(tests, register_vfs, NULL);
}
