/* up: runs all programs of this host, each restarted by itself when it ends (docs/spec.md 5.6), and stops
 * them in an order that loses nothing: runner and web, then notifiers, then the router. */
#include "cli/up.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/verbs.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "lib/sys/clock.h"
#include "lib/sys/config.h"
#include "lib/sys/file.h"
#include "lib/sys/log.h"
#include "lib/sys/loop.h"
#include "lib/sys/service.h"
#include "lib/sys/sig.h"

enum {
    /* What a stage has before it is killed: three of them stay below 30 s. */
    STAGE_MS = 9 * 1000,
    STATE_BYTES_MAX = 64 * 1024,
};

/* --- Telling ----------------------------------------------------------------------------------- */

static void announce(struct up *up)
{
    const struct config *config = up->cli->config;
    TC_CLEANUP(mem_freep) char *token = file_join(config->dir, "admin.token");
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, STATE_BYTES_MAX);
    bool has_token = access(token, F_OK) == 0;
    if (up->cli->args.is_json) {
        struct json_enc enc;
        json_enc_start(&enc, &out);
        json_enc_obj(&enc, NULL);
        json_enc_str(&enc, "url", config->web.public_url);
        json_enc_str(&enc, "tokenFile", has_token ? token : NULL);
        json_enc_obj_end(&enc);
        buf_add_char(&out, '\n');
    } else {
        buf_add_fmt(&out, "tocsin is ready: %s/%s%s%s\n", config->web.public_url,
                    has_token ? " (token in " : "", has_token ? token : "", has_token ? ")" : "");
    }
    (void)cli_print(&out, NULL); /* it runs on with nobody reading */
    service_ready();
}

static void write_state(const struct up *up)
{
    TC_CLEANUP(buf_freep) struct buf text;
    TC_CLEANUP(mem_freep) char *path = file_join(up->cli->config->state_dir, "up.json");
    struct err err = ERR_INIT;
    buf_init(&text, STATE_BYTES_MAX);
    up_write_state(up, &text);
    if (file_write(path, 0644, text.p, text.len, &err) != TC_OK) {
        log_warn("supervise", "the state for tocsin doctor can't be written; error=%s", err.text);
    }
}

static size_t count_in(const struct up *up, enum worker_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < up->count; i++) {
        count += up->workers[i].state == state ? 1 : 0;
    }
    return count;
}

/* --- Stopping ---------------------------------------------------------------------------------- */

static bool is_stage_over(const struct up *up)
{
    for (size_t i = 0; i < up->count; i++) {
        if (up->workers[i].sibling.stage == up->stage && worker_runs(&up->workers[i])) {
            return false;
        }
    }
    return true;
}

static void signal_stage(const struct up *up, int signo)
{
    for (size_t i = 0; i < up->count; i++) {
        const struct worker *worker = &up->workers[i];
        if (worker->sibling.stage != up->stage || !worker_runs(worker)) {
            continue;
        }
        if (signo == SIGKILL) {
            log_warn("supervise", "did not stop in time and is killed; program=%s",
                     worker->sibling.label);
            child_signal(&worker->child, SIGKILL);
        } else {
            worker_signal(worker, signo);
        }
    }
}

static void on_deadline(void *ctx)
{
    signal_stage(ctx, SIGKILL);
}

/* Begin with the next stage that has anything running, or end. */
static void stop_next(struct up *up)
{
    while (is_stage_over(up)) {
        if (up->stage == SIBLING_ROUTER) {
            loop_stop(up->loop, TC_OK);
            return;
        }
        up->stage--;
    }
    signal_stage(up, SIGTERM);
    loop_timer_in(up->deadline, STAGE_MS);
}

static void on_stop(void *ctx, int signo)
{
    struct up *up = ctx;
    if (up->is_stopping) {
        return;
    }
    up->is_stopping = true;
    service_stopping();
    log_info("supervise", "stopping; signal=%s", sigabbrev_np(signo));
    for (size_t i = 0; i < up->count; i++) {
        if (up->workers[i].timer != NULL) {
            loop_timer_stop(up->workers[i].timer);
        }
    }
    up->stage = SIBLING_EDGE;
    stop_next(up);
}

static void on_reload(void *ctx)
{
    struct up *up = ctx;
    log_info("supervise", "telling every program to reload its configuration");
    for (size_t i = 0; i < up->count; i++) {
        worker_signal(&up->workers[i], SIGHUP);
    }
}

void up_changed(struct up *up)
{
    write_state(up);
    if (up->is_stopping) {
        if (is_stage_over(up)) {
            stop_next(up);
        }
        return;
    }
    if (!up->was_ready && count_in(up, WORKER_READY) == up->count) {
        up->was_ready = true;
        announce(up);
    }
}

/* --- Starting ---------------------------------------------------------------------------------- */

/* The caller's environment but what is between it and its own service manager. */
static void make_environ(struct up *up)
{
    static const char *const own[] = {
        "NOTIFY_SOCKET=", "WATCHDOG_USEC=", "WATCHDOG_PID=", "LISTEN_FDS=", "LISTEN_PID=", NULL};
    size_t total = 0;
    while (up->cli->environ_list[total] != NULL) {
        total++;
    }
    up->environ_list = mem_array(total + 2, sizeof(*up->environ_list));
    size_t count = 0;
    for (size_t i = 0; i < total; i++) {
        bool is_own = false;
        for (const char *const *name = own; *name != NULL; name++) {
            is_own |= str_has_prefix(up->cli->environ_list[i], *name);
        }
        if (!is_own) {
            up->environ_list[count++] = up->cli->environ_list[i];
        }
    }
    up->environ_list[count] = up->notify_env;
}

static void begin_log(const struct cli *cli)
{
    bool is_journal = str_eq(cli->config->log.format, "journal") ||
                      (str_eq(cli->config->log.format, "auto") && service_has_journal());
    enum log_format format = LOG_FORMAT_TEXT;
    if (is_journal) {
        format = LOG_FORMAT_JOURNAL;
    } else if (str_eq(cli->config->log.format, "json")) {
        format = LOG_FORMAT_JSON;
    }
    bool is_quiet =
        str_eq(cli->config->log.level, "error") || str_eq(cli->config->log.level, "warn");
    log_start("up", format, is_quiet ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, cli->clock);
}

static int run(struct up *up, struct err *err)
{
    struct sig *sig = NULL;
    const struct sig_handlers handlers = {.stop = on_stop, .reload = on_reload, .ctx = up};
    int code = sig_new(up->loop, &handlers, &sig, err);
    if (code == TC_OK) {
        code = up_listen(up, err);
    }
    if (code == TC_OK) {
        make_environ(up);
        up->deadline = loop_timer_new(up->loop, on_deadline, up);
        for (size_t i = 0; i < up->count; i++) {
            worker_start(&up->workers[i]);
        }
        code = loop_run(up->loop, err);
    }
    (void)sig_free(sig); /* returns NULL */
    return code;
}

static int prepare(struct up *up, int *ret_lock, struct err *err)
{
    struct sibling siblings[SIBLINGS_MAX];
    int code = cli_config(up->cli, err);
    if (code == TC_OK) {
        code = siblings_of(up->cli->config, siblings, &up->count, err);
    }
    if (code != TC_OK) {
        return code;
    }
    for (size_t i = 0; i < up->count; i++) {
        up->workers[i] = (struct worker){.up = up, .sibling = siblings[i], .child = CHILD_INIT};
        up->workers[i].since_utc_ms = up->started_utc_ms;
    }
    TC_CLEANUP(mem_freep) char *path = file_join(up->cli->config->state_dir, "up.lock");
    code = file_make_dirs(up->cli->config->state_dir, 0700, err);
    if (code == TC_OK) {
        code = file_lock(path, ret_lock, err);
        if (code == TC_EEXIST) {
            (void)err_ctx(err, "tocsin up is running already"); /* the code is returned */
        }
    }
    return code;
}

int verb_up(struct cli *cli, struct err *err)
{
    sig_block();
    TC_CLEANUP(fd_closep) int lock = -1;
    struct up *up = mem_alloc(sizeof(*up));
    up->cli = cli;
    up->notify_fd = -1;
    up->started_utc_ms = clock_now_utc_ms(cli->clock);
    int code = prepare(up, &lock, err);
    if (code == TC_OK) {
        begin_log(cli);
        up->loop = loop_new(cli->clock);
        code = run(up, err);
        write_state(up);
    }
    if (up->notify_fd >= 0) {
        (void)close(up->notify_fd); /* nothing was written through it */
    }
    (void)loop_free(up->loop); /* returns NULL */
    mem_free(up->environ_list);
    mem_free(up);
    return code;
}
