/* From vfork to exec: the steps by which a child sheds all that it would inherit. Allocates nothing,
 * calls nothing that is not async-signal-safe. Called by child.c alone. */
#include "lib/sys/child_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/sys/child.h"

enum {
    KEPT_FD = 3,
};

#define OOM_SCORE "500"

_Noreturn static void give_up(struct child_failure *failure, const char *step)
{
    failure->reason = errno;
    failure->step = step;
    _exit(127);
}

/* Dispositions set to ignore and blocked signals survive an exec: a child that inherited a blocked
 * SIGTERM would not hear ours. */
static void reset_signals(struct child_failure *failure)
{
    const struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int signo = 1; signo < NSIG; signo++) {
        (void)sigaction(signo, &standard, NULL); /* refused for SIGKILL, SIGSTOP and libc's own */
    }
    sigset_t none;
    (void)sigemptyset(&none); /* cannot fail */
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    if (sigprocmask(SIG_SETMASK, &none, NULL) != 0) {
        give_up(failure, "reset the signals for");
    }
}

/* The descriptors may overlap their places: all go above the highest place first. */
static void place_descriptors(const struct child_spec *spec, const int *fds,
                              struct child_failure *failure)
{
    int moved[KEPT_FD + 1] = {-1, -1, -1, -1};
    for (int i = 0; i <= KEPT_FD; i++) {
        int fd = i < KEPT_FD ? fds[i] : spec->keep_fd;
        if (fd < 0) {
            continue;
        }
        moved[i] = fcntl(fd, F_DUPFD_CLOEXEC, KEPT_FD + 1);
        if (moved[i] < 0) {
            give_up(failure, "give descriptors to");
        }
    }
    unsigned first_free = KEPT_FD;
    for (int i = 0; i <= KEPT_FD; i++) {
        if (moved[i] < 0) {
            continue;
        }
        if (dup2(moved[i], i) < 0) {
            give_up(failure, "give descriptors to");
        }
        first_free = i == KEPT_FD ? KEPT_FD + 1 : first_free;
    }
    /* Not unshared: vfork gave the child its own table already. */
    if (syscall(SYS_close_range, first_free, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
        give_up(failure, "close descriptors for");
    }
}

static void limit(int resource, uint64_t soft, uint64_t hard, struct child_failure *failure)
{
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)resource, &now) != 0) {
        give_up(failure, "limit");
    }
    /* Never above what this process may have itself. */
    hard = hard < now.rlim_max ? hard : now.rlim_max;
    const struct rlimit wanted = {soft < hard ? soft : hard, hard};
    if (setrlimit((__rlimit_resource_t)resource, &wanted) != 0) {
        give_up(failure, "limit");
    }
}

static void set_limits(const struct child_limits *limits, struct child_failure *failure)
{
    limit(RLIMIT_CORE, 0, 0, failure);
    if (limits->cpu_seconds > 0) { /* SIGXCPU first, SIGKILL a second later */
        limit(RLIMIT_CPU, limits->cpu_seconds, limits->cpu_seconds + 1, failure);
    }
    if (limits->file_bytes > 0) {
        limit(RLIMIT_FSIZE, limits->file_bytes, limits->file_bytes, failure);
    }
    if (limits->memory_bytes > 0) {
        limit(RLIMIT_AS, limits->memory_bytes, limits->memory_bytes, failure);
    }
    if (limits->processes > 0) {
        limit(RLIMIT_NPROC, limits->processes, limits->processes, failure);
    }
}

/* By raw system calls: the C library's forms would try to change every thread of the parent, whose
 * memory this still is. */
static void become_user(const struct child_spec *spec, struct child_failure *failure)
{
    if (syscall(SYS_setgroups, 0, NULL) != 0 ||
        syscall(SYS_setresgid, spec->gid, spec->gid, spec->gid) != 0 ||
        syscall(SYS_setresuid, spec->uid, spec->uid, spec->uid) != 0) {
        give_up(failure, "change the user of");
    }
}

/* Before anything of the program runs, so that all of it is in the group. */
static void join_group(int group_fd, struct child_failure *failure)
{
    if (group_fd > 0 && write(group_fd, "0", 1) != 1) {
        give_up(failure, "put into its control group");
    }
}

/* Everybody may raise his own; without /proc the kernel chooses by size alone, which is good enough. */
static void die_first(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, OOM_SCORE, sizeof(OOM_SCORE) - 1);
        (void)close(fd);
    }
}

_Noreturn void child_exec(const struct child_spec *spec, const int *fds, pid_t parent,
                          struct child_failure *failure)
{
    reset_signals(failure);
    if (setsid() < 0) {
        give_up(failure, "make a session for");
    }
    join_group(spec->group_fd, failure);
    if (spec->dies_first) {
        die_first();
    }
    set_limits(&spec->limits, failure);
    if (spec->has_user) {
        become_user(spec, failure);
    }
    /* After the change of user, which clears it; the parent may have died before it counted. */
    if (spec->dies_with_parent &&
        (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)) {
        give_up(failure, "bind the life of");
    }
    if (spec->dir != NULL && chdir(spec->dir) != 0) {
        give_up(failure, "change to the directory of");
    }
    (void)umask(077); /* always succeeds */
    place_descriptors(spec, fds, failure);
    if (spec->limits.descriptors > 0) { /* last: placing them takes numbers above the limit */
        limit(RLIMIT_NOFILE, spec->limits.descriptors, spec->limits.descriptors, failure);
    }
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): execve does not change what it takes unqualified */
    execve(spec->path, (char *const *)(uintptr_t)spec->argv, (char *const *)(uintptr_t)spec->envp);
    give_up(failure, "execute");
}
