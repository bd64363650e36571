#ifndef RUNNER_SPOOL_DB_H
#define RUNNER_SPOOL_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

/* The SQLite file under the spool: its schema, its prepared statements, its errors as sentences. No
 * policy; spool.c is its only user, besides the salvage of a damaged file. */
struct spool_db;

/* The statements. Each comment lists the bound values, then the columns. */
enum spool_db_query {
    SPOOL_BEGIN,
    SPOOL_COMMIT,
    SPOOL_ROLLBACK,
    SPOOL_META_GET,       /* key -> value */
    SPOOL_META_PUT,       /* key, value */
    SPOOL_RESULT_ADD,     /* seq, monitor, is_ok, is_repeat, created, body */
    SPOOL_RESULT_NEXT,    /* above, upto -> seq, monitor, body */
    SPOOL_RESULT_BEFORE,  /* below -> seq */
    SPOOL_RESULT_FIGURES, /* acked -> pending, bytes */
    SPOOL_RESULT_FIRST,   /* above -> seq */
    SPOOL_RESULT_COUNT,   /* above -> count */
    SPOOL_LATEST_GET,     /* monitor -> is_ok */
    SPOOL_LATEST_PUT,     /* monitor, seq, is_ok */
    SPOOL_DROP_UPTO,      /* upto, count -> seq, bytes of each that went */
    SPOOL_DROP_REPEATS,   /* above, count -> the same */
    SPOOL_DROP_OLDEST,    /* above, count -> the same */
    SPOOL_DROP_OLD,       /* above, created_before, count -> the same */
    SPOOL_ACK_ADD,        /* seq, at */
    SPOOL_ACK_LAST,       /* -> seq, at */
    SPOOL_ACK_BEFORE,     /* at -> seq */
    SPOOL_ACK_ABOVE_GONE, /* above */
    SPOOL_ACK_UNDER_GONE, /* below */
    SPOOL_RUN_ADD,        /* run, monitor, note */
    SPOOL_RUN_GONE,       /* run */
    SPOOL_RUN_ALL,        /* -> run, monitor, note */
    SPOOL_ASSIGN_PUT,     /* monitor, body */
    SPOOL_ASSIGN_GONE,    /* monitor */
    SPOOL_ASSIGN_CLEAR,
    SPOOL_ASSIGN_ALL,   /* -> monitor, body */
    SPOOL_SALVAGE_UP,   /* above -> seq, monitor, is_ok, created, body; upwards */
    SPOOL_SALVAGE_DOWN, /* above -> the same, downwards */
    SPOOL_QUERY_COUNT_,
};

/* Open a file and bring its schema up.
 * Shape:  path or ":memory:"; is_salvage opens an existing damaged file, checks and changes nothing.
 * Units:  none.
 * Owns:   the caller closes with spool_db_close, which returns NULL.
 * Errors: TC_ECORRUPT damaged, TC_EVERSION newer, TC_EPERM, TC_ENOSPC, TC_EIO. */
int spool_db_open(const char *path, bool is_salvage, struct spool_db **ret_db, struct err *err);
struct spool_db *spool_db_close(struct spool_db *db);
void spool_db_closep(struct spool_db **db);

/* Run a query: start it with its whole numbers, add a text where it has one (bound behind them), step
 * through its rows, read columns. A query is started again only after its last step.
 * Shape:  spool_db_step gives TC_OK for a row, TC_ENOENT at the end; spool_db_done stops earlier.
 * Units:  none.
 * Owns:   column bytes are borrowed until the next step; bound text until the last one.
 * Errors: TC_ECORRUPT, TC_ENOSPC, TC_EIO. */
void spool_db_start(struct spool_db *db, enum spool_db_query query, const int64_t *values,
                    size_t count);
void spool_db_text(struct spool_db *db, enum spool_db_query query, const char *text, size_t size);
int spool_db_step(struct spool_db *db, enum spool_db_query query, struct err *err);
void spool_db_done(struct spool_db *db, enum spool_db_query query);
int64_t spool_db_i64(struct spool_db *db, enum spool_db_query query, int column);
const char *spool_db_bytes(struct spool_db *db, enum spool_db_query query, int column,
                           size_t *ret_size);

/* Run a query that gives no rows, with at most five whole numbers.
 * Shape:  SPOOL_DB_RUN(db, query, err, values...).
 * Units:  none.
 * Owns:   nothing.
 * Errors: as spool_db_step; TC_OK at the end. */
int spool_db_run(struct spool_db *db, enum spool_db_query query, const int64_t *values,
                 size_t count, struct err *err);
#define SPOOL_DB_RUN(db, query, err, ...)                       \
    spool_db_run((db), (query), (const int64_t[]){__VA_ARGS__}, \
                 sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (err))

/* The first column of the only row, or fallback.
 * Shape:  as spool_db_run.
 * Units:  none.
 * Owns:   nothing.
 * Errors: as spool_db_step. */
int spool_db_get(struct spool_db *db, enum spool_db_query query, int64_t value, int64_t fallback,
                 int64_t *ret_value, struct err *err);

/* Walk through the journal of runs, and the assignments, as spool_runs and spool_assigned do.
 * Shape:  fn may not use db.
 * Units:  none.
 * Owns:   fn borrows.
 * Errors: as spool_db_step. */
typedef void (*spool_db_run_fn)(void *ctx, uint64_t run, uint32_t monitor, const char *note);
typedef void (*spool_db_assignment_fn)(void *ctx, uint32_t monitor, const char *body, size_t size);
int spool_db_each_run(struct spool_db *db, spool_db_run_fn fn, void *ctx, struct err *err);
int spool_db_each_assignment(struct spool_db *db, spool_db_assignment_fn fn, void *ctx,
                             struct err *err);

#endif
