/* Enqueueing and cancelling: from a decided notification to its row and its place in the outbox.
 * The row carries the whole message as it was at the decision. */
#include "router/flow/deliver.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "router/core/reason.h"
#include "router/flow/batch.h"
#include "router/flow/part.h"

static const char *const kind_names[] = {[CORE_KIND_ALERT] = "alert",
                                         [CORE_KIND_REMINDER] = "reminder",
                                         [CORE_KIND_RECOVERY] = "recovery",
                                         [CORE_KIND_CLOSED] = "closed"};

enum {
    KEY_BYTES = 16,
};

/* The same for every copy of a message, another for every other message (docs/spec.md 1.3). */
static char *key_of(const struct core_notification *one, uint64_t incident_id, const char *target)
{
    char text[CORE_TARGET_BYTES + 96];
    int size = snprintf(text, sizeof(text), "%" PRIu64 " %s %" PRIu32 " %" PRIu32 " %s",
                        incident_id, kind_names[one->kind], one->round, one->number, target);
    TC_ASSERT(size > 0 && (size_t)size < sizeof(text));
    uint8_t hash[DIGEST_BYTES];
    digest_sha256(text, (size_t)size, hash);
    char *key = mem_alloc(2 * KEY_BYTES + 1);
    hex_encode(hash, KEY_BYTES, key);
    return key;
}

static enum message_deliver_kind deliver_kind(enum core_kind kind)
{
    switch (kind) {
    case CORE_KIND_ALERT:
        return MESSAGE_DELIVER_ALERT;
    case CORE_KIND_REMINDER:
        return MESSAGE_DELIVER_REMINDER;
    case CORE_KIND_RECOVERY:
        return MESSAGE_DELIVER_RECOVERY;
    case CORE_KIND_CLOSED:
        return MESSAGE_DELIVER_CLOSED;
    }
    TC_UNREACHABLE();
}

static struct message_deliver_result result_of(const struct flow *flow,
                                               const struct flow_cause *cause)
{
    const char *runner = cause->runner == NULL ? cause->by : cause->runner->name;
    int64_t finished = cause->started_utc_ms == 0 ? flow->batch.now_utc_ms
                                                  : cause->started_utc_ms + cause->duration_ms;
    return (struct message_deliver_result){.message = cause->message == NULL ? "" : cause->message,
                                           .scheduled_at_utc_ms = cause->scheduled_utc_ms,
                                           .finished_at_utc_ms = finished,
                                           .runner = runner == NULL ? "" : runner,
                                           .reason = cause->reason == NULL ? "ok" : cause->reason};
}

static char *body_of(struct flow *flow, const struct flow_monitor *monitor,
                     const struct flow_incident *incident, const struct core_notification *one,
                     const struct message_deliver *frame, const struct flow_cause *cause)
{
    struct message_deliver deliver = *frame;
    deliver.kind = deliver_kind(one->kind);
    deliver.is_collapsed = one->is_collapsed;
    char name[LIMIT_NAME_BYTES + 1];
    flow_part_deliver(monitor->row.setup, name, &deliver.monitor);
    deliver.incident =
        (struct message_deliver_incident){.id = incident->row.id,
                                          .opened_at_utc_ms = incident->row.opened_utc_ms,
                                          .ended_at_utc_ms = incident->row.closed_utc_ms,
                                          .reminder = one->number,
                                          .is_quiet = cause->is_quiet};
    deliver.result = result_of(flow, cause);
    deliver.has_previous = one->kind != CORE_KIND_ALERT && incident->heard != NULL;
    deliver.previous = (struct message_deliver_previous){
        .message = incident->heard, .finished_at_utc_ms = incident->heard_utc_ms};
    deliver.decided_at_utc_ms = flow->batch.now_utc_ms;
    deliver.created_at_utc_ms = flow->batch.now_utc_ms;
    struct buf body;
    buf_init(&body, LIMIT_FRAME_BYTES);
    struct err err = ERR_INIT;
    int code = message_encode(MESSAGE_DELIVER, &deliver, &body, &err);
    if (code != TC_OK) { /* every part has its limit; together they may be over the frame's */
        deliver.has_previous = false;
        deliver.monitor.labels = (struct message_json){.text = NULL};
        buf_reset(&body);
        code = message_encode(MESSAGE_DELIVER, &deliver, &body, &err);
        TC_ASSERT(code == TC_OK);
    }
    return buf_take(&body);
}

void flow_enqueue(struct flow *flow, const struct flow_monitor *monitor,
                  const struct flow_incident *incident, const struct core_notification *one,
                  const char *target, const struct flow_cause *cause)
{
    struct outbox_item item = {.id = ++flow->ids.notification,
                               .incident_id = incident->row.id,
                               .monitor_id = monitor->id,
                               .kind = one->kind,
                               .round = one->round,
                               .is_collapsed = one->is_collapsed,
                               .created_utc_ms = flow->batch.now_utc_ms,
                               .due_utc_ms = flow->batch.now_utc_ms,
                               .leased_until_utc_ms = CORE_NEVER};
    int code = str_copy(item.recipient, sizeof(item.recipient), target);
    TC_ASSERT(code == TC_OK);
    struct flow_touched_delivery *touched = flow_add_delivery(flow, &item);
    const char *key = flow_keep_text(flow, key_of(one, incident->row.id, target));
    char channel[OUTBOX_CHANNEL_BYTES];
    const char *plain = outbox_split(target, channel);
    TC_ASSERT(plain != NULL);
    struct message_deliver frame = {.key = key, .attempt = 1, .target = plain};
    touched->row = (struct store_notification){
        .id = item.id,
        .monitor_id = monitor->id,
        .incident_id = incident->row.id,
        .kind = one->kind,
        .recipient = flow_keep_text(flow, mem_strdup(target)),
        .key = key,
        .number = one->number,
        .round = one->round,
        .is_collapsed = one->is_collapsed,
        .decided_utc_ms = flow->batch.now_utc_ms,
        .body = flow_keep_text(flow, body_of(flow, monitor, incident, one, &frame, cause)),
        .status = STORE_QUEUED,
        .next_utc_ms = item.due_utc_ms,
        .lease_utc_ms = CORE_NEVER,
        .finished_utc_ms = CORE_NEVER};
}

/* --- Cancelling ------------------------------------------------------------------------------ */

struct search {
    struct flow *flow;
    const struct core_cancel *cancel;
    const char *target;
    uint64_t found; /* 0: none */
};

static void look_at(void *ctx, const struct outbox_item *item)
{
    struct search *search = ctx;
    const struct flow_touched_delivery *touched = flow_find_touched(search->flow, item->id);
    bool is_finished = touched != NULL && touched->is_finished;
    if (search->found == 0 && !is_finished && item->kind == search->cancel->kind &&
        item->round >= search->cancel->round && item->leased_until_utc_ms == CORE_NEVER &&
        str_eq(item->recipient, search->target)) {
        search->found = item->id;
    }
}

static void record_cancel(struct flow *flow, uint64_t incident_id, uint64_t id,
                          const struct core_cancel *cancel, const char *target)
{
    bool is_collapsed = cancel->is_collapsed || cancel->reason == CORE_REASON_SEND_COLLAPSED;
    struct audit_entry entry = {.kind = "notification",
                                .reason = core_reason_name(cancel->reason),
                                .incident_id = incident_id,
                                .notification_id = id,
                                .to = is_collapsed ? "collapsed" : "cancelled",
                                .type = kind_names[cancel->kind],
                                .recipient = target};
    flow_record(flow, &entry);
}

static void cancel_one(struct flow *flow, uint64_t id, const struct core_cancel *cancel)
{
    struct flow_touched_delivery *touched = flow_touch_delivery(flow, id);
    touched->is_finished = true;
    touched->row.status =
        cancel->reason == CORE_REASON_SEND_COLLAPSED ? STORE_COLLAPSED : STORE_CANCELLED;
    touched->row.finished_utc_ms = flow->batch.now_utc_ms;
    touched->row.reason = core_reason_name(cancel->reason);
    /* Out of the way of flow_lease until the commit takes it out of the outbox. */
    outbox_postpone(flow->outbox, id, INT64_MAX);
}

/* A RECOVERED that is queued stands for its ALERT too from now on (docs/spec.md 1.13). */
static void collapse_one(struct flow *flow, uint64_t id)
{
    struct flow_touched_delivery *touched = flow_touch_delivery(flow, id);
    touched->row.is_collapsed = true;
    struct outbox_item item = *outbox_find(flow->outbox, id);
    item.is_collapsed = true;
    outbox_restore(flow->outbox, &item);
}

void flow_cancel(struct flow *flow, uint64_t incident_id, const struct core_cancel *cancel,
                 const char *target)
{
    for (;;) {
        struct search search = {.flow = flow, .cancel = cancel, .target = target};
        outbox_each_of_incident(flow->outbox, incident_id, look_at, &search);
        if (search.found == 0) {
            return;
        }
        if (cancel->is_collapsed) {
            collapse_one(flow, search.found);
        } else {
            cancel_one(flow, search.found, cancel);
        }
        record_cancel(flow, incident_id, search.found, cancel, target);
        if (cancel->kind != CORE_KIND_REMINDER) {
            return; /* of reminders all go, of anything else the first */
        }
    }
}
