/* Commits that fail, or of which nobody knows whether they did: nothing is done twice, nothing is lost,
 * and the router says when the store is there again. */
#include "router/store/backend.h"
#include "tests/support/flow_peers.h"

#define ORDERS                                                                                 \
    "INSERT INTO Monitors (id, name, checkName, params, peopleToNotify) VALUES (1, 'Orders', " \
    "'exec:orders', '{}', '[\"ops@example.com\"]');"

static void open_orders(struct world *w)
{
    world_open(w);
    world_sql(w, ORDERS);
    world_start(w);
    peers_hello(w, WORLD_RUNNER, "host7", 1, 1, 0);
    world_live(w, 3000);
}

static void will(struct world *w, enum store_fate fate, size_t count)
{
    w->fate_at = 0;
    for (w->fate_count = 0; w->fate_count < count; w->fate_count++) {
        w->fates[w->fate_count] = fate;
    }
}

static struct flow_stats stats_of(const struct world *w)
{
    struct flow_stats stats;
    flow_stats(w->flow, &stats);
    return stats;
}

/* --- Nobody knows ---------------------------------------------------------------------------- */

static void a_checkpoint_of_unknown_outcome_is_written_once(void **state)
{
    (void)state;
    static const enum store_fate fates[] = {STORE_FATE_UNKNOWN_KEPT, STORE_FATE_UNKNOWN_LOST};
    for (size_t i = 0; i < TEST_COUNT(fates); i++) {
        struct world w;
        world_open(&w);
        w.audit_key = digest_key_new();
        world_sql(&w, ORDERS);
        world_start(&w);
        peers_hello(&w, WORLD_RUNNER, "host7", 1, 1, 0);
        world_live(&w, 3000);
        size_t before = peers_count(&w, STORE_CHECKPOINTS, 0, NULL);
        peers_result(&w, 1, 1, 1, true, w.utc_ms);
        world_live(&w, 3000);
        will(&w, fates[i], 1);
        for (int beat = 0; beat < 21; beat++) { /* nothing else happens in these five minutes */
            peers_beat(&w, WORLD_RUNNER, "host7", 0, 0);
            world_live(&w, 15 * 1000);
        }
        assert_int_equal(w.fate_at, 1);
        assert_int_equal(peers_count(&w, STORE_CHECKPOINTS, 0, NULL), before + 1);
        world_close(&w);
    }
}

/* The write-back of lastRunDt has no record of its own in the audit. */
static void a_write_back_of_unknown_outcome_is_no_edit_by_hand(void **state)
{
    (void)state;
    static const enum store_fate fates[] = {STORE_FATE_UNKNOWN_KEPT, STORE_FATE_UNKNOWN_LOST};
    for (size_t i = 0; i < TEST_COUNT(fates); i++) {
        struct world w;
        open_orders(&w);
        peers_result(&w, 1, 1, 1, true, w.utc_ms);
        world_live(&w, 3000); /* answers the NULL in lastRunDt */
        int64_t at_utc_ms = w.utc_ms;
        size_t edits = peers_audited(&w, "\"edit\"");
        peers_result(&w, 2, 1, 1, true, at_utc_ms);
        world_turn(&w);
        will(&w, fates[i], 1);
        world_live(&w, 3000);
        assert_int_equal(w.fate_at, 1);
        assert_int_equal(peers_monitor(&w, 1, NULL).monitor.core.last_run_utc_ms, at_utc_ms);
        assert_int_equal(peers_audited(&w, "\"edit\""), edits);
        world_close(&w);
    }
}

static void a_result_of_unknown_outcome_is_applied_once(void **state)
{
    (void)state;
    static const enum store_fate fates[] = {STORE_FATE_UNKNOWN_KEPT, STORE_FATE_UNKNOWN_LOST};
    for (size_t i = 0; i < TEST_COUNT(fates); i++) {
        struct world w;
        open_orders(&w);
        will(&w, fates[i], 1);
        peers_result(&w, 1, 1, 1, false, w.utc_ms);
        world_live(&w, 3000);
        assert_int_equal(peers_count(&w, STORE_RUNS_OF_MONITOR, 1, NULL), 1);
        assert_int_equal(peers_count(&w, STORE_NOTIFICATIONS, 0, NULL), 1);
        assert_int_equal(stats_of(&w).results, 1);
        world_close(&w);
    }
}

/* --- Rolled back ----------------------------------------------------------------------------- */

static void figures_and_refusals_are_counted_once(void **state)
{
    (void)state;
    struct world w;
    open_orders(&w);
    will(&w, STORE_FATE_CONFLICT, 4);
    peers_result(&w, 1, 1, 1, true, w.utc_ms);
    peers_result(&w, 1, 1, 1, true, w.utc_ms);
    peers_result(&w, 2, 77, 1, true, w.utc_ms);
    world_turn(&w);
    struct flow_stats stats = stats_of(&w);
    assert_int_equal(w.fate_at, 4);
    assert_int_equal(stats.results, 1);
    assert_int_equal(stats.duplicates, 1);
    assert_int_equal(stats.refused, 1);
    const char *body = world_last(&w, "ack/1")->body;
    const char *first = strstr(body, "unknown_monitor");
    assert_non_null(first);
    assert_null(strstr(first + 1, "unknown_monitor"));
    world_close(&w);
}

static void a_report_is_made_once(void **state)
{
    (void)state;
    struct world w;
    open_orders(&w);
    peers_sink(&w, "email", 10);
    peers_result(&w, 1, 1, 1, false, w.utc_ms);
    world_turn(&w);
    world_turn(&w);
    will(&w, STORE_FATE_CONFLICT, 5);
    peers_outcome(&w, "email", world_last(&w, "deliver/1")->seq, MESSAGE_OUTCOME_DEAD);
    world_live(&w, 3000);
    struct peers_row channel = peers_monitor(&w, 0, "internal:channel/email");
    assert_int_equal(channel.found, 1);
    assert_int_equal(peers_count(&w, STORE_RUNS_OF_MONITOR, channel.monitor.core.id, NULL), 1);
    world_close(&w);
}

/* Two processes under one name are found by the boot ids of their hellos. */
static void a_runner_is_put_back_as_it_was(void **state)
{
    (void)state;
    struct world w;
    open_orders(&w);
    will(&w, STORE_FATE_CONFLICT, 3);
    peers_hello(&w, 11, "host7", 2, 1, 0);
    world_turn(&w);
    assert_int_equal(w.fate_at, 3);
    assert_int_equal(world_last(&w, "welcome/1")->connection, 11);
    for (int i = 0; i < 3; i++) {
        will(&w, STORE_FATE_CONFLICT, 3);
        peers_hello(&w, 12, "host7", 1, 1, 0); /* the process before */
        peers_beat(&w, 11, "host7", 0, 0);
        peers_command(&w, "Monitor/Pause", "{\"monitorId\": 1}");
        world_live(&w, 30 * 1000);
        assert_int_equal(w.fate_at, 3);
    }
    struct peers_row runner = peers_monitor(&w, 0, "internal:runner/host7");
    assert_int_equal(runner.found, 1);
    assert_non_null(strstr(runner.message, "two processes"));
    assert_int_equal(world_last(&w, "welcome/1")->connection, 11);
    world_close(&w);
}

static void a_test_of_a_channel_is_sent_once(void **state)
{
    (void)state;
    struct world w;
    open_orders(&w);
    peers_sink(&w, "email", 10);
    will(&w, STORE_FATE_CONFLICT, 3);
    peers_command(&w, "Channel/Test", "{\"channel\": \"email\", \"target\": \"a@example.com\"}");
    world_turn(&w);
    assert_int_equal(w.fate_at, 3);
    assert_int_equal(world_count_sent(&w, "probe/1"), 1);
    peers_outcome(&w, "email", world_last(&w, "probe/1")->seq, MESSAGE_OUTCOME_OK);
    world_turn(&w);
    assert_int_equal(world_count_sent(&w, "reply/1"), 1);
    world_close(&w);
}

/* --- Readiness ------------------------------------------------------------------------------- */

static int away_read(struct store *store, enum sql_query_id query, const void *params,
                     store_row_fn fn, void *ctx, struct err *err)
{
    (void)store;
    (void)query;
    (void)params;
    (void)fn;
    (void)ctx;
    return err_set(err, TC_EAGAIN, "away");
}

static void an_idle_router_is_ready_again_when_the_store_is(void **state)
{
    (void)state;
    struct world w;
    open_orders(&w);
    will(&w, STORE_FATE_AGAIN, 3);
    peers_result(&w, 1, 1, 1, true, w.utc_ms);
    world_turn(&w);
    assert_false(stats_of(&w).is_store_ok);
    assert_null(world_last(&w, "ack/1"));
    world_live(&w, 10 * 1000);
    assert_true(stats_of(&w).is_store_ok);
    assert_non_null(world_last(&w, "ack/1"));
    const struct store_ops *ops = w.store->ops;
    struct store_ops away = *ops;
    away.read = away_read;
    w.store->ops = &away;
    world_live(&w, 3000);
    assert_false(stats_of(&w).is_store_ok);
    w.store->ops = ops;
    uint64_t commits = stats_of(&w).commits;
    world_live(&w, 10 * 1000);
    assert_int_equal(stats_of(&w).commits, commits); /* nothing to write */
    assert_true(stats_of(&w).is_store_ok);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_checkpoint_of_unknown_outcome_is_written_once),
        cmocka_unit_test(a_write_back_of_unknown_outcome_is_no_edit_by_hand),
        cmocka_unit_test(a_result_of_unknown_outcome_is_applied_once),
        cmocka_unit_test(figures_and_refusals_are_counted_once),
        cmocka_unit_test(a_report_is_made_once),
        cmocka_unit_test(a_runner_is_put_back_as_it_was),
        cmocka_unit_test(a_test_of_a_channel_is_sent_once),
        cmocka_unit_test(an_idle_router_is_ready_again_when_the_store_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
