/* Recipients as rows hold them: what is taken, what it becomes, what is refused. */
#include "router/core/recipients.h"

#include <string.h>

#include "lib/base/err.h"
#include "router/core/reason.h"
#include "tests/support/test.h"

static void check(const char *text, enum recipient_fault fault, const char *target)
{
    char got[CORE_TARGET_BYTES] = "untouched";

    assert_int_equal(recipient_parse(text, strlen(text), got), fault);
    assert_string_equal(got, fault == RECIPIENT_FINE ? target : "untouched");
}

static void forms_are_normalised(void **state)
{
    (void)state;
    check("ops@Example.COM", RECIPIENT_FINE, "email:ops@example.com");
    check("  Ops@example.com\n", RECIPIENT_FINE, "email:Ops@example.com");
    check("email:a@b", RECIPIENT_FINE, "email:a@b");
    check("EMAIL:a@B", RECIPIENT_FINE, "email:a@b");
    check("slack:#ops", RECIPIENT_FINE, "slack:#ops");
    check("Slack:#Ops", RECIPIENT_FINE, "slack:#Ops");
    check("sms:+15551234567", RECIPIENT_FINE, "sms:+15551234567");
    check("webhook:a:b@c", RECIPIENT_FINE, "webhook:a:b@c");
    check("maildir:a@B", RECIPIENT_FINE, "maildir:a@B");
    check("Az_-09Za:x y", RECIPIENT_FINE, "az_-09za:x y");
    check("abcdefghijklmnopqrstuvwxyz123456:y", RECIPIENT_FINE,
          "abcdefghijklmnopqrstuvwxyz123456:y");
    check("a=b@c\r", RECIPIENT_FINE, "email:a=b@c");
}

/* SPEC 1.9 "An address has exactly one `@`" */
static void bad_ones_are_refused(void **state)
{
    static const char *const addresses[] = {
        "ops",     "@b",      "a@",     "a@b@c",   "a b@c",  "a@x>\r\nRCPT TO:<evil",
        "<a@b>",   "a,b@c",   "a;b@c",  "\"a\"@b", "a\\b@c", "a\x01@b",
        "a\x7f@b", "a\xff@b", "email:", "email:x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        check(addresses[i], RECIPIENT_BAD_ADDRESS, NULL);
    }
    check("", RECIPIENT_EMPTY, NULL);
    check(" \t", RECIPIENT_EMPTY, NULL);
    check(":x", RECIPIENT_BAD_CHANNEL, NULL);
    check("9x:y", RECIPIENT_BAD_CHANNEL, NULL);
    check("sl ack:y", RECIPIENT_BAD_CHANNEL, NULL);
    check("abcdefghijklmnopqrstuvwxyz1234567:y", RECIPIENT_BAD_CHANNEL, NULL);
    check("slack:", RECIPIENT_BAD_TARGET, NULL);
    check("slack: #ops", RECIPIENT_BAD_TARGET, NULL);
    check("slack:a\nb", RECIPIENT_BAD_TARGET, NULL);
    check("slack:\xc3", RECIPIENT_BAD_TARGET, NULL);
}

static void sizes_are_exact(void **state)
{
    char text[LIMIT_RECIPIENT_BYTES + 2];
    char got[CORE_TARGET_BYTES];

    (void)state;
    memset(text, 'a', sizeof(text));
    text[1] = '@';
    assert_true(recipient_is_address(text, 254));
    assert_false(recipient_is_address(text, 255));
    memcpy(text, "file:", 5);
    assert_int_equal(recipient_parse(text, 320, got), RECIPIENT_FINE);
    assert_int_equal(strlen(got), 320);
    assert_int_equal(recipient_parse(text, 321, got), RECIPIENT_TOO_LONG);
    assert_int_equal(recipient_parse("a\0@b", 4, got), RECIPIENT_BAD_ADDRESS);
}

static void doubles_are_one(void **state)
{
    static struct core_target targets[LIMIT_RECIPIENTS];
    char name[] = "file:00";
    size_t count = 0;

    (void)state;
    assert_int_equal(recipient_add(targets, &count, "pagerduty:x", true), TC_OK);
    assert_true(targets[0].keeps_alert);
    assert_int_equal(recipient_add(targets, &count, "pagerduty:x", false), TC_EEXIST);
    while (count < LIMIT_RECIPIENTS) {
        name[5] = (char)('0' + count / 10);
        name[6] = (char)('0' + count % 10);
        assert_int_equal(recipient_add(targets, &count, name, false), TC_OK);
    }
    assert_int_equal(recipient_add(targets, &count, "file:x", false), TC_ERANGE);
    assert_int_equal(recipient_channel_size("slack:#a:b"), 5);
}

static void reasons_round_trip(void **state)
{
    (void)state;
    for (int i = 0; i < CORE_REASON_COUNT_; i++) {
        enum core_reason back = CORE_REASON_COUNT_;

        assert_int_equal(core_reason_parse(core_reason_name((enum core_reason)i), &back), TC_OK);
        assert_int_equal(back, i);
    }
    enum core_reason none = CORE_REASON_QUIET;
    assert_int_equal(core_reason_parse("Quiet", &none), TC_ENOENT);
    assert_int_equal(none, CORE_REASON_QUIET);
    assert_true(core_reason_is_withheld(CORE_REASON_WINDOW_OPEN));
    assert_true(core_reason_is_withheld(CORE_REASON_TOLD_LIST_FULL));
    assert_false(core_reason_is_withheld(CORE_REASON_SEND_CLOSED));
    assert_false(core_reason_is_withheld(CORE_REASON_RECIPIENTS_PARTLY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_are_normalised), cmocka_unit_test(bad_ones_are_refused),
        cmocka_unit_test(sizes_are_exact),      cmocka_unit_test(doubles_are_one),
        cmocka_unit_test(reasons_round_trip),
    };

    return cmocka_run_group_tests_name("recipients", tests, NULL, NULL);
}
