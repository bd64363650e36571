/* The http check. A kept connection would hide that no new one can be made, so each request makes
 * its own. Called through check_kinds. */
#include "monitors/http.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "lib/base/cleanup.h"
#include "lib/base/escape.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/base/timetext.h"
#include "lib/base/utf8.h"
#include "lib/net/http.h"
#include "monitors/params.h"

enum {
    REDIRECTS_MAX = 5,
    SHOWN_BYTES = 160, /* of a wrong answer's body */
};
#define DAY_MS INT64_C(86400000)

/* --- The verdict ------------------------------------------------------------------------------- */

static bool is_status_right(const struct http_limits *limits, int status)
{
    for (size_t i = 0; i < limits->status_count; i++) {
        if (limits->statuses[i] == status) {
            return true;
        }
    }
    return limits->status_count == 0 && status >= 200 && status <= 299;
}

static void judge_status(const struct net_result *answer, const struct http_limits *limits,
                         struct check_result *result)
{
    if (is_status_right(limits, answer->status)) {
        return;
    }
    TC_CLEANUP(buf_freep) struct buf wanted;
    TC_CLEANUP(buf_freep) struct buf said;
    TC_CLEANUP(buf_freep) struct buf whole;
    buf_init(&wanted, LIMIT_SUMMARY_BYTES);
    buf_init(&said, SHOWN_BYTES);
    buf_init(&whole, (size_t)LIMIT_RESPONSE_BYTES * 4);
    for (size_t i = 0; i < limits->status_count; i++) {
        buf_add_fmt(&wanted, "%s%d", i == 0 ? "" : " or ", limits->statuses[i]);
    }
    size_t size = 0;
    const char *body = str_trim(answer->body, answer->body_size, &size);
    escape_line(&whole, body, size);
    utf8_add_cut(&said, whole.p, whole.len, SHOWN_BYTES);
    check_fail(result, "%s answered %d, %s is right%s%s", limits->url, answer->status,
               limits->status_count == 0 ? "200 to 299" : wanted.p,
               said.len > 0 ? "; it says: " : "", said.p);
}

/* Whether a header block has a line: the name in any case, the value as a whole; without a value
 * any will do. */
static bool has_header(const char *head, const char *wanted)
{
    size_t name_size = strcspn(wanted, ":");
    size_t value_size = 0;
    const char *value =
        str_trim(wanted + name_size + 1, strlen(wanted + name_size + 1), &value_size);
    for (const char *line = head; *line != '\0';
         line += strcspn(line, "\n"), line += *line == '\n') {
        if (strncasecmp(line, wanted, name_size + 1) != 0) {
            continue;
        }
        size_t got_size = 0;
        const char *got =
            str_trim(line + name_size + 1, strcspn(line + name_size + 1, "\r\n"), &got_size);
        if (value_size == 0 || (got_size == value_size && memcmp(got, value, value_size) == 0)) {
            return true;
        }
    }
    return false;
}

static void judge_content(const struct net_result *answer, const struct http_limits *limits,
                          struct check_result *result)
{
    const char *part = answer->is_cut ? "the first 64 KiB of the answer of" : "the answer of";
    if (limits->contains != NULL && memmem(answer->body, answer->body_size, limits->contains,
                                           strlen(limits->contains)) == NULL) {
        check_fail(result, "\"%.200s\" is not in %s %s (status %d, %zu bytes)", limits->contains,
                   part, limits->url, answer->status, answer->body_size);
    }
    if (limits->lacks != NULL &&
        memmem(answer->body, answer->body_size, limits->lacks, strlen(limits->lacks)) != NULL) {
        check_fail(result, "\"%.200s\" is in %s %s, and must not be", limits->lacks, part,
                   limits->url);
    }
    for (const char *const *header = limits->headers; *header != NULL; header++) {
        if (answer->head == NULL || !has_header(answer->head, *header)) {
            check_fail(result, "The answer of %s lacks the header \"%.200s\"", limits->url,
                       *header);
        }
    }
}

static void judge_cert(const struct net_result *answer, const struct http_limits *limits,
                       int64_t now_utc_ms, struct check_result *result)
{
    char end[TIMETEXT_SIZE];
    if (limits->cert_days_min < 0) {
        return;
    }
    if (answer->cert_end_utc_ms == 0) {
        check_fail(result, "%s showed no certificate with an end", limits->url);
        return;
    }
    int64_t left_ms = answer->cert_end_utc_ms - now_utc_ms;
    check_metric(result, "certDays", (double)left_ms / (double)DAY_MS);
    if (left_ms < limits->cert_days_min * DAY_MS) {
        check_fail(result,
                   "The certificate of %s ends in %" PRId64 " days (%s), the limit is %" PRId64,
                   limits->url, left_ms / DAY_MS, timetext_rfc3339(answer->cert_end_utc_ms, end),
                   limits->cert_days_min);
    }
}

static void judge_silence(const struct net_result *answer, const struct http_limits *limits,
                          struct check_result *result)
{
    switch (answer->end) {
    case NET_ANSWERED:
        return;
    case NET_UNREACHABLE:
        check_fail(result, "%s can't be reached: %s", limits->url, answer->text);
        return;
    case NET_FORBIDDEN:
        check_fail(result,
                   "%s leads to an address that checks may not connect to (link-local, "
                   "multicast or a cloud's metadata)",
                   limits->url);
        return;
    case NET_INSECURE:
        check_fail(result, "%s can't be trusted: %s", limits->url, answer->text);
        return;
    case NET_TIMED_OUT:
        check_fail(result, "%s did not answer in full within %" PRId64 " ms (%s)", limits->url,
                   limits->timeout_ms, answer->connect_us > 0 ? "connected" : "not even connected");
        return;
    case NET_BROKEN:
        check_fail(result, "%s gave no whole answer: %s", limits->url, answer->text);
        return;
    }
}

void http_judge(const struct net_result *answer, const struct http_limits *limits,
                int64_t now_utc_ms, struct check_result *result)
{
    check_metric(result, "durationMs", (double)answer->duration_ms);
    if (answer->end != NET_ANSWERED) {
        judge_silence(answer, limits, result);
        return;
    }
    check_metric(result, "status", (double)answer->status);
    check_metric(result, "bytes", (double)answer->body_size);
    judge_status(answer, limits, result);
    judge_content(answer, limits, result);
    judge_cert(answer, limits, now_utc_ms, result);
    if (limits->ms_max > 0 && answer->duration_ms > limits->ms_max) {
        check_fail(result, "%s took %" PRId64 " ms, the limit is %" PRId64 " ms", limits->url,
                   answer->duration_ms, limits->ms_max);
    }
    check_ok(result, "%s answered %d in %" PRId64 " ms", limits->url, answer->status,
             answer->duration_ms);
}

/* --- The request ------------------------------------------------------------------------------- */

static void read_statuses(const struct json_value *params, struct http_limits *limits)
{
    const struct json_value *value = json_member(params, "expectStatus");
    if (value == NULL || json_type_of(value) == JSON_NULL) {
        return;
    }
    if (json_type_of(value) == JSON_NUMBER) {
        limits->statuses[limits->status_count++] = (int)json_number(value);
        return;
    }
    for (value = json_first(value); value != NULL; value = json_next(value)) {
        limits->statuses[limits->status_count++] = (int)json_number(value);
    }
}

static void run(const struct check_host *host, const struct check_request *request,
                struct check_result *result)
{
    (void)host; /* needs nothing of this host's configuration */
    struct err err = ERR_INIT;
    struct json_dec d;
    json_dec_start(&d, request->params, "params", &err);
    const char *sent[PARAMS_STRINGS_MAX + 1];
    const char *expected[PARAMS_STRINGS_MAX + 1];
    (void)params_strings(request->params, "headers", sent); /* counts */
    size_t expected_count = params_strings(request->params, "expectHeaders", expected);
    const char *url = json_str(&d, "url", LIMIT_URL_BYTES);
    /* A query may hold a token, and messages go to many. */
    TC_CLEANUP(mem_freep) char *plain_url = mem_dup(url, strcspn(url, "?#"));
    struct http_limits limits = {
        .url = plain_url,
        .contains = json_str_opt(&d, "bodyContains", LIMIT_LABELS_BYTES, NULL),
        .lacks = json_str_opt(&d, "bodyLacks", LIMIT_LABELS_BYTES, NULL),
        .headers = expected,
        .ms_max = json_i64_opt(&d, "maxMs", 1, INT32_MAX, 0),
        .timeout_ms = request->limit_ms,
        .cert_days_min = json_i64_opt(&d, "certDays", 0, INT32_MAX, -1),
    };
    read_statuses(request->params, &limits);
    const char *body = json_str_opt(&d, "body", LIMIT_PARAMS_BYTES, NULL);
    const struct http_request question = {
        .method = json_str_opt(&d, "method", LIMIT_NAME_BYTES, "GET"),
        .url = url,
        .headers = sent,
        .body = body,
        .body_size = body == NULL ? 0 : strlen(body),
        .connect_timeout_ms = request->limit_ms,
        .timeout_ms = request->limit_ms,
        .redirects_max = json_bool_opt(&d, "followRedirects", false) ? REDIRECTS_MAX : 0,
        .wants_head = expected_count > 0,
        .wants_cert = limits.cert_days_min >= 0,
    };
    static const struct net_policy policy = {.reach = NET_REACH_ANY};
    struct net_result answer;
    if (http_fetch(&policy, &question, &answer, &err) != TC_OK) {
        check_fail(result, "%s can't be asked: %s", plain_url, err.text);
        return;
    }
    http_judge(&answer, &limits, request->now_utc_ms, result);
    net_result_clear(&answer);
}

const struct check_ops check_http = {
    .kind = CHECKS_HTTP,
    .name = "http",
    .doc =
        "Whether a URL answers: with the right status and text, in time, with a valid certificate.",
    .examples = {{"The shop answers, in a second, with a certificate for two more weeks:",
                  "{\"url\": \"https://shop.example.com/health\", \"bodyContains\": \"ok\", "
                  "\"maxMs\": 1000, \"certDays\": 14}"},
                 {"The admin page must not be open to everybody:",
                  "{\"url\": \"https://shop.example.com/admin\", \"expectStatus\": [401, 403]}"}},
    .run = run,
};
