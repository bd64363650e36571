/* What a runner's hello says of its spool. */
#include "tests/support/flow_peers.h"

/* SPEC 1.12 "tocsin's own troubles (runner gone, spool overflow, channel failing, configuration, storage) are
 * reserved monitors" */
static void a_damaged_spool_is_reported(void **state)
{
    (void)state;
    static const char *const checks[] = {"*"};
    struct message_runner_hello hello = {.protocol = MESSAGE_PROTOCOL,
                                         .version = "1",
                                         .boot_id = 1,
                                         .spool_id = 2,
                                         .checks = {.items = checks, .count = 1},
                                         .concurrency = 1,
                                         .set_aside = "/srv/spool.db.damaged-17"};
    struct world w;
    world_open(&w);
    world_start(&w);
    peers_say(&w, MESSAGE_RUNNER_HELLO, WORLD_RUNNER, "host7", &hello, 0, 0, 0);
    world_turn(&w);
    world_turn(&w);
    struct peers_row row = peers_monitor(&w, 0, "internal:spool/host7");
    assert_int_equal(row.found, 1);
    assert_int_equal(row.monitor.core.state, CORE_ALERT);
    assert_non_null(strstr(row.message, "set aside as /srv/spool.db.damaged-17"));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_damaged_spool_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
