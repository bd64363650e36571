/* An engine on the real transport, against servers that hold it to the published rules
 * (tests/tools/fake_*.py): what arrives, what is told to the router, and what becomes of each way in
 * which a server can fail. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/tz.h"
#include "lib/sys/clock.h"
#include "lib/sys/clock_real.h"
#include "lib/sys/loop.h"
#include "notifiers/channels.h"
#include "notifiers/engine.h"
#include "notifiers/transport.h"
#include "proto/codec.h"
#include "tests/support/test.h"
#include "tests/unit/notifiers/sample.h"

enum {
    DEADLINE_S = 20,
    REQUEST_MS = 2000,
};

struct bench {
    struct loop *loop;
    struct tz_cache *zones;
    struct transport *transport;
    struct engine *engine;
    struct json *settings;
    pid_t server;
    int outcomes;
    struct message_outcome last;
    char reason[1024];
    char provider_id[512];
};

static const struct clock *real_clock;

static int on_send(void *ctx, enum message_kind kind, uint64_t seq, const void *body)
{
    struct bench *bench = ctx;
    if (kind == MESSAGE_OUTCOME) {
        const struct message_outcome *outcome = body;
        assert_true(seq > 0);
        bench->outcomes++;
        bench->last = *outcome;
        (void)snprintf(bench->reason, sizeof bench->reason, "%s", outcome->reason);
        (void)snprintf(bench->provider_id, sizeof bench->provider_id, "%s",
                       outcome->provider_id != NULL ? outcome->provider_id : "");
    }
    return TC_OK;
}

static pid_t spawn(const char *tool, const char *misbehave, int *ret_port)
{
    char path[512];
    char line[64] = "";
    int ends[2];
    (void)snprintf(path, sizeof path, "%s/tools/%s", TESTS_DIR, tool);
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(ends[1], 1);
        (void)close(ends[0]);
        (void)close(ends[1]);
        (void)execl("/usr/bin/python3", "python3", path, "--misbehave", misbehave, (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    FILE *out = fdopen(ends[0], "r");
    assert_non_null(fgets(line, sizeof line, out));
    assert_int_equal(sscanf(line, "ready %d", ret_port), 1);
    (void)fclose(out);
    return pid;
}

static void begin(struct bench *bench, const struct channel *channel, const char *tool,
                  const char *misbehave)
{
    int port = 0;
    char text[512];
    *bench = (struct bench){.loop = loop_new(real_clock), .zones = tz_cache_new(NULL)};
    bench->server = spawn(tool, misbehave, &port);
    (void)snprintf(text, sizeof text,
                   "{\"smtp\":\"smtp://127.0.0.1:%d\",\"from\":\"donotreply@example.com\","
                   "\"endpoint\":\"http://127.0.0.1:%d/v2/enqueue\","
                   "\"targets\":{\"ops\":{\"webhook\":\"http://127.0.0.1:%d/slack/ops\","
                   "\"routing_key\":\"0123456789abcdef0123456789abcdef\"}}}",
                   port, port, port);
    bench->settings = sample_json(text);
    assert_non_null(bench->settings);
    bench->transport = transport_new(bench->loop, true, REQUEST_MS);
    struct engine_options options = {
        .loop = bench->loop,
        .channel = channel,
        .settings = json_root(bench->settings),
        .links = {.public_url = "https://tocsin.example.com"},
        .zones = bench->zones,
        .router = {.send = on_send, .ctx = bench},
        .transport = transport_ops(bench->transport),
    };
    bench->engine = engine_new(&options);
    struct message welcome = {.kind = MESSAGE_NOTIFIER_WELCOME};
    assert_int_equal(engine_on_message(bench->engine, &welcome, NULL), TC_OK);
}

static void end(struct bench *bench)
{
    bench->transport = transport_free(bench->transport);
    bench->engine = engine_free(bench->engine);
    bench->loop = loop_free(bench->loop);
    bench->zones = tz_cache_free(bench->zones);
    bench->settings = json_free(bench->settings);
    assert_int_equal(kill(bench->server, SIGKILL), 0);
    assert_int_equal(waitpid(bench->server, NULL, 0), bench->server);
}

static struct message deliver(uint64_t id, const char *target, enum message_deliver_kind kind)
{
    struct message message = {.kind = MESSAGE_DELIVER, .seq = id, .monitor = 7};
    message.body.deliver = (struct message_deliver){
        .key = "0a1b2c3d4e5f-1",
        .attempt = 1,
        .kind = kind,
        .target = target,
        .monitor = {.name = "Ordr\xc3\xa9 <!channel>\r\nBcc: x",
                    .severity = MESSAGE_SEVERITY_WARNING,
                    .timezone = "America/Chicago"},
        .incident = {.id = 42,
                     .opened_at_utc_ms = INT64_C(1795467662000),
                     .ended_at_utc_ms = MESSAGE_NEVER},
        .result = {.message = sample_hostile,
                   .scheduled_at_utc_ms = MESSAGE_NEVER,
                   .finished_at_utc_ms = INT64_C(1795467661500),
                   .runner = "host7",
                   .reason = "failed"},
        .decided_at_utc_ms = INT64_C(1795467662000),
    };
    return message;
}

static void wait_for(struct bench *bench, int outcomes)
{
    int64_t until_us = clock_mono_us(real_clock) + DEADLINE_S * INT64_C(1000000);
    while (bench->outcomes < outcomes) {
        assert_true(clock_mono_us(real_clock) < until_us);
        assert_int_equal(loop_turn(bench->loop, 100, NULL), TC_OK);
    }
}

struct row {
    const struct channel *channel;
    const char *tool;
    const char *misbehave;
    enum message_outcome_class class;
    int64_t code;
    const char *reason; /* a part of it */
};

#define WEB  "fake_services.py"
#define MAIL "fake_mailbox.py"

static const struct row rows[] = {
    {&channel_slack, WEB, "", MESSAGE_OUTCOME_OK, 200, "accepted"},
    {&channel_slack, WEB, "429", MESSAGE_OUTCOME_RETRY, 429, "slow down"},
    {&channel_slack, WEB, "500", MESSAGE_OUTCOME_RETRY, 500, "failed"},
    {&channel_slack, WEB, "hang", MESSAGE_OUTCOME_RETRY, 0, "may have arrived"},
    {&channel_slack, WEB, "close", MESSAGE_OUTCOME_RETRY, 0, "may have arrived"},
    {&channel_slack, WEB, "slow", MESSAGE_OUTCOME_OK, 200, "accepted"},
    {&channel_slack, WEB, "garbage", MESSAGE_OUTCOME_RETRY, 200, "documents"},
    {&channel_slack, WEB, "huge", MESSAGE_OUTCOME_RETRY, 200, "documents"},
    {&channel_slack, WEB, "empty", MESSAGE_OUTCOME_RETRY, 200, "documents"},
    {&channel_slack, WEB, "redirect", MESSAGE_OUTCOME_DEAD, 302, "redirects"},
    {&channel_slack, WEB, "not_ok", MESSAGE_OUTCOME_DEAD, 200, "channel_not_found"},
    {&channel_pagerduty, WEB, "", MESSAGE_OUTCOME_OK, 202, "accepted"},
    {&channel_pagerduty, WEB, "429", MESSAGE_OUTCOME_RETRY, 429, "slow down"},
    {&channel_pagerduty, WEB, "empty", MESSAGE_OUTCOME_RETRY, 200, "only 202"},
    {&channel_email, MAIL, "", MESSAGE_OUTCOME_OK, 250, "taken"},
    {&channel_email, MAIL, "rcpt_4xx", MESSAGE_OUTCOME_RETRY, 451, "later"},
    {&channel_email, MAIL, "rcpt_5xx", MESSAGE_OUTCOME_DEAD, 550, "for good"},
    {&channel_email, MAIL, "data_4xx", MESSAGE_OUTCOME_RETRY, 452, "later"},
    {&channel_email, MAIL, "data_5xx", MESSAGE_OUTCOME_DEAD, 554, "for good"},
    {&channel_email, MAIL, "hang", MESSAGE_OUTCOME_RETRY, 354, "may have arrived"},
    {&channel_email, MAIL, "close", MESSAGE_OUTCOME_RETRY, 354, "may have arrived"},
};

static void every_failure_of_a_server_has_its_outcome(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        struct bench bench;
        const char *target = rows[i].channel == &channel_email ? "ops@example.com" : "ops";
        begin(&bench, rows[i].channel, rows[i].tool, rows[i].misbehave);
        struct message message = deliver(i + 1, target, MESSAGE_DELIVER_ALERT);
        assert_int_equal(engine_on_message(bench.engine, &message, NULL), TC_OK);
        wait_for(&bench, 1);
        if (bench.last.class != rows[i].class || bench.last.code != rows[i].code ||
            strstr(bench.reason, rows[i].reason) == NULL) {
            fail_msg("row %zu: %s \"%s\": class %d, code %d: %s", i, rows[i].channel->name,
                     rows[i].misbehave, (int)bench.last.class, (int)bench.last.code, bench.reason);
        }
        assert_null(strstr(bench.reason, "/slack/ops")); /* a webhook's path is its secret */
        assert_int_equal(engine_count(bench.engine), 0);
        end(&bench);
    }
}

static void many_mails_go_over_kept_connections(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench, &channel_email, MAIL, "rcpt_5xx:3");
    for (uint64_t id = 1; id <= 20; id++) {
        struct message message = deliver(id, "ops@example.com", MESSAGE_DELIVER_ALERT);
        assert_int_equal(engine_on_message(bench.engine, &message, NULL), TC_OK);
        assert_int_equal(engine_on_message(bench.engine, &message, NULL), TC_OK); /* leased twice */
    }
    wait_for(&bench, 20);
    assert_int_equal(bench.outcomes, 20);
    assert_int_equal(bench.last.class, MESSAGE_OUTCOME_OK);
    end(&bench);
}

static void a_throttled_destination_takes_no_more(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench, &channel_pagerduty, WEB, "429:1");
    struct message message = deliver(1, "ops", MESSAGE_DELIVER_ALERT);
    assert_int_equal(engine_on_message(bench.engine, &message, NULL), TC_OK);
    wait_for(&bench, 1);
    assert_true(bench.last.is_throttle);
    assert_int_equal(bench.last.retry_after_ms, 3000);
    message.seq = 2;
    int64_t before_us = clock_mono_us(real_clock);
    assert_int_equal(engine_on_message(bench.engine, &message, NULL), TC_OK);
    wait_for(&bench, 2);
    assert_int_equal(bench.last.class, MESSAGE_OUTCOME_OK);
    assert_true(clock_mono_us(real_clock) - before_us > 2000000); /* held for the rest of 3 s */
    end(&bench);
}

static void pagerduty_hears_of_begin_and_end_through_one_key(void **state)
{
    (void)state;
    struct bench bench;
    char told_id[512];
    begin(&bench, &channel_pagerduty, WEB, "");
    struct message message = deliver(1, "ops", MESSAGE_DELIVER_ALERT);
    assert_int_equal(engine_on_message(bench.engine, &message, NULL), TC_OK);
    wait_for(&bench, 1);
    strcpy(told_id, bench.provider_id);
    assert_memory_equal(told_id, "tocsin/7/42#", strlen("tocsin/7/42#"));
    assert_null(strstr(told_id, "0123456789abcdef"));

    message = deliver(2, "ops", MESSAGE_DELIVER_REMINDER);
    message.body.deliver.told_id = told_id;
    assert_int_equal(engine_on_message(bench.engine, &message, NULL), TC_OK);
    wait_for(&bench, 2);
    assert_non_null(strstr(bench.reason, "nothing to send"));

    message = deliver(3, "ops", MESSAGE_DELIVER_RECOVERY);
    message.body.deliver.told_id = told_id;
    assert_int_equal(engine_on_message(bench.engine, &message, NULL), TC_OK);
    wait_for(&bench, 3);
    assert_int_equal(bench.last.code, 202);

    message.seq = 4;
    message.body.deliver.told_id = "tocsin/7/42#00000000";
    assert_int_equal(engine_on_message(bench.engine, &message, NULL), TC_OK);
    wait_for(&bench, 4);
    assert_int_equal(bench.last.class, MESSAGE_OUTCOME_DEAD);
    assert_non_null(strstr(bench.reason, "previous_keys"));
    end(&bench);
}

static void an_address_that_could_inject_is_never_sent(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "a@x>\r\nRCPT TO:<evil@x", "a b@x", "a@x@y", "@x", "a@", "<a@x>"};
    struct bench bench;
    begin(&bench, &channel_email, MAIL, "");
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        struct message message = deliver(i + 1, bad[i], MESSAGE_DELIVER_ALERT);
        assert_int_equal(engine_on_message(bench.engine, &message, NULL), TC_OK);
        wait_for(&bench, (int)i + 1);
        assert_int_equal(bench.last.class, MESSAGE_OUTCOME_DEAD);
    }
    end(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failure_of_a_server_has_its_outcome),
        cmocka_unit_test(many_mails_go_over_kept_connections),
        cmocka_unit_test(a_throttled_destination_takes_no_more),
        cmocka_unit_test(pagerduty_hears_of_begin_and_end_through_one_key),
        cmocka_unit_test(an_address_that_could_inject_is_never_sent),
    };
    const struct clock_real_options options = {.rate = 1};
    struct clock_real *real = clock_real_new(&options);
    real_clock = clock_real_clock(real);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)clock_real_free(real);
    return failed;
}
