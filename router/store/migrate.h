#ifndef ROUTER_STORE_MIGRATE_H
#define ROUTER_STORE_MIGRATE_H

#include "router/store/sqlite_db.h"

/* The steps of sql/sqlite, one transaction each. */

/* Whether the schema is this program's.
 * Shape:  ret_done is how many steps are there; may be less than SQL_STEP_COUNT.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EVERSION a newer database or a changed step, TC_ECONFLICT not made by tocsin, and as
 *         sqlite_db_read. */
int migrate_check(struct sqlite_db *db, size_t *ret_done, struct err *err);

/* Run the steps that are missing.
 * Shape:  fn may be NULL; it is called before each step.
 * Units:  now_utc_ms, Unix ms.
 * Owns:   nothing.
 * Errors: as migrate_check and sqlite_db_run. */
int migrate_db(struct sqlite_db *db, int64_t now_utc_ms, store_migrate_fn fn, void *ctx,
               struct err *err);

#endif
