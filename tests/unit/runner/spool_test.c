/* The spool's promises: numbers never come twice, what was committed survives, the limits drop what
 * matters least, a damaged file gives back what can be read. */
#include "runner/spool.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/sys/file.h"
#include "tests/support/test.h"

enum {
    HOUR_MS = 3600 * 1000,
    NOW = 1000 * 1000,
};

static const struct spool_limits limits = {
    .bytes_max = 1024 * 1024, .age_ms_max = 7LL * 24 * HOUR_MS, .grace_ms = HOUR_MS};

static char dir[64];
static char path[96];

static int setup(void **state)
{
    (void)state;
    (void)strcpy(dir, "/tmp/tocsin-spool-XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/spool.db", dir);
    return 0;
}

static int teardown(void **state)
{
    char command[128];
    (void)state;
    (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command);
}

static struct spool *open_spool(const char *where, const struct spool_limits *with)
{
    struct spool *spool = NULL;
    struct spool_opening opening;
    struct err err = ERR_INIT;
    if (spool_open(where, with, NOW, &spool, &opening, &err) != TC_OK) {
        fail_msg("%s", err.text);
    }
    return spool;
}

static uint64_t append(struct spool *spool, uint32_t monitor, bool is_ok, const char *json)
{
    struct spool_body body = {.json = json, .size = strlen(json), .created_utc_ms = NOW};
    uint64_t seq = 0;
    struct err err = ERR_INIT;
    if (spool_append(spool, monitor, is_ok, &body, &seq, &err) != TC_OK) {
        fail_msg("%s", err.text);
    }
    return seq;
}

static void commit(struct spool *spool, int64_t now_utc_ms)
{
    struct err err = ERR_INIT;
    if (spool_commit(spool, now_utc_ms, &err) != TC_OK) {
        fail_msg("%s", err.text);
    }
}

static struct spool_stats stats(struct spool *spool)
{
    struct spool_stats figures;
    assert_int_equal(spool_stats(spool, &figures, NULL), TC_OK);
    return figures;
}

static void test_numbers_and_order(void **state)
{
    (void)state;
    TC_CLEANUP(spool_closep) struct spool *spool = open_spool(":memory:", &limits);
    struct spool_result result;
    assert_int_equal(append(spool, 7, true, "{\"a\":1}"), 1);
    assert_int_equal(append(spool, 8, false, "{\"a\":2}"), 2);
    /* nothing may be published before its commit */
    assert_int_equal(spool_next(spool, 0, &result, NULL), TC_ENOENT);
    commit(spool, NOW);
    assert_int_equal(spool_next(spool, 0, &result, NULL), TC_OK);
    assert_int_equal(result.seq, 1);
    assert_int_equal(result.prev, 0);
    assert_int_equal(result.monitor, 7);
    assert_int_equal(result.body_size, 7);
    assert_memory_equal(result.body, "{\"a\":1}", 7);
    assert_int_equal(spool_next(spool, 1, &result, NULL), TC_OK);
    assert_int_equal(result.seq, 2);
    assert_int_equal(result.prev, 1);
    assert_int_equal(spool_next(spool, 2, &result, NULL), TC_ENOENT);
}

static void test_survives_reopening(void **state)
{
    (void)state;
    struct spool *spool = open_spool(path, &limits);
    uint64_t id = stats(spool).id;
    assert_true(id > 0);
    append(spool, 1, true, "{}");
    append(spool, 1, false, "{}");
    commit(spool, NOW);
    assert_int_equal(spool_ack(spool, 1, NOW, NULL), TC_OK);
    append(spool, 1, true, "{}");
    commit(spool, NOW);
    append(spool, 1, true, "{}"); /* never committed */
    spool = spool_close(spool);
    TC_CLEANUP(spool_closep) struct spool *again = open_spool(path, &limits);
    struct spool_stats figures = stats(again);
    assert_int_equal(figures.id, id);
    assert_int_equal(figures.first, 1);
    assert_int_equal(figures.last, 3);
    assert_int_equal(figures.acked, 1);
    assert_int_equal(figures.pending, 2);
    assert_int_equal(append(again, 1, true, "{}"), 4);
}

static void test_rollback_forgets(void **state)
{
    (void)state;
    TC_CLEANUP(spool_closep) struct spool *spool = open_spool(":memory:", &limits);
    append(spool, 1, true, "{}");
    commit(spool, NOW);
    append(spool, 1, true, "{}");
    assert_int_equal(spool_rollback(spool, NULL), TC_OK);
    assert_int_equal(stats(spool).pending, 1);
    assert_int_equal(append(spool, 1, true, "{}"), 2);
}

static void test_acknowledged_results_stay_for_their_grace(void **state)
{
    (void)state;
    TC_CLEANUP(spool_closep) struct spool *spool = open_spool(":memory:", &limits);
    struct spool_result result;
    append(spool, 1, true, "{}");
    append(spool, 1, true, "{}");
    commit(spool, NOW);
    assert_int_equal(spool_ack(spool, 2, NOW, NULL), TC_OK);
    append(spool, 1, true, "{}");
    commit(spool, NOW + HOUR_MS - 1);
    assert_int_equal(spool_next(spool, 0, &result, NULL), TC_OK);
    assert_int_equal(result.seq, 1);
    append(spool, 1, true, "{}");
    commit(spool, NOW + HOUR_MS + 10 * 1000 + 1);
    assert_int_equal(spool_next(spool, 0, &result, NULL), TC_OK);
    assert_int_equal(result.seq, 3);
    assert_int_equal(result.prev, 0);
    assert_int_equal(stats(spool).dropped, 0);
}

static void test_a_mark_that_went_back_makes_results_pending_again(void **state)
{
    (void)state;
    TC_CLEANUP(spool_closep) struct spool *spool = open_spool(":memory:", &limits);
    for (int i = 0; i < 10; i++) {
        append(spool, 1, true, "{}");
    }
    commit(spool, NOW);
    assert_int_equal(spool_ack(spool, 5, NOW, NULL), TC_OK);
    assert_int_equal(spool_ack(spool, 9, NOW, NULL), TC_OK);
    assert_int_equal(stats(spool).pending, 1);
    assert_int_equal(spool_ack(spool, 3, NOW, NULL), TC_OK);
    assert_int_equal(stats(spool).pending, 7);
    /* after the grace of the first acknowledgements, what they covered must still be there */
    append(spool, 1, false, "{}");
    commit(spool, NOW + HOUR_MS / 2);
    append(spool, 1, false, "{}");
    commit(spool, NOW + 2 * HOUR_MS);
    struct spool_result result;
    assert_int_equal(spool_next(spool, 3, &result, NULL), TC_OK);
    assert_int_equal(result.seq, 4);
    assert_int_equal(spool_ack(spool, 999, NOW, NULL), TC_OK);
    assert_int_equal(stats(spool).acked, 3);
}

static void test_overflow_drops_repeats_first(void **state)
{
    (void)state;
    static const struct spool_limits small = {
        .bytes_max = 50 * 100, .age_ms_max = 7LL * 24 * HOUR_MS, .grace_ms = HOUR_MS};
    TC_CLEANUP(spool_closep) struct spool *spool = open_spool(":memory:", &small);
    char json[101];
    memset(json, ' ', 100);
    memcpy(json, "{}", 2);
    json[100] = '\0';
    uint64_t first_ok = append(spool, 1, true, json);
    uint64_t lonely = append(spool, 2, false, json); /* the only one of its monitor */
    for (int i = 0; i < 200; i++) {
        append(spool, 1, true, json);
    }
    uint64_t fails = append(spool, 1, false, json);
    for (int i = 0; i < 200; i++) {
        append(spool, 1, false, json);
    }
    uint64_t last = append(spool, 1, false, json);
    commit(spool, NOW);
    struct spool_stats figures = stats(spool);
    assert_true(figures.bytes <= small.bytes_max);
    assert_true(figures.dropped > 300);
    assert_int_equal(figures.pending + figures.dropped, 404);
    bool has_first_ok = false;
    bool has_lonely = false;
    bool has_fails = false;
    bool has_last = false;
    struct spool_result result = {.seq = 0};
    uint64_t before = 0;
    while (spool_next(spool, result.seq, &result, NULL) == TC_OK) {
        assert_int_equal(result.prev, before);
        before = result.seq;
        has_first_ok = has_first_ok || result.seq == first_ok;
        has_lonely = has_lonely || result.seq == lonely;
        has_fails = has_fails || result.seq == fails;
        has_last = has_last || result.seq == last;
    }
    assert_true(has_first_ok);
    assert_true(has_lonely);
    assert_true(has_fails);
    assert_true(has_last);
}

static void test_latest_of_each_monitor_is_never_dropped(void **state)
{
    (void)state;
    static const struct spool_limits tiny = {
        .bytes_max = 100, .age_ms_max = HOUR_MS, .grace_ms = HOUR_MS};
    TC_CLEANUP(spool_closep) struct spool *spool = open_spool(":memory:", &tiny);
    for (uint32_t i = 1; i <= 300; i++) {
        append(spool, i % 100, i % 3 == 0, "{\"some\":\"text\"}");
    }
    commit(spool, NOW);
    commit(spool, NOW + 2 * HOUR_MS);
    append(spool, 0, true, "{}");
    commit(spool, NOW + 2 * HOUR_MS);
    uint64_t count = 0;
    struct spool_result result = {.seq = 0};
    while (spool_next(spool, result.seq, &result, NULL) == TC_OK) {
        count++;
    }
    assert_int_equal(count, 100);
    assert_int_equal(stats(spool).dropped, 201);
}

static void test_old_results_go_with_a_count(void **state)
{
    (void)state;
    TC_CLEANUP(spool_closep) struct spool *spool = open_spool(":memory:", &limits);
    append(spool, 1, true, "{}");
    append(spool, 1, false, "{}");
    append(spool, 1, true, "{}");
    commit(spool, NOW);
    append(spool, 2, true, "{}");
    commit(spool, NOW + limits.age_ms_max + 1);
    assert_int_equal(stats(spool).dropped, 2);
}

static void test_renewal_keeps_what_is_pending(void **state)
{
    (void)state;
    TC_CLEANUP(spool_closep) struct spool *spool = open_spool(":memory:", &limits);
    append(spool, 1, true, "{}");
    append(spool, 1, false, "{}");
    commit(spool, NOW);
    assert_int_equal(spool_ack(spool, 1, NOW, NULL), TC_OK);
    uint64_t id = stats(spool).id;
    assert_int_equal(spool_renew(spool, NOW, NULL), TC_OK);
    struct spool_result result;
    assert_int_not_equal(stats(spool).id, id);
    assert_int_equal(stats(spool).acked, 0);
    assert_int_equal(spool_next(spool, 0, &result, NULL), TC_OK);
    assert_int_equal(result.seq, 2);
    assert_int_equal(result.prev, 0);
}

struct seen {
    int count;
    uint64_t run;
    uint32_t monitor;
    char text[64];
};

static void see_run(void *ctx, uint64_t run, uint32_t monitor, const char *note)
{
    struct seen *seen = ctx;
    seen->count++;
    seen->run = run;
    seen->monitor = monitor;
    (void)snprintf(seen->text, sizeof(seen->text), "%s", note);
}

static void see_assignment(void *ctx, uint32_t monitor, const char *body, size_t size)
{
    struct seen *seen = ctx;
    seen->count++;
    seen->monitor = monitor;
    (void)snprintf(seen->text, sizeof(seen->text), "%.*s", (int)size, body);
}

static void test_journal_and_assignments_survive(void **state)
{
    (void)state;
    struct spool *spool = open_spool(path, &limits);
    assert_int_equal(spool_run_started(spool, 11, 1, "{\"at\":1}", NULL), TC_OK);
    assert_int_equal(spool_run_started(spool, 12, 2, "{\"at\":2}", NULL), TC_OK);
    assert_int_equal(spool_run_ended(spool, 11, NULL), TC_OK);
    assert_int_equal(spool_assign(spool, 5, "{\"x\":1}", 7, NULL), TC_OK);
    assert_int_equal(spool_assign(spool, 5, "{\"x\":2}", 7, NULL), TC_OK);
    assert_int_equal(spool_assign(spool, 6, "{}", 2, NULL), TC_OK);
    assert_int_equal(spool_assign(spool, 6, NULL, 0, NULL), TC_OK);
    commit(spool, NOW);
    spool = spool_close(spool);
    spool = open_spool(path, &limits);
    struct seen runs = {.count = 0};
    struct seen assigned = {.count = 0};
    assert_int_equal(spool_runs(spool, see_run, &runs, NULL), TC_OK);
    assert_int_equal(spool_assigned(spool, see_assignment, &assigned, NULL), TC_OK);
    assert_int_equal(runs.count, 1);
    assert_int_equal(runs.run, 12);
    assert_string_equal(runs.text, "{\"at\":2}");
    assert_int_equal(assigned.count, 1);
    assert_string_equal(assigned.text, "{\"x\":2}");
    assert_int_equal(spool_assign_clear(spool, NULL), TC_OK);
    assigned.count = 0;
    assert_int_equal(spool_assigned(spool, see_assignment, &assigned, NULL), TC_OK);
    assert_int_equal(assigned.count, 0);
    spool = spool_close(spool);
}

static void test_second_opening_is_refused(void **state)
{
    (void)state;
    TC_CLEANUP(spool_closep) struct spool *spool = open_spool(path, &limits);
    assert_non_null(spool);
    struct spool *second = NULL;
    struct spool_opening opening;
    struct err err = ERR_INIT;
    assert_int_equal(spool_open(path, &limits, NOW, &second, &opening, &err), TC_EEXIST);
    assert_non_null(strstr(err.text, "spool.db"));
}

static void test_newer_format_is_refused(void **state)
{
    char command[256];
    (void)state;
    struct spool *spool = open_spool(path, &limits);
    spool = spool_close(spool);
    (void)snprintf(command, sizeof(command),
                   "/usr/bin/python3 -c 'import sqlite3; c=sqlite3.connect(\"%s\"); "
                   "c.execute(\"PRAGMA user_version=2\"); c.commit()'",
                   path);
    assert_int_equal(system(command), 0);
    struct spool_opening opening;
    struct err err = ERR_INIT;
    assert_int_equal(spool_open(path, &limits, NOW, &spool, &opening, &err), TC_EVERSION);
    assert_int_equal(access(path, F_OK), 0);
}

/* --- Damage ----------------------------------------------------------------------------------- */

enum {
    FILL_COUNT = 400,
};

/* A file of several dozen pages, closed, so that its WAL is part of it. */
static void fill(void)
{
    struct spool *spool = open_spool(path, &limits);
    char json[200];
    for (int i = 0; i < FILL_COUNT; i++) {
        (void)snprintf(json, sizeof(json), "{\"number\":%d,\"text\":\"%0100d\"}", i, i);
        append(spool, (uint32_t)i % 7, i % 5 != 0, json);
    }
    commit(spool, NOW);
    spool = spool_close(spool);
}

static uint64_t count_results(struct spool *spool)
{
    uint64_t count = 0;
    struct spool_result result = {.seq = 0};
    while (spool_next(spool, result.seq, &result, NULL) == TC_OK) {
        count++;
    }
    return count;
}

static void remove_all(void)
{
    char command[160];
    (void)snprintf(command, sizeof(command), "rm -f %s/*", dir);
    assert_int_equal(system(command), 0);
}

static void test_damage_in_the_middle_is_salvaged(void **state)
{
    (void)state;
    struct stat st;
    fill();
    assert_int_equal(stat(path, &st), 0);
    off_t pages = st.st_size / 4096;
    assert_true(pages > 12);
    uint64_t most = 0;
    for (off_t page = 0; page < pages; page += 3) {
        remove_all();
        fill();
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        char junk[4096];
        memset(junk, 0x5a, sizeof(junk));
        assert_int_equal(pwrite(fd, junk, sizeof(junk), page * 4096), sizeof(junk));
        assert_int_equal(close(fd), 0);
        struct spool *spool = NULL;
        struct spool_opening opening;
        struct err err = ERR_INIT;
        if (spool_open(path, &limits, NOW, &spool, &opening, &err) != TC_OK) {
            fail_msg("page %ld: %s", (long)page, err.text);
        }
        uint64_t count = count_results(spool);
        if (opening.was_damaged) {
            assert_int_equal(access(opening.set_aside, F_OK), 0);
            assert_int_equal(count, opening.salvaged);
            most = count > most ? count : most;
        } else {
            assert_int_equal(count, FILL_COUNT);
        }
        append(spool, 1, true, "{}");
        commit(spool, NOW);
        spool = spool_close(spool);
    }
    assert_true(most > FILL_COUNT / 2);
}

static void test_file_cut_at_each_page(void **state)
{
    (void)state;
    struct stat st;
    fill();
    assert_int_equal(stat(path, &st), 0);
    for (off_t size = 0; size < st.st_size; size += 4096 * 2) {
        remove_all();
        fill();
        assert_int_equal(truncate(path, size), 0);
        TC_CLEANUP(spool_closep) struct spool *spool = open_spool(path, &limits);
        append(spool, 1, true, "{}");
        commit(spool, NOW);
        assert_true(count_results(spool) >= 1);
    }
}

/* A power cut leaves a WAL of any length: what is whole in it is there, nothing is damaged. */
static void test_wal_cut_at_each_offset(void **state)
{
    (void)state;
    char wal[128];
    char wal_copy[128];
    char db_copy[128];
    char command[512];
    (void)snprintf(wal, sizeof(wal), "%s-wal", path);
    (void)snprintf(wal_copy, sizeof(wal_copy), "%s/copy-wal", dir);
    (void)snprintf(db_copy, sizeof(db_copy), "%s/copy", dir);
    struct spool *spool = open_spool(path, &limits);
    for (int i = 0; i < 6; i++) {
        append(spool, 1, true, "{}");
        commit(spool, NOW);
    }
    struct stat st;
    assert_int_equal(stat(wal, &st), 0);
    assert_true(st.st_size > 0);
    (void)snprintf(command, sizeof(command), "cp %s %s && cp %s %s", wal, wal_copy, path, db_copy);
    assert_int_equal(system(command), 0);
    spool = spool_close(spool);
    uint64_t before = UINT64_MAX;
    /* every byte of the last frames is too many for one test: a prime step meets all positions in
     * a page over the length of the file */
    for (off_t size = st.st_size; size >= 0; size -= 509) {
        remove(path);
        (void)snprintf(command, sizeof(command), "cp %s %s && cp %s %s && rm -f %s-shm", wal_copy,
                       wal, db_copy, path, path);
        assert_int_equal(system(command), 0);
        assert_int_equal(truncate(wal, size), 0);
        struct spool_opening opening;
        struct err err = ERR_INIT;
        if (spool_open(path, &limits, NOW, &spool, &opening, &err) != TC_OK) {
            fail_msg("%ld bytes: %s", (long)size, err.text);
        }
        assert_false(opening.was_damaged);
        uint64_t count = count_results(spool);
        assert_true(count <= 6);
        assert_true(count <= before);
        assert_int_equal(append(spool, 1, true, "{}"), count + 1);
        before = count;
        spool = spool_close(spool);
    }
    assert_int_equal(before, 0);
}

static void test_garbage_file_is_set_aside(void **state)
{
    (void)state;
    assert_int_equal(file_write(path, 0600, "this is no database, not at all", 31, NULL), TC_OK);
    struct spool *spool = NULL;
    struct spool_opening opening;
    struct err err = ERR_INIT;
    if (spool_open(path, &limits, NOW, &spool, &opening, &err) != TC_OK) {
        fail_msg("%s", err.text);
    }
    assert_true(opening.was_damaged);
    assert_int_equal(opening.salvaged, 0);
    assert_int_equal(access(opening.set_aside, F_OK), 0);
    spool = spool_close(spool);
}

static void test_directory_that_can_not_be_made(void **state)
{
    (void)state;
    struct spool *spool = NULL;
    struct spool_opening opening;
    struct err err = ERR_INIT;
    assert_int_not_equal(spool_open("/proc/no/spool.db", &limits, NOW, &spool, &opening, &err),
                         TC_OK);
    assert_true(strlen(err.text) > 10);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_and_order),
        IN_DIR(test_survives_reopening),
        cmocka_unit_test(test_rollback_forgets),
        cmocka_unit_test(test_acknowledged_results_stay_for_their_grace),
        cmocka_unit_test(test_a_mark_that_went_back_makes_results_pending_again),
        cmocka_unit_test(test_overflow_drops_repeats_first),
        cmocka_unit_test(test_latest_of_each_monitor_is_never_dropped),
        cmocka_unit_test(test_old_results_go_with_a_count),
        cmocka_unit_test(test_renewal_keeps_what_is_pending),
        IN_DIR(test_journal_and_assignments_survive),
        IN_DIR(test_second_opening_is_refused),
        IN_DIR(test_newer_format_is_refused),
        IN_DIR(test_damage_in_the_middle_is_salvaged),
        IN_DIR(test_file_cut_at_each_page),
        IN_DIR(test_wal_cut_at_each_offset),
        IN_DIR(test_garbage_file_is_set_aside),
        cmocka_unit_test(test_directory_that_can_not_be_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
