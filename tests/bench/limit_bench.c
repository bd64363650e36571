/* What this disk and SQLite allow for the rows of a flow_bench: the same rows again, into a fresh copy
 * of the same database, in as many commits, by plain prepared statements and nothing else; and what one
 * fdatasync of the same disk takes. Called by tests/bench/run: limit_bench FILLED FRESH COMMITS UPDATES.
 * Prints one JSON object. */
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/sys/clock.h"
#include "lib/sys/clock_real.h"

enum {
    SYNCS = 500,
    PAGE_BYTES = 4096,
    COLUMNS_MAX = 32,
};

struct table {
    const char *name;
    sqlite3_value **values; /* owned: row after row */
    size_t columns;
    size_t count;
    sqlite3_stmt *insert; /* owned */
};

static void must(sqlite3 *db, int status, int wanted)
{
    if (status != wanted) {
        (void)fprintf(stderr, "limit_bench: %s\n", sqlite3_errmsg(db));
        TC_ASSERT(status == wanted);
    }
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *text)
{
    sqlite3_stmt *statement = NULL;
    must(db, sqlite3_prepare_v2(db, text, -1, &statement, NULL), SQLITE_OK);
    return statement;
}

static void run(sqlite3 *db, const char *text)
{
    must(db, sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
}

static int64_t number_of(sqlite3 *db, const char *text)
{
    sqlite3_stmt *statement = prepare(db, text);
    must(db, sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement); /* tells the step's status again */
    return number;
}

/* All rows of a table in memory, so that the measurement only writes. */
static void read_table(sqlite3 *from, struct table *table)
{
    char text[128];
    (void)snprintf(text, sizeof(text), "SELECT count(*) FROM %s", table->name);
    size_t rows = (size_t)number_of(from, text);
    (void)snprintf(text, sizeof(text), "SELECT * FROM %s ORDER BY 1", table->name);
    sqlite3_stmt *statement = prepare(from, text);
    table->columns = (size_t)sqlite3_column_count(statement);
    TC_ASSERT(table->columns <= COLUMNS_MAX);
    table->values = mem_alloc((rows * table->columns + 1) * sizeof(sqlite3_value *));
    while (table->count < rows && sqlite3_step(statement) == SQLITE_ROW) {
        for (size_t i = 0; i < table->columns; i++) {
            table->values[table->count * table->columns + i] =
                sqlite3_value_dup(sqlite3_column_value(statement, (int)i));
        }
        table->count++;
    }
    (void)sqlite3_finalize(statement); /* tells the step's status again */
}

static void prepare_insert(sqlite3 *to, struct table *table)
{
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, 512);
    buf_add_fmt(&text, "INSERT OR IGNORE INTO %s VALUES (", table->name);
    for (size_t i = 0; i < table->columns; i++) {
        buf_add_str(&text, i == 0 ? "?" : ",?");
    }
    buf_add_str(&text, ")");
    table->insert = prepare(to, text.p);
}

static void insert_row(sqlite3 *to, const struct table *table, size_t row)
{
    for (size_t i = 0; i < table->columns; i++) {
        must(to,
             sqlite3_bind_value(table->insert, (int)i + 1, table->values[row * table->columns + i]),
             SQLITE_OK);
    }
    must(to, sqlite3_step(table->insert), SQLITE_DONE);
    must(to, sqlite3_reset(table->insert), SQLITE_OK);
}

static void free_table(struct table *table)
{
    for (size_t i = 0; i < table->count * table->columns; i++) {
        sqlite3_value_free(table->values[i]);
    }
    mem_free(table->values);
    (void)sqlite3_finalize(table->insert); /* tells the step's status again */
}

/* The updates of Monitors belong to results, which come in an order of their own. */
static void update_monitors(sqlite3 *to, sqlite3_stmt *update, const struct table *runs,
                            uint64_t from, uint64_t until)
{
    for (uint64_t i = from; i < until && runs->count > 0; i++) {
        sqlite3_value **run = &runs->values[(i % runs->count) * runs->columns];
        must(to, sqlite3_bind_value(update, 1, run[4]), SQLITE_OK); /* startedDt */
        must(to, sqlite3_bind_value(update, 2, run[9]), SQLITE_OK); /* summary */
        must(to, sqlite3_bind_value(update, 3, run[1]), SQLITE_OK); /* monitorId */
        must(to, sqlite3_step(update), SQLITE_DONE);
        must(to, sqlite3_reset(update), SQLITE_OK);
    }
}

static int64_t write_all(sqlite3 *to, struct table *tables, size_t table_count, uint64_t commits,
                         uint64_t updates, const struct clock *clock)
{
    sqlite3_stmt *update = prepare(to, "UPDATE Monitors SET lastRunDt = ?, lastResultMessage = ?, "
                                       "version = version + 1 WHERE id = ?");
    sqlite3_stmt *cursor = prepare(to, "UPDATE Runners SET seq = seq + 1 WHERE id = 1");
    int64_t from_us = clock_mono_us(clock);
    for (uint64_t k = 0; k < commits; k++) {
        run(to, "BEGIN IMMEDIATE");
        for (size_t t = 0; t < table_count; t++) {
            size_t end = tables[t].count * (k + 1) / commits;
            for (size_t row = tables[t].count * k / commits; row < end; row++) {
                insert_row(to, &tables[t], row);
            }
        }
        update_monitors(to, update, &tables[0], updates * k / commits, updates * (k + 1) / commits);
        must(to, sqlite3_step(cursor), SQLITE_DONE);
        must(to, sqlite3_reset(cursor), SQLITE_OK);
        run(to, "COMMIT");
    }
    int64_t took_us = clock_mono_us(clock) - from_us;
    (void)sqlite3_finalize(update);
    (void)sqlite3_finalize(cursor);
    return took_us;
}

static int by_size(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* Append a page and make it durable, again and again. */
static void measure_syncs(const char *beside, const struct clock *clock, int64_t *ret_p50,
                          int64_t *ret_p99)
{
    char path[4096];
    static const char page[PAGE_BYTES];
    int64_t took_us[SYNCS];
    (void)snprintf(path, sizeof(path), "%s.syncs", beside);
    TC_CLEANUP(fd_closep) int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    TC_ASSERT(fd >= 0);
    for (size_t i = 0; i < SYNCS; i++) {
        int64_t from_us = clock_mono_us(clock);
        ssize_t written = write(fd, page, sizeof(page));
        TC_ASSERT(written == (ssize_t)sizeof(page));
        int status = fdatasync(fd);
        TC_ASSERT(status == 0);
        took_us[i] = clock_mono_us(clock) - from_us;
    }
    (void)unlink(path); /* the directory is removed anyway */
    qsort(took_us, SYNCS, sizeof(took_us[0]), by_size);
    *ret_p50 = took_us[SYNCS / 2];
    *ret_p99 = took_us[SYNCS * 99 / 100];
}

int main(int argc, char **argv)
{
    uint64_t commits = 0;
    uint64_t updates = 0;
    if (argc != 5 || parse_whole_u64(argv[3], UINT32_MAX, &commits) != TC_OK || commits == 0 ||
        parse_whole_u64(argv[4], UINT32_MAX, &updates) != TC_OK) {
        (void)fputs("usage: limit_bench FILLED FRESH COMMITS UPDATES\n", stderr);
        return 64;
    }
    TC_CLEANUP(clock_real_freep) struct clock_real *real = clock_real_new(NULL);
    const struct clock *clock = clock_real_clock(real);
    sqlite3 *from = NULL;
    sqlite3 *to = NULL;
    must(from, sqlite3_open_v2(argv[1], &from, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    must(to, sqlite3_open_v2(argv[2], &to, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    run(to, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; "
            "PRAGMA wal_autocheckpoint = 4000; PRAGMA foreign_keys = OFF");
    run(to, "INSERT OR IGNORE INTO Runners (id, name) VALUES (1, 'host7')");
    struct table tables[] = {{.name = "MonitorRuns"},
                             {.name = "Incidents"},
                             {.name = "Notifications"},
                             {.name = "AuditLog"}};
    const size_t count = sizeof(tables) / sizeof(tables[0]);
    for (size_t i = 0; i < count; i++) {
        read_table(from, &tables[i]);
        prepare_insert(to, &tables[i]);
    }
    int64_t sync_p50_us = 0;
    int64_t sync_p99_us = 0;
    measure_syncs(argv[2], clock, &sync_p50_us, &sync_p99_us);
    int64_t took_us = write_all(to, tables, count, commits, updates, clock);
    (void)printf("{\"runs\":%zu,\"incidents\":%zu,\"notifications\":%zu,\"audit\":%zu,"
                 "\"seconds\":%.6f,\"fdatasyncP50Us\":%" PRId64 ",\"fdatasyncP99Us\":%" PRId64
                 "}\n",
                 tables[0].count, tables[1].count, tables[2].count, tables[3].count,
                 (double)took_us / 1e6, sync_p50_us, sync_p99_us);
    for (size_t i = 0; i < count; i++) {
        free_table(&tables[i]);
    }
    (void)sqlite3_close(from); /* what it holds is dropped with the directory */
    (void)sqlite3_close(to);
    return 0;
}
