#include "lib/base/rules.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "tests/support/test.h"

static int check_even(const char *text, struct err *err)
{
    if (strlen(text) % 2 == 0) {
        return TC_OK;
    }
    return err_set(err, TC_EINVAL, "must have an even length");
}

static const char *const methods[] = {"GET", "POST", "HEAD", NULL};

static const struct rule target_rules[] = {
    {.name = "webhook", .type = RULE_SECRET, .is_required = true, .doc = "Where to post."},
    {.name = NULL},
};

static const struct rule nested_rules[] = {
    {.name = "on", .type = RULE_BOOLEAN},
    {.name = NULL},
};

static const struct rule rules[] = {
    {.name = "url", .type = RULE_STRING, .is_required = true, .min = 1, .max = 10, .doc = "A URL."},
    {.name = "method", .type = RULE_STRING, .choices = methods, .fallback = "\"GET\""},
    {.name = "even", .type = RULE_STRING, .check = check_even},
    {.name = "count", .type = RULE_INTEGER, .min = 1, .max = 5},
    {.name = "least", .type = RULE_INTEGER, .min = 2},
    {.name = "ratio", .type = RULE_NUMBER},
    {.name = "on", .type = RULE_BOOLEAN},
    {.name = "timeout", .type = RULE_DURATION, .min = 1000, .max = 60000},
    {.name = "keep", .type = RULE_DURATION, .min = 5400000, .max = 86400000, .or_zero = true},
    {.name = "pause", .type = RULE_DURATION, .min = 1500},
    {.name = "password", .type = RULE_SECRET},
    {.name = "methods", .type = RULE_STRINGS, .min = 1, .max = 2, .choices = methods},
    {.name = "nested", .type = RULE_OBJECT, .rules = nested_rules},
    {.name = "targets", .type = RULE_MAP, .rules = target_rules, .doc = "By name."},
    {.name = "free", .type = RULE_ANY},
    {.name = NULL},
};

/* members stand behind a valid url. NULL expected: must pass. */
static void check(const char *members, const char *expected)
{
    char text[512];
    int size = snprintf(text, sizeof(text), "{\"url\":\"x\"%s%s}", members[0] ? "," : "", members);
    assert_true(size > 0 && size < (int)sizeof(text));
    TC_CLEANUP(json_freep) struct json *json = NULL;
    assert_int_equal(json_parse(text, (size_t)size, LIMIT_CONFIG_BYTES, &json, NULL), TC_OK);
    struct err err = ERR_INIT;
    int rc = rules_check(rules, json_root(json), "params", &err);
    if (expected == NULL) {
        if (rc != TC_OK) {
            fail_msg("%s: %s", members, err.text);
        }
        return;
    }
    assert_int_equal(rc, TC_EINVAL);
    assert_int_equal(err.code, TC_EINVAL);
    assert_string_equal(err.text, expected);
}

static void test_accepted(void **state)
{
    (void)state;
    static const char *const good[] = {
        "",
        "\"method\":\"POST\"",
        "\"even\":\"ab\"",
        "\"count\":1,\"least\":1000000",
        "\"ratio\":-0.5",
        "\"on\":false",
        "\"timeout\":\"1m\"",
        "\"timeout\":30",
        "\"keep\":0",
        "\"keep\":\"0s\"",
        "\"keep\":\"2h\"",
        "\"password\":\"file:/etc/x\"",
        "\"password\":\"cred:x\"",
        "\"password\":\"env:X\"",
        "\"methods\":[\"GET\",\"GET\"]",
        "\"nested\":{}",
        "\"nested\":{\"on\":true},\"on\":true",
        "\"targets\":{\"#ops\":{\"webhook\":\"env:A\"},\"b\":{\"webhook\":\"env:B\"}}",
        "\"free\":[{\"anything\":1}]",
        "\"method\":null,\"nested\":null",
    };
    for (size_t i = 0; i < TEST_COUNT(good); i++) {
        check(good[i], NULL);
    }
}

static void test_refused(void **state)
{
    (void)state;
    check("\"methid\":1", "params.methid: unknown; did you mean method?");
    check(
        "\"zzzzzzzz\":1",
        "params.zzzzzzzz: unknown; known are: url, method, even, count, least, ratio, on, timeout, "
        "keep, pause, password, methods, nested, targets, free");
    check("\"method\":\"GTE\"",
          "params.method: \"GTE\" is not one of GET, POST, HEAD; did you mean GET?");
    check("\"method\":\"get\"",
          "params.method: \"get\" is not one of GET, POST, HEAD; did you mean GET?");
    check("\"method\":\"x\\ny\"", "params.method: \"x\\ny\" is not one of GET, POST, HEAD");
    check("\"method\":7", "params.method: must be a string");
    check("\"even\":\"abc\"", "params.even: must have an even length");
    check("\"count\":0", "params.count: the number must be from 1 to 5");
    check("\"count\":6", "params.count: the number must be from 1 to 5");
    check("\"count\":1.5", "params.count: must be a whole number");
    check("\"count\":1e300", "params.count: must be a whole number");
    check("\"count\":\"1\"", "params.count: must be a whole number");
    check("\"least\":1", "params.least: the number must be at least 2");
    check("\"ratio\":true", "params.ratio: must be a number");
    check("\"on\":1", "params.on: must be true or false");
    check("\"timeout\":\"1x\"", "params.timeout: must be a duration such as 30s, 5m, 2h or 1d");
    check("\"timeout\":-1", "params.timeout: must be a duration such as 30s, 5m, 2h or 1d");
    check("\"timeout\":1.5", "params.timeout: must be a duration such as 30s, 5m, 2h or 1d");
    check("\"timeout\":\"2m\"", "params.timeout: the duration must be from 1s to 1m");
    check("\"keep\":30", "params.keep: the duration must be 0, or from 90m to 1d");
    check("\"pause\":\"999ms\"", "params.pause: the duration must be at least 1500ms");
    check("\"pause\":0", "params.pause: the duration must be at least 1500ms");
    check("\"methods\":[]", "params.methods: the number of entries must be from 1 to 2");
    check("\"methods\":[\"GET\",1]", "params.methods: must be an array of strings");
    check("\"methods\":[\"PUT\"]", "params.methods: \"PUT\" is not one of GET, POST, HEAD");
    check("\"nested\":{\"no\":1}", "params.nested.no: unknown; did you mean on?");
    check("\"nested\":[]", "params.nested: must be an object");
    check("\"targets\":{\"a\":{\"webhook\":\"env:A\"},\"b\":{}}",
          "params.targets.b.webhook: is missing; it must be a reference to a secret: file:/path, "
          "cred:name or env:NAME");
    check("\"targets\":{\"a\":null}", "params.targets.a: must be an object");
    check("\"nested\":{\"on\":true},\"count\":9", "params.count: the number must be from 1 to 5");
}

/* A literal secret must not be repeated in the message about it. */
static void test_secret_not_shown(void **state)
{
    (void)state;
    static const char *const bad[] = {"\"password\":\"hunter2\"", "\"password\":\"file:relative\"",
                                      "\"password\":\"env:\"", "\"password\":12"};
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        check(bad[i], "params.password: must be a reference to a secret: file:/path, cred:name or "
                      "env:NAME");
    }
}

static void test_root(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *where;
        const char *expected;
    } cases[] = {
        {"{}", "", "url: is missing; it must be a string"},
        {"{\"url\":null}", "", "url: is missing; it must be a string"},
        {"{\"url\":\"\"}", "", "url: the number of bytes must be from 1 to 10"},
        {"{\"url\":\"12345678901\"}", "x", "x.url: the number of bytes must be from 1 to 10"},
        {"[]", "", "the document: must be an object"},
        {"[]", "params", "params: must be an object"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        TC_CLEANUP(json_freep) struct json *json = NULL;
        const char *text = cases[i].text;
        assert_int_equal(json_parse(text, strlen(text), 100, &json, NULL), TC_OK);
        struct err err = ERR_INIT;
        assert_int_equal(rules_check(rules, json_root(json), cases[i].where, &err), TC_EINVAL);
        assert_string_equal(err.text, cases[i].expected);
        assert_int_equal(rules_check(rules, json_root(json), cases[i].where, NULL), TC_EINVAL);
    }
}

static void test_describe(void **state)
{
    (void)state;
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, 4000);
    rules_describe(rules, &out);
    assert_int_equal(out.err, TC_OK);
    assert_non_null(strstr(out.p, "url (string, required): A URL.\n"
                                  "method (string, default \"GET\") one of GET, POST, HEAD\n"));
    assert_non_null(strstr(out.p, "nested (object)\n  on (boolean)\n"
                                  "targets (map) of any names, each with the members below: By "
                                  "name.\n  webhook (secret, required): Where to post.\n"
                                  "free (any)\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),         cmocka_unit_test(test_refused),
        cmocka_unit_test(test_secret_not_shown), cmocka_unit_test(test_root),
        cmocka_unit_test(test_describe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
