/* One program from start to report, inside the spawner. The limits of time are kept here; what the
 * output means is verdict.c's, in the runner. Called by spawner.c. */
#include "runner/job.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/limits.h"
#include "lib/sys/child.h"
#include "lib/sys/clock.h"
#include "lib/sys/loop.h"
#include "runner/capture.h"
#include "runner/cgroup.h"

enum {
    DIR_BYTES = 512,
    FILE_BYTES_MAX = 1024 * 1024 * 1024, /* one file that a check writes */
    DESCRIPTORS_MAX = 1024,
    REMOVE_TIMEOUT_MS = 60 * 1000,
    PROCESSES_MAX = 2048, /* of its user; the kernel counts them for others than root only */
};

enum phase {
    PHASE_RUNNING,
    PHASE_TERMINATED, /* SIGTERM sent */
    PHASE_KILLED,     /* SIGKILL sent */
    PHASE_STUCK,      /* reported; waits for the kernel to let go */
    PHASE_DRAINING,   /* ended; somebody still holds its output */
};

struct job {
    struct job *next;
    struct job **place; /* what points to this job */
    const struct job_host *host;
    uint64_t run;
    uint32_t monitor;
    bool is_silent; /* no report: the spawner's own errand */
    enum phase phase;
    bool is_over_time;
    struct child child;    /* owned */
    struct cgroup *cgroup; /* borrowed; NULL: it has no group */
    struct cgroup_hits hits;
    struct child_exit exit;
    int64_t timeout_ms;
    int64_t started_us;
    int64_t duration_us;
    struct loop_timer *timer; /* owned by loop, as the watches */
    struct loop_timer *held_timer;
    struct loop_watch *watch_in;
    struct loop_watch *watch_out;
    struct loop_watch *watch_err;
    struct loop_watch *watch_end;
    struct buf input; /* owned; what is not written yet */
    struct capture out;
    struct capture err;
    char dir[DIR_BYTES]; /* "" when it has none */
    struct job_list *list;
};

bool job_split_args(const struct spawnlink_order *order, const char **ret_argv)
{
    size_t count = 0;
    for (size_t i = 0; i < order->args_size; i += strlen(order->args + i) + 1) {
        if (count == JOB_ARGS_MAX) {
            return false;
        }
        ret_argv[count++] = order->args + i;
    }
    ret_argv[count] = NULL;
    return count > 0;
}

static void unwatch(const struct job *job, struct loop_watch **watch)
{
    if (*watch != NULL) {
        loop_unwatch(job->host->loop, *watch);
        *watch = NULL;
    }
}

static void close_end(int *fd)
{
    fd_closep(fd);
    *fd = -1;
}

static void close_pipes(struct job *job)
{
    unwatch(job, &job->watch_in);
    unwatch(job, &job->watch_out);
    unwatch(job, &job->watch_err);
    close_end(&job->child.in);
    close_end(&job->child.out);
    close_end(&job->child.err);
}

static void job_free(struct job *job)
{
    close_pipes(job);
    unwatch(job, &job->watch_end);
    child_close(&job->child);
    if (job->timer != NULL) {
        loop_timer_free(job->host->loop, job->timer);
        loop_timer_free(job->host->loop, job->held_timer);
    }
    *job->place = job->next;
    if (job->next != NULL) {
        job->next->place = job->place;
    }
    capture_free(&job->out);
    capture_free(&job->err);
    buf_free(&job->input);
    mem_free(job);
}

static void report(const struct job *job, enum verdict_end end, int code)
{
    if (job->is_silent) {
        return;
    }
    struct spawnlink_report report = {
        .run = job->run,
        .duration_us = job->duration_us,
        .outcome = {.end = end,
                    .code = code,
                    .timeout_ms = job->timeout_ms,
                    .is_out_of_processes = job->hits.is_out_of_processes,
                    .out = job->out.bytes.p,
                    .out_size = job->out.bytes.len,
                    .is_out_cut = job->out.is_cut,
                    .errors = job->err.bytes.p,
                    .errors_size = job->err.bytes.len,
                    .is_errors_cut = job->err.is_cut},
    };
    job->host->report(job->host->ctx, &report);
}

static void report_exit(const struct job *job)
{
    if (job->phase == PHASE_STUCK) {
        return;
    }
    if (job->is_over_time) {
        report(job, VERDICT_TIMED_OUT, 0);
    } else if (job->hits.is_out_of_memory && (job->exit.signo != 0 || job->exit.status != 0)) {
        report(job, VERDICT_OUT_OF_MEMORY, 0);
    } else if (job->exit.signo != 0) {
        report(job, VERDICT_SIGNALED, job->exit.signo);
    } else {
        report(job, VERDICT_EXITED, job->exit.status);
    }
}

/* The process is gone and its output read: tell, tidy up, forget. */
static void finish(struct job *job)
{
    const struct job_host *host = job->host;
    struct job_list *list = job->list;
    char dir[DIR_BYTES];
    memcpy(dir, job->dir, sizeof(dir));
    if (!job->is_silent) {
        report_exit(job);
    }
    job_free(job);
    host->ended(host->ctx);
    if (dir[0] != '\0' && rmdir(dir) != 0 && errno == ENOTEMPTY) {
        job_remove_dir(host, list, dir);
    }
}

/* --- Pipes ------------------------------------------------------------------------------------ */

static void on_input(void *ctx, int fd, unsigned events)
{
    struct job *job = ctx;
    (void)events; /* an error is met by the write */
    ssize_t size = write(fd, job->input.p, job->input.len);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (size > 0) {
        buf_drop_front(&job->input, (size_t)size);
    }
    if (size < 0 || job->input.len == 0) { /* a check need not read its input */
        unwatch(job, &job->watch_in);
        close_end(&job->child.in);
    }
}

static void finish_when_drained(struct job *job)
{
    if (job->phase == PHASE_DRAINING && job->watch_out == NULL && job->watch_err == NULL) {
        finish(job);
    }
}

static void on_output(void *ctx, int fd, unsigned events)
{
    struct job *job = ctx;
    (void)events; /* the end is met by the read */
    bool is_out = fd == job->child.out;
    if (capture_read(is_out ? &job->out : &job->err, fd) == CAPTURE_END) {
        unwatch(job, is_out ? &job->watch_out : &job->watch_err);
        close_end(is_out ? &job->child.out : &job->child.err);
        finish_when_drained(job);
    }
}

/* --- Group ------------------------------------------------------------------------------------ */

/* Kill all of it, also what left the process group; what it met is known only before it is swept. */
static void end_group(struct job *job)
{
    if (job->cgroup != NULL) {
        cgroup_kill(job->cgroup, job->run);
        job->hits = cgroup_hits(job->cgroup, job->run);
    }
}

/* A descriptor of the new group; -1: the check does without, which is better than no check. */
static int make_group(struct job *job)
{
    const struct job_host *host = job->host;
    int fd = -1;
    struct err err = ERR_INIT;
    if (host->cgroup == NULL || job->is_silent) {
        return -1;
    }
    if (cgroup_add(host->cgroup, job->run, &fd, &err) != TC_OK) {
        host->no_group(host->ctx, &err);
        return -1;
    }
    job->cgroup = host->cgroup;
    return fd;
}

/* --- Time and end ----------------------------------------------------------------------------- */

static void on_time(void *ctx)
{
    struct job *job = ctx;
    switch (job->phase) {
    case PHASE_RUNNING:
        job->is_over_time = true;
        job->phase = PHASE_TERMINATED;
        child_signal(&job->child, SIGTERM);
        loop_timer_in(job->timer, JOB_KILL_AFTER_MS);
        return;
    case PHASE_TERMINATED:
        job->phase = PHASE_KILLED;
        child_signal(&job->child, SIGKILL);
        end_group(job);
        loop_timer_in(job->timer, JOB_GIVE_UP_AFTER_MS);
        return;
    case PHASE_KILLED:
        job->duration_us = clock_mono_us(loop_clock(job->host->loop)) - job->started_us;
        report(job, VERDICT_STUCK, 0);
        job->phase = PHASE_STUCK;
        close_pipes(job);
        job->host->ended(job->host->ctx); /* a stray of its own may be what holds it */
        return;
    case PHASE_DRAINING:
        finish(job);
        return;
    case PHASE_STUCK:
        return;
    }
    TC_UNREACHABLE();
}

/* It has ended. A process that another one traces ends for its tracer first: until that lets go, its
 * descriptor says for ever that it has ended, so it is asked by time instead. */
static void take_end(void *ctx)
{
    struct job *job = ctx;
    unwatch(job, &job->watch_end);
    if (child_reap(&job->child, &job->exit) != TC_OK) {
        loop_timer_in(job->held_timer, JOB_HELD_MS);
        return;
    }
    end_group(job);
    if (job->phase == PHASE_STUCK) {
        finish(job);
        return;
    }
    job->duration_us = clock_mono_us(loop_clock(job->host->loop)) - job->started_us;
    unwatch(job, &job->watch_in);
    job->phase = PHASE_DRAINING;
    loop_timer_in(job->timer, JOB_DRAIN_MS);
    finish_when_drained(job);
}

static void on_end(void *ctx, int fd, unsigned events)
{
    (void)fd;
    (void)events;
    take_end(ctx);
}

/* --- Start ------------------------------------------------------------------------------------ */

static int make_dir(struct job *job, struct err *err)
{
    const struct job_host *host = job->host;
    char dir[DIR_BYTES];
    if (snprintf(dir, sizeof(dir), "%s/%" PRIu64, host->work_dir, job->run) >= DIR_BYTES) {
        return err_set(err, TC_ERANGE, "the path of the working directory is too long");
    }
    if (mkdir(dir, 0700) != 0 || (host->has_user && chown(dir, host->uid, host->gid) != 0)) {
        return err_set(err, err_from_errno(errno), "no working directory %s: %s", dir,
                       strerrordesc_np(errno));
    }
    memcpy(job->dir, dir, sizeof(dir));
    return TC_OK;
}

static int start_child(struct job *job, const struct spawnlink_order *order, struct err *err)
{
    const char *argv[JOB_ARGS_MAX + 1];
    if (!job_split_args(order, argv)) {
        return err_set(err, TC_EINVAL, "it has more than %d arguments", JOB_ARGS_MAX - 1);
    }
    TC_CLEANUP(fd_closep) int group_fd = make_group(job);
    bool has_memory = job->cgroup != NULL && cgroup_limits_memory(job->cgroup);
    char home[DIR_BYTES + 8];
    char temp[DIR_BYTES + 8];
    (void)snprintf(home, sizeof(home), "HOME=%s", job->dir);   /* has room */
    (void)snprintf(temp, sizeof(temp), "TMPDIR=%s", job->dir); /* has room */
    const char *const envp[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                "LANG=C.UTF-8", home, temp, NULL};
    struct child_spec spec = {
        .path = argv[0],
        .argv = argv,
        .envp = envp,
        .dir = job->is_silent ? "/" : job->dir,
        .in = CHILD_PIPE,
        .out = CHILD_PIPE,
        .err = CHILD_PIPE,
        .keep_fd = -1,
        .limits = {.file_bytes = FILE_BYTES_MAX,
                   .descriptors = DESCRIPTORS_MAX,
                   .memory_bytes = has_memory ? 0 : (uint64_t)job->host->memory_bytes,
                   .processes = PROCESSES_MAX},
        .has_user = job->host->has_user && !job->is_silent,
        .uid = job->host->uid,
        .gid = job->host->gid,
        .dies_with_parent = true,
        .dies_first = !job->is_silent,
        .group_fd = group_fd > 0 ? group_fd : 0};
    return child_start(&spec, &job->child, err);
}

static void watch_child(struct job *job)
{
    struct loop *loop = job->host->loop;
    job->watch_in = loop_watch_fd(loop, job->child.in, LOOP_WRITE, on_input, job);
    job->watch_out = loop_watch_fd(loop, job->child.out, LOOP_READ, on_output, job);
    job->watch_err = loop_watch_fd(loop, job->child.err, LOOP_READ, on_output, job);
    job->watch_end = loop_watch_fd(loop, job->child.pidfd, LOOP_READ, on_end, job);
    job->timer = loop_timer_new(loop, on_time, job);
    job->held_timer = loop_timer_new(loop, take_end, job);
    loop_timer_in(job->timer, job->timeout_ms);
}

/* One that can't be ended is enough: a dead disk would collect a process of each run. */
static bool has_stuck(const struct job_list *list, uint32_t monitor)
{
    for (const struct job *job = list->first; job != NULL; job = job->next) {
        if (job->phase == PHASE_STUCK && job->monitor == monitor && monitor != 0) {
            return true;
        }
    }
    return false;
}

static void job_start_as(const struct job_host *host, struct job_list *list,
                         const struct spawnlink_order *order, bool is_silent)
{
    struct job *job = mem_alloc(sizeof(*job));
    job->host = host;
    job->list = list;
    job->run = order->run;
    job->monitor = order->monitor;
    job->is_silent = is_silent;
    job->child = CHILD_INIT;
    job->timeout_ms = order->timeout_ms;
    capture_init(&job->out, LIMIT_OUTPUT_BYTES, false);
    capture_init(&job->err, LIMIT_STDERR_BYTES, true);
    buf_init(&job->input, SPAWNLINK_INPUT_BYTES);
    buf_add(&job->input, order->input, order->input_size);
    job->next = list->first;
    job->place = &list->first;
    if (job->next != NULL) {
        job->next->place = &job->next;
    }
    list->first = job;
    job->started_us = clock_mono_us(loop_clock(host->loop));
    if (has_stuck(list, order->monitor)) {
        report(job, VERDICT_STUCK, 1);
        job_free(job);
        return;
    }
    struct err err = ERR_INIT;
    int rc = is_silent ? TC_OK : make_dir(job, &err);
    if (rc == TC_OK) {
        rc = start_child(job, order, &err);
    }
    if (rc == TC_OK) {
        watch_child(job);
        return;
    }
    buf_add_str(&job->err.bytes, err.text);
    report(job, VERDICT_NOT_STARTED, rc);
    if (job->dir[0] != '\0') {
        (void)rmdir(job->dir); /* empty; if it stays, the next start of the spawner removes it */
    }
    job_free(job);
}

void job_start(const struct job_host *host, struct job_list *list,
               const struct spawnlink_order *order)
{
    job_start_as(host, list, order, false);
}

void job_remove_dir(const struct job_host *host, struct job_list *list, const char *dir)
{
    char args[DIR_BYTES + 32];
    int size = snprintf(args, sizeof(args), "/bin/rm%c-rf%c--%c%s", 0, 0, 0, dir);
    TC_ASSERT(size > 0 && size < (int)sizeof(args));
    struct spawnlink_order order = {
        .timeout_ms = REMOVE_TIMEOUT_MS, .args = args, .args_size = (size_t)size + 1, .input = ""};
    job_start_as(host, list, &order, true);
}

bool job_is_known(const struct job_list *list, pid_t pid)
{
    for (const struct job *job = list->first; job != NULL; job = job->next) {
        if (job->child.pid == pid) {
            return true;
        }
    }
    return false;
}

bool job_is_run(const struct job_list *list, uint64_t run)
{
    for (const struct job *job = list->first; job != NULL; job = job->next) {
        if (job->run == run) {
            return true;
        }
    }
    return false;
}

void job_end_all(struct job_list *list)
{
    while (list->first != NULL) {
        child_signal(&list->first->child, SIGKILL);
        job_free(list->first);
    }
}
