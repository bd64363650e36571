/* The frame: whatever comes in, one answer goes out; examples of the manual are valid. */
#include "monitors/check.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "lib/sys/clock_real.h"
#include "tests/support/test.h"

static void ask(const char *kind, const char *text, struct buf *out)
{
    TC_CLEANUP(clock_real_freep) struct clock_real *real = clock_real_new(NULL);
    struct check_host host = {.clock = clock_real_clock(real), .problem = "there is no file"};
    check_answer(&host, kind == NULL ? NULL : check_find(kind), text, strlen(text), out);
}

static const struct {
    const char *kind;
    const char *text;
    const char *problem;
} rows[] = {
    {"tcp", "", "The request is not a JSON object: "},
    {"tcp", "[]", "The check can't run as it is set up: "},
    {"tcp", "null", "The check can't run as it is set up: "},
    {"tcp", "{\"params\":{}} x", "The request is not a JSON object: "},
    {"tcp", "{\"params\":{},\"params\":{}}", "The request is not a JSON object: "},
    {"tcp", "{}", "The check can't run as it is set up: params must be an object, and is missing"},
    {"tcp", "{\"params\":7}", "The check can't run as it is set up: params must be an object"},
    {"tcp", "{\"params\":{\"host\":\"h\"}}", "The check can't run as it is set up: params.port"},
    {"tcp", "{\"params\":{\"host\":\"h\",\"port\":1,\"prot\":2}}",
     "The check can't run as it is set up: params"},
    {"tcp", "{\"params\":{\"host\":\"h\",\"port\":1},\"timeoutSeconds\":0}",
     "The check can't run as it is set up: timeoutSeconds"},
    {"tcp", "{\"kind\":\"http\",\"params\":{}}",
     "The check can't run as it is set up: kind is \"http\", but this process answers for \"tcp\""},
    {NULL, "{\"kind\":\"nothing\",\"params\":{}}",
     "The check can't run as it is set up: kind must be one of"},
    {"disk", "{\"params\":{\"path\":\"/\",\"minFreePercent\":1}}",
     "The check can't run without this host's configuration: there is no file"},
};

static void bad_requests_are_answered(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        TC_CLEANUP(buf_freep) struct buf out;
        TC_CLEANUP(json_freep) struct json *json = NULL;
        buf_init(&out, 100000);
        ask(rows[i].kind, rows[i].text, &out);
        assert_int_equal(json_parse(out.p, out.len, out.len, &json, NULL), TC_OK);
        assert_false(json_boolean(json_member(json_root(json), "isOk")));
        const char *message = json_string(json_member(json_root(json), "message"));
        if (!str_has_prefix(message, rows[i].problem)) {
            fail_msg("%s: %s", rows[i].text, message);
        }
    }
}

static void examples_are_valid(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct check_ops *const *ops = check_kinds; *ops != NULL; ops++) {
        assert_ptr_equal(check_find((*ops)->name), *ops);
        assert_non_null((*ops)->examples[0].doc);
        for (size_t i = 0; i < CHECK_EXAMPLES_MAX && (*ops)->examples[i].doc != NULL; i++) {
            TC_CLEANUP(json_freep) struct json *json = NULL;
            struct err err = ERR_INIT;
            const char *params = (*ops)->examples[i].params;
            assert_int_equal(json_parse(params, strlen(params), 10000, &json, NULL), TC_OK);
            if (checks_check_params((*ops)->kind, json_root(json), &err) != TC_OK) {
                fail_msg("%s", err.text);
            }
        }
        count++;
    }
    assert_int_equal(count, 5);
}

static void a_failure_stays(void **state)
{
    (void)state;
    struct check_result result;
    check_result_init(&result);
    check_fail(&result, "a is %d", 1);
    check_fail(&result, "b is %d", 2);
    check_ok(&result, "fine");
    assert_false(result.is_ok);
    assert_string_equal(result.message.p, "a is 1; b is 2");
    check_result_freep(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bad_requests_are_answered),
                                       cmocka_unit_test(examples_are_valid),
                                       cmocka_unit_test(a_failure_stays)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
