#ifndef LIB_SYS_OPT_H
#define LIB_SYS_OPT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct buf;

/* Command-line options by table; help and messages come from the same table. */
enum opt_type {
    OPT_FLAG,     /* to: bool, set true */
    OPT_TEXT,     /* to: const char * */
    OPT_LIST,     /* to: struct opt_list, repeatable */
    OPT_INTEGER,  /* to: int64_t, min..max */
    OPT_DURATION, /* to: int64_t ms, "30s", "5m" */
    OPT_CHOICE,   /* to: const char *, one of choices */
};

enum {
    OPT_LIST_MAX = 128,
};

struct opt_list {
    const char *items[OPT_LIST_MAX]; /* borrowed from argv */
    size_t count;
};

struct opt {
    const char *name; /* long name without dashes; NULL ends a table */
    char letter;      /* short name or 0 */
    enum opt_type type;
    const char *arg; /* what help calls the value ("FILE"); NULL for flags */
    const char *doc; /* one line */
    void *to;        /* written when given; what it holds before is the default */
    int64_t min;
    int64_t max;
    const char *const *choices; /* NULL-terminated */
};

/* Read the options; what is not one is collected in order.
 * Shape:  argv[0] is skipped; argv is not reordered; "--" ends the options. ret_operands gets at
 *         most OPT_LIST_MAX.
 * Units:  none.
 * Owns:   everything is borrowed from argv.
 * Errors: TC_EINVAL: unknown option (with a suggestion), missing, malformed or superfluous value;
 *         TC_ERANGE too many. Exit with EX_USAGE. */
int opt_parse(const struct opt *opts, int argc, char **argv, struct opt_list *ret_operands,
              struct err *err);

/* Append one help line an option, aligned, at most 80 columns wide where words allow.
 * Trivial. */
void opt_describe(const struct opt *opts, struct buf *out);

/* The exit status that tells a TC_E code: 0, or sysexits.h's (78 configuration, 77 permission, 75
 * temporary, 69 unavailable, 64 usage) and 1 for the rest.
 * Trivial. */
int opt_exit_status(int code);

#endif
