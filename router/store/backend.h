#ifndef ROUTER_STORE_BACKEND_H
#define ROUTER_STORE_BACKEND_H

#include "router/store/sql.h"

/* What a backend offers; store.c checks arguments and calls it. Every member is set. */
struct store_ops {
    void (*close)(struct store *store); /* frees it as well */
    int (*commit)(struct store *store, const struct store_batch *batch,
                  struct store_conflicts *ret_conflicts, struct err *err); /* batch is not empty */
    int (*take_lease)(struct store *store, const struct store_claim *claim, uint64_t *ret_token,
                      struct err *err);
    int (*read)(struct store *store, enum sql_query_id query, const void *params, store_row_fn fn,
                void *ctx, struct err *err);
    bool (*use_reserve)(struct store *store);
    int (*stats)(struct store *store, struct store_stats *ret_stats, struct err *err);
};

/* How a backend is reached: an address that begins with its scheme; the contracts of store_open,
 * store_open_reader and store_migrate. */
struct store_backend {
    const char *scheme;
    int (*open)(const struct store_config *config, bool is_reader, struct store **ret_store,
                struct err *err);
    int (*migrate)(const struct store_config *config, bool is_dry_run, int64_t now_utc_ms,
                   store_migrate_fn fn, void *ctx, struct err *err);
};
extern const struct store_backend sqlite_backend;
extern const struct store_backend mariadb_backend;

/* The first member of every backend's handle. */
struct store {
    const struct store_ops *ops; /* borrowed, static */
    bool is_reader;
};

#endif
