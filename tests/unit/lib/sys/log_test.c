/* The log as its readers get it: standard error is a pipe that the test reads. */
#include "lib/sys/log.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/sys/clock.h"
#include "tests/support/test.h"

static int64_t fixed_utc(void *ctx)
{
    (void)ctx;
    return INT64_C(1767323045678);
}

static const struct clock fixed = {fixed_utc, fixed_utc, 1, NULL};

static int ends[2];
static int saved;

static void capture(void)
{
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    saved = dup(STDERR_FILENO);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
}

static void captured(char *ret_text, size_t size)
{
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
    (void)close(ends[1]);
    ssize_t got = read(ends[0], ret_text, size - 1);
    ret_text[got < 0 ? 0 : got] = '\0';
    (void)close(ends[0]);
}

static void test_text(void **state)
{
    (void)state;
    char text[4096];
    capture();
    log_start("router", LOG_FORMAT_TEXT, LOG_LEVEL_INFO, &fixed);
    log_info("deliver", "sent %d%%; monitor=%s id=%ju note=%s empty=%s hex=%x", 50, "a b",
             (uintmax_t)UINT64_MAX, "x=\"1\"\n\x1b[2J", "", 255U);
    log_debug("deliver", "not shown");
    captured(text, sizeof(text));
    assert_string_equal(text, "2026-01-02T03:04:05.678Z info router.deliver msg=\"sent 50%\" "
                              "monitor=\"a b\" id=18446744073709551615 "
                              "note=\"x=\\\"1\\\"\\n\\x1B[2J\" empty=\"\" hex=ff\n");
}

static void test_a_sentence_may_hold_a_semicolon(void **state)
{
    (void)state;
    char text[4096];
    capture();
    log_start("router", LOG_FORMAT_TEXT, LOG_LEVEL_INFO, NULL);
    log_error("store", "the disk is full; make room");
    log_error("store", "%s is full; make room; free=%d", "the disk; sda", 7);
    log_error("store", "at the end;");
    captured(text, sizeof(text));
    assert_string_equal(text, "error router.store msg=\"the disk is full; make room\"\n"
                              "error router.store msg=\"the disk; sda is full; make room\" free=7\n"
                              "error router.store msg=\"at the end;\"\n");
}

static void test_a_value_cannot_forge_a_field(void **state)
{
    (void)state;
    char text[4096];
    capture();
    log_start("router", LOG_FORMAT_TEXT, LOG_LEVEL_INFO, &fixed);
    log_warn("deliver", "name %s; monitor=%s", "x; level=error", "m level=error");
    captured(text, sizeof(text));
    assert_string_equal(text, "2026-01-02T03:04:05.678Z warn router.deliver "
                              "msg=\"name x; level=error\" monitor=\"m level=error\"\n");
}

static void test_json(void **state)
{
    (void)state;
    char text[4096];
    capture();
    log_start("router", LOG_FORMAT_JSON, LOG_LEVEL_DEBUG, &fixed);
    log_debug("flow", "committed; rows=%zu took=%dms last=%s n=%lld", (size_t)3, 7, "\"q\"", -5LL);
    captured(text, sizeof(text));
    assert_string_equal(text, "{\"time\":\"2026-01-02T03:04:05.678Z\",\"level\":\"debug\","
                              "\"program\":\"router\",\"area\":\"flow\",\"msg\":\"committed\","
                              "\"rows\":3,\"took\":\"7ms\",\"last\":\"\\\"q\\\"\",\"n\":-5}\n");
}

static void test_long_values_are_cut_with_a_mark(void **state)
{
    (void)state;
    static char text[8192];
    char value[3000];
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    capture();
    log_start("router", LOG_FORMAT_TEXT, LOG_LEVEL_INFO, &fixed);
    log_error("flow", "long; value=%s after=%d", value, 1);
    captured(text, sizeof(text));
    assert_non_null(strstr(text, "v... after=1\n"));
    assert_true(strlen(text) < 1200);
}

static void test_lost_records_are_counted(void **state)
{
    (void)state;
    char text[4096];
    capture();
    log_start("router", LOG_FORMAT_TEXT, LOG_LEVEL_INFO, &fixed);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    int pipe_end = dup(STDERR_FILENO);
    (void)dup2(full, STDERR_FILENO);
    log_error("flow", "one");
    log_error("flow", "two");
    (void)dup2(pipe_end, STDERR_FILENO);
    (void)close(full);
    (void)close(pipe_end);
    log_error("flow", "three");
    captured(text, sizeof(text));
    assert_string_equal(text, "2026-01-02T03:04:05.678Z warn router.log msg=\"records were lost\" "
                              "count=2\n"
                              "2026-01-02T03:04:05.678Z error router.flow msg=\"three\"\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_a_sentence_may_hold_a_semicolon),
        cmocka_unit_test(test_a_value_cannot_forge_a_field),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_long_values_are_cut_with_a_mark),
        cmocka_unit_test(test_lost_records_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
