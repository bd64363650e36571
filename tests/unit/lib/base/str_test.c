#include "lib/base/str.h"

#include <string.h>

#include "lib/base/err.h"
#include "tests/support/test.h"

static void test_equality(void **state)
{
    (void)state;
    assert_true(str_eq("", ""));
    assert_false(str_eq("a", "A"));
    assert_true(str_eq_nocase("Content-Type", "content-TYPE"));
    assert_false(str_eq_nocase("abc", "ab"));
    assert_false(str_eq_nocase("ab", "abc"));
    assert_false(
        str_eq_nocase("[", "{")); /* 0x5B and 0x7B: apart by the case bit, but no letters */
    assert_false(str_eq_nocase("\xC4", "\xE4"));
}

static void test_prefix_suffix(void **state)
{
    (void)state;
    assert_true(str_has_prefix("exec:disk", "exec:"));
    assert_true(str_has_prefix("exec:", "exec:"));
    assert_false(str_has_prefix("exec", "exec:"));
    assert_true(str_has_prefix("x", ""));
    assert_true(str_has_suffix("a.sql", ".sql"));
    assert_false(str_has_suffix("sql", ".sql"));
    assert_false(str_has_suffix(".sqlx", ".sql"));
}

static void test_trim(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        const char *out;
    } cases[] = {
        {"", ""}, {" \t\r\n\v\f", ""}, {"a", "a"}, {" a b\n", "a b"}, {"\xC2\xA0x", "\xC2\xA0x"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        size_t size;
        const char *trimmed = str_trim(cases[i].in, strlen(cases[i].in), &size);
        assert_int_equal(size, strlen(cases[i].out));
        assert_memory_equal(trimmed, cases[i].out, size);
    }
}

static void test_glob(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *text;
        bool matches;
    } cases[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"exec:*", "exec:", true},
        {"exec:*", "exec:disk", true},
        {"exec:*", "php:disk", false},
        {"exec:*", "xexec:disk", false},
        {"exec:disk", "exec:disks", false},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"*a*b", "xxaxxab", true},
        {"*a*b", "xxaxxabc", false},
        {"a**b", "ab", true},
        {"[ab]", "a", false},
        {"[ab]", "[ab]", true},
        {"a\\*", "a\\x", true},
        {"*?", "", false},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        if (str_glob(cases[i].pattern, cases[i].text) != cases[i].matches) {
            fail_msg("%s against %s", cases[i].pattern, cases[i].text);
        }
    }
}

/* With a matcher that retries every star, this takes longer than the universe has lasted. */
static void test_glob_hostile(void **state)
{
    (void)state;
    char pattern[201];
    char text[4001];
    for (size_t i = 0; i < 200; i += 2) {
        pattern[i] = '*';
        pattern[i + 1] = 'a';
    }
    pattern[200] = '\0';
    memset(text, 'a', 4000);
    text[3999] = 'b';
    text[4000] = '\0';
    assert_false(str_glob(pattern, text));
}

static void test_copy(void **state)
{
    (void)state;
    char array[4] = "old";
    assert_int_equal(str_copy(array, sizeof(array), "1234"), TC_ERANGE);
    assert_string_equal(array, "old");
    assert_int_equal(str_copy(array, sizeof(array), "123"), TC_OK);
    assert_string_equal(array, "123");
    assert_int_equal(str_copy(array, 1, ""), TC_OK);
    assert_string_equal(array, "");
    assert_int_equal(str_copy(array, 0, ""), TC_ERANGE);
}

static void test_distance(void **state)
{
    (void)state;
    assert_int_equal(str_distance("", ""), 0);
    assert_int_equal(str_distance("", "abc"), 3);
    assert_int_equal(str_distance("kitten", "sitting"), 3);
    assert_int_equal(str_distance("Timeout", "timeout"), 0);
    assert_int_equal(str_distance("tiemout", "timeout"), 1);
    assert_int_equal(str_distance("ca", "abc"),
                     3); /* optimal string alignment; 2 if unrestricted */
    char longest[STR_DISTANCE_MAX + 2];
    memset(longest, 'x', sizeof(longest));
    longest[STR_DISTANCE_MAX] = '\0';
    assert_int_equal(str_distance(longest, longest), 0);
    longest[STR_DISTANCE_MAX] = 'x';
    longest[STR_DISTANCE_MAX + 1] = '\0';
    assert_int_equal(str_distance(longest, longest), STR_DISTANCE_MAX);
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const known[] = {"url", "method", "expectStatus", "timeoutSeconds", NULL};
    assert_string_equal(str_nearest("timeoutSecond", known), "timeoutSeconds");
    assert_string_equal(str_nearest("methdo", known), "method");
    assert_string_equal(str_nearest("uri", known), "url");
    assert_null(str_nearest("completely", known));
    assert_null(str_nearest("", known));
    assert_string_equal(str_nearer("bar", "baz", "ban"), "baz"); /* the first of equals */
    assert_string_equal(str_nearer("bar", "baz", "bar"), "bar");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equality),     cmocka_unit_test(test_prefix_suffix),
        cmocka_unit_test(test_trim),         cmocka_unit_test(test_glob),
        cmocka_unit_test(test_glob_hostile), cmocka_unit_test(test_copy),
        cmocka_unit_test(test_distance),     cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
