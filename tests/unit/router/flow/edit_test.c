/* What hands do to rows while the router runs: none of it may stop the router, or block what follows. */
#include "tests/support/flow_peers.h"

#define ORDERS                                                                                 \
    "INSERT INTO Monitors (id, name, checkName, params, peopleToNotify) VALUES (1, 'Orders', " \
    "'exec:orders', '{}', '[\"ops@example.com\"]');"
#define EACH_MINUTE                                                                             \
    "INSERT INTO CronJobs (id, schedule, timezone, action, parameters) VALUES (5, '* * * * *'," \
    " 'UTC', 'Monitor/Run', '{\"monitorId\": 1}');"

static void open_orders(struct world *w)
{
    world_open(w);
    world_sql(w, ORDERS EACH_MINUTE);
    world_start(w);
    peers_hello(w, WORLD_RUNNER, "host7", 1, 1, 0);
    world_live(w, 2000);
}

static void is_done(struct world *w, const char *action, const char *parameters)
{
    world_forget(w);
    peers_command(w, action, parameters);
    world_live(w, 10 * 1000);
    const struct world_sent *reply = world_last(w, "reply/1");
    assert_non_null(reply);
    assert_non_null(strstr(reply->body, "\"ok\":true"));
    struct flow_stats stats;
    flow_stats(w->flow, &stats);
    assert_true(stats.is_store_ok);
}

/* --- Schedules ------------------------------------------------------------------------------- */

static void a_schedule_whose_version_moved_alone_can_be_edited(void **state)
{
    (void)state;
    static const char *const moves[] = {
        "UPDATE CronJobs SET schedule = schedule WHERE id = 5",
        "DELETE FROM CronJobs WHERE id = 5; INSERT INTO CronJobs (id, schedule, timezone, action, "
        "parameters) VALUES (6, '* * * * *', 'UTC', 'Monitor/Run', '{\"monitorId\": 1}')",
    };
    for (size_t i = 0; i < TEST_COUNT(moves); i++) {
        struct world w;
        open_orders(&w);
        world_sql(&w, moves[i]);
        world_live(&w, 3000);
        is_done(&w, "Monitor/Edit",
                "{\"monitorId\": 1, \"schedules\": [{\"schedule\": \"0 * * * *\"}]}");
        assert_int_equal(peers_count(&w, STORE_CRONS_OF_MONITOR, 1, NULL), 1);
        world_close(&w);
    }
}

static void a_schedule_that_moves_while_a_command_waits(void **state)
{
    (void)state;
    struct world w;
    open_orders(&w);
    world_sql(&w, "UPDATE CronJobs SET schedule = schedule WHERE id = 5");
    peers_command(&w, "Monitor/Remove", "{\"monitorId\": 1}"); /* before the change is noticed */
    world_turn(&w);
    world_live(&w, 10 * 1000);
    assert_non_null(world_last(&w, "reply/1"));
    assert_int_equal(peers_count(&w, STORE_MONITORS, 0, NULL), 0);
    assert_int_equal(peers_count(&w, STORE_CRONS, 0, NULL), 0);
    world_close(&w);
}

/* --- Rows that come back ---------------------------------------------------------------------- */

/* From a dump: the same id, with a lower version. */
static void a_row_that_is_replaced_is_taken_up(void **state)
{
    (void)state;
    struct world w;
    open_orders(&w);
    for (int i = 0; i < 5; i++) {
        world_sql(&w, "UPDATE Monitors SET severity = 'info' WHERE id = 1");
    }
    world_live(&w, 3000);
    world_sql(&w, "DELETE FROM Monitors; INSERT INTO Monitors (id, name, checkName, "
                  "peopleToNotify) VALUES (1, 'Restored', 'exec:orders', '[]')");
    world_live(&w, 3000);
    is_done(&w, "Monitor/Pause", "{\"monitorId\": 1}");
    assert_string_equal(peers_monitor(&w, 1, NULL).name, "Restored");
    assert_false(peers_monitor(&w, 1, NULL).monitor.core.is_active);
    world_close(&w);
}

static void what_changed_without_a_router_is_told_once(void **state)
{
    (void)state;
    struct world w;
    open_orders(&w);
    size_t before = peers_audited(&w, "\"edit\"");
    world_stop(&w);
    for (int i = 0; i < 3; i++) {
        world_sql(&w, "UPDATE Monitors SET severity = 'info'");
        world_sql(&w, "UPDATE CronJobs SET schedule = '0 * * * *'");
    }
    world_sql(&w, "INSERT INTO Monitors (id, name, checkName) VALUES (9, 'Gone', 'exec:gone'); "
                  "DELETE FROM Monitors WHERE id = 9");
    world_start(&w);
    world_live(&w, 3000);
    assert_int_equal(peers_audited(&w, "\"edit\""), before + 1);
    world_close(&w);
}

/* SPEC 2.8 "`lastRunDt` is the start of the last run that counted and never goes back" */
static void an_edit_does_not_take_the_last_run_back(void **state)
{
    (void)state;
    struct world w;
    open_orders(&w);
    peers_result(&w, 1, 1, 1, true, w.utc_ms);
    world_live(&w, 3000);
    int64_t at_utc_ms = w.utc_ms;
    size_t audited = peers_audited(&w, "\"lastRunDt\"");
    peers_result(&w, 2, 1, 1, true, at_utc_ms);
    world_turn(&w); /* its lastRunDt is still to be written */
    world_sql(&w, "UPDATE Monitors SET name = 'Renamed' WHERE id = 1");
    world_live(&w, 3000);
    struct peers_row row = peers_monitor(&w, 1, NULL);
    assert_string_equal(row.name, "Renamed");
    assert_int_equal(row.monitor.core.last_run_utc_ms, at_utc_ms);
    assert_int_equal(peers_audited(&w, "\"lastRunDt\""), audited);
    world_close(&w);
}

/* --- Unusable rows --------------------------------------------------------------------------- */

static void an_unusable_row_fails_when_it_is_switched_on(void **state)
{
    (void)state;
    for (int by_command = 0; by_command < 2; by_command++) {
        struct world w;
        open_orders(&w);
        world_sql(&w, "UPDATE Monitors SET isActive = 0, params = 'spoilt' WHERE id = 1");
        world_live(&w, 3000);
        assert_int_equal(peers_monitor(&w, 1, NULL).monitor.core.state, CORE_OK);
        if (by_command == 1) {
            is_done(&w, "Monitor/Resume", "{\"monitorId\": 1}");
        } else {
            world_sql(&w, "UPDATE Monitors SET isActive = 1 WHERE id = 1");
            world_live(&w, 3000);
        }
        assert_int_equal(peers_monitor(&w, 1, NULL).monitor.core.state, CORE_ALERT);
        world_close(&w);
    }
}

static void the_alert_about_recipients_ends_with_their_monitor(void **state)
{
    (void)state;
    for (int by_command = 0; by_command < 2; by_command++) {
        struct world w;
        open_orders(&w);
        world_sql(&w, "UPDATE Monitors SET peopleToNotify = NULL WHERE id = 1");
        world_live(&w, 3000);
        struct peers_row alert = peers_monitor(&w, 0, "internal:config/1");
        assert_int_equal(alert.monitor.core.state, CORE_ALERT);
        if (by_command == 1) {
            is_done(&w, "Monitor/Remove", "{\"monitorId\": 1}");
        } else {
            world_sql(&w, "DELETE FROM Monitors WHERE id = 1");
            world_live(&w, 3000);
        }
        alert = peers_monitor(&w, 0, "internal:config/1");
        assert_int_equal(alert.monitor.core.state, CORE_OK);
        world_close(&w);
    }
}

static void the_alert_about_recipients_ends_with_their_repair(void **state)
{
    (void)state;
    static const char *const repairs[] = {
        "UPDATE Monitors SET peopleToNotify = '[]' WHERE id = 1",
        "DELETE FROM Monitors WHERE id = 1",
    };
    for (size_t i = 0; i <= TEST_COUNT(repairs); i++) {
        struct world w;
        open_orders(&w);
        world_sql(&w, "UPDATE Monitors SET peopleToNotify = NULL WHERE id = 1");
        world_live(&w, 3000);
        if (i == TEST_COUNT(repairs)) {
            is_done(&w, "Monitor/Edit", "{\"monitorId\": 1, \"peopleToNotify\": []}");
        } else {
            world_stop(&w); /* while no router runs */
            world_sql(&w, repairs[i]);
            world_start(&w);
            world_live(&w, 3000);
        }
        struct peers_row alert = peers_monitor(&w, 0, "internal:config/1");
        assert_int_equal(alert.found, 1);
        assert_int_equal(alert.monitor.core.state, CORE_OK);
        world_close(&w);
    }
}

/* --- Reserved monitors ------------------------------------------------------------------------ */

static void a_reserved_monitor_survives_any_hand(void **state)
{
    (void)state;
    static const char *const hands[] = {
        "UPDATE Monitors SET name = 'My runner' WHERE checkName LIKE 'internal:%'",
        "UPDATE Monitors SET checkName = 'exec:own' WHERE checkName LIKE 'internal:%'",
        "UPDATE Monitors SET checkName = NULL WHERE checkName LIKE 'internal:%'",
        "DELETE FROM Monitors WHERE checkName LIKE 'internal:%'",
        "UPDATE Monitors SET state = 'ok', peopleToNotify = 'spoilt', labels = '7' WHERE checkName "
        "LIKE 'internal:%'",
        "UPDATE Monitors SET uuid = replace(hex(zeroblob(18)), '00', 'ab') WHERE checkName LIKE "
        "'internal:%'",
    };
    for (size_t i = 0; i < TEST_COUNT(hands); i++) {
        for (int is_restarted = 0; is_restarted < 2; is_restarted++) {
            struct world w;
            open_orders(&w);
            world_live(&w, 90 * 1000); /* host7 is silent */
            assert_int_equal(peers_monitor(&w, 0, "internal:runner/host7").found, 1);
            world_sql(&w, hands[i]);
            world_live(&w, 3000);
            if (is_restarted == 1) {
                world_stop(&w);
                world_start(&w);
            }
            for (uint64_t boot = 2; boot < 4; boot++) { /* it comes, and goes silent again */
                peers_hello(&w, WORLD_RUNNER, "host7", boot, 1, 0);
                world_live(&w, 90 * 1000);
            }
            is_done(&w, "Monitor/Pause", "{\"monitorId\": 1}");
            world_close(&w);
        }
    }
}

static void a_reserved_monitor_can_be_removed_while_it_is_needed(void **state)
{
    (void)state;
    struct world w;
    open_orders(&w);
    world_live(&w, 90 * 1000);
    uint32_t id = peers_monitor(&w, 0, "internal:runner/host7").monitor.core.id;
    char parameters[64];
    (void)snprintf(parameters, sizeof(parameters), "{\"monitorId\": %u}", id); /* fits */
    is_done(&w, "Monitor/Remove", parameters);
    peers_hello(&w, WORLD_RUNNER, "host7", 2, 1, 0);
    world_live(&w, 90 * 1000);
    assert_int_equal(peers_monitor(&w, 0, "internal:runner/host7").found, 1);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_schedule_whose_version_moved_alone_can_be_edited),
        cmocka_unit_test(a_schedule_that_moves_while_a_command_waits),
        cmocka_unit_test(a_row_that_is_replaced_is_taken_up),
        cmocka_unit_test(what_changed_without_a_router_is_told_once),
        cmocka_unit_test(an_edit_does_not_take_the_last_run_back),
        cmocka_unit_test(an_unusable_row_fails_when_it_is_switched_on),
        cmocka_unit_test(the_alert_about_recipients_ends_with_their_monitor),
        cmocka_unit_test(the_alert_about_recipients_ends_with_their_repair),
        cmocka_unit_test(a_reserved_monitor_survives_any_hand),
        cmocka_unit_test(a_reserved_monitor_can_be_removed_while_it_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
