/* Which notifications carry which links, and where channels put the one to acknowledge. The token is
 * Python's: hmac.new(bytes(range(32)), b"ack\0%d\0%s\0%d" % …), as in lib/sys/acklink_test.c. */
#include "notifiers/links.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "notifiers/channels.h"
#include "notifiers/text.h"
#include "tests/support/test.h"
#include "tests/unit/notifiers/sample.h"

#define KEY   "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define DAY   (INT64_C(24) * 3600 * 1000)
#define TOKEN "42.1795554062.8bbebcde8bc14c6417ba1767b53b89c71d757512cc6daeb188413ed33cf0bab5"

static struct links sample_links(void)
{
    struct links links = {.public_url = "https://tocsin.example.com", .expiry_ms = DAY};
    assert_int_equal(acklink_keys_parse(KEY, &links.keys, NULL), TC_OK);
    return links;
}

static const char *acknowledge_url(const struct links *links, const struct channel *channel,
                                   struct notification n, int64_t now_utc_ms)
{
    static struct links_of of;
    n.monitor_url = n.incident_url = "";
    links_fill(links, channel, now_utc_ms, &of, &n);
    return n.acknowledge_url;
}

static void alerts_and_reminders_can_be_acknowledged(void **state)
{
    (void)state;
    struct links links = sample_links();
    struct notification n = sample_alert();
    int64_t at = n.decided_utc_ms;
    const char *expected = "https://tocsin.example.com/ack/" TOKEN;
    assert_string_equal(acknowledge_url(&links, &channel_email, n, at), expected);
    assert_string_equal(acknowledge_url(&links, &channel_email, n, at + DAY - 1),
                        expected); /* a copy */
    assert_string_equal(acknowledge_url(&links, &channel_email, n, at + DAY), "");
    assert_string_not_equal(acknowledge_url(&links, &channel_file, n, at), expected);
    n.kind = NOTIFICATION_REMINDER;
    assert_string_equal(acknowledge_url(&links, &channel_email, n, at), expected);
    static const enum notification_kind others[] = {NOTIFICATION_RECOVERY, NOTIFICATION_CLOSED,
                                                    NOTIFICATION_TEST};
    for (size_t i = 0; i < TEST_COUNT(others); i++) {
        n.kind = others[i];
        assert_string_equal(acknowledge_url(&links, &channel_email, n, at), "");
    }
}

static void without_a_key_or_an_incident_there_is_none(void **state)
{
    (void)state;
    struct links links = sample_links();
    struct notification n = sample_alert();
    n.incident_id = 0;
    assert_string_equal(acknowledge_url(&links, &channel_email, n, n.decided_utc_ms), "");
    n = sample_alert();
    links.keys.count = 0;
    assert_string_equal(acknowledge_url(&links, &channel_email, n, n.decided_utc_ms), "");
    links = sample_links();
    links.public_url = NULL;
    assert_string_equal(acknowledge_url(&links, &channel_email, n, n.decided_utc_ms), "");
}

/* An actor's name has at most 255 bytes (proto/schema/web-command-1.json). */
static void a_name_that_could_not_acknowledge_has_none(void **state)
{
    (void)state;
    char target[400];
    struct links links = sample_links();
    struct notification n = sample_alert();
    memset(target, 'x', sizeof target);
    target[254] = '\0';
    n.target = target;
    assert_string_not_equal(acknowledge_url(&links, &channel_email, n, n.decided_utc_ms), "");
    assert_string_equal(acknowledge_url(&links, &channel_slack, n, n.decided_utc_ms), "");
    target[254] = 'x';
    target[399] = '\0';
    assert_string_equal(acknowledge_url(&links, &channel_email, n, n.decided_utc_ms), "");
}

static void the_address_may_end_with_a_slash_and_have_a_path(void **state)
{
    (void)state;
    struct links_of of;
    struct links links = sample_links();
    struct notification n = sample_alert();
    links.public_url = "https://example.com/tocsin//";
    links_fill(&links, &channel_email, n.decided_utc_ms, &of, &n);
    assert_string_equal(n.monitor_url, "https://example.com/tocsin/monitors/7");
    assert_string_equal(n.incident_url, "https://example.com/tocsin/incidents/42");
    assert_string_equal(n.acknowledge_url, "https://example.com/tocsin/ack/" TOKEN);
}

static void a_mail_has_it_first_in_both_parts(void **state)
{
    (void)state;
    struct links_of of;
    struct links links = sample_links();
    struct notification n = sample_alert();
    struct text text;
    struct buf plain;
    links_fill(&links, &channel_email, n.decided_utc_ms, &of, &n);
    text_render(&n, &text);
    assert_string_equal(text.links[0].label, "Acknowledge");
    assert_string_equal(text.links[0].url, "https://tocsin.example.com/ack/" TOKEN);
    buf_init(&plain, 65536);
    text_add_plain(&n, &text, &plain);
    assert_non_null(strstr(plain.p, "Acknowledge:    https://tocsin.example.com/ack/" TOKEN "\n"));
    buf_free(&plain);
    text_free(&text);
}

static void render(const struct channel *channel, const char *settings_text, struct notification *n,
                   struct request *request)
{
    struct json *settings = sample_json(settings_text);
    request_init(request);
    assert_int_equal(channel->render(n, json_root(settings), request, NULL), TC_OK);
    (void)json_free(settings); /* gives NULL */
}

static void slack_has_it_and_pagerduty_does_not(void **state)
{
    (void)state;
    struct links_of of;
    struct links links = sample_links();
    struct notification n = sample_alert();
    struct request request;
    n.target = "#ops";
    n.message = sample_hostile; /* can't push it out or pass for it */
    links_fill(&links, &channel_slack, n.decided_utc_ms, &of, &n);
    render(&channel_slack, "{\"targets\":{\"#ops\":{\"webhook\":\"http://127.0.0.1/hook\"}}}", &n,
           &request);
    char expected[LINKS_BYTES + 64];
    (void)snprintf(expected, sizeof expected, "<%s|Acknowledge>", of.acknowledge);
    assert_non_null(strstr(request.body.p, expected));
    request_clear(&request);
    n = sample_alert();
    n.target = "core";
    links_fill(&links, &channel_pagerduty, n.decided_utc_ms, &of, &n);
    render(&channel_pagerduty,
           "{\"targets\":{\"core\":{\"routing_key\":\"0123456789abcdef0123456789abcdef\"}}}", &n,
           &request);
    assert_null(strstr(request.body.p, "/ack/")); /* it has an acknowledgement of its own */
    request_clear(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alerts_and_reminders_can_be_acknowledged),
        cmocka_unit_test(without_a_key_or_an_incident_there_is_none),
        cmocka_unit_test(a_name_that_could_not_acknowledge_has_none),
        cmocka_unit_test(the_address_may_end_with_a_slash_and_have_a_path),
        cmocka_unit_test(a_mail_has_it_first_in_both_parts),
        cmocka_unit_test(slack_has_it_and_pagerduty_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
