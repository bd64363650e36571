/* Silence and its end: deadlines after an outage, and reserved monitors that must hear of the recovery
 * whatever happened in between. */
#include "router/store/backend.h"
#include "tests/support/flow_peers.h"

#define HOUR_MS (60 * (int64_t)WORLD_MINUTE_MS)
#define MONITORS                                                                               \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n WHERE i < 20) INSERT INTO "    \
    "Monitors (id, name, checkName, timeoutSeconds, peopleToNotify) SELECT i, 'Flow ' || i, "  \
    "'exec:flow', 30, '[]' FROM n;"                                                            \
    "INSERT INTO CronJobs (schedule, timezone, action, parameters) SELECT '* * * * *', 'UTC'," \
    "'Monitor/Run', json_object('monitorId', id) FROM Monitors;"

enum {
    MONITORS_COUNT = 20,
};

static void open_flows(struct world *w)
{
    world_open(w);
    world_sql(w, MONITORS);
    world_start(w);
    peers_hello(w, WORLD_RUNNER, "host7", 1, 1, 0);
    world_live(w, 2000);
}

/* Every monitor reports its run of an instant; seq is the number before. */
static void report_all(struct world *w, uint64_t *seq, int64_t at_utc_ms)
{
    for (uint32_t id = 1; id <= MONITORS_COUNT; id++) {
        peers_result(w, ++*seq, id, 1, true, at_utc_ms);
    }
}

/* Time in which the runner is heard of. */
static void live_beating(struct world *w, int64_t ms)
{
    for (; ms > 0; ms -= 15 * 1000) {
        peers_beat(w, WORLD_RUNNER, "host7", 0, 0);
        world_live(w, ms < 15 * 1000 ? ms : 15 * 1000);
    }
}

/* The runner works: one minute after the other. */
static void live_minutes(struct world *w, uint64_t *seq, int minutes)
{
    for (int i = 0; i < minutes; i++) {
        live_beating(w, WORLD_MINUTE_MS);
        report_all(w, seq, w->utc_ms / WORLD_MINUTE_MS * WORLD_MINUTE_MS);
        world_turn(w);
    }
}

static size_t missed(struct world *w)
{
    return peers_audited(w, "\"kind\":\"deadline\"");
}

static void alerts_are(struct world *w, size_t count)
{
    struct flow_stats stats;
    flow_stats(w->flow, &stats);
    assert_int_equal(stats.alerts, count);
}

/* --- Deadlines ------------------------------------------------------------------------------- */

static void a_silent_monitor_is_missed(void **state)
{
    (void)state;
    struct world w;
    uint64_t seq = 0;
    open_flows(&w);
    live_minutes(&w, &seq, 5);
    assert_int_equal(missed(&w), 0);
    live_beating(&w, 135 * 1000);
    assert_in_range(missed(&w), MONITORS_COUNT, 2 * MONITORS_COUNT);
    world_close(&w);
}

/* G10: deadlines are "suppressed 2 min after router start". */
static void hours_without_a_router_miss_nothing(void **state)
{
    (void)state;
    struct world w;
    uint64_t seq = 0;
    open_flows(&w);
    live_minutes(&w, &seq, 3);
    int64_t from = w.utc_ms / WORLD_MINUTE_MS * WORLD_MINUTE_MS;
    world_stop(&w);
    world_pass(&w, 3 * HOUR_MS);
    world_start(&w);
    world_live(&w, 20 * 1000);
    peers_hello(&w, WORLD_RUNNER, "host7", 1, 1, seq + 180 * MONITORS_COUNT);
    world_live(&w, 1000);
    for (int i = 1; i <= 180; i++) { /* more than two minutes of old results */
        report_all(&w, &seq, from + i * (int64_t)WORLD_MINUTE_MS);
        world_live(&w, 1000);
    }
    assert_int_equal(missed(&w), 0);
    alerts_are(&w, 0);
    world_close(&w);
}

static void hours_without_a_store_miss_nothing(void **state)
{
    (void)state;
    struct world w;
    uint64_t seq = 0;
    open_flows(&w);
    live_minutes(&w, &seq, 3);
    for (w.fate_count = 0; w.fate_count < WORLD_FATES; w.fate_count++) {
        w.fates[w.fate_count] = STORE_FATE_AGAIN;
    }
    w.fate_at = 0;
    int64_t from = w.utc_ms / WORLD_MINUTE_MS * WORLD_MINUTE_MS;
    int minutes = 0;
    for (; w.fate_at < WORLD_FATES; minutes++) {
        w.fate_at = minutes < 60 ? 0 : w.fate_at; /* an hour */
        live_beating(&w, WORLD_MINUTE_MS);
        if (minutes == 0) { /* then its window is full */
            report_all(&w, &seq, from + WORLD_MINUTE_MS);
        }
    }
    for (int i = 2; i <= minutes; i++) {
        report_all(&w, &seq, from + i * (int64_t)WORLD_MINUTE_MS);
        world_live(&w, 1000);
    }
    assert_int_equal(missed(&w), 0);
    alerts_are(&w, 0);
    world_close(&w);
}

static void a_runner_that_comes_back_is_waited_for(void **state)
{
    (void)state;
    struct world w;
    uint64_t seq = 0;
    open_flows(&w);
    live_minutes(&w, &seq, 3);
    int64_t from = w.utc_ms / WORLD_MINUTE_MS * WORLD_MINUTE_MS;
    world_live(&w, HOUR_MS);
    assert_int_equal(peers_monitor(&w, 0, "internal:runner/host7").monitor.core.state, CORE_ALERT);
    alerts_are(&w, 1); /* the monitors are covered by it */
    peers_hello(&w, WORLD_RUNNER, "host7", 1, 1, seq + 60 * MONITORS_COUNT);
    size_t before = peers_audited(&w, "\"deadline_missed\"");
    world_live(&w, 1000);
    live_beating(&w, 45 * 1000); /* the first of its old results takes a while */
    for (int i = 1; i <= 60; i++) {
        report_all(&w, &seq, from + i * (int64_t)WORLD_MINUTE_MS);
        world_live(&w, 1000);
    }
    assert_int_equal(peers_audited(&w, "\"deadline_missed\""), before);
    alerts_are(&w, 0);
    world_close(&w);
}

/* --- Reserved monitors ------------------------------------------------------------------------ */

static void a_runner_is_heard_of_again_after_a_restart(void **state)
{
    (void)state;
    struct world w;
    open_flows(&w);
    world_live(&w, 2 * WORLD_MINUTE_MS);
    assert_int_equal(peers_monitor(&w, 0, "internal:runner/host7").monitor.core.state, CORE_ALERT);
    world_stop(&w);
    world_start(&w);
    peers_hello(&w, WORLD_RUNNER, "host7", 2, 1, 0);
    world_live(&w, 1000);
    live_beating(&w, 150 * 1000);
    assert_int_equal(peers_monitor(&w, 0, "internal:runner/host7").monitor.core.state, CORE_OK);
    world_close(&w);
}

static void a_notifier_is_heard_of_again(void **state)
{
    (void)state;
    for (int is_restarted = 0; is_restarted < 2; is_restarted++) {
        struct world w;
        open_flows(&w);
        peers_sink(&w, "email", 10);
        world_live(&w, 2 * WORLD_MINUTE_MS);
        struct peers_row row = peers_monitor(&w, 0, "internal:channel/email");
        assert_int_equal(row.monitor.core.state, CORE_ALERT);
        if (is_restarted == 1) {
            world_stop(&w);
            world_start(&w);
        }
        peers_sink(&w, "email", 0); /* takes nothing, so that no delivery tells */
        world_live(&w, 3000);
        row = peers_monitor(&w, 0, "internal:channel/email");
        assert_int_equal(row.monitor.core.state, CORE_OK);
        world_close(&w);
    }
}

static void anything_before_hello_is_answered(void **state)
{
    (void)state;
    struct world w;
    open_flows(&w);
    struct message_notifier_heartbeat beat = {.now_utc_ms = w.utc_ms};
    peers_say(&w, MESSAGE_NOTIFIER_HEARTBEAT, WORLD_SINK, "email", &beat, 0, 0, 0);
    const struct world_sent *error = world_last(&w, "error/1");
    assert_non_null(error);
    assert_non_null(strstr(error->body, "hello_first"));
    world_close(&w);
}

/* A failure that waits for the store, and its end: the end comes behind it. */
static void an_end_that_waits_with_its_beginning_is_told(void **state)
{
    (void)state;
    struct world w;
    open_flows(&w);
    for (w.fate_count = 0; w.fate_count < WORLD_FATES; w.fate_count++) {
        w.fates[w.fate_count] = STORE_FATE_AGAIN;
    }
    for (int i = 0; i < 90; i++) {
        w.fate_at = 0;
        world_live(&w, 1000); /* host7 is silent, and nothing can be written */
    }
    peers_hello(&w, WORLD_RUNNER, "host7", 1, 1, 0);
    peers_beat(&w, WORLD_RUNNER, "host7", 0, 0);
    w.fate_at = w.fate_count = 0;
    world_live(&w, 1000);
    live_beating(&w, 150 * 1000);
    struct peers_row row = peers_monitor(&w, 0, "internal:runner/host7");
    assert_int_equal(row.found, 1);
    assert_int_equal(row.monitor.core.state, CORE_OK);
    world_close(&w);
}

static void an_overflow_is_told_once(void **state)
{
    (void)state;
    struct world w;
    open_flows(&w);
    peers_beat(&w, WORLD_RUNNER, "host7", 5, 7);
    world_live(&w, 1000);
    struct peers_row row = peers_monitor(&w, 0, "internal:spool/host7");
    assert_int_equal(row.monitor.core.state, CORE_ALERT);
    for (int i = 0; i < 3; i++) { /* in alert, and recovered twice */
        world_stop(&w);
        world_start(&w);
        peers_hello(&w, WORLD_RUNNER, "host7", 2, 1, 0);
        world_live(&w, 1000);
        peers_beat(&w, WORLD_RUNNER, "host7", i == 0 ? 5 : 0, 7);
        world_live(&w, 1000);
        peers_beat(&w, WORLD_RUNNER, "host7", i == 0 ? 5 : 0, 7);
        world_live(&w, 1000);
    }
    row = peers_monitor(&w, 0, "internal:spool/host7");
    assert_int_equal(row.monitor.core.state, CORE_OK);
    assert_int_equal(peers_count(&w, STORE_INCIDENTS_OF_MONITOR, row.monitor.core.id, NULL), 1);
    peers_hello(&w, WORLD_RUNNER, "host7", 3, 2, 0); /* a new spool counts anew */
    world_live(&w, 1000);
    peers_beat(&w, WORLD_RUNNER, "host7", 5, 1);
    world_live(&w, 1000);
    row = peers_monitor(&w, 0, "internal:spool/host7");
    assert_int_equal(row.monitor.core.state, CORE_ALERT);
    world_close(&w);
}

static bool use_reserve(struct store *store)
{
    (void)store;
    return true;
}

static void the_disk_has_room_again(void **state)
{
    (void)state;
    struct world w;
    open_flows(&w);
    const struct store_ops *ops = w.store->ops;
    struct store_ops full = *ops;
    full.use_reserve = use_reserve;
    w.store->ops = &full;
    w.fates[0] = STORE_FATE_FULL;
    w.fate_count = 1;
    peers_result(&w, 1, 1, 1, true, w.utc_ms);
    world_turn(&w);
    assert_int_equal(peers_monitor(&w, 0, "internal:storage").monitor.core.state, CORE_ALERT);
    world_live(&w, 2 * WORLD_MINUTE_MS);
    assert_int_equal(peers_monitor(&w, 0, "internal:storage").monitor.core.state, CORE_OK);
    w.store->ops = ops;
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_monitor_is_missed),
        cmocka_unit_test(hours_without_a_router_miss_nothing),
        cmocka_unit_test(hours_without_a_store_miss_nothing),
        cmocka_unit_test(a_runner_that_comes_back_is_waited_for),
        cmocka_unit_test(a_runner_is_heard_of_again_after_a_restart),
        cmocka_unit_test(a_notifier_is_heard_of_again),
        cmocka_unit_test(anything_before_hello_is_answered),
        cmocka_unit_test(an_end_that_waits_with_its_beginning_is_told),
        cmocka_unit_test(an_overflow_is_told_once),
        cmocka_unit_test(the_disk_has_room_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
