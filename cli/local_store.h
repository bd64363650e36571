#ifndef CLI_LOCAL_STORE_H
#define CLI_LOCAL_STORE_H

#include "router/store/store.h"

struct cli;

/* The database of this host, for commands that work without the router. */

/* Open it for reading, beside a running router or without one.
 * Shape:  loads the configuration.
 * Units:  none.
 * Owns:   the caller closes with store_close.
 * Errors: as config_load and store_open_reader. */
int local_store_open(struct cli *cli, struct store **ret_store, struct err *err);

#endif
