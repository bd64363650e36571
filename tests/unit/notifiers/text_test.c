/* The words that people read: what each kind of notification says, and what it must not claim. */
#include "notifiers/text.h"

#include <string.h>

#include "lib/base/buf.h"
#include "notifiers/channels.h"
#include "tests/support/test.h"
#include "tests/unit/notifiers/sample.h"

static const char *fact(const struct text *text, const char *label)
{
    for (size_t i = 0; i < text->fact_count; i++) {
        if (strcmp(text->facts[i].label, label) == 0) {
            return text->facts[i].value;
        }
    }
    return "";
}

static void expect(const struct notification *n, const char *headline, const char *state,
                   const char *reason)
{
    struct text text;
    text_render(n, &text);
    assert_string_equal(text.headline.p, headline);
    assert_string_equal(fact(&text, "State"), state);
    assert_string_equal(fact(&text, "Reason"), reason);
    text_free(&text);
}

static void each_kind_says_what_is_known(void **state)
{
    (void)state;
    struct notification n = sample_alert();
    expect(&n, "Compass POs is failing", "alert", "failed");
    n.kind = NOTIFICATION_REMINDER;
    n.decided_utc_ms += INT64_C(3) * 60 * 1000;
    expect(&n, "Compass POs is still failing after 3 min", "alert", "failed");
    n = sample_recovery();
    n.reason = "ok";
    expect(&n, "Compass POs has recovered: it was failing for 14 min", "ok", "");
    n.is_collapsed = true;
    expect(&n, "Compass POs failed and has recovered: it was failing for 14 min", "ok", "");
    n.kind = NOTIFICATION_CLOSED; /* after a reset the monitor goes on; nobody knows how it is */
    expect(&n, "Compass POs: its incident was closed without a recovery", "closed", "");
    n.kind = NOTIFICATION_TEST;
    expect(&n, "Compass POs: a test of this channel, nothing is wrong", "", "");
}

static void a_duration_agrees_with_the_times_beside_it(void **state)
{
    (void)state;
    struct notification n = sample_recovery();
    struct text text;
    n.opened_utc_ms = INT64_C(1795467600900);
    n.ended_utc_ms = INT64_C(1795468020100);
    text_render(&n, &text);
    assert_string_equal(fact(&text, "Failed from"),
                        "2026-11-23 21:00:00 UTC to 2026-11-23 21:07:00 UTC, 7 min");
    text_free(&text);
    n.ended_utc_ms = n.opened_utc_ms + 40;
    expect(&n, "Compass POs has recovered: it was failing for 40 ms", "ok", "");
}

static void a_page_is_one_line(void **state)
{
    (void)state;
    struct request request;
    struct notification n = sample_alert();
    struct json *settings = sample_json(
        "{\"targets\":{\"core\":{\"routing_key\":\"0123456789abcdef0123456789abcdef\"}}}");
    n.target = "core";
    n.message = "12 rows\r\nPO-1177\nPO-1181";
    request_init(&request);
    assert_int_equal(channel_pagerduty.render(&n, json_root(settings), &request, NULL), TC_OK);
    assert_non_null(
        strstr(request.body.p, "\"summary\":\"Compass POs is failing: 12 rows PO-1177 PO-1181\""));
    assert_non_null(strstr(request.body.p, "\"message\":\"12 rows\\r\\nPO-1177\\nPO-1181\""));
    request_clear(&request);
    (void)json_free(settings); /* gives NULL */
}

static void a_name_and_a_message_stay_where_they_belong(void **state)
{
    (void)state;
    struct text text;
    struct buf plain;
    struct notification n = sample_alert();
    n.monitor_name = "Orders\r\nBcc: evil@example.com";
    n.message = sample_hostile;
    text_render(&n, &text);
    assert_string_equal(text.subject.p, "[Monitor ALERT] Orders Bcc: evil@example.com");
    buf_init(&plain, 65536);
    text_add_plain(&n, &text, &plain);
    assert_non_null(strstr(plain.p, sample_hostile)); /* word for word */
    buf_free(&plain);
    text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_says_what_is_known),
        cmocka_unit_test(a_duration_agrees_with_the_times_beside_it),
        cmocka_unit_test(a_page_is_one_line),
        cmocka_unit_test(a_name_and_a_message_stay_where_they_belong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
