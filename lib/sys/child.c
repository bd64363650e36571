/* Child processes from start to last stray. What runs between vfork and exec is child_exec.c's; when
 * to start and to kill is the caller's. Called by the runner's spawner, `tocsin up` and tests. */
#include "lib/sys/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/sys/child_exec.h"

enum {
    STRAYS_MAX = 1024, /* killed in one call */
};

void child_close(struct child *child)
{
    int *const fds[] = {&child->pidfd, &child->in, &child->out, &child->err};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        fd_closep(fds[i]);
        *fds[i] = -1;
    }
}

void child_closep(struct child *child)
{
    child_close(child);
}

/* Open one standard descriptor: the child's side goes to *ret_theirs, ours to *ret_ours. *ret_theirs
 * is to be closed after the start when *ret_is_owned. */
static int open_end(int wanted, int place, int *ret_theirs, int *ret_ours, bool *ret_is_owned)
{
    bool is_input = place == STDIN_FILENO;
    *ret_is_owned = wanted == CHILD_NULL || wanted == CHILD_PIPE;
    if (wanted == CHILD_NULL) {
        *ret_theirs = open("/dev/null", (is_input ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
        return *ret_theirs < 0 ? err_from_errno(errno) : TC_OK;
    }
    if (wanted != CHILD_PIPE) {
        *ret_theirs = wanted == CHILD_INHERIT ? place : wanted;
        return TC_OK;
    }
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return err_from_errno(errno);
    }
    *ret_theirs = is_input ? ends[0] : ends[1];
    *ret_ours = is_input ? ends[1] : ends[0];
    /* Only our end: O_NONBLOCK is of the open end, and a check expects its own to block. */
    int flags = fcntl(*ret_ours, F_GETFL);
    return fcntl(*ret_ours, F_SETFL, flags | O_NONBLOCK) == 0 ? TC_OK : err_from_errno(errno);
}

/* The child shares our memory until its exec and leaves this frame only by it: hence noinline, and
 * nothing of the frame is changed in the child. All signals are blocked, so that no handler of ours
 * runs in the child. */
__attribute__((noinline)) static pid_t start(const struct child_spec *spec, const int *fds,
                                             struct child_failure *failure)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);                          /* cannot fail */
    (void)pthread_sigmask(SIG_BLOCK, &all, &before); /* cannot fail with these arguments */
    pid_t parent = getpid();
    /* NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork): posix_spawn can't do what it does */
    pid_t pid = vfork();
    if (pid == 0) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Vfork): it does not return, see above */
        child_exec(spec, fds, parent, failure);
    }
    if (pid < 0) {
        failure->reason = errno;
        failure->step = "start";
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* likewise */
    return pid;
}

static int open_pidfd(pid_t pid, int *ret_pidfd, struct err *err)
{
    int fd = pidfd_open(pid, 0); /* close-on-exec by definition */
    if (fd < 0) {
        int reason = errno;
        (void)kill(pid, SIGKILL); /* our own unreaped child: the id is surely its */
        (void)waitpid(pid, NULL, 0);
        return err_set(err, err_from_errno(reason), "cannot watch process %d: %s", (int)pid,
                       strerrordesc_np(reason));
    }
    *ret_pidfd = fd;
    return TC_OK;
}

int child_start(const struct child_spec *spec, struct child *ret_child, struct err *err)
{
    TC_CLEANUP(child_closep) struct child child = CHILD_INIT;
    int theirs[3] = {-1, -1, -1};
    bool is_owned[3] = {false, false, false};
    const int wanted[3] = {spec->in, spec->out, spec->err};
    int *const ours[3] = {&child.in, &child.out, &child.err};
    int code = TC_OK;
    for (int i = 0; i < 3 && code == TC_OK; i++) {
        code = open_end(wanted[i], i, &theirs[i], ours[i], &is_owned[i]);
    }
    struct child_failure failure = {NULL, 0};
    if (code == TC_OK) {
        child.pid = start(spec, theirs, &failure);
    }
    for (int i = 0; i < 3; i++) {
        if (is_owned[i]) {
            fd_closep(&theirs[i]);
        }
    }
    if (code != TC_OK) {
        return err_set(err, code, "cannot start %s: out of descriptors", spec->path);
    }
    if (failure.step != NULL) {
        if (child.pid > 0) {
            (void)waitpid(child.pid, NULL, 0); /* it has ended itself */
        }
        return err_set(err, err_from_errno(failure.reason), "cannot %s %s: %s", failure.step,
                       spec->path, strerrordesc_np(failure.reason));
    }
    code = open_pidfd(child.pid, &child.pidfd, err);
    if (code != TC_OK) {
        return code;
    }
    *ret_child = child;
    /* NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): read at the end of its scope */
    child = CHILD_INIT;
    return TC_OK;
}

int child_fork(int (*run)(void *ctx), void *ctx, struct child *ret_child, struct err *err)
{
    struct child child = CHILD_INIT;
    pid_t parent = getpid();
    child.pid = fork();
    if (child.pid < 0) {
        return err_set(err, err_from_errno(errno), "cannot fork: %s", strerrordesc_np(errno));
    }
    if (child.pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent) {
            _exit(1);
        }
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
        exit(run(ctx));
    }
    int code = open_pidfd(child.pid, &child.pidfd, err);
    if (code == TC_OK) {
        *ret_child = child;
    }
    return code;
}

void child_signal(const struct child *child, int signo)
{
    if (child->pid <= 0) {
        return;
    }
    if (kill(-child->pid, signo) != 0) {
        (void)pidfd_send_signal(child->pidfd, signo, NULL, 0); /* no group: a forked child */
    }
}

int child_reap(struct child *child, struct child_exit *ret_exit)
{
    if (child->pid <= 0) {
        return TC_ENOENT;
    }
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
        return TC_ENOENT;
    }
    if (info.si_pid == 0) {
        return TC_EAGAIN;
    }
    /* While it is unreaped, its id and its group's can't be anybody else's. */
    (void)kill(-child->pid, SIGKILL);
    int status = 0;
    struct rusage used = {0};
    if (wait4(child->pid, &status, 0, &used) != child->pid) {
        return TC_ENOENT;
    }
    *ret_exit = (struct child_exit){
        .status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
        .signo = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
        .dumped_core = WIFSIGNALED(status) && WCOREDUMP(status),
        .cpu_us = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + used.ru_utime.tv_usec +
                  used.ru_stime.tv_usec,
        .memory_max_bytes = used.ru_maxrss * 1024,
    };
    child->pid = -1;
    return TC_OK;
}

int child_adopt_orphans(struct err *err)
{
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
        return err_set(err, TC_EIO, "cannot adopt orphans: %s", strerrordesc_np(errno));
    }
    return TC_OK;
}

/* --- Strays ------------------------------------------------------------------------------------ */

struct pids {
    pid_t items[STRAYS_MAX];
    size_t count;
};

/* Append the direct children of a process (this one has one thread, a stray may have more: those of
 * its other threads come to us when it is dead). */
static void add_children(pid_t pid, struct pids *pids)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid); /* fits */
    TC_CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    static char text[STRAYS_MAX * 12];
    size_t size = 0;
    ssize_t got = 0;
    while (fd >= 0 && size < sizeof(text) - 1 &&
           (got = read(fd, text + size, sizeof(text) - 1 - size)) > 0) {
        size += (size_t)got;
    }
    text[size] = '\0';
    const char *cursor = text;
    int64_t child = 0;
    /* A number without its space behind may be cut off: it is found in the next call. */
    while (pids->count < STRAYS_MAX && parse_i64(&cursor, 1, INT32_MAX, &child) == TC_OK &&
           parse_char(&cursor, ' ')) {
        pids->items[pids->count++] = (pid_t)child;
    }
}

size_t child_kill_strays(bool (*is_known)(void *ctx, pid_t pid), void *ctx)
{
    static struct pids strays;
    struct pids *own = &strays;
    own->count = 0;
    add_children(getpid(), own);
    size_t roots = 0;
    for (size_t i = 0; i < own->count; i++) {
        if (!is_known(ctx, own->items[i])) {
            own->items[roots++] = own->items[i];
        }
    }
    own->count = roots;
    /* Everything below a stray is one; stopped first, it can't fork while its tree is read. */
    for (size_t i = 0; i < own->count; i++) {
        (void)kill(own->items[i], SIGSTOP);
        add_children(own->items[i], own);
    }
    for (size_t i = 0; i < own->count; i++) {
        (void)kill(own->items[i], SIGKILL); /* gone already is fine */
    }
    size_t alive = own->count - roots;
    for (size_t i = 0; i < roots; i++) {
        alive += waitpid(own->items[i], NULL, WNOHANG) == 0 ? 1 : 0;
    }
    return alive;
}
