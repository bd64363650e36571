/* Check names and params: what a row may say. */
#include "proto/checks.h"

#include <string.h>

#include "lib/base/json.h"
#include "tests/support/test.h"

static void test_names(void **state)
{
    (void)state;
    enum checks_kind kind = CHECKS_SQL;
    const char *file = NULL;
    assert_int_equal(checks_parse("exec:compass_pos", &kind, &file, NULL), TC_OK);
    assert_int_equal(kind, CHECKS_EXEC);
    assert_string_equal(file, "compass_pos");
    assert_int_equal(checks_parse("heartbeat", &kind, &file, NULL), TC_OK);
    assert_int_equal(kind, CHECKS_HEARTBEAT);
    assert_string_equal(file, "");
    static const char *const bad[] = {"",         "SQL",      "sqlx",     "exec:",   "exec:..",
                                      "exec:a/b", "exec:a b", "nagios:.", "other:x", "php"};
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        assert_int_equal(checks_parse(bad[i], &kind, &file, NULL), TC_EINVAL);
    }
}

static void test_params(void **state)
{
    (void)state;
    static const struct {
        enum checks_kind kind;
        const char *params;
        int answer;
    } rows[] = {
        {CHECKS_HTTP, "{\"url\":\"http://localhost/\"}", TC_OK},
        {CHECKS_HTTP, "{\"url\":\"ftp://localhost/\"}", TC_EINVAL},
        {CHECKS_HTTP, "{\"url\":\"http://localhost/\",\"certDays\":7}", TC_EINVAL},
        {CHECKS_HTTP, "{}", TC_EINVAL},
        {CHECKS_TCP, "{\"host\":\"db\",\"port\":3306}", TC_OK},
        {CHECKS_TCP, "{\"host\":\"db\",\"port\":65536}", TC_EINVAL},
        {CHECKS_DISK, "{\"path\":\"/\",\"minFreePercent\":10}", TC_OK},
        {CHECKS_DISK, "{\"path\":\"/\",\"minFreePercent\":101}", TC_EINVAL},
        {CHECKS_DISK, "{\"path\":\"/\"}", TC_EINVAL},
        {CHECKS_FILE, "{\"glob\":\"/in/*.csv\",\"maxAge\":\"1h\"}", TC_OK},
        {CHECKS_FILE, "{\"glob\":\"/*/a.csv\"}", TC_EINVAL},
        {CHECKS_FILE, "{\"path\":\"/a/../b\"}", TC_EINVAL},
        {CHECKS_FILE, "{\"path\":\"/a\",\"glob\":\"/b*\"}", TC_EINVAL},
        {CHECKS_SQL, "{\"source\":\"s\",\"query\":\"q\",\"mode\":\"value\",\"min\":1}", TC_OK},
        {CHECKS_SQL, "{\"source\":\"s\",\"query\":\"q\",\"mode\":\"value\"}", TC_EINVAL},
        {CHECKS_SQL, "{\"source\":\"s\",\"query\":\"q\",\"mode\":\"rows\",\"min\":2,\"max\":1}",
         TC_EINVAL},
        {CHECKS_SQL, "{\"source\":\"s\",\"query\":\"q\",\"mode\":\"freshness\",\"maxAge\":\"1h\"}",
         TC_OK},
        {CHECKS_SQL, "{\"source\":\"s\",\"query\":\"q\",\"mode\":\"rows\"}", TC_OK},
        {CHECKS_SQL, "{\"source\":\"s\",\"query\":\"q\",\"mode\":\"rows\",\"max\":3}", TC_OK},
        {CHECKS_SQL, "{\"source\":\"s\",\"query\":\"q\",\"mode\":\"rows\",\"min\":3}", TC_EINVAL},
        {CHECKS_SQL, "{\"source\":\"s\",\"query\":\"q\",\"mode\":\"count\"}", TC_EINVAL},
        {CHECKS_HTTP, "{\"url\":\"http://h/\",\"expectStatus\":204}", TC_OK},
        {CHECKS_HTTP, "{\"url\":\"http://h/\",\"expectStatus\":[200,404]}", TC_OK},
        {CHECKS_HTTP, "{\"url\":\"http://h/\",\"expectStatus\":[]}", TC_EINVAL},
        {CHECKS_HTTP, "{\"url\":\"http://h/\",\"expectStatus\":[200,\"ok\"]}", TC_EINVAL},
        {CHECKS_HTTP, "{\"url\":\"http://h/\",\"expectStatus\":99}", TC_EINVAL},
        {CHECKS_NAGIOS, "{\"args\":[\"-w\",\"5\"],\"warningIs\":\"ok\"}", TC_OK},
        {CHECKS_NAGIOS, "{\"warningIs\":\"maybe\"}", TC_EINVAL},
        {CHECKS_EXEC, "{\"anything\":[1]}", TC_OK},
        {CHECKS_EXEC, "[]", TC_EINVAL},
    };
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        struct json *json = NULL;
        assert_int_equal(json_parse(rows[i].params, strlen(rows[i].params), 1000, &json, NULL),
                         TC_OK);
        struct err err = ERR_INIT;
        int rc = checks_check_params(rows[i].kind, json_root(json), &err);
        if (rc != rows[i].answer) {
            fail_msg("%s: %d %s", rows[i].params, rc, err.text);
        }
        json_free(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_params)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
