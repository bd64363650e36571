/* Two promises of docs/guarantees.md, tried on the real flow: silence becomes an alert in time (G10), and
 * what a person changes stands in the audit with who and what, or does not happen (G17). */
#include "tests/support/flow_peers.h"

enum {
    DEAD_MS = WORLD_MINUTE_MS, /* as world_start sets it */
    GRACE_MS = 15 * 1000,
    TIMEOUT_MS = 60 * 1000,
};

#define MONITOR                                                                                    \
    "{\"name\": \"Orders\", \"checkName\": \"tcp\", \"params\": {\"host\": \"db\", \"port\": 1}, " \
    "\"peopleToNotify\": [\"ops@example.com\"], "                                                  \
    "\"schedules\": [{\"schedule\": \"* * * * *\", \"timezone\": \"UTC\"}]}"

/* A result of the monitor's run now; how many came before. */
static void report(struct world *w, bool is_ok, uint64_t before)
{
    uint64_t generation = peers_monitor(w, 1, NULL).monitor.generation;
    peers_result(w, before + 1, 1, generation, is_ok, w->utc_ms);
    world_turn(w);
}

enum {
    REPORTED = 3, /* by open_watched */
};

/* A router that has run for a while, and a runner that has the monitor, number 1, and reported last now. */
static void open_watched(struct world *w)
{
    world_open(w);
    world_start(w);
    peers_hello(w, WORLD_RUNNER, "host7", 1, 1, 0);
    peers_command(w, "Monitor/Add", MONITOR);
    world_turn(w);
    const struct world_sent *reply = world_last(w, "reply/1");
    assert_non_null(reply);
    assert_non_null(strstr(reply->body, "\"status\":200"));
    for (uint64_t i = 0; i < REPORTED; i++) {
        world_live(w, WORLD_MINUTE_MS / 2);
        peers_beat(w, WORLD_RUNNER, "host7", 0, 0);
        world_live(w, WORLD_MINUTE_MS / 2);
        peers_beat(w, WORLD_RUNNER, "host7", 0, 0);
        report(w, true, i);
    }
    assert_int_equal(peers_monitor(w, 1, NULL).monitor.core.state, CORE_OK);
    assert_int_equal(peers_count(w, STORE_RUNS_OF_MONITOR, 1, NULL), REPORTED);
}

/* Let time pass, with or without the runner's heartbeats, until a monitor is in alert; how long. */
static int64_t time_to_alert(struct world *w, const char *name, bool is_beating)
{
    for (int64_t ms = 0; ms < 10 * WORLD_MINUTE_MS; ms += 1000) {
        struct peers_row row = peers_monitor(w, 0, name);
        if (row.found == 1 && row.monitor.core.state == CORE_ALERT) {
            return ms;
        }
        if (is_beating && ms % 10000 == 0) {
            peers_beat(w, WORLD_RUNNER, "host7", 0, 0);
        }
        world_live(w, 1000);
    }
    return INT64_MAX;
}

static int take_summary(void *ctx, const void *row)
{
    (void)snprintf(ctx, 200, "%s", ((const struct store_run *)row)->summary); /* cut is fine */
    return TC_OK;
}

static void a_result_that_does_not_come_is_an_alert(void **state)
{
    (void)state;
    struct world w;
    open_watched(&w);
    /* The runner lives, and says nothing of its monitor any more: the next run, its limit, the grace. */
    int64_t took_ms = time_to_alert(&w, "Orders", true);
    assert_in_range(took_ms, TIMEOUT_MS + GRACE_MS, WORLD_MINUTE_MS + TIMEOUT_MS + GRACE_MS + 1000);
    char said[200] = "";
    struct store_filter newest = {.id = 1, .limit = 1};
    assert_int_equal(store_read(w.store, STORE_RUNS_OF_MONITOR, &newest, take_summary, said, NULL),
                     TC_OK);
    assert_non_null(strstr(said, "no result from host7 since 2026-03-01T12:03:00.000Z"));
    assert_int_equal(peers_count(&w, STORE_NOTIFICATIONS_OF_MONITOR, 1, NULL), 1);
    assert_int_equal(peers_monitor(&w, 0, "internal:runner/host7").found, 0);
    world_close(&w);
}

static void a_runner_that_is_silent_is_an_alert(void **state)
{
    (void)state;
    struct world w;
    open_watched(&w);
    int64_t took_ms = time_to_alert(&w, "internal:runner/host7", false);
    assert_in_range(took_ms, 1, 90 * 1000); /* G10: within 90 s */
    world_live(&w, 3 * WORLD_MINUTE_MS);
    /* Its monitor is covered: one alert for one cause, to those who are told of tocsin's troubles. */
    assert_int_equal(peers_count(&w, STORE_NOTIFICATIONS, 0, NULL), 1);
    peers_hello(&w, WORLD_RUNNER, "host7", 1, 1, 0);
    world_live(&w, 2000);
    assert_int_equal(peers_monitor(&w, 0, "internal:runner/host7").monitor.core.state, CORE_OK);
    world_close(&w);
}

static const struct {
    const char *action;
    const char *parameters;
} changes[] = {
    {"Monitor/Pause", "{\"monitorId\": 1}"},
    {"Monitor/Resume", "{\"monitorId\": 1}"},
    {"Monitor/Edit", "{\"monitorId\": 1, \"name\": \"Purchase orders\"}"},
    {"Incident/Acknowledge", "{\"monitorId\": 1, \"note\": \"on it\"}"},
    {"Incident/Unacknowledge", "{\"monitorId\": 1}"},
    {"Monitor/Reset", "{\"monitorId\": 1}"},
    {"Token/Add", "{\"name\": \"ci\", \"role\": \"viewer\", \"hash\": "
                  "\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"}"},
    {"Token/Remove", "{\"tokenId\": 1}"},
    {"Monitor/Remove", "{\"monitorId\": 1}"},
};

static void open_in_alert(struct world *w)
{
    open_watched(w);
    world_live(w, WORLD_MINUTE_MS / 2);
    report(w, false, REPORTED);
    assert_int_equal(peers_monitor(w, 1, NULL).monitor.core.state, CORE_ALERT);
}

/* Who stands there as a keyed hash only; the side table gives the name back. */
static void every_change_says_who_and_what(void **state)
{
    (void)state;
    struct world w;
    open_in_alert(&w);
    for (size_t i = 0; i < TEST_COUNT(changes); i++) {
        char type[64];
        world_forget(&w);
        peers_command(&w, changes[i].action, changes[i].parameters);
        world_turn(&w);
        const struct world_sent *reply = world_last(&w, "reply/1");
        if (reply == NULL || strstr(reply->body, "\"status\":200") == NULL) {
            fail_msg("%s: %s", changes[i].action, reply == NULL ? "no reply" : reply->body);
        }
        (void)snprintf(type, sizeof(type), "\"type\":\"%s\"", changes[i].action); /* short */
        if (peers_audited(&w, type) != 1) {
            fail_msg("%s leaves %zu records", changes[i].action, peers_audited(&w, type));
        }
    }
    assert_int_equal(peers_audited(&w, "\"actor\":\"n:"), TEST_COUNT(changes) + 1 /* Add */);
    assert_int_equal(peers_audited(&w, "\"ann\""), 0);
    /* From what to what. */
    assert_int_equal(peers_audited(&w, "\"before\":{\"name\":\"Orders\"}"), 1);
    assert_int_equal(peers_audited(&w, "\"after\":{\"name\":\"Purchase orders\"}"), 1);
    assert_int_equal(peers_audited(&w, "\"after\":{\"isActive\":0}"), 1);
    assert_int_equal(peers_audited(&w, "\"after\":{\"isActive\":1}"), 1);
    assert_int_equal(peers_audited(&w, "ops@example.com"), 0);
    world_close(&w);
}

/* What can't be audited does not happen: the database takes everything but the record. */
static void a_change_without_its_record_does_not_happen(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(changes); i++) {
        struct world w;
        open_in_alert(&w);
        struct peers_row before = peers_monitor(&w, 1, NULL);
        size_t tokens = peers_count(&w, STORE_TOKENS, 0, NULL);
        world_sql(&w, "CREATE TRIGGER no_audit BEFORE INSERT ON AuditLog"
                      " BEGIN SELECT RAISE(ABORT, 'no audit'); END");
        world_forget(&w);
        peers_command(&w, changes[i].action, changes[i].parameters);
        struct err err = ERR_INIT;
        assert_int_not_equal(flow_turn(w.flow, &err), TC_OK); /* the process ends, and says why */
        assert_non_null(strstr(err.text, "no audit"));
        assert_null(world_last(&w, "reply/1"));
        struct peers_row after = peers_monitor(&w, 1, NULL);
        assert_int_equal(after.found, 1);
        assert_string_equal(after.name, before.name);
        assert_int_equal(after.monitor.version, before.monitor.version);
        assert_int_equal(after.monitor.core.is_active, before.monitor.core.is_active);
        assert_int_equal(peers_count(&w, STORE_TOKENS, 0, NULL), tokens);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_that_does_not_come_is_an_alert),
        cmocka_unit_test(a_runner_that_is_silent_is_an_alert),
        cmocka_unit_test(every_change_says_who_and_what),
        cmocka_unit_test(a_change_without_its_record_does_not_happen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
