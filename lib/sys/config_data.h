#ifndef LIB_SYS_CONFIG_DATA_H
#define LIB_SYS_CONFIG_DATA_H

#include "lib/base/err.h"

struct config;

/* Between config.c and config_fill.c only. */

/* Let an allocation live as long as the configuration; returns it. Trivial. */
void *config_keep(struct config *config, void *owned);

/* Read the merged document into the fields of config.
 * Shape:  after all rules were checked.
 * Units:  as in config.h.
 * Owns:   what is allocated is kept by config.
 * Errors: TC_ECONFIG keys that don't fit together. */
int config_fill(struct config *config, struct err *err);

#endif
