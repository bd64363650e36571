#ifndef ROUTER_STORE_SQLITE_MIGRATE_H
#define ROUTER_STORE_SQLITE_MIGRATE_H

#include "router/store/sqlite_db.h"

/* Run the steps of sql/sqlite that are missing, one transaction each.
 * Shape:  fn may be NULL; it is called before each step.
 * Units:  now_utc_ms, Unix ms.
 * Owns:   nothing.
 * Errors: as migrate_check and sqlite_db_run. */
int sqlite_migrate_db(struct sqlite_db *db, int64_t now_utc_ms, store_migrate_fn fn, void *ctx,
                      struct err *err);

/* store_migrate on a file; the contract of that.
 * Trivial. */
int sqlite_migrate(const struct store_config *config, bool is_dry_run, int64_t now_utc_ms,
                   store_migrate_fn fn, void *ctx, struct err *err);

#endif
