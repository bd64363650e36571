#ifndef ROUTER_STORE_MARIADB_LOCKS_H
#define ROUTER_STORE_MARIADB_LOCKS_H

#include "router/store/mariadb_conn.h"

/* Advisory locks of the server: they end with the session that holds them. */

/* Be the one router of this database. The lock also tells that an earlier session of this connection is
 * over, with whatever COMMIT it was in: only then is it known what was committed. Such a session, which
 * the server may not know to be cut, is ended.
 * Shape:  connected.
 * Units:  none.
 * Owns:   the session holds it.
 * Errors: TC_EEXIST another session holds it, and as mariadb_error. */
int mariadb_locks_take_router(struct mariadb_conn *conn, struct err *err);

/* Be the one migration of this database, and keep routers out meanwhile.
 * Shape:  connected; waits for another migration for a minute.
 * Units:  none.
 * Owns:   the session holds it.
 * Errors: TC_EAGAIN another migration takes longer, TC_EEXIST a router runs, as mariadb_error. */
int mariadb_locks_take_migration(struct mariadb_conn *conn, struct err *err);

#endif
