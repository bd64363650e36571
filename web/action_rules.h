#ifndef WEB_ACTION_RULES_H
#define WEB_ACTION_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "web/gate.h"

struct json_value;
struct rule;

/* What may be asked of the router over HTTP, by whom, with which parameters. */
struct action {
    const char *name;
    const struct rule *rules;
    int64_t timeout_ms; /* for the router's answer */
    enum access access; /* ACCESS_UNSET: gate refuses everybody */
    bool has_monitor;   /* monitorId, or monitor to be looked up */
};

enum {
    ACTION_POINTER_BYTES = 200,
};

/* The action of a name, or NULL; then ret_near is the nearest name or NULL.
 * Trivial. */
const struct action *action_find(const char *name, const char **ret_near);

/* Check parameters by the action's table.
 * Shape:  ret_pointer has ACTION_POINTER_BYTES: a JSON pointer into the body, on failure.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EINVAL with a sentence. */
int action_check(const struct action *action, const struct json_value *parameters,
                 char *ret_pointer, struct err *err);

/* The pointer to what a sentence "parameters.schedules[0].timezone: …" is about; "" when it names no
 * member.
 * Trivial. */
void action_pointer(const char *sentence, char *ret_pointer);

#endif
