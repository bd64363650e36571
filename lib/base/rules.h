#ifndef LIB_BASE_RULES_H
#define LIB_BASE_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct buf;
struct json_value;

/* The table-driven validator: one table says what an object may hold; the configuration file, a
 * check's params and an API body are all checked by it, with the same messages, and the user
 * manual is printed from it. */
enum rule_type {
    RULE_STRING,  /* min..max bytes */
    RULE_INTEGER, /* min..max */
    RULE_NUMBER,  /* any finite number */
    RULE_BOOLEAN,
    RULE_DURATION, /* "30s", "5m", "2h", "1d", or whole seconds; min..max in ms */
    RULE_SECRET,   /* "file:/path", "cred:name" or "env:NAME"; a literal is refused */
    RULE_STRINGS,  /* array of strings, min..max entries */
    RULE_OBJECT,   /* members, by rules */
    RULE_MAP,      /* any names, each value by rules (an object) */
    RULE_ANY,
};

struct rule {
    const char *name; /* NULL ends a table */
    enum rule_type type;
    bool is_required;
    bool or_zero; /* of RULE_DURATION: 0 is allowed below min, it turns a thing off */
    int64_t min;
    int64_t max;                /* 0: no upper bound */
    const char *fallback;       /* the default as JSON text, for the manual; NULL: none */
    const char *const *choices; /* NULL-terminated, for RULE_STRING and RULE_STRINGS; NULL: any */
    const struct rule *rules;   /* of RULE_OBJECT and RULE_MAP */
    int (*check)(const char *text, struct err *err); /* of each string; NULL: none */
    const char *doc;                                 /* one sentence for the manual */
};

/* Check an object against a table.
 * Shape:  rules end with a NULL name; where is the path for messages ("params", "channels.email");
 *         a member that is null counts as not given.
 * Units:  none.
 * Owns:   nothing retained.
 * Errors: TC_EINVAL with the path, the cause and what would be right; an unknown name suggests the
 *         nearest known one. */
int rules_check(const struct rule *rules, const struct json_value *object, const char *where,
                struct err *err);

/* Print a table as manual text: name, type, default, sentence.
 * Shape:  appends to out, two spaces of indent a level.
 * Units:  none.
 * Owns:   nothing retained.
 * Errors: none but out's. */
void rules_describe(const struct rule *rules, struct buf *out);

#endif
