#ifndef ROUTER_STORE_MARIADB_MIGRATE_H
#define ROUTER_STORE_MARIADB_MIGRATE_H

#include "router/store/store.h"

/* Where a text of statements is read. */
struct mariadb_script {
    const char *at;
    const char *delimiter; /* NULL at the beginning */
};

/* The next statement of a migration, as the client `mariadb` finds it: it ends with the line that ends in
 * the delimiter, which a line DELIMITER changes.
 * Shape:  the text outlives the script.
 * Units:  bytes.
 * Owns:   borrows; not NUL-terminated.
 * Errors: NULL there is none left. */
const char *mariadb_migrate_next(struct mariadb_script *script, size_t *ret_size);

/* store_migrate on MariaDB; the contract of that.
 * Trivial. */
int mariadb_migrate(const struct store_config *config, bool is_dry_run, int64_t now_utc_ms,
                    store_migrate_fn fn, void *ctx, struct err *err);

#endif
