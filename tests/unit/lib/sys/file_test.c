/* Files and secrets on a real file system, with its real faults. */
#include "lib/sys/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/sys/secret.h"
#include "tests/support/test.h"

static char dir[] = "/tmp/file_test.XXXXXX";
static char path[64];

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL) {
        return 1;
    }
    (void)snprintf(path, sizeof(path), "%s/f", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path) != 0 || rmdir(dir) != 0; /* fails when a temporary file was left */
}

static void expect_content(const char *expected)
{
    struct err err = ERR_INIT;
    TC_CLEANUP(mem_freep) char *text = NULL;
    size_t size = 0;
    char *read = NULL;
    assert_int_equal(file_read(path, 1000, &read, &size, &err), TC_OK);
    text = read;
    assert_string_equal(text, expected);
    assert_int_equal(size, strlen(expected));
}

static void test_write_and_read(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    assert_int_equal(file_write(path, 0604, "old", 3, &err), TC_OK);
    assert_int_equal(file_write(path, 0604, "new text", 8, &err), TC_OK);
    struct stat facts;
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 07777U, 0604);
    expect_content("new text");
    assert_int_equal(file_create(path, 0600, "x", 1, &err), TC_EEXIST);
    expect_content("new text");
    char *text = NULL;
    assert_int_equal(file_read(path, 7, &text, NULL, &err), TC_ERANGE);
    assert_int_equal(file_read(path, 8, &text, NULL, &err), TC_OK);
    mem_free(text);
    assert_int_equal(file_read(dir, 100, &text, NULL, &err), TC_EINVAL);
    assert_int_equal(file_write("/nonexistent/f", 0600, "x", 1, &err), TC_ENOENT);
    assert_int_equal(file_write("/proc/f", 0600, "x", 1, &err), TC_ENOENT);
}

static void test_a_failed_write_leaves_the_old_content(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    static char large[8192];
    assert_int_equal(file_write(path, 0600, "old", 3, &err), TC_OK);
    (void)signal(SIGXFSZ, SIG_IGN);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {4096, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int code = file_write(path, 0600, large, sizeof(large), &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(code, TC_ENOSPC);
    expect_content("old");
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_int_equal(file_write_fd(full, "x", 1), TC_ENOSPC);
    (void)close(full);
}

static void test_lock(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char lock[80];
    char expected[160];
    (void)snprintf(lock, sizeof(lock), "%s/lock", dir);
    int first = -1;
    int second = -1;
    assert_int_equal(file_lock(lock, &first, &err), TC_OK);
    assert_int_equal(file_lock(lock, &second, &err), TC_EEXIST);
    (void)snprintf(expected, sizeof(expected), "already running: %s is held by process %d", lock,
                   (int)getpid());
    assert_string_equal(err.text, expected);
    (void)close(first);
    assert_int_equal(file_lock(lock, &second, &err), TC_OK);
    (void)close(second);
    (void)unlink(lock);
}

static void test_directories_and_paths(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char deep[80];
    (void)snprintf(deep, sizeof(deep), "%s/a/b", dir);
    assert_int_equal(file_make_dirs(deep, 0750, &err), TC_OK);
    assert_int_equal(file_make_dirs(deep, 0750, &err), TC_OK);
    assert_int_equal(file_sync_dir(deep, &err), TC_OK);
    (void)rmdir(deep);
    (void)snprintf(deep, sizeof(deep), "%s/a", dir);
    (void)rmdir(deep);
    assert_int_equal(file_write(path, 0600, "x", 1, &err), TC_OK);
    assert_int_equal(file_make_dirs(path, 0750, &err), TC_EEXIST);
    static const char *const joins[][3] = {
        {"/a", "b", "/a/b"}, {"/a/", "b", "/a/b"}, {"/", "b", "/b"}, {"/a", "/b", "/b"}};
    for (size_t i = 0; i < TEST_COUNT(joins); i++) {
        TC_CLEANUP(mem_freep) char *joined = file_join(joins[i][0], joins[i][1]);
        assert_string_equal(joined, joins[i][2]);
    }
    static const char *const dirs[][2] = {{"/a/b", "/a"}, {"/a", "/"}, {"a", "."}};
    for (size_t i = 0; i < TEST_COUNT(dirs); i++) {
        TC_CLEANUP(mem_freep) char *parent = file_dir(dirs[i][0]);
        assert_string_equal(parent, dirs[i][1]);
    }
    uint64_t bytes = 0;
    uint32_t permille = 2000;
    assert_int_equal(file_free_space(dir, &bytes, &permille, &err), TC_OK);
    assert_in_range(permille, 0, 1000);
    assert_int_equal(file_check_local("/nonexistent", &err), TC_ENOENT);
}

static void test_reach(void **state)
{
    (void)state;
    enum {
        OTHER = 4711,
    };
    char below[96];
    struct err err = ERR_INIT;
    (void)snprintf(below, sizeof(below), "%s/open", dir);
    assert_int_equal(mkdir(below, 0755), 0);
    assert_int_equal(chmod(dir, 0700), 0);
    assert_int_equal(file_check_reach(below, OTHER, OTHER, &err), TC_EPERM);
    assert_non_null(strstr(err.text, "is closed to it: chmod o+x /tmp/"));
    assert_null(strstr(err.text, "/open"));
    assert_int_equal(file_check_reach(below, getuid(), OTHER, NULL), TC_OK);
    assert_int_equal(file_check_reach(below, 0, 0, NULL), TC_OK);
    assert_int_equal(chmod(dir, 0710), 0);
    assert_int_equal(file_check_reach(below, OTHER, OTHER, NULL), TC_EPERM);
    assert_int_equal(file_check_reach(below, OTHER, getgid(), NULL), TC_OK);
    assert_int_equal(chmod(dir, 0711), 0);
    assert_int_equal(file_check_reach(below, OTHER, OTHER, NULL), TC_OK);
    assert_int_equal(chmod(dir, 0701), 0); /* the group's bits hold for its members */
    assert_int_equal(file_check_reach(below, OTHER, getgid(), NULL), TC_EPERM);
    assert_int_equal(rmdir(below), 0);
    assert_int_equal(file_check_reach(below, OTHER, OTHER, NULL), TC_ENOENT);
    assert_int_equal(chmod(dir, 0700), 0);
}

static void test_secrets(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct secret *secret = NULL;
    assert_int_equal(file_write(path, 0640, "hunter2\r\n", 9, &err), TC_OK);
    assert_int_equal(secret_load("file:f", dir, &secret, &err), TC_OK);
    assert_string_equal(secret_bytes(secret), "hunter2");
    assert_int_equal(secret_size(secret), 7);
    secret = secret_free(secret);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(secret_load("file:f", dir, &secret, &err), TC_EPERM);
    assert_non_null(strstr(err.text, "mode 0644"));
    assert_int_equal(chmod(path, 0620), 0);
    assert_int_equal(secret_load("file:f", dir, &secret, &err), TC_EPERM);
    assert_int_equal(file_write(path, 0600, "\n", 1, &err), TC_OK);
    assert_int_equal(secret_load("file:f", dir, &secret, &err), TC_EPARSE);
    assert_int_equal(secret_load("file:none", dir, &secret, &err), TC_ENOENT);
    assert_int_equal(secret_load("hunter2", dir, &secret, &err), TC_EINVAL);
    assert_null(strstr(err.text, "hunter2"));
    assert_int_equal(secret_load("env:TOCSIN_NO_SUCH_VARIABLE", dir, &secret, &err), TC_ENOENT);
    assert_int_equal(secret_load("env:PATH", dir, &secret, &err), TC_OK);
    secret = secret_free(secret);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    assert_int_equal(secret_load("cred:f", dir, &secret, &err), TC_ENOENT);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
    assert_int_equal(secret_load("cred:../f", dir, &secret, &err), TC_EINVAL);
    assert_int_equal(file_write(path, 0600, "token", 5, &err), TC_OK);
    assert_int_equal(secret_load("cred:f", "/", &secret, &err), TC_OK);
    assert_string_equal(secret_bytes(secret), "token");
    secret = secret_free(secret);
}

/* What another process can tell of a secret: its file, and the form of the rest. */
static void test_secrets_of_another_process(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    assert_int_equal(file_write(path, 0600, "hunter2\n", 8, &err), TC_OK);
    assert_int_equal(secret_check("file:f", dir, &err), TC_OK);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(secret_check("file:f", dir, &err), TC_EPERM);
    assert_int_equal(secret_check("file:none", dir, &err), TC_ENOENT);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    assert_int_equal(secret_check("cred:f", dir, &err), TC_OK);
    assert_int_equal(secret_check("env:TOCSIN_NO_SUCH_VARIABLE", dir, &err), TC_OK);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
    assert_int_equal(secret_check("cred:../f", dir, &err), TC_EINVAL);
    assert_int_equal(secret_check("env:", dir, &err), TC_ENOENT);
    assert_int_equal(secret_check("hunter2", dir, &err), TC_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_and_read),
        cmocka_unit_test(test_a_failed_write_leaves_the_old_content),
        cmocka_unit_test(test_lock),
        cmocka_unit_test(test_directories_and_paths),
        cmocka_unit_test(test_reach),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_secrets_of_another_process),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
