/* tocsin's own troubles as results of reserved monitors: they have rows, incidents, reminders and a
 * history like any other, and are told to router.default_recipients. */
#include "router/flow/report.h"

#include <stdio.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/ids.h"
#include "lib/base/str.h"
#include "router/flow/batch.h"
#include "router/flow/plan.h"

/* Stored as lastResultMessage: a router that starts knows by it that silence was the trouble. */
#define NOTIFIER_SILENT \
    "its notifier has not been heard of: start tocsin-notifier, or look at why it hangs"

enum {
    REMINDER_MINUTES = 60,
    TIMEOUT_SECONDS = 60, /* unused, but the column wants one */
};

struct flow_monitor *flow_reserved_monitor(const struct flow *flow, const char *name)
{
    for (struct flow_monitor *monitor = flow->monitors; monitor != NULL;
         monitor = monitor->hh.next) {
        if (monitor->row.setup->is_internal && str_eq(monitor->row.setup->check, name) &&
            flow_live_monitor(flow, monitor->id) != NULL) {
            return monitor;
        }
    }
    return NULL;
}

void flow_report(struct flow *flow, const char *name, bool is_ok, const char *text)
{
    struct flow_event *event = flow_event_new(FLOW_REPORT);
    event->name = mem_strdup(name);
    event->text = mem_strdup(text);
    event->is_ok = is_ok;
    flow_queue_add(flow->batch.is_open ? &flow->batch.reports : &flow->queue, event);
}

const char *flow_config_name(uint32_t monitor_id, char *ret_name)
{
    (void)snprintf(ret_name, FLOW_RESERVED_NAME_BYTES, FLOW_CONFIG_PREFIX "%u",
                   monitor_id); /* fits */
    return ret_name;
}

void flow_report_config(struct flow *flow, uint32_t monitor_id, bool is_ok, const char *text)
{
    char name[FLOW_RESERVED_NAME_BYTES];
    flow_report(flow, flow_config_name(monitor_id, name), is_ok, text);
}

static char *channel_name(const char *channel, char *ret_name)
{
    (void)snprintf(ret_name, FLOW_RESERVED_NAME_BYTES, "internal:channel/%s", channel); /* sized */
    return ret_name;
}

void flow_report_silent(struct flow *flow, const char *channel)
{
    char name[FLOW_RESERVED_NAME_BYTES];
    flow_report(flow, channel_name(channel, name), false, NOTIFIER_SILENT);
}

void flow_report_heard(struct flow *flow, const char *channel)
{
    char name[FLOW_RESERVED_NAME_BYTES];
    flow_report(flow, channel_name(channel, name), true, "its notifier reports again");
}

bool flow_is_reported_silent(const struct flow *flow, const char *channel)
{
    char name[FLOW_RESERVED_NAME_BYTES];
    const struct flow_monitor *reserved = flow_reserved_monitor(flow, channel_name(channel, name));
    return reserved != NULL && reserved->row.last_message != NULL &&
           str_eq(reserved->row.last_message, NOTIFIER_SILENT);
}

static bool is_taken(const struct flow *flow, const char *uuid)
{
    for (const struct flow_monitor *one = flow->monitors; one != NULL; one = one->hh.next) {
        if (str_eq(one->row.setup->uuid, uuid)) {
            return true;
        }
    }
    return false;
}

/* The uuid of a reserved monitor follows from its name: a new database gives it the same one. Where a
 * hand has made something else of its row, it gets the next one. */
static char *uuid_of(const struct flow *flow, const char *name)
{
    uint8_t hash[DIGEST_BYTES];
    char *uuid = mem_alloc(IDS_UUID_SIZE);
    digest_sha256(name, strlen(name), hash);
    while (is_taken(flow, ids_uuid4(hash, uuid))) {
        digest_sha256(hash, sizeof(hash), hash);
    }
    return uuid;
}

static struct flow_monitor *make_monitor(struct flow *flow, const char *name)
{
    TC_CLEANUP(mem_freep) char *uuid = uuid_of(flow, name);
    struct store_monitor stored = {.uuid = uuid,
                                   .name = name,
                                   .check_name = name,
                                   .params = "{}",
                                   .timeout_seconds = TIMEOUT_SECONDS,
                                   .severity = STORE_CRITICAL,
                                   .labels = "{}",
                                   .created_utc_ms = flow->batch.now_utc_ms};
    struct flow_row row = {.setup = flow_setup_new(&stored),
                           .core = {.id = (uint32_t)++flow->ids.monitor,
                                    .is_active = true,
                                    .required_oks = 1,
                                    .required_failures = 1,
                                    .reminder_minutes = REMINDER_MINUTES,
                                    .last_run_utc_ms = CORE_NEVER,
                                    .last_notification_utc_ms = CORE_NEVER,
                                    .acknowledged_utc_ms = CORE_NEVER,
                                    .ack_expires_utc_ms = CORE_NEVER},
                           .run_asked_utc_ms = CORE_NEVER,
                           .expected_utc_ms = CORE_NEVER};
    return flow_add_monitor(flow, &row);
}

void flow_apply_report(struct flow *flow, const struct flow_event *event)
{
    struct flow_monitor *monitor = flow_reserved_monitor(flow, event->name);
    if (event->is_ok && (monitor == NULL || monitor->row.core.state == CORE_OK)) {
        return;
    }
    if (monitor == NULL) {
        monitor = make_monitor(flow, event->name);
    }
    struct core_event result = {.type = CORE_EVENT_RESULT,
                                .result = {.is_ok = event->is_ok,
                                           .answers_run_request = true,
                                           .scheduled_utc_ms = CORE_NEVER,
                                           .started_utc_ms = flow->batch.now_utc_ms}};
    struct flow_cause cause = {.kind = "result",
                               .message = event->text,
                               .reason = "internal",
                               .by = "router",
                               .scheduled_utc_ms = CORE_NEVER,
                               .started_utc_ms = flow->batch.now_utc_ms};
    flow_decide(flow, monitor, &result, &cause, NULL, NULL);
}

/* In the batch of the dead letter itself: between two commits the router may end, and then nobody
 * would ever be alarmed (docs/guarantees.md G6). */
void flow_report_dead(struct flow *flow, const char *recipient, const char *reason)
{
    char channel[OUTBOX_CHANNEL_BYTES];
    if (outbox_split(recipient, channel) == NULL) {
        return;
    }
    char name[FLOW_RESERVED_NAME_BYTES];
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, LIMIT_MESSAGE_BYTES);
    buf_add_fmt(&text,
                "a notification to %s was given up: %s. Once the cause is removed, send it again "
                "with: tocsin notification list --status dead; tocsin notification retry ID",
                recipient, reason);
    struct flow_event event = {
        .type = FLOW_REPORT, .name = channel_name(channel, name), .text = text.p, .is_ok = false};
    flow_apply_report(flow, &event);
}

void flow_report_sent(struct flow *flow, const char *recipient)
{
    char channel[OUTBOX_CHANNEL_BYTES];
    if (outbox_split(recipient, channel) == NULL) {
        return;
    }
    char name[FLOW_RESERVED_NAME_BYTES];
    flow_report(flow, channel_name(channel, name), true, "the channel delivers again");
}
