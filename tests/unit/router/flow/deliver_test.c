/* Deliveries that can't be made: each ends, in the list of dead letters, and none goes round for ever. */
#include "tests/support/flow_peers.h"

#define ORDERS                                                                                 \
    "INSERT INTO Monitors (id, name, checkName, params, peopleToNotify) VALUES (1, 'Orders', " \
    "'exec:orders', '{}', '[\"ops@example.com\"]');"

static void fail_orders(struct world *w)
{
    world_open(w);
    world_sql(w, ORDERS);
    world_start(w);
    peers_hello(w, WORLD_RUNNER, "host7", 1, 1, 0);
    world_live(w, 1000);
    peers_result(w, 1, 1, 1, false, w->utc_ms);
    world_turn(w);
    assert_int_equal(peers_count(w, STORE_NOTIFICATIONS_WITH_STATUS, 0, "queued"), 1);
}

static void a_body_that_cannot_be_read_is_a_dead_letter(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "UPDATE Notifications SET body = '{}'",
        "UPDATE Notifications SET body = 'no json'",
        "UPDATE Notifications SET body = '{}', kind = 'reminder'",
        "UPDATE Notifications SET body = json_set(body, '$.monitor.labels', json('{\"a\": 1}'))",
    };
    for (size_t i = 0; i < TEST_COUNT(bodies); i++) {
        struct world w;
        fail_orders(&w);
        world_stop(&w);
        world_sql(&w, bodies[i]);
        world_start(&w);
        peers_sink(&w, "email", 10);
        world_live(&w, 3000);
        for (size_t at = 0; at < w.sent_count; at++) {
            assert_false(w.sent[at].is_refused);
        }
        assert_int_equal(peers_count(&w, STORE_NOTIFICATIONS_WITH_STATUS, 0, "dead"), 1);
        assert_int_equal(peers_monitor(&w, 0, "internal:channel/email").monitor.core.state,
                         CORE_ALERT);
        world_close(&w);
    }
}

/* Retried for a day, then given up: also when the notifier never says what became of it. */
static void silence_of_the_notifier_ends_after_the_day(void **state)
{
    (void)state;
    struct world w;
    fail_orders(&w);
    size_t dead = 0;
    int64_t halves = 0;
    for (; dead == 0 && halves < 2 * 24 * 60 + 4; halves++) {
        peers_sink(&w, "email", 10);
        world_pass(&w, WORLD_MINUTE_MS / 2);
        world_turn(&w);
        dead = peers_count(&w, STORE_NOTIFICATIONS_WITH_STATUS, 0, "dead");
    }
    assert_int_equal(dead, 1);
    assert_in_range(halves, 2 * 24 * 60 - 1, 2 * 24 * 60 + 2);
    size_t attempts = world_count_sent(&w, "deliver/1");
    assert_true(attempts > 100);
    world_close(&w);
}

/* A notifier that was away for two days gets what waited for it. */
static void what_was_never_tried_is_tried_once(void **state)
{
    (void)state;
    struct world w;
    fail_orders(&w);
    world_pass(&w, 48 * 60 * (int64_t)WORLD_MINUTE_MS);
    world_live(&w, 1000);
    peers_sink(&w, "email", 10);
    world_live(&w, 1000);
    assert_non_null(world_last(&w, "deliver/1"));
    world_close(&w);
}

/* --- Credit ---------------------------------------------------------------------------------- */

static void a_batch_that_rolls_back_gives_its_credit_back(void **state)
{
    (void)state;
    struct world w;
    fail_orders(&w);
    w.fates[0] = w.fates[1] = w.fates[2] = STORE_FATE_CONFLICT;
    w.fate_count = 3;
    peers_sink(&w, "email", 1);
    world_turn(&w);
    assert_int_equal(w.fate_at, 3);
    assert_int_equal(world_count_sent(&w, "deliver/1"), 1);
    world_close(&w);
}

static void a_delivery_that_could_not_be_sent_gives_its_credit_back(void **state)
{
    (void)state;
    struct world w;
    fail_orders(&w);
    peers_sink(&w, "email", 1);
    w.busy = 3;
    world_live(&w, 5000);
    assert_int_equal(w.busy, 0);
    assert_int_equal(world_count_sent(&w, "deliver/1"), 1);
    assert_non_null(strstr(world_last(&w, "deliver/1")->body, "\"attempt\":1,"));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_that_cannot_be_read_is_a_dead_letter),
        cmocka_unit_test(silence_of_the_notifier_ends_after_the_day),
        cmocka_unit_test(what_was_never_tried_is_tried_once),
        cmocka_unit_test(a_batch_that_rolls_back_gives_its_credit_back),
        cmocka_unit_test(a_delivery_that_could_not_be_sent_gives_its_credit_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
