/* Edits by hand of rows whose last run the table does not know yet: its write-back comes about a second
 * later and is no change of anybody's (docs/spec.md 2.8, 3.1). */
#include "tests/support/flow_peers.h"

#define ORDERS                                                                                 \
    "INSERT INTO Monitors (id, name, checkName, params, peopleToNotify) VALUES (1, 'Orders', " \
    "'tcp', '{\"host\": \"db\", \"port\": 1}', '[\"ops@example.com\"]');"

static int64_t last_run(struct world *w)
{
    return peers_monitor(w, 1, NULL).monitor.core.last_run_utc_ms;
}

/* A monitor that ran twice, and whose second run is not written back yet. */
static int64_t open_with_two_runs(struct world *w)
{
    world_open(w);
    world_sql(w, ORDERS);
    world_start(w);
    peers_hello(w, WORLD_RUNNER, "host7", 1, 1, 0);
    world_live(w, 2000);
    peers_result(w, 1, 1, 1, true, w->utc_ms);
    world_turn(w);
    int64_t first = last_run(w);
    assert_true(first == w->utc_ms); /* at once: a NULL read later is a new one */
    world_live(w, 2000);
    peers_result(w, 2, 1, 1, true, w->utc_ms);
    world_turn(w);
    assert_true(last_run(w) == first);
    return w->utc_ms;
}

static void an_edit_before_the_write_back_tells_of_itself_alone(void **state)
{
    (void)state;
    struct world w;
    int64_t second = open_with_two_runs(&w);
    world_sql(&w, "UPDATE Monitors SET severity = 'info' WHERE id = 1");
    world_live(&w, 3000);
    assert_int_equal(peers_audited(&w, "\"severity\":0"), 1);
    assert_int_equal(peers_audited(&w, "\"lastRunDt\":"), 1); /* of the new row */
    assert_true(last_run(&w) == second);
    world_close(&w);
}

static void a_null_before_the_write_back_asks_for_a_run(void **state)
{
    (void)state;
    struct world w;
    (void)open_with_two_runs(&w); /* of no use here */
    world_forget(&w);
    world_sql(&w, "UPDATE Monitors SET lastRunDt = NULL WHERE id = 1");
    world_live(&w, 3000);
    assert_int_equal(peers_audited(&w, "\"after\":{\"lastRunDt\":null}"), 1);
    assert_true(last_run(&w) == CORE_NEVER);
    const struct world_sent *assign = world_last(&w, "assign/1");
    assert_non_null(assign);
    assert_non_null(strstr(assign->body, "\"runNow\":\""));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_edit_before_the_write_back_tells_of_itself_alone),
        cmocka_unit_test(a_null_before_the_write_back_asks_for_a_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
