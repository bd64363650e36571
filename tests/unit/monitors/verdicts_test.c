/* The pure verdicts of disk, file, http and tcp: facts in, one sentence out. */
#include <string.h>

#include "lib/net/net.h"
#include "monitors/disk.h"
#include "monitors/file.h"
#include "monitors/http.h"
#include "monitors/tcp.h"
#include "tests/support/test.h"

#define GIB    (UINT64_C(1) << 30)
#define DAY_MS INT64_C(86400000)
#define NOW    (INT64_C(20000) * DAY_MS)

/* Compare and release. */
static void expect(size_t row, struct check_result *result, const char *problem)
{
    if (result->is_ok != (problem == NULL) || result->message.len == 0 ||
        (problem != NULL && strcmp(result->message.p, problem) != 0)) {
        fail_msg("row %zu: %d %s", row, result->is_ok, result->message.p);
    }
    check_result_freep(result);
}

static void disks(void **state)
{
    (void)state;
    static const struct {
        struct disk_facts facts;
        struct disk_limits limits;
        const char *problem;
    } rows[] = {
        {{"/d", 90 * GIB, 10 * GIB, 0, 0}, {10, 0, 0}, NULL},
        {{"/d", 90 * GIB, 10 * GIB - 1, 0, 0},
         {10, 0, 0},
         "/d has 9.9 % free (10.0 GiB of 100.0 GiB), the limit is 10 %"},
        {{"/d", 0, 500, 0, 0},
         {0, 501, 0},
         "/d has 500 bytes free (500 bytes), the limit is 501 bytes"},
        {{"/d", 0, 0, 0, 0}, {0, 1, 0}, "/d has 0 bytes free (0 bytes), the limit is 1 bytes"},
        {{"/d", GIB, GIB, 99, 1},
         {60, 0, 5},
         "/d has 50.0 % free (1.0 GiB of 2.0 GiB), the limit is 60 %; /d has 1.0 % of its inodes "
         "free "
         "(1 files can still be made), the limit is 5 %"},
        {{"/d", GIB, GIB, 0, 0}, {0, 0, 5}, NULL}, /* btrfs counts none */
    };
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        struct check_result result;
        check_result_init(&result);
        disk_judge(&rows[i].facts, &rows[i].limits, &result);
        expect(i, &result, rows[i].problem);
    }
}

static void files(void **state)
{
    (void)state;
    static const struct {
        bool is_pattern;
        size_t count; /* files: f0 of 10 bytes an hour old, f1 of 20 bytes two hours old */
        struct file_limits limits;
        const char *problem;
    } rows[] = {
        {false, 1, {0, 0, -1, 1, -1}, NULL},
        {false, 0, {0, 0, -1, 1, -1}, "/x does not exist"},
        {false, 1, {0, 0, -1, 0, 0}, "/x exists, and must not"},
        {false, 0, {0, 0, -1, 0, 0}, NULL},
        {false, 1, {3600000, 0, -1, 1, -1}, NULL},
        {false, 1, {3000000, 0, -1, 1, -1}, "/x was written 1 h ago, the limit is 50 min"},
        {true, 2, {3600000, 0, -1, 1, -1}, NULL},
        {true,
         2,
         {1000, 0, -1, 1, -1},
         "The newest file of /x, f0, was written 1 h ago, the limit is 1 s"},
        {true, 2, {0, 11, -1, 1, -1}, "f0 has 10 bytes, at least 11 bytes (11 bytes) are right"},
        {true, 2, {0, 0, 19, 1, -1}, "f1 has 20 bytes, at most 19 bytes (19 bytes) are right"},
        {true, 2, {0, 0, -1, 3, -1}, "2 files match /x, at least 3 must"},
        {true, 2, {0, 0, -1, 1, 1}, "2 files match /x, at most 1 may; the newest is f0"},
        {true, 0, {0, 0, -1, 1, -1}, "0 files match /x, at least 1 must"},
    };
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        struct file_facts facts = {.what = "/x", .is_pattern = rows[i].is_pattern};
        struct check_result result;
        check_result_init(&result);
        for (size_t j = 0; j < rows[i].count; j++) {
            file_count(&facts, j == 0 ? "f0" : "f1", 10 * (j + 1),
                       NOW - 3600000 * (int64_t)(j + 1));
        }
        file_judge(&facts, &rows[i].limits, NOW, &result);
        expect(i, &result, rows[i].problem);
    }
}

static const char *const none[] = {NULL};
static const char *const typed[] = {"content-TYPE:  text/plain", "X-Any:", NULL};
static const char *const missing[] = {"Content-Type: text/html", NULL};
static char body[] = "all is well";
static char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Any: 1\r\n\r\n";
static const struct {
    struct net_result answer;
    struct http_limits limits;
    const char *problem;
} answer_rows[] = {
    {{.status = 204}, {.headers = none, .cert_days_min = -1}, NULL},
    {{.status = 301},
     {.headers = none, .cert_days_min = -1},
     "u answered 301, 200 to 299 is right; it says: all is well"},
    {{.status = 404},
     {.statuses = {200, 404}, .status_count = 2, .headers = none, .cert_days_min = -1},
     NULL},
    {{.status = 200},
     {.statuses = {401, 403}, .status_count = 2, .headers = none, .cert_days_min = -1},
     "u answered 200, 401 or 403 is right; it says: all is well"},
    {{.status = 200}, {.contains = "well", .headers = typed, .cert_days_min = -1}, NULL},
    {{.status = 200},
     {.contains = "ill", .headers = missing, .cert_days_min = -1},
     "\"ill\" is not in the answer of u (status 200, 11 bytes); The answer of u lacks the "
     "header "
     "\"Content-Type: text/html\""},
    {{.status = 200},
     {.lacks = "well", .headers = none, .cert_days_min = -1},
     "\"well\" is in the answer of u, and must not be"},
    {{.status = 200, .duration_ms = 101},
     {.ms_max = 100, .headers = none, .cert_days_min = -1},
     "u took 101 ms, the limit is 100 ms"},
    {{.status = 200, .cert_end_utc_ms = NOW + 14 * DAY_MS},
     {.headers = none, .cert_days_min = 14},
     NULL},
    {{.status = 200, .cert_end_utc_ms = NOW + 14 * DAY_MS - 1},
     {.headers = none, .cert_days_min = 14},
     "The certificate of u ends in 13 days (2024-10-17T23:59:59.999Z), the limit is 14"},
    {{.status = 200}, {.headers = none, .cert_days_min = 0}, "u showed no certificate with an end"},
    {{.end = NET_UNREACHABLE, .text = "no route"},
     {.headers = none},
     "u can't be reached: no route"},
    {{.end = NET_INSECURE, .text = "expired"}, {.headers = none}, "u can't be trusted: expired"},
    {{.end = NET_BROKEN, .text = "empty"}, {.headers = none}, "u gave no whole answer: empty"},
    {{.end = NET_TIMED_OUT},
     {.headers = none, .timeout_ms = 9000},
     "u did not answer in full within 9000 ms (not even connected)"},
    {{.end = NET_FORBIDDEN},
     {.headers = none},
     "u leads to an address that checks may not connect to (link-local, multicast or a cloud's "
     "metadata)"},
};

static void answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(answer_rows); i++) {
        struct check_result result;
        check_result_init(&result);
        struct net_result answer = answer_rows[i].answer;
        struct http_limits limits = answer_rows[i].limits;
        answer.body = body;
        answer.body_size = strlen(body);
        answer.head = head;
        limits.url = "u";
        http_judge(&answer, &limits, NOW, &result);
        expect(i, &result, answer_rows[i].problem);
    }
}

static void conversations(void **state)
{
    (void)state;
    static char said[] = "421 busy\r\n";
    static const struct {
        struct net_result answer;
        struct tcp_limits limits;
        const char *problem;
    } rows[] = {
        {{.end = NET_ANSWERED}, {.host = "h", .port = 25}, NULL},
        {{.end = NET_ANSWERED, .duration_ms = 11},
         {.host = "h", .port = 25, .ms_max = 10},
         "h port 25 took 11 ms, the limit is 10 ms"},
        {{.end = NET_BROKEN, .text = "it closed the connection", .body_size = 10},
         {.host = "h", .port = 25, .expect = "220 "},
         "h port 25 took the connection but did not say \"220 \": it closed the connection; it "
         "says: "
         "421 busy\\r\\n"},
        {{.end = NET_UNREACHABLE, .text = "refused"},
         {.host = "h", .port = 25},
         "h port 25 can't be reached: refused"},
        {{.end = NET_TIMED_OUT},
         {.host = "h", .port = 25, .timeout_ms = 900},
         "h port 25 did not take the connection within 900 ms"},
    };
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        struct check_result result;
        check_result_init(&result);
        struct net_result answer = rows[i].answer;
        answer.body = said;
        tcp_judge(&answer, &rows[i].limits, &result);
        expect(i, &result, rows[i].problem);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(disks), cmocka_unit_test(files),
                                       cmocka_unit_test(answers), cmocka_unit_test(conversations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
