#ifndef CLI_SIBLINGS_H
#define CLI_SIBLINGS_H

#include <stddef.h>

#include "lib/base/err.h"

struct cli;
struct config;

/* The other programs of this host: which its configuration asks for, and where their executables are. */
enum {
    SIBLINGS_MAX = 24,
    SIBLING_NAME_BYTES = 64,
};

/* The order of starting: a lower stage is stopped later. */
enum sibling_stage {
    SIBLING_ROUTER,
    SIBLING_NOTIFIER,
    SIBLING_EDGE, /* runner and web */
};

struct sibling {
    char label[SIBLING_NAME_BYTES];   /* "router", "notifier email" */
    char program[SIBLING_NAME_BYTES]; /* "tocsin-notifier" */
    const char *operand;              /* borrowed from the configuration: "email", or NULL */
    enum sibling_stage stage;
};

/* What the configuration asks for: the router, web, a runner when it is named, a notifier a channel.
 * Shape:  ret_siblings has SIBLINGS_MAX entries.
 * Units:  none.
 * Owns:   borrows config.
 * Errors: TC_ERANGE more channels than that. */
int siblings_of(const struct config *config, struct sibling *ret_siblings, size_t *ret_count,
                struct err *err);

/* Who judges the configuration: all of these, and tocsin-check, which the runner starts, for what the
 * checks of this host need.
 * Shape:  as siblings_of.
 * Units:  none.
 * Owns:   borrows config.
 * Errors: TC_ERANGE more channels than that. */
int siblings_to_ask(const struct config *config, struct sibling *ret_siblings, size_t *ret_count,
                    struct err *err);

/* Find an executable: beside this program, in ../libexec/tocsin, or on PATH.
 * Shape:  program without a slash.
 * Units:  none.
 * Owns:   the caller frees with mem_free.
 * Errors: TC_ENOENT telling where it was looked for. */
int sibling_find(const struct cli *cli, const char *program, char **ret_path, struct err *err);

/* Run a sibling to its end and take what it says.
 * Shape:  one more argument, e.g. "--check-config"; ret_text is its standard error, cut and trimmed.
 * Units:  ret_status as a shell tells it.
 * Owns:   the caller frees ret_text with mem_free.
 * Errors: TC_ENOENT not found, as child_start, TC_ETIMEDOUT after 20 s. */
int sibling_ask(const struct cli *cli, const struct sibling *sibling, const char *argument,
                int *ret_status, char **ret_text, struct err *err);

/* Cut a program's log line down to the sentence in it, which stands as msg="…". Trivial. */
void sibling_sentence(char *text);

#endif
