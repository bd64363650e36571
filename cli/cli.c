/* One command line from its words to its exit status: finds the command, reads its options, runs it,
 * tells what went wrong on both streams. What commands do is in their own files. Called by main.c. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/commands.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/escape.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/sys/clock.h"
#include "lib/sys/clock_real.h"
#include "lib/sys/config.h"
#include "lib/sys/file.h"
#include "lib/sys/log.h"

enum {
    HELP_BYTES_MAX = 256 * 1024,
    LINE_BYTES_MAX = 16 * 1024,
};

const char *cli_environ(const struct cli *cli, const char *name)
{
    size_t size = strlen(name);
    for (const char *const *entry = cli->environ_list; *entry != NULL; entry++) {
        if (strncmp(*entry, name, size) == 0 && (*entry)[size] == '=') {
            return (*entry)[size + 1] == '\0' ? NULL : *entry + size + 1;
        }
    }
    return NULL;
}

int cli_config(struct cli *cli, struct err *err)
{
    if (cli->config != NULL) {
        return TC_OK;
    }
    int code = config_load(cli->args.config, cli->environ_list, NULL, &cli->config, err);
    if (code == TC_ENOENT && err != NULL) {
        (void)err_ctx(err, "no configuration (give --config FILE, or make one with tocsin init "
                           "--dir DIR)"); /* the code is set below */
        err->code = TC_ECONFIG;
    }
    return code == TC_ENOENT ? TC_ECONFIG : code;
}

int cli_print(const struct buf *text, struct err *err)
{
    if (text->err != TC_OK) {
        return err_set(err, TC_ERANGE, "the output is too large");
    }
    int code = file_write_fd(STDOUT_FILENO, text->p, text->len);
    return code == TC_OK ? TC_OK : err_set(err, code, "cannot write to standard output");
}

void cli_say(const char *fmt, ...)
{
    TC_CLEANUP(buf_freep) struct buf text;
    TC_CLEANUP(buf_freep) struct buf line;
    buf_init(&text, LINE_BYTES_MAX);
    buf_init(&line, (size_t)4 * LINE_BYTES_MAX);
    va_list args;
    va_start(args, fmt);
    buf_add_vfmt(&text, fmt, args);
    va_end(args);
    escape_line(&line, text.p, text.len);
    buf_add_char(&line, '\n');
    (void)file_write_fd(STDERR_FILENO, line.p, line.len); /* nobody is left to be told */
}

/* --- Errors ------------------------------------------------------------------------------------ */

static void print_problem(const struct cli *cli, const struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, LIMIT_RESPONSE_BYTES + LINE_BYTES_MAX);
    if (cli->problem != NULL) {
        buf_add_str(&out, cli->problem);
    } else {
        struct json_enc enc;
        json_enc_start(&enc, &out);
        json_enc_obj(&enc, NULL);
        json_enc_str(&enc, "type", "about:blank");
        json_enc_str(&enc, "title", err_name(err->code));
        if (cli->problem_status != 0) {
            json_enc_i64(&enc, "status", cli->problem_status);
        }
        json_enc_str(&enc, "detail", err->text);
        json_enc_obj_end(&enc);
    }
    buf_add_char(&out, '\n');
    (void)file_write_fd(STDOUT_FILENO, out.p, out.len); /* the exit status tells it as well */
}

static int fail(const struct cli *cli, const struct err *err, int status)
{
    cli_say("tocsin: %s", err->text);
    if (cli->args.is_json) {
        print_problem(cli, err);
    }
    return status;
}

/* --- Words ------------------------------------------------------------------------------------- */

static bool takes_value(const char *word)
{
    for (const struct command_option *o = command_general_options(); o->name != NULL; o++) {
        bool is_long = str_has_prefix(word, "--") && str_eq(word + 2, o->name);
        bool is_short = o->letter != 0 && word[0] == '-' && word[1] == o->letter && word[2] == '\0';
        if (is_long || is_short) {
            return o->type != OPT_FLAG;
        }
    }
    return false;
}

/* Where the command's words begin behind general options, and how many follow each other (two at
 * most matter). */
static size_t find_words(int argc, char **argv, const char **ret_words, int *ret_at)
{
    int at = 1;
    while (at < argc && argv[at][0] == '-' && argv[at][1] != '\0' && !str_eq(argv[at], "--")) {
        at += takes_value(argv[at]) ? 2 : 1;
    }
    size_t count = 0;
    *ret_at = at;
    while (count < 2 && at + (int)count < argc && argv[at + (int)count][0] != '-') {
        ret_words[count] = argv[at + (int)count];
        count++;
    }
    return count;
}

static bool wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc && !str_eq(argv[i], "--"); i++) {
        if (str_eq(argv[i], "--json")) {
            return true;
        }
    }
    return false;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && !str_eq(argv[i], "--"); i++) {
        if (str_eq(argv[i], "--help") || str_eq(argv[i], "-h")) {
            return true;
        }
    }
    return false;
}

static int print_help(const struct command *command, const char *group)
{
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, HELP_BYTES_MAX);
    if (command != NULL) {
        command_help(command, &out);
    } else {
        command_help_group(group, &out);
    }
    return cli_print(&out, NULL) == TC_OK ? EX_OK : EXIT_FAILURE;
}

/* --- Running ----------------------------------------------------------------------------------- */

static bool is_coloured(const struct cli *cli)
{
    const char *color = cli->args.color;
    const char *term = cli_environ(cli, "TERM");
    if (color != NULL && !str_eq(color, "auto")) {
        return str_eq(color, "always");
    }
    return isatty(STDOUT_FILENO) == 1 && cli_environ(cli, "NO_COLOR") == NULL &&
           (term == NULL || !str_eq(term, "dumb"));
}

static size_t terminal_width(void)
{
    struct winsize size;
    if (isatty(STDOUT_FILENO) != 1 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) {
        return 0;
    }
    return size.ws_col;
}

static int check_operands(const struct cli *cli, struct err *err)
{
    const struct command *command = cli->command;
    size_t count = cli->operands.count;
    if (count < command->operand_min) {
        return err_set(err, TC_EINVAL, "tocsin %s needs %s; see tocsin %s --help", command->path,
                       command->operands, command->path);
    }
    if (count > command->operand_max) {
        return err_set(err, TC_EINVAL,
                       "tocsin %s does not know what to do with \"%s\"; see "
                       "tocsin %s --help",
                       command->path, cli->operands.items[command->operand_max], command->path);
    }
    return TC_OK;
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct clock_real *real = clock_real_new(NULL);
    cli->clock = clock_real_clock(real);
    cli->is_coloured = is_coloured(cli);
    cli->width = terminal_width();
    int code = cli->command->run(cli, &err);
    int status = opt_exit_status(code);
    if (code != TC_OK && err.code != TC_OK) {
        status = fail(cli, &err, status);
    }
    (void)config_free(cli->config); /* returns NULL */
    mem_free(cli->problem);
    /* The log keeps the clock: it is told that there is none any more. */
    log_start("tocsin", LOG_FORMAT_TEXT, LOG_LEVEL_WARN, NULL);
    (void)clock_real_free(real); /* returns NULL */
    return status;
}

/* Read all options now that the command is known; its words are skipped. */
static int parse(struct cli *cli, int argc, char **argv, int at, size_t taken, struct err *err)
{
    struct opt opts[COMMAND_OPTIONS_MAX];
    command_bind(cli->command, &cli->args, opts);
    char **rest = mem_array((size_t)argc + 1, sizeof(*rest));
    int count = 0;
    for (int i = 0; i < argc; i++) {
        if (i < at || i >= at + (int)taken) {
            rest[count++] = argv[i];
        }
    }
    int code = opt_parse(opts, count, rest, &cli->operands, err);
    mem_free(rest);
    if (code == TC_OK && cli->command != NULL) {
        code = check_operands(cli, err);
    }
    return code;
}

static int print_version(void)
{
    static const char version[] = "tocsin " TOCSIN_VERSION "\n";
    int code = file_write_fd(STDOUT_FILENO, version, sizeof(version) - 1);
    return code == TC_OK ? EX_OK : EXIT_FAILURE;
}

int cli_main(int argc, char **argv, const char *const *environ_list)
{
    struct err err = ERR_INIT;
    struct cli cli = {.environ_list = environ_list};
    cli.args.is_json = wants_json(argc, argv);
    cli.args.count = CLI_UNSET;
    cli.args.required_oks = CLI_UNSET;
    cli.args.required_failures = CLI_UNSET;
    cli.args.reminder_minutes = CLI_UNSET;
    cli.args.timeout_s = CLI_UNSET;
    cli.args.wait_s = CLI_UNSET;
    cli.args.for_ms = CLI_UNSET;
    cli.args.keep_minutes = CLI_UNSET;
    const char *words[2] = {NULL, NULL};
    int at = 1;
    size_t taken = 0;
    size_t count = find_words(argc, argv, words, &at);
    bool is_help = wants_help(argc, argv);
    if (is_help && (count == 0 || (count == 1 && command_is_group(words[0])))) {
        return print_help(NULL, words[0]);
    }
    int code = count == 0 ? TC_OK : command_find(words, count, &cli.command, &taken, &err);
    if (code == TC_OK && is_help) {
        return print_help(cli.command, NULL);
    }
    if (code == TC_OK) {
        code = parse(&cli, argc, argv, at, taken, &err);
    }
    if (code == TC_OK && cli.args.is_version) {
        return print_version();
    }
    if (code == TC_OK && cli.command != NULL) {
        return run(&cli);
    }
    if (code == TC_OK) { /* nor was an option wrong */
        (void)err_set(&err, TC_EINVAL, "a command is missing; see tocsin --help");
    }
    return fail(&cli, &err, EX_USAGE);
}
