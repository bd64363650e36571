/* Commands whose parameters or copies the database refuses must be refused, not stop the router. */
#include "tests/support/flow_peers.h"

#define A_HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define MONITOR                                                                                    \
    "{\"name\": \"Orders\", \"checkName\": \"tcp\", \"params\": {\"host\": \"db\", \"port\": 1}, " \
    "\"schedules\": [{\"schedule\": \"* * * * *\", \"timezone\": \"UTC\"}]}"

static void asks(struct world *w, const char *action, const char *parameters, const char *status)
{
    world_forget(w);
    peers_command(w, action, parameters);
    world_turn(w);
    const struct world_sent *reply = world_last(w, "reply/1");
    assert_non_null(reply);
    char wanted[32];
    (void)snprintf(wanted, sizeof(wanted), "\"status\":%s", status); /* short */
    if (strstr(reply->body, wanted) == NULL) {
        fail_msg("%s %s: not %s but %s", action, parameters, status, reply->body);
    }
}

static void a_token_that_is_not_there_is_not_found(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_start(&w);
    asks(&w, "Token/Remove", "{\"tokenId\": 7}", "404");
    world_close(&w);
}

static void a_role_that_is_none_is_refused(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_start(&w);
    asks(&w, "Token/Add", "{\"name\": \"ci\", \"role\": \"root\", \"hash\": \"" A_HASH "\"}",
         "400");
    asks(&w, "Token/Add", "{\"name\": \"ci\", \"role\": \"admin\", \"hash\": \"" A_HASH "\"}",
         "200");
    asks(&w, "Token/Add", "{\"name\": \"cd\", \"role\": \"admin\", \"hash\": \"" A_HASH "\"}",
         "409");
    world_close(&w);
}

static void tokens_of_one_batch_are_told_apart(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_start(&w);
    peers_command(&w, "Token/Add",
                  "{\"name\": \"a\", \"role\": \"admin\", \"hash\": \"" A_HASH "\"}");
    peers_command(&w, "Token/Add",
                  "{\"name\": \"b\", \"role\": \"admin\", \"hash\": \"" A_HASH "\"}");
    peers_command(&w, "Token/Remove", "{\"tokenId\": 1}");
    peers_command(&w, "Token/Remove", "{\"tokenId\": 1}");
    world_turn(&w);
    assert_int_equal(world_count_sent(&w, "reply/1"), 4);
    assert_int_equal(peers_count(&w, STORE_TOKENS, 0, NULL), 0);
    assert_int_equal(peers_audited(&w, "\"token_removed\""), 1);
    assert_int_equal(peers_audited(&w, "\"command_refused\""), 2);
    world_close(&w);
}

static void a_monitor_is_removed_once(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_start(&w);
    asks(&w, "Monitor/Add", MONITOR, "200");
    world_forget(&w);
    peers_command(&w, "Monitor/Remove", "{\"monitorId\": 1}");
    peers_command(&w, "Monitor/Remove", "{\"monitorId\": 1}");
    peers_command(&w, "Monitor/Pause", "{\"monitorId\": 1}");
    world_turn(&w);
    assert_int_equal(world_count_sent(&w, "reply/1"), 3);
    assert_non_null(strstr(w.sent[w.sent_count - 2].body, "\"status\":404"));
    assert_non_null(strstr(w.sent[w.sent_count - 1].body, "\"status\":404"));
    assert_int_equal(peers_count(&w, STORE_MONITORS, 0, NULL), 0);
    world_close(&w);
}

static void schedules_may_be_missing_or_wrong(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_start(&w);
    asks(&w, "Monitor/Add", "{\"name\": \"A\", \"checkName\": \"exec:a\"}", "200");
    asks(&w, "Monitor/Edit", "{\"monitorId\": 1, \"schedules\": 7}", "400");
    asks(&w, "Monitor/Edit", "{\"monitorId\": 1, \"schedules\": [7]}", "400");
    asks(&w, "Monitor/Edit", "{\"monitorId\": 1, \"schedules\": null}", "200");
    world_close(&w);
}

/* A link or an old page must not acknowledge what it did not show, nor take over from somebody. */
static void only_what_was_seen_is_acknowledged(void **state)
{
    (void)state;
    static const char seen[] =
        "{\"monitorId\": 1, \"incidentId\": \"1\", \"ifUnacknowledged\": true}";
    struct world w;
    world_open(&w);
    world_start(&w);
    asks(&w, "Monitor/Add", MONITOR, "200");
    asks(&w, "Incident/Acknowledge", seen, "409"); /* nothing is open */
    world_sql(&w, "UPDATE Monitors SET state = 'alert' WHERE id = 1");
    world_live(&w, 3000);
    asks(&w, "Incident/Acknowledge", "{\"monitorId\": 1, \"incidentId\": \"2\"}", "409");
    asks(&w, "Incident/Acknowledge", "{\"monitorId\": 1, \"incidentId\": \"1x\"}", "400");
    asks(&w, "Incident/Acknowledge", "{\"monitorId\": 1, \"incidentId\": 1}", "400");
    assert_int_equal(peers_audited(&w, "\"ack_set\""), 0);

    world_forget(&w); /* two at once: the first has it */
    peers_command(&w, "Incident/Acknowledge", seen);
    peers_command(&w, "Incident/Acknowledge", seen);
    world_turn(&w);
    assert_non_null(strstr(w.sent[w.sent_count - 1].body, "acknowledged already by ann"));
    assert_int_equal(peers_audited(&w, "\"ack_set\""), 1);
    assert_int_equal(peers_audited(&w, "\"via\":\"session\""), 1 + 4 + 2);

    asks(&w, "Incident/Acknowledge",
         "{\"monitorId\": 1, \"expiresDt\": \"2026-03-01T12:01:00.000Z\"}", "200");
    asks(&w, "Incident/Acknowledge", seen, "409");
    world_pass(&w, WORLD_MINUTE_MS); /* that one is over, whether or not a turn has noticed */
    asks(&w, "Incident/Acknowledge", seen, "200");

    asks(&w, "Monitor/Reset", "{\"monitorId\": 1}", "200");
    world_sql(&w, "UPDATE Monitors SET state = 'alert' WHERE id = 1");
    world_live(&w, 3000);
    asks(&w, "Incident/Acknowledge", seen, "409"); /* the next incident is not the one seen */
    asks(&w, "Incident/Acknowledge", "{\"monitorId\": 1, \"incidentId\": \"2\"}", "200");
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_that_is_not_there_is_not_found),
        cmocka_unit_test(a_role_that_is_none_is_refused),
        cmocka_unit_test(tokens_of_one_batch_are_told_apart),
        cmocka_unit_test(a_monitor_is_removed_once),
        cmocka_unit_test(only_what_was_seen_is_acknowledged),
        cmocka_unit_test(schedules_may_be_missing_or_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
