/* What a MariaDB server can do to a store: wrong defaults are in store_test.c, here stands the rest. Who
 * may not come in, and how it is told; what passes by itself; what must never be written in part. */
#include "tests/store/mariadb.h"

static struct mariadb_server server = {.options = {"--innodb-flush-log-at-trx-commit=1",
                                                   "--character-set-server=latin1",
                                                   "--max-user-connections=100"}};

struct fixture {
    struct mariadb_database database;
    struct store *store;
    struct store_batch batch;
    struct store_conflicts conflicts;
};

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

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    mariadb_database_make(&server, &f->database);
    mariadb_database_migrate(&server, &f->database);
    store_batch_init(&f->batch);
    f->store = mariadb_open_store(&f->database.router);
    place_seed(f->store);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    f->store = store_close(f->store);
    store_batch_free(&f->batch);
    mem_free(f);
    return 0;
}

static void expect_refusal(const struct store_config *config, bool is_reader, int expected,
                           const char *told)
{
    struct store *store = NULL;
    struct err err = ERR_INIT;
    int code =
        is_reader ? store_open_reader(config, &store, &err) : store_open(config, &store, &err);
    if (code != expected || strstr(err.text, told) == NULL) {
        fail_msg("%s, expected %s and '%s': %s", err_name(code), err_name(expected), told,
                 err.text);
    }
    assert_null(store);
    assert_null(strstr(err.text, "change-me"));
}

static void commit_as(struct fixture *f, int expected, const char *told)
{
    struct err err = ERR_INIT;
    int code = store_commit(f->store, &f->batch, &f->conflicts, &err);
    if (code != expected || strstr(err.text, told) == NULL) {
        fail_msg("%s, expected %s and '%s': %s", err_name(code), err_name(expected), told,
                 err.text);
    }
}

static void by_hand(struct fixture *f, const char *sql)
{
    mariadb_sql(&server, f->database.name, sql);
}

/* --- Who may not come in ---------------------------------------------------------------------- */

static void wrong_addresses_and_accounts_are_told(void **state)
{
    struct fixture *f = *state;
    f->store = store_close(f->store);
    struct store_config config = f->database.router;
    config.url = "mysql://tocsin@localhost/nowhere";
    expect_refusal(&config, false, TC_EPERM, "nowhere");
    config.url = "mysql://localhost/x";
    expect_refusal(&config, false, TC_ECONFIG, "must be mysql://USER@HOST:PORT/DATABASE");
    config = f->database.router;
    config.user = "nobody";
    expect_refusal(&config, false, TC_EPERM, "Access denied for user 'nobody'");
    config = f->database.router;
    assert_int_equal(setenv("TOCSIN_TEST_WRONG", "wrong", 1), 0);
    config.password = "env:TOCSIN_TEST_WRONG";
    expect_refusal(&config, false, TC_EPERM, "Access denied for user 'tocsin'");
    config.password = "file:/nowhere/password";
    expect_refusal(&config, false, TC_ENOENT, "the password of the database account tocsin");
    config = f->database.router;
    config.socket = "/nowhere/socket";
    expect_refusal(&config, false, TC_EAGAIN, "/nowhere/socket");
    config.socket = NULL;
    config.url = "mysql://tocsin@127.0.0.1:1/x";
    expect_refusal(&config, false, TC_EAGAIN, "127.0.0.1 port 1");
    config.url = "mysql://tocsin@db.example.com/x";
    expect_refusal(&config, false, TC_ECONFIG, "store.require_tls");
}

static void second_router_is_refused(void **state)
{
    struct fixture *f = *state;
    expect_refusal(&f->database.router, false, TC_EEXIST, "another router uses the database");
    struct store *reader = NULL;
    assert_int_equal(store_open_reader(&f->database.web, &reader, NULL), TC_OK);
    assert_int_equal(place_count(reader, STORE_MONITORS, 0), 1);
    assert_null(store_close(reader));
    f->store = store_close(f->store);
    f->store = mariadb_open_store(&f->database.router);
}

static void missing_rights_are_named(void **state)
{
    struct fixture *f = *state;
    char sql[128];
    f->store = store_close(f->store);
    (void)snprintf(sql, sizeof sql, "REVOKE INSERT ON %s.AuditLog FROM tocsin@localhost",
                   f->database.name);
    mariadb_sql(&server, NULL, sql);
    expect_refusal(&f->database.router, false, TC_EPERM, "INSERT command denied to user 'tocsin'");
    expect_refusal(&f->database.router, false, TC_EPERM, "AuditLog");
    expect_refusal(&f->database.web, false, TC_EPERM, "command denied to user 'tocsin_web'");
}

/* The accounts that are documented: nobody can rewrite the audit, and readers write nothing. */
static void accounts_have_no_more_than_they_need(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *user;
        const char *sql;
    } cases[] = {
        {"tocsin", "UPDATE AuditLog SET kind = 'x'"},
        {"tocsin", "DELETE FROM AuditLog"},
        {"tocsin", "UPDATE MonitorRuns SET isOk = 1"},
        {"tocsin", "DROP TABLE Monitors"},
        {"tocsin_web", "INSERT INTO Monitors (name) VALUES ('x')"},
        {"tocsin_web", "UPDATE Monitors SET isActive = 0"},
        {"tocsin_operator", "DELETE FROM Notifications"},
        {"tocsin_operator", "INSERT INTO ApiTokens (id, name) VALUES (9, 'x')"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        MYSQL *mysql = mysql_init(NULL);
        assert_non_null(mysql_real_connect(mysql, "localhost", cases[i].user, "change-me",
                                           f->database.name, 0, server.socket, 0));
        assert_int_not_equal(mysql_query(mysql, cases[i].sql), 0);
        if (mysql_errno(mysql) != 1142) {
            fail_msg("%s as %s: %s", cases[i].sql, cases[i].user, mysql_error(mysql));
        }
        mysql_close(mysql);
    }
    MYSQL *mysql = mysql_init(NULL);
    assert_non_null(mysql_real_connect(mysql, "localhost", "tocsin_operator", "change-me",
                                       f->database.name, 0, server.socket, 0));
    assert_int_equal(mysql_query(mysql, "INSERT INTO Monitors (name, phpClass) VALUES ('x', 'X')"),
                     0);
    mysql_close(mysql);
    assert_int_equal(place_count(f->store, STORE_CHANGES, 0), 1);
}

static void servers_settings_are_checked(void **state)
{
    struct fixture *f = *state;
    f->store = store_close(f->store);
    mariadb_sql(&server, NULL, "SET GLOBAL innodb_flush_log_at_trx_commit = 2");
    expect_refusal(&f->database.router, false, TC_ECONFIG, "innodb_flush_log_at_trx_commit is 2");
    mariadb_sql(&server, NULL, "SET GLOBAL innodb_flush_log_at_trx_commit = 1");
    mariadb_sql(&server, NULL, "SET GLOBAL max_allowed_packet = 1048576");
    expect_refusal(&f->database.router, false, TC_ECONFIG, "max_allowed_packet is 1048576");
    mariadb_sql(&server, NULL, "SET GLOBAL max_allowed_packet = 16777216");
    f->store = mariadb_open_store(&f->database.router);
}

static void old_servers_are_refused(void **state)
{
    struct fixture *f = *state;
    f->store = store_close(f->store);
    size_t last = 0;
    while (server.options[last] != NULL) {
        last++;
    }
    static const char *const versions[][2] = {
        {"--version=10.6.18-MariaDB", "10.6.18-MariaDB: tocsin needs MariaDB 10.11"},
        {"--version=8.0.36", "8.0.36: tocsin needs MariaDB 10.11"},
    };
    for (size_t i = 0; i < TEST_COUNT(versions); i++) {
        mariadb_end(&server, SIGTERM);
        server.options[last] = versions[i][0];
        mariadb_start(&server);
        expect_refusal(&f->database.router, false, TC_EVERSION, versions[i][1]);
    }
    mariadb_end(&server, SIGTERM);
    server.options[last] = NULL;
    mariadb_start(&server);
    f->store = mariadb_open_store(&f->database.router);
}

/* --- What is written, and what is not ---------------------------------------------------------- */

static int keep_message(void *ctx, const void *row)
{
    *(char **)ctx = mem_strdup(((const struct store_run *)row)->message);
    return TC_OK;
}

static void every_character_survives(void **state)
{
    struct fixture *f = *state;
    struct store_run run = rows_run(7, 1);
    run.message =
        "caf\xc3\xa9 \xf0\x9f\x94\xa5 ' \" \\ % \x01 end "; /* an emoji, quotes, controls */
    store_batch_run_add(&f->batch, &run);
    commit_as(f, TC_OK, "");
    char *message = NULL;
    const struct store_filter filter = {.id = 7};
    assert_int_equal(store_read(f->store, STORE_RUN, &filter, keep_message, &message, NULL), TC_OK);
    assert_string_equal(message, run.message);
    mem_free(message);
}

static int compare_audit(void *ctx, const void *row)
{
    const struct store_audit *audit = row;
    const struct store_audit *expected = ctx;
    assert_int_equal(audit->bytes.size, expected->bytes.size);
    assert_memory_equal(audit->bytes.p, expected->bytes.p, expected->bytes.size);
    assert_int_equal(audit->hash.size, 32);
    assert_memory_equal(audit->hash.p, expected->hash.p, 32);
    assert_int_equal(audit->at_utc_ms, expected->at_utc_ms);
    return TC_OK;
}

/* The audit's bytes as they were hashed, also such that end like padding. */
static void bytes_are_kept_as_they_are(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[256];
    uint8_t hash[32] = {0};
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(255 - i);
    }
    const struct store_audit audit = {.seq = 1,
                                      .format = 1,
                                      .at_utc_ms = ROWS_NOW_UTC_MS + 1,
                                      .kind = "alert",
                                      .bytes = {bytes, sizeof bytes},
                                      .hash = {hash, sizeof hash}};
    store_batch_audit_add(&f->batch, &audit);
    commit_as(f, TC_OK, "");
    struct store_audit expected = audit;
    assert_int_equal(store_read(f->store, STORE_AUDIT, NULL, compare_audit, &expected, NULL),
                     TC_OK);
}

static void keys_are_told_apart_byte_by_byte(void **state)
{
    struct fixture *f = *state;
    static const char *const keys[] = {"Abc", "abc", "abc ",
                                       "\xc3\xa4"
                                       "bc"};
    for (size_t i = 0; i < TEST_COUNT(keys); i++) {
        const struct store_command command = {keys[i], ROWS_NOW_UTC_MS, "{}"};
        store_batch_command_add(&f->batch, &command);
    }
    commit_as(f, TC_OK, "");
    for (size_t i = 0; i < TEST_COUNT(keys); i++) {
        size_t rows = 0;
        const struct store_filter filter = {.text = keys[i]};
        assert_int_equal(store_read(f->store, STORE_COMMAND, &filter, place_count_row, &rows, NULL),
                         TC_OK);
        assert_int_equal(rows, 1);
    }
}

static void values_that_do_not_fit_are_refused_whole(void **state)
{
    struct fixture *f = *state;
    char name[300];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    struct store_monitor monitor = rows_monitor(2);
    monitor.uuid = "00000000-0000-4000-8000-000000000002";
    monitor.name = name;
    struct store_run run = rows_run(1, 1);
    store_batch_run_add(&f->batch, &run);
    store_batch_monitor_add(&f->batch, &monitor);
    commit_as(f, TC_EINVAL, "monitor_add: Data too long for column 'name'");
    assert_int_equal(place_count(f->store, STORE_RUNS_OF_MONITOR, 1), 0);
    store_batch_reset(&f->batch);
    store_batch_run_add(&f->batch, &run);
    commit_as(f, TC_OK, ""); /* the connection is as good as before */
}

/* Far more than the server takes in one packet. */
static void large_batches_are_sent_in_parts(void **state)
{
    enum {
        RUNS = 400
    };
    struct fixture *f = *state;
    char *message = mem_alloc(64 * 1024 + 1);
    memset(message, 'm', 64 * 1024);
    for (uint64_t id = 1; id <= RUNS; id++) {
        struct store_run run = rows_run(id, 1);
        run.message = message;
        store_batch_run_add(&f->batch, &run);
    }
    commit_as(f, TC_OK, "");
    mem_free(message);
    char *sum =
        mariadb_value(&server, f->database.name, "SELECT SUM(LENGTH(message)) FROM MonitorRuns");
    assert_string_equal(sum, "26214400");
    mem_free(sum);
}

static void of_many_rows_the_wrong_ones_are_named(void **state)
{
    enum {
        MONITORS = 600
    };
    struct fixture *f = *state;
    for (uint32_t id = 2; id <= MONITORS; id++) {
        char uuid[40];
        (void)snprintf(uuid, sizeof uuid, "00000000-0000-4000-8000-%012u", id);
        struct store_monitor monitor = rows_monitor(id);
        monitor.uuid = uuid;
        store_batch_monitor_add(&f->batch, &monitor);
    }
    commit_as(f, TC_OK, "");
    store_batch_reset(&f->batch);
    by_hand(f, "UPDATE Monitors SET isActive = 0 WHERE id IN (77, 599)");
    for (uint32_t id = 1; id <= MONITORS; id++) {
        const struct store_seen seen = {id, 1, ROWS_NOW_UTC_MS, "fine"};
        store_batch_monitor_seen(&f->batch, &seen);
    }
    commit_as(f, TC_ECONFLICT, "");
    assert_int_equal(f->conflicts.count, 2);
    assert_int_equal(f->conflicts.items[0].id, 77);
    assert_int_equal(f->conflicts.items[1].id, 599);
    char *seen = mariadb_value(&server, f->database.name,
                               "SELECT COUNT(*) FROM Monitors WHERE lastRunDt IS NOT NULL");
    assert_string_equal(seen, "0");
    mem_free(seen);
}

static int keep_number(void *ctx, const void *row)
{
    *(uint64_t *)ctx = ((const struct store_change *)row)->seq;
    return TC_OK;
}

/* Two transactions of hands: the one that began first ends last. */
static void late_notices_are_not_removed_unseen(void **state)
{
    struct fixture *f = *state;
    MYSQL *slow = mariadb_root(&server, f->database.name);
    assert_int_equal(mysql_query(slow, "BEGIN"), 0);
    assert_int_equal(mysql_query(slow, "UPDATE Monitors SET isActive = 0 WHERE id = 1"), 0);
    by_hand(f, "INSERT INTO Monitors (name, phpClass) VALUES ('second', 'X')");
    uint64_t seq = 0;
    assert_int_equal(store_read(f->store, STORE_CHANGES, NULL, keep_number, &seq, NULL), TC_OK);
    assert_int_equal(place_count(f->store, STORE_CHANGES, 0), 1);
    const struct store_key done = {.id = seq};
    store_batch_changes_done(&f->batch, &done);
    commit_as(f, TC_OK, ""); /* does not wait for the slow one either */
    assert_int_equal(mysql_query(slow, "COMMIT"), 0);
    mysql_close(slow);
    uint64_t late = 0;
    assert_int_equal(store_read(f->store, STORE_CHANGES, NULL, keep_number, &late, NULL), TC_OK);
    assert_true(late != 0 && late < seq);
}

/* --- What passes by itself --------------------------------------------------------------------- */

static void locked_rows_are_waited_for_and_nothing_is_kept(void **state)
{
    struct fixture *f = *state;
    MYSQL *other = mariadb_root(&server, f->database.name);
    assert_int_equal(mysql_query(other, "BEGIN"), 0);
    assert_int_equal(mysql_query(other, "SELECT id FROM Incidents WHERE id = 1 FOR UPDATE"), 0);
    mysql_free_result(mysql_store_result(other));
    struct store_run run = rows_run(1, 1);
    store_batch_run_add(&f->batch, &run); /* written before the lock is met */
    const struct store_incident incident = {.id = 1,
                                            .monitor_id = 1,
                                            .monitor_name = "m",
                                            .opened_utc_ms = ROWS_NOW_UTC_MS,
                                            .closed_utc_ms = CORE_NEVER,
                                            .notified_utc_ms = CORE_NEVER,
                                            .notified_scheduled_utc_ms = CORE_NEVER,
                                            .kept_ack_utc_ms = CORE_NEVER,
                                            .kept_ack_expires_utc_ms = CORE_NEVER,
                                            .told = "[]"};
    store_batch_incident_set(&f->batch, &incident);
    commit_as(f, TC_EAGAIN, "incident_set: Lock wait timeout");
    assert_int_equal(place_count(f->store, STORE_RUNS_OF_MONITOR, 1), 0);
    mysql_close(other);
    commit_as(f, TC_OK, "");
    assert_int_equal(place_count(f->store, STORE_RUNS_OF_MONITOR, 1), 1);
}

static void read_only_servers_are_waited_for(void **state)
{
    struct fixture *f = *state;
    mariadb_sql(&server, NULL, "SET GLOBAL read_only = 1");
    assert_int_equal(place_fail(f->store, 1, NULL), TC_EAGAIN);
    assert_int_equal(place_failures(f->store), 0);
    mariadb_sql(&server, NULL, "SET GLOBAL read_only = 0");
    assert_int_equal(place_fail(f->store, 1, NULL), TC_OK);
}

/* Every session of the router's account. */
static void kill_sessions(void)
{
    char *id = mariadb_value(&server, NULL,
                             "SELECT GROUP_CONCAT(CONCAT('KILL ', id) SEPARATOR ';') FROM "
                             "information_schema.PROCESSLIST WHERE user = 'tocsin'");
    assert_non_null(id);
    mariadb_sql(&server, NULL, id);
    mem_free(id);
}

static void ended_sessions_are_replaced_with_all_settings(void **state)
{
    struct fixture *f = *state;
    kill_sessions();
    assert_int_equal(place_count(f->store, STORE_MONITORS, 0), 1);
    kill_sessions();
    assert_int_equal(place_fail(f->store, 1, NULL), TC_OK);
    kill_sessions();
    char name[300];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    struct store_monitor monitor = rows_monitor(2);
    monitor.uuid = "00000000-0000-4000-8000-000000000002";
    monitor.name = name;
    store_batch_monitor_add(&f->batch, &monitor);
    commit_as(f, TC_EINVAL, "Data too long");                                /* strict again */
    expect_refusal(&f->database.router, false, TC_EEXIST, "another router"); /* and the lock */
}

static void full_servers_and_changed_passwords_are_waited_out(void **state)
{
    struct fixture *f = *state;
    mariadb_sql(&server, NULL, "SET GLOBAL max_user_connections = 1");
    MYSQL *taker = NULL;
    kill_sessions();
    for (time_t end = time(NULL) + 30; taker == NULL; mariadb_pause()) {
        assert_true(time(NULL) < end); /* the killed ones count until they are gone */
        taker = mysql_init(NULL);
        if (mysql_real_connect(taker, "localhost", "tocsin", "change-me", NULL, 0, server.socket,
                               0) == NULL) {
            mysql_close(taker);
            taker = NULL;
        }
    }
    assert_int_equal(place_fail(f->store, 1, NULL), TC_EAGAIN);
    mysql_close(taker);
    mariadb_sql(&server, NULL, "SET GLOBAL max_user_connections = 100");
    int code = place_fail(f->store, 1, NULL);
    assert_int_equal(code, TC_OK);
    mariadb_sql(&server, NULL, "SET PASSWORD FOR tocsin@localhost = PASSWORD('other')");
    kill_sessions();
    assert_int_equal(place_fail(f->store, 2, NULL), TC_EAGAIN);
    mariadb_sql(&server, NULL, "SET PASSWORD FOR tocsin@localhost = PASSWORD('change-me')");
    assert_int_equal(place_fail(f->store, 2, NULL), TC_OK);
    assert_int_equal(place_failures(f->store), 2);
}

static void crashed_servers_come_back_to_the_same_handle(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(place_fail(f->store, 1, NULL), TC_OK);
    mariadb_end(&server, SIGKILL);
    assert_int_equal(place_fail(f->store, 2, NULL), TC_EAGAIN);
    size_t rows = 0;
    assert_int_equal(store_read(f->store, STORE_MONITORS, NULL, place_count_row, &rows, NULL),
                     TC_EAGAIN);
    mariadb_start(&server);
    assert_int_equal(place_fail(f->store, 2, NULL), TC_OK);
    assert_int_equal(place_failures(f->store), 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(wrong_addresses_and_accounts_are_told),
        CASE(second_router_is_refused),
        CASE(missing_rights_are_named),
        CASE(accounts_have_no_more_than_they_need),
        CASE(servers_settings_are_checked),
        CASE(old_servers_are_refused),
        CASE(every_character_survives),
        CASE(bytes_are_kept_as_they_are),
        CASE(keys_are_told_apart_byte_by_byte),
        CASE(values_that_do_not_fit_are_refused_whole),
        CASE(large_batches_are_sent_in_parts),
        CASE(of_many_rows_the_wrong_ones_are_named),
        CASE(late_notices_are_not_removed_unseen),
        CASE(locked_rows_are_waited_for_and_nothing_is_kept),
        CASE(read_only_servers_are_waited_for),
        CASE(ended_sessions_are_replaced_with_all_settings),
        CASE(full_servers_and_changed_passwords_are_waited_out),
        CASE(crashed_servers_come_back_to_the_same_handle),
    };
    return cmocka_run_group_tests(tests, start_server, end_server);
}
