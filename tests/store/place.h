#ifndef TESTS_STORE_PLACE_H
#define TESTS_STORE_PLACE_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/store/store.h"
#include "tests/store/rows.h"
#include "tests/support/test.h"

/* A directory with a database in it, on a real disk. */
struct place {
    char dir[64];
    char path[96];
    struct store_config config;
};

/* Called once a migration step; the tests of files don't look. Trivial. */
static inline void place_step(void *ctx, const char *name, const char *sql)
{
    (void)ctx;
    (void)name;
    (void)sql;
}

/* Make an empty directory; with_database also a new database in it. Trivial. */
static inline void place_make(struct place *place, bool with_database)
{
    (void)snprintf(place->dir, sizeof place->dir, "/var/tmp/tocsin-place-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    (void)snprintf(place->path, sizeof place->path, "%s/t.db", place->dir);
    place->config = (struct store_config){.url = "sqlite:t.db", .dir = place->dir};
    if (with_database) {
        struct err err = ERR_INIT;
        if (store_migrate(&place->config, false, ROWS_NOW_UTC_MS, place_step, NULL, &err) !=
            TC_OK) {
            fail_msg("%s", err.text);
        }
    }
}

/* Remove the directory with everything in it. Trivial. */
static inline void place_remove(const struct place *place)
{
    DIR *dir = opendir(place->dir);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char path[400];
        (void)snprintf(path, sizeof path, "%s/%s", place->dir, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            assert_int_equal(remove(path), 0);
        }
    }
    assert_int_equal(closedir(dir), 0);
    assert_int_equal(remove(place->dir), 0);
}

/* Open it as a router; fails the test when that fails. Trivial. */
static inline struct store *place_open(const struct place *place)
{
    struct store *store = NULL;
    struct err err = ERR_INIT;
    if (store_open(&place->config, &store, &err) != TC_OK) {
        fail_msg("%s", err.text);
    }
    return store;
}

/* Count rows. Trivial. */
static inline int place_count_row(void *ctx, const void *row)
{
    (void)row;
    *(size_t *)ctx += 1;
    return TC_OK;
}

/* How many rows a view has. Trivial. */
static inline size_t place_count(struct store *store, enum store_view view, uint64_t id)
{
    size_t rows = 0;
    const struct store_filter filter = {.id = id};
    assert_int_equal(store_read(store, view, &filter, place_count_row, &rows, NULL), TC_OK);
    return rows;
}

/* Commit monitor 1 and its open incident 1. Trivial. */
static inline void place_seed(struct store *store)
{
    struct store_batch batch;
    struct store_conflicts conflicts;
    store_batch_init(&batch);
    struct store_monitor monitor = rows_monitor(1);
    monitor.uuid = "00000000-0000-4000-8000-000000000001";
    store_batch_monitor_add(&batch, &monitor);
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
    store_batch_incident_add(&batch, &incident);
    assert_int_equal(store_commit(store, &batch, &conflicts, NULL), TC_OK);
    store_batch_free(&batch);
}

/* Commit failing result number id of monitor 1, whose version is id. Trivial. */
static inline int place_fail(struct store *store, uint64_t id, struct err *err)
{
    struct store_batch batch;
    struct store_conflicts conflicts;
    char key[32];
    store_batch_init(&batch);
    struct store_monitor monitor = rows_monitor(1);
    monitor.version = id;
    (void)snprintf(key, sizeof key, "key-%llu", (unsigned long long)id);
    rows_failing(&batch, id, &monitor, 1, key);
    int code = store_commit(store, &batch, &conflicts, err);
    store_batch_free(&batch);
    return code;
}

/* How many failing results are there: the same number in every table, or the test fails. Trivial. */
static inline size_t place_failures(struct store *store)
{
    size_t runs = place_count(store, STORE_RUNS_OF_MONITOR, 1);
    assert_int_equal(place_count(store, STORE_NOTIFICATIONS, 0), runs);
    assert_int_equal(place_count(store, STORE_AUDIT, 0), runs);
    return runs;
}

#endif
