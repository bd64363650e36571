/* Retention by age on the real flow and the store in memory: what goes, what stays, at which pace, and
 * what the audit says. Rows come from SQL, as if long ago; the clock is moved by hand. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/sys/clock.h"
#include "lib/sys/digest.h"
#include "router/flow/flow.h"
#include "router/store/memory.h"
#include "router/store/store.h"
#include "tests/store/rows.h"
#include "tests/support/test.h"

enum {
    MINUTE_MS = 60 * 1000,
    CHUNK_ROWS = 500,
};
#define DAY_MS INT64_C(86400000)

struct fixture {
    struct store *store;
    struct flow *flow;
    struct clock clock;
    int64_t passed_ms; /* since ROWS_NOW_UTC_MS */
    enum store_fate fate;
};

static int64_t now_utc_ms(void *ctx)
{
    return ROWS_NOW_UTC_MS + ((struct fixture *)ctx)->passed_ms;
}

static int64_t mono_us(void *ctx)
{
    return ((struct fixture *)ctx)->passed_ms * 1000;
}

static enum store_fate fate_of(void *ctx)
{
    struct fixture *f = ctx;
    enum store_fate fate = f->fate;
    f->fate = STORE_FATE_COMMIT;
    return fate;
}

static int send_nothing(void *ctx, enum message_role role, uint32_t connection,
                        const struct frames *frames)
{
    (void)ctx;
    (void)role;
    (void)connection;
    (void)frames;
    return TC_OK;
}

static void by_hand(struct fixture *f, const char *sql)
{
    struct err err = ERR_INIT;
    if (store_memory_by_hand(f->store, sql, &err) != TC_OK) {
        fail_msg("%s", err.text);
    }
}

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    struct err err = ERR_INIT;
    f->clock = (struct clock){.now_utc_ms = now_utc_ms, .mono_us = mono_us, .rate = 1, .ctx = f};
    if (store_open_memory(fate_of, f, &f->store, &err) != TC_OK) {
        fail_msg("%s", err.text);
    }
    /* Paused: none of them runs, or misses a run, on its own. */
    by_hand(f, "INSERT INTO Monitors (id, isActive, name, checkName, peopleToNotify)"
               " VALUES (1, 0, 'one', 'http', '[]'), (2, 0, 'two', 'http', '[]')");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    (void)flow_free(f->flow); /* always NULL */
    f->store = store_close(f->store);
    mem_free(f);
    return 0;
}

static void turn(struct fixture *f)
{
    struct err err = ERR_INIT;
    if (flow_turn(f->flow, &err) != TC_OK) {
        fail_msg("%s", err.text);
    }
}

/* The router starts; nothing of it is left to do but to wait. */
static void start(struct fixture *f, int64_t keep_runs_ms, int64_t keep_incidents_ms)
{
    static const uint8_t name_key[DIGEST_BYTES] = {1};
    static const struct core_target defaults[] = {{.target = "email:ops@example.com"}};
    const struct flow_options options = {.clock = &f->clock,
                                         .store = f->store,
                                         .net = {.send = send_nothing},
                                         .defaults = defaults,
                                         .default_count = 1,
                                         .holder = "test",
                                         .grace_ms = MINUTE_MS,
                                         .dead_ms = MINUTE_MS,
                                         .retry_for_ms = DAY_MS,
                                         .keep_runs_ms = keep_runs_ms,
                                         .keep_incidents_ms = keep_incidents_ms,
                                         .name_key = name_key};
    struct err err = ERR_INIT;
    if (flow_new(&options, &f->flow, &err) != TC_OK) {
        fail_msg("%s", err.text);
    }
    turn(f);
}

static void pass(struct fixture *f, int64_t ms)
{
    f->passed_ms += ms;
    turn(f);
}

/* Turns at the times that the flow asks for, as its loop makes them. */
static void run_for(struct fixture *f, int64_t ms)
{
    int64_t end_ms = f->passed_ms + ms;
    while (f->passed_ms < end_ms) {
        int64_t wake_ms = flow_wake_utc_ms(f->flow) - ROWS_NOW_UTC_MS;
        f->passed_ms = wake_ms > f->passed_ms ? wake_ms : f->passed_ms + 1;
        turn(f);
    }
}

static int count_row(void *ctx, const void *row)
{
    (void)row;
    *(size_t *)ctx += 1;
    return TC_OK;
}

static size_t count(struct fixture *f, enum store_view view)
{
    size_t rows = 0;
    assert_int_equal(store_read(f->store, view, NULL, count_row, &rows, NULL), TC_OK);
    return rows;
}

struct ids {
    size_t count;
    uint64_t ids[16];
};

static int keep_id(void *ctx, const void *row)
{
    struct ids *ids = ctx;
    assert_true(ids->count < TEST_COUNT(ids->ids));
    ids->ids[ids->count++] = ((const struct store_aged *)row)->id;
    return TC_OK;
}

/* "1 2 5": what is left. */
static void left(struct fixture *f, enum store_view view, const char *expected)
{
    struct ids ids = {.count = 0};
    char text[256] = "";
    size_t size = 0;
    assert_int_equal(store_read(f->store, view, NULL, keep_id, &ids, NULL), TC_OK);
    for (size_t i = 0; i < ids.count; i++) {
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%" PRIu64, i == 0 ? "" : " ",
                                 ids.ids[i]);
    }
    assert_string_equal(text, expected);
}

struct records {
    size_t count;
    char last[1024];
};

static int keep_record(void *ctx, const void *row)
{
    const struct store_audit *audit = row;
    struct records *records = ctx;
    if (strcmp(audit->kind, "retention") == 0) {
        assert_true(audit->bytes.size < sizeof(records->last));
        memcpy(records->last, audit->bytes.p, audit->bytes.size);
        records->last[audit->bytes.size] = '\0';
        records->count++;
    }
    return TC_OK;
}

static struct records records_of(struct fixture *f)
{
    struct records records = {.count = 0};
    assert_int_equal(store_read(f->store, STORE_AUDIT, NULL, keep_record, &records, NULL), TC_OK);
    return records;
}

static void expect_record(struct fixture *f, size_t number, const char *after)
{
    struct records records = records_of(f);
    assert_int_equal(records.count, number);
    if (strstr(records.last, after) == NULL) {
        assert_string_equal(records.last, after);
    }
}

/* Runs of a monitor, number `first` and on, a minute apart, from a time on. */
static void add_runs(struct fixture *f, uint64_t first, unsigned number, uint32_t monitor_id,
                     const char *from)
{
    char sql[512];
    (void)snprintf(sql, sizeof(sql),
                   "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %u) "
                   "INSERT INTO MonitorRuns (id, monitorId, startedDt, durationMs, isOk, state, "
                   "summary) SELECT %" PRIu64 " + i, %" PRIu32
                   ", strftime('%%Y-%%m-%%d %%H:%%M:%%f', '%s', "
                   "i || ' minutes'), 1, 1, 'ok', 'fine' FROM n",
                   number - 1, first, monitor_id, from);
    by_hand(f, sql);
}

static void old_runs_go_in_chunks(void **state)
{
    struct fixture *f = *state;
    add_runs(f, 1, 1200, 1, "2025-11-01 00:00:00"); /* 120 days old */
    add_runs(f, 1201, 3, 1, "2026-02-28 00:00:00");
    start(f, 90 * DAY_MS, 400 * DAY_MS);
    size_t audited = count(f, STORE_AUDIT);
    run_for(f, 14 * MINUTE_MS);
    assert_int_equal(count(f, STORE_RUNS_AGED), 1203); /* a wrong clock may be put right */
    struct flow_stats before;
    flow_stats(f->flow, &before);
    size_t rows = 1203;
    size_t commits = 0;
    while (rows > 3) {
        int64_t wake_ms = flow_wake_utc_ms(f->flow) - ROWS_NOW_UTC_MS;
        assert_true(wake_ms > f->passed_ms && wake_ms < 16 * MINUTE_MS);
        pass(f, wake_ms - f->passed_ms);
        size_t now = count(f, STORE_RUNS_AGED);
        assert_true(rows - now <= CHUNK_ROWS); /* one chunk a turn, and no more */
        commits += rows > now ? 1 : 0;
        rows = now;
    }
    assert_int_equal(commits, 3);
    left(f, STORE_RUNS_AGED, "1201 1202 1203");
    run_for(f, MINUTE_MS);
    expect_record(f, 1, "{\"incidents\":0,\"notifications\":0,\"runs\":1200}");
    assert_non_null(strstr(records_of(f).last, "runs from before 2025-12-01T12:15:00.000Z"));
    assert_int_equal(count(f, STORE_AUDIT), audited + 1); /* nothing of the audit goes */
    struct flow_stats after;
    flow_stats(f->flow, &after);
    assert_int_equal(after.removed[FLOW_RETAINED_RUNS], 1200);
    assert_int_equal(after.removed[FLOW_RETAINED_INCIDENTS], 0);
    /* The next pass finds nothing, and has nothing to tell. */
    run_for(f, 90 * MINUTE_MS);
    assert_int_equal(count(f, STORE_RUNS_AGED), 3);
    assert_int_equal(records_of(f).count, 1);
    /* The day before yesterday becomes old as well, but for the newest. */
    run_for(f, MINUTE_MS);
    f->passed_ms += 100 * DAY_MS;
    run_for(f, 90 * MINUTE_MS);
    left(f, STORE_RUNS_AGED, "1203");
    expect_record(f, 2, "\"runs\":2}");
}

static int note_ids(void *ctx, const void *row)
{
    *(struct store_ids *)ctx = *(const struct store_ids *)row;
    return TC_OK;
}

static void newest_stay_and_numbers_go_on(void **state)
{
    struct fixture *f = *state;
    add_runs(f, 1, 600, 2, "2020-01-01 00:00:00");
    add_runs(f, 601, 2, 1, "2020-06-01 00:00:00");
    add_runs(f, 603, 2, 77, "2020-06-02 00:00:00"); /* its monitor is gone */
    by_hand(f, "INSERT INTO Incidents (id, monitorId, monitorName, end, openedDt, closedDt) VALUES"
               " (1, 1, 'one', 'recovered', '2020-01-01 00:00:00', '2020-01-02 00:00:00'),"
               " (2, 2, 'two', 'reset', '2020-01-01 00:00:00', '2020-01-02 00:00:00'),"
               " (3, 2, 'two', 'recovered', '2020-02-01 00:00:00', '2020-02-02 00:00:00'),"
               " (4, 78, 'gone', 'deleted', '2020-03-01 00:00:00', '2020-03-02 00:00:00');"
               "INSERT INTO Notifications (id, monitorId, incidentId, kind, recipient,"
               " idempotencyKey, decidedDt, finishedDt, body, status) VALUES"
               " (1, 2, 3, 'alert', 'email:a@b', 'k1', '2020-02-01 00:00:00', '2020-02-01 "
               "00:00:01', '{}', 'sent'),"
               " (2, 2, 3, 'recovery', 'email:a@b', 'k2', '2020-02-02 00:00:00', '2020-02-02 "
               "00:00:01', '{}', "
               "'dead')");
    struct store_ids before = {0};
    struct store_ids after = {0};
    assert_int_equal(store_read(f->store, STORE_IDS, NULL, note_ids, &before, NULL), TC_OK);
    start(f, DAY_MS, DAY_MS);
    run_for(f, 17 * MINUTE_MS);
    left(f, STORE_RUNS_AGED, "600 602 604");
    left(f, STORE_INCIDENTS_AGED, "1 3 4");
    left(f, STORE_NOTIFICATIONS_AGED, "2");
    expect_record(f, 1, "{\"incidents\":1,\"notifications\":1,\"runs\":601}");
    assert_int_equal(store_read(f->store, STORE_IDS, NULL, note_ids, &after, NULL), TC_OK);
    assert_int_equal(after.run, before.run);
    assert_int_equal(after.incident, before.incident);
    assert_int_equal(after.notification, before.notification);
    assert_int_equal(after.monitor, 78);
}

/* All are years old; each incident of monitor 1 but the newest could go if it were over. */
static void what_is_not_over_stays(void **state)
{
    struct fixture *f = *state;
    by_hand(f, "UPDATE Monitors SET state = 'alert' WHERE id = 2;"
               "INSERT INTO Incidents (id, monitorId, monitorName, end, openedDt, closedDt) VALUES"
               " (1, 1, 'one', 'recovered', '2020-01-01 00:00:00', '2020-01-02 00:00:00'),"
               " (2, 1, 'one', 'recovered', '2020-02-01 00:00:00', '2020-02-02 00:00:00'),"
               " (3, 1, 'one', 'recovered', '2020-03-01 00:00:00', 'soon'),"
               " (4, 2, 'two', 'open', '2020-04-01 00:00:00', NULL),"
               " (5, 1, 'one', 'recovered', '2020-05-01 00:00:00', '2026-02-28 00:00:00'),"
               " (6, 1, 'one', 'recovered', '2026-02-28 00:00:00', '2026-02-28 00:01:00');"
               "INSERT INTO Notifications (id, monitorId, incidentId, kind, recipient,"
               " idempotencyKey, decidedDt, finishedDt, body, status, nextDt) VALUES"
               " (1, 1, 1, 'alert', 'email:a@b', 'k1', '2020-01-01 00:00:00', '2020-01-01 "
               "00:00:00', '{}', 'sent', NULL),"
               " (2, 1, 2, 'alert', 'email:a@b', 'k2', '2020-02-01 00:00:00', NULL, '{}', "
               "'queued', '2099-01-01 00:00:00'),"
               " (3, 2, 4, 'alert', 'email:a@b', 'k3', '2020-04-01 00:00:00', '2020-04-01 "
               "00:00:00', '{}', 'sent', NULL),"
               " (4, 1, 5, 'alert', 'email:a@b', 'k4', '2020-05-01 00:00:00', '2020-05-01 "
               "00:00:00', '{}', 'sent', NULL),"
               " (5, 1, 1, 'recovery', 'email:a@b', 'k5', '2020-01-02 00:00:00', '2026-02-28 "
               "00:00:00', '{}', 'sent', NULL),"
               " (6, 1, 6, 'alert', 'email:a@b', 'k6', '2026-02-28 00:00:00', '2026-02-28 "
               "00:00:00', '{}', 'sent', NULL)");
    start(f, 0, 400 * DAY_MS);
    run_for(f, 17 * MINUTE_MS);
    /* 1: over, but one of its notifications was sent again last month; 2: one is unfinished; 3: nobody
     * knows when it ended; 4: open; 5, 6: ended yesterday. Of the notifications only the first is over. */
    left(f, STORE_INCIDENTS_AGED, "1 2 3 4 5 6");
    left(f, STORE_NOTIFICATIONS_AGED, "2 3 4 5 6");
    f->passed_ms += 500 * DAY_MS;
    run_for(f, 90 * MINUTE_MS);
    left(f, STORE_INCIDENTS_AGED, "2 3 4 6");
    left(f, STORE_NOTIFICATIONS_AGED, "2 3 6");
}

/* An acknowledgement that is kept through flapping: the incident goes on with a failure, and what is told
 * then may refer to what was told before. */
static void what_may_be_reopened_stays(void **state)
{
    struct fixture *f = *state;
    by_hand(f,
            "INSERT INTO Incidents (id, monitorId, monitorName, end, openedDt, closedDt,"
            " ackKeepMinutes, keptAckDt) VALUES"
            " (1, 1, 'one', 'recovered', '2026-02-26 00:00:00', '2026-02-26 12:00:00', 0, NULL),"
            " (2, 1, 'one', 'recovered', '2026-02-27 00:00:00', '2026-02-27 00:00:00', 9000,"
            "  '2026-02-27 00:00:00'),"
            " (3, 2, 'two', 'recovered', '2026-02-26 00:00:00', '2026-02-26 12:00:00', 0, NULL),"
            " (4, 2, 'two', 'recovered', '2026-02-27 00:00:00', '2026-02-27 00:00:00', 0, NULL);"
            "INSERT INTO Notifications (id, monitorId, incidentId, kind, recipient,"
            " idempotencyKey, decidedDt, finishedDt, body, status) SELECT id, monitorId, id,"
            " 'alert', 'email:a@b', 'k' || id, openedDt, openedDt, '{}', 'sent' FROM Incidents;"
            "INSERT INTO Notifications (id, monitorId, incidentId, kind, recipient,"
            " idempotencyKey, decidedDt, finishedDt, body, status) SELECT 5, monitorId, 4,"
            " 'recovery', recipient, 'k5', decidedDt, finishedDt, '{}', 'sent' FROM Notifications"
            " WHERE id = 4");
    start(f, DAY_MS, DAY_MS);
    run_for(f, 17 * MINUTE_MS);
    left(f, STORE_INCIDENTS_AGED, "2 4");
    left(f, STORE_NOTIFICATIONS_AGED, "2 5");
}

static void zero_keeps_for_ever(void **state)
{
    struct fixture *f = *state;
    add_runs(f, 1, 10, 1, "1999-01-01 00:00:00");
    by_hand(f, "INSERT INTO Incidents (id, monitorId, monitorName, end, openedDt, closedDt) VALUES"
               " (1, 1, 'one', 'recovered', '1999-01-01 00:00:00', '1999-01-02 00:00:00'),"
               " (2, 1, 'one', 'recovered', '1999-02-01 00:00:00', '1999-02-02 00:00:00')");
    start(f, 0, 0);
    run_for(f, 100 * MINUTE_MS);
    assert_int_equal(count(f, STORE_RUNS_AGED), 10);
    assert_int_equal(count(f, STORE_INCIDENTS_AGED), 2);
    f->flow = flow_free(f->flow);
    start(f, 0, DAY_MS);
    run_for(f, 17 * MINUTE_MS);
    assert_int_equal(count(f, STORE_RUNS_AGED), 10);
    left(f, STORE_INCIDENTS_AGED, "2");
}

/* More of them than a chunk holds stand before what is too old. */
static void times_without_sense_hide_nothing(void **state)
{
    struct fixture *f = *state;
    add_runs(f, 1, 700, 1, "2099-01-01 00:00:00");
    by_hand(f, "UPDATE MonitorRuns SET startedDt = 'tomorrow' WHERE id BETWEEN 101 AND 200");
    by_hand(f, "UPDATE MonitorRuns SET startedDt = NULL WHERE id BETWEEN 201 AND 300");
    add_runs(f, 701, 10, 1, "2020-01-01 00:00:00"); /* late, of a spool, among young ones */
    add_runs(f, 711, 490, 1, "2026-02-28 00:00:00");
    add_runs(f, 1201, 10, 1, "2020-01-01 00:00:00");
    add_runs(f, 1211, 1, 1, "2026-02-28 00:00:00");
    start(f, 90 * DAY_MS, 0);
    run_for(f, 17 * MINUTE_MS);
    assert_int_equal(count(f, STORE_RUNS_AGED), 1191);
    expect_record(f, 1, "\"runs\":20}");
}

static void a_store_in_trouble_is_asked_again(void **state)
{
    static const enum store_fate fates[] = {STORE_FATE_AGAIN, STORE_FATE_CONFLICT, STORE_FATE_FULL,
                                            STORE_FATE_UNKNOWN_LOST, STORE_FATE_UNKNOWN_KEPT};
    struct fixture *f = *state;
    for (size_t i = 0; i < TEST_COUNT(fates); i++) {
        by_hand(f, "DELETE FROM MonitorRuns");
        add_runs(f, 1, 600, 1, "2020-01-01 00:00:00");
        add_runs(f, 601, 1, 1, "2026-02-28 00:00:00");
        start(f, 90 * DAY_MS, 0);
        pass(f, 14 * MINUTE_MS);
        f->fate = fates[i]; /* of the first chunk */
        run_for(f, 3 * MINUTE_MS);
        left(f, STORE_RUNS_AGED, "601");
        expect_record(f, i + 1, "\"runs\":600}");
        f->flow = flow_free(f->flow);
    }
}

static void a_stepped_clock_waits_again(void **state)
{
    struct fixture *f = *state;
    add_runs(f, 1, 10, 1, "2026-02-01 00:00:00");
    start(f, 90 * DAY_MS, 0);
    run_for(f, 20 * MINUTE_MS);
    f->passed_ms += 1000 * DAY_MS;
    flow_clock_stepped(f->flow, 1000 * DAY_MS);
    run_for(f, 14 * MINUTE_MS);
    assert_int_equal(count(f, STORE_RUNS_AGED), 10);
    run_for(f, 3 * MINUTE_MS);
    assert_int_equal(count(f, STORE_RUNS_AGED), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(old_runs_go_in_chunks),
        CASE(newest_stay_and_numbers_go_on),
        CASE(what_is_not_over_stays),
        CASE(what_may_be_reopened_stays),
        CASE(zero_keeps_for_ever),
        CASE(times_without_sense_hide_nothing),
        CASE(a_store_in_trouble_is_asked_again),
        CASE(a_stepped_clock_waits_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
