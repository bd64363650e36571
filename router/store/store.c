/* The front of the store: finds the backend of an address, checks arguments and passes on to the backend
 * of the handle. */
#include "router/store/store.h"

#include <string.h>

#include "lib/base/assert.h"
#include "router/store/backend.h"

/* The backend of an address; NULL with what is wrong in err. */
static const struct store_backend *find(const struct store_config *config, struct err *err)
{
    static const struct store_backend *const backends[] = {&sqlite_backend, &mariadb_backend};
    for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
        if (strncmp(config->url, backends[i]->scheme, strlen(backends[i]->scheme)) == 0) {
            return backends[i];
        }
    }
    (void)err_set(err, TC_ECONFIG,
                  "store.url '%s': write sqlite:FILE or mysql://USER@HOST:PORT/DATABASE",
                  config->url);
    return NULL;
}

static int open_with(const struct store_config *config, bool is_reader, struct store **ret_store,
                     struct err *err)
{
    TC_ASSERT(config != NULL);
    const struct store_backend *backend = find(config, err);
    return backend == NULL ? TC_ECONFIG : backend->open(config, is_reader, ret_store, err);
}

int store_open(const struct store_config *config, struct store **ret_store, struct err *err)
{
    return open_with(config, false, ret_store, err);
}

int store_open_reader(const struct store_config *config, struct store **ret_store, struct err *err)
{
    return open_with(config, true, ret_store, err);
}

int store_migrate(const struct store_config *config, bool is_dry_run, int64_t now_utc_ms,
                  store_migrate_fn fn, void *ctx, struct err *err)
{
    TC_ASSERT(config != NULL);
    TC_ASSERT(fn != NULL);
    const struct store_backend *backend = find(config, err);
    return backend == NULL ? TC_ECONFIG
                           : backend->migrate(config, is_dry_run, now_utc_ms, fn, ctx, err);
}

struct store *store_close(struct store *store)
{
    if (store != NULL) {
        store->ops->close(store);
    }
    return NULL;
}

void store_closep(struct store **store)
{
    *store = store_close(*store);
}

int store_commit(struct store *store, const struct store_batch *batch,
                 struct store_conflicts *ret_conflicts, struct err *err)
{
    TC_ASSERT(store != NULL);
    TC_ASSERT(batch != NULL);
    TC_ASSERT(ret_conflicts != NULL);
    TC_ASSERT(!store->is_reader);
    ret_conflicts->count = 0;
    if (store_batch_count(batch) == 0) {
        return TC_OK;
    }
    return store->ops->commit(store, batch, ret_conflicts, err);
}

bool store_use_reserve(struct store *store)
{
    TC_ASSERT(store != NULL);
    return store->ops->use_reserve(store);
}

int store_take_lease(struct store *store, const struct store_lease *wanted, int64_t now_utc_ms,
                     uint64_t *ret_token, struct err *err)
{
    TC_ASSERT(store != NULL);
    TC_ASSERT(wanted->holder != NULL);
    TC_ASSERT(!store->is_reader);
    TC_ASSERT(wanted->expires_utc_ms > now_utc_ms);
    const struct store_claim claim = {.shard = wanted->shard,
                                      .holder = wanted->holder,
                                      .expires_utc_ms = wanted->expires_utc_ms,
                                      .now_utc_ms = now_utc_ms,
                                      .beyond_utc_ms = 2 * wanted->expires_utc_ms - now_utc_ms};
    return store->ops->take_lease(store, &claim, ret_token, err);
}

int store_read(struct store *store, enum store_view view, const struct store_filter *filter,
               store_row_fn fn, void *ctx, struct err *err)
{
    TC_ASSERT(store != NULL);
    TC_ASSERT(fn != NULL);
    TC_ASSERT(view < STORE_VIEW_COUNT_);
    const struct store_filter everything = {0};
    return store->ops->read(store, sql_views[view], filter != NULL ? filter : &everything, fn, ctx,
                            err);
}

int store_stats(struct store *store, struct store_stats *ret_stats, struct err *err)
{
    TC_ASSERT(store != NULL);
    TC_ASSERT(ret_stats != NULL);
    return store->ops->stats(store, ret_stats, err);
}
