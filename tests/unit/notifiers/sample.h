#ifndef TESTS_UNIT_NOTIFIERS_SAMPLE_H
#define TESTS_UNIT_NOTIFIERS_SAMPLE_H

#include <string.h>

#include "lib/base/err.h"
#include "lib/base/json.h"
#include "notifiers/notification.h"

/* Notifications and settings that the notifiers' tests start from. */

static const char sample_hostile[] =
    "<script>alert(1)</script> & \"quotes\" <!channel> <@U123>\r\nBcc: evil@example.com\r\n"
    ".\r\nFrom here on ```fence``` \xf0\x9f\x94\xa5 100 % = done \t\n";

static inline struct notification sample_alert(void)
{
    return (struct notification){
        .kind = NOTIFICATION_ALERT,
        .key = "0a1b2c3d4e5f-1",
        .target = "ops@example.com",
        .monitor_id = 7,
        .monitor_name = "Compass POs",
        .monitor_uuid = "3a1f",
        .severity = "critical",
        .timezone = "",
        .runbook_url = "https://wiki.example.com/compass",
        .incident_id = 42,
        .opened_utc_ms = INT64_C(1795467662000),
        .ended_utc_ms = NOTIFICATION_NEVER,
        .message = "oldest open order is 47 minutes old, limit 30",
        .reason = "failed",
        .runner = "host7",
        .scheduled_utc_ms = INT64_C(1795467660000),
        .finished_utc_ms = INT64_C(1795467661500),
        .told_id = "",
        .decided_utc_ms = INT64_C(1795467662000),
        .monitor_url = "https://tocsin.example.com/monitors/7",
        .incident_url = "https://tocsin.example.com/incidents/42",
        .acknowledge_url = "",
    };
}

static inline struct notification sample_recovery(void)
{
    struct notification n = sample_alert();
    n.kind = NOTIFICATION_RECOVERY;
    n.key = "0a1b2c3d4e5f-2";
    n.ended_utc_ms = n.opened_utc_ms + INT64_C(14) * 60 * 1000;
    n.decided_utc_ms = n.ended_utc_ms;
    n.message = "oldest open order is 3 minutes old";
    return n;
}

static inline struct json *sample_json(const char *text)
{
    struct json *json = NULL;
    return json_parse(text, strlen(text), 65536, &json, NULL) == TC_OK ? json : NULL;
}

#endif
