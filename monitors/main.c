/* tocsin-check: the built-in checks, one request or a line after the other. What it wires; the logic
 * is serve.c's and check.c's. Started by the runner, and by people who try a check. */
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/sys/clock_real.h"
#include "lib/sys/config.h"
#include "lib/sys/file.h"
#include "lib/sys/log.h"
#include "lib/sys/opt.h"
#include "monitors/check.h"
#include "monitors/serve.h"
#include "monitors/source.h"
#include "monitors/sql.h"

enum {
    TEXT_BYTES = 64 * 1024,
};

static const char *config_path;
static bool is_worker;
static bool is_describe;
static bool is_check;
static bool is_help;
static bool is_version;

static const struct opt opts[] = {
    {.name = "config",
     .letter = 'c',
     .type = OPT_TEXT,
     .arg = "FILE",
     .doc = "Configuration (default /etc/tocsin/tocsin.yaml)",
     .to = &config_path},
    {.name = "worker",
     .type = OPT_FLAG,
     .doc = "Answer each line of standard input with a line",
     .to = &is_worker},
    {.name = "describe",
     .type = OPT_FLAG,
     .doc = "Print what the check's params may be",
     .to = &is_describe},
    {.name = "check-config",
     .type = OPT_FLAG,
     .doc = "Only check what checks read of the configuration",
     .to = &is_check},
    {.name = "help", .letter = 'h', .type = OPT_FLAG, .doc = "Print this help", .to = &is_help},
    {.name = "version",
     .letter = 'V',
     .type = OPT_FLAG,
     .doc = "Print the version",
     .to = &is_version},
    {.name = NULL},
};

static int print(const struct buf *text)
{
    return file_write_fd(STDOUT_FILENO, text->p, text->len) == TC_OK ? EX_OK : EXIT_FAILURE;
}

static int print_help(void)
{
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, TEXT_BYTES);
    buf_add_str(&out, "Usage: tocsin-check [OPTIONS] KIND <REQUEST\n\n"
                      "Look at one thing and say as JSON whether it is well. REQUEST is one JSON\n"
                      "object: {\"params\": {...}, \"timeoutSeconds\": 30}.\n\n");
    for (const struct check_ops *const *ops = check_kinds; *ops != NULL; ops++) {
        buf_add_fmt(&out, "  %-6s %s\n", (*ops)->name, (*ops)->doc);
    }
    buf_add_char(&out, '\n');
    opt_describe(opts, &out);
    return print(&out);
}

static int print_manual(const struct check_ops *ops)
{
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, TEXT_BYTES);
    check_describe(ops, &out);
    if (str_eq(ops->name, "sql")) {
        buf_add_str(&out, "\nA source, in runner.sources of the configuration:\n\n");
        source_describe(&out);
    }
    return print(&out);
}

/* Whatever is wrong with the configuration is an answer of those checks that need it. */
static int serve(const struct check_ops *ops)
{
    struct err err = ERR_INIT;
    TC_CLEANUP(config_freep) struct config *config = NULL;
    TC_CLEANUP(clock_real_freep) struct clock_real *real = clock_real_new(NULL);
    struct check_host host = {.clock = clock_real_clock(real)};
    if (config_load(config_path, (const char *const *)environ, source_sections, &config, &err) !=
        TC_OK) {
        host.problem = err.text;
    }
    host.config = config;
    host.sql = sql_pool_new();
    int rc = is_worker ? serve_lines(&host, ops, STDIN_FILENO, STDOUT_FILENO)
                       : serve_once(&host, ops, STDIN_FILENO, STDOUT_FILENO);
    host.sql = sql_pool_free(host.sql);
    return rc == TC_OK ? EX_OK : EXIT_FAILURE;
}

static int check_config(void)
{
    struct err err = ERR_INIT;
    TC_CLEANUP(config_freep) struct config *config = NULL;
    int rc = config_load(config_path, (const char *const *)environ, source_sections, &config, &err);
    if (rc == TC_OK) {
        rc = source_check_all(config, &err);
    }
    if (rc != TC_OK) {
        log_error("check", "%s", err.text);
        return rc == TC_EPERM ? EX_NOPERM : EX_CONFIG;
    }
    return EX_OK;
}

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct opt_list operands;
    if (opt_parse(opts, argc, argv, &operands, &err) != TC_OK) {
        log_error("check", "%s", err.text);
        return EX_USAGE;
    }
    if (is_help) {
        return print_help();
    }
    if (is_version) {
        static const char version[] = "tocsin " TOCSIN_VERSION "\n";
        return file_write_fd(STDOUT_FILENO, version, sizeof(version) - 1) == TC_OK ? EX_OK
                                                                                   : EXIT_FAILURE;
    }
    if (is_check && operands.count == 0) {
        return check_config();
    }
    const struct check_ops *ops = operands.count == 1 ? check_find(operands.items[0]) : NULL;
    if (ops == NULL && !(is_worker && operands.count == 0)) {
        log_error("check", "KIND must be one of sql, http, tcp, disk, file: see --help");
        return EX_USAGE;
    }
    return is_describe && ops != NULL ? print_manual(ops) : serve(ops);
}
