/* Opens the spool: its directory, its lock, and what to do when the file is damaged: set it aside,
 * begin a new one, carry over what can be read. Called once, at the runner's start. */
#include "runner/spool_open.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/sys/file.h"
#include "runner/spool.h"
#include "runner/spool_db.h"

enum {
    PATH_BYTES = 1024,
    SALVAGE_COMMIT_EVERY = 1000,
};

static int prepare_directory(const char *path, struct err *err)
{
    TC_CLEANUP(mem_freep) char *dir = file_dir(path);
    int rc = file_make_dirs(dir, 0700, err);
    if (rc == TC_OK) {
        rc = file_check_local(dir, err);
    }
    if (rc == TC_OK && access(dir, W_OK | X_OK) != 0) {
        rc = err_set(err, err_from_errno(errno),
                     "the spool's directory %s can't be written (%s): the runner keeps its results "
                     "there until the router has them",
                     dir, strerrordesc_np(errno));
    }
    return rc;
}

static int move_aside(const char *path, const char *suffix, const char *ending, struct err *err)
{
    char from[PATH_BYTES + 16];
    char to[PATH_BYTES + 64];
    (void)snprintf(from, sizeof(from), "%s%s", path, ending); /* both have room: path is checked */
    (void)snprintf(to, sizeof(to), "%s%s%s", path, suffix, ending);
    if (rename(from, to) != 0 && errno != ENOENT) {
        return err_set(err, err_from_errno(errno), "the damaged spool %s can't be set aside: %s",
                       from, strerrordesc_np(errno));
    }
    return TC_OK;
}

static int set_aside(const char *path, int64_t now_utc_ms, char *ret_path, struct err *err)
{
    static const char *const endings[] = {"-wal", "-shm", ""};
    char suffix[40];
    (void)snprintf(suffix, sizeof(suffix), ".damaged-%" PRId64, now_utc_ms); /* has room */
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        int rc = move_aside(path, suffix, endings[i], err);
        if (rc != TC_OK) {
            return rc;
        }
    }
    (void)snprintf(ret_path, PATH_BYTES + 40, "%s%s", path, suffix); /* has room */
    return TC_OK;
}

/* --- Carrying over ---------------------------------------------------------------------------- */

static bool is_json_object(const char *text, size_t size)
{
    TC_CLEANUP(json_freep) struct json *json = NULL;
    return json_parse(text, size, LIMIT_FRAME_BYTES, &json, NULL) == TC_OK &&
           json_type_of(json_root(json)) == JSON_OBJECT;
}

/* Take the row that a salvage query stands on into the new spool, when it is sound. */
static int take_row(struct spool_db *old, enum spool_db_query query, struct spool *spool,
                    uint64_t *count, struct err *err)
{
    size_t size = 0;
    const char *json = spool_db_bytes(old, query, 4, &size);
    if (size > LIMIT_FRAME_BYTES || !is_json_object(json, size)) {
        return TC_OK;
    }
    struct spool_body body = {
        .json = json, .size = size, .created_utc_ms = spool_db_i64(old, query, 3)};
    uint64_t seq = 0;
    int rc = spool_append(spool, (uint32_t)spool_db_i64(old, query, 1),
                          spool_db_i64(old, query, 2) != 0, &body, &seq, err);
    if (rc != TC_OK) {
        return rc;
    }
    *count += 1;
    bool is_time = *count % SALVAGE_COMMIT_EVERY == 0;
    return is_time ? spool_commit(spool, body.created_utc_ms, err) : TC_OK;
}

/* The numbers behind the damage, found from the other end, so that they can be taken upwards. */
static uint64_t resume_point(struct spool_db *old, int64_t above)
{
    uint64_t lowest = UINT64_MAX;
    spool_db_start(old, SPOOL_SALVAGE_DOWN, &above, 1);
    while (spool_db_step(old, SPOOL_SALVAGE_DOWN, NULL) == TC_OK) {
        lowest = (uint64_t)spool_db_i64(old, SPOOL_SALVAGE_DOWN, 0);
    }
    spool_db_done(old, SPOOL_SALVAGE_DOWN);
    return lowest;
}

/* Take rows upwards until the end or the next damage; ret_reached is the last number read. */
static int take_upwards(struct spool_db *old, int64_t *above, bool *ret_is_end, struct spool *spool,
                        uint64_t *count, struct err *err)
{
    int step = TC_OK;
    spool_db_start(old, SPOOL_SALVAGE_UP, above, 1);
    while ((step = spool_db_step(old, SPOOL_SALVAGE_UP, NULL)) == TC_OK) {
        *above = spool_db_i64(old, SPOOL_SALVAGE_UP, 0);
        int rc = take_row(old, SPOOL_SALVAGE_UP, spool, count, err);
        if (rc != TC_OK) {
            return rc;
        }
    }
    *ret_is_end = step == TC_ENOENT;
    return TC_OK;
}

static int take_results(struct spool_db *old, struct spool *spool, uint64_t *count, struct err *err)
{
    int64_t above = 0;
    spool_db_start(old, SPOOL_ACK_LAST, NULL, 0);
    if (spool_db_step(old, SPOOL_ACK_LAST, NULL) == TC_OK) {
        above = spool_db_i64(old, SPOOL_ACK_LAST, 0);
        spool_db_done(old, SPOOL_ACK_LAST);
    }
    bool is_end = false;
    int rc = take_upwards(old, &above, &is_end, spool, count, err);
    if (rc != TC_OK || is_end) {
        return rc;
    }
    uint64_t resume = resume_point(old, above);
    if (resume == UINT64_MAX) {
        return TC_OK;
    }
    above = (int64_t)resume - 1;
    return take_upwards(old, &above, &is_end, spool, count, err);
}

struct carry {
    struct spool *spool;
    struct err *err;
    int code;
};

static void carry_run(void *ctx, uint64_t run, uint32_t monitor, const char *note)
{
    struct carry *carry = ctx;
    if (carry->code == TC_OK && is_json_object(note, strlen(note))) {
        carry->code = spool_run_started(carry->spool, run, monitor, note, carry->err);
    }
}

static void carry_assignment(void *ctx, uint32_t monitor, const char *body, size_t size)
{
    struct carry *carry = ctx;
    if (carry->code == TC_OK && is_json_object(body, size)) {
        carry->code = spool_assign(carry->spool, monitor, body, size, carry->err);
    }
}

static int salvage(const char *path, struct spool *spool, uint64_t *ret_count, struct err *err)
{
    TC_CLEANUP(spool_db_closep) struct spool_db *old = NULL;
    *ret_count = 0;
    if (spool_db_open(path, true, &old, NULL) != TC_OK) {
        return TC_OK; /* nothing can be read, which the count tells */
    }
    int rc = take_results(old, spool, ret_count, err);
    struct carry carry = {.spool = spool, .err = err, .code = rc};
    if (rc == TC_OK) {
        (void)spool_db_each_run(old, carry_run, &carry, NULL); /* what can be read is enough */
        (void)spool_db_each_assignment(old, carry_assignment, &carry, NULL);
    }
    return carry.code;
}

static int begin_anew(const char *path, const struct spool_limits *limits, int64_t now_utc_ms,
                      struct spool **ret_spool, struct spool_opening *ret_opening, struct err *err)
{
    bool is_new = false;
    TC_CLEANUP(spool_closep) struct spool *spool = NULL;
    ret_opening->was_damaged = true;
    int rc = set_aside(path, now_utc_ms, ret_opening->set_aside, err);
    if (rc == TC_OK) {
        rc = spool_open_file(path, limits, &spool, &is_new, err);
    }
    if (rc == TC_OK) {
        rc = salvage(ret_opening->set_aside, spool, &ret_opening->salvaged, err);
    }
    if (rc == TC_OK) {
        rc = spool_commit(spool, now_utc_ms, err);
    }
    if (rc == TC_OK) {
        *ret_spool = TC_TAKE_PTR(spool);
    }
    return rc;
}

int spool_open(const char *path, const struct spool_limits *limits, int64_t now_utc_ms,
               struct spool **ret_spool, struct spool_opening *ret_opening, struct err *err)
{
    *ret_opening = (struct spool_opening){.was_created = false};
    if (str_eq(path, ":memory:")) {
        return spool_open_file(path, limits, ret_spool, &ret_opening->was_created, err);
    }
    if (strlen(path) >= PATH_BYTES) {
        return err_set(err, TC_ERANGE, "the path of the spool is too long: %s", path);
    }
    int rc = prepare_directory(path, err);
    if (rc != TC_OK) {
        return rc;
    }
    char lock_path[PATH_BYTES + 8];
    (void)snprintf(lock_path, sizeof(lock_path), "%s.lock", path); /* has room */
    TC_CLEANUP(fd_closep) int lock_fd = -1;
    rc = file_lock(lock_path, &lock_fd, err);
    if (rc != TC_OK) {
        return rc;
    }
    TC_CLEANUP(spool_closep) struct spool *spool = NULL;
    rc = spool_open_file(path, limits, &spool, &ret_opening->was_created, err);
    if (rc == TC_ECORRUPT) {
        rc = begin_anew(path, limits, now_utc_ms, &spool, ret_opening, err);
    }
    if (rc != TC_OK) {
        (void)err_ctx(err, "%s", path); /* gives the code of err, which may be NULL */
        return rc;
    }
    spool_take_lock(spool, TC_TAKE_FD(lock_fd));
    *ret_spool = TC_TAKE_PTR(spool);
    return TC_OK;
}
