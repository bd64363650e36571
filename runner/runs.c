/* Runs between the schedule and the spool: finds the program, writes its input, journals, and turns
 * the report into a numbered result. Called by runner.c and by the simulation. */
#include "runner/runs.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/hash.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/sys/clock.h"
#include "lib/sys/rng.h"
#include "proto/codec.h"
#include "runner/assignments.h"
#include "runner/schedule.h"
#include "runner/spawnlink.h"
#include "runner/spool.h"
#include "runner/verdict.h"

static const char php_program[] = "/usr/bin/php";

struct run {
    uint64_t id;
    uint32_t monitor;
    uint64_t generation;
    int64_t scheduled_utc_ms; /* MESSAGE_NEVER: only asked for */
    int64_t started_utc_ms;
    int64_t timeout_ms;
    int64_t missed;
    char *request_id; /* owned, or NULL */
    enum verdict_convention convention;
    bool is_warning_ok;
    bool is_worker;
    bool is_started;
    struct buf args;  /* owned until started */
    struct buf input; /* likewise */
    UT_hash_handle hh;
};

struct runs {
    struct spool *spool;
    const struct clock *clock;
    const struct check_policy *policy;
    struct runs_ops ops;
    struct run *going; /* owned, in the order in which they began */
    size_t waiting;    /* begun, not started */
};

static void run_free(struct run *run)
{
    mem_free(run->request_id);
    buf_free(&run->args);
    buf_free(&run->input);
    mem_free(run);
}

struct runs *runs_new(struct spool *spool, const struct clock *clock, const struct runs_ops *ops)
{
    struct runs *runs = mem_alloc(sizeof(*runs));
    runs->spool = spool;
    runs->clock = clock;
    runs->ops = *ops;
    return runs;
}

/* uthash's macros nest deeper than a function of ours may: taking out stands here alone. */
/* NOLINTNEXTLINE(readability-function-size) */
static void drop(struct runs *runs, struct run *run)
{
    HASH_DEL(runs->going, run);
    run_free(run);
}

struct runs *runs_free(struct runs *runs)
{
    struct run *run = NULL;
    struct run *next = NULL;
    if (runs == NULL) {
        return NULL;
    }
    HASH_ITER(hh, runs->going, run, next)
    {
        drop(runs, run);
    }
    mem_free(runs);
    return NULL;
}

void runs_set_policy(struct runs *runs, const struct check_policy *policy)
{
    runs->policy = policy;
}

size_t runs_count(const struct runs *runs)
{
    return HASH_COUNT(runs->going);
}

/* --- Results ---------------------------------------------------------------------------------- */

static int encode(const struct run *run, const struct verdict *v, int64_t duration_ms,
                  struct buf *out, struct err *err)
{
    struct message_result result = {.generation = run->generation,
                                    .scheduled_at_utc_ms = run->scheduled_utc_ms,
                                    .started_at_utc_ms = run->started_utc_ms,
                                    .duration_ms = duration_ms,
                                    .is_ok = v->is_ok,
                                    .reason = verdict_reason_name(v->reason),
                                    .message = v->message.p,
                                    .request_id = run->request_id,
                                    .missed = run->missed};
    if (v->metrics.len > 0) {
        result.metrics.text = v->metrics.p;
        result.metrics.size = v->metrics.len;
    }
    return message_encode(MESSAGE_RESULT, &result, out, err);
}

static int append(struct runs *runs, const struct run *run, struct verdict *v, int64_t duration_ms,
                  struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, LIMIT_FRAME_BYTES);
    if (encode(run, v, duration_ms, &out, err) != TC_OK) {
        /* Control characters take six bytes each in JSON: the one way to get here. */
        verdict_refuse(VERDICT_REASON_OUTPUT,
                       "The check's message is too long once its control characters are escaped.",
                       v);
        buf_reset(&out);
        int rc = encode(run, v, duration_ms, &out, err);
        TC_ASSERT(rc == TC_OK);
    }
    struct spool_body body = {
        .json = out.p, .size = out.len, .created_utc_ms = clock_now_utc_ms(runs->clock)};
    uint64_t seq = 0;
    return spool_append(runs->spool, run->monitor, v->is_ok, &body, &seq, err);
}

static void forget(struct runs *runs, struct run *run)
{
    uint32_t monitor = run->monitor;
    runs->waiting -= run->is_started ? 0 : 1;
    drop(runs, run);
    runs->ops.finished(runs->ops.ctx, monitor);
}

static int finish(struct runs *runs, struct run *run, const struct verdict_outcome *outcome,
                  int64_t duration_ms, struct err *err)
{
    TC_CLEANUP(verdict_freep) struct verdict v;
    verdict_init(&v);
    verdict_judge(outcome, run->convention, run->is_warning_ok, &v);
    int rc = append(runs, run, &v, duration_ms, err);
    if (rc == TC_OK) {
        rc = spool_run_ended(runs->spool, run->id, err);
    }
    forget(runs, run);
    return rc;
}

/* NOLINTNEXTLINE(readability-function-size): uthash as well */
static struct run *find(const struct runs *runs, uint64_t id)
{
    struct run *run = NULL;
    HASH_FIND(hh, runs->going, &id, sizeof(id), run);
    return run;
}

int runs_report(struct runs *runs, const struct spawnlink_report *report, struct err *err)
{
    struct run *run = find(runs, report->run);
    if (run == NULL) {
        return TC_OK;
    }
    return finish(runs, run, &report->outcome, report->duration_us / 1000, err);
}

int runs_lose(struct runs *runs, struct err *err)
{
    const struct verdict_outcome lost = {.end = VERDICT_LOST, .out = "", .errors = ""};
    int64_t now_utc_ms = clock_now_utc_ms(runs->clock);
    int rc = TC_OK;
    struct run *run = NULL;
    struct run *next = NULL;
    HASH_ITER(hh, runs->going, run, next)
    {
        if (run->is_started && rc == TC_OK) {
            int64_t duration_ms = now_utc_ms - run->started_utc_ms;
            rc = finish(runs, run, &lost, duration_ms < 0 ? 0 : duration_ms, err);
        }
    }
    return rc;
}

/* --- The journal ------------------------------------------------------------------------------ */

/* The journal holds, for each run, the result that it has if nobody is left to report another. */
static int journal(struct runs *runs, const struct run *run, struct err *err)
{
    const struct verdict_outcome lost = {.end = VERDICT_LOST, .out = "", .errors = ""};
    TC_CLEANUP(verdict_freep) struct verdict v;
    TC_CLEANUP(buf_freep) struct buf out;
    verdict_init(&v);
    verdict_judge(&lost, VERDICT_JSON, false, &v);
    buf_init(&out, LIMIT_FRAME_BYTES);
    int rc = encode(run, &v, 0, &out, err);
    if (rc == TC_OK) {
        rc = spool_run_started(runs->spool, run->id, run->monitor, out.p, err);
    }
    return rc;
}

struct left_run {
    uint64_t run;
    uint32_t monitor;
    char *note; /* owned */
};

struct left_runs {
    struct left_run *items; /* owned */
    size_t count;
};

static void collect(void *ctx, uint64_t run, uint32_t monitor, const char *note)
{
    struct left_runs *left = ctx;
    left->items = mem_resize(left->items, left->count + 1, sizeof(*left->items));
    left->items[left->count++] =
        (struct left_run){.run = run, .monitor = monitor, .note = mem_strdup(note)};
}

int runs_recover(struct runs *runs, size_t *ret_count, struct err *err)
{
    struct left_runs left = {.items = NULL};
    int rc = spool_runs(runs->spool, collect, &left, err);
    for (size_t i = 0; i < left.count; i++) {
        const struct left_run *item = &left.items[i];
        struct spool_body body = {.json = item->note,
                                  .size = strlen(item->note),
                                  .created_utc_ms = clock_now_utc_ms(runs->clock)};
        uint64_t seq = 0;
        if (rc == TC_OK) {
            rc = spool_append(runs->spool, item->monitor, false, &body, &seq, err);
        }
        if (rc == TC_OK) {
            rc = spool_run_ended(runs->spool, item->run, err);
        }
        mem_free(item->note);
    }
    *ret_count = left.count;
    mem_free(left.items);
    return rc;
}

/* --- Beginning -------------------------------------------------------------------------------- */

static void write_input(const struct run *run, const struct assignment *a, struct buf *out)
{
    struct json_enc e;
    json_enc_start(&e, out);
    json_enc_obj(&e, NULL);
    if (run->is_worker) {
        json_enc_str(&e, "kind", a->check);
    }
    json_enc_i64(&e, "monitorId", a->id);
    json_enc_str(&e, "uuid", a->uuid);
    json_enc_str(&e, "name", a->name);
    json_enc_raw(&e, "params", a->params, strlen(a->params));
    json_enc_raw(&e, "labels", a->labels, strlen(a->labels));
    if (run->scheduled_utc_ms == MESSAGE_NEVER) {
        json_enc_null(&e, "scheduledAt");
    } else {
        json_enc_time(&e, "scheduledAt", run->scheduled_utc_ms);
    }
    json_enc_i64(&e, "timeoutSeconds", run->timeout_ms / 1000);
    json_enc_obj_end(&e);
}

static void add_arg(struct buf *args, const char *arg)
{
    buf_add(args, arg, strlen(arg) + 1);
}

static void write_args(const struct run *run, const struct assignment *a, const char *path,
                       struct buf *args)
{
    if (a->kind == CHECKS_PHP) {
        add_arg(args, php_program);
    }
    add_arg(args, path);
    if (run->is_worker) {
        add_arg(args, a->check);
        add_arg(args, "--worker");
    }
    buf_add(args, a->args, a->args_size);
}

/* Whether and what to run; on failure v has the result. */
static bool find_program(const struct runs *runs, const struct assignment *a, char *ret_path,
                         struct verdict *v)
{
    if (a->problem != NULL) {
        verdict_refuse(VERDICT_REASON_CONFIG, a->problem, v);
        return false;
    }
    if (a->kind == CHECKS_HEARTBEAT) {
        verdict_refuse(VERDICT_REASON_CONFIG,
                       "A heartbeat is reported from outside; a runner can't run it.", v);
        return false;
    }
    if (!check_is_allowed(runs->policy, a->check)) {
        TC_CLEANUP(buf_freep) struct buf text;
        buf_init(&text, LIMIT_MESSAGE_BYTES);
        buf_add_fmt(&text,
                    "This runner does not allow the check \"%s\": its owner has to add it to "
                    "runner.allow in its configuration.",
                    a->check);
        verdict_refuse(VERDICT_REASON_NOT_ALLOWED, text.p, v);
        return false;
    }
    enum verdict_reason reason = VERDICT_REASON_MISSING;
    struct err err = ERR_INIT;
    if (check_locate(runs->policy, a->kind, a->file, ret_path, &reason, &err) != TC_OK) {
        verdict_refuse(reason, err.text, v);
        return false;
    }
    return true;
}

/* NOLINTNEXTLINE(readability-function-size): uthash as well */
static void add(struct runs *runs, struct run *run)
{
    HASH_ADD(hh, runs->going, id, sizeof(run->id), run);
}

static struct run *run_new(struct runs *runs, struct assignment *a,
                           const struct schedule_event *event)
{
    struct run *run = mem_alloc(sizeof(*run));
    run->id = rng_u64() & INT64_MAX;
    run->monitor = a->id;
    run->generation = a->generation;
    run->scheduled_utc_ms = event->has_tick ? event->tick_utc_ms : MESSAGE_NEVER;
    run->started_utc_ms = clock_now_utc_ms(runs->clock);
    run->timeout_ms = a->timeout_ms;
    run->missed = (int64_t)event->missed + a->overruns;
    a->overruns = 0;
    run->request_id = event->is_asked ? TC_TAKE_PTR(a->request_id) : NULL;
    run->convention = a->convention;
    run->is_warning_ok = a->is_warning_ok;
    run->is_worker = a->kind != CHECKS_EXEC && a->kind != CHECKS_PHP && a->kind != CHECKS_NAGIOS;
    buf_init(&run->args, SPAWNLINK_ARGS_BYTES);
    buf_init(&run->input, SPAWNLINK_INPUT_BYTES);
    runs->waiting++;
    add(runs, run);
    return run;
}

int runs_begin(struct runs *runs, struct assignment *assignment, const struct schedule_event *event,
               struct err *err)
{
    char path[CHECK_PATH_BYTES] = "";
    TC_CLEANUP(verdict_freep) struct verdict v;
    verdict_init(&v);
    struct run *run = run_new(runs, assignment, event);
    if (find_program(runs, assignment, path, &v)) {
        write_args(run, assignment, path, &run->args);
        write_input(run, assignment, &run->input);
        if (run->args.err == TC_OK && run->input.err == TC_OK) {
            return journal(runs, run, err);
        }
        verdict_refuse(VERDICT_REASON_CONFIG, "The monitor's params are too large to be passed.",
                       &v);
    }
    int rc = append(runs, run, &v, 0, err);
    forget(runs, run);
    return rc;
}

void runs_start(struct runs *runs)
{
    struct run *run = NULL;
    struct run *next = NULL;
    if (runs->waiting == 0) {
        return;
    }
    HASH_ITER(hh, runs->going, run, next)
    {
        struct spawnlink_order order = {.run = run->id,
                                        .monitor = run->monitor,
                                        .is_worker = run->is_worker,
                                        .timeout_ms = run->timeout_ms,
                                        .args = run->args.p,
                                        .args_size = run->args.len,
                                        .input = run->input.p,
                                        .input_size = run->input.len};
        if (!run->is_started && runs->ops.start(runs->ops.ctx, &order) == TC_OK) {
            run->is_started = true;
            runs->waiting--;
            buf_free(&run->args);
            buf_free(&run->input);
        }
    }
}
