/* Names from rows against a real directory with everything in it that must not be run. */
#include "runner/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/test.h"

static char root[64];
static char dirs[3][128];
static const char *dir_items[] = {dirs[0], dirs[1]};
static const char *open_dir_items[] = {dirs[2]};
static const char *allow_items[] = {"exec:*", "nagios:check_*", "sql"};
static struct check_policy policy = {
    .allow = {allow_items, 3},
    .directories = {dir_items, 2},
    .php = {dir_items, 2},
    .plugins = {dir_items, 2},
    .builtin = "/bin/true",
};

static void make_file(int dir, const char *name, mode_t mode)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", dirs[dir], name);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static int setup(void **state)
{
    (void)state;
    char path[256];
    (void)strcpy(root, "/tmp/tocsin-check-XXXXXX");
    assert_non_null(mkdtemp(root));
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(dirs[i], sizeof(dirs[i]), "%s/%zu", root, i);
        assert_int_equal(mkdir(dirs[i], 0755), 0);
    }
    assert_int_equal(chmod(dirs[2], 0777), 0);
    make_file(0, "good", 0755);
    make_file(0, "plain", 0644);
    make_file(0, "group", 0775);
    make_file(0, "world", 0757);
    make_file(0, "Feed.php", 0644);
    make_file(0, "negate", 0755);
    make_file(0, "check_tcp", 0755);
    make_file(1, "good", 0644); /* hidden by the first directory's */
    make_file(1, "second", 0755);
    make_file(2, "good", 0755);
    (void)snprintf(path, sizeof(path), "%s/folder", dirs[0]);
    assert_int_equal(mkdir(path, 0755), 0);
    (void)snprintf(path, sizeof(path), "%s/outside", dirs[0]);
    assert_int_equal(symlink("/bin/true", path), 0);
    (void)snprintf(path, sizeof(path), "%s/check_ftp", dirs[0]);
    assert_int_equal(symlink("check_tcp", path), 0);
    (void)snprintf(path, sizeof(path), "%s/fifo", dirs[0]);
    assert_int_equal(mkfifo(path, 0755), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {"good",      "plain",   "group",  "world",
                                        "Feed.php",  "negate",  "second", "check_tcp",
                                        "check_ftp", "outside", "fifo"};
    char path[256];
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
            (void)snprintf(path, sizeof(path), "%s/%s", dirs[i], names[j]);
            (void)unlink(path);
        }
        (void)snprintf(path, sizeof(path), "%s/folder", dirs[i]);
        (void)rmdir(path);
        (void)rmdir(dirs[i]);
    }
    return rmdir(root);
}

static const struct {
    enum checks_kind kind;
    const char *file;
    int code;
    const char *reason;
    const char *part; /* of the path or of the sentence */
} rows[] = {
    {CHECKS_EXEC, "good", TC_OK, "", "/0/good"},
    {CHECKS_EXEC, "second", TC_OK, "", "/1/second"},
    {CHECKS_PHP, "Feed", TC_OK, "", "/0/Feed.php"},
    {CHECKS_NAGIOS, "check_ftp", TC_OK, "", "/0/check_ftp"},
    {CHECKS_SQL, "", TC_OK, "", "/bin/true"},
    {CHECKS_EXEC, "missing", TC_ENOENT, "missing", "runner.checks"},
    {CHECKS_PHP, "good", TC_ENOENT, "missing", "runner.php"},
    {CHECKS_EXEC, "plain", TC_EPERM, "not_executable", "chmod +x"},
    {CHECKS_EXEC, "group", TC_EPERM, "not_executable", "changed by others"},
    {CHECKS_EXEC, "world", TC_EPERM, "not_executable", "changed by others"},
    {CHECKS_EXEC, "folder", TC_EINVAL, "not_executable", "a directory"},
    {CHECKS_EXEC, "fifo", TC_EINVAL, "not_executable", "no regular file"},
    {CHECKS_EXEC, "outside", TC_EPERM, "not_executable", "symbolic link"},
    {CHECKS_EXEC, "check_ftp", TC_EPERM, "not_executable", "symbolic link"},
    {CHECKS_NAGIOS, "outside", TC_EPERM, "not_executable", "can't be run"},
    {CHECKS_NAGIOS, "negate", TC_EPERM, "not_allowed", "runs other commands"},
    {CHECKS_EXEC, "../1/second", TC_EINVAL, "config", "paths and arguments"},
    {CHECKS_EXEC, "/bin/true", TC_EINVAL, "config", "paths and arguments"},
    {CHECKS_EXEC, "good; rm -rf x", TC_EINVAL, "config", "paths and arguments"},
    {CHECKS_EXEC, "..", TC_EINVAL, "config", "begin"},
    {CHECKS_EXEC, "-x", TC_EINVAL, "config", "begin"},
    {CHECKS_EXEC, "", TC_EINVAL, "config", "1 to 64"},
    {CHECKS_EXEC, "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg", TC_EINVAL,
     "config", "1 to 64"},
};

static void test_locate(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char path[CHECK_PATH_BYTES] = "";
        enum verdict_reason reason = VERDICT_REASON_OK;
        struct err err = ERR_INIT;
        int rc = check_locate(&policy, rows[i].kind, rows[i].file, path, &reason, &err);
        const char *said = rc == TC_OK ? path : err.text;
        if (rc != rows[i].code || strstr(said, rows[i].part) == NULL ||
            (rc != TC_OK && strcmp(verdict_reason_name(reason), rows[i].reason) != 0)) {
            fail_msg("%s: code %d, reason %s: %s", rows[i].file, rc, verdict_reason_name(reason),
                     said);
        }
    }
}

static void test_directory_that_others_may_write(void **state)
{
    (void)state;
    struct check_policy open_policy = policy;
    open_policy.directories = (struct config_list){open_dir_items, 1};
    char path[CHECK_PATH_BYTES] = "";
    enum verdict_reason reason = VERDICT_REASON_OK;
    struct err err = ERR_INIT;
    assert_int_equal(check_locate(&open_policy, CHECKS_EXEC, "good", path, &reason, &err),
                     TC_EPERM);
    assert_non_null(strstr(err.text, "the directory"));
}

static void test_allow_list(void **state)
{
    (void)state;
    struct check_policy none = policy;
    none.allow.count = 0;
    assert_true(check_is_allowed(&policy, "exec:anything"));
    assert_true(check_is_allowed(&policy, "sql"));
    assert_true(check_is_allowed(&policy, "nagios:check_disk"));
    assert_false(check_is_allowed(&policy, "nagios:other"));
    assert_false(check_is_allowed(&policy, "sqlx"));
    assert_false(check_is_allowed(&policy, "http"));
    assert_false(check_is_allowed(&none, "sql"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_locate),
        cmocka_unit_test(test_directory_that_others_may_write),
        cmocka_unit_test(test_allow_list),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
