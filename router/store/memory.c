/* The store of tests and simulation: SQLite in memory, with the fate of each commit decided by the
 * caller. Nothing of production comes here. */
#include "router/store/memory.h"

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "router/store/backend.h"
#include "router/store/sqlite_db.h"
#include "router/store/sqlite_migrate.h"

struct store_memory {
    struct store base;
    struct sqlite_db db;
    store_fate_fn fate_fn;
    void *ctx; /* borrowed */
};

static struct store_memory *self(struct store *store)
{
    return (struct store_memory *)(void *)store;
}

static void memory_close(struct store *store)
{
    sqlite_db_close(&self(store)->db);
    mem_free(store);
}

static int memory_commit(struct store *store, const struct store_batch *batch,
                         struct store_conflicts *ret_conflicts, struct err *err)
{
    struct store_memory *memory = self(store);
    enum store_fate fate =
        memory->fate_fn == NULL ? STORE_FATE_COMMIT : memory->fate_fn(memory->ctx);
    int code = TC_OK;
    if (fate == STORE_FATE_COMMIT || fate == STORE_FATE_UNKNOWN_KEPT ||
        fate == STORE_FATE_CRASHED_AFTER) {
        code = sqlite_db_commit(&memory->db, batch, ret_conflicts, err);
    }
    if (code != TC_OK) {
        return code; /* it would have failed anyway, and says so */
    }
    switch (fate) {
    case STORE_FATE_COMMIT:
        return TC_OK;
    case STORE_FATE_AGAIN:
        return err_set(err, TC_EAGAIN, "fate: again");
    case STORE_FATE_CONFLICT:
        return err_set(err, TC_ECONFLICT, "fate: conflict");
    case STORE_FATE_FULL:
        return err_set(err, TC_ENOSPC, "fate: full");
    case STORE_FATE_FENCED:
        return err_set(err, TC_EFENCED, "fate: fenced");
    case STORE_FATE_UNKNOWN_LOST:
    case STORE_FATE_UNKNOWN_KEPT:
        return err_set(err, TC_EUNKNOWN, "fate: unknown");
    case STORE_FATE_CRASHED_BEFORE:
    case STORE_FATE_CRASHED_AFTER:
        return err_set(err, TC_EIO, "fate: crashed");
    }
    TC_UNREACHABLE();
}

static int memory_take_lease(struct store *store, const struct store_claim *claim,
                             uint64_t *ret_token, struct err *err)
{
    return sqlite_db_lease(&self(store)->db, claim, ret_token, err);
}

static int memory_read(struct store *store, enum sql_query_id query, const void *params,
                       store_row_fn fn, void *ctx, struct err *err)
{
    return sqlite_db_read(&self(store)->db, query, params, fn, ctx, err);
}

static bool memory_use_reserve(struct store *store)
{
    (void)store; /* memory keeps none */
    return false;
}

static int memory_stats(struct store *store, struct store_stats *ret_stats, struct err *err)
{
    (void)store;
    (void)err; /* nothing to measure, nothing to fail */
    *ret_stats = (struct store_stats){.free_bytes = STORE_FREE_UNKNOWN, .free_permille = 1000};
    return TC_OK;
}

static const struct store_ops memory_ops = {
    .close = memory_close,
    .commit = memory_commit,
    .take_lease = memory_take_lease,
    .read = memory_read,
    .use_reserve = memory_use_reserve,
    .stats = memory_stats,
};

int store_open_memory(store_fate_fn fate_fn, void *ctx, struct store **ret_store, struct err *err)
{
    struct store_memory *memory = mem_alloc(sizeof *memory);
    memory->base.ops = &memory_ops;
    memory->fate_fn = fate_fn;
    memory->ctx = ctx;
    TC_CLEANUP(store_closep) struct store *store = &memory->base;
    int code = sqlite_db_open(&memory->db, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                              NULL, err);
    if (code == TC_OK) {
        code = sqlite_migrate_db(&memory->db, 0, NULL, NULL, err);
    }
    if (code != TC_OK) {
        return code;
    }
    *ret_store = TC_TAKE_PTR(store);
    return TC_OK;
}

int store_memory_by_hand(struct store *store, const char *sql, struct err *err)
{
    TC_ASSERT(store->ops == &memory_ops);
    return sqlite_db_script(&self(store)->db, sql, err);
}
