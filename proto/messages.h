#ifndef PROTO_MESSAGES_H
#define PROTO_MESSAGES_H

#include "proto/messages_notifier.h"
#include "proto/messages_parts.h"
#include "proto/messages_runner.h"
#include "proto/messages_web.h"

/* Every message between tocsin's processes as a plain struct; proto/PROTOCOL.md tells what each
 * means, proto/fields.c how each member is spelled and bounded, proto/codec.h goes between. Strings
 * and arrays of a decoded message are borrowed from it; of one to be encoded, from the caller. */

/* What a peer is by its key. Each has its own socket at the router. */
enum message_role {
    MESSAGE_RUNNER,
    MESSAGE_NOTIFIER,
    MESSAGE_WEB
};

enum message_kind {
    MESSAGE_RUNNER_HELLO, /* runner to router */
    MESSAGE_RESULT,
    MESSAGE_RUNNER_HEARTBEAT,
    MESSAGE_RUNNER_WELCOME, /* router to runner */
    MESSAGE_ACK,
    MESSAGE_RESEND,
    MESSAGE_ASSIGN,
    MESSAGE_RUN,
    MESSAGE_RUNNER_ERROR,
    MESSAGE_NOTIFIER_HELLO, /* notifier to router */
    MESSAGE_CREDIT,
    MESSAGE_OUTCOME,
    MESSAGE_NOTIFIER_HEARTBEAT,
    MESSAGE_NOTIFIER_WELCOME, /* router to notifier */
    MESSAGE_DELIVER,
    MESSAGE_PROBE,
    MESSAGE_PULSE,
    MESSAGE_NOTIFIER_ERROR,
    MESSAGE_WEB_HELLO, /* web to router */
    MESSAGE_COMMAND,
    MESSAGE_REPLY, /* router to web */
    MESSAGE_STATUS,
    MESSAGE_CHANGE,
    MESSAGE_WEB_ERROR,
    MESSAGE_KIND_COUNT_,
};

struct message_error {
    const char *code; /* "unknown_type", "bad_message", "not_allowed", "hello_first", "version" */
    const char *message;
    const char *about; /* frame 1 of what it answers, cut at 64 bytes */
};

union message_body {
    struct message_runner_hello runner_hello;
    struct message_result result;
    struct message_runner_heartbeat runner_heartbeat;
    struct message_runner_welcome runner_welcome;
    struct message_ack ack;
    struct message_assign assign;
    struct message_run run;
    struct message_error error; /* of all three error kinds */
    struct message_notifier_hello notifier_hello;
    struct message_credit credit;
    struct message_outcome outcome;
    struct message_notifier_heartbeat notifier_heartbeat;
    struct message_notifier_welcome notifier_welcome;
    struct message_deliver deliver; /* also of probe */
    struct message_pulse pulse;
    struct message_web_hello web_hello;
    struct message_command command;
    struct message_reply reply;
    struct message_status status;
    struct message_change change;
};

#endif
