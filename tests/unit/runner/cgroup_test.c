/* Where this process's control group is, from texts of real kernels; the rest is tried on a kernel that has
 * every controller by tests/fault/cgroup_test.py. */
#include "runner/cgroup.h"

#include <string.h>

#include "tests/support/test.h"

/* /proc/self/cgroup and /proc/self/mountinfo as systemd, a hybrid host, containers and none show them. */
static const struct {
    const char *what;
    const char *own;
    const char *mounts;
    const char *path; /* NULL: none */
    const char *told;
} rows[] = {
    {"a unit of systemd", "0::/system.slice/tocsin.service\n",
     "22 27 0:20 / /sys rw,nosuid - sysfs sysfs rw\n"
     "27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
     "31 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
     "/sys/fs/cgroup/system.slice/tocsin.service", NULL},
    {"moved by an earlier spawner", "0::/system.slice/tocsin.service/tocsin-main\n",
     "31 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
     "/sys/fs/cgroup/system.slice/tocsin.service/tocsin-main", NULL},
    {"hybrid", "2:cpu:/a\n1:name=systemd:/b\n0::/\n",
     "30 29 0:25 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
     "31 29 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
     "/sys/fs/cgroup/unified", NULL},
    {"a container with its own name space", "0::/\n",
     "31 22 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n", "/sys/fs/cgroup", NULL},
    {"a container that sees its part alone", "0::/docker/abc/sub\n",
     "31 22 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n", "/sys/fs/cgroup/sub", NULL},
    {"the top of that part", "0::/docker/abc\n",
     "31 22 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n", "/sys/fs/cgroup", NULL},
    {"a part of another", "0::/docker/abcd\n",
     "31 22 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n", NULL, "no cgroup v2 with"},
    {"outside of the name space", "0::/../other\n",
     "31 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n", NULL, "no cgroup v2 with"},
    {"not mounted", "0::/x\n", "27 1 8:1 / / rw - ext4 /dev/sda1 rw\n", NULL, "no cgroup v2 with"},
    {"version 1 alone", "2:cpu:/a\n1:memory:/10::/no\n", "", NULL, "this kernel has no cgroup v2"},
    {"nothing at all", "", "", NULL, "this kernel has no cgroup v2"},
    {"a blank in the mount point", "0::/x\n",
     "31 22 0:26 / /mnt/a\\040b rw - cgroup2 cgroup rw\n"
     "32 22 0:26 / /mnt/c rw - cgroup2 cgroup rw\n",
     "/mnt/c/x", NULL},
    {"lines cut short", "0::/x", "31 22 0:26\n31 22 0:26 / /m rw -\n- cgroup2\n", NULL,
     "no cgroup v2 with"},
};

static void test_own_group_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        char path[CGROUP_PATH_BYTES] = "";
        struct err err = ERR_INIT;
        int rc = cgroup_locate(rows[i].own, rows[i].mounts, path, &err);
        bool is_right = rows[i].path == NULL
                            ? rc == TC_ENOENT && strstr(err.text, rows[i].told) != NULL
                            : rc == TC_OK && strcmp(path, rows[i].path) == 0;
        if (!is_right) {
            fail_msg("%s: %d \"%s\" %s", rows[i].what, rc, path, err.text);
        }
    }
}

static void test_long_paths_are_refused(void **state)
{
    (void)state;
    char own[CGROUP_PATH_BYTES + 16] = "0::/";
    char path[CGROUP_PATH_BYTES];
    struct err err = ERR_INIT;
    memset(own + 4, 'x', CGROUP_PATH_BYTES);
    own[CGROUP_PATH_BYTES + 4] = '\0';
    assert_int_equal(
        cgroup_locate(own, "31 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n", path, &err),
        TC_ERANGE);
}

static void test_counts_of_events(void **state)
{
    (void)state;
    const char *memory = "low 0\nhigh 0\nmax 41\noom 2\noom_kill 3\noom_group_kill 1\n";
    assert_int_equal(cgroup_count(memory, "oom_kill"), 3);
    assert_int_equal(cgroup_count(memory, "oom"), 2);
    assert_int_equal(cgroup_count(memory, "max"), 41);
    assert_int_equal(cgroup_count(memory, "oom_group_kill"), 1);
    assert_int_equal(cgroup_count(memory, "kill"), 0);
    assert_int_equal(cgroup_count("max", "max"), 0);
    assert_int_equal(cgroup_count("max x\n", "max"), 0);
    assert_int_equal(cgroup_count("", "max"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_group_is_found),
        cmocka_unit_test(test_long_paths_are_refused),
        cmocka_unit_test(test_counts_of_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
