/* tocsin-runner's shell: wires schedule, runs, spawner, spool and courier into one loop, whose turn
 * ends with one commit; only then are runs started and results sent. Rules live in those parts. Long
 * because each part's callbacks stand here, beside each other. Called by program_main. */
#include "runner/runner.h"

#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/base/tz.h"
#include "lib/sys/child.h"
#include "lib/sys/clock.h"
#include "lib/sys/config.h"
#include "lib/sys/file.h"
#include "lib/sys/log.h"
#include "lib/sys/loop.h"
#include "lib/sys/program.h"
#include "lib/sys/rng.h"
#include "proto/messages.h"
#include "runner/assignments.h"
#include "runner/courier.h"
#include "runner/runs.h"
#include "runner/schedule.h"
#include "runner/spawner.h"
#include "runner/spawnlink.h"
#include "runner/spool.h"

enum {
    GRACE_MS = 3600 * 1000,        /* of acknowledged results, for a router set back to a backup */
    STOP_WAIT_MS = 20 * 1000,      /* for runs that are going on; below PROGRAM_STOP_MS */
    SPAWNER_AGAIN_MS = 1000,       /* between two spawners, when one died */
    ALONE_TIMEOUT_MS = 300 * 1000, /* of the command for a runner without a router */
    ZONES_EVERY_MS = 3600 * 1000,
};

struct runner {
    struct program_context *context; /* borrowed */
    struct loop *loop;               /* borrowed */
    struct spool *spool;
    struct tz_cache *zones;
    struct schedule *schedule;
    struct assignments *assignments;
    struct runs *runs;
    struct courier *courier;
    struct check_policy policy;
    char *builtin; /* owned: path of tocsin-check */
    char *work_dir;
    char *set_aside; /* owned: where a damaged spool went; NULL: it was sound */
    struct child spawner;
    int spawner_fd; /* owned until spawner_link has it */
    struct spawnlink *spawner_link;
    bool is_spawner_gone; /* told by the link; handled at the end of the turn */
    bool is_stopping;
    bool has_failed;
    struct loop_timer *wake;
    struct loop_timer *spawner_again;
    struct loop_timer *stop;
    struct loop_timer *zones_timer;
};

static void fail(struct runner *r, const struct err *err)
{
    if (!r->has_failed) {
        r->has_failed = true;
        log_error("runner", "the runner can't go on; cause=%s", err->text);
        loop_stop(r->loop, err->code);
    }
}

static void check(struct runner *r, int rc, const struct err *err)
{
    if (rc != TC_OK) {
        fail(r, err);
    }
}

static void on_failed(void *ctx, const struct err *err)
{
    fail(ctx, err);
}

/* --- Spawner ---------------------------------------------------------------------------------- */

static int find_user(const char *name, struct spawner_options *options, struct err *err)
{
    if (name == NULL) {
        return TC_OK;
    }
    const struct passwd *user = getpwnam(name); /* NOLINT(concurrency-mt-unsafe): one thread */
    if (user == NULL) {
        return err_set(err, TC_ECONFIG, "runner.user: there is no user \"%s\" on this host", name);
    }
    options->has_user = true;
    options->uid = user->pw_uid;
    options->gid = user->pw_gid;
    return TC_OK;
}

/* For --check-config. */
static int check_config(struct program_context *context, struct err *err)
{
    struct spawner_options options = {.program = NULL};
    int rc = find_user(context->config->runner.user, &options, err);
    return rc == TC_OK ? TC_OK : config_locate(context->config, err);
}

static int start_spawner(struct runner *r, struct err *err)
{
    const struct config *config = r->context->config;
    struct spawner_options options = {.program = "/proc/self/exe",
                                      .work_dir = r->work_dir,
                                      .config = config->file,
                                      .memory_bytes = config->runner.memory_bytes,
                                      .workers = config->runner.workers};
    int rc = find_user(config->runner.user, &options, err);
    if (rc == TC_OK && options.has_user) {
        rc = file_check_reach(config->state_dir, options.uid, options.gid, err);
        (void)(rc == TC_OK ? TC_OK
                           : err_ctx(err, "runner.user: \"%s\" can't work below state_dir",
                                     config->runner.user));
    }
    return rc == TC_OK ? spawner_start(&options, &r->spawner, &r->spawner_fd, err) : rc;
}

static void on_report(void *ctx, const struct spawnlink_report *report)
{
    struct runner *r = ctx;
    struct err err = ERR_INIT;
    check(r, runs_report(r->runs, report, &err), &err);
}

static void on_spawner_gone(void *ctx)
{
    struct runner *r = ctx;
    r->is_spawner_gone = true;
}

static void watch_spawner(struct runner *r)
{
    struct spawnlink_ops ops = {.report = on_report, .gone = on_spawner_gone, .ctx = r};
    r->spawner_link = spawnlink_new(r->loop, TC_TAKE_FD(r->spawner_fd), &ops);
}

static bool is_spawner(void *ctx, pid_t pid)
{
    const struct runner *r = ctx;
    return pid == r->spawner.pid;
}

/* The spawner died: its checks die with it, their runs are lost, another one follows. */
static void replace_spawner(struct runner *r)
{
    struct err err = ERR_INIT;
    r->is_spawner_gone = false;
    r->spawner_link = spawnlink_free(r->spawner_link);
    child_signal(&r->spawner, SIGKILL);
    log_error("runner", "the spawner ended, running checks are lost; running=%zu",
              runs_count(r->runs));
    check(r, runs_lose(r->runs, &err), &err);
    loop_timer_in(r->spawner_again, SPAWNER_AGAIN_MS);
}

static void on_spawner_again(void *ctx)
{
    struct runner *r = ctx;
    struct child_exit exit;
    struct err err = ERR_INIT;
    if (child_reap(&r->spawner, &exit) == TC_EAGAIN) {
        loop_timer_in(r->spawner_again, SPAWNER_AGAIN_MS);
        return;
    }
    child_close(&r->spawner);
    r->spawner = CHILD_INIT;
    (void)child_kill_strays(is_spawner, r); /* those that remain are the new spawner's no more */
    if (start_spawner(r, &err) != TC_OK) {
        log_error("runner", "no new spawner, checks do not run; cause=%s", err.text);
        loop_timer_in(r->spawner_again, SPAWNER_AGAIN_MS);
        return;
    }
    watch_spawner(r);
}

static int on_start_run(void *ctx, const struct spawnlink_order *order)
{
    struct runner *r = ctx;
    return r->spawner_link == NULL ? TC_EAGAIN : spawnlink_send_order(r->spawner_link, order);
}

/* --- Monitors --------------------------------------------------------------------------------- */

static void on_run_finished(void *ctx, uint32_t monitor)
{
    struct runner *r = ctx;
    schedule_finished(r->schedule, monitor);
}

/* A monitor that can't be run has no ticks; it reports why, once. */
static void report_problem(struct runner *r, struct assignment *a)
{
    struct schedule_monitor none = {.id = a->id, .uuid = a->uuid};
    (void)schedule_set(r->schedule, &none, loop_now_utc_ms(r->loop), NULL); /* no rows, no error */
    if (a->told_generation != a->generation && a->is_active) {
        a->told_generation = a->generation;
        (void)schedule_ask(r->schedule, a->id); /* it was set just now */
    }
}

static void on_assigned(void *ctx, struct assignment *a, const struct message_assignment *message)
{
    struct runner *r = ctx;
    struct schedule_row rows[SCHEDULE_ROWS_MAX];
    size_t count = message->schedule_count;
    struct err err = ERR_INIT;
    if (!a->is_active || a->kind == CHECKS_HEARTBEAT) {
        count = 0;
    }
    if (count > SCHEDULE_ROWS_MAX && a->problem == NULL) {
        a->problem = mem_strdup("the monitor has more rows of schedules than a runner takes");
    }
    for (size_t i = 0; i < count && i < SCHEDULE_ROWS_MAX; i++) {
        rows[i] = (struct schedule_row){.expression = message->schedules[i].schedule,
                                        .timezone = message->schedules[i].timezone};
    }
    struct schedule_monitor monitor = {.id = a->id,
                                       .uuid = a->uuid,
                                       .rows = rows,
                                       .row_count = count,
                                       .splay_ms = r->context->config->runner.splay_ms};
    if (a->problem == NULL &&
        schedule_set(r->schedule, &monitor, loop_now_utc_ms(r->loop), &err) != TC_OK) {
        a->problem = mem_strdup(err.text);
    }
    if (a->problem != NULL) {
        report_problem(r, a);
    }
    if (a->request_id != NULL) {
        (void)schedule_ask(r->schedule, a->id); /* it was set just now */
    }
}

static void on_removed(void *ctx, uint32_t id)
{
    struct runner *r = ctx;
    schedule_remove(r->schedule, id);
}

static void on_assign(void *ctx, const struct message_assign *message)
{
    struct runner *r = ctx;
    struct err err = ERR_INIT;
    check(r, assignments_apply(r->assignments, message, &err), &err);
}

static void on_run_asked(void *ctx, uint32_t monitor, const char *request_id)
{
    struct runner *r = ctx;
    struct assignment *a = assignments_find(r->assignments, monitor);
    if (a == NULL) {
        log_warn("runner", "asked to run a monitor that is not assigned; monitor=%u", monitor);
        return;
    }
    assignment_ask(a, request_id);
    (void)schedule_ask(r->schedule, monitor); /* every assigned monitor is in the schedule */
}

static void take_due(struct runner *r)
{
    struct err err = ERR_INIT;
    if (r->is_stopping || r->spawner_link == NULL) {
        return;
    }
    for (;;) {
        struct schedule_event event = schedule_take(r->schedule, loop_now_utc_ms(r->loop));
        if (event.kind == SCHEDULE_NOTHING || r->has_failed) {
            return;
        }
        struct assignment *a = assignments_find(r->assignments, (uint32_t)event.id);
        if (event.kind == SCHEDULE_OVERRUN) {
            if (a != NULL) {
                a->overruns++;
            }
            log_info("runner", "a tick was skipped, the run before still goes on; monitor=%" PRIu64,
                     event.id);
        } else if (a == NULL) {
            schedule_finished(r->schedule, event.id);
        } else {
            check(r, runs_begin(r->runs, a, &event, &err), &err);
        }
    }
}

/* --- The turn --------------------------------------------------------------------------------- */

static void arm_wake(struct runner *r)
{
    int64_t wake_utc_ms = schedule_wake_utc_ms(r->schedule);
    if (r->is_stopping || r->spawner_link == NULL || wake_utc_ms == INT64_MAX) {
        loop_timer_stop(r->wake);
    } else {
        loop_timer_at(r->wake, wake_utc_ms);
    }
}

static void on_turn_end(void *ctx)
{
    struct runner *r = ctx;
    struct err err = ERR_INIT;
    if (r->has_failed) {
        return;
    }
    if (r->is_spawner_gone) {
        replace_spawner(r);
    }
    take_due(r);
    check(r, spool_commit(r->spool, loop_now_utc_ms(r->loop), &err), &err);
    if (r->has_failed) {
        return; /* what is not durable is neither started nor sent */
    }
    runs_start(r->runs);
    courier_send(r->courier);
    arm_wake(r);
    if (r->is_stopping && runs_count(r->runs) == 0) {
        loop_stop(r->loop, TC_OK);
    }
    program_progress(r->context);
}

static void on_wake(void *ctx)
{
    (void)ctx; /* the end of this turn takes what is due */
}

static void on_zones(void *ctx)
{
    struct runner *r = ctx;
    size_t changed = 0;
    struct err err = ERR_INIT;
    int64_t now_utc_ms = loop_now_utc_ms(r->loop);
    loop_timer_in(r->zones_timer, ZONES_EVERY_MS);
    if (tz_cache_refresh(r->zones, now_utc_ms, &changed, &err) != TC_OK) {
        log_warn("runner", "time zones could not be read again; cause=%s", err.text);
    }
    if (changed > 0) {
        schedule_rebase(r->schedule, now_utc_ms);
    }
}

static void on_stop_time(void *ctx)
{
    struct runner *r = ctx;
    log_warn("runner",
             "stopping although checks still run: they are ended and reported as lost "
             "at the next start; running=%zu",
             runs_count(r->runs));
    loop_stop(r->loop, TC_OK);
}

static void on_counts(void *ctx, size_t *ret_running, size_t *ret_queued)
{
    const struct runner *r = ctx;
    *ret_running = schedule_running(r->schedule);
    *ret_queued = schedule_waiting(r->schedule);
}

/* No router for long: the owner of this host may have a command for that (docs/spec.md 5.5). */
static void on_alone(void *ctx)
{
    struct runner *r = ctx;
    const struct config_list *command = &r->context->config->runner.alone_command;
    log_error("runner", "no router answers for long, results are kept; command=%s",
              command->count == 0 ? "none" : command->items[0]);
    TC_CLEANUP(buf_freep) struct buf args;
    buf_init(&args, SPAWNLINK_ARGS_BYTES);
    for (size_t i = 0; i < command->count; i++) {
        buf_add(&args, command->items[i], strlen(command->items[i]) + 1);
    }
    struct spawnlink_order order = {.run = rng_u64(),
                                    .timeout_ms = ALONE_TIMEOUT_MS,
                                    .args = args.p,
                                    .args_size = args.len,
                                    .input = ""};
    if (args.len > 0 && (args.err != TC_OK || on_start_run(r, &order) != TC_OK)) {
        log_error("runner", "the command for a runner without router can't be started");
    }
}

/* --- Start and end ---------------------------------------------------------------------------- */

static void set_policy(struct runner *r)
{
    const struct config *config = r->context->config;
    r->policy = (struct check_policy){.allow = config->runner.allow,
                                      .directories = config->runner.checks,
                                      .php = config->runner.php,
                                      .plugins = config->runner.plugins,
                                      .builtin = r->builtin};
}

/* tocsin-check stands beside this program. */
static char *find_builtin(void)
{
    char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[size < 0 ? 0 : size] = '\0';
    TC_CLEANUP(mem_freep) char *dir = file_dir(path);
    return file_join(dir, "tocsin-check");
}

static int runner_make(struct program_context *context, struct err *err)
{
    if (context->config->runner.name == NULL) {
        return err_set(err, TC_ECONFIG,
                       "%s has no runner.name: this host is not configured as a runner",
                       context->config->file);
    }
    struct runner *r = mem_alloc(sizeof(*r));
    r->context = context;
    r->loop = context->loop;
    r->spawner = CHILD_INIT;
    r->spawner_fd = -1;
    r->builtin = find_builtin();
    r->work_dir = file_join(context->config->state_dir, "work");
    context->state = r;
    return child_adopt_orphans(err);
}

static int open_spool(struct runner *r, struct err *err)
{
    const struct config *config = r->context->config;
    TC_CLEANUP(mem_freep) char *path = file_join(config->state_dir, "runner/spool.db");
    struct spool_limits limits = {.bytes_max = config->runner.spool_bytes,
                                  .age_ms_max = config->runner.spool_keep_ms,
                                  .grace_ms = GRACE_MS};
    struct spool_opening opening;
    int rc = spool_open(path, &limits, loop_now_utc_ms(r->loop), &r->spool, &opening, err);
    if (rc == TC_OK && opening.was_damaged) {
        log_error("runner",
                  "the spool was damaged and set aside, what could be read is delivered; "
                  "path=%s results=%" PRIu64,
                  opening.set_aside, opening.salvaged);
        r->set_aside = mem_strdup(opening.set_aside);
    }
    return rc;
}

static int recover(struct runner *r, struct err *err)
{
    size_t lost = 0;
    int rc = runs_recover(r->runs, &lost, err);
    if (rc == TC_OK) {
        rc = assignments_load(r->assignments, err);
    }
    if (rc == TC_OK) {
        rc = spool_commit(r->spool, loop_now_utc_ms(r->loop), err);
    }
    if (rc == TC_OK) {
        log_info("runner", "ready; monitors=%zu interrupted=%zu", assignments_count(r->assignments),
                 lost);
    }
    return rc;
}

static void make_parts(struct runner *r)
{
    struct runs_ops runs_ops = {.start = on_start_run, .finished = on_run_finished, .ctx = r};
    struct assignments_ops assignments_ops = {.set = on_assigned, .removed = on_removed, .ctx = r};
    r->zones = tz_cache_new(NULL);
    r->schedule = schedule_new(r->zones, (uint32_t)r->context->config->runner.concurrency);
    r->assignments = assignments_new(r->spool, &assignments_ops);
    r->runs = runs_new(r->spool, r->context->clock, &runs_ops);
    set_policy(r);
    runs_set_policy(r->runs, &r->policy);
    r->wake = loop_timer_new(r->loop, on_wake, r);
    r->spawner_again = loop_timer_new(r->loop, on_spawner_again, r);
    r->stop = loop_timer_new(r->loop, on_stop_time, r);
    r->zones_timer = loop_timer_new(r->loop, on_zones, r);
    loop_timer_in(r->zones_timer, ZONES_EVERY_MS);
    loop_timer_in(r->wake, 0);
}

static int runner_start(struct program_context *context, struct err *err)
{
    int rc = runner_make(context, err);
    if (rc != TC_OK) {
        return rc;
    }
    struct runner *r = context->state;
    rc = open_spool(r, err);
    if (rc == TC_OK) { /* after the spool's lock: a spawner begins by clearing what lies there */
        rc = start_spawner(r, err);
    }
    if (rc != TC_OK) {
        return rc;
    }
    struct courier_ops ops = {.assign = on_assign,
                              .run = on_run_asked,
                              .counts = on_counts,
                              .failed = on_failed,
                              .alone = on_alone,
                              .ctx = r};
    make_parts(r);
    watch_spawner(r);
    rc = recover(r, err);
    if (rc == TC_OK) {
        rc = courier_new(r->loop, context->config, r->spool, &ops, &r->courier, err);
    }
    if (rc == TC_OK && r->set_aside != NULL) {
        courier_tell_damage(r->courier, r->set_aside);
    }
    if (rc == TC_OK) {
        loop_on_turn_end(r->loop, on_turn_end, r);
        program_ready(context);
    }
    return rc;
}

static void runner_stop(struct program_context *context)
{
    struct runner *r = context->state;
    r->is_stopping = true;
    loop_timer_in(r->stop, STOP_WAIT_MS);
}

static void runner_reload(struct program_context *context)
{
    struct runner *r = context->state;
    set_policy(r);
    courier_set_config(r->courier, context->config);
    if (r->spawner_link != NULL) {
        (void)spawnlink_send_renew(r->spawner_link); /* a dead spawner is replaced anyway */
    }
}

static void runner_stepped(struct program_context *context, int64_t step_ms)
{
    struct runner *r = context->state;
    log_warn("runner", "the wall clock stepped, schedules follow it; step_ms=%" PRId64, step_ms);
    schedule_rebase(r->schedule, loop_now_utc_ms(r->loop));
}

static void runner_end(struct program_context *context)
{
    struct runner *r = context->state;
    if (r == NULL) {
        return;
    }
    r->courier = courier_free(r->courier);
    r->runs = runs_free(r->runs);
    r->assignments = assignments_free(r->assignments);
    r->schedule = schedule_free(r->schedule);
    r->zones = tz_cache_free(r->zones);
    r->spool = spool_close(r->spool);
    r->spawner_link = spawnlink_free(r->spawner_link);
    fd_closep(&r->spawner_fd);
    child_close(&r->spawner); /* it ends by itself, now that its link is closed */
    mem_free(r->builtin);
    mem_free(r->work_dir);
    mem_free(r->set_aside);
    mem_free(r);
    context->state = NULL;
}

const struct program runner_program = {
    .name = "runner",
    .doc = "Runs the checks of this host's monitors and keeps their results until the router has "
           "them.",
    .check = check_config,
    .start = runner_start,
    .stop = runner_stop,
    .reload = runner_reload,
    .stepped = runner_stepped,
    .end = runner_end,
};
