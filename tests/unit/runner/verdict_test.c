/* Every way a run can end and every output of the contract's list of failures, as a table. */
#include "runner/verdict.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/utf8.h"
#include "tests/support/test.h"

#define OUT(text) .out = (text), .out_size = sizeof(text) - 1

struct row {
    const char *what;
    const char *out;
    size_t out_size;
    int status;
    bool is_ok;
    enum verdict_reason reason;
    const char *message; /* whole, for the check's own words; else a part of it */
};

static const struct row json_rows[] = {
    {"ok", OUT("{\"isOk\":true,\"message\":\"x\"}"), 0, true, VERDICT_REASON_OK, "x"},
    {"white space behind", OUT("{\"isOk\":true,\"message\":\"x\"}\n \t\n"), 0, true,
     VERDICT_REASON_OK, "x"},
    {"empty message", OUT("{\"isOk\":true,\"message\":\"\"}"), 0, true, VERDICT_REASON_OK, ""},
    {"extra members", OUT("{\"isOk\":false,\"message\":\"m\",\"more\":[1]}"), 0, false,
     VERDICT_REASON_FAILED, "m"},
    {"word for word", OUT("{\"isOk\":false,\"message\":\" a\\r\\n\\u001b[31m%s\\u202e \"}"), 0,
     false, VERDICT_REASON_FAILED, " a\r\n\x1b[31m%s\xe2\x80\xae "},
    {"broken UTF-8",
     OUT("{\"isOk\":true,\"message\":\"a\xff"
         "b\"}"),
     0, true, VERDICT_REASON_OK,
     "a\xef\xbf\xbd"
     "b"},
    {"NUL byte", OUT("{\"isOk\":true,\"message\":\"a\0b\"}"), 0, true, VERDICT_REASON_OK,
     "a\xef\xbf\xbd"
     "b"},
    {"escaped NUL", OUT("{\"isOk\":true,\"message\":\"a\\u0000b\"}"), 0, false, VERDICT_REASON_JSON,
     "not what a check must print"},
    {"nothing", OUT(""), 0, false, VERDICT_REASON_OUTPUT, "printed nothing"},
    {"white space only", OUT(" \n"), 0, false, VERDICT_REASON_OUTPUT, "printed nothing"},
    {"garbage", OUT("hello"), 0, false, VERDICT_REASON_JSON, "It printed:\nhello"},
    {"half an object", OUT("{\"isOk\":true,\"mess"), 0, false, VERDICT_REASON_JSON, "not what"},
    {"trailing text", OUT("{\"isOk\":true,\"message\":\"x\"} done"), 0, false, VERDICT_REASON_JSON,
     "not what"},
    {"two objects", OUT("{\"isOk\":true,\"message\":\"x\"}{\"isOk\":true,\"message\":\"x\"}"), 0,
     false, VERDICT_REASON_JSON, "not what"},
    {"doubled member", OUT("{\"isOk\":true,\"isOk\":false,\"message\":\"x\"}"), 0, false,
     VERDICT_REASON_JSON, "not what"},
    {"other case", OUT("{\"ISOK\":true,\"message\":\"x\"}"), 0, false, VERDICT_REASON_JSON,
     "\"isOk\" is missing"},
    {"isOk a string", OUT("{\"isOk\":\"true\",\"message\":\"x\"}"), 0, false, VERDICT_REASON_JSON,
     "\"isOk\" must be true or false"},
    {"isOk a number", OUT("{\"isOk\":1,\"message\":\"x\"}"), 0, false, VERDICT_REASON_JSON,
     "\"isOk\" must be true or false"},
    {"no message", OUT("{\"isOk\":true}"), 0, false, VERDICT_REASON_JSON, "\"message\" is missing"},
    {"message a number", OUT("{\"isOk\":true,\"message\":1}"), 0, false, VERDICT_REASON_JSON,
     "\"message\" must be a string"},
    {"empty object", OUT("{}"), 0, false, VERDICT_REASON_JSON, "\"isOk\" is missing"},
    {"array", OUT("[]"), 0, false, VERDICT_REASON_JSON, "one JSON object"},
    {"null", OUT("null"), 0, false, VERDICT_REASON_JSON, "one JSON object"},
    {"metrics no object", OUT("{\"isOk\":true,\"message\":\"x\",\"metrics\":[1]}"), 0, false,
     VERDICT_REASON_JSON, "\"metrics\" must be an object"},
    {"metric no number", OUT("{\"isOk\":true,\"message\":\"x\",\"metrics\":{\"a\":\"1\"}}"), 0,
     false, VERDICT_REASON_JSON, "\"metrics\".\"a\" must be a number"},
    {"exit beats output", OUT("{\"isOk\":true,\"message\":\"x\"}"), 3, false, VERDICT_REASON_EXIT,
     "exited with status 3"},
    {"exit 127", OUT(""), 127, false, VERDICT_REASON_EXIT, "exited with status 127"},
};

static const struct row nagios_rows[] = {
    {"ok", OUT("DISK OK - free | /=10MB;1;2;0;3\n"), 0, true, VERDICT_REASON_OK, "DISK OK - free"},
    {"warning", OUT("W"), 1, false, VERDICT_REASON_FAILED, "W"},
    {"critical", OUT("C | a=1"), 2, false, VERDICT_REASON_FAILED, "C"},
    {"unknown", OUT("U"), 3, false, VERDICT_REASON_FAILED, "U"},
    {"four", OUT("x"), 4, false, VERDICT_REASON_EXIT, "status 4"},
    {"127", OUT(""), 127, false, VERDICT_REASON_EXIT, "status 127"},
    {"255", OUT("x"), 255, false, VERDICT_REASON_EXIT, "status 255"},
    {"nothing, exit 0", OUT(""), 0, false, VERDICT_REASON_OUTPUT, "printed no text"},
    {"only data", OUT("| a=1"), 0, false, VERDICT_REASON_OUTPUT, "printed no text"},
    {"long output", OUT("A | a=1\nline 2\nline 3 | b=2\nc=3\n"), 0, true, VERDICT_REASON_OK,
     "A\nline 2\nline 3"},
};

static void judge_row(const struct row *row, enum verdict_convention convention)
{
    struct verdict_outcome outcome = {.end = VERDICT_EXITED,
                                      .code = row->status,
                                      .timeout_ms = 1000,
                                      .out = row->out,
                                      .out_size = row->out_size,
                                      .errors = "",
                                      .errors_size = 0};
    TC_CLEANUP(verdict_freep) struct verdict v;
    verdict_init(&v);
    verdict_judge(&outcome, convention, false, &v);
    bool is_own = v.reason == VERDICT_REASON_OK || v.reason == VERDICT_REASON_FAILED;
    bool is_said =
        is_own ? strcmp(v.message.p, row->message) == 0 : strstr(v.message.p, row->message) != NULL;
    if (v.is_ok != row->is_ok || v.reason != row->reason || !is_said) {
        fail_msg("%s: is_ok %d, reason %s, message: %s", row->what, v.is_ok,
                 verdict_reason_name(v.reason), v.message.p);
    }
    assert_true(utf8_is_valid(v.message.p, v.message.len));
}

static void test_json_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(json_rows) / sizeof(json_rows[0]); i++) {
        judge_row(&json_rows[i], VERDICT_JSON);
    }
}

static void test_nagios_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(nagios_rows) / sizeof(nagios_rows[0]); i++) {
        judge_row(&nagios_rows[i], VERDICT_NAGIOS);
    }
}

static void test_warning_is_ok_where_asked(void **state)
{
    (void)state;
    struct verdict_outcome outcome = {
        .end = VERDICT_EXITED, .code = 1, OUT("W | a=1"), .errors = ""};
    TC_CLEANUP(verdict_freep) struct verdict v;
    verdict_init(&v);
    verdict_judge(&outcome, VERDICT_NAGIOS, true, &v);
    assert_true(v.is_ok);
    assert_string_equal(v.message.p, "W");
    assert_string_equal(v.metrics.p, "{\"a\":1}");
}

struct end_row {
    enum verdict_end end;
    int code;
    enum verdict_reason reason;
    const char *part;
};

static const struct end_row end_rows[] = {
    {VERDICT_SIGNALED, 11, VERDICT_REASON_SIGNAL, "killed by signal 11 (SIGSEGV)"},
    {VERDICT_SIGNALED, 9, VERDICT_REASON_SIGNAL, "memory is out"},
    {VERDICT_TIMED_OUT, 0, VERDICT_REASON_TIMEOUT, "time limit of 1.500 s"},
    {VERDICT_STUCK, 0, VERDICT_REASON_STUCK, "not even SIGKILL"},
    {VERDICT_STUCK, 1, VERDICT_REASON_STUCK, "a process of an earlier run is still there"},
    {VERDICT_NOT_STARTED, TC_ENOENT, VERDICT_REASON_NOT_EXECUTABLE, "interpreter"},
    {VERDICT_NOT_STARTED, TC_EPERM, VERDICT_REASON_NOT_EXECUTABLE, "could not be started: why"},
    {VERDICT_NOT_STARTED, TC_EAGAIN, VERDICT_REASON_START, "could not be started: why"},
    {VERDICT_OUT_OF_MEMORY, 0, VERDICT_REASON_MEMORY, "ran out of memory"},
    {VERDICT_WORKER_GONE, 0, VERDICT_REASON_EXIT, "without an answer"},
    {VERDICT_LOST, 0, VERDICT_REASON_LOST, "interrupted"},
};

static void test_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(end_rows) / sizeof(end_rows[0]); i++) {
        struct verdict_outcome outcome = {.end = end_rows[i].end,
                                          .code = end_rows[i].code,
                                          .timeout_ms = 1500,
                                          OUT("{\"isOk\":true,\"message\":\"x\"}"),
                                          .errors = "why\n",
                                          .errors_size = 4};
        TC_CLEANUP(verdict_freep) struct verdict v;
        verdict_init(&v);
        verdict_judge(&outcome, VERDICT_JSON, false, &v);
        assert_false(v.is_ok);
        assert_string_equal(verdict_reason_name(v.reason), verdict_reason_name(end_rows[i].reason));
        if (strstr(v.message.p, end_rows[i].part) == NULL) {
            fail_msg("row %zu says: %s", i, v.message.p);
        }
        if (end_rows[i].end != VERDICT_LOST) {
            assert_non_null(strstr(v.message.p, "why"));
        }
    }
}

static void test_a_failure_at_the_limit_of_processes_says_so(void **state)
{
    (void)state;
    const enum verdict_end ends[] = {VERDICT_EXITED, VERDICT_SIGNALED, VERDICT_TIMED_OUT};
    for (size_t i = 0; i < TEST_COUNT(ends); i++) {
        struct verdict_outcome outcome = {
            .end = ends[i], .code = 2, .out = "", .errors = "", .is_out_of_processes = true};
        TC_CLEANUP(verdict_freep) struct verdict v;
        verdict_init(&v);
        verdict_judge(&outcome, VERDICT_JSON, false, &v);
        assert_non_null(strstr(v.message.p, "more than the 512 processes that a check may have"));
    }
}

static void test_failure_has_the_end_of_standard_error(void **state)
{
    (void)state;
    struct verdict_outcome outcome = {.end = VERDICT_EXITED,
                                      .code = 1,
                                      OUT(""),
                                      .errors = "Traceback\xff\n",
                                      .errors_size = 11,
                                      .is_errors_cut = true};
    TC_CLEANUP(verdict_freep) struct verdict v;
    verdict_init(&v);
    verdict_judge(&outcome, VERDICT_JSON, false, &v);
    assert_non_null(strstr(v.message.p, "The end of its standard error:\nTraceback\xef\xbf\xbd"));
}

static void test_too_much_output_fails_in_both_conventions(void **state)
{
    (void)state;
    struct verdict_outcome outcome = {.end = VERDICT_EXITED,
                                      OUT("{\"isOk\":true,\"message\":\"x\"}"),
                                      .is_out_cut = true,
                                      .errors = ""};
    TC_CLEANUP(verdict_freep) struct verdict v;
    verdict_init(&v);
    verdict_judge(&outcome, VERDICT_JSON, false, &v);
    assert_string_equal(verdict_reason_name(v.reason), "output");
    verdict_judge(&outcome, VERDICT_NAGIOS, false, &v);
    assert_string_equal(verdict_reason_name(v.reason), "output");
    assert_non_null(strstr(v.message.p, "65536"));
}

/* A message of exactly the limit stays whole; one that repair makes longer is refused, never cut. */
static void test_message_limit(void **state)
{
    (void)state;
    static const char head[] = "{\"isOk\":true,\"message\":\"";
    enum {
        HEAD = sizeof(head) - 1,
        FILL = LIMIT_OUTPUT_BYTES - HEAD - 2,
    };
    TC_CLEANUP(mem_freep) char *text = mem_alloc(LIMIT_OUTPUT_BYTES);
    memcpy(text, head, HEAD);
    memset(text + HEAD, 'a', FILL);
    memcpy(text + HEAD + FILL, "\"}", 2);
    struct verdict_outcome outcome = {
        .end = VERDICT_EXITED, .out = text, .out_size = LIMIT_OUTPUT_BYTES, .errors = ""};
    TC_CLEANUP(verdict_freep) struct verdict v;
    verdict_init(&v);
    verdict_judge(&outcome, VERDICT_JSON, false, &v);
    assert_true(v.is_ok);
    assert_int_equal(v.message.len, FILL);
    memset(text + HEAD, '\xff', FILL);
    verdict_judge(&outcome, VERDICT_JSON, false, &v);
    assert_false(v.is_ok);
    assert_string_equal(verdict_reason_name(v.reason), "json");
    assert_true(v.message.len <= LIMIT_MESSAGE_BYTES);
}

static void test_deep_nesting_is_refused(void **state)
{
    (void)state;
    TC_CLEANUP(mem_freep) char *text = mem_alloc(LIMIT_OUTPUT_BYTES);
    memset(text, '[', LIMIT_OUTPUT_BYTES);
    struct verdict_outcome outcome = {
        .end = VERDICT_EXITED, .out = text, .out_size = LIMIT_OUTPUT_BYTES, .errors = ""};
    TC_CLEANUP(verdict_freep) struct verdict v;
    verdict_init(&v);
    verdict_judge(&outcome, VERDICT_JSON, false, &v);
    assert_string_equal(verdict_reason_name(v.reason), "json");
}

static void test_metrics_are_kept(void **state)
{
    (void)state;
    struct verdict_outcome outcome = {
        .end = VERDICT_ANSWERED,
        OUT("{\"isOk\":true,\"message\":\"x\",\"metrics\":{\"a b\":1.5,\"c\":-2}}"),
        .errors = ""};
    TC_CLEANUP(verdict_freep) struct verdict v;
    verdict_init(&v);
    verdict_judge(&outcome, VERDICT_JSON, false, &v);
    assert_true(v.is_ok);
    assert_string_equal(v.metrics.p, "{\"a b\":1.5,\"c\":-2}");
}

static void test_refusal_is_cut_and_repaired(void **state)
{
    (void)state;
    TC_CLEANUP(mem_freep) char *text = mem_alloc(LIMIT_MESSAGE_BYTES + 2);
    memset(text, '\xff', LIMIT_MESSAGE_BYTES + 1);
    TC_CLEANUP(verdict_freep) struct verdict v;
    verdict_init(&v);
    verdict_refuse(VERDICT_REASON_CONFIG, text, &v);
    assert_false(v.is_ok);
    assert_true(v.message.len > LIMIT_MESSAGE_BYTES - 4);
    assert_true(v.message.len <= LIMIT_MESSAGE_BYTES);
    assert_true(utf8_is_valid(v.message.p, v.message.len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_table),
        cmocka_unit_test(test_nagios_table),
        cmocka_unit_test(test_warning_is_ok_where_asked),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_a_failure_at_the_limit_of_processes_says_so),
        cmocka_unit_test(test_failure_has_the_end_of_standard_error),
        cmocka_unit_test(test_too_much_output_fails_in_both_conventions),
        cmocka_unit_test(test_message_limit),
        cmocka_unit_test(test_deep_nesting_is_refused),
        cmocka_unit_test(test_metrics_are_kept),
        cmocka_unit_test(test_refusal_is_cut_and_repaired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
