#ifndef RUNNER_CHECK_H
#define RUNNER_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/sys/config.h"
#include "proto/checks.h"
#include "runner/verdict.h"

/* Which program a check name means on this host, and whether the host's owner lets it run. Rows
 * only ever name; directories, interpreters and permission are the runner's own configuration
 * (docs/spec.md 5.2). */

enum {
    CHECK_FILE_BYTES = 64,   /* of the part behind "exec:" and its like */
    CHECK_PATH_BYTES = 1024, /* of a directory and file */
};

/* What this host's owner configured; all is borrowed. */
struct check_policy {
    struct config_list allow;       /* patterns of whole names, "*" matches any characters */
    struct config_list directories; /* of exec: checks; all are absolute */
    struct config_list php;         /* of php: checks */
    struct config_list plugins;     /* of nagios: plugins */
    const char *builtin;            /* path of tocsin-check */
};

/* Whether a pattern of the allow-list covers a name.
 * Shape:  the whole name as in the row ("exec:compass_pos"); an empty list allows nothing.
 * Units:  none.
 * Owns:   nothing.
 * Errors: none. */
bool check_is_allowed(const struct check_policy *policy, const char *text);

/* Find the program of an allowed name.
 * Shape:  file is what stands behind the kind's colon: [A-Za-z0-9_.-], else refused; ret_path has CHECK_PATH_BYTES; the first directory that holds the name decides. Links (but those
 *         of plugins to their neighbours), files
 *         that are not regular, and files or directories that group or others may write (or that
 *         belong to somebody other than root or this user) are refused.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EPERM, TC_ENOENT, TC_EINVAL, TC_EIO with a sentence; ret_reason says it to machines and
 *         is written on failure only. */
int check_locate(const struct check_policy *policy, enum checks_kind kind, const char *file,
                 char *ret_path, enum verdict_reason *ret_reason, struct err *err);

#endif
