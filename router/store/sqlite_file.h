#ifndef ROUTER_STORE_SQLITE_FILE_H
#define ROUTER_STORE_SQLITE_FILE_H

#include <stdbool.h>

#include "router/store/store.h"

/* The files of a SQLite store: the database and what lies beside it under its name with an ending. */

/* The path with an ending, and whether that file is there.
 * Shape:  end may be "".
 * Units:  none.
 * Owns:   the caller frees with mem_free.
 * Errors: none. */
char *sqlite_file_with_end(const char *path, const char *end);
bool sqlite_file_exists(const char *path, const char *end);

/* The path that an address names.
 * Shape:  config->url "sqlite:FILE".
 * Units:  none.
 * Owns:   the caller frees with mem_free.
 * Errors: TC_ECONFIG. */
int sqlite_file_path(const struct store_config *config, char **ret_path, struct err *err);

/* What can be told of a database file without opening it.
 * Shape:  path of the database.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_ENOENT, TC_ECONFIG no file or a network file system, TC_ECORRUPT empty. */
int sqlite_file_check(const char *path, struct err *err);

/* Hold the lock of a database: one router or one migration at a time.
 * Shape:  as file_lock.
 * Units:  none.
 * Owns:   the caller closes the descriptor.
 * Errors: as file_lock. */
int sqlite_file_lock(const char *path, int *ret_fd, struct err *err);

#endif
