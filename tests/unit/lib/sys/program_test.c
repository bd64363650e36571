/* A daemon's life in a forked process: how each beginning leads to its exit status. */
#include "lib/sys/program.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/sys/child.h"
#include "lib/sys/config.h"
#include "lib/sys/file.h"
#include "lib/sys/loop.h"
#include "tests/support/test.h"

static char path[] = "/tmp/program_test.XXXXXX";

static int set_up(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 || close(fd) != 0;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

static int start_and_be_stopped(struct program_context *context, struct err *err)
{
    (void)err;
    program_ready(context);
    program_progress(context);
    (void)kill(getpid(), SIGTERM);
    return TC_OK;
}

static int start_and_reload(struct program_context *context, struct err *err)
{
    (void)context;
    static const char yaml[] = "runner: {name: second}\n";
    (void)kill(getpid(), SIGHUP);
    return file_write(path, 0600, yaml, sizeof(yaml) - 1, err);
}

static void on_reload(struct program_context *context)
{
    bool is_second = strcmp(context->config->runner.name, "second") == 0;
    loop_stop(context->loop, is_second ? TC_OK : TC_EIO);
}

static int start_failing(struct program_context *context, struct err *err)
{
    (void)context;
    return err_set(err, TC_EPERM, "not allowed");
}

struct life {
    struct program program;
    const char *arguments[4];
};

static int live(void *ctx)
{
    const struct life *life = ctx;
    char *argv[6] = {NULL};
    int argc = 0;
    argv[argc++] = mem_strdup("program");
    for (size_t i = 0; i < 4 && life->arguments[i] != NULL; i++) {
        argv[argc++] = mem_strdup(life->arguments[i]);
    }
    int status = program_main(&life->program, argc, argv);
    for (int i = 0; i < argc; i++) {
        mem_free(argv[i]);
    }
    return status;
}

static int status_of(struct life life, const char *yaml)
{
    struct err err = ERR_INIT;
    TC_CLEANUP(child_closep) struct child child = CHILD_INIT;
    struct child_exit end;
    life.program.name = "test";
    life.program.doc = "Test.";
    assert_int_equal(file_write(path, 0600, yaml, strlen(yaml), &err), TC_OK);
    assert_int_equal(child_fork(live, &life, &child, &err), TC_OK);
    struct pollfd item = {.fd = child.pidfd, .events = POLLIN};
    assert_int_equal(poll(&item, 1, 20000), 1);
    assert_int_equal(child_reap(&child, &end), TC_OK);
    return end.status;
}

static void test_exit_statuses(void **state)
{
    (void)state;
    const struct program good = {.start = start_and_be_stopped};
    const struct program failing = {.start = start_failing};
    const struct program reloading = {.start = start_and_reload, .reload = on_reload};
    assert_int_equal(status_of((struct life){good, {"--config", path}}, ""), 0);
    assert_int_equal(status_of((struct life){failing, {"--config", path}}, ""), 77);
    assert_int_equal(status_of((struct life){reloading, {"-c", path}}, "runner: {name: first}\n"),
                     0);
    assert_int_equal(status_of((struct life){good, {"--config", path}}, "nonsense: 1\n"), 78);
    assert_int_equal(status_of((struct life){good, {"--config", "/nonexistent"}}, ""), 78);
    assert_int_equal(status_of((struct life){good, {"--confg", path}}, ""), 64);
    assert_int_equal(status_of((struct life){good, {"-c", path, "operand"}}, ""), 64);
    assert_int_equal(status_of((struct life){failing, {"-c", path, "--check-config"}}, ""), 0);
    assert_int_equal(status_of((struct life){failing, {"--version"}}, ""), 0);
    assert_int_equal(status_of((struct life){failing, {"--help"}}, ""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_statuses),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
