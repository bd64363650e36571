/* The message of the router as a struct: checked for shape and size, nothing rendered. The engine
 * reads it once; channels get it read-only. */
#include "notifiers/notification.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/json.h"
#include "proto/messages.h"

static const char key_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

const char *notification_word(enum notification_kind kind)
{
    switch (kind) {
    case NOTIFICATION_ALERT:
        return "ALERT";
    case NOTIFICATION_REMINDER:
        return "REMINDER";
    case NOTIFICATION_RECOVERY:
        return "RECOVERED";
    case NOTIFICATION_CLOSED:
        return "CLOSED";
    case NOTIFICATION_TEST:
        return "TEST";
    }
    TC_UNREACHABLE();
}

bool notification_is_failing(const struct notification *notification)
{
    return notification->kind == NOTIFICATION_ALERT || notification->kind == NOTIFICATION_REMINDER;
}

static enum notification_kind kind_of(enum message_deliver_kind kind)
{
    switch (kind) {
    case MESSAGE_DELIVER_ALERT:
        return NOTIFICATION_ALERT;
    case MESSAGE_DELIVER_REMINDER:
        return NOTIFICATION_REMINDER;
    case MESSAGE_DELIVER_RECOVERY:
        return NOTIFICATION_RECOVERY;
    case MESSAGE_DELIVER_CLOSED:
        return NOTIFICATION_CLOSED;
    case MESSAGE_DELIVER_TEST:
        return NOTIFICATION_TEST;
    }
    TC_UNREACHABLE();
}

static const char *severity_of(enum message_severity severity)
{
    switch (severity) {
    case MESSAGE_SEVERITY_INFO:
        return "info";
    case MESSAGE_SEVERITY_WARNING:
        return "warning";
    case MESSAGE_SEVERITY_CRITICAL:
        return "critical";
    }
    TC_UNREACHABLE();
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static int64_t or_never(int64_t utc_ms)
{
    return utc_ms != MESSAGE_NEVER ? utc_ms : NOTIFICATION_NEVER;
}

int notification_from(const struct message_deliver *deliver, uint32_t monitor_id,
                      struct notification *ret_notification, struct err *err)
{
    const struct message_deliver *d = deliver;
    const struct json_value *labels = d->monitor.labels.value;
    /* The key becomes a Message-ID: what could end one is refused, never altered. */
    if (d->key[0] == '\0' || d->key[strspn(d->key, key_letters)] != '\0') {
        return err_set(err, TC_EPROTO, "the key holds more than letters, digits, '-', '_' and '.'");
    }
    *ret_notification = (struct notification){
        .kind = kind_of(d->kind),
        .key = d->key,
        .target = d->target,
        .is_collapsed = d->is_collapsed,
        .monitor_id = monitor_id,
        .monitor_name = d->monitor.name,
        .monitor_uuid = or_empty(d->monitor.uuid),
        .severity = severity_of(d->monitor.severity),
        .timezone = or_empty(d->monitor.timezone),
        .runbook_url = or_empty(d->monitor.runbook_url),
        .labels = labels != NULL && json_type_of(labels) == JSON_OBJECT ? labels : NULL,
        .incident_id = d->incident.id,
        .opened_utc_ms = d->incident.id != 0 ? d->incident.opened_at_utc_ms : NOTIFICATION_NEVER,
        .ended_utc_ms = or_never(d->incident.ended_at_utc_ms),
        .reminder_number = d->incident.reminder,
        .message = or_empty(d->result.message),
        .reason = or_empty(d->result.reason),
        .runner = or_empty(d->result.runner),
        .scheduled_utc_ms = or_never(d->result.scheduled_at_utc_ms),
        .finished_utc_ms = or_never(d->result.finished_at_utc_ms),
        .told_id = or_empty(d->told_id),
        .decided_utc_ms = d->decided_at_utc_ms,
        .monitor_url = "",
        .incident_url = "",
        .acknowledge_url = "",
    };
    return TC_OK;
}
