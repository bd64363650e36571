/* What an answer means where it means the same for every service. What only one service says is in
 * that channel's classify; what follows from an outcome is the router's. */
#include "notifiers/outcome.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/escape.h"
#include "lib/base/limits.h"
#include "lib/base/utf8.h"
#include "lib/net/net.h"

enum {
    REMOTE_READ_BYTES = 2048, /* of an answer, before it is cut for display */
    THROTTLE_DEFAULT_MS = 30000,
};

const char *outcome_class_name(enum outcome_class class)
{
    switch (class) {
    case OUTCOME_OK:
        return "ok";
    case OUTCOME_RETRY:
        return "retry";
    case OUTCOME_DEAD:
        return "dead";
    }
    TC_UNREACHABLE();
}

void outcome_set(struct outcome *outcome, enum outcome_class class, const char *reason, ...)
{
    va_list args;
    outcome->class = class;
    va_start(args, reason);
    (void)vsnprintf(outcome->reason, sizeof outcome->reason, reason, args);
    va_end(args);
}

void outcome_set_remote(struct outcome *outcome, const char *text, size_t size)
{
    TC_CLEANUP(buf_freep) struct buf valid;
    TC_CLEANUP(buf_freep) struct buf line;
    TC_CLEANUP(buf_freep) struct buf cut;
    buf_init(&valid, (size_t)3 * REMOTE_READ_BYTES);
    buf_init(&line, (size_t)3 * REMOTE_READ_BYTES);
    buf_init(&cut, OUTCOME_TEXT_BYTES - 1);
    utf8_add_repaired(&valid, text, size < REMOTE_READ_BYTES ? size : REMOTE_READ_BYTES);
    escape_header(&line, valid.p);
    utf8_add_cut(&cut, line.p, line.len, OUTCOME_TEXT_BYTES - 1);
    (void)snprintf(outcome->remote, sizeof outcome->remote, "%s", cut.p);
}

void outcome_of_net(const struct net_result *answer, struct outcome *ret_outcome)
{
    *ret_outcome = (struct outcome){.retry_after_ms = -1};
    ret_outcome->is_ambiguous = answer->is_ambiguous;
    ret_outcome->code = answer->status;
    outcome_set_remote(ret_outcome, answer->body, answer->body_size);
    switch (answer->end) {
    case NET_ANSWERED:
        outcome_set(ret_outcome, OUTCOME_OK, "accepted");
        return;
    case NET_UNREACHABLE:
        outcome_set(ret_outcome, OUTCOME_RETRY, "no connection: %s", answer->text);
        return;
    case NET_FORBIDDEN:
        outcome_set(ret_outcome, OUTCOME_DEAD, "not sent: %s", answer->text);
        return;
    case NET_INSECURE:
        outcome_set(ret_outcome, OUTCOME_RETRY, "no secure connection: %s", answer->text);
        return;
    case NET_TIMED_OUT:
        outcome_set(ret_outcome, OUTCOME_RETRY, "no answer in time%s",
                    answer->is_ambiguous ? ", it may have arrived" : "");
        return;
    case NET_BROKEN:
        outcome_set(ret_outcome, OUTCOME_RETRY, "the connection failed: %s%s", answer->text,
                    answer->is_ambiguous ? ", it may have arrived" : "");
        return;
    }
    TC_UNREACHABLE();
}

static bool is_transient(int status)
{
    return status >= 500 || status == 408 || status == 425;
}

void outcome_of_http(const struct net_result *answer, struct outcome *ret_outcome)
{
    outcome_of_net(answer, ret_outcome);
    if (answer->end != NET_ANSWERED) {
        return;
    }
    int status = answer->status;
    if (status >= 200 && status < 300) {
        return;
    }
    if (status == 429) {
        outcome_set(ret_outcome, OUTCOME_RETRY, "the service asks us to slow down");
        ret_outcome->is_throttle = true;
        ret_outcome->retry_after_ms =
            answer->retry_after_ms >= 0 ? answer->retry_after_ms : THROTTLE_DEFAULT_MS;
    } else if (is_transient(status)) {
        outcome_set(ret_outcome, OUTCOME_RETRY, "the service failed with status %d", status);
        ret_outcome->retry_after_ms = answer->retry_after_ms;
    } else if (status >= 300 && status < 400) {
        outcome_set(ret_outcome, OUTCOME_DEAD,
                    "the service redirects, which is never followed: correct its address");
    } else {
        outcome_set(ret_outcome, OUTCOME_DEAD, "the service refuses with status %d", status);
    }
}
