/* The contract of router/store, the same cases against every backend. */
#include "router/store/store.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "router/store/memory.h"
#include "router/store/told.h"
#include "tests/store/mariadb.h"
#include "tests/store/rows.h"
#include "tests/support/test.h"

struct fixture {
    struct store *store;
    struct store_batch batch;
    struct store_conflicts conflicts;
    enum store_fate fate;
    char dir[64];
    char path[96];
    struct mariadb_database database; /* without a name: another backend */
};

/* Of the MariaDB cases; its defaults are as wrong as a server's can be, and nothing may depend on them. */
static struct mariadb_server server = {
    .options = {"--character-set-server=latin1", "--collation-server=latin1_swedish_ci",
                "--default-time-zone=+05:30",
                "--sql-mode=", "--transaction-isolation=SERIALIZABLE"}};

static enum store_fate fate_of(void *ctx)
{
    return ((struct fixture *)ctx)->fate;
}

/* What an operator does by hand, with whatever client the backend has. */
static void by_hand(struct fixture *f, const char *sql)
{
    struct err err = ERR_INIT;
    if (f->database.name[0] != '\0') {
        mariadb_sql(&server, f->database.name, sql);
        return;
    }
    if (f->path[0] == '\0') {
        if (store_memory_by_hand(f->store, sql, &err) != TC_OK) {
            fail_msg("%s", err.text);
        }
        return;
    }
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 5000);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int memory_setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    store_batch_init(&f->batch);
    struct err err = ERR_INIT;
    if (store_open_memory(fate_of, f, &f->store, &err) != TC_OK) {
        fail_msg("%s", err.text);
    }
    *state = f;
    return 0;
}

static void ignore_step(void *ctx, const char *name, const char *sql)
{
    (void)ctx;
    (void)name;
    (void)sql;
}

static int sqlite_setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    store_batch_init(&f->batch);
    (void)snprintf(f->dir, sizeof f->dir, "/var/tmp/tocsin-store-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof f->path, "%s/t.db", f->dir);
    const struct store_config config = {.url = "sqlite:t.db", .dir = f->dir};
    struct err err = ERR_INIT;
    if (store_migrate(&config, false, ROWS_NOW_UTC_MS, ignore_step, NULL, &err) != TC_OK ||
        store_open(&config, &f->store, &err) != TC_OK) {
        fail_msg("%s", err.text);
    }
    *state = f;
    return 0;
}

static int mariadb_setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    store_batch_init(&f->batch);
    mariadb_database_make(&server, &f->database);
    mariadb_database_migrate(&server, &f->database);
    f->store = mariadb_open_store(&f->database.router);
    *state = f;
    return 0;
}

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

static int teardown(void **state)
{
    struct fixture *f = *state;
    store_batch_free(&f->batch);
    f->store = store_close(f->store);
    if (f->path[0] != '\0') {
        static const char *const ends[] = {"", "-wal", "-shm", ".lock", ".reserve"};
        for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
            char path[128];
            (void)snprintf(path, sizeof path, "%s%s", f->path, ends[i]);
            (void)remove(path);
        }
        assert_int_equal(remove(f->dir), 0);
    }
    mem_free(f);
    return 0;
}

static void commit_as(struct fixture *f, int expected)
{
    struct err err = ERR_INIT;
    int code = store_commit(f->store, &f->batch, &f->conflicts, &err);
    if (code != expected) {
        fail_msg("%s, expected %s: %s", err_name(code), err_name(expected), err.text);
    }
    store_batch_reset(&f->batch);
}

static int count_row(void *ctx, const void *row)
{
    (void)row;
    *(size_t *)ctx += 1;
    return TC_OK;
}

static size_t count(struct fixture *f, enum store_view view, const struct store_filter *filter)
{
    size_t rows = 0;
    assert_int_equal(store_read(f->store, view, filter, count_row, &rows, NULL), TC_OK);
    return rows;
}

static int keep_monitor(void *ctx, const void *row)
{
    *(struct store_monitor *)ctx = *(const struct store_monitor *)row; /* numbers only are used */
    return TC_OK;
}

static struct store_monitor monitor_now(struct fixture *f, uint32_t id)
{
    struct store_monitor monitor = {0};
    const struct store_filter filter = {.id = id};
    assert_int_equal(store_read(f->store, STORE_MONITOR, &filter, keep_monitor, &monitor, NULL),
                     TC_OK);
    assert_int_equal(monitor.core.id, id);
    return monitor;
}

static void add_monitor(struct fixture *f, uint32_t id)
{
    char uuid[40];
    (void)snprintf(uuid, sizeof uuid, "00000000-0000-4000-8000-%012u", id);
    struct store_monitor monitor = rows_monitor(id);
    monitor.uuid = uuid;
    store_batch_monitor_add(&f->batch, &monitor);
}

static void add_incident(struct fixture *f, uint64_t id, uint32_t monitor_id)
{
    const struct store_incident incident = {.id = id,
                                            .monitor_id = monitor_id,
                                            .monitor_name = "Compass purchase orders",
                                            .opened_utc_ms = ROWS_NOW_UTC_MS,
                                            .closed_utc_ms = CORE_NEVER,
                                            .notified_utc_ms = CORE_NEVER,
                                            .notified_scheduled_utc_ms = CORE_NEVER,
                                            .kept_ack_utc_ms = CORE_NEVER,
                                            .kept_ack_expires_utc_ms = CORE_NEVER,
                                            .told = "[]"};
    store_batch_incident_add(&f->batch, &incident);
}

static int check_monitor(void *ctx, const void *row)
{
    const struct store_monitor *m = row;
    size_t *seen = ctx;
    *seen += 1;
    assert_string_equal(m->name, "Compass purchase orders");
    assert_string_equal(m->check_name, "exec:compass_pos");
    assert_string_equal(m->people_to_notify, "[\"ops@example.com\"]");
    assert_null(m->php_class);
    assert_null(m->problem);
    assert_true(m->core.is_active);
    assert_true(m->is_params_json && m->is_people_json && m->is_labels_json);
    assert_int_equal(m->severity, STORE_CRITICAL);
    assert_int_equal(m->version, 1);
    assert_int_equal(m->created_utc_ms, ROWS_NOW_UTC_MS);
    assert_int_equal(m->core.last_run_utc_ms, CORE_NEVER);
    return TC_OK;
}

static void monitor_added_reads_back(void **state)
{
    struct fixture *f = *state;
    add_monitor(f, 7);
    commit_as(f, TC_OK);
    size_t seen = 0;
    assert_int_equal(store_read(f->store, STORE_MONITORS, NULL, check_monitor, &seen, NULL), TC_OK);
    assert_int_equal(seen, 1);
    /* The router's own writes leave no notice. */
    assert_int_equal(count(f, STORE_CHANGES, NULL), 0);
}

static void taken_ids_conflict_and_nothing_is_written(void **state)
{
    struct fixture *f = *state;
    add_monitor(f, 1);
    commit_as(f, TC_OK);
    add_monitor(f, 2);
    add_monitor(f, 1);
    commit_as(f, TC_ECONFLICT);
    assert_int_equal(f->conflicts.count, 1);
    assert_int_equal(f->conflicts.items[0].write, STORE_MONITOR_ADD);
    assert_int_equal(f->conflicts.items[0].index, 1);
    assert_int_equal(f->conflicts.items[0].id, 1);
    assert_int_equal(count(f, STORE_MONITORS, NULL), 1);
}

static void failing_result_is_whole_or_absent(void **state)
{
    struct fixture *f = *state;
    add_monitor(f, 1);
    add_incident(f, 1, 1);
    commit_as(f, TC_OK);
    struct store_monitor stale = monitor_now(f, 1);
    struct store_monitor texts = rows_monitor(1);
    texts.version = stale.version;
    rows_failing(&f->batch, 1, &texts, 1, "key-1");
    commit_as(f, TC_OK);
    assert_int_equal(monitor_now(f, 1).core.state, CORE_ALERT);
    assert_int_equal(monitor_now(f, 1).version, 2);
    /* The same version again: somebody was faster, so none of its rows may appear. */
    rows_failing(&f->batch, 2, &texts, 1, "key-2");
    commit_as(f, TC_ECONFLICT);
    assert_int_equal(f->conflicts.items[0].write, STORE_MONITOR_DECIDE);
    assert_int_equal(f->conflicts.items[0].id, 1);
    const struct store_filter of_monitor = {.id = 1};
    assert_int_equal(count(f, STORE_RUNS_OF_MONITOR, &of_monitor), 1);
    assert_int_equal(count(f, STORE_NOTIFICATIONS, NULL), 1);
    assert_int_equal(count(f, STORE_AUDIT, NULL), 1);
}

static int keep_change(void *ctx, const void *row)
{
    *(struct store_change *)ctx = *(const struct store_change *)row;
    return TC_OK;
}

static void hand_edits_bump_the_version_and_leave_a_notice(void **state)
{
    struct fixture *f = *state;
    add_monitor(f, 3);
    commit_as(f, TC_OK);
    by_hand(f, "UPDATE Monitors SET isActive = 0");
    assert_int_equal(monitor_now(f, 3).version, 2);
    struct store_change change = {0};
    assert_int_equal(store_read(f->store, STORE_CHANGES, NULL, keep_change, &change, NULL), TC_OK);
    assert_int_equal(change.row_id, 3);
    assert_int_equal(change.monitor_id, 3);
    const struct store_seen seen = {3, 1, ROWS_NOW_UTC_MS, "late write-back"};
    store_batch_monitor_seen(&f->batch, &seen);
    commit_as(f, TC_ECONFLICT);
    assert_int_equal(monitor_now(f, 3).core.last_run_utc_ms, CORE_NEVER);
    const struct store_key done = {.id = change.seq};
    store_batch_changes_done(&f->batch, &done);
    commit_as(f, TC_OK);
    assert_int_equal(count(f, STORE_CHANGES, NULL), 0);
    by_hand(f, "DELETE FROM Monitors WHERE id = 3");
    assert_int_equal(count(f, STORE_CHANGES, NULL), 1);
}

static void original_columns_are_enough(void **state)
{
    struct fixture *f = *state;
    by_hand(f,
            "INSERT INTO Monitors (name, phpClass, peopleToNotify) VALUES ('a', 'Orders', '[]')");
    by_hand(f, "INSERT INTO CronJobs (schedule, action, parameters)"
               " VALUES ('*/5 * * * *', 'Monitor/Run', '{\"monitorId\": 1}')");
    struct store_monitor monitor = monitor_now(f, 1);
    assert_true(monitor.core.is_active);
    assert_int_equal(monitor.core.required_oks, 2);
    assert_int_equal(monitor.core.reminder_minutes, 60);
    const struct store_filter of_monitor = {.id = 1};
    assert_int_equal(count(f, STORE_CRONS_OF_MONITOR, &of_monitor), 1);
    assert_int_equal(count(f, STORE_CHANGES, NULL), 2);
}

struct spoilt {
    size_t good;
    size_t bad;
};

static int sort_out(void *ctx, const void *row)
{
    struct spoilt *spoilt = ctx;
    const struct store_monitor *monitor = row;
    if (monitor->problem == NULL) {
        spoilt->good++;
        return TC_OK;
    }
    spoilt->bad++;
    assert_non_null(strstr(monitor->problem, "Monitors row 2, column lastRunDt"));
    assert_true(strstr(monitor->problem, "yesterday") != NULL ||
                strstr(monitor->problem, "0000-00-00") != NULL);
    assert_non_null(strstr(monitor->problem, "YYYY-MM-DD"));
    return TC_OK;
}

static void spoilt_row_spoils_itself_only(void **state)
{
    struct fixture *f = *state;
    add_monitor(f, 1);
    add_monitor(f, 2);
    add_monitor(f, 3);
    commit_as(f, TC_OK);
    by_hand(f, "UPDATE Monitors SET lastRunDt = 'yesterday' WHERE id = 2");
    /* MariaDB, whatever the mode, keeps text that is no JSON out of a JSON column. */
    bool takes_no_json = f->database.name[0] != '\0';
    by_hand(f, takes_no_json
                   ? "UPDATE Monitors SET peopleToNotify = NULL WHERE id = 3"
                   : "UPDATE Monitors SET params = '{broken', peopleToNotify = NULL WHERE id = 3");
    struct spoilt spoilt = {0};
    assert_int_equal(store_read(f->store, STORE_MONITORS, NULL, sort_out, &spoilt, NULL), TC_OK);
    assert_int_equal(spoilt.good, 2);
    assert_int_equal(spoilt.bad, 1);
    assert_int_equal(monitor_now(f, 3).is_params_json, takes_no_json);
    assert_false(monitor_now(f, 3).is_people_json);
    assert_true(monitor_now(f, 3).is_labels_json);
}

static void command_is_taken_once(void **state)
{
    struct fixture *f = *state;
    const struct store_command command = {"r-1", ROWS_NOW_UTC_MS, "{}"};
    store_batch_command_add(&f->batch, &command);
    commit_as(f, TC_OK);
    store_batch_command_add(&f->batch, &command);
    add_monitor(f, 1);
    commit_as(f, TC_ECONFLICT);
    assert_int_equal(f->conflicts.items[0].write, STORE_COMMAND_ADD);
    assert_int_equal(count(f, STORE_MONITORS, NULL), 0);
    const struct store_filter filter = {.text = "r-1"};
    assert_int_equal(count(f, STORE_COMMAND, &filter), 1);
}

static void cursor_moves_only_from_where_it_was(void **state)
{
    struct fixture *f = *state;
    const struct store_runner runner = {.id = 1,
                                        .name = "host7",
                                        .spool_id = "a",
                                        .spool_rank = 1,
                                        .labels = "{}",
                                        .checks = "[]",
                                        .last_seen_utc_ms = ROWS_NOW_UTC_MS};
    store_batch_runner_add(&f->batch, &runner);
    commit_as(f, TC_OK);
    const struct store_cursor forward = {1, 1, 0, "a", 1, 17};
    store_batch_cursor_set(&f->batch, &forward);
    commit_as(f, TC_OK);
    store_batch_cursor_set(&f->batch, &forward);
    commit_as(f, TC_ECONFLICT);
    assert_int_equal(f->conflicts.items[0].id, 1);
}

static int take_lease(struct fixture *f, const char *holder, int64_t now_utc_ms,
                      int64_t expires_utc_ms, uint64_t *ret_token)
{
    const struct store_lease wanted = {.holder = holder, .expires_utc_ms = expires_utc_ms};
    return store_take_lease(f->store, &wanted, now_utc_ms, ret_token, NULL);
}

static void lease_fences(void **state)
{
    struct fixture *f = *state;
    uint64_t token = 0;
    uint64_t other = 0;
    assert_int_equal(take_lease(f, "one", 1000, 16000, &token), TC_OK);
    assert_int_equal(take_lease(f, "two", 2000, 17000, &other), TC_EFENCED);
    const struct store_lease renewal = {0, token, "one", 18000};
    store_batch_lease_renew(&f->batch, &renewal);
    commit_as(f, TC_OK);
    assert_int_equal(take_lease(f, "two", 18000, 33000, &other), TC_OK);
    assert_true(other > token);
    store_batch_lease_renew(&f->batch, &renewal);
    add_monitor(f, 1);
    commit_as(f, TC_EFENCED);
    assert_int_equal(count(f, STORE_MONITORS, NULL), 0);
}

/* SPEC 2.5: a lease that ends so far ahead was written before the clock was set back. */
static void lease_of_the_future_is_over(void **state)
{
    struct fixture *f = *state;
    uint64_t token = 0;
    uint64_t other = 0;
    assert_int_equal(take_lease(f, "one", 100000, 115000, &token), TC_OK);
    assert_int_equal(take_lease(f, "two", 85000, 100000, &other),
                     TC_EFENCED); /* a clock a little behind the holder's is no reason */
    assert_int_equal(take_lease(f, "two", 84999, 99999, &other), TC_OK);
    assert_true(other > token);
}

static int keep_ids(void *ctx, const void *row)
{
    uint64_t **next = ctx;
    const struct store_run *run = row;
    **next = run->id;
    *next += 1;
    return TC_OK;
}

static void pages_run_newest_first(void **state)
{
    struct fixture *f = *state;
    for (uint64_t id = 1; id <= 5; id++) {
        struct store_run run = rows_run(id, 1 + (uint32_t)(id == 3));
        store_batch_run_add(&f->batch, &run);
    }
    commit_as(f, TC_OK);
    uint64_t ids[5] = {0};
    uint64_t *next = ids;
    struct store_filter filter = {.id = 1, .limit = 2};
    assert_int_equal(store_read(f->store, STORE_RUNS_OF_MONITOR, &filter, keep_ids, &next, NULL),
                     TC_OK);
    filter.before_id = ids[1];
    assert_int_equal(store_read(f->store, STORE_RUNS_OF_MONITOR, &filter, keep_ids, &next, NULL),
                     TC_OK);
    const uint64_t expected[] = {5, 4, 2, 1};
    assert_memory_equal(ids, expected, sizeof expected);
}

static int stop_at_once(void *ctx, const void *row)
{
    (void)row;
    *(size_t *)ctx += 1;
    return TC_ERANGE;
}

static void reader_may_stop(void **state)
{
    struct fixture *f = *state;
    add_monitor(f, 1);
    add_monitor(f, 2);
    commit_as(f, TC_OK);
    size_t seen = 0;
    assert_int_equal(store_read(f->store, STORE_MONITORS, NULL, stop_at_once, &seen, NULL),
                     TC_ERANGE);
    assert_int_equal(seen, 1);
    assert_int_equal(count(f, STORE_MONITORS, NULL), 2);
}

static int keep_incident(void *ctx, const void *row)
{
    return store_incident_read(row, ctx, NULL);
}

static void told_list_survives(void **state)
{
    struct fixture *f = *state;
    static struct core_incident incident;
    static struct core_incident again;
    incident = (struct core_incident){.id = 9,
                                      .opened_utc_ms = ROWS_NOW_UTC_MS,
                                      .closed_utc_ms = CORE_NEVER,
                                      .notified_utc_ms = ROWS_NOW_UTC_MS,
                                      .notified_scheduled_utc_ms = CORE_NEVER,
                                      .kept_ack_utc_ms = CORE_NEVER,
                                      .kept_ack_expires_utc_ms = CORE_NEVER,
                                      .round = 3,
                                      .told_count = 2};
    (void)snprintf(incident.told[0].target, CORE_TARGET_BYTES, "slack:#ops \"quoted\"");
    incident.told[0].told = CORE_TOLD_YES;
    incident.told[0].keeps_alert = true;
    incident.told[0].round = 2;
    (void)snprintf(incident.told[1].target, CORE_TARGET_BYTES, "email:ops@example.com");
    incident.told[1].told = CORE_TOLD_DEAD;
    struct buf told;
    buf_init(&told, 64 * 1024);
    struct store_incident row = {.monitor_id = 1, .monitor_name = "m"};
    store_incident_write(&incident, &told, &row);
    store_batch_incident_add(&f->batch, &row);
    commit_as(f, TC_OK);
    buf_free(&told);
    const struct store_filter filter = {.id = 9, .since_utc_ms = ROWS_NOW_UTC_MS};
    assert_int_equal(
        store_read(f->store, STORE_INCIDENTS_OPEN, &filter, keep_incident, &again, NULL), TC_OK);
    assert_memory_equal(&again.told, &incident.told, 2 * sizeof incident.told[0]);
    assert_int_equal(again.round, 3);
    by_hand(f, "UPDATE Incidents SET told = '[{\"target\":\"x\"}]'");
    assert_int_equal(store_read(f->store, STORE_INCIDENT, &filter, keep_incident, &again, NULL),
                     TC_ECORRUPT);
}

static void add_incident_like(struct fixture *f, const struct store_incident *like)
{
    struct store_incident row = *like;
    row.monitor_name = "m";
    row.told = "[]";
    row.opened_utc_ms = ROWS_NOW_UTC_MS;
    row.notified_utc_ms = CORE_NEVER;
    row.notified_scheduled_utc_ms = CORE_NEVER;
    row.kept_ack_expires_utc_ms = CORE_NEVER;
    store_batch_incident_add(&f->batch, &row);
}

static void add_notification(struct fixture *f, uint64_t id, uint64_t incident_id,
                             enum store_delivery status)
{
    char key[8];
    (void)snprintf(key, sizeof key, "k%u", (unsigned)id);
    const struct store_notification row = {.id = id,
                                           .monitor_id = 1,
                                           .incident_id = incident_id,
                                           .recipient = "slack:#ops",
                                           .key = key,
                                           .decided_utc_ms = ROWS_NOW_UTC_MS,
                                           .body = "{}",
                                           .status = status,
                                           .next_utc_ms = ROWS_NOW_UTC_MS,
                                           .lease_utc_ms = CORE_NEVER,
                                           .finished_utc_ms = CORE_NEVER};
    store_batch_notification_add(&f->batch, &row);
    commit_as(f, TC_OK);
}

static int sum_incidents(void *ctx, const void *row)
{
    const struct store_incident *incident = row;
    *(uint64_t *)ctx = *(uint64_t *)ctx * 10 + incident->id;
    return TC_OK;
}

static void incidents_are_found_while_they_matter(void **state)
{
    struct fixture *f = *state;
    const int64_t now = ROWS_NOW_UTC_MS;
    const struct store_incident rows[] = {
        /* Kept for a failure to come, until a newer one took its place. */
        {.id = 1,
         .monitor_id = 1,
         .end = CORE_END_RECOVERED,
         .closed_utc_ms = now,
         .ack_keep_minutes = 9},
        {.id = 2, .monitor_id = 1, .end = CORE_END_RECOVERED, .closed_utc_ms = now},
        {.id = 3,
         .monitor_id = 2,
         .end = CORE_END_RECOVERED,
         .closed_utc_ms = now,
         .ack_keep_minutes = 9},
        {.id = 4,
         .monitor_id = 3,
         .end = CORE_END_RECOVERED,
         .closed_utc_ms = now - 1,
         .ack_keep_minutes = 9},
        {.id = 5, .monitor_id = 4, .end = CORE_END_OPEN, .closed_utc_ms = CORE_NEVER},
        {.id = 6, .monitor_id = 4, .end = CORE_END_RESET, .closed_utc_ms = now},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct store_incident row = rows[i];
        row.kept_ack_utc_ms = row.ack_keep_minutes > 0 ? now : CORE_NEVER;
        add_incident_like(f, &row);
    }
    commit_as(f, TC_OK);
    add_notification(f, 1, 2, STORE_QUEUED);
    add_notification(f, 2, 5, STORE_LEASED);
    add_notification(f, 3, 6, STORE_SENT);
    add_notification(f, 4, 4, STORE_DEAD);
    const struct store_filter filter = {.since_utc_ms = now};
    uint64_t ids = 0;
    assert_int_equal(store_read(f->store, STORE_INCIDENTS_OPEN, &filter, sum_incidents, &ids, NULL),
                     TC_OK);
    assert_int_equal(ids, 35);
    ids = 0;
    assert_int_equal(
        store_read(f->store, STORE_INCIDENTS_DELIVERING, &filter, sum_incidents, &ids, NULL),
        TC_OK);
    assert_int_equal(ids, 25);
}

static int keep_next_ids(void *ctx, const void *row)
{
    *(struct store_ids *)ctx = *(const struct store_ids *)row;
    return TC_OK;
}

/* Whose number an audit record bears is gone, not somebody else; what a runner made up does not count. */
static void monitor_ids_are_never_used_again(void **state)
{
    struct fixture *f = *state;
    static const uint8_t hash[32] = {1};
    const struct store_audit record = {.seq = 1,
                                       .format = 1,
                                       .at_utc_ms = ROWS_NOW_UTC_MS,
                                       .kind = "edit",
                                       .monitor_id = 7,
                                       .bytes = {.p = "{}", .size = 2},
                                       .hash = {.p = hash, .size = sizeof hash}};
    struct store_audit refusal = record;
    refusal.seq = 2;
    refusal.kind = "refusal";
    refusal.monitor_id = UINT32_MAX;
    add_monitor(f, 3);
    store_batch_audit_add(&f->batch, &record);
    store_batch_audit_add(&f->batch, &refusal);
    commit_as(f, TC_OK);
    struct store_ids ids = {.monitor = 0};
    assert_int_equal(store_read(f->store, STORE_IDS, NULL, keep_next_ids, &ids, NULL), TC_OK);
    assert_int_equal(ids.monitor, 7);
}

static void fates_are_what_they_say(void **state)
{
    static const struct {
        enum store_fate fate;
        int code;
        size_t rows;
    } cases[] = {
        {STORE_FATE_COMMIT, TC_OK, 1},
        {STORE_FATE_AGAIN, TC_EAGAIN, 0},
        {STORE_FATE_CONFLICT, TC_ECONFLICT, 0},
        {STORE_FATE_FULL, TC_ENOSPC, 0},
        {STORE_FATE_FENCED, TC_EFENCED, 0},
        {STORE_FATE_UNKNOWN_LOST, TC_EUNKNOWN, 0},
        {STORE_FATE_UNKNOWN_KEPT, TC_EUNKNOWN, 1},
        {STORE_FATE_CRASHED_BEFORE, TC_EIO, 0},
        {STORE_FATE_CRASHED_AFTER, TC_EIO, 1},
    };
    struct fixture *f = *state;
    size_t rows = 0;
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        f->fate = cases[i].fate;
        add_monitor(f, i + 1);
        commit_as(f, cases[i].code);
        rows += cases[i].rows;
        assert_int_equal(count(f, STORE_MONITORS, NULL), rows);
    }
}

#define CASE(name, setup)                                  \
    {                                                      \
#name " (" #setup ")", name, setup, teardown, NULL \
    }
#define CASES(setup)                                                                               \
    CASE(monitor_added_reads_back, setup), CASE(taken_ids_conflict_and_nothing_is_written, setup), \
        CASE(failing_result_is_whole_or_absent, setup),                                            \
        CASE(hand_edits_bump_the_version_and_leave_a_notice, setup),                               \
        CASE(original_columns_are_enough, setup), CASE(spoilt_row_spoils_itself_only, setup),      \
        CASE(command_is_taken_once, setup), CASE(cursor_moves_only_from_where_it_was, setup),      \
        CASE(lease_fences, setup), CASE(lease_of_the_future_is_over, setup),                       \
        CASE(incidents_are_found_while_they_matter, setup),                                        \
        CASE(monitor_ids_are_never_used_again, setup), CASE(pages_run_newest_first, setup),        \
        CASE(reader_may_stop, setup), CASE(told_list_survives, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASES(memory_setup),
        CASES(sqlite_setup),
        CASES(mariadb_setup),
        CASE(fates_are_what_they_say, memory_setup),
    };
    return cmocka_run_group_tests(tests, start_server, end_server);
}
