/* The file of the SQLite store: what is refused and how it is told, one router at a time, readers
 * beside it, and a router killed while it commits. */
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/sys/file.h"
#include "router/store/store.h"
#include "tests/store/place.h"

static void expect_refusal(const struct place *place, int expected, const char *told)
{
    struct store *store = NULL;
    struct err err = ERR_INIT;
    int code = store_open(&place->config, &store, &err);
    if (code != expected || strstr(err.text, told) == NULL) {
        fail_msg("%s, expected %s and '%s': %s", err_name(code), err_name(expected), told,
                 err.text);
    }
    assert_null(store);
}

static void missing_file_is_not_made(void **state)
{
    (void)state;
    struct place place;
    place_make(&place, false);
    expect_refusal(&place, TC_ENOENT, "tocsin migrate");
    assert_int_not_equal(access(place.path, F_OK), 0);
    place_remove(&place);
}

static void strange_files_are_refused_and_left_alone(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        int code;
        const char *told;
    } cases[] = {
        {"", TC_ECORRUPT, "is empty"},
        {"this is no database, but it is long enough to look at: 0123456789012345678901234567890123"
         "45678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
         TC_ECORRUPT, "restore it from a backup"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct place place;
        place_make(&place, false);
        size_t size = strlen(cases[i].content);
        assert_int_equal(file_write(place.path, 0640, cases[i].content, size, NULL), TC_OK);
        expect_refusal(&place, cases[i].code, cases[i].told);
        assert_int_not_equal(
            store_migrate(&place.config, false, ROWS_NOW_UTC_MS, place_step, NULL, NULL), TC_OK);
        struct stat info;
        assert_int_equal(stat(place.path, &info), 0);
        assert_int_equal(info.st_size, size);
        place_remove(&place);
    }
}

static void directory_is_refused(void **state)
{
    (void)state;
    struct place place;
    place_make(&place, false);
    assert_int_equal(mkdir(place.path, 0700), 0);
    expect_refusal(&place, TC_ECONFIG, "not a file");
    place_remove(&place);
}

static void truncated_file_is_refused(void **state)
{
    (void)state;
    struct place place;
    place_make(&place, true);
    assert_int_equal(truncate(place.path, 3 * 4096), 0);
    expect_refusal(&place, TC_ECORRUPT, "restore it from a backup");
    place_remove(&place);
}

static void sql_in_file(const struct place *place, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void foreign_database_is_refused(void **state)
{
    (void)state;
    struct place place;
    place_make(&place, false);
    sql_in_file(&place, "CREATE TABLE Monitors (id INTEGER)");
    expect_refusal(&place, TC_ECONFLICT, "Monitors");
    assert_int_equal(store_migrate(&place.config, false, ROWS_NOW_UTC_MS, place_step, NULL, NULL),
                     TC_ECONFLICT);
    place_remove(&place);
}

static void newer_and_changed_databases_are_refused(void **state)
{
    (void)state;
    struct place place;
    place_make(&place, true);
    sql_in_file(&place, "INSERT INTO SchemaMigrations (name, checksum, appliedDt)"
                        " VALUES ('2099-01-01 - Later', 'x', '2099-01-01 00:00:00.000')");
    expect_refusal(&place, TC_EVERSION, "newer");
    sql_in_file(&place, "DELETE FROM SchemaMigrations WHERE checksum = 'x';"
                        "UPDATE SchemaMigrations SET checksum = 'y'");
    expect_refusal(&place, TC_EVERSION, "use the tocsin that made it");
    place_remove(&place);
}

static void second_router_is_told_who_runs(void **state)
{
    (void)state;
    struct place place;
    place_make(&place, true);
    struct store *store = place_open(&place);
    char pid[24];
    (void)snprintf(pid, sizeof pid, "%d", (int)getpid());
    expect_refusal(&place, TC_EEXIST, pid);
    store = store_close(store);
    store = place_open(&place);
    assert_null(store_close(store));
    place_remove(&place);
}

static void migrating_again_changes_nothing(void **state)
{
    (void)state;
    struct place place;
    place_make(&place, true);
    struct store *store = place_open(&place);
    place_seed(store);
    store = store_close(store);
    assert_int_equal(store_migrate(&place.config, false, ROWS_NOW_UTC_MS, place_step, NULL, NULL),
                     TC_OK);
    store = place_open(&place);
    assert_int_equal(place_count(store, STORE_MONITORS, 0), 1);
    assert_null(store_close(store));
    place_remove(&place);
}

/* Held in the middle of its rows: the router goes on committing, the reader sees its own snapshot. */
static int commit_meanwhile(void *ctx, const void *row)
{
    (void)row;
    assert_int_equal(place_fail(ctx, 1, NULL), TC_OK);
    return TC_OK;
}

static void reader_does_not_hinder_the_router(void **state)
{
    (void)state;
    struct place place;
    place_make(&place, true);
    struct store *store = place_open(&place);
    place_seed(store);
    struct store *reader = NULL;
    assert_int_equal(store_open_reader(&place.config, &reader, NULL), TC_OK);
    assert_int_equal(store_read(reader, STORE_MONITORS, NULL, commit_meanwhile, store, NULL),
                     TC_OK);
    assert_int_equal(place_failures(reader), 1);
    reader = store_close(reader);
    struct store_stats stats;
    assert_int_equal(store_stats(store, &stats, NULL), TC_OK);
    assert_true(stats.file_bytes > 0 && stats.wal_bytes > 0 && stats.reserve_bytes > 0);
    assert_true(store_use_reserve(store));
    assert_false(store_use_reserve(store));
    assert_null(store_close(store));
    assert_int_equal(access(place.path, R_OK), 0);
    place_remove(&place);
}

/* Commits until it is killed; each number is written only after its commit. */
static _Noreturn void commit_for_ever(const struct place *place, int out)
{
    struct store *store = place_open(place);
    for (uint64_t id = 1;; id++) {
        if (place_fail(store, id, NULL) != TC_OK || write(out, &id, sizeof id) != sizeof id) {
            _exit(1);
        }
    }
}

static void killed_router_loses_nothing_acknowledged(void **state)
{
    (void)state;
    for (uint64_t acks = 1; acks <= 120; acks = acks * 3 + 1) {
        struct place place;
        place_make(&place, true);
        struct store *store = place_open(&place);
        place_seed(store);
        store = store_close(store);
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            commit_for_ever(&place, ends[1]);
        }
        assert_int_equal(close(ends[1]), 0);
        uint64_t id = 0;
        while (id < acks) {
            assert_int_equal(read(ends[0], &id, sizeof id), sizeof id);
        }
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        while (read(ends[0], &id, sizeof id) == sizeof id) {
        }
        assert_int_equal(close(ends[0]), 0);
        store = place_open(&place);
        size_t failures = place_failures(store);
        assert_true(failures == id || failures == id + 1);
        assert_null(store_close(store));
        place_remove(&place);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_file_is_not_made),
        cmocka_unit_test(strange_files_are_refused_and_left_alone),
        cmocka_unit_test(directory_is_refused),
        cmocka_unit_test(truncated_file_is_refused),
        cmocka_unit_test(foreign_database_is_refused),
        cmocka_unit_test(newer_and_changed_databases_are_refused),
        cmocka_unit_test(second_router_is_told_who_runs),
        cmocka_unit_test(migrating_again_changes_nothing),
        cmocka_unit_test(reader_does_not_hinder_the_router),
        cmocka_unit_test(killed_router_loses_nothing_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
