/* Connections cut around COMMIT, as a router would live through it: what was in doubt is looked up, then
 * skipped or written again. Nothing may be lost, nothing doubled. TOCSIN_CUTS=N asks for N commits. */
#include "lib/base/parse.h"
#include "tests/store/cutter.h"
#include "tests/store/mariadb.h"

static struct mariadb_server server = {.options = {"--innodb-flush-log-at-trx-commit=1"}};

static int start_server(void **state)
{
    (void)state;
    mariadb_make(&server);
    return 0;
}

static int end_server(void **state)
{
    (void)state;
    mariadb_remove(&server);
    return 0;
}

/* Failing result number id as place_fail commits it, into a batch that stays. */
static void fill(struct store_batch *batch, uint64_t id)
{
    char key[32];
    struct store_monitor monitor = rows_monitor(1);
    monitor.version = id;
    (void)snprintf(key, sizeof key, "key-%llu", (unsigned long long)id);
    store_batch_reset(batch);
    rows_failing(batch, id, &monitor, 1, key);
}

struct told {
    uint32_t unknown;
    uint32_t was_committed;
    uint32_t again;
};

static void commit_until_sure(struct store *store, const struct store_batch *batch,
                              struct told *told)
{
    for (;;) {
        struct store_conflicts conflicts;
        struct err err = ERR_INIT;
        int code = store_commit(store, batch, &conflicts, &err);
        if (code == TC_OK) {
            return;
        }
        if (code != TC_EUNKNOWN && code != TC_EAGAIN) {
            fail_msg("%s: %s", err_name(code), err.text);
        }
        told->again += code == TC_EAGAIN ? 1 : 0;
        if (code == TC_EAGAIN) {
            continue;
        }
        bool was_committed = false;
        told->unknown++;
        do {
            code = store_was_committed(store, batch, &was_committed, &err);
        } while (code == TC_EAGAIN);
        assert_int_equal(code, TC_OK);
        if (was_committed) {
            told->was_committed++;
            return;
        }
    }
}

static void cuts_lose_and_double_nothing(void **state)
{
    (void)state;
    const char *wish = getenv("TOCSIN_CUTS");
    uint64_t commits = 600;
    if (wish != NULL) {
        assert_int_equal(parse_whole_u64(wish, 1000 * 1000, &commits), TC_OK);
    }
    struct mariadb_database database;
    struct cutter cutter;
    struct store_batch batch;
    struct told told = {0};
    uint32_t seed = (uint32_t)time(NULL);
    mariadb_database_make(&server, &database);
    mariadb_database_migrate(&server, &database);
    struct store *store = mariadb_open_store(&database.router);
    place_seed(store);
    store = store_close(store);
    cutter_start(&cutter, &server, seed);
    struct store_config config = database.router;
    config.socket = cutter.path;
    while (store_open(&config, &store, NULL) != TC_OK) {
        mariadb_pause(); /* cut as well, or an earlier session is not over yet */
    }
    store_batch_init(&batch);
    for (uint64_t id = 1; id <= commits; id++) {
        fill(&batch, id);
        commit_until_sure(store, &batch, &told);
    }
    store_batch_free(&batch);
    assert_null(store_close(store));
    const struct cutter_counts counts = *cutter.counts;
    cutter_end(&cutter);
    store = NULL;
    while (store_open(&database.router, &store, NULL) != TC_OK) {
        mariadb_pause();
    }
    size_t stored = place_failures(store);
    print_message("seed %u: %llu commits, %u cut before, %u during, %u after COMMIT, %u elsewhere, "
                  "%u unknown to the server; %u in doubt, %u of them written; lost: %lld, doubled: "
                  "%lld\n",
                  seed, (unsigned long long)commits, counts.before, counts.during, counts.after,
                  counts.anywhere, counts.silent, told.unknown, told.was_committed,
                  stored < commits ? (long long)(commits - stored) : 0,
                  stored > commits ? (long long)(stored - commits) : 0);
    assert_int_equal(stored, commits);
    assert_true(counts.before > 0 && counts.during > 0 && counts.after > 0 && counts.anywhere > 0);
    assert_true(told.was_committed > 0 && told.was_committed < told.unknown);
    char *version = mariadb_value(&server, database.name, "SELECT version FROM Monitors");
    char expected[24];
    (void)snprintf(expected, sizeof expected, "%llu", (unsigned long long)commits + 1);
    assert_string_equal(version, expected);
    mem_free(version);
    assert_null(store_close(store));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cuts_lose_and_double_nothing)};
    return cmocka_run_group_tests(tests, start_server, end_server);
}
