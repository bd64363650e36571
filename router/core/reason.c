/* Names of reasons, as they stand in rows for ever: one may be added, none changed. Called where a
 * plan becomes audit bytes and where people ask why. */
#include "router/core/reason.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/err.h"

static const char *const names[] = {
    [CORE_REASON_NONE] = "none",
    [CORE_REASON_STAYS_OK] = "stays_ok",
    [CORE_REASON_FAILURE_COUNTED] = "failure_counted",
    [CORE_REASON_ALERT_OPENED] = "alert_opened",
    [CORE_REASON_STAYS_ALERT] = "stays_alert",
    [CORE_REASON_OK_COUNTED] = "ok_counted",
    [CORE_REASON_RECOVERED] = "recovered",
    [CORE_REASON_REOPENED] = "reopened",
    [CORE_REASON_SEND_ALERT] = "send_alert",
    [CORE_REASON_SEND_ALERT_LATE] = "send_alert_late",
    [CORE_REASON_SEND_REMINDER] = "send_reminder",
    [CORE_REASON_SEND_RECOVERY] = "send_recovery",
    [CORE_REASON_SEND_COLLAPSED] = "send_collapsed",
    [CORE_REASON_SEND_CLOSED] = "send_closed",
    [CORE_REASON_WINDOW_OPEN] = "window_open",
    [CORE_REASON_ACKNOWLEDGED] = "acknowledged",
    [CORE_REASON_NOBODY_TO_TELL] = "nobody_to_tell",
    [CORE_REASON_NEVER_TOLD] = "never_told",
    [CORE_REASON_INACTIVE] = "inactive",
    [CORE_REASON_COVERED] = "covered",
    [CORE_REASON_CANCELLED] = "cancelled",
    [CORE_REASON_QUIET] = "quiet",
    [CORE_REASON_TOLD_LIST_FULL] = "told_list_full",
    [CORE_REASON_RECIPIENTS_PARTLY] = "recipients_partly",
    [CORE_REASON_RECIPIENTS_UNUSABLE] = "recipients_unusable",
    [CORE_REASON_STALE_GENERATION] = "stale_generation",
    [CORE_REASON_STALE_ORDER] = "stale_order",
    [CORE_REASON_UNKNOWN_MONITOR] = "unknown_monitor",
    [CORE_REASON_ACK_SET] = "ack_set",
    [CORE_REASON_ACK_REFUSED_OK] = "ack_refused_ok",
    [CORE_REASON_ACK_REFUSED_PAST] = "ack_refused_past",
    [CORE_REASON_ACK_CLEARED] = "ack_cleared",
    [CORE_REASON_ACK_EXPIRED] = "ack_expired",
    [CORE_REASON_ACK_KEPT] = "ack_kept",
    [CORE_REASON_ACK_NONE] = "ack_none",
    [CORE_REASON_RESET] = "reset",
    [CORE_REASON_FORCED_ALERT] = "forced_alert",
    [CORE_REASON_PAUSED] = "paused",
    [CORE_REASON_RESUMED] = "resumed",
    [CORE_REASON_DELETED] = "deleted",
    [CORE_REASON_DEADLINE_MISSED] = "deadline_missed",
    [CORE_REASON_TIME_IN_FUTURE] = "time_in_future",
    [CORE_REASON_CONFIG] = "config",
};

_Static_assert(sizeof(names) / sizeof(names[0]) == CORE_REASON_COUNT_, "each reason has a name");

const char *core_reason_name(enum core_reason reason)
{
    TC_ASSERT((unsigned)reason < CORE_REASON_COUNT_);
    return names[reason];
}

int core_reason_parse(const char *name, enum core_reason *ret_reason)
{
    for (int i = 0; i < CORE_REASON_COUNT_; i++) {
        if (strcmp(names[i], name) == 0) {
            *ret_reason = (enum core_reason)i;
            return TC_OK;
        }
    }
    return TC_ENOENT;
}

/* The withheld ones stand together in types.h. */
bool core_reason_is_withheld(enum core_reason reason)
{
    return reason >= CORE_REASON_WINDOW_OPEN && reason <= CORE_REASON_TOLD_LIST_FULL;
}
