/* Handing over: notifiers say how much they take; what may go is leased in a batch and sent after
 * its commit; outcomes finish it, send it round again or give it up. */
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/assert.h"
#include "lib/base/backoff.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/sys/clock.h"
#include "router/core/reason.h"
#include "router/flow/answer.h"
#include "router/flow/batch.h"
#include "router/flow/command.h"
#include "router/flow/deliver.h"
#include "router/flow/plan.h"
#include "router/flow/report.h"

enum {
    SEND_AGAIN_MS = 1000, /* the connection took no more */
};

/* --- Notifiers ------------------------------------------------------------------------------- */

static struct flow_sink *sink_of_connection(const struct flow *flow, uint32_t connection)
{
    for (struct flow_sink *sink = flow->sinks; sink != NULL; sink = sink->hh.next) {
        if (sink->connection == connection) {
            return sink;
        }
    }
    return NULL;
}

void flow_sink_heard(struct flow *flow, uint32_t connection)
{
    struct flow_sink *sink = sink_of_connection(flow, connection);
    if (sink != NULL) {
        sink->heard_mono_ms = clock_mono_us(flow->options.clock) / 1000;
        if (sink->is_dead) {
            sink->is_dead = false;
            flow_report_heard(flow, sink->channel);
        }
    }
}

bool flow_sink_is_known(const struct flow *flow, uint32_t connection)
{
    return sink_of_connection(flow, connection) != NULL;
}

void flow_sink_hello(struct flow *flow, uint32_t connection, const char *channel, int64_t credit)
{
    struct flow_sink *sink = flow_find_sink(flow, channel);
    if (sink == NULL) {
        sink = mem_alloc(sizeof(*sink));
        int code = str_copy(sink->channel, sizeof(sink->channel), channel);
        TC_ASSERT(code == TC_OK);
        flow_put_sink(flow, sink);
        if (flow_is_reported_silent(flow, channel)) { /* to the router before this one */
            flow_report_heard(flow, channel);
        }
    }
    sink->connection = connection;
    sink->credit = credit;
    flow_sink_heard(flow, connection);
}

void flow_sink_credit(struct flow *flow, uint32_t connection, int64_t credit)
{
    struct flow_sink *sink = sink_of_connection(flow, connection);
    if (sink != NULL) {
        sink->credit = credit;
        flow_sink_heard(flow, connection);
    }
}

void flow_sink_refund(struct flow *flow, uint32_t connection)
{
    struct flow_sink *sink = sink_of_connection(flow, connection);
    if (sink != NULL) {
        sink->credit++;
    }
}

bool flow_sink_can_take(const struct flow_sink *sink)
{
    return sink->connection != 0 && sink->credit > 0 && !sink->is_dead;
}

/* --- What became of one ---------------------------------------------------------------------- */

/* From here on nobody can say that this message was surely not accepted. */
static void set_uncertain(struct flow *flow, uint64_t id, struct flow_touched_delivery *touched)
{
    touched->row.is_uncertain = true;
    struct outbox_item item = *outbox_find(flow->outbox, id);
    item.is_uncertain = true;
    outbox_restore(flow->outbox, &item);
}

static void finish(struct flow *flow, const struct outbox_item *item,
                   const struct message_outcome *outcome, enum store_delivery status)
{
    struct flow_touched_delivery *touched = flow_touch_delivery(flow, item->id);
    touched->is_finished = true;
    touched->row.status = status;
    touched->row.finished_utc_ms = flow->batch.now_utc_ms;
    /* Its lease may be over by now: out of the way of flow_lease until the commit takes it out. */
    outbox_postpone(flow->outbox, item->id, INT64_MAX);
    struct audit_entry entry = {.kind = "notification",
                                .reason = status == STORE_SENT ? "sent" : "dead",
                                .monitor_id = item->monitor_id,
                                .incident_id = item->incident_id,
                                .notification_id = item->id,
                                .to = status == STORE_SENT ? "sent" : "dead",
                                .number = (uint64_t)item->attempts,
                                .recipient = item->recipient,
                                .detail = outcome->reason};
    flow_record(flow, &entry);
}

static void note_answer(struct flow *flow, uint64_t id, const struct message_outcome *outcome)
{
    struct flow_touched_delivery *touched = flow_touch_delivery(flow, id);
    char code[24];
    (void)snprintf(code, sizeof(code), "%" PRId64, outcome->code); /* fits any int64_t */
    touched->row.code = outcome->code == 0 ? NULL : flow_keep_text(flow, mem_strdup(code));
    touched->row.reason = flow_keep_text(flow, mem_strdup(outcome->reason));
    touched->row.remote = flow_keep_text(flow, mem_strdup(outcome->remote));
    if (outcome->provider_id != NULL) {
        touched->row.provider_id = flow_keep_text(flow, mem_strdup(outcome->provider_id));
    }
}

/* A dead letter: nobody tries again by himself. */
static void give_up(struct flow *flow, const struct outbox_item *item,
                    const struct message_outcome *outcome)
{
    note_answer(flow, item->id, outcome);
    finish(flow, item, outcome, STORE_DEAD);
    flow_decide_delivery(flow, item, CORE_DELIVERY_DEAD);
    flow_report_dead(flow, item->recipient, outcome->reason);
}

/* What the router itself says of a delivery that nobody answered. */
static struct message_outcome own_outcome(const char *reason)
{
    return (struct message_outcome){.class = MESSAGE_OUTCOME_DEAD, .reason = reason, .remote = ""};
}

static bool is_too_old(const struct flow *flow, const struct outbox_item *item)
{
    return flow->batch.now_utc_ms - item->created_utc_ms >= flow->options.retry_for_ms;
}

/* --- Leasing --------------------------------------------------------------------------------- */

bool flow_can_lease(const struct flow *flow, int64_t now_utc_ms)
{
    for (const struct flow_sink *sink = flow->sinks; sink != NULL; sink = sink->hh.next) {
        if (flow_sink_can_take(sink) &&
            outbox_next(flow->outbox, sink->channel, now_utc_ms) != NULL) {
            return true;
        }
    }
    return false;
}

static void lease_one(struct flow *flow, struct flow_sink *sink, const struct outbox_item *item)
{
    struct outbox_item leased = *item;
    if (leased.leased_until_utc_ms != CORE_NEVER && is_too_old(flow, &leased)) {
        struct message_outcome silence = own_outcome("its notifier never said what became of it");
        give_up(flow, &leased, &silence);
        return;
    }
    struct flow_touched_delivery *touched = flow_touch_delivery(flow, leased.id);
    if (leased.leased_until_utc_ms != CORE_NEVER) {
        set_uncertain(flow, leased.id, touched); /* the lease before this one had no answer */
    }
    int64_t until =
        flow->batch.now_utc_ms + (int64_t)MESSAGE_LEASE_SECONDS * 1000 * flow->options.clock->rate;
    outbox_lease(flow->outbox, leased.id, until);
    touched->row.status = STORE_LEASED;
    touched->row.attempt = (uint32_t)leased.attempts + 1;
    touched->row.lease_utc_ms = until;
    touched->handed_to = sink->connection;
    sink->credit--;
    if (leased.kind == CORE_KIND_ALERT) {
        flow_decide_delivery(flow, &leased, CORE_DELIVERY_HANDED);
    }
}

void flow_lease(struct flow *flow)
{
    size_t count = 0;
    for (struct flow_sink *sink = flow->sinks; sink != NULL; sink = sink->hh.next) {
        const struct outbox_item *item = NULL;
        while (count++ < LIMIT_BATCH && flow_sink_can_take(sink) &&
               (item = outbox_next(flow->outbox, sink->channel, flow->batch.now_utc_ms)) != NULL) {
            lease_one(flow, sink, item);
        }
    }
}

/* --- Sending --------------------------------------------------------------------------------- */

struct found {
    const char *recipient;
    char *text; /* owned */
};

static int copy_body(void *ctx, const void *row)
{
    const struct store_notification *notification = row;
    char **body = ctx;
    *body = mem_strdup(notification->body);
    return TC_OK;
}

static int find_provider_id(void *ctx, const void *row)
{
    const struct store_notification *notification = row;
    struct found *found = ctx;
    if (notification->kind == CORE_KIND_ALERT && notification->provider_id != NULL &&
        str_eq(notification->recipient, found->recipient)) {
        mem_free(found->text);
        found->text = mem_strdup(notification->provider_id);
    }
    return TC_OK;
}

/* What a delivery says beyond its row: which attempt it is, what the service called the ALERT.
 * TC_EPROTO: the row can't be read. */
static int complete(struct flow *flow, const struct outbox_item *item, const char *stored,
                    struct buf *body, struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, LIMIT_FRAME_BYTES);
    buf_add_str(&text, stored);
    struct frames frames;
    frames_set(&frames, MESSAGE_DELIVER, item->id, 0, item->monitor_id, &text);
    TC_CLEANUP(message_freep) struct message message = {.kind = MESSAGE_DELIVER};
    if (text.err != TC_OK ||
        message_decode(MESSAGE_NOTIFIER, false, frames.part, &message, err) != TC_OK) {
        return TC_EPROTO;
    }
    struct found found = {.recipient = item->recipient};
    if (item->kind != CORE_KIND_ALERT) {
        struct store_filter filter = {.id = item->incident_id};
        int code = store_read(flow->options.store, STORE_NOTIFICATIONS_OF_INCIDENT, &filter,
                              find_provider_id, &found, err);
        if (code != TC_OK) {
            return code;
        }
    }
    TC_CLEANUP(mem_freep) char *told_id = found.text;
    message.body.deliver.attempt = item->attempts;
    message.body.deliver.is_collapsed = item->is_collapsed;
    message.body.deliver.told_id = told_id;
    return message_encode(MESSAGE_DELIVER, &message.body.deliver, body, err) == TC_OK ? TC_OK
                                                                                      : TC_EPROTO;
}

static int send_one(struct flow *flow, const struct flow_touched_delivery *touched,
                    const struct outbox_item *item, struct err *err)
{
    buf_reset(&flow->body);
    bool is_as_stored = item->kind == CORE_KIND_ALERT && item->attempts == 1;
    if (touched->row.body != NULL && is_as_stored) {
        buf_add_str(&flow->body, touched->row.body);
    } else {
        TC_CLEANUP(mem_freep) char *stored = mem_strdup(touched->row.body);
        struct store_filter filter = {.id = item->id};
        if (stored == NULL && (store_read(flow->options.store, STORE_NOTIFICATION, &filter,
                                          copy_body, &stored, err) != TC_OK ||
                               stored == NULL)) {
            return err_set(err, TC_EAGAIN, "its row could not be read");
        }
        int code = complete(flow, item, stored, &flow->body, err);
        if (code != TC_OK) {
            return code;
        }
    }
    return flow_send(
        flow, MESSAGE_NOTIFIER, touched->handed_to,
        &(struct flow_head){.kind = MESSAGE_DELIVER, .seq = item->id, .monitor = item->monitor_id});
}

/* The next batch takes it for a dead letter, as if its notifier had said so. */
static void queue_death(struct flow *flow, const struct outbox_item *item, const char *reason)
{
    struct flow_event *event = flow_event_new(FLOW_OUTCOME);
    event->message.kind = MESSAGE_OUTCOME;
    event->message.seq = item->id;
    event->message.body.outcome = own_outcome(reason);
    const char *target = outbox_split(item->recipient, event->peer);
    TC_ASSERT(target != NULL);
    flow_queue_add(&flow->queue, event);
}

static void not_sent(struct flow *flow, const struct flow_touched_delivery *touched,
                     const struct outbox_item *item, int code)
{
    flow_sink_refund(flow, touched->handed_to);
    struct flow_sink *sink = sink_of_connection(flow, touched->handed_to);
    if (code == TC_ECLOSED && sink != NULL) {
        sink->connection = 0; /* until it says hello again */
    }
    if (code == TC_EPROTO) {
        queue_death(flow, item, "its row in Notifications can't be read");
        return;
    }
    if (is_too_old(flow, item)) {
        queue_death(flow, item, "its notifier takes nothing");
        return;
    }
    /* To the core it counts as handed over; but what was not sent was no attempt: the back-off would
     * grow with every second that its notifier is away. */
    struct outbox_item again = *item;
    again.attempts--;
    again.leased_until_utc_ms = CORE_NEVER;
    again.due_utc_ms = flow->batch.now_utc_ms + (int64_t)SEND_AGAIN_MS * flow->options.clock->rate;
    outbox_restore(flow->outbox, &again);
}

void flow_hand_over(struct flow *flow)
{
    for (const struct flow_touched_delivery *one = flow->batch.deliveries; one != NULL;
         one = one->hh.next) {
        const struct outbox_item *item = outbox_find(flow->outbox, one->id);
        if (one->handed_to == 0 || item == NULL) {
            continue;
        }
        struct err err = ERR_INIT;
        int code = send_one(flow, one, item, &err);
        if (code == TC_OK) {
            flow->stats.deliveries++;
        } else {
            not_sent(flow, one, item, code);
        }
    }
}

/* --- Outcomes -------------------------------------------------------------------------------- */

static void send_again(struct flow *flow, const struct outbox_item *item,
                       const struct message_outcome *outcome)
{
    const struct flow_options *options = &flow->options;
    struct backoff backoff = BACKOFF_DELIVERY;
    backoff.lifetime_ms = options->retry_for_ms;
    int64_t now = flow->batch.now_utc_ms;
    int64_t due = backoff_next_utc_ms(&backoff, item->created_utc_ms, (uint32_t)item->attempts,
                                      item->id, now);
    if (due == BACKOFF_GIVE_UP) {
        give_up(flow, item, outcome);
        return;
    }
    int64_t asked = now + outcome->retry_after_ms * options->clock->rate;
    due = asked > due ? asked : due;
    struct outbox_item again = *item;
    struct flow_touched_delivery *touched = flow_touch_delivery(flow, item->id);
    note_answer(flow, item->id, outcome);
    touched->row.status = STORE_QUEUED;
    touched->row.attempt = (uint32_t)item->attempts;
    touched->row.next_utc_ms = due;
    touched->row.lease_utc_ms = CORE_NEVER;
    outbox_postpone(flow->outbox, item->id, due);
    if (outcome->is_throttle) {
        outbox_pause(flow->outbox, again.recipient, due);
    }
    if (outcome->is_ambiguous) {
        set_uncertain(flow, again.id, touched);
    } else if (again.kind == CORE_KIND_ALERT && !again.is_uncertain) {
        flow_decide_delivery(flow, &again, CORE_DELIVERY_RETURNED);
    }
}

/* Whether an answer is about something that this notifier has in hand. */
static bool is_its_own(const struct outbox_item *item, const char *peer)
{
    char channel[OUTBOX_CHANNEL_BYTES];
    return item != NULL && item->attempts > 0 && outbox_split(item->recipient, channel) != NULL &&
           str_eq(channel, peer);
}

void flow_apply_outcome(struct flow *flow, const struct flow_event *event)
{
    const struct message_outcome *outcome = &event->message.body.outcome;
    if (event->message.seq > FLOW_PROBE_FIRST) {
        (void)flow_probe_answered(flow, event->message.seq, outcome); /* late: nobody waits */
        return;
    }
    const struct outbox_item *found = outbox_find(flow->outbox, event->message.seq);
    const struct flow_touched_delivery *touched =
        found == NULL ? NULL : flow_find_touched(flow, found->id);
    if (!is_its_own(found, event->peer) || (touched != NULL && touched->is_finished)) {
        flow->stats.bad_messages++;
        return;
    }
    struct outbox_item item = *found;
    switch (outcome->class) {
    case MESSAGE_OUTCOME_OK:
        note_answer(flow, item.id, outcome);
        finish(flow, &item, outcome, STORE_SENT);
        flow_decide_delivery(flow, &item, CORE_DELIVERY_SENT);
        flow_report_sent(flow, item.recipient);
        return;
    case MESSAGE_OUTCOME_DEAD:
        give_up(flow, &item, outcome);
        return;
    case MESSAGE_OUTCOME_RETRY:
        send_again(flow, &item, outcome);
        return;
    }
    TC_UNREACHABLE();
}
