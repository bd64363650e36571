/* Every answer that a service documents, and those that it never should give: which become done,
 * again later, or a dead letter. Expectations are the services' documentation. */
#include <stdlib.h>
#include <string.h>

#include "lib/net/net.h"
#include "notifiers/channels.h"
#include "notifiers/outcome.h"
#include "tests/support/test.h"

struct row {
    const struct channel *channel;
    enum net_end end;
    int status;
    const char *body;
    enum outcome_class class;
    bool is_throttle;
};

static const struct row rows[] = {
    {&channel_slack, NET_ANSWERED, 200, "ok", OUTCOME_OK, false},
    {&channel_slack, NET_ANSWERED, 200, "{\"ok\":true,\"ts\":\"1.2\"}", OUTCOME_OK, false},
    {&channel_slack, NET_ANSWERED, 200, "", OUTCOME_RETRY, false},
    {&channel_slack, NET_ANSWERED, 200, "<html>hotel</html>", OUTCOME_RETRY, false},
    {&channel_slack, NET_ANSWERED, 200, "[]", OUTCOME_RETRY, false},
    {&channel_slack, NET_ANSWERED, 200, "{\"ok\":false}", OUTCOME_DEAD, false},
    {&channel_slack, NET_ANSWERED, 200, "{\"ok\":\"yes\"}", OUTCOME_DEAD, false},
    {&channel_slack, NET_ANSWERED, 200, "{\"ok\":false,\"error\":\"channel_not_found\"}",
     OUTCOME_DEAD, false},
    {&channel_slack, NET_ANSWERED, 200, "{\"ok\":false,\"error\":\"invalid_auth\"}", OUTCOME_DEAD,
     false},
    {&channel_slack, NET_ANSWERED, 200, "{\"ok\":false,\"error\":\"internal_error\"}",
     OUTCOME_RETRY, false},
    {&channel_slack, NET_ANSWERED, 200, "{\"ok\":false,\"error\":\"ratelimited\"}", OUTCOME_RETRY,
     true},
    {&channel_slack, NET_ANSWERED, 429, "{\"ok\":false,\"error\":\"rate_limited\"}", OUTCOME_RETRY,
     true},
    {&channel_slack, NET_ANSWERED, 400, "invalid_payload", OUTCOME_DEAD, false},
    {&channel_slack, NET_ANSWERED, 403, "action_prohibited", OUTCOME_DEAD, false},
    {&channel_slack, NET_ANSWERED, 404, "channel_not_found", OUTCOME_DEAD, false},
    {&channel_slack, NET_ANSWERED, 410, "channel_is_archived", OUTCOME_DEAD, false},
    {&channel_slack, NET_ANSWERED, 500, "rollup_error", OUTCOME_RETRY, false},
    {&channel_slack, NET_ANSWERED, 302, "", OUTCOME_DEAD, false},
    {&channel_slack, NET_ANSWERED, 408, "", OUTCOME_RETRY, false},
    {&channel_slack, NET_UNREACHABLE, 0, "", OUTCOME_RETRY, false},
    {&channel_slack, NET_INSECURE, 0, "", OUTCOME_RETRY, false},
    {&channel_slack, NET_TIMED_OUT, 0, "", OUTCOME_RETRY, false},
    {&channel_slack, NET_BROKEN, 0, "", OUTCOME_RETRY, false},
    {&channel_slack, NET_FORBIDDEN, 0, "", OUTCOME_DEAD, false},

    {&channel_pagerduty, NET_ANSWERED, 202, "{\"status\":\"success\"}", OUTCOME_OK, false},
    {&channel_pagerduty, NET_ANSWERED, 200, "", OUTCOME_RETRY, false},
    {&channel_pagerduty, NET_ANSWERED, 400, "{\"status\":\"invalid event\"}", OUTCOME_DEAD, false},
    {&channel_pagerduty, NET_ANSWERED, 429, "", OUTCOME_RETRY, true},
    {&channel_pagerduty, NET_ANSWERED, 500, "", OUTCOME_RETRY, false},
    {&channel_pagerduty, NET_ANSWERED, 503, "", OUTCOME_RETRY, false},
    {&channel_pagerduty, NET_ANSWERED, 404, "", OUTCOME_DEAD, false},
    {&channel_pagerduty, NET_TIMED_OUT, 0, "", OUTCOME_RETRY, false},

    {&channel_email, NET_ANSWERED, 250, "250 2.0.0 Ok: queued as 4F2A", OUTCOME_OK, false},
    {&channel_email, NET_ANSWERED, 421, "421 4.3.2 shutting down", OUTCOME_RETRY, false},
    {&channel_email, NET_ANSWERED, 450, "450 4.7.1 greylisted", OUTCOME_RETRY, false},
    {&channel_email, NET_ANSWERED, 451, "451 local error", OUTCOME_RETRY, false},
    {&channel_email, NET_ANSWERED, 452, "452 no space", OUTCOME_RETRY, false},
    {&channel_email, NET_ANSWERED, 535, "535 5.7.8 bad credentials", OUTCOME_RETRY, false},
    {&channel_email, NET_ANSWERED, 550, "550 5.1.1 no such user", OUTCOME_DEAD, false},
    {&channel_email, NET_ANSWERED, 552, "552 too big", OUTCOME_DEAD, false},
    {&channel_email, NET_ANSWERED, 554, "554 refused", OUTCOME_DEAD, false},
    {&channel_email, NET_BROKEN, 354, "354 go on", OUTCOME_RETRY, false},
    {&channel_email, NET_INSECURE, 0, "", OUTCOME_RETRY, false},

    {&channel_file, NET_ANSWERED, 0, "", OUTCOME_OK, false},
    {&channel_file, NET_BROKEN, 0, "", OUTCOME_RETRY, false},
};

static struct outcome judge(const struct channel *channel, const struct net_result *answer)
{
    struct outcome outcome;
    struct request request;
    request_init(&request);
    if (channel == &channel_slack || channel == &channel_pagerduty) {
        outcome_of_http(answer, &outcome);
    } else {
        outcome_of_net(answer, &outcome);
    }
    channel->classify(&request, answer, &outcome);
    request_clear(&request);
    return outcome;
}

static struct outcome judge_body(const struct channel *channel, int status, char *body, size_t size)
{
    struct net_result answer = {.end = NET_ANSWERED,
                                .status = status,
                                .body = body,
                                .body_size = size,
                                .retry_after_ms = -1};
    return judge(channel, &answer);
}

static void every_answer_has_its_class(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char body[256];
        strcpy(body, rows[i].body);
        struct net_result answer = {.end = rows[i].end,
                                    .status = rows[i].status,
                                    .body = body,
                                    .body_size = strlen(body),
                                    .retry_after_ms = -1,
                                    .text = "a cause"};
        struct outcome outcome = judge(rows[i].channel, &answer);
        if (outcome.class != rows[i].class || outcome.is_throttle != rows[i].is_throttle) {
            fail_msg("row %zu: %s %d %s: %s", i, rows[i].channel->name, rows[i].status,
                     rows[i].body, outcome.reason);
        }
        assert_true(outcome.reason[0] != '\0');
        assert_int_equal(outcome.code, rows[i].status);
        if (outcome.is_throttle) {
            assert_true(outcome.retry_after_ms >= 30000);
        }
    }
}

static void a_throttle_obeys_retry_after(void **state)
{
    (void)state;
    char body[] = "";
    struct net_result answer = {
        .end = NET_ANSWERED, .status = 429, .body = body, .retry_after_ms = 7000};
    assert_int_equal(judge(&channel_slack, &answer).retry_after_ms, 7000);
    assert_int_equal(judge(&channel_pagerduty, &answer).retry_after_ms, 7000);
}

static void an_answer_of_any_bytes_becomes_one_line(void **state)
{
    (void)state;
    size_t size = 65536;
    char *body = calloc(1, size + 1);
    for (size_t i = 0; i < size; i++) {
        body[i] = (char)(unsigned char)(i * 7);
    }
    struct outcome outcome = judge_body(&channel_slack, 200, body, size);
    assert_int_equal(outcome.class, OUTCOME_RETRY);
    assert_null(strpbrk(outcome.remote, "\r\n"));
    assert_true(strlen(outcome.remote) < OUTCOME_TEXT_BYTES);
    free(body);
}

static void a_lost_reply_is_told_as_possibly_arrived(void **state)
{
    (void)state;
    char body[] = "354 go on";
    struct net_result answer = {
        .end = NET_BROKEN, .status = 354, .body = body, .retry_after_ms = -1, .is_ambiguous = true};
    struct outcome outcome = judge(&channel_email, &answer);
    assert_int_equal(outcome.class, OUTCOME_RETRY);
    assert_true(outcome.is_ambiguous);
    assert_non_null(strstr(outcome.reason, "may have arrived"));
}

static void the_queue_id_is_kept_as_proof(void **state)
{
    (void)state;
    char body[] = "250 2.0.0 Ok: queued as 4F2A";
    struct outcome outcome = judge_body(&channel_email, 250, body, strlen(body));
    assert_string_equal(outcome.provider_id, body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_has_its_class),
        cmocka_unit_test(a_throttle_obeys_retry_after),
        cmocka_unit_test(an_answer_of_any_bytes_becomes_one_line),
        cmocka_unit_test(a_lost_reply_is_told_as_possibly_arrived),
        cmocka_unit_test(the_queue_id_is_kept_as_proof),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
