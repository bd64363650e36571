/* Real children of the real kernel: what they inherit, how they end, what they leave behind. */
#include "lib/sys/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/support/test.h"

static const char *const no_env[] = {"WORD=clean", NULL};

static struct child_spec shell(const char *const *argv)
{
    return (struct child_spec){.path = "/bin/sh",
                               .argv = argv,
                               .envp = no_env,
                               .in = CHILD_NULL,
                               .out = CHILD_PIPE,
                               .err = CHILD_INHERIT,
                               .keep_fd = -1};
}

static void wait_for(int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&item, 1, 10000), 1);
}

static void read_to_end(int fd, char *ret_text, size_t size)
{
    size_t used = 0;
    for (;;) {
        wait_for(fd);
        ssize_t got = read(fd, ret_text + used, size - 1 - used);
        assert_true(got >= 0);
        if (got == 0) {
            break;
        }
        used += (size_t)got;
    }
    ret_text[used] = '\0';
}

static void run_shell(const char *script, struct child_spec spec, char *ret_text, size_t size,
                      struct child_exit *ret_exit)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    spec.argv = argv;
    struct err err = ERR_INIT;
    TC_CLEANUP(child_closep) struct child child = CHILD_INIT;
    assert_int_equal(child_start(&spec, &child, &err), TC_OK);
    read_to_end(child.out, ret_text, size);
    wait_for(child.pidfd);
    assert_int_equal(child_reap(&child, ret_exit), TC_OK);
    assert_int_equal(child_reap(&child, ret_exit), TC_ENOENT);
}

static void test_nothing_is_inherited(void **state)
{
    (void)state;
    char text[4096];
    struct child_exit end;
    int leaked = fcntl(0, F_DUPFD, 50); /* not close-on-exec */
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    struct child_spec spec = shell(NULL);
    spec.dir = "/usr";
    run_shell("exec /bin/cat /proc/self/status; ", spec, text, sizeof(text), &end);
    assert_non_null(strstr(text, "SigBlk:\t0000000000000000"));
    assert_non_null(strstr(text, "SigIgn:\t0000000000000000"));
    assert_non_null(strstr(text, "NoNewPrivs:\t0"));
    run_shell("ls /proc/self/fd | tr '\\n' ' '; pwd; /usr/bin/env | grep -v ^_= | sort; ulimit -c; "
              "[ $(ps -o sid= -p $$) = $$ ] && echo leader; exit 7",
              spec, text, sizeof(text), &end);
    /* 3 is ls's own view of the folder */
    assert_string_equal(text, "0 1 2 3 /usr\nPWD=/usr\nWORD=clean\n0\nleader\n");
    assert_int_equal(end.status, 7);
    assert_int_equal(end.signo, 0);
    assert_true(end.cpu_us > 0);
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
    (void)close(leaked);
}

static void test_a_missing_program_is_not_exit_127(void **state)
{
    (void)state;
    const char *const argv[] = {"x", NULL};
    struct child_spec spec = shell(argv);
    struct child child = CHILD_INIT;
    struct err err = ERR_INIT;
    spec.path = "/nonexistent/x";
    assert_int_equal(child_start(&spec, &child, &err), TC_ENOENT);
    assert_string_equal(err.text, "cannot execute /nonexistent/x: No such file or directory");
    spec.path = "/etc/passwd";
    assert_int_equal(child_start(&spec, &child, &err), TC_EPERM);
    spec.path = "/bin/sh";
    spec.dir = "/nonexistent";
    assert_int_equal(child_start(&spec, &child, &err), TC_ENOENT);
    assert_string_equal(err.text,
                        "cannot change to the directory of /bin/sh: No such file or directory");
    assert_int_equal(child.pid, -1);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie stays */
}

static void test_limits(void **state)
{
    (void)state;
    char text[256];
    struct child_exit end;
    struct child_spec spec = shell(NULL);
    spec.limits = (struct child_limits){.cpu_seconds = 1, .file_bytes = 512, .descriptors = 9};
    run_shell("ulimit -n; ulimit -t; while :; do :; done", spec, text, sizeof(text), &end);
    assert_string_equal(text, "9\n1\n");
    assert_int_equal(end.signo, SIGXCPU);
}

static void test_first_to_die(void **state)
{
    (void)state;
    char text[64];
    struct child_exit end;
    struct child_spec spec = shell(NULL);
    spec.dies_first = true;
    run_shell("cat /proc/$$/oom_score_adj", spec, text, sizeof(text), &end);
    assert_string_equal(text, "500\n");
}

/* A file stands for the group's cgroup.procs: "0" is the process that writes it. */
static void test_group_is_joined_before_anything_runs(void **state)
{
    (void)state;
    char text[64];
    struct child_exit end;
    struct child_spec spec = shell(NULL);
    char path[] = "/tmp/tocsin_group_XXXXXX";
    spec.group_fd = mkstemp(path);
    assert_true(spec.group_fd > 0);
    char script[128];
    (void)snprintf(script, sizeof(script), "cat %s; ls /proc/$$/fd | wc -l", path);
    run_shell(script, spec, text, sizeof(text), &end);
    assert_string_equal(text, "03\n"); /* and the descriptor is not passed on */
    assert_int_equal(close(spec.group_fd), 0);
    spec.group_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    const char *const argv[] = {"sh", "-c", ":", NULL};
    spec.argv = argv;
    struct child child = CHILD_INIT;
    struct err err = ERR_INIT;
    assert_int_equal(child_start(&spec, &child, &err), TC_ENOSPC);
    assert_string_equal(err.text,
                        "cannot put into its control group /bin/sh: No space left on device");
    assert_int_equal(close(spec.group_fd), 0);
    assert_int_equal(unlink(path), 0);
}

static void test_input_and_the_kept_descriptor(void **state)
{
    (void)state;
    const char *const argv[] = {"sh", "-c", "cat; echo kept >&3", NULL};
    struct child_spec spec = shell(argv);
    struct err err = ERR_INIT;
    int ends[2];
    char text[64];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    spec.in = CHILD_PIPE;
    spec.keep_fd = ends[1];
    TC_CLEANUP(child_closep) struct child child = CHILD_INIT;
    assert_int_equal(child_start(&spec, &child, &err), TC_OK);
    (void)close(ends[1]);
    assert_int_equal(write(child.in, "in", 2), 2);
    (void)close(child.in);
    child.in = -1;
    read_to_end(child.out, text, sizeof(text));
    assert_string_equal(text, "in");
    read_to_end(ends[0], text, sizeof(text));
    assert_string_equal(text, "kept\n");
    (void)close(ends[0]);
    struct child_exit end;
    wait_for(child.pidfd);
    assert_int_equal(child_reap(&child, &end), TC_OK);
}

static void test_the_group_dies_with_the_child(void **state)
{
    (void)state;
    /* The grandchild keeps the pipe open: its end is only seen when it is dead. */
    const char *const argv[] = {"sh", "-c", "sleep 1000 & echo up; exit 0", NULL};
    struct child_spec spec = shell(argv);
    struct err err = ERR_INIT;
    TC_CLEANUP(child_closep) struct child child = CHILD_INIT;
    assert_int_equal(child_start(&spec, &child, &err), TC_OK);
    wait_for(child.pidfd);
    struct child_exit end;
    assert_int_equal(child_reap(&child, &end), TC_OK);
    assert_int_equal(end.status, 0);
    char text[16];
    read_to_end(child.out, text, sizeof(text));
    assert_string_equal(text, "up\n");
}

static void test_signals_reach_the_group(void **state)
{
    (void)state;
    const char *const argv[] = {"sh", "-c", "sleep 1000", NULL};
    struct child_spec spec = shell(argv);
    struct err err = ERR_INIT;
    TC_CLEANUP(child_closep) struct child child = CHILD_INIT;
    struct child_exit end;
    assert_int_equal(child_start(&spec, &child, &err), TC_OK);
    assert_int_equal(child_reap(&child, &end), TC_EAGAIN);
    child_signal(&child, SIGTERM);
    wait_for(child.pidfd);
    assert_int_equal(child_reap(&child, &end), TC_OK);
    assert_int_equal(end.status, -1);
    assert_int_equal(end.signo, SIGTERM);
}

static bool is_none(void *ctx, pid_t pid)
{
    (void)ctx;
    (void)pid;
    return false;
}

static void test_strays_do_not_escape(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    assert_int_equal(child_adopt_orphans(&err), TC_OK);
    const char *const argv[] = {
        "sh", "-c", "setsid sh -c 'setsid sleep 1000 & sleep 1000' & sleep 0.1; echo up", NULL};
    struct child_spec spec = shell(argv);
    TC_CLEANUP(child_closep) struct child child = CHILD_INIT;
    assert_int_equal(child_start(&spec, &child, &err), TC_OK);
    wait_for(child.pidfd);
    struct child_exit end;
    assert_int_equal(child_reap(&child, &end), TC_OK);
    for (int tries = 0; child_kill_strays(is_none, NULL) > 0; tries++) {
        assert_true(tries < 1000);
        (void)poll(NULL, 0, 5);
    }
    char text[16];
    read_to_end(child.out, text, sizeof(text)); /* ends: nobody holds the pipe any more */
    assert_string_equal(text, "up\n");
}

static int answer(void *ctx)
{
    int fd = *(const int *)ctx;
    return write(fd, "f", 1) == 1 ? 42 : 1;
}

static void test_fork_runs_a_function(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    int ends[2];
    char text[8];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    TC_CLEANUP(child_closep) struct child child = CHILD_INIT;
    assert_int_equal(child_fork(answer, &ends[1], &child, &err), TC_OK);
    (void)close(ends[1]);
    read_to_end(ends[0], text, sizeof(text));
    assert_string_equal(text, "f");
    wait_for(child.pidfd);
    struct child_exit end;
    assert_int_equal(child_reap(&child, &end), TC_OK);
    assert_int_equal(end.status, 42);
    (void)close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_inherited),
        cmocka_unit_test(test_a_missing_program_is_not_exit_127),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_first_to_die),
        cmocka_unit_test(test_group_is_joined_before_anything_runs),
        cmocka_unit_test(test_input_and_the_kept_descriptor),
        cmocka_unit_test(test_the_group_dies_with_the_child),
        cmocka_unit_test(test_signals_reach_the_group),
        cmocka_unit_test(test_fork_runs_a_function),
        cmocka_unit_test(test_strays_do_not_escape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
