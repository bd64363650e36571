/* What goes out after a commit. Nothing here changes rows; what can't be sent now is sent again,
 * or asked for again by its peer. */
#include "router/flow/answer.h"

#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/sys/clock.h"
#include "router/flow/assign.h"
#include "router/flow/batch.h"
#include "router/flow/part.h"

enum {
    ASSIGN_MONITORS = 64,              /* of one message */
    ASSIGN_BYTES = 128 * 1024,         /* of the texts of one message, and one monitor more */
    ESCAPED = 6,                       /* JSON may write a byte of text as so many */
    ACK_REFUSALS = 512,                /* of one ack */
    WINDOW = 2000,                     /* results on the way, of one runner */
    STATUS_RUNNERS_BYTES = 200 * 1024, /* of the list of runners in a status */
};

int flow_send(struct flow *flow, enum message_role role, uint32_t connection,
              const struct flow_head *head)
{
    struct frames frames;
    frames_set(&frames, head->kind, head->seq, 0, head->monitor, &flow->body);
    return flow->options.net.send(flow->options.net.ctx, role, connection, &frames);
}

int flow_send_body(struct flow *flow, enum message_role role, uint32_t connection,
                   const struct flow_head *head, const void *body)
{
    buf_reset(&flow->body);
    int code = message_encode(head->kind, body, &flow->body, NULL);
    return code != TC_OK ? code : flow_send(flow, role, connection, head);
}

void flow_send_error(struct flow *flow, enum message_role role, uint32_t connection,
                     const char *code, const struct err *err)
{
    enum message_kind kind = role == MESSAGE_RUNNER     ? MESSAGE_RUNNER_ERROR
                             : role == MESSAGE_NOTIFIER ? MESSAGE_NOTIFIER_ERROR
                                                        : MESSAGE_WEB_ERROR;
    struct message_error body = {.code = code, .message = err->text, .about = ""};
    struct flow_head head = {.kind = kind};
    (void)flow_send_body(flow, role, connection, &head, &body); /* it will notice by itself */
}

/* --- Runners --------------------------------------------------------------------------------- */

static void send_welcome(struct flow *flow, struct flow_runner *runner)
{
    struct message_runner_welcome body = {.spool_rank = (int64_t)runner->spool_rank,
                                          .mark = runner->seq,
                                          .router_time_utc_ms = flow->batch.now_utc_ms,
                                          .heartbeat_seconds = MESSAGE_HEARTBEAT_SECONDS,
                                          .window = WINDOW};
    struct flow_head head = {.kind = MESSAGE_RUNNER_WELCOME};
    (void)flow_send_body(flow, MESSAGE_RUNNER, runner->connection, &head,
                         &body); /* it asks again */
}

static void send_ack(struct flow *flow, struct flow_runner *runner)
{
    struct flow_head head = {.kind = MESSAGE_ACK, .seq = runner->seq};
    do { /* an ack tells so many refusals and no more; a second one with the same number does no harm */
        size_t count = runner->refused.count < ACK_REFUSALS ? runner->refused.count : ACK_REFUSALS;
        size_t first = runner->refused.count - count;
        struct message_ack body = {.refused = count == 0 ? NULL : runner->refused.items + first,
                                   .refused_count = count};
        if (flow_send_body(flow, MESSAGE_RUNNER, runner->connection, &head, &body) != TC_OK) {
            return;
        }
        runner->refused.count = first;
    } while (runner->refused.count > 0);
    runner->needs_ack = false;
}

static void send_resend(struct flow *flow, struct flow_runner *runner)
{
    static const struct message_run none = {.request_id = NULL};
    struct flow_head head = {.kind = MESSAGE_RESEND, .seq = runner->seq};
    if (flow_send_body(flow, MESSAGE_RUNNER, runner->connection, &head, &none) == TC_OK) {
        runner->needs_resend = false;
    }
}

static void answer_runner(struct flow *flow, struct flow_runner *runner)
{
    if (runner->connection == 0) {
        return;
    }
    if (runner->needs_welcome) {
        runner->needs_welcome = false;
        runner->is_welcome = true;
        runner->needs_reset = true;
        send_welcome(flow, runner);
        flow_mark_all_dirty(flow, runner);
        flow_reassign_all(flow);
    }
    if (runner->needs_ack) {
        send_ack(flow, runner);
    }
    if (runner->needs_resend) {
        send_resend(flow, runner);
    }
}

/* --- Web ------------------------------------------------------------------------------------- */

void flow_reply_text(struct flow *flow, uint32_t connection, uint64_t seq, char *body)
{
    struct flow_reply *one = FLOW_LIST_ADD(flow->batch.replies);
    one->connection = connection;
    one->seq = seq;
    one->body = body;
}

const char *flow_reply(struct flow *flow, const struct flow_event *event,
                       const struct message_reply *reply)
{
    TC_CLEANUP(buf_freep) struct buf body;
    buf_init(&body, LIMIT_FRAME_BYTES);
    if (message_encode(MESSAGE_REPLY, reply, &body, NULL) != TC_OK) {
        buf_reset(&body);
        struct message_reply failed = {.status = 500,
                                       .has_problem = true,
                                       .problem = {.title = "the reply is too large",
                                                   .detail = "its result is over the limit"}};
        (void)message_encode(MESSAGE_REPLY, &failed, &body, NULL); /* small and constant */
    }
    char *text = buf_take(&body);
    flow_reply_text(flow, event->connection, event->message.seq, text);
    return text;
}

void flow_answer(struct flow *flow)
{
    for (struct flow_runner *one = flow->runners; one != NULL; one = one->hh.next) {
        answer_runner(flow, one);
    }
    for (size_t i = 0; i < flow->batch.replies.count; i++) {
        struct flow_reply *reply = &flow->batch.replies.items[i];
        buf_reset(&flow->body);
        buf_add_str(&flow->body, reply->body);
        struct flow_head head = {.kind = MESSAGE_REPLY, .seq = reply->seq};
        (void)flow_send(flow, MESSAGE_WEB, reply->connection, &head); /* it asks again by its id */
        mem_free(reply->body);
    }
    flow->batch.replies.count = 0;
}

/* --- Assignments ----------------------------------------------------------------------------- */

struct assign {
    struct flow *flow;
    struct flow_runner *runner;
    struct message_assignment monitors[ASSIGN_MONITORS];
    struct message_schedule *schedules[ASSIGN_MONITORS]; /* owned */
    char requests[ASSIGN_MONITORS][48];
    uint64_t removed[ASSIGN_MONITORS];
    size_t monitor_count;
    size_t removed_count;
    size_t taken; /* of the runner's dirty list */
    size_t bytes;
};

static void add_monitor(struct assign *assign, const struct flow_monitor *monitor)
{
    const struct flow_setup *setup = monitor->row.setup;
    size_t at = assign->monitor_count++;
    struct message_schedule *schedules = mem_array(setup->schedule_count + 1, sizeof(*schedules));
    struct message_assignment *part = &assign->monitors[at];
    flow_part_assignment(setup, schedules, part);
    assign->schedules[at] = schedules;
    part->id = monitor->id;
    part->generation = monitor->row.generation;
    part->is_active = monitor->row.core.is_active;
    part->run_now = flow_run_request(monitor, assign->requests[at]);
    assign->bytes += part->params.size + part->labels.size + ESCAPED * strlen(setup->name);
    for (size_t i = 0; i < part->schedule_count; i++) {
        assign->bytes += ESCAPED * (strlen(schedules[i].schedule) + strlen(schedules[i].timezone));
    }
}

static void gather(struct assign *assign)
{
    const struct flow_runner *runner = assign->runner;
    while (assign->taken < runner->dirty.count && assign->monitor_count < ASSIGN_MONITORS &&
           assign->removed_count < ASSIGN_MONITORS && assign->bytes < ASSIGN_BYTES) {
        uint32_t id = runner->dirty.items[assign->taken++];
        const struct flow_monitor *monitor = flow_find_monitor(assign->flow, id);
        if (monitor != NULL && monitor->row.runner_id == runner->id) {
            add_monitor(assign, monitor);
        } else {
            assign->removed[assign->removed_count++] = id;
        }
    }
}

static void settle(struct assign *assign)
{
    struct flow_runner *runner = assign->runner;
    for (size_t i = 0; i < assign->taken; i++) {
        struct flow_monitor *monitor = flow_find_monitor(assign->flow, runner->dirty.items[i]);
        if (monitor != NULL && monitor->row.runner_id == runner->id) {
            monitor->is_dirty = false;
        }
    }
    runner->dirty.count -= assign->taken;
    if (runner->dirty.count == 0) {
        return;
    }
    memmove(runner->dirty.items, runner->dirty.items + assign->taken,
            runner->dirty.count * sizeof(runner->dirty.items[0]));
}

/* One message of a runner's changes; false when it takes no more now. */
static bool send_assignments(struct flow *flow, struct flow_runner *runner)
{
    struct assign *assign = mem_alloc(sizeof(*assign));
    assign->flow = flow;
    assign->runner = runner;
    gather(assign);
    bool is_last = assign->taken == runner->dirty.count;
    struct message_assign body = {
        .is_reset = runner->needs_reset,
        .is_complete = is_last,
        .monitors = assign->monitors,
        .monitor_count = assign->monitor_count,
        .removed = {.items = assign->removed, .count = assign->removed_count}};
    struct flow_head head = {.kind = MESSAGE_ASSIGN};
    int code = flow_send_body(flow, MESSAGE_RUNNER, runner->connection, &head, &body);
    if (code == TC_OK) {
        runner->needs_reset = false;
        settle(assign);
    }
    for (size_t i = 0; i < assign->monitor_count; i++) {
        mem_free(assign->schedules[i]);
    }
    mem_free(assign);
    return code == TC_OK;
}

bool flow_pump_assignments(struct flow *flow)
{
    bool is_left = false;
    for (struct flow_runner *one = flow->runners; one != NULL; one = one->hh.next) {
        if (one->connection == 0 || !one->is_welcome) {
            continue;
        }
        bool takes_more = true;
        while (takes_more && (one->dirty.count > 0 || one->needs_reset)) {
            takes_more = send_assignments(flow, one);
        }
        is_left = is_left || !takes_more;
    }
    return is_left;
}

/* --- Status ---------------------------------------------------------------------------------- */

static void write_runners(const struct flow *flow, struct buf *out)
{
    int64_t mono_ms = clock_mono_us(flow->options.clock) / 1000;
    struct json_enc e;
    json_enc_start(&e, out);
    json_enc_arr(&e, NULL);
    for (const struct flow_runner *one = flow->runners; one != NULL; one = one->hh.next) {
        json_enc_obj(&e, NULL);
        json_enc_str(&e, "name", one->name);
        json_enc_bool(&e, "isConnected", one->is_welcome && !one->is_dead);
        json_enc_i64(&e, "silentMs", one->is_welcome ? mono_ms - one->heard_mono_ms : -1);
        json_enc_i64(&e, "spoolCount", one->spool_count);
        json_enc_u64_text(&e, "dropped", one->dropped);
        json_enc_obj_end(&e);
    }
    json_enc_arr_end(&e);
}

static void write_channels(const struct flow *flow, struct buf *out)
{
    struct json_enc e;
    json_enc_start(&e, out);
    json_enc_arr(&e, NULL);
    for (const struct flow_sink *one = flow->sinks; one != NULL; one = one->hh.next) {
        json_enc_obj(&e, NULL);
        json_enc_str(&e, "name", one->channel);
        json_enc_bool(&e, "isConnected", one->connection != 0 && !one->is_dead);
        json_enc_i64(&e, "credit", one->credit);
        json_enc_i64(&e, "queued", (int64_t)outbox_count_of_channel(flow->outbox, one->channel));
        json_enc_obj_end(&e);
    }
    json_enc_arr_end(&e);
}

static void write_counts(const struct flow *flow, struct buf *out)
{
    struct flow_stats stats;
    flow_stats(flow, &stats);
    struct json_enc e;
    json_enc_start(&e, out);
    json_enc_obj(&e, NULL);
    json_enc_i64(&e, "monitors", (int64_t)stats.monitors);
    json_enc_i64(&e, "alerts", (int64_t)stats.alerts);
    json_enc_i64(&e, "unfinished", (int64_t)stats.unfinished);
    json_enc_i64(&e, "results", (int64_t)stats.results);
    json_enc_i64(&e, "duplicates", (int64_t)stats.duplicates);
    json_enc_i64(&e, "refused", (int64_t)stats.refused);
    json_enc_i64(&e, "commits", (int64_t)stats.commits);
    json_enc_i64(&e, "conflicts", (int64_t)stats.conflicts);
    json_enc_i64(&e, "badMessages", (int64_t)stats.bad_messages);
    json_enc_i64(&e, "deliveries", (int64_t)stats.deliveries);
    json_enc_i64(&e, "runsRemoved", (int64_t)stats.removed[FLOW_RETAINED_RUNS]);
    json_enc_i64(&e, "notificationsRemoved", (int64_t)stats.removed[FLOW_RETAINED_NOTIFICATIONS]);
    json_enc_i64(&e, "incidentsRemoved", (int64_t)stats.removed[FLOW_RETAINED_INCIDENTS]);
    json_enc_obj_end(&e);
}

static void send_to_webs(struct flow *flow, enum message_kind kind, const void *body)
{
    struct flow_head head = {.kind = kind};
    for (size_t i = 0; i < flow->webs.count;) {
        int code = flow_send_body(flow, MESSAGE_WEB, flow->webs.items[i], &head, body);
        if (code == TC_ECLOSED) {
            flow->webs.items[i] = flow->webs.items[--flow->webs.count];
        } else {
            i++;
        }
    }
}

void flow_send_change(struct flow *flow)
{
    const struct flow_batch *batch = &flow->batch;
    if (flow->webs.count == 0 || batch->monitors.count + batch->incidents.count == 0) {
        return;
    }
    TC_CLEANUP(mem_freep)
    uint64_t *ids = mem_array(batch->monitors.count + batch->incidents.count, sizeof(*ids));
    struct message_change body = {.monitors = {.items = ids},
                                  .incidents = {.items = ids + batch->monitors.count}};
    for (size_t i = 0; i < batch->monitors.count && i < MESSAGE_IDS; i++) {
        ids[body.monitors.count++] = batch->monitors.items[i]->monitor->id;
    }
    for (size_t i = 0; i < batch->incidents.count && i < MESSAGE_IDS; i++) {
        ids[batch->monitors.count + body.incidents.count++] =
            batch->incidents.items[i]->incident->row.id;
    }
    send_to_webs(flow, MESSAGE_CHANGE, &body);
}

void flow_send_status(struct flow *flow)
{
    if (flow->webs.count == 0) {
        return;
    }
    TC_CLEANUP(buf_freep) struct buf runners;
    TC_CLEANUP(buf_freep) struct buf channels;
    TC_CLEANUP(buf_freep) struct buf counts;
    buf_init(&runners, STATUS_RUNNERS_BYTES);
    buf_init(&channels, LIMIT_PARAMS_BYTES);
    buf_init(&counts, LIMIT_PARAMS_BYTES);
    write_runners(flow, &runners);
    write_channels(flow, &channels);
    write_counts(flow, &counts);
    struct message_status body = {.state = "active",
                                  .is_store_ok = flow->stats.is_store_ok,
                                  .last_commit_at_utc_ms = flow->stats.last_commit_utc_ms,
                                  .runners = {.text = runners.p, .size = runners.len},
                                  .channels = {.text = channels.p, .size = channels.len},
                                  .counts = {.text = counts.p, .size = counts.len}};
    send_to_webs(flow, MESSAGE_STATUS, &body);
}
