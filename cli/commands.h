#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/sys/opt.h"

struct buf;
struct cli;
struct cli_args;

/* The one table of commands: parsing, help on every level and docs/manual/cli.md follow it. */

/* An option as data: struct opt with the place of its value in struct cli_args. */
struct command_option {
    const char *name; /* NULL ends a table */
    char letter;
    enum opt_type type;
    const char *arg;
    const char *doc;
    size_t to; /* offset in struct cli_args */
    int64_t min;
    int64_t max;
    const char *const *choices;
};

struct command {
    const char *path;     /* "monitor add"; NULL ends the table */
    const char *operands; /* as help shows them; NULL: takes none */
    size_t operand_min;
    size_t operand_max;
    const char *doc;  /* one line */
    const char *more; /* lines below it in help: details and examples; NULL: none */
    const struct command_option *options; /* NULL: none but the general ones */
    int (*run)(struct cli *cli, struct err *err);
};

/* All commands, alike groups together; the options that each of them takes. Trivial. */
const struct command *command_all(void);
const struct command_option *command_general_options(void);

enum {
    COMMAND_OPTIONS_MAX = 48,
};

/* Bind the options of a command, and the general ones behind them, to the places of their values.
 * Shape:  ret_opts has COMMAND_OPTIONS_MAX entries, ended by a NULL name; command NULL: the general
 *         ones alone.
 * Units:  none.
 * Owns:   borrows args.
 * Errors: none. */
void command_bind(const struct command *command, struct cli_args *args, struct opt *ret_opts);

/* Find the command that words begin with.
 * Shape:  words without options; ret_taken: how many of them are its name.
 * Units:  none.
 * Owns:   static.
 * Errors: TC_ENOENT no such command (with the nearest); TC_EINVAL a group without a verb. */
int command_find(const char *const *words, size_t count, const struct command **ret_command,
                 size_t *ret_taken, struct err *err);

/* Whether word is the first of commands with two. Trivial. */
bool command_is_group(const char *word);

/* Help: of the program (group NULL), of a group, of one command; the manual page of all of them.
 * Trivial. */
void command_help_group(const char *group, struct buf *out);
void command_help(const struct command *command, struct buf *out);
void command_manual(struct buf *out);

#endif
