/* The runner's durable memory: numbering, group commit, acknowledgement with a grace period, and
 * what goes first when the limits are reached. SQL and the file are spool_db.c's. Called by the
 * runner's loop, once a turn for the commit. */
#include "runner/spool.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/limits.h"
#include "lib/sys/rng.h"
#include "runner/spool_db.h"
#include "runner/spool_open.h"

enum {
    META_ID,
    META_LAST,
    META_DROPPED,
    DROP_SLICE = 64,
    TRIM_EVERY_MS = 10 * 1000, /* also how much sooner than grace_ms a result may go */
    ACK_LAZY_MS = 1000,        /* an acknowledgement lost in a crash costs a resend, no more */
    PRUNE_TO_PERCENT = 90,
    RUN_NOTE_BYTES = 4096,
};

struct spool {
    struct spool_db *db; /* owned */
    int lock_fd;         /* owned, -1 in memory */
    struct spool_limits limits;
    uint64_t id;
    uint64_t last;           /* highest number given */
    uint64_t committed_last; /* highest number that may be published */
    uint64_t acked;          /* everything up to here is durable at the router */
    int64_t ack_row_utc_ms;  /* when the newest row of acks was begun */
    uint64_t dropped;
    uint64_t committed_dropped;
    uint64_t pending;
    int64_t bytes;
    bool is_open;   /* a transaction is */
    bool is_urgent; /* it holds more than acknowledgements */
    int64_t open_utc_ms;
    int64_t trimmed_utc_ms;
};

static int change(struct spool *s, bool is_urgent, int64_t now_utc_ms, struct err *err)
{
    s->is_urgent = s->is_urgent || is_urgent;
    if (s->is_open) {
        return TC_OK;
    }
    int rc = spool_db_run(s->db, SPOOL_BEGIN, NULL, 0, err);
    if (rc == TC_OK) {
        s->is_open = true;
        s->open_utc_ms = now_utc_ms;
    }
    return rc;
}

static int meta_get(struct spool *s, int64_t key, uint64_t *ret_value, struct err *err)
{
    int64_t value = 0;
    int rc = spool_db_get(s->db, SPOOL_META_GET, key, 0, &value, err);
    if (rc == TC_OK) {
        *ret_value = (uint64_t)value;
    }
    return rc;
}

static int read_acks(struct spool *s, struct err *err)
{
    spool_db_start(s->db, SPOOL_ACK_LAST, NULL, 0);
    int rc = spool_db_step(s->db, SPOOL_ACK_LAST, err);
    if (rc == TC_OK) {
        s->acked = (uint64_t)spool_db_i64(s->db, SPOOL_ACK_LAST, 0);
        s->ack_row_utc_ms = spool_db_i64(s->db, SPOOL_ACK_LAST, 1);
        spool_db_done(s->db, SPOOL_ACK_LAST);
    }
    return rc == TC_ENOENT ? TC_OK : rc;
}

static int read_figures(struct spool *s, struct err *err)
{
    int64_t acked = (int64_t)s->acked;
    spool_db_start(s->db, SPOOL_RESULT_FIGURES, &acked, 1);
    int rc = spool_db_step(s->db, SPOOL_RESULT_FIGURES, err);
    if (rc == TC_OK) {
        s->pending = (uint64_t)spool_db_i64(s->db, SPOOL_RESULT_FIGURES, 0);
        s->bytes = spool_db_i64(s->db, SPOOL_RESULT_FIGURES, 1);
        spool_db_done(s->db, SPOOL_RESULT_FIGURES);
    }
    return rc;
}

static int new_id(struct spool *s, struct err *err)
{
    do {
        s->id = rng_u64() & INT64_MAX;
    } while (s->id == 0);
    return SPOOL_DB_RUN(s->db, SPOOL_META_PUT, err, META_ID, (int64_t)s->id);
}

static int load(struct spool *s, bool *ret_is_new, struct err *err)
{
    int rc = meta_get(s, META_ID, &s->id, err);
    if (rc == TC_OK) {
        rc = meta_get(s, META_LAST, &s->last, err);
    }
    if (rc == TC_OK) {
        rc = meta_get(s, META_DROPPED, &s->dropped, err);
    }
    if (rc == TC_OK) {
        rc = read_acks(s, err);
    }
    if (rc == TC_OK) {
        rc = read_figures(s, err);
    }
    if (rc != TC_OK) {
        return rc;
    }
    s->committed_last = s->last;
    s->committed_dropped = s->dropped;
    *ret_is_new = s->id == 0;
    if (!*ret_is_new) {
        return TC_OK;
    }
    return new_id(s, err);
}

int spool_open_file(const char *path, const struct spool_limits *limits, struct spool **ret_spool,
                    bool *ret_is_new, struct err *err)
{
    TC_CLEANUP(spool_closep) struct spool *s = mem_alloc(sizeof(*s));
    s->lock_fd = -1;
    s->limits = *limits;
    int rc = spool_db_open(path, false, &s->db, err);
    if (rc == TC_OK) {
        rc = load(s, ret_is_new, err);
    }
    if (rc == TC_OK) {
        *ret_spool = TC_TAKE_PTR(s);
    }
    return rc;
}

void spool_take_lock(struct spool *spool, int lock_fd)
{
    spool->lock_fd = lock_fd;
}

struct spool *spool_close(struct spool *spool)
{
    if (spool == NULL) {
        return NULL;
    }
    spool->db = spool_db_close(spool->db);
    fd_closep(&spool->lock_fd);
    mem_free(spool);
    return NULL;
}

void spool_closep(struct spool **spool)
{
    *spool = spool_close(*spool);
}

int spool_append(struct spool *spool, uint32_t monitor, bool is_ok, const struct spool_body *body,
                 uint64_t *ret_seq, struct err *err)
{
    TC_ASSERT(body->size <= LIMIT_FRAME_BYTES);
    int64_t before = -1;
    int rc = change(spool, true, body->created_utc_ms, err);
    if (rc == TC_OK) {
        rc = spool_db_get(spool->db, SPOOL_LATEST_GET, monitor, -1, &before, err);
    }
    if (rc != TC_OK) {
        return rc;
    }
    int64_t seq = (int64_t)spool->last + 1;
    const int64_t values[] = {seq, monitor, is_ok, before == (int64_t)is_ok, body->created_utc_ms};
    spool_db_start(spool->db, SPOOL_RESULT_ADD, values, sizeof(values) / sizeof(values[0]));
    spool_db_text(spool->db, SPOOL_RESULT_ADD, body->json, body->size);
    rc = spool_db_step(spool->db, SPOOL_RESULT_ADD, err);
    if (rc != TC_ENOENT) {
        return rc;
    }
    rc = SPOOL_DB_RUN(spool->db, SPOOL_LATEST_PUT, err, monitor, seq, is_ok);
    if (rc != TC_OK) {
        return rc;
    }
    spool->last = (uint64_t)seq;
    spool->bytes += (int64_t)body->size;
    spool->pending++;
    *ret_seq = spool->last;
    return TC_OK;
}

/* --- Limits ----------------------------------------------------------------------------------- */

/* Drop one slice; ret_count tells how many results went. */
static int drop(struct spool *s, enum spool_db_query query, const int64_t *values, size_t count,
                uint64_t *ret_count, struct err *err)
{
    uint64_t gone = 0;
    int rc = TC_OK;
    spool_db_start(s->db, query, values, count);
    while ((rc = spool_db_step(s->db, query, err)) == TC_OK) {
        s->bytes -= spool_db_i64(s->db, query, 1);
        gone++;
    }
    *ret_count = gone;
    return rc == TC_ENOENT ? TC_OK : rc;
}

/* Drop acknowledged results up to a number, all of them or until bytes_min is reached. */
static int drop_acked(struct spool *s, uint64_t upto, int64_t bytes_min, struct err *err)
{
    const int64_t values[] = {(int64_t)upto, DROP_SLICE};
    uint64_t gone = DROP_SLICE;
    int rc = TC_OK;
    while (rc == TC_OK && gone == DROP_SLICE && s->bytes > bytes_min) {
        rc = drop(s, SPOOL_DROP_UPTO, values, 2, &gone, err);
    }
    return rc;
}

static int drop_pending(struct spool *s, enum spool_db_query query, int64_t bytes_min,
                        struct err *err)
{
    const int64_t values[] = {(int64_t)s->acked, DROP_SLICE};
    uint64_t gone = DROP_SLICE;
    int rc = TC_OK;
    while (rc == TC_OK && gone == DROP_SLICE && s->bytes > bytes_min) {
        rc = drop(s, query, values, 2, &gone, err);
        s->dropped += gone;
        s->pending -= gone;
    }
    return rc;
}

static int drop_old(struct spool *s, int64_t now_utc_ms, struct err *err)
{
    const int64_t values[] = {(int64_t)s->acked, now_utc_ms - s->limits.age_ms_max, DROP_SLICE};
    uint64_t gone = DROP_SLICE;
    int rc = TC_OK;
    while (rc == TC_OK && gone == DROP_SLICE) {
        rc = drop(s, SPOOL_DROP_OLD, values, 3, &gone, err);
        s->dropped += gone;
        s->pending -= gone;
    }
    return rc;
}

static int trim_by_time(struct spool *s, int64_t now_utc_ms, struct err *err)
{
    int64_t upto = 0;
    int rc = spool_db_get(s->db, SPOOL_ACK_BEFORE, now_utc_ms - s->limits.grace_ms, 0, &upto, err);
    if (rc == TC_OK && upto > 0) {
        rc = drop_acked(s, (uint64_t)upto, 0, err);
    }
    if (rc == TC_OK && upto > 0) {
        rc = SPOOL_DB_RUN(s->db, SPOOL_ACK_UNDER_GONE, err, upto);
    }
    if (rc == TC_OK) {
        rc = drop_old(s, now_utc_ms, err);
    }
    s->trimmed_utc_ms = now_utc_ms;
    return rc;
}

static int trim_by_size(struct spool *s, struct err *err)
{
    int64_t bytes_min = s->limits.bytes_max / 100 * PRUNE_TO_PERCENT;
    int rc = drop_acked(s, s->acked, bytes_min, err);
    if (rc == TC_OK) {
        rc = drop_pending(s, SPOOL_DROP_REPEATS, bytes_min, err);
    }
    if (rc == TC_OK) {
        rc = drop_pending(s, SPOOL_DROP_OLDEST, bytes_min, err);
    }
    return rc;
}

int spool_commit(struct spool *spool, int64_t now_utc_ms, struct err *err)
{
    int64_t waited_ms = now_utc_ms - spool->open_utc_ms;
    if (!spool->is_open || (!spool->is_urgent && waited_ms >= 0 && waited_ms < ACK_LAZY_MS)) {
        return TC_OK;
    }
    int rc = TC_OK;
    int64_t since_trim_ms = now_utc_ms - spool->trimmed_utc_ms;
    if (since_trim_ms < 0 || since_trim_ms >= TRIM_EVERY_MS) {
        rc = trim_by_time(spool, now_utc_ms, err);
    }
    if (rc == TC_OK && spool->bytes > spool->limits.bytes_max) {
        rc = trim_by_size(spool, err);
    }
    if (rc == TC_OK && spool->last != spool->committed_last) {
        rc = SPOOL_DB_RUN(spool->db, SPOOL_META_PUT, err, META_LAST, (int64_t)spool->last);
    }
    if (rc == TC_OK && spool->dropped != spool->committed_dropped) {
        rc = SPOOL_DB_RUN(spool->db, SPOOL_META_PUT, err, META_DROPPED, (int64_t)spool->dropped);
    }
    if (rc == TC_OK) {
        rc = spool_db_run(spool->db, SPOOL_COMMIT, NULL, 0, err);
    }
    if (rc == TC_OK) {
        spool->is_open = false;
        spool->is_urgent = false;
        spool->committed_last = spool->last;
        spool->committed_dropped = spool->dropped;
    }
    return rc;
}

int spool_rollback(struct spool *spool, struct err *err)
{
    bool is_new = false;
    int rc = TC_OK;
    if (spool->is_open) {
        rc = spool_db_run(spool->db, SPOOL_ROLLBACK, NULL, 0, err);
    }
    spool->is_open = false;
    spool->is_urgent = false;
    spool->acked = 0;
    return rc == TC_OK ? load(spool, &is_new, err) : rc;
}

/* --- Reading and acknowledging ---------------------------------------------------------------- */

int spool_next(struct spool *spool, uint64_t above, struct spool_result *ret_result,
               struct err *err)
{
    spool_db_done(spool->db, SPOOL_RESULT_NEXT);
    const int64_t range[] = {(int64_t)above, (int64_t)spool->committed_last};
    spool_db_start(spool->db, SPOOL_RESULT_NEXT, range, 2);
    int rc = spool_db_step(spool->db, SPOOL_RESULT_NEXT, err);
    if (rc != TC_OK) {
        return rc;
    }
    struct spool_result result = {.seq = (uint64_t)spool_db_i64(spool->db, SPOOL_RESULT_NEXT, 0),
                                  .monitor =
                                      (uint32_t)spool_db_i64(spool->db, SPOOL_RESULT_NEXT, 1)};
    int64_t prev = 0;
    rc = spool_db_get(spool->db, SPOOL_RESULT_BEFORE, (int64_t)result.seq, 0, &prev, err);
    if (rc != TC_OK) {
        return rc;
    }
    result.prev = (uint64_t)prev;
    result.body = spool_db_bytes(spool->db, SPOOL_RESULT_NEXT, 2, &result.body_size);
    *ret_result = result;
    return TC_OK;
}

int spool_ack(struct spool *spool, uint64_t seq, int64_t now_utc_ms, struct err *err)
{
    if (seq == spool->acked || seq > spool->committed_last) {
        return TC_OK; /* nothing new, or a number that this spool never gave */
    }
    int rc = change(spool, false, now_utc_ms, err);
    if (rc == TC_OK && seq < spool->acked) {
        rc = SPOOL_DB_RUN(spool->db, SPOOL_ACK_ABOVE_GONE, err, (int64_t)seq);
        spool->ack_row_utc_ms = 0;
    }
    /* One row for a while of acknowledgements: the row keeps the time when it was begun. */
    int64_t age_ms = now_utc_ms - spool->ack_row_utc_ms;
    if (rc == TC_OK && seq > spool->acked && age_ms >= 0 && age_ms < TRIM_EVERY_MS) {
        rc = SPOOL_DB_RUN(spool->db, SPOOL_ACK_ABOVE_GONE, err, (int64_t)spool->acked - 1);
    } else {
        spool->ack_row_utc_ms = now_utc_ms;
    }
    if (rc == TC_OK) {
        rc = SPOOL_DB_RUN(spool->db, SPOOL_ACK_ADD, err, (int64_t)seq, spool->ack_row_utc_ms);
    }
    int64_t pending = 0;
    if (rc == TC_OK) {
        spool->acked = seq;
        rc = spool_db_get(spool->db, SPOOL_RESULT_COUNT, (int64_t)seq, 0, &pending, err);
        spool->pending = (uint64_t)pending;
    }
    return rc;
}

int spool_renew(struct spool *spool, int64_t now_utc_ms, struct err *err)
{
    int rc = change(spool, true, now_utc_ms, err);
    if (rc == TC_OK) {
        rc = drop_acked(spool, spool->acked, -1, err);
    }
    if (rc == TC_OK) {
        rc = SPOOL_DB_RUN(spool->db, SPOOL_ACK_ABOVE_GONE, err, 0);
    }
    if (rc == TC_OK) {
        spool->acked = 0;
        rc = new_id(spool, err);
    }
    return rc == TC_OK ? spool_commit(spool, now_utc_ms, err) : rc;
}

int spool_stats(struct spool *spool, struct spool_stats *ret_stats, struct err *err)
{
    int64_t first = 0;
    int rc = spool_db_get(spool->db, SPOOL_RESULT_FIRST, 0, 0, &first, err);
    if (rc == TC_OK) {
        *ret_stats = (struct spool_stats){.id = spool->id,
                                          .first = (uint64_t)first,
                                          .last = spool->committed_last,
                                          .acked = spool->acked,
                                          .pending = spool->pending,
                                          .bytes = spool->bytes,
                                          .dropped = spool->dropped};
    }
    return rc;
}

/* --- Journal and assignments ------------------------------------------------------------------ */

static int put_text(struct spool *s, enum spool_db_query query, const int64_t *values, size_t count,
                    const struct spool_body *body, struct err *err)
{
    int rc = change(s, true, body->created_utc_ms, err);
    if (rc != TC_OK) {
        return rc;
    }
    spool_db_start(s->db, query, values, count);
    spool_db_text(s->db, query, body->json, body->size);
    rc = spool_db_step(s->db, query, err);
    return rc == TC_ENOENT ? TC_OK : rc;
}

int spool_run_started(struct spool *spool, uint64_t run, uint32_t monitor, const char *note,
                      struct err *err)
{
    const int64_t values[] = {(int64_t)run, monitor};
    struct spool_body body = {.json = note, .size = strlen(note)};
    TC_ASSERT(body.size <= RUN_NOTE_BYTES);
    return put_text(spool, SPOOL_RUN_ADD, values, 2, &body, err);
}

int spool_run_ended(struct spool *spool, uint64_t run, struct err *err)
{
    int rc = change(spool, true, 0, err);
    return rc != TC_OK ? rc : SPOOL_DB_RUN(spool->db, SPOOL_RUN_GONE, err, (int64_t)run);
}

int spool_runs(struct spool *spool, spool_run_fn fn, void *ctx, struct err *err)
{
    return spool_db_each_run(spool->db, fn, ctx, err);
}

int spool_assign(struct spool *spool, uint32_t monitor, const char *body, size_t body_size,
                 struct err *err)
{
    const int64_t value = monitor;
    struct spool_body text = {.json = body, .size = body_size};
    if (body != NULL) {
        return put_text(spool, SPOOL_ASSIGN_PUT, &value, 1, &text, err);
    }
    int rc = change(spool, true, 0, err);
    return rc != TC_OK ? rc : SPOOL_DB_RUN(spool->db, SPOOL_ASSIGN_GONE, err, value);
}

int spool_assign_clear(struct spool *spool, struct err *err)
{
    int rc = change(spool, true, 0, err);
    return rc != TC_OK ? rc : spool_db_run(spool->db, SPOOL_ASSIGN_CLEAR, NULL, 0, err);
}

int spool_assigned(struct spool *spool, spool_assigned_fn fn, void *ctx, struct err *err)
{
    return spool_db_each_assignment(spool->db, fn, ctx, err);
}
