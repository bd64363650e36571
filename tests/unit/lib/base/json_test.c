#include "lib/base/json.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/limits.h"
#include "tests/support/test.h"

static int parse(const char *text, struct json **ret_json, struct err *err)
{
    return json_parse(text, strlen(text), LIMIT_CONFIG_BYTES, ret_json, err);
}

static void refuse(const char *text, int code, const char *reason)
{
    struct err err = ERR_INIT;
    struct json *json = NULL;
    assert_int_equal(parse(text, &json, &err), code);
    assert_null(json);
    if (strstr(err.text, reason) == NULL) {
        fail_msg("%s: '%s' does not tell of '%s'", text, err.text, reason);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    refuse("", TC_EPARSE, "the end where a value must be at byte 0");
    refuse("{\"isOk\":true} x", TC_EPARSE, "behind the value at byte 14");
    refuse("{\"a\":1,\"a\":2}", TC_EPARSE, "\"a\" is given twice");
    refuse("{\"a\":1,\"\\u0061\":2}", TC_EPARSE, "\"a\" is given twice");
    refuse("{\"\\ud83d\\ude00\":1,\"\xF0\x9F\x98\x80\":2}", TC_EPARSE, "given twice");
    refuse("{\"\\n/\":1,\"\\u000a\\/\":2}", TC_EPARSE, "\"\\n/\" is given twice");
    refuse("[{\"x\":{\"b\":[],\"c\":0,\"b\":1}}]", TC_EPARSE, "\"b\" is given twice");
    refuse("\"\\u0000\"", TC_EPARSE, "NUL");
    refuse("\"\\ud800\"", TC_EPARSE, "surrogate");
    refuse("\"\\ud800\\u0041\"", TC_EPARSE, "surrogate");
    refuse("\"\\ud800\\ud800\"", TC_EPARSE, "surrogate");
    refuse("\"\\udc00\"", TC_EPARSE, "surrogate");
    refuse("\"\xC0\x80\"", TC_EPARSE, "invalid UTF-8 at byte 1");
    refuse("\"\xED\xA0\x80\"", TC_EPARSE, "invalid UTF-8");
    refuse("\"a\tb\"", TC_EPARSE, "control character in a string at byte 2");
    refuse("\xEF\xBB\xBF{}", TC_EPARSE, "byte 0");
    refuse("1e999", TC_EPARSE, "too large");
    refuse("-1e400", TC_EPARSE, "too large");
    refuse("[01]", TC_EPARSE, "byte 1");
    refuse("[1.]", TC_EPARSE, "byte 1");
    refuse("[+1]", TC_EPARSE, "byte 1");
    refuse("[NaN]", TC_EPARSE, "byte 1");
    refuse("[nul]", TC_EPARSE, "unknown word");
    refuse("[1,]", TC_EPARSE, "byte 3");
    refuse("{\"a\":1,}", TC_EPARSE, "byte 7");
    refuse("{\"a\" 1}", TC_EPARSE, "colon");
    refuse("[1 2]", TC_EPARSE, "neither comma nor ]");
    refuse("{\"a\":1]", TC_EPARSE, "neither comma nor }");
}

/* 400 digits without an exponent are too large as well. */
static void test_number_without_exponent(void **state)
{
    (void)state;
    char text[402];
    memset(text, '9', 400);
    text[400] = '\0';
    refuse(text, TC_EPARSE, "too large");
}

static void test_size_and_nul(void **state)
{
    (void)state;
    TC_CLEANUP(json_freep) struct json *json = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(json_parse("[1]", 3, 2, &json, &err), TC_ERANGE);
    assert_int_equal(json_parse("[1]\0", 4, 9, &json, &err), TC_EPARSE);
    assert_int_equal(json_parse("[\"\0\"]", 5, 9, &json, &err), TC_EPARSE);
    assert_int_equal(json_parse("[1]garbage", 3, 3, &json, NULL), TC_OK);
    assert_int_equal(json_count(json_root(json)), 1);
}

static void test_depth(void **state)
{
    (void)state;
    static char text[200001];
    memset(text, '[', 100000);
    memset(text + 100000, ']', 100000);
    refuse(text, TC_ERANGE, "64 levels");
    const char *just = text + 100000 - LIMIT_JSON_DEPTH;
    TC_CLEANUP(json_freep) struct json *json = NULL;
    const size_t size = (size_t)2 * LIMIT_JSON_DEPTH;
    assert_int_equal(json_parse(just, size, size, &json, NULL), TC_OK);
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, size);
    json_canonical(json_root(json), &out);
    assert_int_equal(out.len, size);
    assert_memory_equal(out.p, just, size);
    json = json_free(json);
    assert_int_equal(json_parse(just - 1, size + 2, size + 2, &json, NULL), TC_ERANGE);
}

/* Quadratic comparing would take minutes here; the limit of the test is two. */
static void test_many_names(void **state)
{
    (void)state;
    enum {
        COUNT = 70000
    };
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, LIMIT_CONFIG_BYTES);
    for (int i = 0; i < COUNT; i++) {
        buf_add_fmt(&text, "%c\"%05d\":0", i == 0 ? '{' : ',', i);
    }
    TC_CLEANUP(json_freep) struct json *json = NULL;
    buf_add_str(&text, ",\"\\u0036\":0}");
    assert_int_equal(text.err, TC_OK);
    assert_int_equal(json_parse(text.p, text.len, LIMIT_CONFIG_BYTES, &json, NULL), TC_OK);
    assert_int_equal(json_count(json_root(json)), COUNT + 1);
    json = json_free(json);
    text.len--;
    buf_add_str(&text, ",\"\\u00369999\":0}");
    assert_int_equal(text.err, TC_OK);
    struct err err = ERR_INIT;
    assert_int_equal(json_parse(text.p, text.len, LIMIT_CONFIG_BYTES, &json, &err), TC_EPARSE);
    assert_non_null(strstr(err.text, "\"69999\" is given twice"));
}

static void test_values(void **state)
{
    (void)state;
    TC_CLEANUP(json_freep) struct json *json = NULL;
    const char *text =
        " {\"s\":\"\\ud83d\\ude00\\n\",\"n\":-1.5e2,\"t\":true,\"f\":false,\"z\":null,"
        "\"a\":[1,[]],\"A\":{},\"\":0} \r\n\t";
    assert_int_equal(parse(text, &json, NULL), TC_OK);
    const struct json_value *root = json_root(json);
    assert_int_equal(json_type_of(root), JSON_OBJECT);
    assert_int_equal(json_count(root), 8);
    assert_string_equal(json_string(json_member(root, "s")), "\xF0\x9F\x98\x80\n");
    assert_true(json_number(json_member(root, "n")) < -149.9);
    assert_true(json_boolean(json_member(root, "t")));
    assert_false(json_boolean(json_member(root, "f")));
    assert_int_equal(json_type_of(json_member(root, "z")), JSON_NULL);
    assert_int_equal(json_type_of(json_member(root, "a")), JSON_ARRAY);
    assert_int_equal(json_type_of(json_member(root, "A")), JSON_OBJECT);
    assert_null(json_member(root, "S"));
    assert_non_null(json_member(root, ""));
    const struct json_value *first = json_first(json_member(root, "a"));
    assert_int_equal(json_type_of(first), JSON_NUMBER);
    assert_int_equal(json_type_of(json_next(first)), JSON_ARRAY);
    assert_null(json_next(json_next(first)));
    assert_null(json_first(json_next(first)));
    assert_string_equal(json_name(json_first(root)), "s");
}

/* cJSON alone reads 63 bytes of a number and calls the rest garbage. */
static void test_long_numbers(void **state)
{
    (void)state;
    const char *text =
        "{\"a\\\"1\":0.1000000000000000055511151231257827021181583404541015625000000000,"
        "\"\\\\\":[-123456789012345678901234567890123456789012345678901234567890123456]}";
    TC_CLEANUP(json_freep) struct json *json = NULL;
    assert_int_equal(parse(text, &json, NULL), TC_OK);
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, 200);
    json_enc_value(&(struct json_enc){.out = &out}, NULL, json_root(json));
    assert_string_equal(out.p, "{\"a\\\"1\":0.1,\"\\\\\":[-1.2345678901234567e+65]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),     cmocka_unit_test(test_number_without_exponent),
        cmocka_unit_test(test_size_and_nul), cmocka_unit_test(test_depth),
        cmocka_unit_test(test_many_names),   cmocka_unit_test(test_values),
        cmocka_unit_test(test_long_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
