/* Reading objects of known shape: every reader with the right value, an absent one, another type and
 * one over its limit. */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "tests/support/test.h"

static const char document[] =
    "{\"s\":\"text\",\"e\":\"\",\"n\":42,\"half\":0.5,\"big\":9007199254740993,"
    "\"huge\":1e300,\"u\":\"18446744073709551615\",\"t\":true,\"z\":null,"
    "\"at\":\"2027-03-14T15:09:26.535Z\",\"o\":{\"in\":{\"n\":\"x\"}},\"a\":[1,2,3]}";

struct fixture {
    struct json *json;
    struct json_dec d;
    struct err err;
};

static void start(struct fixture *f)
{
    f->d = (struct json_dec){0};
    f->err = ERR_INIT;
    json_dec_start(&f->d, json_root(f->json), "", &f->err);
}

static int setup(void **state)
{
    static struct fixture f;
    f.json = NULL;
    if (json_parse(document, strlen(document), LIMIT_CONFIG_BYTES, &f.json, NULL) != TC_OK) {
        return -1;
    }
    start(&f);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    f->json = json_free(f->json);
    return 0;
}

static void expect_error(struct fixture *f, int code, const char *text)
{
    assert_int_equal(json_end(&f->d), code);
    assert_int_equal(f->err.code, code);
    assert_string_equal(f->err.text, text);
    start(f);
}

static void test_good(void **state)
{
    struct fixture *f = *state;
    struct json_dec *d = &f->d;
    assert_string_equal(json_str(d, "s", 4), "text");
    assert_string_equal(json_str_opt(d, "s", 4, "no"), "text");
    assert_string_equal(json_str_opt(d, "e", 4, "no"), "");
    assert_string_equal(json_str_opt(d, "none", 4, "fallback"), "fallback");
    assert_null(json_str_opt(d, "z", 4, NULL));
    assert_int_equal(json_i64(d, "n", 42, 42), 42);
    assert_int_equal(json_i64_opt(d, "z", 0, 9, 99), 99);
    assert_true(json_u64_text(d, "u") == UINT64_MAX);
    assert_true(json_bool(d, "t"));
    assert_true(json_bool_opt(d, "t", false));
    assert_true(json_bool_opt(d, "none", true));
    assert_true(json_num_opt(d, "half", 1) > 0.4);
    assert_true(json_num_opt(d, "none", 7) > 6.9);
    assert_true(json_time(d, "at") == INT64_C(1805036966535)); /* date -u -d ... +%s%3N */
    assert_int_equal(json_time_opt(d, "z", -1), -1);
    assert_int_equal(json_count(json_arr(d, "a", 3)), 3);
    assert_true(json_has(d, "e"));
    assert_false(json_has(d, "z"));
    assert_false(json_has(d, "none"));
    assert_int_equal(json_type_of(json_any(d, "z")), JSON_NULL);
    assert_null(json_any(d, "none"));
    assert_int_equal(json_end(d), TC_OK);
}

static void test_errors(void **state)
{
    struct fixture *f = *state;
    struct json_dec *d = &f->d;
    assert_string_equal(json_str(d, "none", 9), "");
    expect_error(f, TC_EPARSE, "none is missing; it must be a string");
    assert_string_equal(json_str(d, "z", 9), "");
    expect_error(f, TC_EPARSE, "z is missing; it must be a string");
    assert_string_equal(json_str(d, "e", 9), "");
    expect_error(f, TC_EPARSE, "e must not be empty");
    assert_string_equal(json_str(d, "s", 3), "");
    expect_error(f, TC_ERANGE, "s has 4 bytes; at most 3 are allowed");
    assert_string_equal(json_str_opt(d, "n", 3, "x"), "");
    expect_error(f, TC_EPARSE, "n must be a string and is a number");
    assert_int_equal(json_i64(d, "n", 0, 41), 0);
    expect_error(f, TC_ERANGE, "n must be from 0 to 41 and is 42");
    assert_int_equal(json_i64_opt(d, "n", 43, 99, 50), 0);
    expect_error(f, TC_ERANGE, "n must be from 43 to 99 and is 42");
    assert_int_equal(json_i64(d, "half", 0, 9), 0);
    expect_error(f, TC_EPARSE, "half must be a whole number of at most 53 bits and is 0.5");
    assert_int_equal(json_i64(d, "huge", INT64_MIN, INT64_MAX), 0);
    assert_int_equal(json_end(d), TC_EPARSE);
    start(f);
    assert_int_equal(json_u64_text(d, "s"), 0);
    expect_error(f, TC_EPARSE, "s must be a whole number of at most 64 bits, as a string");
    assert_int_equal(json_u64_text(d, "n"), 0);
    expect_error(f, TC_EPARSE, "n must be a string and is a number");
    assert_false(json_bool(d, "n"));
    expect_error(f, TC_EPARSE, "n must be true or false and is a number");
    assert_int_equal(json_time(d, "s"), 0);
    expect_error(f, TC_EPARSE, "s must be a time such as 2027-03-14T15:09:26.535Z (RFC 3339)");
    assert_null(json_arr(d, "a", 2));
    expect_error(f, TC_ERANGE, "a has 3 elements; at most 2 are allowed");
    assert_null(json_arr(d, "o", 2));
    expect_error(f, TC_EPARSE, "o must be an array and is an object");
}

static void test_sticky(void **state)
{
    struct fixture *f = *state;
    struct json_dec *d = &f->d;
    (void)json_str(d, "none", 9); /* the error under test */
    assert_string_equal(json_str(d, "s", 9), "");
    assert_string_equal(json_str_opt(d, "s", 9, "x"), "");
    assert_int_equal(json_i64_opt(d, "missing", 1, 9, 5), 0);
    assert_false(json_bool_opt(d, "t", true));
    assert_true(json_num_opt(d, "half", 1) < 0.1);
    assert_int_equal(json_time_opt(d, "missing", 5), 0);
    assert_null(json_any(d, "s"));
    assert_false(json_has(d, "s"));
    assert_int_equal(json_fail(d, "s", TC_EINVAL, "later"), TC_EPARSE);
    struct json_dec child;
    json_obj(d, "o", &child);
    assert_int_equal(json_end(&child), TC_EPARSE);
    assert_string_equal(json_str(&child, "in", 9), "");
    expect_error(f, TC_EPARSE, "none is missing; it must be a string");
}

static void test_children(void **state)
{
    struct fixture *f = *state;
    struct json_dec *d = &f->d;
    struct json_dec outer;
    struct json_dec inner;
    json_obj(d, "o", &outer);
    json_obj(&outer, "in", &inner);
    assert_int_equal(json_i64(&inner, "n", 0, 9), 0);
    assert_int_equal(json_end(d), TC_OK);
    json_join(&outer, &inner);
    json_join(d, &outer);
    expect_error(f, TC_EPARSE, "o.in.n must be a number and is a string");
    json_obj(d, "a", &outer);
    assert_int_equal(json_end(&outer), TC_EPARSE);
    expect_error(f, TC_EPARSE, "a must be an object and is an array");
}

static void test_start(void **state)
{
    struct fixture *f = *state;
    const struct json_value *array = json_any(&f->d, "a");
    json_dec_start(&f->d, array, "params.sources", &f->err);
    assert_string_equal(json_str(&f->d, "x", 9), "");
    expect_error(f, TC_EPARSE, "params.sources must be an object and is an array");
    json_dec_start(&f->d, array, "", &f->err);
    expect_error(f, TC_EPARSE, "the document must be an object and is an array");
    json_dec_start(&f->d, json_root(f->json), "result", &f->err);
    assert_int_equal(json_fail(&f->d, "s", TC_EINVAL, "is %d", 7), TC_EINVAL);
    expect_error(f, TC_EINVAL, "result.s is 7");
    json_dec_start(&f->d, json_root(f->json), "", NULL);
    assert_int_equal(json_i64(&f->d, "s", 0, 1), 0);
    assert_int_equal(json_end(&f->d), TC_EPARSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_good, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sticky, setup, teardown),
        cmocka_unit_test_setup_teardown(test_children, setup, teardown),
        cmocka_unit_test_setup_teardown(test_start, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
