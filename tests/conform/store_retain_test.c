/* What retention needs of router/store, the same cases against every backend. */
#include <stdio.h>

#include "lib/base/mem.h"
#include "router/store/memory.h"
#include "router/store/store.h"
#include "tests/store/place.h"
#include "tests/store/rows.h"
#include "tests/support/test.h"

struct fixture {
    struct store *store;
    struct store_batch batch;
    struct store_conflicts conflicts;
    struct place place; /* of a backend with files; path empty: of none */
};

static int memory_setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    store_batch_init(&f->batch);
    assert_int_equal(store_open_memory(NULL, NULL, &f->store, NULL), TC_OK);
    *state = f;
    return 0;
}

static int sqlite_setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    store_batch_init(&f->batch);
    place_make(&f->place, true);
    f->store = place_open(&f->place);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    store_batch_free(&f->batch);
    f->store = store_close(f->store);
    if (f->place.path[0] != '\0') {
        place_remove(&f->place);
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

static size_t count(struct fixture *f, enum store_view view)
{
    return place_count(f->store, view, 0);
}

static void add_incident(struct fixture *f, uint64_t id, uint32_t monitor_id, enum core_end end,
                         int64_t closed_utc_ms)
{
    const struct store_incident incident = {.id = id,
                                            .monitor_id = monitor_id,
                                            .monitor_name = "Compass purchase orders",
                                            .end = end,
                                            .opened_utc_ms = ROWS_NOW_UTC_MS,
                                            .closed_utc_ms = closed_utc_ms,
                                            .notified_utc_ms = CORE_NEVER,
                                            .notified_scheduled_utc_ms = CORE_NEVER,
                                            .kept_ack_utc_ms = CORE_NEVER,
                                            .kept_ack_expires_utc_ms = CORE_NEVER,
                                            .told = "[]"};
    store_batch_incident_add(&f->batch, &incident);
}

struct aged {
    size_t count;
    struct store_aged rows[8];
};

static int keep_aged(void *ctx, const void *row)
{
    struct aged *aged = ctx;
    assert_true(aged->count < TEST_COUNT(aged->rows));
    aged->rows[aged->count++] = *(const struct store_aged *)row;
    return TC_OK;
}

static struct aged aged_after(struct fixture *f, enum store_view view, uint64_t id)
{
    struct aged aged = {.count = 0};
    const struct store_filter filter = {.after_id = id, .limit = 3};
    assert_int_equal(store_read(f->store, view, &filter, keep_aged, &aged, NULL), TC_OK);
    return aged;
}

static void remove_row(struct fixture *f, enum store_write write, uint64_t id)
{
    const struct store_key key = {.id = id};
    store_batch_add(&f->batch, write, &key);
    commit_as(f, TC_OK);
}

static void runs_show_their_age_and_go_by_key(void **state)
{
    struct fixture *f = *state;
    struct store_run run = rows_run(1, 1);
    store_batch_run_add(&f->batch, &run);
    run = rows_run(2, 1);
    run.started_utc_ms = CORE_NEVER;
    store_batch_run_add(&f->batch, &run);
    run = rows_run(3, 1);
    run.started_utc_ms = run.scheduled_utc_ms = CORE_NEVER;
    store_batch_run_add(&f->batch, &run);
    run = rows_run(4, 2);
    store_batch_run_add(&f->batch, &run);
    commit_as(f, TC_OK);
    struct aged aged = aged_after(f, STORE_RUNS_AGED, 0);
    assert_int_equal(aged.count, 3);
    assert_int_equal(aged.rows[0].id, 1);
    assert_int_equal(aged.rows[0].ended_utc_ms, ROWS_NOW_UTC_MS + 12);
    assert_int_equal(aged.rows[1].ended_utc_ms, ROWS_NOW_UTC_MS);
    assert_int_equal(aged.rows[1].born_utc_ms, ROWS_NOW_UTC_MS);
    assert_int_equal(aged.rows[2].ended_utc_ms, CORE_NEVER);
    assert_false(aged.rows[0].is_kept || aged.rows[1].is_kept);
    assert_true(aged.rows[2].is_kept); /* the newest of monitor 1 */
    aged = aged_after(f, STORE_RUNS_AGED, 3);
    assert_int_equal(aged.count, 1);
    assert_true(aged.rows[0].is_kept); /* the newest of monitor 2 */
    remove_row(f, STORE_RUN_REMOVE, 2);
    remove_row(f, STORE_RUN_REMOVE, 2); /* a hand was there before: no conflict */
    aged = aged_after(f, STORE_RUNS_AGED, 0);
    assert_int_equal(aged.rows[0].id, 1);
    assert_int_equal(aged.rows[1].id, 3);
}

static void add_ended(struct fixture *f, uint64_t id, uint32_t monitor_id)
{
    add_incident(f, id, monitor_id, CORE_END_RECOVERED, ROWS_NOW_UTC_MS + 60000);
}

static void add_notification(struct fixture *f, uint64_t id, uint64_t incident_id,
                             enum store_delivery status)
{
    char key[32];
    (void)snprintf(key, sizeof key, "key-%u", (unsigned)id);
    const struct store_notification row = {
        .id = id,
        .monitor_id = 1,
        .incident_id = incident_id,
        .kind = CORE_KIND_ALERT,
        .recipient = "email:ops@example.com",
        .key = key,
        .decided_utc_ms = ROWS_NOW_UTC_MS,
        .body = "{}",
        .status = status,
        .next_utc_ms = CORE_NEVER,
        .lease_utc_ms = CORE_NEVER,
        .finished_utc_ms = status == STORE_SENT ? ROWS_NOW_UTC_MS + 5 : CORE_NEVER};
    store_batch_notification_add(&f->batch, &row);
}

static void unfinished_and_open_never_go(void **state)
{
    struct fixture *f = *state;
    add_incident(f, 1, 1, CORE_END_OPEN, CORE_NEVER);
    add_ended(f, 2, 2);
    add_ended(f, 3, 2);
    add_notification(f, 1, 1, STORE_SENT);
    add_notification(f, 2, 2, STORE_SENT);
    add_notification(f, 3, 2, STORE_LEASED);
    commit_as(f, TC_OK);
    struct aged aged = aged_after(f, STORE_NOTIFICATIONS_AGED, 0);
    assert_int_equal(aged.count, 3);
    assert_int_equal(aged.rows[0].incident_id, 1);
    assert_true(aged.rows[0].is_kept); /* of an open incident */
    assert_false(aged.rows[1].is_kept);
    assert_int_equal(aged.rows[1].ended_utc_ms, ROWS_NOW_UTC_MS + 5);
    assert_int_equal(aged.rows[1].closed_utc_ms, ROWS_NOW_UTC_MS + 60000);
    assert_true(aged.rows[2].is_kept); /* unfinished */
    aged = aged_after(f, STORE_INCIDENTS_AGED, 0);
    assert_int_equal(aged.count, 3);
    assert_true(aged.rows[0].is_kept); /* open */
    assert_true(aged.rows[1].is_kept); /* it has notifications */
    assert_true(aged.rows[2].is_kept); /* the newest of its monitor */
    assert_int_equal(aged.rows[1].born_utc_ms, ROWS_NOW_UTC_MS);
    assert_int_equal(aged.rows[1].ended_utc_ms, ROWS_NOW_UTC_MS + 60000);
    remove_row(f, STORE_INCIDENT_REMOVE, 1);
    remove_row(f, STORE_INCIDENT_REMOVE, 2);
    remove_row(f, STORE_NOTIFICATION_REMOVE, 3);
    assert_int_equal(count(f, STORE_INCIDENTS), 3);
    assert_int_equal(count(f, STORE_NOTIFICATIONS), 3);
    const struct store_notification dead = {.id = 3,
                                            .status = STORE_DEAD,
                                            .next_utc_ms = CORE_NEVER,
                                            .lease_utc_ms = CORE_NEVER,
                                            .finished_utc_ms = CORE_NEVER};
    store_batch_notification_set(&f->batch, &dead);
    add_notification(f, 4, 3, STORE_DEAD);
    commit_as(f, TC_OK);
    aged = aged_after(f, STORE_NOTIFICATIONS_AGED, 1);
    assert_false(aged.rows[1].is_kept); /* not even that of id 3, which is finished now */
    assert_int_equal(aged.rows[1].ended_utc_ms, ROWS_NOW_UTC_MS); /* without end: decided */
    assert_true(aged.rows[2].is_kept); /* the newest: numbers go on from it */
    const struct store_key two = {.id = 2};
    const struct store_key three = {.id = 3};
    store_batch_notification_remove(&f->batch, &two);
    store_batch_notification_remove(&f->batch, &three);
    store_batch_incident_remove(&f->batch, &two);
    commit_as(f, TC_OK);
    aged = aged_after(f, STORE_INCIDENTS_AGED, 0);
    assert_int_equal(aged.count, 2);
    assert_int_equal(aged.rows[1].id, 3);
}

#define CASE(name, setup)                                  \
    {                                                      \
#name " (" #setup ")", name, setup, teardown, NULL \
    }
#define CASES(setup) \
    CASE(runs_show_their_age_and_go_by_key, setup), CASE(unfinished_and_open_never_go, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASES(memory_setup),
        CASES(sqlite_setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
