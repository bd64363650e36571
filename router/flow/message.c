/* Messages in: decoded, told apart, and queued or acted on at once where nothing is stored. */
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/sys/clock.h"
#include "router/flow/answer.h"
#include "router/flow/deliver.h"
#include "router/flow/ingest.h"

/* Queue an event for a message; takes what the message owns. */
static void queue_message(struct flow *flow, enum flow_event_type type, uint32_t connection,
                          const char *name, struct message *message)
{
    struct flow_event *event = flow_event_new(type);
    event->connection = connection;
    int code = str_copy(event->peer, sizeof(event->peer), name);
    TC_ASSERT(code == TC_OK);
    event->message = *message;
    *message = (struct message){.kind = message->kind};
    flow_queue_add(&flow->queue, event);
}

static void refuse_message(struct flow *flow, enum message_role role, uint32_t connection,
                           const struct err *err)
{
    flow->stats.bad_messages++;
    const char *code = err->code == TC_ENOENT     ? "unknown_type"
                       : err->code == TC_EVERSION ? "version"
                       : err->code == TC_EPERM    ? "not_allowed"
                                                  : "bad_message";
    flow_send_error(flow, role, connection, code, err);
}

static bool is_protocol(int64_t protocol, struct err *err)
{
    if (protocol == MESSAGE_PROTOCOL) {
        return true;
    }
    (void)err_set(err, TC_EVERSION, "this router speaks protocol %d, not %lld", MESSAGE_PROTOCOL,
                  (long long)protocol);
    return false;
}

static void take_notifier_hello(struct flow *flow, uint32_t connection, const char *name,
                                const struct message_notifier_hello *hello, struct err *err)
{
    if (!is_protocol(hello->protocol, err)) {
        return;
    }
    if (!str_eq(hello->channel, name) || strlen(name) >= OUTBOX_CHANNEL_BYTES) {
        (void)err_set(err, TC_EPERM, "the key of notifier %s is not for channel %s", name,
                      hello->channel);
        return;
    }
    flow_sink_hello(flow, connection, hello->channel, hello->credit);
    struct message_notifier_welcome body = {.router_time_utc_ms =
                                                clock_now_utc_ms(flow->options.clock),
                                            .heartbeat_seconds = MESSAGE_HEARTBEAT_SECONDS,
                                            .lease_seconds = MESSAGE_LEASE_SECONDS};
    struct flow_head head = {.kind = MESSAGE_NOTIFIER_WELCOME};
    (void)flow_send_body(flow, MESSAGE_NOTIFIER, connection, &head, &body); /* it asks again */
}

static void add_web(struct flow *flow, uint32_t connection)
{
    for (size_t i = 0; i < flow->webs.count; i++) {
        if (flow->webs.items[i] == connection) {
            return;
        }
    }
    *FLOW_LIST_ADD(flow->webs) = connection;
    flow_send_status(flow);
}

static void take_runner_message(struct flow *flow, uint32_t connection, const char *name,
                                struct message *message, struct err *err)
{
    if (message->kind == MESSAGE_RUNNER_HELLO) {
        if (is_protocol(message->body.runner_hello.protocol, err)) {
            queue_message(flow, FLOW_HELLO, connection, name, message);
        }
    } else if (message->kind == MESSAGE_RESULT) {
        queue_message(flow, FLOW_RESULT, connection, name, message);
    } else if (message->kind == MESSAGE_RUNNER_HEARTBEAT) {
        flow_heartbeat(flow, connection, name, &message->body.runner_heartbeat);
    }
}

static void take_notifier_message(struct flow *flow, uint32_t connection, const char *name,
                                  struct message *message, struct err *err)
{
    if (message->kind == MESSAGE_NOTIFIER_HELLO) {
        take_notifier_hello(flow, connection, name, &message->body.notifier_hello, err);
    } else if (message->kind == MESSAGE_CREDIT) {
        flow_sink_credit(flow, connection, message->body.credit.credit);
    } else if (message->kind == MESSAGE_OUTCOME) {
        flow_sink_heard(flow, connection);
        queue_message(flow, FLOW_OUTCOME, connection, name, message);
    } else if (message->kind == MESSAGE_NOTIFIER_HEARTBEAT) {
        flow_sink_heard(flow, connection);
    }
    if (!flow_sink_is_known(flow, connection) && err->code == TC_OK) {
        struct err first = ERR_INIT;
        (void)err_set(&first, TC_EPROTO, "say hello first");
        flow_send_error(flow, MESSAGE_NOTIFIER, connection, "hello_first", &first);
    }
}

static void take_web_message(struct flow *flow, uint32_t connection, const char *name,
                             struct message *message, struct err *err)
{
    if (message->kind == MESSAGE_WEB_HELLO) {
        if (is_protocol(message->body.web_hello.protocol, err)) {
            add_web(flow, connection);
        }
    } else if (message->kind == MESSAGE_COMMAND) {
        add_web(flow, connection);
        queue_message(flow, FLOW_COMMAND, connection, name, message);
    }
}

void flow_message(struct flow *flow, enum message_role role, uint32_t connection, const char *name,
                  const struct frame *frames)
{
    struct err err = ERR_INIT;
    TC_CLEANUP(message_freep) struct message message = {.kind = MESSAGE_RUNNER_HELLO};
    if (message_decode(role, true, frames, &message, &err) == TC_OK) {
        switch (role) {
        case MESSAGE_RUNNER:
            take_runner_message(flow, connection, name, &message, &err);
            break;
        case MESSAGE_NOTIFIER:
            take_notifier_message(flow, connection, name, &message, &err);
            break;
        case MESSAGE_WEB:
            take_web_message(flow, connection, name, &message, &err);
            break;
        }
    }
    if (err.code != TC_OK) {
        refuse_message(flow, role, connection, &err);
    }
}
