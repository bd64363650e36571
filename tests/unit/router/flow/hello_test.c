/* Who is followed when several processes say that they are one runner. */
#include "tests/support/flow_peers.h"

enum {
    NEWER = 11, /* connection of the process that came second */
};

#define REPLACED "internal:runner/host7"

/* host7 was started anew with a spool of its own, since the one before was lost. */
static void replace(struct world *w)
{
    world_sql(w, "INSERT INTO Monitors (id, name, checkName, params, peopleToNotify) VALUES "
                 "(1, 'Orders', 'tcp', '{\"host\": \"db\", \"port\": 1}', '[]');");
    world_start(w);
    peers_hello(w, WORLD_RUNNER, "host7", 1, 1, 0);
    world_live(w, 2000);
    peers_result(w, 1, 1, 1, true, w->utc_ms);
    world_live(w, 2000);
    peers_hello(w, NEWER, "host7", 2, 2, 0);
    world_live(w, 2000);
    world_forget(w);
}

/* SPEC 2.1 "a wiped spool is never taken for duplicates", nor is an old one taken for a wiped one. */
static void the_last_words_of_an_ended_process_change_nothing(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    replace(&w);
    peers_hello(&w, WORLD_RUNNER, "host7", 1, 1, 1);
    peers_result(&w, 1, 1, 1, true, w.utc_ms);
    world_live(&w, 2000);
    assert_null(world_last(&w, "welcome/1"));
    assert_int_equal(peers_count(&w, STORE_RUNS_OF_MONITOR, 1, NULL), 1);
    peers_hello(&w, NEWER, "host7", 2, 2, 0);
    world_live(&w, 2000);
    assert_int_equal(world_last(&w, "welcome/1")->connection, NEWER);
    for (int i = 0; i < 7; i++) {
        peers_beat(&w, NEWER, "host7", 0, 0);
        world_live(&w, 10 * 1000);
    }
    assert_int_equal(peers_monitor(&w, 0, REPLACED).found, 0);
    world_close(&w);
}

static void a_process_that_insists_is_a_second_one(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    replace(&w);
    for (int i = 0; i < 2; i++) {
        peers_hello(&w, WORLD_RUNNER, "host7", 1, 1, 1);
        peers_beat(&w, NEWER, "host7", 0, 0);
        world_live(&w, 10 * 1000);
    }
    struct peers_row row = peers_monitor(&w, 0, REPLACED);
    assert_int_equal(row.found, 1);
    assert_int_equal(row.monitor.core.state, CORE_ALERT);
    assert_non_null(strstr(row.message, "two processes"));
    for (int i = 0; i < 7; i++) {
        peers_beat(&w, NEWER, "host7", 0, 0);
        world_live(&w, 10 * 1000);
    }
    assert_int_equal(peers_monitor(&w, 0, REPLACED).monitor.core.state, CORE_OK);
    world_close(&w);
}

static void the_first_process_is_taken_back_when_the_second_is_gone(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    replace(&w);
    world_live(&w, 2 * WORLD_MINUTE_MS);
    peers_hello(&w, WORLD_RUNNER, "host7", 1, 1, 1);
    world_live(&w, 2000);
    const struct world_sent *welcome = world_last(&w, "welcome/1");
    assert_non_null(welcome);
    assert_int_equal(welcome->connection, WORLD_RUNNER);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_words_of_an_ended_process_change_nothing),
        cmocka_unit_test(a_process_that_insists_is_a_second_one),
        cmocka_unit_test(the_first_process_is_taken_back_when_the_second_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
