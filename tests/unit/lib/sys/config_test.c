/* The configuration from real files: values, origins, and each kind of mistake with its message. */
#include "lib/sys/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/rules.h"
#include "lib/sys/file.h"
#include "tests/support/test.h"

static char dir[] = "/tmp/config_test.XXXXXX";
static char path[64];

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL) {
        return 1;
    }
    (void)snprintf(path, sizeof(path), "%s/t.yaml", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path) != 0 || rmdir(dir) != 0;
}

static int load(const char *yaml, const char *const *env, struct config **ret_config,
                struct err *err)
{
    assert_int_equal(file_write(path, 0600, yaml, strlen(yaml), err), TC_OK);
    return config_load(path, env, NULL, ret_config, err);
}

static void refused(const char *yaml, const char *cause)
{
    struct err err = ERR_INIT;
    struct config *config = NULL;
    char expected[512];
    (void)snprintf(expected, sizeof(expected), "%s%s", path, cause);
    assert_int_equal(load(yaml, NULL, &config, &err), TC_ECONFIG);
    assert_null(config);
    if (strncmp(err.text, expected, strlen(expected)) != 0) {
        assert_string_equal(err.text, expected);
    }
}

static void test_defaults(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    TC_CLEANUP(config_freep) struct config *config = NULL;
    assert_int_equal(load("", NULL, &config, &err), TC_OK);
    assert_string_equal(config->file, path);
    assert_string_equal(config->dir, dir);
    assert_string_equal(config->state_dir, "/var/lib/tocsin");
    assert_string_equal(config->store.url, "sqlite:/var/lib/tocsin/tocsin.db");
    assert_string_equal(config->router.web, "ipc:///var/lib/tocsin/web.sock");
    assert_string_equal(config->web.router, config->router.web);
    assert_string_equal(config->keys.dir, "/var/lib/tocsin/keys");
    assert_int_equal(config->router.runner_dead_ms, 60000);
    assert_int_equal(config->router.keep_runs_ms, INT64_C(90) * 86400000);
    assert_int_equal(config->router.keep_incidents_ms, INT64_C(400) * 86400000);
    assert_int_equal(config->router.default_recipients.count, 0);
    assert_false(config->is_demo);
    assert_null(config->runner.name);
}

/* What is left of a section when all its lines are commented out. */
static void test_an_empty_section_is_none(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    TC_CLEANUP(config_freep) struct config *config = NULL;
    assert_int_equal(
        load("keys:\n  # link: file:keys/link.key\nlog:\nchannels:\n", NULL, &config, &err), TC_OK);
    assert_null(config->keys.link);
    assert_string_equal(config->log.level, "info");
}

static void test_values_and_environment(void **state)
{
    (void)state;
    static const char yaml[] = "state_dir: state\n"
                               "demo: true\n"
                               "demo_since: 2026-01-02T03:04:05.678Z\n"
                               "router: {runners: \"tcp://0.0.0.0:5570\", grace: 5,\n"
                               "  default_recipients: [ops@example.com, 'slack:#ops']}\n"
                               "runner: {name: NO, labels: {site: 010}, checks: [checks]}\n"
                               "channels:\n"
                               "  email: {smtp: 'smtp://127.0.0.1:25'}\n";
    static const char *const env[] = {"PATH=/bin", "TOCSIN_RUNNER_CONCURRENCY=7",
                                      "TOCSIN_RUNNER_ALLOW=[sql, 'exec:*']",
                                      "TOCSIN_LOG_LEVEL=debug", NULL};
    struct err err = ERR_INIT;
    TC_CLEANUP(config_freep) struct config *config = NULL;
    assert_int_equal(load(yaml, env, &config, &err), TC_OK);
    char expected[128];
    (void)snprintf(expected, sizeof(expected), "%s/state", dir);
    assert_string_equal(config->state_dir, expected);
    assert_true(config->is_demo);
    assert_int_equal(config->demo_since_utc_ms, INT64_C(1767323045678));
    assert_int_equal(config->router.grace_ms, 5000);
    assert_string_equal(config->router.default_recipients.items[1], "slack:#ops");
    assert_string_equal(config->runner.name, "NO");
    assert_string_equal(json_string(json_member(config->runner.labels, "site")), "010");
    assert_string_equal(config->runner.router, "tcp://127.0.0.1:5570");
    (void)snprintf(expected, sizeof(expected), "%s/checks", dir);
    assert_string_equal(config->runner.checks.items[0], expected);
    assert_int_equal(config->runner.concurrency, 7);
    assert_string_equal(config->runner.allow.items[1], "exec:*");
    assert_string_equal(config->log.level, "debug");
    assert_string_equal(json_string(config_at(config, "channels.email.smtp")),
                        "smtp://127.0.0.1:25");
    assert_null(config_at(config, "channels.slack"));
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, 65536);
    config_print(config, &out);
    (void)snprintf(expected, sizeof(expected), "  grace: 5  # %s:4\n", path);
    assert_non_null(strstr(out.p, expected));
    assert_non_null(strstr(out.p, "  concurrency: 7  # environment\n"));
    assert_non_null(strstr(out.p, "  lease: \"15s\"  # default\n"));
}

static void test_zero_keeps_for_ever(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    TC_CLEANUP(config_freep) struct config *config = NULL;
    assert_int_equal(load("router: {keep_runs: 0, keep_incidents: 1d}\n", NULL, &config, &err),
                     TC_OK);
    assert_int_equal(config->router.keep_runs_ms, 0);
    assert_int_equal(config->router.keep_incidents_ms, 86400000);
}

static void test_mistakes_are_told_with_their_line(void **state)
{
    (void)state;
    refused("router:\n  runers: x\n", ":2: router.runers: unknown; did you mean runners?");
    refused("demo: NO\n", ":1: demo: must be");
    refused("web:\n  connections: 1e9\n", ":2: web.connections: ");
    refused("\nrouter: {runners: 5570}\n", ":2: router.runners: must be");
    refused("router: {runners: \"udp://x:1\"}\n",
            ":1: router.runners: \"udp://x:1\" is not \"tcp://HOST:PORT\" with a port");
    refused("store: {password: hunter2}\n", ":1: store.password: ");
    /* Thirty days were meant; thirty seconds would empty the history. */
    refused("router:\n  keep_runs: 30\n",
            ":2: router.keep_runs: the duration must be 0, or from 1d to 36600d");
    refused("store: {url: \"mysql://u:secret@db/t\"}\n",
            ":1: store.url: must hold no password; give it as password: file:/path");
    refused("demo: true\ndemo: false\n", ":2: ");
    refused("a: [1\n", ":");
    refused("demo: true\n---\ndemo: false\n", ": a second document begins");
    refused("log: &a {level: info}\nweb: *a\n", ":2: an alias");
    refused("state_dir: !env HOME\n", ":1: a tag");
    refused("runner: {workers: 0}\n", ":1: runner.workers: the number must be from 1");
    refused("- 1\n", ": must be a mapping");
    refused("channels: [1]\n", ":1: channels: must be an object");
    refused("web: {tls_cert: x}\n", ":1: web.tls_cert: needs web.tls_key as well");
    refused("web:\n  tls_key: \"file:/x\"\n", ":2: web.tls_key: needs web.tls_cert as well");
    refused("web: {listen: \"127.0.0.1:65536\"}\n",
            ":1: web.listen: \"127.0.0.1:65536\" is not HOST:PORT with a port up to 65535");
    refused("router: {web: \"tcp://h:99999\"}\n",
            ":1: router.web: \"tcp://h:99999\" is not \"tcp://HOST:PORT\" with a port up to 65535");
    refused("router: {web: \"tcp://h:5*\"}\n", ":1: router.web: ");
    refused("runner: {name: two words}\n", ":1: runner.name: a runner's name is made of");
    refused("runner:\n  labels:\n    site: berlin\n    rack: 7\n",
            ":4: runner.labels.rack: must be a string; put quotes around it");
}

static void test_secrets_do_not_show_in_messages(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct config *config = NULL;
    assert_int_equal(load("store: {password: hunter2}\n", NULL, &config, &err), TC_ECONFIG);
    assert_null(strstr(err.text, "hunter2"));
}

static void test_a_misspelt_override_is_refused(void **state)
{
    (void)state;
    static const char *const env[] = {"TOCSIN_ROUTER_RUNERS=tcp://*:1", "TOCSIN_TOKEN=x", NULL};
    struct err err = ERR_INIT;
    struct config *config = NULL;
    assert_int_equal(load("", env, &config, &err), TC_ECONFIG);
    assert_string_equal(err.text, "environment: TOCSIN_ROUTER_RUNERS: router has no key RUNERS; "
                                  "did you mean runners");
}

/* The file is not to blame for what stands in a variable, nor the other way round. */
static void test_a_bad_override_is_told_by_its_name(void **state)
{
    (void)state;
    static const struct {
        const char *variable;
        const char *expected;
    } cases[] = {
        {"TOCSIN_WEB_LISTEN=here", "environment: TOCSIN_WEB_LISTEN: web.listen: \"here\" is not "
                                   "HOST:PORT with a port up to 65535"},
        {"TOCSIN_DEMO=maybe", "environment: TOCSIN_DEMO: demo: must be true or false"},
        {"TOCSIN_RUNNER_LABELS={rack: 7}", "environment: TOCSIN_RUNNER_LABELS: runner.labels.rack: "
                                           "must be a string; put quotes around it"},
        {"TOCSIN_RUNNER_ALLOW=[sql",
         "environment: TOCSIN_RUNNER_ALLOW:2: not YAML: flow sequence without a closing bracket"},
        {"TOCSIN_WEBB_LISTEN=x",
         "environment: TOCSIN_WEBB_LISTEN: there is no section WEBB; did you mean web"},
    };
    struct err err = ERR_INIT;
    struct config *config = NULL;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        const char *const env[] = {"TOCSIN_URL=http://h",  "TOCSIN_TOKEN_FILE=/t",
                                   "TOCSIN_CLOCK_RATE=60", "TOCSIN_STATE_DIR=/s",
                                   cases[i].variable,      NULL};
        assert_int_equal(load("web: {listen: \"h:1\"}\n", env, &config, &err), TC_ECONFIG);
        assert_string_equal(err.text, cases[i].expected);
    }
    static const char *const good[] = {"TOCSIN_WEB_LISTEN=h:2", NULL};
    assert_int_equal(load("web: {listen: here}\n", good, &config, &err), TC_ECONFIG);
    assert_non_null(strstr(err.text, ":1: web.listen: \"here\""));
    assert_null(strstr(err.text, "environment"));
    /* Also what a program finds later. */
    TC_CLEANUP(config_freep) struct config *loaded = NULL;
    assert_int_equal(load("web: {listen: \"h:1\"}\n", good, &loaded, &err), TC_OK);
    (void)err_set(&err, TC_ENOENT, "web.listen: nobody lives there");
    assert_int_equal(config_locate(loaded, &err), TC_ECONFIG);
    assert_string_equal(err.text, "environment: TOCSIN_WEB_LISTEN: web.listen: nobody lives there");
    assert_int_equal(err.code, TC_ECONFIG);
}

static void test_sections_bring_their_own_rules(void **state)
{
    (void)state;
    static const struct rule target[] = {
        {.name = "webhook", .type = RULE_SECRET, .is_required = true, .doc = "x"}, {.name = NULL}};
    static const struct config_section sections[] = {
        {.path = "channels.slack.targets", .is_map = true, .rules = target}, {.path = NULL}};
    static const char yaml[] =
        "channels:\n  slack:\n    targets:\n      ops: {webhook: \"env:W\", webhok: x}\n";
    struct err err = ERR_INIT;
    struct config *config = NULL;
    assert_int_equal(file_write(path, 0600, yaml, strlen(yaml), &err), TC_OK);
    assert_int_equal(config_load(path, NULL, sections, &config, &err), TC_ECONFIG);
    assert_non_null(strstr(err.text, ":4: channels.slack.targets.ops.webhok: unknown"));
}

static void test_file_faults(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct config *config = NULL;
    assert_int_equal(config_load("/nonexistent/t.yaml", NULL, NULL, &config, &err), TC_ENOENT);
    assert_int_equal(config_load("/dev/null", NULL, NULL, &config, &err), TC_ECONFIG);
    assert_int_equal(config_load("/tmp", NULL, NULL, &config, &err), TC_ECONFIG);
    static const char *const env[] = {"TOCSIN_CONFIG=/nonexistent/e.yaml", NULL};
    assert_int_equal(config_load(NULL, env, NULL, &config, &err), TC_ENOENT);
    assert_non_null(strstr(err.text, "/nonexistent/e.yaml"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_an_empty_section_is_none),
        cmocka_unit_test(test_values_and_environment),
        cmocka_unit_test(test_zero_keeps_for_ever),
        cmocka_unit_test(test_mistakes_are_told_with_their_line),
        cmocka_unit_test(test_secrets_do_not_show_in_messages),
        cmocka_unit_test(test_a_misspelt_override_is_refused),
        cmocka_unit_test(test_a_bad_override_is_told_by_its_name),
        cmocka_unit_test(test_sections_bring_their_own_rules),
        cmocka_unit_test(test_file_faults),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
