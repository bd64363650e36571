/* The warm workers of built-in checks, inside the spawner: who is free, who has to go. What an answer
 * means is verdict.c's, in the runner. Called by spawner.c. */
#include "runner/worker.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/limits.h"
#include "lib/sys/child.h"
#include "lib/sys/clock.h"
#include "lib/sys/loop.h"
#include "runner/capture.h"

/* An order that waits for a worker, or that a worker is at. */
struct task {
    struct task *next;
    uint64_t run;
    uint32_t monitor;
    int64_t timeout_ms;
    struct buf args;
    struct buf input; /* with its line end; what is not written yet */
};

struct worker {
    struct worker *next;
    struct worker **place;
    struct worker_pool *pool;
    struct child child;
    struct task *task; /* owned; NULL: idle */
    bool is_outdated;  /* goes after its answer */
    bool is_dying;     /* killed; waits to be reaped */
    uint32_t monitor;  /* of its last task */
    int64_t killed_us;
    struct buf args;    /* what it was started with */
    int64_t started_us; /* of the task */
    struct capture out;
    struct capture err;
    struct loop_timer *timer; /* time limit, or idle time */
    struct loop_timer *held_timer;
    struct loop_watch *watch_in;
    struct loop_watch *watch_out;
    struct loop_watch *watch_err;
    struct loop_watch *watch_end;
};

struct worker_pool {
    const struct job_host *host;
    struct worker_options options;
    size_t count;         /* without dying ones */
    struct worker *first; /* owned */
    struct task *waiting; /* owned, in order */
    struct task **last;
};

/* --- Tasks ------------------------------------------------------------------------------------ */

static struct task *task_new(const struct spawnlink_order *order)
{
    struct task *task = mem_alloc(sizeof(*task));
    task->run = order->run;
    task->monitor = order->monitor;
    task->timeout_ms = order->timeout_ms;
    buf_init(&task->args, SPAWNLINK_ARGS_BYTES);
    buf_add(&task->args, order->args, order->args_size);
    buf_init(&task->input, SPAWNLINK_INPUT_BYTES + 1);
    buf_add(&task->input, order->input, order->input_size);
    buf_add_char(&task->input, '\n');
    return task;
}

static void task_free(struct task *task)
{
    buf_free(&task->args);
    buf_free(&task->input);
    mem_free(task);
}

/* End the task of a worker with a report. */
static void task_report(struct worker *w, enum verdict_end end, int code)
{
    const struct job_host *host = w->pool->host;
    struct spawnlink_report report = {
        .run = w->task->run,
        .duration_us = clock_mono_us(loop_clock(host->loop)) - w->started_us,
        .outcome = {.end = end,
                    .code = code,
                    .timeout_ms = w->task->timeout_ms,
                    .out = w->out.bytes.p,
                    .out_size = w->out.bytes.len,
                    .is_out_cut = w->out.is_cut,
                    .errors = w->err.bytes.p,
                    .errors_size = w->err.bytes.len,
                    .is_errors_cut = w->err.is_cut},
    };
    task_free(TC_TAKE_PTR(w->task));
    host->report(host->ctx, &report);
}

/* --- Workers ---------------------------------------------------------------------------------- */

static void pool_serve(struct worker_pool *pool);

static void unwatch(struct worker *w, struct loop_watch **watch)
{
    if (*watch != NULL) {
        loop_unwatch(w->pool->host->loop, *watch);
        *watch = NULL;
    }
}

static void worker_free(struct worker *w)
{
    unwatch(w, &w->watch_in);
    unwatch(w, &w->watch_out);
    unwatch(w, &w->watch_err);
    unwatch(w, &w->watch_end);
    loop_timer_free(w->pool->host->loop, w->timer);
    loop_timer_free(w->pool->host->loop, w->held_timer);
    child_close(&w->child);
    *w->place = w->next;
    if (w->next != NULL) {
        w->next->place = w->place;
    }
    if (w->task != NULL) {
        task_free(w->task);
    }
    capture_free(&w->out);
    capture_free(&w->err);
    buf_free(&w->args);
    mem_free(w);
}

/* Kill a worker; it counts no more and is reaped when it has gone. */
static void worker_kill(struct worker *w)
{
    if (w->is_dying) {
        return;
    }
    w->is_dying = true;
    w->killed_us = clock_mono_us(loop_clock(w->pool->host->loop));
    w->pool->count--;
    unwatch(w, &w->watch_in);
    unwatch(w, &w->watch_out);
    unwatch(w, &w->watch_err);
    loop_timer_stop(w->timer);
    child_signal(&w->child, SIGKILL);
}

static void worker_is_idle(struct worker *w)
{
    capture_reset(&w->out);
    capture_reset(&w->err);
    loop_timer_in(w->timer, w->pool->options.idle_ms);
    pool_serve(w->pool);
}

static void on_time(void *ctx)
{
    struct worker *w = ctx;
    worker_kill(w);
    if (w->task != NULL) {
        task_report(w, VERDICT_TIMED_OUT, 0);
    }
    pool_serve(w->pool);
}

static void on_input(void *ctx, int fd, unsigned events)
{
    struct worker *w = ctx;
    (void)events; /* an error is met by the write */
    TC_ASSERT(w->task != NULL);
    struct buf *input = &w->task->input;
    ssize_t size = write(fd, input->p, input->len);
    if (size > 0) {
        buf_drop_front(input, (size_t)size);
    }
    bool is_broken = size < 0 && errno != EAGAIN && errno != EINTR;
    if (is_broken || input->len == 0) { /* its end is met by on_end */
        unwatch(w, &w->watch_in);
    }
}

/* As in job.c: one that is traced is asked by time. */
static void take_end(void *ctx)
{
    struct worker *w = ctx;
    struct worker_pool *pool = w->pool;
    struct child_exit exit;
    unwatch(w, &w->watch_end);
    if (child_reap(&w->child, &exit) != TC_OK) {
        loop_timer_in(w->held_timer, JOB_HELD_MS);
        return;
    }
    if (w->task != NULL) {
        (void)capture_read(&w->err, w->child.err); /* its last words */
        bool is_signal = exit.signo != 0;
        task_report(w, is_signal ? VERDICT_SIGNALED : VERDICT_WORKER_GONE,
                    is_signal ? exit.signo : exit.status);
    }
    if (!w->is_dying) {
        pool->count--;
    }
    worker_free(w);
    pool->host->ended(pool->host->ctx);
    pool_serve(pool);
}

static void on_end(void *ctx, int fd, unsigned events)
{
    (void)fd;
    (void)events;
    take_end(ctx);
}

/* An answer is one line that looks like an object; what comes unasked, or behind it, is a reason to
 * trust this process no more. */
static void on_output(void *ctx, int fd, unsigned events)
{
    struct worker *w = ctx;
    (void)events; /* the end is met by the read */
    bool is_end = capture_read(&w->out, fd) == CAPTURE_END;
    const struct buf *bytes = &w->out.bytes;
    if (is_end) {
        unwatch(w, &w->watch_out);
        child_signal(&w->child, SIGKILL); /* without output it can't answer: on_end tells */
        return;
    }
    if (bytes->len == 0) {
        return;
    }
    if (w->task == NULL) {
        worker_kill(w);
        return;
    }
    const char *line_end = memchr(bytes->p, '\n', bytes->len);
    if (line_end == NULL && !w->out.is_cut) {
        return;
    }
    bool is_clean = line_end == bytes->p + bytes->len - 1 && bytes->p[0] == '{' && !w->out.is_cut &&
                    w->watch_in == NULL;
    bool stays = is_clean && !w->is_outdated;
    loop_timer_stop(w->timer);
    if (!stays) {
        worker_kill(w);
    }
    task_report(w, VERDICT_ANSWERED, 0);
    if (stays) {
        worker_is_idle(w);
    } else {
        pool_serve(w->pool);
    }
}

static void on_errors(void *ctx, int fd, unsigned events)
{
    struct worker *w = ctx;
    (void)events; /* the end is met by the read */
    if (capture_read(&w->err, fd) == CAPTURE_END) {
        unwatch(w, &w->watch_err);
    }
}

static int start_child(const struct worker_pool *pool, const struct task *task,
                       struct child *ret_child, struct err *err)
{
    const char *argv[JOB_ARGS_MAX + 1];
    struct spawnlink_order order = {.args = task->args.p, .args_size = task->args.len};
    if (!job_split_args(&order, argv)) {
        return err_set(err, TC_EINVAL, "it has too many arguments");
    }
    struct child_spec spec = {.path = argv[0],
                              .argv = argv,
                              .envp = pool->options.envp,
                              .dir = "/",
                              .in = CHILD_PIPE,
                              .out = CHILD_PIPE,
                              .err = CHILD_PIPE,
                              .keep_fd = -1,
                              .dies_with_parent = true};
    return child_start(&spec, ret_child, err);
}

/* Start a worker for a task; NULL when that failed, with err. */
static struct worker *worker_new(struct worker_pool *pool, const struct task *task, struct err *err)
{
    struct child child = CHILD_INIT;
    if (start_child(pool, task, &child, err) != TC_OK) {
        return NULL;
    }
    struct worker *w = mem_alloc(sizeof(*w));
    struct loop *loop = pool->host->loop;
    w->pool = pool;
    w->child = child;
    buf_init(&w->args, SPAWNLINK_ARGS_BYTES);
    buf_add(&w->args, task->args.p, task->args.len);
    capture_init(&w->out, LIMIT_OUTPUT_BYTES, false);
    capture_init(&w->err, LIMIT_STDERR_BYTES, true);
    w->timer = loop_timer_new(loop, on_time, w);
    w->held_timer = loop_timer_new(loop, take_end, w);
    w->watch_out = loop_watch_fd(loop, child.out, LOOP_READ, on_output, w);
    w->watch_err = loop_watch_fd(loop, child.err, LOOP_READ, on_errors, w);
    w->watch_end = loop_watch_fd(loop, child.pidfd, LOOP_READ, on_end, w);
    w->next = pool->first;
    w->place = &pool->first;
    if (w->next != NULL) {
        w->next->place = &w->next;
    }
    pool->first = w;
    pool->count++;
    return w;
}

static void worker_give(struct worker *w, struct task *task)
{
    struct loop *loop = w->pool->host->loop;
    w->task = task;
    w->monitor = task->monitor;
    w->started_us = clock_mono_us(loop_clock(loop));
    loop_timer_in(w->timer, task->timeout_ms);
    w->watch_in = loop_watch_fd(loop, w->child.in, LOOP_WRITE, on_input, w);
}

/* --- Pool ------------------------------------------------------------------------------------- */

/* A free worker of the task's kind, else (ret_other) any free one. */
static struct worker *find_idle(const struct worker_pool *pool, const struct task *task,
                                struct worker **ret_other)
{
    *ret_other = NULL;
    for (struct worker *w = pool->first; w != NULL; w = w->next) {
        if (w->task != NULL || w->is_dying) {
            continue;
        }
        if (w->args.len == task->args.len && memcmp(w->args.p, task->args.p, w->args.len) == 0) {
            return w;
        }
        *ret_other = w;
    }
    return NULL;
}

/* Whether a worker at this monitor's check was killed long ago and is still there. */
static bool has_stuck(const struct worker_pool *pool, uint32_t monitor)
{
    int64_t now_us = clock_mono_us(loop_clock(pool->host->loop));
    for (const struct worker *w = pool->first; w != NULL; w = w->next) {
        if (w->is_dying && w->monitor == monitor &&
            now_us - w->killed_us >= (int64_t)JOB_GIVE_UP_AFTER_MS * 1000) {
            return true;
        }
    }
    return false;
}

/* End a task that no worker got. */
static void report_unserved(const struct worker_pool *pool, struct task *task, enum verdict_end end,
                            int code, const char *text)
{
    struct spawnlink_report report = {.run = task->run,
                                      .outcome = {.end = end,
                                                  .code = code,
                                                  .timeout_ms = task->timeout_ms,
                                                  .out = "",
                                                  .errors = text,
                                                  .errors_size = strlen(text)}};
    pool->host->report(pool->host->ctx, &report);
    task_free(task);
}

/* Hand waiting tasks to workers as long as there are places. */
static void pool_serve(struct worker_pool *pool)
{
    while (pool->waiting != NULL) {
        struct task *task = pool->waiting;
        struct worker *other = NULL;
        struct worker *w = find_idle(pool, task, &other);
        if (w == NULL && pool->count >= pool->options.count_max) {
            if (other == NULL) {
                return; /* all are busy: the next one that is free serves again */
            }
            worker_kill(other);
        }
        pool->waiting = task->next;
        if (pool->waiting == NULL) {
            pool->last = &pool->waiting;
        }
        struct err err = ERR_INIT;
        if (w == NULL) {
            w = worker_new(pool, task, &err);
        }
        if (w != NULL) {
            worker_give(w, task);
        } else {
            report_unserved(pool, task, VERDICT_NOT_STARTED, err.code, err.text);
        }
    }
}

struct worker_pool *worker_pool_new(const struct job_host *host,
                                    const struct worker_options *options)
{
    TC_ASSERT(options->count_max > 0);
    struct worker_pool *pool = mem_alloc(sizeof(*pool));
    pool->host = host;
    pool->options = *options;
    pool->last = &pool->waiting;
    return pool;
}

struct worker_pool *worker_pool_free(struct worker_pool *pool)
{
    if (pool == NULL) {
        return NULL;
    }
    while (pool->first != NULL) {
        child_signal(&pool->first->child, SIGKILL);
        worker_free(pool->first);
    }
    while (pool->waiting != NULL) {
        struct task *task = pool->waiting;
        pool->waiting = task->next;
        task_free(task);
    }
    mem_free(pool);
    return NULL;
}

void worker_order(struct worker_pool *pool, const struct spawnlink_order *order)
{
    struct task *task = task_new(order);
    if (has_stuck(pool, order->monitor)) {
        report_unserved(pool, task, VERDICT_STUCK, 1, "");
        return;
    }
    *pool->last = task;
    pool->last = &task->next;
    pool_serve(pool);
}

void worker_renew(struct worker_pool *pool)
{
    for (struct worker *w = pool->first; w != NULL; w = w->next) {
        w->is_outdated = true;
        if (w->task == NULL) {
            worker_kill(w);
        }
    }
}

bool worker_is_known(const struct worker_pool *pool, pid_t pid)
{
    for (const struct worker *w = pool->first; w != NULL; w = w->next) {
        if (w->child.pid == pid) {
            return true;
        }
    }
    return false;
}
