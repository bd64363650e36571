/* The spawner process: takes orders from the runner, lets jobs and workers carry them out, sends their
 * reports back, and kills all of it when the runner is gone. It decides nothing about results. Started
 * by runner.c through spawner_start, entered by main.c through spawner_main. */
#include "runner/spawner.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/limits.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/sys/child.h"
#include "lib/sys/clock_real.h"
#include "lib/sys/file.h"
#include "lib/sys/log.h"
#include "lib/sys/loop.h"
#include "lib/sys/sig.h"
#include "runner/cgroup.h"
#include "runner/job.h"
#include "runner/spawnlink.h"
#include "runner/worker.h"

enum {
    LINK_FD = 3,
    ENV_MAX = 512,
    TEXT_BYTES = 1024,
    NUMBER_BYTES = 24,
    WORKER_IDLE_MS = 60 * 1000,
    STRAYS_EVERY_MS = 20,
    STRAYS_AT_END_TURNS = 100,
};

enum argument {
    ARGUMENT_SELF,
    ARGUMENT_SPAWNER,
    ARGUMENT_WORK_DIR,
    ARGUMENT_CONFIG,
    ARGUMENT_UID, /* -1: programs run as this user */
    ARGUMENT_GID,
    ARGUMENT_MEMORY,
    ARGUMENT_WORKERS,
    ARGUMENT_COUNT_,
};

/* --- The runner's side ------------------------------------------------------------------------ */

int spawner_start(const struct spawner_options *options, struct child *ret_child, int *ret_fd,
                  struct err *err)
{
    char numbers[4][NUMBER_BYTES];
    const int64_t values[] = {options->has_user ? (int64_t)options->uid : -1,
                              options->has_user ? (int64_t)options->gid : -1, options->memory_bytes,
                              options->workers};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        (void)snprintf(numbers[i], NUMBER_BYTES, "%" PRId64, values[i]); /* has room */
    }
    const char *const argv[] = {"tocsin-runner", SPAWNER_ARGUMENT, options->work_dir,
                                options->config, numbers[0],       numbers[1],
                                numbers[2],      numbers[3],       NULL};
    int fds[2] = {-1, -1};
    int rc = spawnlink_pair(fds, err);
    if (rc != TC_OK) {
        return rc;
    }
    TC_CLEANUP(fd_closep) int own_fd = fds[0];
    TC_CLEANUP(fd_closep) int its_fd = fds[1];
    struct child_spec spec = {.path = options->program,
                              .argv = argv,
                              .envp = (const char *const *)environ,
                              .in = CHILD_NULL,
                              .out = CHILD_NULL,
                              .err = CHILD_INHERIT,
                              .keep_fd = its_fd};
    rc = child_start(&spec, ret_child, err);
    if (rc != TC_OK) {
        return rc;
    }
    *ret_fd = TC_TAKE_FD(own_fd);
    return TC_OK;
}

/* --- The spawner's side ----------------------------------------------------------------------- */

struct spawner {
    struct loop *loop;
    struct spawnlink *link;
    struct job_host host;
    struct job_list jobs;
    struct cgroup *cgroup; /* owned; NULL: nothing is delegated */
    struct worker_pool *workers;
    struct loop_timer *stray_timer;
    const char *env[ENV_MAX];
    char env_config[TEXT_BYTES];
};

static bool is_known(void *ctx, pid_t pid)
{
    const struct spawner *s = ctx;
    return job_is_known(&s->jobs, pid) || worker_is_known(s->workers, pid);
}

static bool is_run(void *ctx, uint64_t run)
{
    const struct spawner *s = ctx;
    return job_is_run(&s->jobs, run);
}

static void kill_strays(void *ctx)
{
    struct spawner *s = ctx;
    size_t left = child_kill_strays(is_known, s);
    if (s->cgroup != NULL) {
        left += cgroup_sweep(s->cgroup, is_run, s);
    }
    if (left > 0) {
        loop_timer_in(s->stray_timer, STRAYS_EVERY_MS);
    }
}

static void on_ended(void *ctx)
{
    struct spawner *s = ctx;
    loop_timer_in(s->stray_timer, 0); /* once a turn, however many ended */
}

static void on_no_group(void *ctx, const struct err *err)
{
    struct spawner *s = ctx;
    s->host.cgroup = NULL;
    log_error("spawner",
              "checks run without control groups until the runner is started again; cause=%s",
              err->text);
}

static void on_order(void *ctx, const struct spawnlink_order *order)
{
    struct spawner *s = ctx;
    if (order->is_worker) {
        worker_order(s->workers, order);
    } else {
        job_start(&s->host, &s->jobs, order);
    }
}

static void on_renew(void *ctx)
{
    struct spawner *s = ctx;
    worker_renew(s->workers);
}

static void on_report(void *ctx, const struct spawnlink_report *report)
{
    struct spawner *s = ctx;
    (void)spawnlink_send_report(s->link, report); /* a closed link ends us in the next turn */
}

static void on_gone(void *ctx)
{
    struct spawner *s = ctx;
    loop_stop(s->loop, TC_OK);
}

static void on_stop(void *ctx, int signo)
{
    (void)ctx;
    (void)signo; /* only the runner ends us: it wants the last reports */
}

static void read_environment(struct spawner *s, const char *config)
{
    size_t count = 0;
    for (size_t i = 0; environ[i] != NULL && count < ENV_MAX - 2; i++) {
        if (!str_has_prefix(environ[i], "TOCSIN_CONFIG=")) {
            s->env[count++] = environ[i];
        }
    }
    int size = snprintf(s->env_config, sizeof(s->env_config), "TOCSIN_CONFIG=%s", config);
    if (size < (int)sizeof(s->env_config)) {
        s->env[count++] = s->env_config;
    }
    s->env[count] = NULL;
}

/* Begin with an empty directory: what a killed spawner left is moved aside and removed meanwhile. */
static int prepare_work_dir(struct spawner *s, struct err *err)
{
    char old[TEXT_BYTES];
    int size = snprintf(old, sizeof(old), "%s.old", s->host.work_dir);
    if (size >= (int)sizeof(old)) {
        return err_set(err, TC_ERANGE, "the path %s is too long", s->host.work_dir);
    }
    if (rmdir(s->host.work_dir) != 0 && rename(s->host.work_dir, old) == 0) {
        job_remove_dir(&s->host, &s->jobs, old);
    }
    int rc = file_make_dirs(s->host.work_dir, 0711, err);
    if (rc == TC_OK && chmod(s->host.work_dir, 0711) != 0) {
        rc = err_set(err, TC_EPERM, "the mode of %s can't be set", s->host.work_dir);
    }
    return rc;
}

/* Without a delegated group, limits are what a process can have: of its address space and its user. */
static void prepare_groups(struct spawner *s)
{
    struct cgroup_options options = {.key = s->host.work_dir,
                                     .memory_bytes = s->host.memory_bytes,
                                     .processes = LIMIT_CHECK_PROCESSES};
    struct err err = ERR_INIT;
    if (cgroup_new(&options, &s->cgroup, &err) != TC_OK) {
        log_info("spawner", "checks run without control groups, under rlimits; cause=%s", err.text);
        return;
    }
    s->host.cgroup = s->cgroup;
    log_info("spawner", "each check runs in a control group; path=%s memory=%s processes=%s",
             cgroup_path(s->cgroup), cgroup_limits_memory(s->cgroup) ? "limited" : "no controller",
             cgroup_limits_processes(s->cgroup) ? "limited" : "no controller");
}

static int read_arguments(struct spawner *s, int argc, char **argv, int64_t *ret_workers,
                          struct err *err)
{
    int64_t uid = 0;
    int64_t gid = 0;
    if (argc != ARGUMENT_COUNT_ ||
        parse_whole_i64(argv[ARGUMENT_UID], -1, UINT32_MAX, &uid) != TC_OK ||
        parse_whole_i64(argv[ARGUMENT_GID], -1, UINT32_MAX, &gid) != TC_OK ||
        parse_whole_i64(argv[ARGUMENT_MEMORY], 0, INT64_MAX, &s->host.memory_bytes) != TC_OK ||
        parse_whole_i64(argv[ARGUMENT_WORKERS], 1, UINT32_MAX, ret_workers) != TC_OK) {
        return err_set(err, TC_EINVAL, "%s is for tocsin-runner's own use", SPAWNER_ARGUMENT);
    }
    s->host.work_dir = argv[ARGUMENT_WORK_DIR];
    s->host.has_user = uid >= 0;
    s->host.uid = (uid_t)uid;
    s->host.gid = (gid_t)gid;
    read_environment(s, argv[ARGUMENT_CONFIG]);
    return TC_OK;
}

static void end_all(struct spawner *s)
{
    job_end_all(&s->jobs);
    s->cgroup = cgroup_free(s->cgroup);
    s->workers = worker_pool_free(s->workers);
    struct worker_options none = {.count_max = 1};
    s->workers = worker_pool_new(&s->host, &none);
    for (int i = 0; i < STRAYS_AT_END_TURNS && child_kill_strays(is_known, s) > 0; i++) {
        (void)loop_turn(s->loop, STRAYS_EVERY_MS, NULL); /* only to let time pass */
    }
    const char *const argv[] = {"/bin/rm", "-rf", "--", s->host.work_dir, NULL};
    const char *const envp[] = {NULL};
    struct child_spec spec = {.path = argv[0],
                              .argv = argv,
                              .envp = envp,
                              .dir = "/",
                              .in = CHILD_NULL,
                              .out = CHILD_NULL,
                              .err = CHILD_NULL,
                              .keep_fd = -1};
    TC_CLEANUP(child_closep) struct child remover = CHILD_INIT;
    (void)child_start(&spec, &remover, NULL); /* else the next spawner removes it */
}

static int run(struct spawner *s, int64_t workers, struct err *err)
{
    struct spawnlink_ops ops = {.order = on_order, .renew = on_renew, .gone = on_gone, .ctx = s};
    struct sig_handlers handlers = {.stop = on_stop};
    struct sig *sig = NULL;
    struct worker_options options = {
        .count_max = (size_t)workers, .idle_ms = WORKER_IDLE_MS, .envp = s->env};
    s->workers = worker_pool_new(&s->host, &options);
    s->stray_timer = loop_timer_new(s->loop, kill_strays, s);
    int rc = sig_new(s->loop, &handlers, &sig, err);
    if (rc == TC_OK) {
        rc = child_adopt_orphans(err);
    }
    if (rc == TC_OK) {
        rc = prepare_work_dir(s, err);
    }
    if (rc == TC_OK) {
        prepare_groups(s);
        s->link = spawnlink_new(s->loop, LINK_FD, &ops);
        rc = loop_run(s->loop, err);
        s->link = spawnlink_free(s->link);
    }
    end_all(s);
    s->workers = worker_pool_free(s->workers);
    (void)sig_free(sig); /* gives NULL */
    return rc;
}

int spawner_main(int argc, char **argv)
{
    sig_block();
    TC_CLEANUP(clock_real_freep) struct clock_real *real = clock_real_new(NULL);
    log_start("spawner", LOG_FORMAT_TEXT, LOG_LEVEL_INFO, clock_real_clock(real));
    struct spawner s = {.loop = NULL};
    struct err err = ERR_INIT;
    int64_t workers = 0;
    int rc = read_arguments(&s, argc, argv, &workers, &err);
    if (rc == TC_OK) {
        s.loop = loop_new(clock_real_clock(real));
        s.host.loop = s.loop;
        s.host.report = on_report;
        s.host.ended = on_ended;
        s.host.no_group = on_no_group;
        s.host.ctx = &s;
        rc = run(&s, workers, &err);
        s.loop = loop_free(s.loop);
    }
    if (rc != TC_OK) {
        log_error("spawner", "the spawner failed; cause=%s", err.text);
    }
    return rc == TC_OK ? 0 : 1;
}
