/* The tcp check. Called through check_kinds. */
#include "monitors/tcp.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/escape.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/utf8.h"
#include "lib/net/tcp.h"

enum {
    SHOWN_BYTES = 160, /* of what was said instead */
};

static void judge_words(const struct net_result *answer, const struct tcp_limits *limits,
                        struct check_result *result)
{
    TC_CLEANUP(buf_freep) struct buf whole;
    TC_CLEANUP(buf_freep) struct buf said;
    buf_init(&whole, (size_t)LIMIT_RESPONSE_BYTES * 4);
    buf_init(&said, SHOWN_BYTES);
    escape_line(&whole, answer->body, answer->body_size);
    utf8_add_cut(&said, whole.p, whole.len, SHOWN_BYTES);
    check_fail(result, "%s port %" PRId64 " took the connection but did not say \"%.200s\": %s%s%s",
               limits->host, limits->port, limits->expect == NULL ? "" : limits->expect,
               answer->text, said.len > 0 ? "; it says: " : "", said.p);
}

void tcp_judge(const struct net_result *answer, const struct tcp_limits *limits,
               struct check_result *result)
{
    bool is_connected = answer->connect_us > 0 || answer->body_size > 0 ||
                        answer->end == NET_ANSWERED || answer->end == NET_BROKEN;
    check_metric(result, "durationMs", (double)answer->duration_ms);
    if (answer->end == NET_FORBIDDEN) {
        check_fail(result,
                   "%s is an address that checks may not connect to (link-local, "
                   "multicast or a cloud's metadata)",
                   limits->host);
    } else if (answer->end == NET_TIMED_OUT && !is_connected) {
        check_fail(result, "%s port %" PRId64 " did not take the connection within %" PRId64 " ms",
                   limits->host, limits->port, limits->timeout_ms);
    } else if (answer->end == NET_BROKEN || answer->end == NET_TIMED_OUT) {
        judge_words(answer, limits, result);
    } else if (answer->end != NET_ANSWERED) {
        check_fail(result, "%s port %" PRId64 " can't be reached: %s", limits->host, limits->port,
                   answer->text);
    } else if (limits->ms_max > 0 && answer->duration_ms > limits->ms_max) {
        check_fail(result, "%s port %" PRId64 " took %" PRId64 " ms, the limit is %" PRId64 " ms",
                   limits->host, limits->port, answer->duration_ms, limits->ms_max);
    }
    check_ok(result, "%s port %" PRId64 " %s in %" PRId64 " ms", limits->host, limits->port,
             limits->expect == NULL ? "took the connection" : "said what it should",
             answer->duration_ms);
}

static void run(const struct check_host *host, const struct check_request *request,
                struct check_result *result)
{
    (void)host; /* needs nothing of this host's configuration */
    struct err err = ERR_INIT;
    struct json_dec d;
    json_dec_start(&d, request->params, "params", &err);
    struct tcp_limits limits = {
        .host = json_str(&d, "host", LIMIT_NAME_BYTES),
        .port = json_i64(&d, "port", 1, UINT16_MAX),
        .expect = json_str_opt(&d, "expect", LIMIT_LABELS_BYTES, NULL),
        .ms_max = json_i64_opt(&d, "maxMs", 1, INT32_MAX, 0),
        .timeout_ms = request->limit_ms,
    };
    const struct tcp_request question = {
        .host = limits.host,
        .port = (uint16_t)limits.port,
        .send = json_str_opt(&d, "send", LIMIT_LABELS_BYTES, NULL),
        .expect = limits.expect,
        .timeout_ms = request->limit_ms,
    };
    static const struct net_policy policy = {.reach = NET_REACH_ANY};
    struct net_result answer;
    if (tcp_converse(&policy, &question, &answer, &err) != TC_OK) {
        check_fail(result, "%s can't be connected to: %s", limits.host, err.text);
        return;
    }
    tcp_judge(&answer, &limits, result);
    net_result_clear(&answer);
}

const struct check_ops check_tcp = {
    .kind = CHECKS_TCP,
    .name = "tcp",
    .doc = "Whether a port takes connections and, where asked, says the right thing.",
    .examples = {{"The mail server greets:",
                  "{\"host\": \"mail.example.com\", \"port\": 25, \"expect\": \"220 \"}"}},
    .run = run,
};
