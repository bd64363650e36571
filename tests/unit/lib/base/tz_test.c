/* Zones against glibc's own reading of the same tzdata, and names that must be refused. */
#include "lib/base/tz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "tests/support/test.h"

static const char *const zones[] = {
    "America/Chicago",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "America/Santiago",
    "America/Havana",
    "America/Asuncion",
    "America/Nuuk",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Europe/Dublin",
    "Europe/Berlin",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Atlantic/Azores",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Asia/Gaza",
    "Africa/Monrovia",
    "UTC",
    "Etc/GMT+5",
};

static bool is_as_glibc(const struct tz *zone, time_t at_s)
{
    struct tm tm;
    const struct tz_period *period = tz_period_at(zone, (int64_t)at_s * 1000);
    if (localtime_r(&at_s, &tm) == NULL || tm.tm_gmtoff != period->offset_s ||
        strcmp(tm.tm_zone, period->abbreviation) != 0) {
        fprintf(stderr, "%s at %lld: %d %s, glibc %ld %s\n", tz_name(zone), (long long)at_s,
                period->offset_s, period->abbreviation, tm.tm_gmtoff, tm.tm_zone);
        return false;
    }
    return true;
}

/* In a child, because TZ belongs to the process: each period's edges, and every 5 hours. */
static int compare_with_glibc(const char *name, const struct tz *zone)
{
    const time_t end_s = 2114380800; /* 2037-01-01 */
    setenv("TZ", name, 1);
    tzset();
    const struct tz_period *at = tz_period_at(zone, 0);
    for (; at != NULL && at->end_utc_ms / 1000 < end_s; at = tz_period_next(zone, at)) {
        time_t edge_s = (time_t)(at->end_utc_ms / 1000);
        if (!is_as_glibc(zone, edge_s - 1) || !is_as_glibc(zone, edge_s)) {
            return 1;
        }
    }
    for (time_t at_s = 0; at_s < end_s; at_s += 5 * 3600) {
        if (!is_as_glibc(zone, at_s)) {
            return 1;
        }
    }
    return 0;
}

static void test_offsets_are_glibcs(void **state)
{
    (void)state;
    struct tz_cache *cache = tz_cache_new(NULL);
    for (size_t i = 0; i < TEST_COUNT(zones); i++) {
        const struct tz *zone = NULL;
        assert_int_equal(tz_open(cache, zones[i], &zone, NULL), TC_OK);
        pid_t pid = fork();
        if (pid == 0) {
            _exit(compare_with_glibc(zones[i], zone));
        }
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
    tz_cache_free(cache);
}

/* Local times are told once, never or twice exactly as the periods around each change say. */
static void test_local_times_around_every_change(void **state)
{
    (void)state;
    struct tz_cache *cache = tz_cache_new(NULL);
    for (size_t i = 0; i < TEST_COUNT(zones); i++) {
        const struct tz *zone = NULL;
        assert_int_equal(tz_open(cache, zones[i], &zone, NULL), TC_OK);
        const struct tz_period *before = tz_period_at(zone, INT64_C(1262304000000)); /* 2010 */
        const struct tz_period *after = tz_period_next(zone, before);
        for (; after != NULL; before = after, after = tz_period_next(zone, after)) {
            int64_t change = after->start_utc_ms;
            int64_t old_local = change + before->offset_s * INT64_C(1000);
            int64_t new_local = change + after->offset_s * INT64_C(1000);
            struct tz_local middle = tz_from_local(zone, (old_local + new_local) / 2);
            if (new_local > old_local) {
                assert_int_equal(middle.kind, TZ_LOCAL_NEVER);
                assert_int_equal(middle.first_utc_ms, change);
                assert_int_equal(tz_from_local(zone, old_local).kind, TZ_LOCAL_NEVER);
            } else if (new_local < old_local) {
                assert_int_equal(middle.kind, TZ_LOCAL_TWICE);
                assert_int_equal(middle.last_utc_ms - middle.first_utc_ms, old_local - new_local);
                assert_int_equal(tz_from_local(zone, new_local).kind, TZ_LOCAL_TWICE);
                assert_int_equal(tz_from_local(zone, new_local - 1).kind, TZ_LOCAL_ONCE);
            } else {
                assert_int_equal(middle.kind, TZ_LOCAL_ONCE); /* only the name changed */
            }
            struct tz_local last =
                tz_from_local(zone, (new_local > old_local ? old_local : new_local) - 1);
            assert_int_equal(last.kind, TZ_LOCAL_ONCE);
        }
    }
    tz_cache_free(cache);
}

static void test_names_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *told;
    } rows[] = {
        {"America/Chicgo", "did you mean \"America/Chicago\"?"},
        {"america/chicago", "did you mean \"America/Chicago\"?"},
        {"America/New York", "did you mean \"America/New_York\"?"},
        {"chicago", "did you mean \"America/Chicago\"?"},
        {"", "use a name like"},
        {"Nowhere/Land", "there is no time zone"},
        {"America", "there is no time zone"},
        {"America/", "there is no time zone"},
        {"America//Chicago", "there is no time zone"},
        {"../zoneinfo/UTC", "there is no time zone"},
        {"/usr/share/zoneinfo/UTC", "there is no time zone"},
        {"Europe/../UTC", "there is no time zone"},
        {":UTC", "there is no time zone"},
        {"CST6CDT,M3.2.0,M11.1.0", "there is no time zone"},
        {"EST5", "there is no time zone"},
        {"+05:00", "there is no time zone"},
        {"localtime", "there is no time zone"},
        {"right/America/Chicago", "there is no time zone"},
        {"tzdata.zi", "there is no time zone"},
    };
    struct tz_cache *cache = tz_cache_new(NULL);
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        const struct tz *zone = NULL;
        struct err err = ERR_INIT;
        assert_int_equal(tz_open(cache, rows[i].name, &zone, &err), TC_EINVAL);
        assert_null(zone);
        if (strstr(err.text, rows[i].told) == NULL) {
            fail_msg("\"%s\" gives: %s", rows[i].name, err.text);
        }
    }
    tz_cache_free(cache);
}

/* Run a shell command in a folder. */
static void run(const char *folder, const char *command)
{
    char line[512];
    snprintf(line, sizeof(line), "cd %s && %s", folder, command);
    assert_int_equal(system(line), 0);
}

static void test_files_missing_broken_and_replaced(void **state)
{
    (void)state;
    char folder[] = "/tmp/tocsin_tz_XXXXXX";
    assert_non_null(mkdtemp(folder));
    run(folder, "cp /usr/share/zoneinfo/Asia/Kathmandu Zone && echo no > Broken && : > Empty");
    struct tz_cache *cache = tz_cache_new(folder);
    const struct tz *zone = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(tz_open(cache, "Broken", &zone, &err), TC_ECORRUPT);
    assert_int_equal(tz_open(cache, "Empty", &zone, &err), TC_ECORRUPT);
    assert_int_equal(tz_open(cache, "Missing", &zone, &err), TC_EINVAL);
    assert_int_equal(tz_open(cache, "Zone", &zone, &err), TC_OK);
    assert_int_equal(tz_period_at(zone, INT64_C(1767225600000))->offset_s, 20700);

    size_t changed = 7;
    assert_int_equal(tz_cache_refresh(cache, 3600000, &changed, &err), TC_OK);
    assert_int_equal(changed, 0);
    run(folder, "cp /usr/share/zoneinfo/Asia/Tokyo New && mv New Zone");
    assert_int_equal(tz_cache_refresh(cache, 7199999, &changed, &err), TC_OK); /* not yet an hour */
    assert_int_equal(changed, 0);
    assert_int_equal(tz_cache_refresh(cache, 7200000, &changed, &err), TC_OK);
    assert_int_equal(changed, 1);
    assert_int_equal(tz_period_at(zone, INT64_C(1767225600000))->offset_s, 32400);

    run(folder, "rm Zone");
    assert_int_equal(tz_cache_refresh(cache, 10800000, &changed, &err), TC_EINVAL);
    assert_int_equal(changed, 0);
    assert_int_equal(tz_period_at(zone, INT64_C(1767225600000))->offset_s, 32400);

    run(folder, "rm -r \"$PWD\"");
    struct tz_cache *none = tz_cache_new(folder);
    assert_int_equal(tz_open(none, "UTC", &zone, &err), TC_ENOENT);
    assert_non_null(strstr(err.text, "install the package tzdata"));
    tz_cache_free(none);
    tz_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offsets_are_glibcs),
        cmocka_unit_test(test_local_times_around_every_change),
        cmocka_unit_test(test_names_that_are_refused),
        cmocka_unit_test(test_files_missing_broken_and_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
