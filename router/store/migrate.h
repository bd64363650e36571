#ifndef ROUTER_STORE_MIGRATE_H
#define ROUTER_STORE_MIGRATE_H

#include "router/store/database.h"

/* Whether the schema is this program's.
 * Shape:  ret_done is how many steps are there; may be less than SQL_STEP_COUNT.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EVERSION a newer database or a changed step, TC_ECONFLICT not made by tocsin, and as
 *         store_read. */
int migrate_check(const struct database *database, size_t *ret_done, struct err *err);

/* That a schema is complete, for who opens it: path names the database in the text.
 * Shape:  as migrate_check.
 * Units:  none.
 * Owns:   nothing.
 * Errors: as migrate_check; TC_ECONFLICT an empty database, TC_EVERSION steps are missing. */
int migrate_check_complete(const struct database *database, const char *path, struct err *err);

#endif
