/* The sql check: finds the source, keeps its connection, asks, and has the answer judged. What rows
 * mean is sql_verdict.c's, how a database is asked the drivers'. Called through check_kinds. */
#include "monitors/sql.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/base/tz.h"
#include "lib/sys/clock.h"
#include "monitors/params.h"
#include "monitors/source.h"
#include "monitors/sql_driver.h"
#include "monitors/sql_guard.h"
#include "monitors/sql_verdict.h"

enum {
    KEPT_MAX = 16, /* sources with an open connection */
    ROWS_MAX = 1000,
    MODE_BYTES = 16,
    QUERY_LEFT_MS = 50, /* too little to begin again with */
};

struct kept {
    char name[SOURCE_NAME_BYTES];
    const struct sql_driver *driver;
    struct sql_session *session; /* owned; NULL: the place is free */
};

struct sql_pool {
    struct kept kept[KEPT_MAX];
    size_t next;            /* place to give up when all are taken */
    struct tz_cache *zones; /* owned */
};

struct sql_pool *sql_pool_new(void)
{
    struct sql_pool *pool = mem_alloc(sizeof(*pool));
    pool->zones = tz_cache_new(NULL);
    return pool;
}

static void drop(struct kept *kept)
{
    if (kept->session != NULL) {
        kept->session = kept->driver->close(kept->session);
    }
}

struct sql_pool *sql_pool_free(struct sql_pool *pool)
{
    if (pool != NULL) {
        for (size_t i = 0; i < KEPT_MAX; i++) {
            drop(&pool->kept[i]);
        }
        pool->zones = tz_cache_free(pool->zones);
        mem_free(pool);
    }
    return NULL;
}

/* The place of a source: its own, else a free one, else the next in turn. */
static struct kept *place_of(struct sql_pool *pool, const struct source *source)
{
    struct kept *place = NULL;
    for (size_t i = 0; i < KEPT_MAX; i++) {
        struct kept *one = &pool->kept[i];
        if (one->session != NULL && str_eq(one->name, source->name)) {
            return one;
        }
        if (one->session == NULL && place == NULL) {
            place = one;
        }
    }
    if (place == NULL) {
        place = &pool->kept[pool->next++ % KEPT_MAX];
        drop(place);
    }
    memcpy(place->name, source->name, sizeof(place->name));
    place->driver = source->engine == SOURCE_SQLITE ? &sql_driver_sqlite : &sql_driver_mysql;
    return place;
}

/* Ask on the kept connection; one that is gone is made anew, once. */
static int ask(const struct check_host *host, const struct source *source, struct sql_query *query,
               struct err *err)
{
    struct kept *kept = place_of(host->sql, source);
    int64_t end_us = clock_mono_us(host->clock) + query->limit_ms * 1000;
    bool was_kept = kept->session != NULL;
    int rc = TC_ECLOSED;
    if (was_kept) {
        rc = kept->driver->query(kept->session, query, err);
    }
    if (rc == TC_ECLOSED) {
        int64_t left_ms = (end_us - clock_mono_us(host->clock)) / 1000;
        drop(kept);
        if (left_ms < QUERY_LEFT_MS) {
            return err_set(err, TC_ETIMEDOUT, "the server did not answer within the time limit");
        }
        rc = kept->driver->open(source, host->config, host->clock, query->limit_ms, &kept->session,
                                err);
        if (rc != TC_OK) {
            return rc;
        }
        rc = kept->driver->query(kept->session, query, err);
    }
    if (rc != TC_OK && rc != TC_EINVAL && rc != TC_EPERM) {
        drop(kept);
    }
    if (rc == TC_OK && clock_mono_us(host->clock) > end_us) {
        /* MariaDB's BENCHMARK and SLEEP give a value when the limit ends them, and no error. */
        return err_set(err, TC_ETIMEDOUT, "the query was still running at its time limit");
    }
    return rc == TC_ENOSPC ? TC_OK : rc; /* the rows had enough */
}

static bool on_row(void *ctx, const struct sql_row *row)
{
    return sql_fold_row(ctx, row);
}

static enum sql_mode mode_of(const char *name)
{
    static const char *const names[] = {
        [SQL_MODE_VALUE] = "value",
        [SQL_MODE_COUNT] = "count",
        [SQL_MODE_ROWS] = "rows",
        [SQL_MODE_FRESHNESS] = "freshness",
    };
    enum sql_mode mode = SQL_MODE_VALUE;
    while (mode < SQL_MODE_FRESHNESS && !str_eq(names[mode], name)) {
        mode++;
    }
    return mode;
}

static void read_limits(const struct check_request *request, struct json_dec *d,
                        struct sql_limits *limits)
{
    limits->mode = mode_of(json_str(d, "mode", MODE_BYTES));
    limits->has_min = json_has(d, "min");
    limits->has_max = json_has(d, "max");
    limits->min = json_num_opt(d, "min", 0);
    limits->max = json_num_opt(d, "max", 0);
    limits->age_ms_max = params_duration(request->params, "maxAge");
    limits->rows_max = (size_t)json_i64_opt(d, "maxRows", 1, INT32_MAX, ROWS_MAX);
    limits->now_utc_ms = request->now_utc_ms;
    if (json_has(d, "equals")) {
        const struct json_value *equals = json_any(d, "equals");
        limits->has_number = json_type_of(equals) == JSON_NUMBER;
        limits->number = limits->has_number ? json_number(equals) : 0;
        limits->text = limits->has_number ? NULL : json_string(equals);
    }
}

static void run(const struct check_host *host, const struct check_request *request,
                struct check_result *result)
{
    struct err err = ERR_INIT;
    struct source source;
    struct json_dec d;
    json_dec_start(&d, request->params, "params", &err);
    const char *name = json_str(&d, "source", LIMIT_NAME_BYTES);
    const char *text = json_str(&d, "query", LIMIT_PARAMS_BYTES);
    if (source_find(host->config, name, &source, &err) != TC_OK) {
        check_fail(result, "%s", err.text);
        return;
    }
    const char *columns[PARAMS_STRINGS_MAX + 1];
    (void)params_strings(request->params, "messageColumns", columns); /* counts */
    struct sql_limits limits = {.source = source.name, .columns = columns};
    read_limits(request, &d, &limits);
    const char *zone = json_str_opt(&d, "timezone", LIMIT_ZONE_BYTES, source.zone);
    bool is_mysql = source.engine == SOURCE_MYSQL;
    if (tz_open(host->sql->zones, zone, &limits.zone, &err) != TC_OK ||
        sql_guard(text, is_mysql, &err) != TC_OK) {
        check_fail(result, "%s: %s", source.name, err.text);
        return;
    }
    TC_CLEANUP(sql_fold_freep) struct sql_fold fold;
    sql_fold_init(&fold, &limits);
    struct sql_query query = {
        .text = text, .limit_ms = request->limit_ms, .row = on_row, .ctx = &fold};
    if (ask(host, &source, &query, &err) != TC_OK) {
        check_fail(result, "%s: %s", source.name, err.text);
        return;
    }
    sql_judge(&fold, result);
}

const struct check_ops check_sql = {
    .kind = CHECKS_SQL,
    .name = "sql",
    .doc = "What one query says that only reads: a value, a number of rows, rows that must not be, "
           "or how fresh the newest row is.",
    .needs_config = true,
    .examples =
        {{"No purchase order has arrived for half an hour:",
          "{\"source\": \"orders\", \"mode\": \"freshness\", \"maxAge\": \"30m\", \"query\": "
          "\"SELECT MAX(created_at) AS newest_order FROM purchase_orders\"}"},
         {"Orders without a customer, each of which is a mistake:",
          "{\"source\": \"orders\", \"mode\": \"rows\", \"messageColumns\": [\"id\"], \"query\": "
          "\"SELECT o.id FROM orders o LEFT JOIN customers c ON c.id = o.customer_id WHERE c.id IS "
          "NULL\"}"}},
    .run = run,
};
