/* What becomes of an ALERT decides about the end behind it, also when its monitor is gone, the router
 * was started anew, or the clock was set back meanwhile. */
#include "tests/support/flow_peers.h"

enum {
    ALERT = 1, /* deliveries */
    END = 2,
};

/* Orders is in alert, its ALERT is with the notifier. */
static void raise_alert(struct world *w)
{
    world_open(w);
    world_sql(w, "INSERT INTO Monitors (id, name, checkName, params, peopleToNotify, "
                 "requiredConsecutiveOks) VALUES (1, 'Orders', 'tcp', "
                 "'{\"host\": \"db\", \"port\": 1}', '[\"ops@example.com\"]', 1);");
    world_start(w);
    peers_hello(w, WORLD_RUNNER, "host7", 1, 1, 0);
    peers_sink(w, "email", 8);
    world_live(w, 2000);
    peers_result(w, 1, 1, 1, false, w->utc_ms);
    world_turn(w);
    assert_int_equal(world_last(w, "deliver/1")->seq, ALERT);
}

static int take_status(void *ctx, const void *row)
{
    *(enum store_delivery *)ctx = ((const struct store_notification *)row)->status;
    return TC_OK;
}

static enum store_delivery status_of(struct world *w, uint64_t id)
{
    enum store_delivery status = STORE_QUEUED;
    struct store_filter filter = {.id = id};
    assert_int_equal(store_read(w->store, STORE_NOTIFICATION, &filter, take_status, &status, NULL),
                     TC_OK);
    return status;
}

/* SPEC 1.3 "If an ALERT dies whose end is queued behind it, that end is cancelled." */
static void an_alert_that_dies_after_a_restart_takes_its_end_along(void **state)
{
    (void)state;
    struct world w;
    raise_alert(&w);
    peers_result(&w, 2, 1, 1, true, w.utc_ms);
    world_turn(&w);
    assert_int_equal(status_of(&w, END), STORE_QUEUED);
    world_stop(&w);
    world_start(&w);
    peers_sink(&w, "email", 8);
    world_turn(&w);
    peers_outcome(&w, "email", ALERT, MESSAGE_OUTCOME_DEAD);
    world_turn(&w);
    assert_int_equal(status_of(&w, ALERT), STORE_DEAD);
    assert_int_equal(status_of(&w, END), STORE_CANCELLED);
    world_close(&w);
}

/* SPEC 1.13 "after a reset or deletion so is the closing message" */
static void an_alert_that_comes_back_after_the_deletion_is_cancelled_with_its_end(void **state)
{
    (void)state;
    struct world w;
    raise_alert(&w);
    peers_command(&w, "Monitor/Remove", "{\"monitorId\": 1}");
    world_turn(&w);
    assert_int_equal(peers_count(&w, STORE_MONITORS, 0, NULL), 0);
    assert_int_equal(status_of(&w, END), STORE_QUEUED);
    peers_outcome(&w, "email", ALERT, MESSAGE_OUTCOME_RETRY);
    world_turn(&w);
    assert_int_equal(status_of(&w, ALERT), STORE_CANCELLED);
    assert_int_equal(status_of(&w, END), STORE_CANCELLED);
    world_close(&w);
}

/* SPEC 2.5 "Durations never come from the wall clock." */
static void a_retry_waits_no_longer_when_the_clock_is_set_back(void **state)
{
    (void)state;
    struct world w;
    raise_alert(&w);
    peers_outcome(&w, "email", ALERT, MESSAGE_OUTCOME_RETRY);
    world_turn(&w);
    world_forget(&w);
    w.utc_ms -= 2 * 60 * (int64_t)WORLD_MINUTE_MS;
    flow_clock_stepped(w.flow, -2 * 60 * (int64_t)WORLD_MINUTE_MS);
    world_live(&w, 5000); /* the first wait of the back-off */
    assert_int_equal(world_count_sent(&w, "deliver/1"), 1);
    world_close(&w);
}

static void a_lease_of_the_future_ends_after_a_restart(void **state)
{
    (void)state;
    struct world w;
    raise_alert(&w);
    world_stop(&w);
    w.utc_ms -= 2 * 60 * (int64_t)WORLD_MINUTE_MS;
    world_start(&w);
    peers_sink(&w, "email", 8);
    world_forget(&w);
    for (int left = MESSAGE_LEASE_SECONDS; left > 0; left -= 10) {
        world_live(&w, 10 * 1000);
        peers_sink(&w, "email", 8);
    }
    world_turn(&w);
    assert_int_equal(world_count_sent(&w, "deliver/1"), 1);
    world_close(&w);
}

/* The router may end between two commits: then nobody would ever hear of the dead letter. */
static void a_dead_letter_and_its_alarm_are_one_commit(void **state)
{
    (void)state;
    struct world w;
    raise_alert(&w);
    w.fates[0] = STORE_FATE_COMMIT;
    w.fates[1] = STORE_FATE_AGAIN;
    w.fate_count = 2;
    w.fate_at = 0;
    peers_outcome(&w, "email", ALERT, MESSAGE_OUTCOME_DEAD);
    world_turn(&w);
    assert_int_equal(status_of(&w, ALERT), STORE_DEAD);
    assert_int_equal(peers_monitor(&w, 0, "internal:channel/email").monitor.core.state, CORE_ALERT);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_alert_that_dies_after_a_restart_takes_its_end_along),
        cmocka_unit_test(an_alert_that_comes_back_after_the_deletion_is_cancelled_with_its_end),
        cmocka_unit_test(a_retry_waits_no_longer_when_the_clock_is_set_back),
        cmocka_unit_test(a_lease_of_the_future_ends_after_a_restart),
        cmocka_unit_test(a_dead_letter_and_its_alarm_are_one_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
