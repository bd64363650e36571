/* Which statement serves which write and view, and the names that enumerations have in the database.
 * It runs nothing; the backends do. */
#include "router/store/sql.h"

#include <string.h>

#include "lib/base/assert.h"

const struct sql_write sql_writes[STORE_WRITE_COUNT_] = {
    [STORE_LEASE_RENEW] = {SQL_LEASE_RENEW, SQL_ROW_STORE_LEASE, true},
    [STORE_COMMAND_ADD] = {SQL_COMMAND_ADD, SQL_ROW_STORE_COMMAND, true},
    [STORE_MONITOR_ADD] = {SQL_MONITOR_ADD, SQL_ROW_STORE_MONITOR, true},
    [STORE_MONITOR_CONFIGURE] = {SQL_MONITOR_CONFIGURE, SQL_ROW_STORE_MONITOR, true},
    [STORE_MONITOR_DECIDE] = {SQL_MONITOR_DECIDE, SQL_ROW_STORE_MONITOR, true},
    [STORE_MONITOR_SEEN] = {SQL_MONITOR_SEEN, SQL_ROW_STORE_SEEN, true},
    [STORE_CRON_ADD] = {SQL_CRON_ADD, SQL_ROW_STORE_CRON, true},
    [STORE_CRON_CONFIGURE] = {SQL_CRON_CONFIGURE, SQL_ROW_STORE_CRON, true},
    [STORE_CRON_REMOVE] = {SQL_CRON_REMOVE, SQL_ROW_STORE_KEY, true},
    [STORE_RUNNER_ADD] = {SQL_RUNNER_ADD, SQL_ROW_STORE_RUNNER, true},
    [STORE_RUNNER_SET] = {SQL_RUNNER_SET, SQL_ROW_STORE_RUNNER, true},
    [STORE_CURSOR_SET] = {SQL_CURSOR_SET, SQL_ROW_STORE_CURSOR, true},
    [STORE_RUN_ADD] = {SQL_RUN_ADD, SQL_ROW_STORE_RUN, true},
    [STORE_INCIDENT_ADD] = {SQL_INCIDENT_ADD, SQL_ROW_STORE_INCIDENT, true},
    [STORE_INCIDENT_SET] = {SQL_INCIDENT_SET, SQL_ROW_STORE_INCIDENT, true},
    [STORE_NOTIFICATION_ADD] = {SQL_NOTIFICATION_ADD, SQL_ROW_STORE_NOTIFICATION, true},
    [STORE_NOTIFICATION_SET] = {SQL_NOTIFICATION_SET, SQL_ROW_STORE_NOTIFICATION, true},
    [STORE_MONITOR_REMOVE] = {SQL_MONITOR_REMOVE, SQL_ROW_STORE_KEY, true},
    [STORE_AUDIT_ADD] = {SQL_AUDIT_ADD, SQL_ROW_STORE_AUDIT, true},
    [STORE_NAME_ADD] = {SQL_NAME_ADD, SQL_ROW_STORE_NAME, false},
    [STORE_CHECKPOINT_ADD] = {SQL_CHECKPOINT_ADD, SQL_ROW_STORE_CHECKPOINT, true},
    [STORE_TOKEN_ADD] = {SQL_TOKEN_ADD, SQL_ROW_STORE_TOKEN, true},
    [STORE_TOKEN_REMOVE] = {SQL_TOKEN_REMOVE, SQL_ROW_STORE_KEY, true},
    [STORE_CHANGES_DONE] = {SQL_CHANGES_DONE, SQL_ROW_STORE_KEY, false},
    [STORE_RUN_REMOVE] = {SQL_RUN_REMOVE, SQL_ROW_STORE_KEY, false},
    [STORE_NOTIFICATION_REMOVE] = {SQL_NOTIFICATION_REMOVE, SQL_ROW_STORE_KEY, false},
    [STORE_INCIDENT_REMOVE] = {SQL_INCIDENT_REMOVE, SQL_ROW_STORE_KEY, false},
};

const enum sql_query_id sql_views[STORE_VIEW_COUNT_] = {
    [STORE_MONITORS] = SQL_MONITORS,
    [STORE_MONITOR] = SQL_MONITOR,
    [STORE_MONITORS_NAMED] = SQL_MONITORS_NAMED,
    [STORE_CRONS] = SQL_CRONS,
    [STORE_CRONS_OF_MONITOR] = SQL_CRONS_OF_MONITOR,
    [STORE_RUNS_OF_MONITOR] = SQL_RUNS_OF_MONITOR,
    [STORE_RUN] = SQL_RUN,
    [STORE_INCIDENTS] = SQL_INCIDENTS,
    [STORE_INCIDENTS_OPEN] = SQL_INCIDENTS_OPEN,
    [STORE_INCIDENTS_DELIVERING] = SQL_INCIDENTS_DELIVERING,
    [STORE_INCIDENTS_OF_MONITOR] = SQL_INCIDENTS_OF_MONITOR,
    [STORE_INCIDENT] = SQL_INCIDENT,
    [STORE_NOTIFICATIONS] = SQL_NOTIFICATIONS,
    [STORE_NOTIFICATIONS_UNFINISHED] = SQL_NOTIFICATIONS_UNFINISHED,
    [STORE_NOTIFICATIONS_OF_MONITOR] = SQL_NOTIFICATIONS_OF_MONITOR,
    [STORE_NOTIFICATIONS_OF_INCIDENT] = SQL_NOTIFICATIONS_OF_INCIDENT,
    [STORE_NOTIFICATIONS_WITH_STATUS] = SQL_NOTIFICATIONS_WITH_STATUS,
    [STORE_NOTIFICATION] = SQL_NOTIFICATION,
    [STORE_NOTIFICATION_COUNTS] = SQL_NOTIFICATION_COUNTS,
    [STORE_RUNNERS] = SQL_RUNNERS,
    [STORE_AUDIT] = SQL_AUDIT,
    [STORE_AUDIT_NEWEST] = SQL_AUDIT_NEWEST,
    [STORE_AUDIT_OF_MONITOR] = SQL_AUDIT_OF_MONITOR,
    [STORE_CHECKPOINTS] = SQL_CHECKPOINTS,
    [STORE_NAMES] = SQL_NAMES,
    [STORE_COMMAND] = SQL_COMMAND,
    [STORE_TOKENS] = SQL_TOKENS,
    [STORE_TOKEN_WITH_HASH] = SQL_TOKEN_WITH_HASH,
    [STORE_CHANGES] = SQL_CHANGES,
    [STORE_RUNS_AGED] = SQL_RUNS_AGED,
    [STORE_NOTIFICATIONS_AGED] = SQL_NOTIFICATIONS_AGED,
    [STORE_INCIDENTS_AGED] = SQL_INCIDENTS_AGED,
    [STORE_IDS] = SQL_IDS,
};

enum {
    NAMES_MAX = 6,
};

/* By type, counted from SQL_STATE. */
static const char *const names[][NAMES_MAX + 1] = {
    [0] = {[CORE_OK] = "ok", [CORE_ALERT] = "alert"},
    [SQL_KIND - SQL_STATE] = {[CORE_KIND_ALERT] = "alert",
                              [CORE_KIND_REMINDER] = "reminder",
                              [CORE_KIND_RECOVERY] = "recovery",
                              [CORE_KIND_CLOSED] = "closed"},
    [SQL_END - SQL_STATE] = {[CORE_END_OPEN] = "open",
                             [CORE_END_RECOVERED] = "recovered",
                             [CORE_END_RESET] = "reset",
                             [CORE_END_DELETED] = "deleted"},
    [SQL_SEVERITY - SQL_STATE] =
        {[STORE_INFO] = "info", [STORE_WARNING] = "warning", [STORE_CRITICAL] = "critical"},
    [SQL_DELIVERY - SQL_STATE] = {[STORE_QUEUED] = "queued",
                                  [STORE_LEASED] = "leased",
                                  [STORE_SENT] = "sent",
                                  [STORE_DEAD] = "dead",
                                  [STORE_CANCELLED] = "cancelled",
                                  [STORE_COLLAPSED] = "collapsed"},
};

const char *sql_name(enum sql_type type, uint32_t value)
{
    TC_ASSERT(type >= SQL_STATE);
    TC_ASSERT(value < NAMES_MAX);
    const char *name = names[type - SQL_STATE][value];
    TC_ASSERT(name != NULL);
    return name;
}

int sql_value(enum sql_type type, const char *text)
{
    TC_ASSERT(type >= SQL_STATE);
    const char *const *known = names[type - SQL_STATE];
    for (int value = 0; known[value] != NULL; value++) {
        if (strcmp(known[value], text) == 0) {
            return value;
        }
    }
    return -1;
}

uint64_t sql_row_id(enum sql_row_id row, const void *values)
{
    const struct sql_field *first = &sql_rows[row].fields[0];
    const char *at = (const char *)values + first->offset;
    if (first->type == SQL_U32) {
        uint32_t id = 0;
        memcpy(&id, at, sizeof id);
        return id;
    }
    uint64_t id = 0;
    if (first->type == SQL_U64) {
        memcpy(&id, at, sizeof id);
    }
    return id;
}

const char *sql_expected(enum sql_type type)
{
    switch (type) {
    case SQL_TIME:
        return "a UTC time 'YYYY-MM-DD HH:MM:SS.sss' or NULL";
    case SQL_STATE:
        return "'ok' or 'alert'";
    case SQL_KIND:
        return "'alert', 'reminder', 'recovery' or 'closed'";
    case SQL_END:
        return "'open', 'recovered', 'reset' or 'deleted'";
    case SQL_SEVERITY:
        return "'info', 'warning' or 'critical'";
    case SQL_DELIVERY:
        return "'queued', 'leased', 'sent', 'dead', 'cancelled' or 'collapsed'";
    case SQL_BOOL:
        return "0 or 1";
    case SQL_TEXT:
    case SQL_BLOB:
        return "a text without NUL";
    case SQL_U32:
    case SQL_REF32:
    case SQL_LIMIT:
        return "a whole number from 0 to 4294967295";
    case SQL_U64:
    case SQL_I64:
    case SQL_REF64:
    case SQL_BEFORE:
        return "a whole number from 0 to 9223372036854775807";
    }
    TC_UNREACHABLE();
}
