/* Tokens of links to acknowledge. SPEC 5.3 "Links to acknowledge are signed by the notifier and
 * verified by the web process with a shared link key". The expected tokens are Python's:
 *
 *     hmac.new(key, b"ack\0%d\0%s\0%d" % (incident, recipient, expiry), hashlib.sha256).hexdigest() */
#include "lib/sys/acklink.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/test.h"

/* Bytes 0 to 31 and 32 to 63. */
#define KEY_1 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_2 "202122232425262728292a2b2c2d2e2f303132333435363738393A3B3C3D3E3F"
#define OPS   "email:ops@example.com"

static const char token_1[] =
    "42.1795554062.8bbebcde8bc14c6417ba1767b53b89c71d757512cc6daeb188413ed33cf0bab5";
static const char token_2[] =
    "42.1795554062.160b51cbe3dcf5991449047f7ece5f751191bef091be028743fca21af9969b4e";
static const char token_far[] =
    "18446744073709551615.0.12242ff4ddbae6c8cfd3c9feb776f54ad291dc83a9de8b70d7ae48a4c51d4663";

static struct acklink_keys keys_of(const char *text)
{
    struct acklink_keys keys;
    assert_int_equal(acklink_keys_parse(text, &keys, NULL), TC_OK);
    return keys;
}

static bool is_good(const char *token, const struct acklink_keys *keys, const char *recipient)
{
    struct acklink link;
    return acklink_parse(token, &link) == TC_OK && acklink_is_signed(&link, keys, recipient);
}

static void tokens_are_those_of_another_implementation(void **state)
{
    (void)state;
    char token[ACKLINK_TOKEN_BYTES];
    struct acklink_keys keys = keys_of(KEY_1);
    acklink_sign(&keys, 42, OPS, INT64_C(1795554062999), token);
    assert_string_equal(token, token_1);
    acklink_sign(&keys, UINT64_MAX, "slack:#\xc3\xb6ps", 0, token);
    assert_string_equal(token, token_far);
    struct acklink link;
    assert_int_equal(acklink_parse(token_1, &link), TC_OK);
    assert_int_equal(link.incident_id, 42);
    assert_int_equal(link.expires_utc_ms, INT64_C(1795554062000));
    assert_true(is_good(token_1, &keys, OPS));
    assert_true(is_good(token_far, &keys, "slack:#\xc3\xb6ps"));
}

static void a_link_is_one_recipients(void **state)
{
    (void)state;
    static const char *const others[] = {"email:ops@example.co",    "email:ops@example.com ",
                                         "email:Ops@example.com",   "ops@example.com",
                                         "slack:ops@example.com",   "",
                                         "email:second@example.com"};
    struct acklink_keys keys = keys_of(KEY_1);
    for (size_t i = 0; i < TEST_COUNT(others); i++) {
        assert_false(is_good(token_1, &keys, others[i]));
    }
}

/* Every byte changed to every other, every prefix, every byte doubled. */
static void every_mutation_is_refused(void **state)
{
    (void)state;
    struct acklink_keys keys = keys_of(KEY_1);
    size_t size = strlen(token_1);
    for (size_t i = 0; i < size; i++) {
        char other[sizeof(token_1) + 1];
        for (int byte = 1; byte < 256; byte++) {
            memcpy(other, token_1, sizeof(token_1));
            other[i] = (char)byte;
            if (other[i] != token_1[i]) {
                assert_false(is_good(other, &keys, OPS));
            }
        }
        memcpy(other, token_1, i);
        other[i] = '\0';
        assert_false(is_good(other, &keys, OPS));
        memcpy(other, token_1, i + 1);
        memcpy(other + i + 1, token_1 + i, size - i + 1);
        assert_false(is_good(other, &keys, OPS));
    }
}

static void a_token_has_one_spelling(void **state)
{
    (void)state;
    static const char mac[] = "8bbebcde8bc14c6417ba1767b53b89c71d757512cc6daeb188413ed33cf0bab5";
    static const char *const heads[] = {"042.1795554062.",
                                        "42.01795554062.",
                                        "+42.1795554062.",
                                        " 42.1795554062.",
                                        "42.-1795554062.",
                                        "42.1795554062..",
                                        "42.",
                                        "",
                                        "42.99999999999999999999.",
                                        "99999999999999999999.1795554062.",
                                        "42.9223372036854776.", /* a second more than ms can hold */
                                        "4e1.1795554062."};
    struct acklink link;
    char text[256];
    for (size_t i = 0; i < TEST_COUNT(heads); i++) {
        (void)snprintf(text, sizeof text, "%s%s", heads[i], mac);
        assert_int_equal(acklink_parse(text, &link), TC_EPARSE);
    }
    (void)snprintf(text, sizeof text, "42.1795554062.%s", mac);
    assert_int_equal(acklink_parse(text, &link), TC_OK);
    text[14] = '8';
    text[15] = 'B';
    assert_int_equal(acklink_parse(text, &link), TC_EPARSE);
}

static void two_keys_verify_and_the_first_signs(void **state)
{
    (void)state;
    char token[ACKLINK_TOKEN_BYTES];
    struct acklink_keys old = keys_of(KEY_1);
    struct acklink_keys both = keys_of(KEY_2 "\r\n" KEY_1 "\n");
    struct acklink_keys fresh = keys_of(KEY_2);
    acklink_sign(&both, 42, OPS, INT64_C(1795554062000), token);
    assert_string_equal(token, token_2);
    assert_true(is_good(token_1, &both, OPS) && is_good(token_2, &both, OPS));
    assert_false(is_good(token_2, &old, OPS));
    assert_false(is_good(token_1, &fresh, OPS));
    struct acklink_keys none = {0};
    assert_false(is_good(token_1, &none, OPS));
}

static void other_texts_are_no_keys(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "\n",
        "00",
        KEY_1 "0",
        KEY_1 " ",
        "x" KEY_1,
        KEY_1 "\n" KEY_2 "\n" KEY_1,
        KEY_1 "\n\n" KEY_2,
        "g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"};
    for (size_t i = 0; i < TEST_COUNT(texts); i++) {
        struct acklink_keys keys = {.count = 7};
        struct err err = ERR_INIT;
        assert_int_equal(acklink_keys_parse(texts[i], &keys, &err), TC_EPARSE);
        assert_int_equal(keys.count, 7);
        assert_null(strstr(err.text, "0102")); /* never shows a key */
    }
}

static void keys_come_by_reference_or_not_at_all(void **state)
{
    (void)state;
    struct acklink_keys keys = {.count = 7};
    assert_int_equal(acklink_keys_load(NULL, "/", &keys, NULL), TC_OK);
    assert_int_equal(keys.count, 0);
    struct err err = ERR_INIT;
    assert_int_equal(acklink_keys_load("file:nowhere/link.key", "/nonexistent", &keys, &err),
                     TC_ENOENT);
    assert_non_null(strstr(err.text, "link.key"));
}

static void an_actor_is_an_address_or_a_target(void **state)
{
    (void)state;
    assert_string_equal(acklink_actor(OPS), "ops@example.com");
    assert_string_equal(acklink_actor("slack:#ops"), "slack:#ops");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_those_of_another_implementation),
        cmocka_unit_test(a_link_is_one_recipients),
        cmocka_unit_test(every_mutation_is_refused),
        cmocka_unit_test(a_token_has_one_spelling),
        cmocka_unit_test(two_keys_verify_and_the_first_signs),
        cmocka_unit_test(other_texts_are_no_keys),
        cmocka_unit_test(keys_come_by_reference_or_not_at_all),
        cmocka_unit_test(an_actor_is_an_address_or_a_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
