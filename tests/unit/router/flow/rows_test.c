/* Rows that a hand has typed and that no peer could read: each stops its own monitor with one failing
 * result and harms nothing else (docs/spec.md 1.10, 3.4). */
#include "tests/support/flow_peers.h"

/* 255 characters, 765 bytes. */
#define LONG "replace(hex(zeroblob(255)), '00', '€')"
#define HEALTHY                                                                               \
    "INSERT INTO Monitors (id, name, checkName, params, peopleToNotify) VALUES (2, 'Stock', " \
    "'tcp', '{\"host\": \"db\", \"port\": 1}', '[\"ops@example.com\"]');"
#define ORDERS                                                                                 \
    "INSERT INTO Monitors (id, name, checkName, params, peopleToNotify) VALUES (1, 'Orders', " \
    "'exec:orders', '{}', '[\"ops@example.com\"]');"
#define SET "UPDATE Monitors SET "

static const struct row {
    const char *sql;
    const char *told; /* what the failing result names */
} rows[] = {
    {SET "labels = 'no json' WHERE id = 1", "labels"},
    {SET "labels = '[]' WHERE id = 1", "labels"},
    {SET "labels = '{\"a\": 1}' WHERE id = 1", "labels"},
    {SET "labels = (WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n WHERE i < 33) "
         "SELECT json_group_object('k' || i, '') FROM n) WHERE id = 1",
     "labels"},
    {SET "labels = json_object('k', hex(zeroblob(3000))) WHERE id = 1", "labels"},
    {SET "name = " LONG " WHERE id = 1", "name"},
    {SET "name = CAST(x'4fff' AS TEXT) WHERE id = 1", "name"},
    {SET "runbookUrl = 'https://' || hex(zeroblob(1000)) WHERE id = 1", "runbookUrl"},
    {SET "runbookUrl = 'https://' || hex(zeroblob(1000000)) WHERE id = 1", "runbookUrl"},
    {SET "runbookUrl = 'javascript:alert(1)' WHERE id = 1", "runbookUrl"},
    {SET "uuid = substr(" LONG ", 1, 36) WHERE id = 1", "uuid"},
    {SET "checkName = " LONG " WHERE id = 1", "check"},
    {SET "checkName = NULL, phpClass = " LONG " WHERE id = 1", "check"},
    {SET "params = '{\"a\":' || replace(hex(zeroblob(62)), '00', '[') || "
         "replace(hex(zeroblob(62)), '00', ']') || '}' WHERE id = 1",
     "no runner could read"},
    {"WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n WHERE i < 65) INSERT INTO "
     "CronJobs "
     "(schedule, timezone, action, parameters) SELECT '* * * * *', 'UTC', 'Monitor/Run', "
     "'{\"monitorId\": 1}' FROM n",
     "CronJobs"},
    {"INSERT INTO CronJobs (schedule, action, parameters) VALUES (" LONG ", 'Monitor/Run', "
     "'{\"monitorId\": 1}')",
     "CronJobs"},
    {"INSERT INTO CronJobs (schedule, timezone, action, parameters) VALUES ('* * * * *', "
     "substr(" LONG ", 1, 64), 'Monitor/Run', '{\"monitorId\": 1}')",
     "CronJobs"},
};

static void no_peer_was_sent_what_it_refuses(const struct world *w, const struct row *row)
{
    for (size_t i = 0; i < w->sent_count; i++) {
        if (w->sent[i].is_refused) {
            fail_msg("%s: %s: %s", row->sql, w->sent[i].type, w->sent[i].err.text);
        }
    }
}

static void check(struct world *w, const struct row *row)
{
    world_live(w, 3000);
    no_peer_was_sent_what_it_refuses(w, row);
    struct peers_row found = peers_monitor(w, 1, NULL);
    if (found.monitor.core.state != CORE_ALERT || strstr(found.message, row->told) == NULL) {
        fail_msg("%s: not in alert about %s: \"%s\"", row->sql, row->told, found.message);
    }
    assert_int_equal(peers_count(w, STORE_RUNS_OF_MONITOR, 1, NULL), 1);
    assert_int_equal(peers_monitor(w, 2, NULL).monitor.core.state, CORE_OK);
    assert_int_equal(world_count_sent(w, "deliver/1"), 1);
    assert_non_null(world_last(w, "assign/1"));
}

static void meet_peers(struct world *w)
{
    peers_hello(w, WORLD_RUNNER, "host7", 1, 1, 0);
    peers_sink(w, "email", 10);
}

static void a_row_edited_by_hand(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        struct world w;
        world_open(&w);
        world_sql(&w, ORDERS HEALTHY);
        world_start(&w);
        meet_peers(&w);
        world_live(&w, 2000);
        world_sql(&w, rows[i].sql);
        check(&w, &rows[i]);
        world_close(&w);
    }
}

static void a_row_that_is_there_at_the_start(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        struct world w;
        world_open(&w);
        world_sql(&w, ORDERS HEALTHY);
        world_sql(&w, rows[i].sql);
        world_sql(&w, "DELETE FROM Changes");
        world_start(&w);
        meet_peers(&w);
        check(&w, &rows[i]);
        const struct world_sent *assign = world_last(&w, "assign/1");
        assert_non_null(strstr(assign->body, "\"id\":2"));
        assert_null(strstr(assign->body, "\"id\":1,"));
        world_close(&w);
    }
}

static void a_command_is_refused_what_a_row_may_not_hold(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{\"name\": \"A\", \"checkName\": \"exec:a\", \"labels\": {\"a\": 1}}",
        "{\"name\": \"A\", \"checkName\": \"exec:a\", \"labels\": []}",
    };
    struct world w;
    world_open(&w);
    world_start(&w);
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        peers_command(&w, "Monitor/Add", bad[i]);
        world_turn(&w);
        const struct world_sent *reply = world_last(&w, "reply/1");
        assert_non_null(strstr(reply->body, "\"status\":400"));
        assert_non_null(strstr(reply->body, "labels"));
    }
    assert_int_equal(peers_count(&w, STORE_MONITORS, 0, NULL), 0);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_edited_by_hand),
        cmocka_unit_test(a_row_that_is_there_at_the_start),
        cmocka_unit_test(a_command_is_refused_what_a_row_may_not_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
