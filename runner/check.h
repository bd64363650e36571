#ifndef RUNNER_CHECK_H
#define RUNNER_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "runner/verdict.h"

/* Which program a check name means on this host, and whether the host's owner lets it run. Rows
 * only ever name; directories, interpreters and permission are the runner's own configuration
 * (docs/spec.md 5.2). */

enum {
    CHECK_FILE_BYTES = 64,   /* of the part behind "exec:" and its like */
    CHECK_PATH_BYTES = 1024, /* of a directory and file */
};

enum check_kind {
    CHECK_BUILTIN,   /* "sql", "http", ...: a worker of tocsin-check */
    CHECK_EXEC,      /* "exec:<file>" */
    CHECK_PHP,       /* "php:<Class>": <Class>.php by the configured interpreter */
    CHECK_NAGIOS,    /* "nagios:<plugin>" */
    CHECK_HEARTBEAT, /* "heartbeat": reports come from outside, nothing is run */
};

/* A check name taken apart. */
struct check_name {
    enum check_kind kind;
    char file[CHECK_FILE_BYTES + 1]; /* [A-Za-z0-9_.-], never "." or ".." */
};

/* What this host's owner configured; lists end with NULL and are borrowed. */
struct check_policy {
    const char *const *allow;       /* patterns of whole names, "*" matches any run of characters */
    const char *const *directories; /* for exec: and php:, absolute */
    const char *const *plugins;     /* for nagios:, absolute */
    const char *builtin;            /* path of tocsin-check */
    const char *php;                /* path of the interpreter */
};

/* Take a check name apart.
 * Shape:  any text.
 * Units:  none.
 * Owns:   nothing retained.
 * Errors: TC_EINVAL with what would be right. */
int check_parse(const char *text, struct check_name *ret_name, struct err *err);

/* Whether a pattern of the allow-list covers a name.
 * Shape:  the whole name as in the row ("exec:compass_pos"); an empty list allows nothing.
 * Units:  none.
 * Owns:   nothing.
 * Errors: none. */
bool check_is_allowed(const struct check_policy *policy, const char *text);

/* Find the program of an allowed name.
 * Shape:  ret_path has CHECK_PATH_BYTES; the first directory that holds the name decides. Links, files
 *         that are not regular, and files or directories that group or others may write (or that
 *         belong to somebody other than root or this user) are refused.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EPERM, TC_ENOENT, TC_EINVAL, TC_EIO with a sentence; ret_reason says it to machines and
 *         is written on failure only. */
int check_locate(const struct check_policy *policy, const struct check_name *name, char *ret_path,
                 enum verdict_reason *ret_reason, struct err *err);

#endif
