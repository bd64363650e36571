/* Keeps the monitors of this runner as the router assigned them, in memory and in the spool's cache.
 * When they run is schedule.c's, what their result is verdict.c's. Called by runner.c. */
#include "runner/assignments.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/hash.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "proto/codec.h"
#include "runner/spawnlink.h"
#include "runner/spool.h"

struct entry {
    struct assignment assignment; /* first: assignments_find gives it */
    uint64_t round;               /* of the snapshot that named it last */
    UT_hash_handle hh;
};

struct assignments {
    struct spool *spool;
    struct assignments_ops ops;
    struct entry *entries; /* owned */
    uint64_t round;
    bool is_in_snapshot;
};

static void assignment_clear(struct assignment *a)
{
    mem_free(a->uuid);
    mem_free(a->name);
    mem_free(a->check);
    mem_free(a->params);
    mem_free(a->labels);
    mem_free(a->args);
    mem_free(a->problem);
}

static void entry_free(struct entry *entry)
{
    assignment_clear(&entry->assignment);
    mem_free(entry->assignment.request_id);
    mem_free(entry->assignment.seen_request_id);
    mem_free(entry);
}

struct assignments *assignments_new(struct spool *spool, const struct assignments_ops *ops)
{
    struct assignments *a = mem_alloc(sizeof(*a));
    a->spool = spool;
    a->ops = *ops;
    return a;
}

/* uthash's macros stand here alone: they nest deeper than a function of ours may, and the analyzer
 * takes the last item's table for NULL. */
/* NOLINTBEGIN(readability-function-size, clang-analyzer-core.NullDereference) */

static struct entry *find(const struct assignments *a, uint32_t id)
{
    struct entry *entry = NULL;
    HASH_FIND(hh, a->entries, &id, sizeof(id), entry);
    return entry;
}

static void add(struct assignments *a, struct entry *entry)
{
    HASH_ADD(hh, a->entries, assignment.id, sizeof(entry->assignment.id), entry);
}

static void take_out(struct assignments *a, struct entry *entry)
{
    HASH_DEL(a->entries, entry);
}

/* NOLINTEND(readability-function-size, clang-analyzer-core.NullDereference) */

struct assignments *assignments_free(struct assignments *assignments)
{
    struct entry *entry = NULL;
    struct entry *next = NULL;
    if (assignments == NULL) {
        return NULL;
    }
    HASH_ITER(hh, assignments->entries, entry, next)
    {
        take_out(assignments, entry);
        entry_free(entry);
    }
    mem_free(assignments);
    return NULL;
}

/* --- One monitor ------------------------------------------------------------------------------ */

static char *json_text(const struct message_json *json)
{
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, LIMIT_FRAME_BYTES);
    struct json_enc e;
    json_enc_start(&e, &out);
    if (json->value != NULL) {
        json_enc_value(&e, NULL, json->value);
    } else if (json->text != NULL) {
        json_enc_raw(&e, NULL, json->text, json->size);
    } else {
        json_enc_obj(&e, NULL);
        json_enc_obj_end(&e);
    }
    return buf_take(&out);
}

static int read_plugin_params(struct assignment *a, const struct json_value *params,
                              struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf args;
    buf_init(&args, SPAWNLINK_ARGS_BYTES / 2);
    const struct json_value *list = json_member(params, "args");
    const struct json_value *item =
        list != NULL && json_type_of(list) == JSON_ARRAY ? json_first(list) : NULL;
    for (; item != NULL; item = json_next(item)) {
        buf_add(&args, json_string(item), strlen(json_string(item)) + 1);
    }
    if (args.err != TC_OK) {
        return err_set(err, TC_ERANGE, "params.args has more than %d bytes",
                       SPAWNLINK_ARGS_BYTES / 2);
    }
    const struct json_value *warning = json_member(params, "warningIs");
    a->is_warning_ok = warning != NULL && json_type_of(warning) == JSON_STRING &&
                       str_eq(json_string(warning), "ok");
    a->args_size = args.len;
    a->args = buf_take(&args);
    return TC_OK;
}

/* Read what the check and its params say; the router checked them, but a row may be older than a rule
 * or the router newer than this runner. */
static int read_check(struct assignment *a, struct err *err)
{
    const char *file = NULL;
    TC_CLEANUP(json_freep) struct json *json = NULL;
    int rc = checks_parse(a->check, &a->kind, &file, err);
    if (rc != TC_OK) {
        return rc;
    }
    a->file = file;
    rc = json_parse(a->params, strlen(a->params), LIMIT_PARAMS_BYTES, &json, err);
    if (rc == TC_OK && json_type_of(json_root(json)) != JSON_OBJECT) {
        rc = err_set(err, TC_EINVAL, "params must be an object");
    }
    if (rc == TC_OK) {
        rc = checks_check_params(a->kind, json_root(json), err);
    }
    a->convention = a->kind == CHECKS_NAGIOS ? VERDICT_NAGIOS : VERDICT_JSON;
    if (rc == TC_OK && a->kind == CHECKS_NAGIOS) {
        rc = read_plugin_params(a, json_root(json), err);
    }
    return rc;
}

static void assignment_read(struct assignment *a, const struct message_assignment *m)
{
    assignment_clear(a);
    *a = (struct assignment){.id = (uint32_t)m->id,
                             .generation = m->generation,
                             .is_active = m->is_active,
                             .uuid = mem_strdup(m->uuid),
                             .name = mem_strdup(m->name),
                             .check = mem_strdup(m->check),
                             .params = json_text(&m->params),
                             .labels = json_text(&m->labels),
                             .timeout_ms = m->timeout_seconds * 1000,
                             .request_id = a->request_id,
                             .seen_request_id = a->seen_request_id,
                             .told_generation = a->told_generation,
                             .overruns = a->overruns};
    a->file = a->check + strlen(a->check);
    struct err err = ERR_INIT;
    if (read_check(a, &err) != TC_OK) {
        a->problem = mem_strdup(err.text);
    }
}

void assignment_ask(struct assignment *assignment, const char *request_id)
{
    mem_free(assignment->request_id);
    assignment->request_id = mem_strdup(request_id);
}

/* --- The cache -------------------------------------------------------------------------------- */

/* A monitor is cached as the message that would assign it alone, without a request. */
static int cache(struct assignments *a, const struct message_assignment *m, struct err *err)
{
    if (a->spool == NULL) {
        return TC_OK;
    }
    struct message_assignment plain = *m;
    plain.run_now = NULL;
    struct message_assign message = {.is_complete = true, .monitors = &plain, .monitor_count = 1};
    TC_CLEANUP(buf_freep) struct buf body;
    buf_init(&body, LIMIT_FRAME_BYTES);
    int rc = message_encode(MESSAGE_ASSIGN, &message, &body, err);
    if (rc == TC_OK) {
        rc = spool_assign(a->spool, (uint32_t)m->id, body.p, body.len, err);
    }
    return rc;
}

static void forget(struct assignments *a, struct entry *entry)
{
    uint32_t id = entry->assignment.id;
    take_out(a, entry);
    a->ops.removed(a->ops.ctx, id);
    entry_free(entry);
}

static int remove_one(struct assignments *a, struct entry *entry, struct err *err)
{
    int rc = TC_OK;
    if (a->spool != NULL) {
        rc = spool_assign(a->spool, entry->assignment.id, NULL, 0, err);
    }
    forget(a, entry);
    return rc;
}

static struct entry *set_one(struct assignments *a, const struct message_assignment *m)
{
    uint32_t id = (uint32_t)m->id;
    struct entry *entry = find(a, id);
    if (entry == NULL) {
        entry = mem_alloc(sizeof(*entry));
        entry->assignment.id = id;
        add(a, entry);
    }
    assignment_read(&entry->assignment, m);
    entry->round = a->round;
    /* A request comes with every assignment until it is satisfied: it counts once. */
    const char *seen = entry->assignment.seen_request_id;
    if (m->run_now != NULL && (seen == NULL || !str_eq(seen, m->run_now))) {
        mem_free(entry->assignment.seen_request_id);
        entry->assignment.seen_request_id = mem_strdup(m->run_now);
        assignment_ask(&entry->assignment, m->run_now);
    }
    a->ops.set(a->ops.ctx, &entry->assignment, m);
    return entry;
}

static void load_one(void *ctx, uint32_t monitor, const char *body, size_t size)
{
    struct assignments *a = ctx;
    TC_CLEANUP(buf_freep) struct buf json;
    buf_init(&json, LIMIT_FRAME_BYTES);
    buf_add(&json, body, size);
    struct frames frames;
    frames_set(&frames, MESSAGE_ASSIGN, 0, 0, 0, &json);
    TC_CLEANUP(message_freep) struct message message = {.monitor = monitor};
    if (message_decode(MESSAGE_RUNNER, false, frames.part, &message, NULL) == TC_OK &&
        message.body.assign.monitor_count == 1) {
        (void)set_one(a, &message.body.assign.monitors[0]); /* the entry is not needed here */
    }
}

int assignments_load(struct assignments *assignments, struct err *err)
{
    return spool_assigned(assignments->spool, load_one, assignments, err);
}

int assignments_apply(struct assignments *assignments, const struct message_assign *message,
                      struct err *err)
{
    int rc = TC_OK;
    if (message->is_reset) {
        assignments->round++;
        assignments->is_in_snapshot = true;
    }
    for (size_t i = 0; i < message->monitor_count && rc == TC_OK; i++) {
        const struct message_assignment *m = &message->monitors[i];
        if (m->id > 0 && m->id <= UINT32_MAX) {
            (void)set_one(assignments, m); /* the entry is not needed here */
            rc = cache(assignments, m, err);
        }
    }
    for (size_t i = 0; i < message->removed.count && rc == TC_OK; i++) {
        uint64_t id = message->removed.items[i];
        struct entry *entry = id <= UINT32_MAX ? find(assignments, (uint32_t)id) : NULL;
        if (entry != NULL) {
            rc = remove_one(assignments, entry, err);
        }
    }
    if (!message->is_complete || !assignments->is_in_snapshot) {
        return rc;
    }
    assignments->is_in_snapshot = false;
    struct entry *entry = NULL;
    struct entry *next = NULL;
    HASH_ITER(hh, assignments->entries, entry, next)
    {
        if (entry->round != assignments->round && rc == TC_OK) {
            rc = remove_one(assignments, entry, err);
        }
    }
    return rc;
}

struct assignment *assignments_find(struct assignments *assignments, uint32_t id)
{
    struct entry *entry = find(assignments, id);
    return entry == NULL ? NULL : &entry->assignment;
}

size_t assignments_count(const struct assignments *assignments)
{
    return HASH_COUNT(assignments->entries);
}
