#ifndef ROUTER_STORE_MARIADB_LOCKS_H
#define ROUTER_STORE_MARIADB_LOCKS_H

#include "router/store/mariadb_conn.h"

/* Advisory locks of the server: they end with the session that holds them. */

/* Be the one router of this database. The lock also tells that an earlier session of this connection is
 * over, with whatever COMMIT it was in: only then is it known what was committed.
 * Shape:  connected; before is the session's number that the connection had last, 0: none.
 * Units:  none.
 * Owns:   the session holds it.
 * Errors: TC_EEXIST another session holds it, and as mariadb_error. */
int mariadb_locks_take_router(struct mariadb_conn *conn, unsigned long before, struct err *err);

/* Be the one migration of this database, and none while a router runs.
 * Shape:  connected; waits for another migration for a minute.
 * Units:  none.
 * Owns:   the session holds it.
 * Errors: TC_EAGAIN another migration takes longer, TC_EEXIST a router runs, as mariadb_error. */
int mariadb_locks_take_migration(struct mariadb_conn *conn, struct err *err);

#endif
