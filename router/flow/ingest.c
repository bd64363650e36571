/* From a runner's message to the decision: who it is, whether this number was applied before,
 * whether the monitor is its own. Every number is answered by an ack or a refusal, after the commit
 * (docs/spec.md 2.1, 2.2). */
#include "router/flow/ingest.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "lib/sys/clock.h"
#include "proto/link/window.h"
#include "router/flow/answer.h"
#include "router/flow/assign.h"
#include "router/flow/batch.h"
#include "router/flow/expect.h"
#include "router/flow/plan.h"
#include "router/flow/report.h"

enum {
    LATE_AGAIN_MS = 2000, /* what was on its way comes in one go */
};

/* --- Hello ----------------------------------------------------------------------------------- */

static char *json_of_value(const struct message_json *json)
{
    struct buf text;
    buf_init(&text, LIMIT_FRAME_BYTES);
    if (json->value != NULL) {
        struct json_enc e;
        json_enc_start(&e, &text);
        json_enc_value(&e, NULL, json->value);
    } else {
        buf_add_str(&text, "{}");
    }
    return buf_take(&text);
}

static char *json_of_strings(const struct message_strings *strings)
{
    struct buf text;
    buf_init(&text, LIMIT_FRAME_BYTES);
    struct json_enc e;
    json_enc_start(&e, &text);
    json_enc_arr(&e, NULL);
    for (size_t i = 0; i < strings->count; i++) {
        json_enc_str(&e, NULL, strings->items[i]);
    }
    json_enc_arr_end(&e);
    return buf_take(&text);
}

/* A spool that the router has not met begins at a new rank, so that its numbers, which start anew,
 * are never taken for duplicates; so does one that fell behind its own past. */
static void rank_spool(struct flow_runner *runner, const struct message_runner_hello *hello)
{
    char spool_id[sizeof(runner->spool_id)];
    (void)snprintf(spool_id, sizeof(spool_id), "%" PRIu64, hello->spool_id); /* 20 digits at most */
    bool is_known = str_eq(spool_id, runner->spool_id);
    if (is_known && hello->last >= runner->seq) {
        return;
    }
    runner->spool_rank++;
    runner->seq = is_known ? hello->last : 0;
    runner->dropped = is_known ? runner->dropped : 0;
    memcpy(runner->spool_id, spool_id, sizeof(spool_id));
}

static void record_hello(struct flow *flow, const struct flow_runner *runner)
{
    struct audit_entry entry = {.kind = "runner",
                                .runner = runner->name,
                                .spool_rank = runner->spool_rank,
                                .number = runner->seq,
                                .detail = "connected"};
    flow_record(flow, &entry);
}

/* The texts before the batch are kept until its end. */
static void keep_text(char *text, char **kept, bool is_first)
{
    if (is_first) {
        *kept = text;
    } else {
        mem_free(text);
    }
}

static void set_runner_texts(struct flow_touched_runner *touched,
                             const struct message_runner_hello *hello)
{
    struct flow_runner *runner = touched->runner;
    bool is_first = !touched->needs_set;
    keep_text(runner->labels, &touched->labels, is_first);
    keep_text(runner->checks, &touched->checks, is_first);
    keep_text(runner->program_version, &touched->program_version, is_first);
    touched->needs_set = true;
    runner->labels = json_of_value(&hello->labels);
    runner->checks = json_of_strings(&hello->checks);
    runner->program_version = mem_strdup(hello->version);
}

/* Whether a hello is of a process that another one has replaced, which is there: what an ended
 * process sent last can come after the first words of the next one. To follow it would take its old
 * spool for a new one, and a clone of the host would take turns with it for ever. */
static bool is_late(const struct flow_runner *runner, const struct message_runner_hello *hello)
{
    if (runner->connection == 0 || runner->is_dead || hello->boot_id == runner->boot_id) {
        return false;
    }
    for (size_t i = 0; i < FLOW_BOOTS; i++) {
        if (runner->boots_before[i] == hello->boot_id) {
            return true;
        }
    }
    return false;
}

/* Once may be what was still on its way; a process that repeats it is alive. */
static void note_late(struct flow *flow, struct flow_runner *runner)
{
    int64_t now_mono_ms = clock_mono_us(flow->options.clock) / 1000;
    bool is_repeated =
        runner->late_mono_ms != 0 && now_mono_ms - runner->late_mono_ms >= LATE_AGAIN_MS;
    if (runner->late_mono_ms == 0 || is_repeated) {
        runner->late_mono_ms = now_mono_ms;
    }
    if (is_repeated) {
        char name[LIMIT_NAME_BYTES + 32];
        (void)snprintf(name, sizeof(name), "internal:runner/%s", runner->name); /* sized for it */
        flow_report(flow, name, false,
                    "two processes run under this runner's name and key, and only one of them is "
                    "heard: give each host a key and a name of its own (tocsin runner add)");
    }
}

/* The first words of a runner since this router started, or since it was given up. */
static void note_return(struct flow *flow, struct flow_runner *runner)
{
    if (runner->boot_id != 0 && !runner->is_dead) {
        return;
    }
    runner->resends_until_mono_ms = clock_mono_us(flow->options.clock) / 1000 + FLOW_RESEND_MS;
    char name[FLOW_RESERVED_NAME_BYTES];
    (void)snprintf(name, sizeof(name), "internal:runner/%s", runner->name); /* sized for it */
    flow_report(flow, name, true, "the runner reports again");
}

static void note_boot(struct flow_runner *runner, uint64_t boot_id)
{
    if (runner->boot_id == boot_id) {
        return;
    }
    memmove(runner->boots_before + 1, runner->boots_before,
            (FLOW_BOOTS - 1) * sizeof(runner->boots_before[0]));
    runner->boots_before[0] = runner->boot_id;
    runner->boot_id = boot_id;
}

static void report_damage(struct flow *flow, const struct flow_runner *runner, const char *path)
{
    char name[LIMIT_NAME_BYTES + 32];
    char text[LIMIT_NAME_BYTES + LIMIT_URL_BYTES + 160];
    (void)snprintf(name, sizeof(name), "internal:spool/%s", runner->name); /* sized for it */
    (void)snprintf(
        text, sizeof(text),
        "the spool of runner %s was damaged and set aside as %s: what could be read of it "
        "is delivered, other results are lost",
        runner->name, path); /* sized for it */
    flow_report(flow, name, false, text);
}

void flow_apply_hello(struct flow *flow, const struct flow_event *event)
{
    const struct message_runner_hello *hello = &event->message.body.runner_hello;
    struct flow_runner *runner = flow_find_runner(flow, event->peer);
    if (runner == NULL) {
        runner = flow_add_runner(flow, event->peer);
    }
    struct flow_touched_runner *touched = flow_touch_runner(flow, runner);
    if (is_late(runner, hello)) {
        note_late(flow, runner);
        return;
    }
    rank_spool(runner, hello);
    set_runner_texts(touched, hello);
    note_return(flow, runner);
    note_boot(runner, hello->boot_id);
    if (hello->set_aside != NULL) {
        report_damage(flow, runner, hello->set_aside);
    }
    runner->connection = event->connection;
    runner->is_welcome = false;
    runner->needs_welcome = true;
    runner->needs_ack = false;
    runner->needs_resend = false;
    runner->refused.count = 0;
    runner->heard_mono_ms = clock_mono_us(flow->options.clock) / 1000;
    record_hello(flow, runner);
}

/* What a spool dropped is counted since it was made: a router that starts knows by the last words of
 * the reserved monitor how much of it was told. */
static void report_spool(struct flow *flow, struct flow_runner *runner,
                         const struct message_runner_heartbeat *heartbeat)
{
    char name[FLOW_RESERVED_NAME_BYTES];
    char overflowed[LIMIT_NAME_BYTES + 160];
    char emptied[160];
    (void)snprintf(name, sizeof(name), "internal:spool/%s", runner->name); /* sized for it */
    (void)snprintf(overflowed, sizeof(overflowed),
                   "the spool of runner %s overflowed: %" PRIu64
                   " results were dropped, the latest of each monitor is kept",
                   runner->name, heartbeat->dropped); /* sized for it */
    (void)snprintf(emptied, sizeof(emptied),
                   "the spool is empty again: %" PRIu64 " results were dropped since it was made",
                   heartbeat->dropped); /* sized for it */
    if (heartbeat->dropped > runner->dropped) {
        const struct flow_monitor *reserved = flow_reserved_monitor(flow, name);
        const char *told = reserved == NULL ? NULL : reserved->row.last_message;
        if (told == NULL || (!str_eq(told, overflowed) && !str_eq(told, emptied))) {
            flow_report(flow, name, false, overflowed);
        }
        runner->dropped = heartbeat->dropped;
    } else if (heartbeat->spool_count == 0) {
        flow_report(flow, name, true, emptied);
    }
}

void flow_heartbeat(struct flow *flow, uint32_t connection, const char *peer,
                    const struct message_runner_heartbeat *heartbeat)
{
    struct flow_runner *runner = flow_find_runner(flow, peer);
    if (runner == NULL || runner->connection != connection) {
        struct err err = ERR_INIT;
        (void)err_set(&err, TC_EPROTO, "say hello first");
        flow_send_error(flow, MESSAGE_RUNNER, connection, "hello_first", &err);
        return;
    }
    runner->heard_mono_ms = clock_mono_us(flow->options.clock) / 1000;
    runner->spool_count = heartbeat->spool_count;
    report_spool(flow, runner, heartbeat);
}

/* --- Results --------------------------------------------------------------------------------- */

static void refuse(struct flow *flow, struct flow_runner *runner, const struct flow_event *event,
                   const char *reason)
{
    struct message_refusal *refusal = FLOW_LIST_ADD(runner->refused);
    refusal->seq = event->message.seq;
    refusal->reason = reason;
    flow->stats.refused++;
    struct audit_entry entry = {.kind = "refusal",
                                .reason = reason,
                                .monitor_id = event->message.monitor,
                                .runner = runner->name,
                                .spool_rank = runner->spool_rank,
                                .number = event->message.seq,
                                .message = event->message.body.result.message};
    flow_record(flow, &entry);
}

/* Whether the run was scheduled, or asked for, after the NULL in lastRunDt was seen. */
static bool answers_request(const struct flow_monitor *monitor, const struct message_result *result)
{
    char wanted[48];
    const char *request = flow_run_request(monitor, wanted);
    if (request == NULL) {
        return true;
    }
    return (result->request_id != NULL && str_eq(result->request_id, request)) ||
           (result->scheduled_at_utc_ms != MESSAGE_NEVER &&
            result->scheduled_at_utc_ms >= monitor->row.run_asked_utc_ms);
}

static void decide_result(struct flow *flow, struct flow_monitor *monitor,
                          const struct flow_runner *runner, const struct flow_event *event)
{
    const struct message_result *result = &event->message.body.result;
    struct core_event decided = {.type = CORE_EVENT_RESULT,
                                 .result = {.is_ok = result->is_ok,
                                            .is_config = str_eq(result->reason, "config"),
                                            .answers_run_request = answers_request(monitor, result),
                                            .generation = result->generation,
                                            .current_generation = monitor->row.generation,
                                            .scheduled_utc_ms = result->scheduled_at_utc_ms,
                                            .started_utc_ms = result->started_at_utc_ms}};
    struct flow_cause cause = {.kind = "result",
                               .message = result->message,
                               .reason = result->reason,
                               .metrics = result->metrics,
                               .runner = runner,
                               .number = event->message.seq,
                               .scheduled_utc_ms = result->scheduled_at_utc_ms,
                               .started_utc_ms = result->started_at_utc_ms,
                               .duration_ms = result->duration_ms};
    flow_decide(flow, monitor, &decided, &cause, NULL, NULL);
    flow->stats.results++;
    if (result->generation == monitor->row.generation) {
        int64_t ended = result->started_at_utc_ms + result->duration_ms;
        int64_t now = flow->batch.now_utc_ms;
        (void)flow_touch_monitor(flow, monitor);
        flow_expect(flow, monitor, ended < now ? ended : now);
    }
}

void flow_apply_result(struct flow *flow, const struct flow_event *event)
{
    struct flow_runner *runner = flow_find_runner(flow, event->peer);
    if (runner == NULL || runner->connection != event->connection ||
        !(runner->is_welcome || runner->needs_welcome)) {
        return; /* its hello was lost, or another process took its place: it is not acknowledged */
    }
    runner->heard_mono_ms = clock_mono_us(flow->options.clock) / 1000;
    switch (window_accept(event->message.seq, event->message.prev, runner->seq)) {
    case ACCEPT_DUPLICATE:
        flow->stats.duplicates++;
        runner->needs_ack = true;
        return;
    case ACCEPT_GAP:
        runner->needs_resend = true;
        return;
    case ACCEPT_APPLY:
        break;
    }
    (void)flow_touch_runner(flow, runner);
    runner->seq = event->message.seq;
    runner->needs_ack = true;
    struct flow_monitor *monitor = flow_live_monitor(flow, event->message.monitor);
    if (monitor == NULL) {
        refuse(flow, runner, event, "unknown_monitor");
        return;
    }
    bool is_current = event->message.body.result.generation == monitor->row.generation;
    if (monitor->row.setup->is_internal || (is_current && monitor->row.runner_id != runner->id)) {
        refuse(flow, runner, event, "not_assigned");
        return;
    }
    decide_result(flow, monitor, runner, event);
}
