#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/sys/opt.h"

struct buf;
struct clock;
struct command;
struct config;

/* One call of the program: what was typed, where output goes, the configuration when a command asks
 * for it. */

/* What a number option holds when it was not given. */
#define CLI_UNSET INT64_MIN

/* The values of all options of all commands; a command reads those that it has (cli/commands.c). */
struct cli_args {
    /* of every command */
    const char *config;
    const char *url;
    const char *token_file;
    const char *color;
    bool is_json;
    bool is_help;
    bool is_version;
    /* of several */
    const char *dir;
    const char *name;
    const char *from;
    struct opt_list notify;
    bool is_dry_run;
    bool is_yes;
    bool is_quiet;
    int64_t count;
    const char *file;
    const char *key;
    /* init */
    bool is_demo;
    const char *smtp;
    const char *slack;
    const char *pagerduty;
    struct opt_list sources;
    struct opt_list checks;
    /* monitors */
    const char *check;
    const char *php_class;
    const char *params;
    struct opt_list schedules;
    const char *timezone;
    const char *runs_on;
    const char *severity;
    const char *runbook;
    const char *state;
    struct opt_list labels;
    int64_t required_oks;
    int64_t required_failures;
    int64_t reminder_minutes;
    int64_t timeout_s;
    int64_t wait_s;
    bool is_inactive;
    bool has_nobody;
    /* acknowledgements, notifications, tokens */
    const char *note;
    int64_t for_ms;
    int64_t keep_minutes;
    const char *status;
    const char *role;
};

struct cli {
    struct cli_args args;
    struct opt_list operands;
    const struct command *command;   /* borrowed */
    const char *const *environ_list; /* borrowed: "NAME=value", NULL-terminated */
    const struct clock *clock;       /* borrowed */
    struct config *config;           /* owned; NULL until cli_config */
    bool is_coloured;
    size_t width;       /* columns of the terminal; 0: no terminal, nothing is cut */
    int problem_status; /* HTTP status of the problem in err, 0: none */
    char *problem;      /* owned: the API's problem object as it came, for --json */
};

/* Run one command line to its exit status.
 * Shape:  argv as main's; writes to standard output and error.
 * Units:  none.
 * Owns:   nothing retained.
 * Errors: as exit status: 0, 1, or sysexits.h's (64 usage, 69 unavailable, 75 temporary, 77
 *         permission, 78 configuration). */
int cli_main(int argc, char **argv, const char *const *environ_list);

/* Load the configuration once.
 * Shape:  into cli->config.
 * Units:  none.
 * Owns:   cli owns it.
 * Errors: as config_load. */
int cli_config(struct cli *cli, struct err *err);

/* The value of an environment variable, NULL when unset or empty. Trivial. */
const char *cli_environ(const struct cli *cli, const char *name);

/* Write text to standard output: it must be all of it, or the program failed.
 * Shape:  text->err must be TC_OK.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_ECLOSED nobody reads any more, TC_ENOSPC, TC_EIO; TC_ERANGE when text overflowed. */
int cli_print(const struct buf *text, struct err *err);

/* Write a line of talk to standard error, its control bytes escaped. Trivial. */
void cli_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
