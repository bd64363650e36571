#ifndef LIB_SYS_CONFIG_RULES_H
#define LIB_SYS_CONFIG_RULES_H

#include "lib/base/rules.h"

/* The rule of a name, or NULL. Trivial. */
const struct rule *config_rule_find(const struct rule *table, const char *name);

#endif
