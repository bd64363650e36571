#ifndef ROUTER_STORE_MARIADB_ERROR_H
#define ROUTER_STORE_MARIADB_ERROR_H

#include <stdbool.h>

#include "lib/base/err.h"

/* What MariaDB's error numbers mean to a router. */

/* Whether the connection is of no use after an error: what was open on it is rolled back, or will be.
 * Trivial. */
bool mariadb_error_is_lost(unsigned int number);

/* Whether the same transaction would go through if it began again at once. Trivial. */
bool mariadb_error_is_deadlock(unsigned int number);

/* Whether a COMMIT that gave this error has certainly not been carried out. Trivial. */
bool mariadb_error_is_rolled_back(unsigned int number);

/* Turn an error into one of ours, with the statement's name, the server's words and its number.
 * Shape:  number other than 0; doing names the statement or what was tried.
 * Units:  none.
 * Owns:   nothing.
 * Errors: returns TC_EAGAIN for what passes by itself (locks, deadlocks, a server that is away, starting,
 *         full of connections, read-only or without quorum), TC_ECONFLICT a key is taken, TC_ENOSPC,
 *         TC_EPERM an account or a privilege, TC_EVERSION a table or column is not there, TC_EINVAL
 *         the schema refuses a value, TC_ECORRUPT, else TC_EIO. */
int mariadb_error(unsigned int number, const char *text, const char *doing, struct err *err);

/* Give an error that was told another code; returns it. Trivial. */
int mariadb_error_as(int code, struct err *err);

#endif
