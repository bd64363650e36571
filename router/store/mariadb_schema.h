#ifndef ROUTER_STORE_MARIADB_SCHEMA_H
#define ROUTER_STORE_MARIADB_SCHEMA_H

#include "router/store/mariadb_conn.h"

/* Whether the tables, columns and indexes are those of sql/mariadb, for a migration triggers as well
 * (a router's account can't see them).
 * Shape:  connected. More than that may be there.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EVERSION naming table, part, what it is and what it must be; as mariadb_error. */
int mariadb_schema_check(struct mariadb_conn *conn, struct err *err);

/* Whether the account may do what its role needs.
 * Shape:  connected.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EPERM with the server's words (statement, account, table); as mariadb_error. */
int mariadb_schema_check_rights(struct mariadb_conn *conn, struct err *err);

#endif
