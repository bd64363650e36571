/* Writing JSON, and its canonical form by the examples of RFC 8785. */
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "tests/support/test.h"

static void test_write(void **state)
{
    (void)state;
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, 1000);
    struct json_enc e;
    json_enc_start(&e, &out);
    json_enc_obj(&e, NULL);
    json_enc_str(&e, "s", "a\"b\\c\n\x01\x7F\xC3\xA4");
    json_enc_strn(&e, "n\xFF", "x\0\xED\xA0\x80", 5);
    json_enc_str(&e, "null", NULL);
    json_enc_i64(&e, "min", INT64_MIN);
    json_enc_u64_text(&e, "u", UINT64_MAX);
    json_enc_num(&e, "d", 0.1);
    json_enc_bool(&e, "t", true);
    json_enc_bool(&e, "f", false);
    json_enc_null(&e, "z");
    json_enc_time(&e, "at", INT64_C(1805036966535));
    json_enc_arr(&e, "a");
    json_enc_i64(&e, NULL, 1);
    json_enc_obj(&e, NULL);
    json_enc_obj_end(&e);
    json_enc_arr(&e, NULL);
    json_enc_arr_end(&e);
    json_enc_raw(&e, NULL, "{\"raw\":1}", 9);
    json_enc_arr_end(&e);
    json_enc_str(&e, "last", "");
    json_enc_obj_end(&e);
    assert_int_equal(out.err, TC_OK);
    assert_string_equal(
        out.p, "{\"s\":\"a\\\"b\\\\c\\n\\u0001\x7F\xC3\xA4\","
               "\"n\xEF\xBF\xBD\":\"x\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\","
               "\"null\":null,\"min\":-9223372036854775808,\"u\":\"18446744073709551615\","
               "\"d\":0.1,\"t\":true,\"f\":false,\"z\":null,\"at\":\"2027-03-14T15:09:26.535Z\","
               "\"a\":[1,{},[],{\"raw\":1}],\"last\":\"\"}");
    TC_CLEANUP(json_freep) struct json *json = NULL;
    assert_int_equal(json_parse(out.p, out.len, 1000, &json, NULL), TC_OK);
}

static void canonical(const char *text, const char *expected)
{
    TC_CLEANUP(json_freep) struct json *json = NULL;
    assert_int_equal(json_parse(text, strlen(text), LIMIT_CONFIG_BYTES, &json, NULL), TC_OK);
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, LIMIT_CONFIG_BYTES);
    json_canonical(json_root(json), &out);
    assert_int_equal(out.err, TC_OK);
    assert_string_equal(out.p, expected);
}

/* RFC 8785 section 3.2.2. */
static void test_rfc8785_sample(void **state)
{
    (void)state;
    canonical("{\n \"numbers\": [333333333.33333329, 1E30, 4.50,\n 2e-3, "
              "0.000000000000000000000000001],\n"
              " \"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\",\n"
              " \"literals\": [null, true, false]\n}",
              "{\"literals\":[null,true,false],"
              "\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
              "\"string\":\"\xE2\x82\xAC$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

/* RFC 8785 section 3.2.3: the order is that of UTF-16 code units. */
static void test_rfc8785_order(void **state)
{
    (void)state;
    canonical("{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew Letter "
              "Dalet With Dagesh\",\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji: Grinning Face\","
              "\"\\u0080\":\"Control\",\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}",
              "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xC2\x80\":\"Control\","
              "\"\xC3\xB6\":\"Latin Small Letter O With Diaeresis\",\"\xE2\x82\xAC\":\"Euro Sign\","
              "\"\xF0\x9F\x98\x80\":\"Emoji: Grinning Face\","
              "\"\xEF\xAC\xB3\":\"Hebrew Letter Dalet With Dagesh\"}");
    canonical("{\"ab\":1,\"a\":2,\"\":3,\"b\":{\"z\":[{\"y\":1,\"x\":2}],\"A\":0}}",
              "{\"\":3,\"a\":2,\"ab\":1,\"b\":{\"A\":0,\"z\":[{\"x\":2,\"y\":1}]}}");
}

static void test_escapes(void **state)
{
    (void)state;
    canonical("\"\\b\\t\\n\\u000b\\f\\r\\u001f\\u007f\\/\"",
              "\"\\b\\t\\n\\u000b\\f\\r\\u001f\x7F/\"");
}

/* RFC 8785 appendix B. */
static void test_rfc8785_numbers(void **state)
{
    (void)state;
    static const struct {
        uint64_t bits;
        const char *text;
    } cases[] = {
        {0x0000000000000000, "0"},
        {0x8000000000000000, "0"},
        {0x0000000000000001, "5e-324"},
        {0x8000000000000001, "-5e-324"},
        {0x7fefffffffffffff, "1.7976931348623157e+308"},
        {0xffefffffffffffff, "-1.7976931348623157e+308"},
        {0x4340000000000000, "9007199254740992"},
        {0xc340000000000000, "-9007199254740992"},
        {0x4430000000000000, "295147905179352830000"},
        {0x44b52d02c7e14af5, "9.999999999999997e+22"},
        {0x44b52d02c7e14af6, "1e+23"},
        {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
        {0x444b1ae4d6e2ef4e, "999999999999999700000"},
        {0x444b1ae4d6e2ef4f, "999999999999999900000"},
        {0x444b1ae4d6e2ef50, "1e+21"},
        {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
        {0x3eb0c6f7a0b5ed8d, "0.000001"},
        {0x41b3de4355555553, "333333333.3333332"},
        {0x41b3de4355555554, "333333333.33333325"},
        {0x41b3de4355555555, "333333333.3333333"},
        {0x41b3de4355555556, "333333333.3333334"},
        {0x41b3de4355555557, "333333333.33333343"},
        {0xbecbf647612f3696, "-0.0000033333333333333333"},
        {0x43143ff3c1cb0959, "1424953923781206.2"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        double value;
        memcpy(&value, &cases[i].bits, sizeof(value));
        TC_CLEANUP(buf_freep) struct buf out;
        buf_init(&out, 100);
        struct json_enc e;
        json_enc_start(&e, &out);
        json_enc_num(&e, NULL, value);
        assert_string_equal(out.p, cases[i].text);
    }
}

/* What is canonical stays as it is; what is written in the document's order reads back the same. */
static void test_round_trip(void **state)
{
    (void)state;
    const char *text = "{\"b\":[1,-2.5,1e+21,\"\xC3\xA4\\n\"],\"a\":{\"y\":{},\"x\":[[],[null]]}}";
    TC_CLEANUP(json_freep) struct json *json = NULL;
    assert_int_equal(json_parse(text, strlen(text), LIMIT_CONFIG_BYTES, &json, NULL), TC_OK);
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, 200);
    struct json_enc e;
    json_enc_start(&e, &out);
    json_enc_value(&e, NULL, json_root(json));
    assert_string_equal(out.p, text);
    buf_reset(&out);
    json_canonical(json_root(json), &out);
    canonical(text, out.p);
    canonical(out.p, out.p);
}

static void test_ceiling(void **state)
{
    (void)state;
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, 4);
    struct json_enc e;
    json_enc_start(&e, &out);
    json_enc_str(&e, NULL, "too long");
    assert_int_equal(out.err, TC_ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),           cmocka_unit_test(test_rfc8785_sample),
        cmocka_unit_test(test_rfc8785_order),   cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_rfc8785_numbers), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
