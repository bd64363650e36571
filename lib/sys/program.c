/* The shell of every daemon: from the command line to a clean end. What the daemon does is in its
 * struct program. The only place that logs why a daemon ends. Called by each main. */
#include "lib/sys/program.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/sys/clock.h"
#include "lib/sys/clock_real.h"
#include "lib/sys/config.h"
#include "lib/sys/file.h"
#include "lib/sys/log.h"
#include "lib/sys/loop.h"
#include "lib/sys/opt.h"
#include "lib/sys/service.h"
#include "lib/sys/sig.h"

enum {
    CHECK_MS = 1000,
    HELP_BYTES_MAX = 64 * 1024,
};

/* One daemon in this process. The context is first, so that program_ready finds the rest. */
struct shell {
    struct program_context context;
    const struct program *program; /* borrowed */
    const char *config_path;
    const char *log_format;
    const char *log_level;
    bool is_help;
    bool is_version;
    bool is_check;
    struct config *config;
    struct clock_real *real;
    struct loop *loop;
    struct sig *sig;
    struct loop_timer *check;    /* of the wall clock, each second */
    struct loop_timer *watchdog; /* NULL without one */
    struct loop_timer *deadline; /* of the stop */
    int64_t watchdog_ms;
    bool is_ready;
    bool has_moved; /* since the watchdog was last fed */
    bool is_stopping;
};

static struct shell *shell_of(struct program_context *context)
{
    return (struct shell *)context;
}

void program_ready(struct program_context *context)
{
    struct shell *shell = shell_of(context);
    if (!shell->is_ready) {
        shell->is_ready = true;
        service_ready();
        log_info("program", "ready; pid=%d", (int)getpid());
    }
}

void program_progress(struct program_context *context)
{
    shell_of(context)->has_moved = true;
}

/* --- Events ------------------------------------------------------------------------------------ */

static void on_deadline(void *ctx)
{
    struct shell *shell = ctx;
    log_error("program", "did not stop in time; limit_ms=%d", PROGRAM_STOP_MS);
    loop_stop(shell->loop, TC_ETIMEDOUT);
}

static void on_stop(void *ctx, int signo)
{
    struct shell *shell = ctx;
    if (shell->is_stopping) {
        return;
    }
    shell->is_stopping = true;
    service_stopping();
    log_info("program", "stopping; signal=%s", sigabbrev_np(signo));
    loop_timer_in(shell->deadline, PROGRAM_STOP_MS);
    if (shell->program->stop != NULL) {
        shell->program->stop(&shell->context);
    } else {
        loop_stop(shell->loop, TC_OK);
    }
}

static void on_reload(void *ctx)
{
    struct shell *shell = ctx;
    if (shell->program->reload == NULL || shell->is_stopping) {
        return;
    }
    struct config *fresh = NULL;
    struct err err = ERR_INIT;
    service_reloading();
    if (config_load(shell->config_path, (const char *const *)environ, shell->program->sections,
                    &fresh, &err) == TC_OK) {
        struct config *old = shell->config;
        shell->config = fresh;
        shell->context.config = fresh;
        shell->program->reload(&shell->context);
        (void)config_free(old); /* returns NULL */
        log_info("program", "configuration reloaded");
    } else {
        log_error("program", "configuration kept, the new one is unusable; error=%s", err.text);
    }
    service_ready();
}

static void on_check(void *ctx)
{
    struct shell *shell = ctx;
    int64_t step_ms = 0;
    loop_timer_in(shell->check, CHECK_MS);
    if (clock_real_check(shell->real, &step_ms)) {
        log_warn("program", "the wall clock stepped, deadlines follow; step_ms=%jd",
                 (intmax_t)step_ms);
        if (shell->program->stepped != NULL) {
            shell->program->stepped(&shell->context, step_ms);
        }
    }
}

/* A loop that turns but achieves nothing is hung as well: only work that moved feeds the dog. */
static void on_watchdog(void *ctx)
{
    struct shell *shell = ctx;
    loop_timer_in(shell->watchdog, shell->watchdog_ms / 3);
    if (shell->has_moved || shell->is_stopping) {
        shell->has_moved = false;
        service_alive();
    }
}

/* --- From start to end ------------------------------------------------------------------------- */

static void start_log(const struct shell *shell)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    const char *level_name = shell->log_level != NULL ? shell->log_level : shell->config->log.level;
    const char *format_name =
        shell->log_format != NULL ? shell->log_format : shell->config->log.format;
    enum log_level level = LOG_LEVEL_ERROR;
    while (level < LOG_LEVEL_DEBUG && !str_eq(levels[level], level_name)) {
        level++;
    }
    enum log_format format = LOG_FORMAT_TEXT;
    if (str_eq(format_name, "json")) {
        format = LOG_FORMAT_JSON;
    } else if (str_eq(format_name, "journal") ||
               (str_eq(format_name, "auto") && service_has_journal())) {
        format = LOG_FORMAT_JOURNAL;
    }
    log_start(shell->program->name, format, level, clock_real_clock(shell->real));
}

static int make_clock(struct shell *shell, struct err *err)
{
    struct clock_real_options options = {.rate = 1};
    options.since_utc_ms = shell->config->demo_since_utc_ms;
    int code = clock_rate_read(secure_getenv("TOCSIN_CLOCK_RATE"), shell->config->is_demo,
                               options.since_utc_ms, &options.rate, err);
    if (code == TC_OK) {
        shell->real = clock_real_new(&options);
        shell->context.clock = clock_real_clock(shell->real);
    }
    return code;
}

static int make_loop(struct shell *shell, struct err *err)
{
    shell->loop = loop_new(shell->context.clock);
    shell->context.loop = shell->loop;
    const struct sig_handlers handlers = {.stop = on_stop, .reload = on_reload, .ctx = shell};
    int code = sig_new(shell->loop, &handlers, &shell->sig, err);
    if (code != TC_OK) {
        return code;
    }
    shell->check = loop_timer_new(shell->loop, on_check, shell);
    shell->deadline = loop_timer_new(shell->loop, on_deadline, shell);
    loop_timer_in(shell->check, CHECK_MS);
    shell->watchdog_ms = service_watchdog_ms();
    if (shell->watchdog_ms > 0) {
        shell->watchdog = loop_timer_new(shell->loop, on_watchdog, shell);
        loop_timer_in(shell->watchdog, shell->watchdog_ms / 3);
    }
    return TC_OK;
}

static int run(struct shell *shell, struct err *err)
{
    const struct rlimit no_core = {0, 0};
    if (setrlimit(RLIMIT_CORE, &no_core) != 0) {
        return err_set(err, TC_EPERM, "cannot forbid core dumps, which would hold secrets");
    }
    int code = make_clock(shell, err);
    if (code != TC_OK) {
        return code;
    }
    start_log(shell);
    code = make_loop(shell, err);
    if (code == TC_OK) {
        code = shell->program->start(&shell->context, err);
    }
    if (code == TC_OK) {
        code = loop_run(shell->loop, err);
    }
    if (shell->program->end != NULL) {
        shell->program->end(&shell->context);
    }
    return code;
}

static void print(int fd, const struct buf *text)
{
    (void)file_write_fd(fd, text->p, text->len); /* nobody is left to be told */
}

static void print_help(const struct shell *shell, const struct opt *opts)
{
    const struct program *program = shell->program;
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, HELP_BYTES_MAX);
    buf_add_fmt(&out, "Usage: tocsin-%s [OPTIONS]%s%s\n\n%s\n\n", program->name,
                program->operands == NULL ? "" : " ",
                program->operands == NULL ? "" : program->operands, program->doc);
    opt_describe(opts, &out);
    print(STDOUT_FILENO, &out);
}

static int report(int code, const struct err *err)
{
    if (code != TC_OK && err->code != TC_OK) {
        log_error("program", "%s", err->text);
    }
    return opt_exit_status(code);
}

static int main_with(struct shell *shell, const struct opt *opts, int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct opt_list operands;
    int code = opt_parse(opts, argc, argv, &operands, &err);
    if (code != TC_OK) {
        (void)report(code, &err);
        return EX_USAGE;
    }
    if (shell->is_help) {
        print_help(shell, opts);
        return EX_OK;
    }
    if (shell->is_version) {
        static const char version[] = "tocsin " TOCSIN_VERSION "\n";
        (void)file_write_fd(STDOUT_FILENO, version, sizeof(version) - 1);
        return EX_OK;
    }
    if (operands.count != shell->program->operand_count) {
        const char *wanted = shell->program->operands;
        (void)err_set(&err, TC_EINVAL, "tocsin-%s takes %s and nothing else; see --help",
                      shell->program->name, wanted == NULL ? "options" : wanted);
        return report(TC_EINVAL, &err);
    }
    shell->context.operands = operands.items;
    shell->context.operand_count = operands.count;
    code = config_load(shell->config_path, (const char *const *)environ, shell->program->sections,
                       &shell->config, &err);
    if (code == TC_ENOENT) {
        (void)err_ctx(&err, "no configuration (give --config FILE)"); /* the code stays */
    }
    if (code != TC_OK) {
        (void)report(code, &err);
        return code == TC_EPERM ? EX_NOPERM : EX_CONFIG;
    }
    shell->context.config = shell->config;
    if (shell->is_check) {
        bool has_more = shell->program->check != NULL;
        code = has_more ? shell->program->check(&shell->context, &err) : TC_OK;
        (void)report(code, &err); /* whatever is wrong, it is the configuration */
        return code == TC_OK ? EX_OK : EX_CONFIG;
    }
    code = run(shell, &err);
    return report(code, &err);
}

int program_main(const struct program *program, int argc, char **argv)
{
    TC_ASSERT(program->start != NULL);
    sig_block();
    static const char *const formats[] = {"auto", "text", "json", "journal", NULL};
    static const char *const levels[] = {"error", "warn", "info", "debug", NULL};
    struct shell shell = {.program = program};
    const struct opt opts[] = {
        {.name = "config",
         .letter = 'c',
         .type = OPT_TEXT,
         .arg = "FILE",
         .doc = "Configuration (default /etc/tocsin/tocsin.yaml)",
         .to = &shell.config_path},
        {.name = "log-format",
         .type = OPT_CHOICE,
         .arg = "auto|text|json|journal",
         .doc = "How log records are written",
         .to = &shell.log_format,
         .choices = formats},
        {.name = "log-level",
         .type = OPT_CHOICE,
         .arg = "error|warn|info|debug",
         .doc = "The least severe records written",
         .to = &shell.log_level,
         .choices = levels},
        {.name = "check-config",
         .type = OPT_FLAG,
         .doc = "Only check the configuration",
         .to = &shell.is_check},
        {.name = "help",
         .letter = 'h',
         .type = OPT_FLAG,
         .doc = "Print this help",
         .to = &shell.is_help},
        {.name = "version",
         .letter = 'V',
         .type = OPT_FLAG,
         .doc = "Print the version",
         .to = &shell.is_version},
        {.name = NULL},
    };
    int status = main_with(&shell, opts, argc, argv);
    (void)sig_free(shell.sig);
    (void)loop_free(shell.loop);
    /* The log keeps the clock: it is told that there is none any more. */
    log_start(program->name, LOG_FORMAT_TEXT, LOG_LEVEL_WARN, NULL);
    (void)clock_real_free(shell.real);
    (void)config_free(shell.config);
    return status;
}
