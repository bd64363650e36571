/* mysql:// addresses: what they say, and what is refused. */
#include "lib/base/mysql_url.h"

#include <string.h>

#include "tests/support/test.h"

static void parts_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct mysql_url url;
    } cases[] = {
        {"mysql://tocsin@db.example.com:3307/tocsin", {"tocsin", "db.example.com", 3307, "tocsin"}},
        {"mysql://u@h/d", {"u", "h", 3306, "d"}},
        {"mysql://u@[::1]:1/d", {"u", "::1", 1, "d"}},
        {"mysql://u@[fe80::1]/d", {"u", "fe80::1", 3306, "d"}},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct mysql_url url;
        assert_int_equal(mysql_url_parse(cases[i].text, &url, NULL), TC_OK);
        assert_string_equal(url.user, cases[i].url.user);
        assert_string_equal(url.host, cases[i].url.host);
        assert_int_equal(url.port, cases[i].url.port);
        assert_string_equal(url.database, cases[i].url.database);
    }
}

static void wrong_addresses_are_told(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"mysql:/u@h/d", "must be mysql://USER@HOST:PORT/DATABASE"},
        {"postgres://u@h/d", "must be mysql://USER@HOST:PORT/DATABASE"},
        {"mysql://h/d", "must be mysql://USER@HOST:PORT/DATABASE"},
        {"mysql://u@h", "must be mysql://USER@HOST:PORT/DATABASE"},
        {"mysql://u@h/d?x=1", "must be mysql://USER@HOST:PORT/DATABASE"},
        {"mysql://u:secret@h/d", "must hold no password"},
        {"mysql://@h/d", "its user must have"},
        {"mysql://u@/d", "its host must have"},
        {"mysql://u@h/", "its database must have"},
        {"mysql://u@h:0/d", "its port must be"},
        {"mysql://u@h:65536/d", "its port must be"},
        {"mysql://u@h:x/d", "its port must be"},
        {"mysql://u@[::1/d", "must end with ]"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct mysql_url url = {.port = 7};
        struct err err = ERR_INIT;
        assert_int_equal(mysql_url_parse(cases[i][0], &url, &err), TC_EINVAL);
        if (strstr(err.text, cases[i][1]) == NULL || strstr(err.text, "secret") != NULL) {
            fail_msg("%s: %s", cases[i][0], err.text);
        }
        assert_int_equal(url.port, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_found),
        cmocka_unit_test(wrong_addresses_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
