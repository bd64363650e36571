#ifndef PROTO_CHECKS_H
#define PROTO_CHECKS_H

#include "lib/base/err.h"

struct json_value;
struct rule;

/* What the columns checkName and params of a monitor may say: one source for the router, the API,
 * the command line and tocsin-check. Whether a runner allows a check is the runner's own business. */

enum checks_kind {
    CHECKS_SQL,
    CHECKS_HTTP,
    CHECKS_TCP,
    CHECKS_DISK,
    CHECKS_FILE,
    CHECKS_HEARTBEAT, /* reports come from outside, nothing is run */
    CHECKS_EXEC,      /* "exec:<file>" */
    CHECKS_NAGIOS,    /* "nagios:<plugin>" */
    CHECKS_PHP,       /* "php:<Class>" */
};

/* Take a check name apart.
 * Shape:  ret_file (may be NULL) points behind the colon inside name, or is "".
 * Units:  none.
 * Owns:   borrows name.
 * Errors: TC_EINVAL with what would be right.
 * Source: docs/spec.md 5.2; proto/PROTOCOL.md "Checks". */
int checks_parse(const char *name, enum checks_kind *ret_kind, const char **ret_file,
                 struct err *err);

/* The rules of a kind's params; NULL when anything goes (exec, php). Trivial. */
const struct rule *checks_rules(enum checks_kind kind);

/* Check params against the rules of a kind and what they can't say (one of two members, min <= max).
 * Shape:  params is an object; paths in messages begin with "params".
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EINVAL with the path, the cause and what would be right.
 * Source: docs/spec.md 1.10; proto/PROTOCOL.md "Checks". */
int checks_check_params(enum checks_kind kind, const struct json_value *params, struct err *err);

#endif
