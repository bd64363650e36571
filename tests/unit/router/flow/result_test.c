/* Results against what happens to their monitor in the same batch. */
#include "tests/support/flow_peers.h"

#define ORDERS                                                                                 \
    "INSERT INTO Monitors (id, name, checkName, params, peopleToNotify) VALUES (1, 'Orders', " \
    "'tcp', '{\"host\": \"db\", \"port\": 1}', '[\"ops@example.com\"]');"

static void connect_host7(struct world *w)
{
    peers_hello(w, WORLD_RUNNER, "host7", 1, 1, 0);
    world_turn(w);
    world_turn(w);
    const struct world_sent *assign = world_last(w, "assign/1");
    assert_non_null(assign);
    assert_non_null(strstr(assign->body, "\"name\":\"Orders\""));
}

/* SPEC 1.7 "A result for an unknown monitor yields a message, an audit record, and no other write." */
static void a_result_behind_the_removal_is_of_an_unknown_monitor(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_sql(&w, ORDERS);
    world_start(&w);
    connect_host7(&w);
    peers_command(&w, "Monitor/Remove", "{\"monitorId\": 1}");
    peers_result(&w, 1, 1, 1, false, w.utc_ms);
    world_turn(&w);
    const struct world_sent *ack = world_last(&w, "ack/1");
    assert_non_null(ack);
    assert_non_null(strstr(ack->body, "unknown_monitor"));
    assert_int_equal(peers_count(&w, STORE_MONITORS, 0, NULL), 0);
    assert_int_equal(peers_count(&w, STORE_INCIDENTS, 0, NULL), 0);
    assert_int_equal(peers_count(&w, STORE_RUNS_OF_MONITOR, 1, NULL), 0);
    assert_int_equal(peers_count(&w, STORE_NOTIFICATIONS, 0, NULL), 0);
    assert_int_equal(peers_audited(&w, "\"unknown_monitor\""), 1);
    world_close(&w);
}

static void a_result_before_the_removal_counts(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_sql(&w, ORDERS);
    world_start(&w);
    connect_host7(&w);
    peers_result(&w, 1, 1, 1, false, w.utc_ms);
    peers_command(&w, "Monitor/Remove", "{\"monitorId\": 1}");
    world_turn(&w);
    assert_int_equal(peers_count(&w, STORE_MONITORS, 0, NULL), 0);
    assert_int_equal(peers_count(&w, STORE_RUNS_OF_MONITOR, 1, NULL), 1);
    assert_int_equal(peers_count(&w, STORE_NOTIFICATIONS_WITH_STATUS, 0, "cancelled"), 1);
    assert_int_equal(peers_audited(&w, "\"alert_opened\""), 1);
    assert_int_equal(peers_audited(&w, "\"deleted\""), 1);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_behind_the_removal_is_of_an_unknown_monitor),
        cmocka_unit_test(a_result_before_the_removal_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
