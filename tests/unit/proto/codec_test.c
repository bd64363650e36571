/* The codec: what is written reads back the same, and what breaks the protocol is refused. */
#include "proto/codec.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "tests/support/test.h"

static const char result_body[] =
    "{\"generation\":\"18446744073709551615\",\"startedAt\":\"2026-01-02T03:04:05.678Z\","
    "\"durationMs\":12,\"isOk\":false,\"reason\":\"exit\",\"message\":\"\",\"metrics\":{\"n\":1}}";

static int decode(enum message_role role, bool is_up, const char *const head[3], const char *body,
                  struct message *ret_message)
{
    struct frame frames[LIMIT_FRAMES];
    for (size_t i = 0; i < 3; i++) {
        frames[i] = (struct frame){head[i], strlen(head[i])};
    }
    frames[FRAME_BODY] = (struct frame){body, strlen(body)};
    return message_decode(role, is_up, frames, ret_message, NULL);
}

static int result(const char *type, const char *seq, const char *monitor, const char *body)
{
    const char *const head[] = {type, seq, monitor};
    struct message m;
    int rc = decode(MESSAGE_RUNNER, true, head, body, &m);
    message_free(&m);
    return rc;
}

static void test_a_result_reads_and_writes_the_same(void **state)
{
    (void)state;
    const char *const head[] = {"result/1", "9 7", "4294967295"};
    struct message m;
    assert_int_equal(decode(MESSAGE_RUNNER, true, head, result_body, &m), TC_OK);
    assert_int_equal(m.kind, MESSAGE_RESULT);
    assert_int_equal(m.seq, 9);
    assert_int_equal(m.prev, 7);
    assert_int_equal(m.monitor, UINT32_MAX);
    assert_true(m.body.result.generation == UINT64_MAX);
    assert_true(m.body.result.scheduled_at_utc_ms == MESSAGE_NEVER);
    struct buf out;
    buf_init(&out, LIMIT_FRAME_BYTES);
    assert_int_equal(message_encode(m.kind, &m.body, &out, NULL), TC_OK);
    assert_string_equal(out.p, result_body);
    struct frames f;
    frames_set(&f, m.kind, m.seq, m.prev, m.monitor, &out);
    assert_string_equal(f.head[FRAME_SEQUENCE], "9 7");
    buf_free(&out);
    message_free(&m);
}

static void test_nested_arrays_read_and_write_the_same(void **state)
{
    (void)state;
    static const char body[] =
        "{\"complete\":true,\"monitors\":[{\"id\":1,\"uuid\":\"u\",\"name\":\"n\",\"generation\":"
        "\"1\",\"check\":\"sql\",\"params\":{},\"labels\":{\"a\":\"b\"},\"timeoutSeconds\":5,"
        "\"schedules\":[{\"schedule\":\"* * * * *\",\"timezone\":\"UTC\"},{\"schedule\":\"@every "
        "30s\",\"timezone\":\"UTC\"}],\"active\":true},{\"id\":2,\"uuid\":\"v\",\"name\":\"m\","
        "\"generation\":\"2\",\"check\":\"tcp\",\"params\":{},\"labels\":{},\"timeoutSeconds\":5,"
        "\"active\":false,\"runNow\":\"r\"}],\"removed\":[3,4]}";
    const char *const head[] = {"assign/1", "0", ""};
    struct message m;
    assert_int_equal(decode(MESSAGE_RUNNER, false, head, body, &m), TC_OK);
    assert_int_equal(m.body.assign.monitor_count, 2);
    assert_int_equal(m.body.assign.monitors[0].schedule_count, 2);
    assert_int_equal(m.body.assign.removed.count, 2);
    struct buf out;
    buf_init(&out, LIMIT_FRAME_BYTES);
    assert_int_equal(message_encode(m.kind, &m.body, &out, NULL), TC_OK);
    assert_string_equal(out.p, body);
    buf_free(&out);
    message_free(&m);
}

static void test_bad_frames_are_refused(void **state)
{
    (void)state;
    assert_int_equal(result("result/1", "2 1", "7", result_body), TC_OK);
    assert_int_equal(result("result/2", "2 1", "7", result_body), TC_EVERSION);
    assert_int_equal(result("nothing/1", "2 1", "7", result_body), TC_ENOENT);
    assert_int_equal(result("ack/1", "2", "", "{}"), TC_ENOENT);
    static const char *const seqs[] = {"",
                                       "2",
                                       "2 2",
                                       "1 2",
                                       "02 1",
                                       "2 1 ",
                                       " 2 1",
                                       "-2 1",
                                       "2  1",
                                       "2 x",
                                       "18446744073709551616 1"};
    for (size_t i = 0; i < TEST_COUNT(seqs); i++) {
        assert_int_equal(result("result/1", seqs[i], "7", result_body), TC_EPROTO);
    }
    static const char *const monitors[] = {"", "0", "07", "x", "7 ", "4294967296"};
    for (size_t i = 0; i < TEST_COUNT(monitors); i++) {
        assert_int_equal(result("result/1", "2 1", monitors[i], result_body), TC_EPROTO);
    }
}

static void test_each_member_missing_or_wrong_is_refused(void **state)
{
    (void)state;
    static const char *const members[] = {"generation", "startedAt", "durationMs",
                                          "isOk",       "reason",    "message"};
    for (size_t i = 0; i < TEST_COUNT(members); i++) {
        char body[sizeof(result_body)];
        memcpy(body, result_body, sizeof(body));
        *strstr(body, members[i]) = 'X';
        assert_int_equal(result("result/1", "2 1", "7", body), TC_EPROTO);
        memcpy(body, result_body, sizeof(body));
        char *value = strchr(strstr(body, members[i]), ':') + 1;
        size_t size = strcspn(value, ",") - 2;
        value[0] = '[';
        memset(value + 1, ' ', size);
        value[size + 1] = ']';
        assert_int_equal(result("result/1", "2 1", "7", body), TC_EPROTO);
    }
    assert_int_equal(result("result/1", "2 1", "7", "[]"), TC_EPROTO);
    assert_int_equal(result("result/1", "2 1", "7", "{}x"), TC_EPROTO);
}

static void round_trip(enum message_kind kind, const void *body)
{
    struct buf out;
    buf_init(&out, LIMIT_FRAME_BYTES);
    assert_int_equal(message_encode(kind, body, &out, NULL), TC_OK);
    struct frames f;
    struct message m;
    frames_set(&f, kind, 2, 1, 7, &out);
    assert_int_equal(
        message_decode(message_role(kind), message_is_to_router(kind), f.part, &m, NULL), TC_OK);
    message_free(&m);
    buf_free(&out);
}

/* A byte below a space becomes six in JSON. */
static void test_the_largest_messages_fit_a_frame(void **state)
{
    (void)state;
    static char text[LIMIT_MESSAGE_BYTES + 1];
    memset(text, 1, LIMIT_MESSAGE_BYTES);
    const struct message_result result = {
        .scheduled_at_utc_ms = MESSAGE_NEVER, .reason = "failed", .message = text};
    round_trip(MESSAGE_RESULT, &result);
    const struct message_deliver deliver = {
        .key = "k",
        .attempt = 1,
        .monitor = {.name = "n", .uuid = "u", .timezone = "UTC"},
        .incident = {.ended_at_utc_ms = MESSAGE_NEVER},
        .result = {.message = text, .scheduled_at_utc_ms = MESSAGE_NEVER, .reason = "failed"},
        .has_previous = true,
        .previous = {.message = text},
        .told_id = "t"};
    round_trip(MESSAGE_DELIVER, &deliver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_result_reads_and_writes_the_same),
        cmocka_unit_test(test_nested_arrays_read_and_write_the_same),
        cmocka_unit_test(test_bad_frames_are_refused),
        cmocka_unit_test(test_each_member_missing_or_wrong_is_refused),
        cmocka_unit_test(test_the_largest_messages_fit_a_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
