/* When schedules fire, against an oracle that knows rule 2.7 and no more (cron_oracle.py), over hard
 * zones and expressions; TOCSIN_LONG_TESTS=1 asks it for every pair. Then: which texts are
 * schedules. */
#include "lib/base/cron.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/timetext.h"
#include "lib/base/tz.h"
#include "tests/support/test.h"

enum {
    DAYS = 400,
    SHARE = 5, /* the ordinary run asks for each fifth pair of a zone and an expression */
};

static const char *const zones[] = {
    "America/Chicago",     "America/New_York",   "America/Sao_Paulo", "America/St_Johns",
    "America/Santiago",    "America/Havana",     "America/Asuncion",  "America/Nuuk",
    "Australia/Lord_Howe", "Antarctica/Troll",   "Europe/Dublin",     "Europe/Berlin",
    "Africa/Casablanca",   "Africa/Cairo",       "Atlantic/Azores",   "Pacific/Apia",
    "Pacific/Chatham",     "Pacific/Kiritimati", "Pacific/Norfolk",   "Asia/Kathmandu",
    "Asia/Tehran",         "Asia/Beirut",        "Asia/Gaza",         "UTC",
};

static const char *const expressions[] = {
    "30 2 * * *",      "*/15 * * * *",    "0 1,2,3 * * *",
    "30 1 * * *",      "0 */2 * * *",     "0-59 2 * * *",
    "5,35 0-4 * * *",  "0 0 * * *",       "@hourly",
    "59 23 * * 6",     "0 2 31 * *",      "15 2 */2 * 0",
    "0 12 1,15 * fri", "*/7 1-3 * * sun", "45 0,1 * mar,nov 0-6/2",
    "* * 8-14 * 7",    "0 3 29 2 *",      "@monthly",
};

/* Starts that put every sort of change into the 400 days; the last holds Apia's lost day. */
static const int64_t starts_s[] = {1767225600, 1700000040, 1900000020, 1300000020};

static int64_t start_of(size_t zone)
{
    return strcmp(zones[zone], "Pacific/Apia") == 0 ? starts_s[3] : starts_s[zone % 3];
}

static bool is_asked(size_t zone, size_t expression)
{
    return getenv("TOCSIN_LONG_TESTS") != NULL || (zone + expression) % SHARE == 0;
}

static FILE *ask_oracle(char *path)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *questions = fdopen(fd, "w");
    assert_non_null(questions);
    for (size_t z = 0; z < TEST_COUNT(zones); z++) {
        for (size_t e = 0; e < TEST_COUNT(expressions); e++) {
            if (is_asked(z, e)) {
                fprintf(questions, "%s\t%lld\t%d\t%s\n", zones[z], (long long)start_of(z), DAYS,
                        expressions[e]);
            }
        }
    }
    assert_int_equal(fclose(questions), 0);
    char command[512];
    snprintf(command, sizeof(command), "/usr/bin/python3 %s/table/cron_oracle.py < %s", TESTS_DIR,
             path);
    FILE *answers = popen(command, "r");
    assert_non_null(answers);
    return answers;
}

/* Compare one line of the oracle's with cron_next from the same start. */
static size_t compare(const char *line, const char *zone_name, const struct tz *zone,
                      const char *expression, int64_t start_s)
{
    struct cron cron;
    assert_int_equal(cron_parse(expression, &cron, NULL), TC_OK);
    int64_t end_ms = (start_s + DAYS * INT64_C(86400)) * 1000;
    int64_t at_ms = cron_next(&cron, zone, start_s * 1000);
    int64_t before_ms = -CRON_NEVER;
    size_t count = 0;
    char *rest = NULL;
    for (const char *at = line; *at != '\n' && *at != '\0'; at = rest + strspn(rest, " ")) {
        int64_t expected_ms = strtoll(at, &rest, 10) * 1000;
        char want[TIMETEXT_SIZE];
        char got[TIMETEXT_SIZE];
        if (at_ms != expected_ms) {
            fail_msg("%s in %s: fires at %s instead of %s", expression, zone_name,
                     timetext_rfc3339(at_ms, got), timetext_rfc3339(expected_ms, want));
        }
        if (count % 97 == 0) {
            assert_int_equal(cron_last(&cron, zone, at_ms), at_ms);
            if (before_ms != -CRON_NEVER) {
                assert_int_equal(cron_last(&cron, zone, at_ms - 1), before_ms);
            }
        }
        before_ms = at_ms;
        at_ms = cron_next(&cron, zone, at_ms);
        count++;
    }
    assert_true(at_ms >= end_ms);
    return count;
}

static void test_firings_are_the_oracles(void **state)
{
    (void)state;
    struct tz_cache *cache = tz_cache_new(NULL);
    char path[] = "/tmp/tocsin_cron_XXXXXX";
    FILE *answers = ask_oracle(path);
    char *line = NULL;
    size_t room = 0;
    size_t count = 0;
    for (size_t z = 0; z < TEST_COUNT(zones); z++) {
        const struct tz *zone = NULL;
        struct err err = ERR_INIT;
        if (tz_open(cache, zones[z], &zone, &err) != TC_OK) {
            fail_msg("%s", err.text);
        }
        for (size_t e = 0; e < TEST_COUNT(expressions); e++) {
            if (!is_asked(z, e)) {
                continue;
            }
            assert_true(getline(&line, &room, answers) > 0);
            count += compare(line, zones[z], zone, expressions[e], start_of(z));
        }
    }
    assert_true(count > 10000);
    assert_int_equal(pclose(answers), 0);
    free(line);
    unlink(path);
    tz_cache_free(cache);
}

/* The examples of the rule, by hand: what people will look for first. */
static void test_chicago_by_hand(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        const char *after;
        const char *next;
    } rows[] = {
        {"30 2 * * *", "2027-03-13T12:00:00Z", "2027-03-14T08:00:00Z"}, /* in the gap: 03:00 CDT */
        {"30 2 * * *", "2027-03-14T08:00:00Z", "2027-03-15T07:30:00Z"},
        {"0 2,3 * * *", "2027-03-14T07:59:59.999Z", "2027-03-14T08:00:00Z"}, /* one, not two */
        {"0 2,3 * * *", "2027-03-14T08:00:00Z", "2027-03-15T07:00:00Z"},
        {"*/15 2 * * *", "2027-03-13T12:00:00Z", "2027-03-15T07:00:00Z"}, /* walls never show it */
        {"30 1 * * *", "2026-10-31T12:00:00Z", "2026-11-01T06:30:00Z"},   /* first pass, CDT */
        {"30 1 * * *", "2026-11-01T06:30:00Z", "2026-11-02T07:30:00Z"},
        {"*/30 1 * * *", "2026-11-01T06:30:00Z", "2026-11-01T07:00:00Z"}, /* the second pass too */
        {"0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T06:00:00Z"},
        {"@every 90s", "2026-01-01T00:00:00Z", "2026-01-01T00:01:30Z"},
        {"@every 1s", "1969-12-31T23:59:58.5Z", "1969-12-31T23:59:59Z"},
        {"@weekly", "2026-01-01T00:00:00Z", "2026-01-04T06:00:00Z"},
    };
    struct tz_cache *cache = tz_cache_new(NULL);
    const struct tz *zone = NULL;
    assert_int_equal(tz_open(cache, "America/Chicago", &zone, NULL), TC_OK);
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        struct cron cron;
        int64_t after = 0;
        int64_t next = 0;
        assert_int_equal(cron_parse(rows[i].expression, &cron, NULL), TC_OK);
        assert_int_equal(timetext_parse_rfc3339(rows[i].after, &after, NULL), TC_OK);
        assert_int_equal(timetext_parse_rfc3339(rows[i].next, &next, NULL), TC_OK);
        assert_int_equal(cron_next(&cron, zone, after), next);
    }
    struct cron leap_sunday;
    assert_int_equal(cron_parse("0 0 29 2 */7", &leap_sunday, NULL), TC_OK);
    int64_t at = cron_next(&leap_sunday, zone, INT64_C(1767225600000));
    char text[TIMETEXT_SIZE];
    assert_string_equal(timetext_rfc3339(at, text), "2032-02-29T06:00:00.000Z");
    assert_true(cron_next(&leap_sunday, zone, INT64_MAX) == CRON_NEVER);
    assert_true(cron_next(&leap_sunday, zone, INT64_MIN) > -CRON_NEVER);
    assert_true(cron_last(&leap_sunday, zone, INT64_C(-2208988700000)) == -CRON_NEVER);
    tz_cache_free(cache);
}

static void test_texts_that_mean_the_same(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"@daily", "0 0 * * *"},
        {"@midnight", "0 0 * * *"},
        {"@HOURLY", "0 * * * *"},
        {"@yearly", "@annually"},
        {"0 0 * * 7", "0 0 * * sun"},
        {"0 0 * * 5-7", "0 0 * * 0,5,6"},
        {"0 0 * JAN mon", "0 0 * 1 1"},
        {"0 0 * jan-mar tue-thu", "0 0 * 1-3 2-4"},
        {"0-30/10 0 * * *", "0,10,20,30 0 * * *"},
        {"  5\t4  * * * ", "5 4 * * *"},
        {"@every 1h30m", "@every 5400"},
    };
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        struct cron a;
        struct cron b;
        struct err err = ERR_INIT;
        if (cron_parse(rows[i][0], &a, &err) != TC_OK) {
            fail_msg("%s", err.text);
        }
        assert_int_equal(cron_parse(rows[i][1], &b, NULL), TC_OK);
        assert_true(cron_is_same(&a, &b));
    }
}

static void test_texts_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *told; /* part of the message */
    } rows[] = {
        {"", "empty"},
        {"   ", "empty"},
        {"* * * *", "4 fields instead of 5"},
        {"* * * * * /bin/true", "6 fields instead of 5"},
        {"60 * * * *", "minute \"60\" is out of range; it goes from 0 to 59"},
        {"* 24 * * *", "hour \"24\""},
        {"* * 0 * *", "day of month \"0\" is out of range; it goes from 1 to 31"},
        {"* * * 13 *", "month \"13\""},
        {"* * * * 8", "day of week \"8\""},
        {"* * * * mo", "names are sun, mon ... sat"},
        {"* * * january *", "names are jan, feb ... dec"},
        {"5/15 * * * *", "step without a range"},
        {"*/0 * * * *", "bad step; it goes from 1 to 60"},
        {"*/90 * * * *", "bad step; it goes from 1 to 60"},
        {"* */25 * * *", "bad step; it goes from 1 to 24"},
        {"*/x * * * *", "bad step"},
        {"0 22-6 * * *", "runs backwards; split it, like 22-23,0-6"},
        {"0 0 * * fri-sun", "runs backwards"},
        {"1,,2 * * * *", "is not of the form"},
        {"1, * * * *", "is not of the form"},
        {"-5 * * * *", "minute \"-5\""},
        {"*5 * * * *", "is not of the form"},
        {"1-2-3 * * * *", "is not of the form"},
        {"~ * * * *", "is not of the form"},
        {"0 0 L * *", "is not of the form"},
        {"0 0 ? * *", "is not of the form"},
        {"0 0 30 2 *", "never comes"},
        {"0 0 31 2,4,6,9,11 *", "never comes"},
        {"99999999999999999999 * * * *", "minute"},
        {"@reboot", "@reboot has no meaning here"},
        {"@dayly", "did you mean @daily?"},
        {"@fortnightly-ish", "use @hourly"},
        {"@daily 5", "is not a schedule"},
        {"@every", "@every 30s"},
        {"@every 0s", "not an interval"},
        {"@every 500ms", "not an interval"},
        {"@every 400d", "not an interval"},
        {"@every -5s", "not an interval"},
        {"TZ=UTC * * * * *", "6 fields"},
    };
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        struct cron cron = {.every_ms = 77};
        struct err err = ERR_INIT;
        assert_int_equal(cron_parse(rows[i].text, &cron, &err), TC_EINVAL);
        assert_int_equal(cron.every_ms, 77);
        if (strstr(err.text, rows[i].told) == NULL) {
            fail_msg("\"%s\" gives: %s", rows[i].text, err.text);
        }
    }
    char long_text[1000];
    memset(long_text, ' ', sizeof(long_text));
    long_text[sizeof(long_text) - 1] = '\0';
    assert_int_equal(cron_parse(long_text, &(struct cron){0}, NULL), TC_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_that_mean_the_same),
        cmocka_unit_test(test_texts_that_are_refused),
        cmocka_unit_test(test_chicago_by_hand),
        cmocka_unit_test(test_firings_are_the_oracles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
