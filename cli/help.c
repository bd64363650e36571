/* Finds commands by their words and prints help and the manual from their table. Runs nothing. Called by
 * cli.c. */
#include <string.h>

#include "cli/commands.h"
#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"

/* The first word of a path. */
static size_t group_size(const char *path)
{
    return strcspn(path, " ");
}

static bool is_in_group(const struct command *command, const char *group)
{
    size_t size = group_size(command->path);
    return command->path[size] == ' ' && strlen(group) == size &&
           strncmp(command->path, group, size) == 0;
}

bool command_is_group(const char *word)
{
    for (const struct command *c = command_all(); c->path != NULL; c++) {
        if (is_in_group(c, word)) {
            return true;
        }
    }
    return false;
}

static const struct command *find_path(const char *first, const char *second)
{
    for (const struct command *c = command_all(); c->path != NULL; c++) {
        bool is_here = second == NULL ? str_eq(c->path, first)
                                      : is_in_group(c, first) &&
                                            str_eq(c->path + group_size(c->path) + 1, second);
        if (is_here) {
            return c;
        }
    }
    return NULL;
}

/* "did you mean" over first words, or over the verbs of a group. */
static int fail_unknown(const char *group, const char *word, struct err *err)
{
    TC_CLEANUP(mem_freep) char *best = NULL;
    for (const struct command *c = command_all(); c->path != NULL; c++) {
        if (group != NULL && !is_in_group(c, group)) {
            continue;
        }
        size_t skip = group == NULL ? 0 : strlen(group) + 1;
        TC_CLEANUP(mem_freep)
        char *candidate =
            group == NULL ? mem_dup(c->path, group_size(c->path)) : mem_strdup(c->path + skip);
        if (str_nearer(word, best, candidate) == candidate) {
            mem_free(best);
            best = TC_TAKE_PTR(candidate);
        }
    }
    if (group == NULL) {
        return err_set(err, TC_ENOENT, "there is no command \"%s\"%s%s%s; see tocsin --help", word,
                       best == NULL ? "" : ", did you mean \"", best == NULL ? "" : best,
                       best == NULL ? "" : "\"");
    }
    return err_set(err, TC_ENOENT, "there is no command \"%s %s\"%s%s%s%s%s; see tocsin %s --help",
                   group, word, best == NULL ? "" : ", did you mean \"", best == NULL ? "" : group,
                   best == NULL ? "" : " ", best == NULL ? "" : best, best == NULL ? "" : "\"",
                   group);
}

int command_find(const char *const *words, size_t count, const struct command **ret_command,
                 size_t *ret_taken, struct err *err)
{
    TC_ASSERT(count > 0);
    const struct command *command = find_path(words[0], NULL);
    size_t taken = 1;
    if (command == NULL && !command_is_group(words[0])) {
        return fail_unknown(NULL, words[0], err);
    }
    if (command == NULL) {
        if (count < 2) {
            return err_set(err, TC_EINVAL, "%s needs one of its commands; see tocsin %s --help",
                           words[0], words[0]);
        }
        command = find_path(words[0], words[1]);
        taken = 2;
    }
    if (command == NULL) {
        return fail_unknown(words[0], words[1], err);
    }
    *ret_command = command;
    *ret_taken = taken;
    return TC_OK;
}

static struct opt bind(const struct command_option *option, struct cli_args *args)
{
    return (struct opt){.name = option->name,
                        .letter = option->letter,
                        .type = option->type,
                        .arg = option->arg,
                        .doc = option->doc,
                        .to = (char *)args + option->to,
                        .min = option->min,
                        .max = option->max,
                        .choices = option->choices};
}

void command_bind(const struct command *command, struct cli_args *args, struct opt *ret_opts)
{
    size_t count = 0;
    const struct command_option *const tables[] = {command == NULL ? NULL : command->options,
                                                   command_general_options()};
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        for (const struct command_option *o = tables[i]; o != NULL && o->name != NULL; o++) {
            TC_ASSERT(count < COMMAND_OPTIONS_MAX - 1);
            ret_opts[count++] = bind(o, args);
        }
    }
    ret_opts[count] = (struct opt){.name = NULL};
}

/* --- Help -------------------------------------------------------------------------------------- */

static void describe(const struct command_option *options, struct buf *out)
{
    struct opt opts[COMMAND_OPTIONS_MAX];
    size_t count = 0;
    for (const struct command_option *o = options; o != NULL && o->name != NULL; o++) {
        opts[count] = (struct opt){.name = o->name, .letter = o->letter, .type = o->type};
        opts[count].arg = o->arg;
        opts[count++].doc = o->doc;
    }
    opts[count] = (struct opt){.name = NULL};
    opt_describe(opts, out);
}

void command_help_group(const char *group, struct buf *out)
{
    enum {
        DOC_COLUMN = 24,
    };
    if (group == NULL) {
        buf_add_str(out, "usage: tocsin [OPTION...] COMMAND [OPTION...] [OPERAND...]\n\n"
                         "Watches what a business depends on and tells people when it fails.\n");
    } else {
        buf_add_fmt(out, "usage: tocsin %s COMMAND [OPTION...] [OPERAND...]\n", group);
    }
    buf_add_str(out, "\nCommands:\n");
    for (const struct command *c = command_all(); c->path != NULL; c++) {
        if (group != NULL && !is_in_group(c, group)) {
            continue;
        }
        size_t start = out->len;
        buf_add_fmt(out, "  %s", c->path);
        do {
            buf_add_char(out, ' ');
        } while (out->err == TC_OK && out->len - start < DOC_COLUMN);
        buf_add_fmt(out, "%s\n", c->doc);
    }
    buf_add_str(out, "\nGeneral options:\n");
    describe(command_general_options(), out);
    buf_add_fmt(out, "\nSee tocsin %s --help for each of them.\n",
                group == NULL ? "COMMAND" : group);
}

static void usage(const struct command *command, struct buf *out)
{
    buf_add_fmt(
        out, "tocsin %s%s%s%s", command->path, command->options == NULL ? "" : " [OPTION...]",
        command->operands == NULL ? "" : " ", command->operands == NULL ? "" : command->operands);
}

void command_help(const struct command *command, struct buf *out)
{
    buf_add_str(out, "usage: ");
    usage(command, out);
    buf_add_fmt(out, "\n\n%s\n", command->doc);
    if (command->more != NULL) {
        buf_add_fmt(out, "\n%s\n", command->more);
    }
    if (command->options != NULL) {
        buf_add_str(out, "\nOptions:\n");
        describe(command->options, out);
    }
    buf_add_str(out, "\nGeneral options:\n");
    describe(command_general_options(), out);
}

void command_manual(struct buf *out)
{
    buf_add_str(
        out, "# The command line\n\n"
             "<!-- Printed from the table of commands; `ctest -R cli/manual` says when it is old. "
             "-->\n\n"
             "`tocsin [OPTION...] COMMAND [OPTION...] [OPERAND...]`. Data goes to standard output, "
             "talk to standard error. With `--json` standard output is one JSON value, on "
             "errors a problem object (RFC 9457). Colour is used on a terminal only and never with "
             "`NO_COLOR`.\n\n"
             "Exit status: 0 done, 1 failed, 64 wrong usage, 69 tocsin can't be reached, 75 try "
             "again later, 77 not allowed, 78 the configuration is unusable.\n\n"
             "General options, valid for every command:\n\n```\n");
    describe(command_general_options(), out);
    buf_add_str(out, "```\n");
    for (const struct command *c = command_all(); c->path != NULL; c++) {
        buf_add_fmt(out, "\n## tocsin %s\n\n%s\n\n```\n", c->path, c->doc);
        usage(c, out);
        buf_add_char(out, '\n');
        describe(c->options, out);
        buf_add_str(out, "```\n");
        if (c->more != NULL) {
            buf_add_fmt(out, "\n```\n%s\n```\n", c->more);
        }
    }
}
