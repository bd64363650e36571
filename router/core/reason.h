#ifndef ROUTER_CORE_REASON_H
#define ROUTER_CORE_REASON_H

#include "router/core/types.h"

/* The fixed name of a reason ("alert_opened"), as it stands in the audit, the API and `tocsin why`.
 * Shape:  asserts reason < CORE_REASON_COUNT_.
 * Units:  none.
 * Owns:   static string.
 * Errors: none.
 * Source: SPEC 4.1. */
const char *core_reason_name(enum core_reason reason);

/* The reason that has a name.
 * Shape:  name NUL-terminated, case matters.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_ENOENT.
 * Source: SPEC 4.1. */
int core_reason_parse(const char *name, enum core_reason *ret_reason);

/* Whether something that could have been told was not: such notes answer "why did I hear nothing?".
 * Trivial. Source: SPEC 4.1. */
bool core_reason_is_withheld(enum core_reason reason);

#endif
