/* One supervised program: its start, its words of readiness, its end and the wait before the next start.
 * Decides nothing about the others. Called by up.c. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/up.h"
#include "lib/base/backoff.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "lib/sys/config.h"
#include "lib/sys/log.h"
#include "lib/sys/loop.h"
#include "lib/sys/rng.h"

enum {
    NOTICE_BYTES_MAX = 2048,
};

static void set_state(struct worker *worker, enum worker_state state)
{
    worker->state = state;
    worker->since_utc_ms = loop_now_utc_ms(worker->up->loop);
}

bool worker_runs(const struct worker *worker)
{
    return worker->watch != NULL;
}

void worker_signal(const struct worker *worker, int signo)
{
    if (worker_runs(worker)) {
        (void)pidfd_send_signal(worker->child.pidfd, signo, NULL, 0); /* it may have just ended */
    }
}

static void on_timer(void *ctx)
{
    worker_start(ctx);
}

/* Plan the next start: 1 s, 2 s, … 30 s. */
static void wait_and_retry(struct worker *worker)
{
    static const struct backoff backoff = {.base_ms = UP_RESTART_MS_MIN,
                                           .factor = 2,
                                           .cap_ms = UP_RESTART_MS_MAX,
                                           .lifetime_ms = INT64_MAX};
    struct up *up = worker->up;
    if (up->is_stopping) {
        set_state(worker, WORKER_ENDED);
        up_changed(up);
        return;
    }
    worker->failures++;
    int64_t wait_ms = backoff_wait_ms(&backoff, worker->failures, 0);
    set_state(worker, WORKER_WAITING);
    log_error("supervise", "%s; program=%s restart_in_ms=%jd", worker->detail,
              worker->sibling.label, (intmax_t)wait_ms);
    if (worker->timer == NULL) {
        worker->timer = loop_timer_new(up->loop, on_timer, worker);
    }
    loop_timer_in(worker->timer, wait_ms);
    up_changed(up);
}

/* What a program's exit status says, in words (sysexits.h). */
static void describe_end(struct worker *worker, const struct child_exit *end)
{
    size_t size = sizeof(worker->detail);
    if (end->signo != 0) {
        (void)snprintf(worker->detail, size, "%s was ended by SIG%s", worker->sibling.program,
                       sigabbrev_np(end->signo)); /* fits by size */
    } else {
        (void)snprintf(worker->detail, size, "%s ended with status %d%s", worker->sibling.program,
                       end->status,
                       end->status == 78 ? ": its configuration is unusable, see its own message"
                                         : ", see its own message");
    }
}

static void on_end(void *ctx, int fd, unsigned events)
{
    (void)fd;
    (void)events;
    struct worker *worker = ctx;
    struct child_exit end;
    if (child_reap(&worker->child, &end) != TC_OK) {
        return;
    }
    int64_t ran_ms = loop_now_utc_ms(worker->up->loop) - worker->since_utc_ms;
    if (worker->state == WORKER_READY && ran_ms >= UP_HEALTHY_MS) {
        worker->failures = 0;
    }
    loop_unwatch(worker->up->loop, worker->watch);
    worker->watch = NULL;
    child_close(&worker->child);
    worker->child = CHILD_INIT;
    describe_end(worker, &end);
    worker->restarts += worker->up->is_stopping ? 0 : 1;
    wait_and_retry(worker);
}

static int try_start(struct worker *worker, struct err *err)
{
    const struct up *up = worker->up;
    const struct sibling *sibling = &worker->sibling;
    TC_CLEANUP(mem_freep) char *path = NULL;
    int code = sibling_find(up->cli, sibling->program, &path, err);
    if (code != TC_OK) {
        return code;
    }
    const char *const argv[] = {sibling->program, "--config", up->cli->config->file,
                                sibling->operand, NULL};
    const struct child_spec spec = {.path = path,
                                    .argv = argv,
                                    .envp = up->environ_list,
                                    .in = CHILD_NULL,
                                    .out = CHILD_INHERIT,
                                    .err = CHILD_INHERIT,
                                    .keep_fd = -1,
                                    .dies_with_parent = true};
    return child_start(&spec, &worker->child, err);
}

void worker_start(struct worker *worker)
{
    struct err err = ERR_INIT;
    if (try_start(worker, &err) != TC_OK) {
        (void)snprintf(worker->detail, sizeof(worker->detail), "%.500s", err.text); /* fits */
        wait_and_retry(worker);
        return;
    }
    worker->watch = loop_watch_fd(worker->up->loop, worker->child.pidfd, LOOP_READ, on_end, worker);
    set_state(worker, WORKER_STARTING);
    log_info("supervise", "started; program=%s pid=%d", worker->sibling.label,
             (int)worker->child.pid);
    up_changed(worker->up);
}

/* --- Readiness --------------------------------------------------------------------------------- */

static struct worker *worker_of(struct up *up, pid_t pid)
{
    for (size_t i = 0; i < up->count; i++) {
        if (worker_runs(&up->workers[i]) && up->workers[i].child.pid == pid) {
            return &up->workers[i];
        }
    }
    return NULL;
}

/* Who sent a notice, by the kernel's word. */
static pid_t sender_of(struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS) {
            struct ucred who;
            memcpy(&who, CMSG_DATA(c), sizeof(who));
            return who.pid;
        }
    }
    return -1;
}

static void on_notice(void *ctx, int fd, unsigned events)
{
    (void)events;
    struct up *up = ctx;
    char text[NOTICE_BYTES_MAX + 1];
    union {
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
        struct cmsghdr align;
    } control;
    struct iovec piece = {.iov_base = text, .iov_len = NOTICE_BYTES_MAX};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    ssize_t size = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    struct worker *worker = size < 0 ? NULL : worker_of(up, sender_of(&message));
    if (worker == NULL) {
        return;
    }
    text[size] = '\0';
    bool is_ready = str_has_prefix(text, "READY=1") || strstr(text, "\nREADY=1") != NULL;
    if (is_ready && worker->state == WORKER_STARTING) {
        worker->detail[0] = '\0';
        set_state(worker, WORKER_READY);
        up_changed(up);
    }
}

int up_listen(struct up *up, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(up->notify_env, sizeof(up->notify_env), "NOTIFY_SOCKET=@tocsin-up-%016llx",
                   (unsigned long long)rng_u64()); /* fits by size */
    const char *name = strchr(up->notify_env, '@') + 1;
    memcpy(address.sun_path + 1, name, strlen(name));
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
    const int yes = 1;
    up->notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (up->notify_fd < 0 ||
        setsockopt(up->notify_fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) != 0 ||
        bind(up->notify_fd, (struct sockaddr *)&address, size) != 0) {
        return err_set(err, TC_EIO, "cannot make the socket that programs tell readiness on: %s",
                       strerrordesc_np(errno));
    }
    (void)loop_watch_fd(up->loop, up->notify_fd, LOOP_READ, on_notice, up); /* the loop's */
    return TC_OK;
}

void up_write_state(const struct up *up, struct buf *out)
{
    static const char *const states[] = {[WORKER_WAITING] = "waiting",
                                         [WORKER_STARTING] = "starting",
                                         [WORKER_READY] = "ready",
                                         [WORKER_ENDED] = "ended"};
    struct json_enc enc;
    json_enc_start(&enc, out);
    json_enc_obj(&enc, NULL);
    json_enc_i64(&enc, "pid", getpid());
    json_enc_time(&enc, "startedAt", up->started_utc_ms);
    json_enc_arr(&enc, "programs");
    for (size_t i = 0; i < up->count; i++) {
        const struct worker *worker = &up->workers[i];
        json_enc_obj(&enc, NULL);
        json_enc_str(&enc, "name", worker->sibling.label);
        json_enc_str(&enc, "state", states[worker->state]);
        if (worker_runs(worker)) {
            json_enc_i64(&enc, "pid", worker->child.pid);
        } else {
            json_enc_null(&enc, "pid");
        }
        json_enc_i64(&enc, "restarts", worker->restarts);
        json_enc_time(&enc, "since", worker->since_utc_ms);
        json_enc_str(&enc, "detail", worker->detail[0] == '\0' ? NULL : worker->detail);
        json_enc_obj_end(&enc);
    }
    json_enc_arr_end(&enc);
    json_enc_obj_end(&enc);
    buf_add_char(out, '\n');
}
