/* The table of all messages' members. It knows names, types and bounds; what they mean is told in
 * PROTOCOL.md. Read by the codec and by what writes schema/. */
#include "proto/fields.h"

#include "lib/base/assert.h"
#include "lib/base/limits.h"

/* The offset of a member, refused by the compiler when its type is another. */
#define AT(T, member, type_)                                                          \
    (offsetof(struct T, member) +                                                     \
     _Generic(((struct T *)0)->member, type_ /* NOLINT(bugprone-macro-parentheses) */ \
              : (size_t)0))
#define STRING(T, name_, m, min_, max_)                                                           \
    {                                                                                             \
        .name = (name_), .type = FIELD_STRING, .is_required = true, .min = (min_), .max = (max_), \
        .offset = AT(T, m, const char *)                                                          \
    }
#define STRING_OPT(T, name_, m, max_)                                                          \
    {                                                                                          \
        .name = (name_), .type = FIELD_STRING, .max = (max_), .offset = AT(T, m, const char *) \
    }
#define INTEGER(T, name_, m, min_, max_)                                                           \
    {                                                                                              \
        .name = (name_), .type = FIELD_INTEGER, .is_required = true, .min = (min_), .max = (max_), \
        .offset = AT(T, m, int64_t)                                                                \
    }
#define INTEGER_OPT(T, name_, m, max_)                                                     \
    {                                                                                      \
        .name = (name_), .type = FIELD_INTEGER, .max = (max_), .offset = AT(T, m, int64_t) \
    }
#define U64(T, name_, m)                                                                      \
    {                                                                                         \
        .name = (name_), .type = FIELD_U64, .is_required = true, .offset = AT(T, m, uint64_t) \
    }
#define BOOLEAN(T, name_, m)                                                                  \
    {                                                                                         \
        .name = (name_), .type = FIELD_BOOLEAN, .is_required = true, .offset = AT(T, m, bool) \
    }
#define BOOLEAN_OPT(T, name_, m)                                         \
    {                                                                    \
        .name = (name_), .type = FIELD_BOOLEAN, .offset = AT(T, m, bool) \
    }
#define TIME(T, name_, m)                                                                     \
    {                                                                                         \
        .name = (name_), .type = FIELD_TIME, .is_required = true, .offset = AT(T, m, int64_t) \
    }
#define TIME_OPT(T, name_, m)                                            \
    {                                                                    \
        .name = (name_), .type = FIELD_TIME, .offset = AT(T, m, int64_t) \
    }
#define CHOICE(T, name_, m, words)                                                      \
    {                                                                                   \
        .name = (name_), .type = FIELD_CHOICE, .is_required = true, .choices = (words), \
        .offset = offsetof(struct T, m)                                                 \
    }
#define VALUE(T, name_, m, type_, required, max_)                                   \
    {                                                                               \
        .name = (name_), .type = (type_), .is_required = (required), .max = (max_), \
        .offset = AT(T, m, struct message_json)                                     \
    }
#define IDS(T, name_, m, type_)                               \
    {                                                         \
        .name = (name_), .type = (type_), .max = MESSAGE_IDS, \
        .offset = AT(T, m, struct message_ids)                \
    }
#define OBJECT(T, name_, m, shape_)                                                     \
    {                                                                                   \
        .name = (name_), .type = FIELD_OBJECT, .is_required = true, .shape = &(shape_), \
        .offset = offsetof(struct T, m)                                                 \
    }
#define OBJECT_OPT(T, name_, m, has, shape_)                       \
    {                                                              \
        .name = (name_), .type = FIELD_OBJECT, .shape = &(shape_), \
        .offset = offsetof(struct T, m), .extra = AT(T, has, bool) \
    }
#define OBJECTS(T, name_, m, count, max_, shape_)                                  \
    {                                                                              \
        .name = (name_), .type = FIELD_OBJECTS, .shape = &(shape_), .max = (max_), \
        .offset = offsetof(struct T, m), .extra = AT(T, count, size_t)             \
    }
#define SHAPE(T, table)                             \
    {                                               \
        .size = sizeof(struct T), .fields = (table) \
    }
#define END          \
    {                \
        .name = NULL \
    }

enum {
    U31_MAX = INT32_MAX,
    ID_BYTES = 64,
    UUID_BYTES = 36,
};
#define U32_LIMIT   INT64_C(4294967295)
/* The largest number that a double tells from its neighbours. */
#define EXACT_LIMIT ((INT64_C(1) << 53) - 1)
#define MS_LIMIT    (INT64_C(366) * 86400000)

static const char *const classes[] = {"ok", "retry", "dead", NULL};
static const char *const deliver_kinds[] = {"alert",  "reminder", "recovery",
                                            "closed", "test",     NULL};
static const char *const severities[] = {"info", "warning", "critical", NULL};

static const struct field none[] = {END};

static const struct field schedule_fields[] = {
    STRING(message_schedule, "schedule", schedule, 1, LIMIT_SCHEDULE_BYTES),
    STRING(message_schedule, "timezone", timezone, 1, LIMIT_ZONE_BYTES),
    END,
};
static const struct shape schedule_shape = SHAPE(message_schedule, schedule_fields);

static const struct field runner_hello[] = {
    INTEGER(message_runner_hello, "protocol", protocol, 1, U31_MAX),
    STRING(message_runner_hello, "version", version, 1, MESSAGE_CODE_BYTES),
    U64(message_runner_hello, "bootId", boot_id),
    U64(message_runner_hello, "spoolId", spool_id),
    U64(message_runner_hello, "first", first),
    U64(message_runner_hello, "last", last),
    VALUE(message_runner_hello, "labels", labels, FIELD_TEXTS, true, LIMIT_LABELS),
    {.name = "checks",
     .type = FIELD_STRINGS,
     .is_required = true,
     .max = MESSAGE_IDS,
     .offset = AT(message_runner_hello, checks, struct message_strings)},
    INTEGER(message_runner_hello, "concurrency", concurrency, 1, U31_MAX),
    STRING_OPT(message_runner_hello, "setAside", set_aside, LIMIT_URL_BYTES),
    END,
};

static const struct field result[] = {
    U64(message_result, "generation", generation),
    TIME_OPT(message_result, "scheduledAt", scheduled_at_utc_ms),
    TIME(message_result, "startedAt", started_at_utc_ms),
    INTEGER(message_result, "durationMs", duration_ms, 0, MS_LIMIT),
    BOOLEAN(message_result, "isOk", is_ok),
    STRING(message_result, "reason", reason, 1, MESSAGE_CODE_BYTES),
    STRING(message_result, "message", message, 0, LIMIT_MESSAGE_BYTES),
    VALUE(message_result, "metrics", metrics, FIELD_NUMBERS, false, LIMIT_METRICS),
    STRING_OPT(message_result, "requestId", request_id, ID_BYTES),
    INTEGER_OPT(message_result, "missed", missed, U31_MAX),
    END,
};

static const struct field runner_heartbeat[] = {
    INTEGER(message_runner_heartbeat, "running", running, 0, U31_MAX),
    INTEGER(message_runner_heartbeat, "queued", queued, 0, U31_MAX),
    INTEGER(message_runner_heartbeat, "spoolCount", spool_count, 0, EXACT_LIMIT),
    U64(message_runner_heartbeat, "spoolBytes", spool_bytes),
    U64(message_runner_heartbeat, "dropped", dropped),
    TIME(message_runner_heartbeat, "now", now_utc_ms),
    END,
};

static const struct field runner_welcome[] = {
    INTEGER(message_runner_welcome, "spoolRank", spool_rank, 1, EXACT_LIMIT),
    U64(message_runner_welcome, "mark", mark),
    TIME(message_runner_welcome, "routerTime", router_time_utc_ms),
    INTEGER(message_runner_welcome, "heartbeatSeconds", heartbeat_seconds, 1, 3600),
    INTEGER(message_runner_welcome, "window", window, 1, U31_MAX),
    END,
};

static const struct field refusal_fields[] = {
    U64(message_refusal, "seq", seq),
    STRING(message_refusal, "reason", reason, 1, MESSAGE_CODE_BYTES),
    END,
};
static const struct shape refusal_shape = SHAPE(message_refusal, refusal_fields);
static const struct field ack[] = {
    OBJECTS(message_ack, "refused", refused, refused_count, LIMIT_BATCH, refusal_shape),
    END,
};

static const struct field assignment_fields[] = {
    INTEGER(message_assignment, "id", id, 1, U32_LIMIT),
    STRING(message_assignment, "uuid", uuid, 1, UUID_BYTES),
    STRING(message_assignment, "name", name, 1, LIMIT_NAME_BYTES),
    U64(message_assignment, "generation", generation),
    STRING(message_assignment, "check", check, 0, LIMIT_NAME_BYTES),
    VALUE(message_assignment, "params", params, FIELD_MAP, true, 0),
    VALUE(message_assignment, "labels", labels, FIELD_TEXTS, true, LIMIT_LABELS),
    INTEGER(message_assignment, "timeoutSeconds", timeout_seconds, 1, LIMIT_TIMEOUT_SECONDS),
    OBJECTS(message_assignment, "schedules", schedules, schedule_count, MESSAGE_SCHEDULES,
            schedule_shape),
    BOOLEAN(message_assignment, "active", is_active),
    STRING_OPT(message_assignment, "runNow", run_now, ID_BYTES),
    END,
};
static const struct shape assignment_shape = SHAPE(message_assignment, assignment_fields);
static const struct field assign[] = {
    BOOLEAN_OPT(message_assign, "reset", is_reset),
    BOOLEAN(message_assign, "complete", is_complete),
    OBJECTS(message_assign, "monitors", monitors, monitor_count, MESSAGE_ASSIGN_MONITORS,
            assignment_shape),
    IDS(message_assign, "removed", removed, FIELD_IDS),
    END,
};

static const struct field run[] = {
    STRING(message_run, "requestId", request_id, 1, ID_BYTES),
    END,
};

static const struct field error[] = {
    STRING(message_error, "code", code, 1, MESSAGE_CODE_BYTES),
    STRING(message_error, "message", message, 0, LIMIT_LABELS_BYTES),
    STRING(message_error, "about", about, 0, MESSAGE_CODE_BYTES),
    END,
};

static const struct field notifier_hello[] = {
    INTEGER(message_notifier_hello, "protocol", protocol, 1, U31_MAX),
    STRING(message_notifier_hello, "version", version, 1, MESSAGE_CODE_BYTES),
    STRING(message_notifier_hello, "channel", channel, 1, MESSAGE_CODE_BYTES),
    INTEGER(message_notifier_hello, "credit", credit, 0, U31_MAX),
    END,
};

static const struct field credit[] = {
    INTEGER(message_credit, "credit", credit, 0, U31_MAX),
    END,
};

static const struct field outcome[] = {
    CHOICE(message_outcome, "class", class, classes),
    INTEGER(message_outcome, "code", code, 0, U31_MAX),
    STRING(message_outcome, "reason", reason, 0, LIMIT_LABELS_BYTES),
    STRING(message_outcome, "remote", remote, 0, LIMIT_URL_BYTES),
    STRING_OPT(message_outcome, "providerId", provider_id, LIMIT_NAME_BYTES),
    INTEGER_OPT(message_outcome, "retryAfterMs", retry_after_ms, MS_LIMIT),
    BOOLEAN_OPT(message_outcome, "throttle", is_throttle),
    BOOLEAN_OPT(message_outcome, "ambiguous", is_ambiguous),
    END,
};

static const struct field notifier_heartbeat[] = {
    INTEGER(message_notifier_heartbeat, "sending", sending, 0, U31_MAX),
    TIME(message_notifier_heartbeat, "now", now_utc_ms),
    END,
};

static const struct field notifier_welcome[] = {
    TIME(message_notifier_welcome, "routerTime", router_time_utc_ms),
    INTEGER(message_notifier_welcome, "heartbeatSeconds", heartbeat_seconds, 1, 3600),
    INTEGER(message_notifier_welcome, "leaseSeconds", lease_seconds, 1, 3600),
    END,
};

static const struct field deliver_monitor[] = {
    STRING(message_deliver_monitor, "name", name, 1, LIMIT_NAME_BYTES),
    STRING(message_deliver_monitor, "uuid", uuid, 1, UUID_BYTES),
    CHOICE(message_deliver_monitor, "severity", severity, severities),
    VALUE(message_deliver_monitor, "labels", labels, FIELD_TEXTS, true, LIMIT_LABELS),
    STRING_OPT(message_deliver_monitor, "runbookUrl", runbook_url, LIMIT_URL_BYTES),
    STRING(message_deliver_monitor, "timezone", timezone, 1, LIMIT_ZONE_BYTES),
    END,
};
static const struct shape deliver_monitor_shape = SHAPE(message_deliver_monitor, deliver_monitor);
static const struct field deliver_incident[] = {
    U64(message_deliver_incident, "id", id),
    TIME(message_deliver_incident, "openedAt", opened_at_utc_ms),
    TIME_OPT(message_deliver_incident, "endedAt", ended_at_utc_ms),
    INTEGER_OPT(message_deliver_incident, "reminder", reminder, U31_MAX),
    BOOLEAN_OPT(message_deliver_incident, "isQuiet", is_quiet),
    END,
};
static const struct shape deliver_incident_shape =
    SHAPE(message_deliver_incident, deliver_incident);
static const struct field deliver_result[] = {
    STRING(message_deliver_result, "message", message, 0, LIMIT_MESSAGE_BYTES),
    TIME_OPT(message_deliver_result, "scheduledAt", scheduled_at_utc_ms),
    TIME(message_deliver_result, "finishedAt", finished_at_utc_ms),
    STRING(message_deliver_result, "runner", runner, 0, LIMIT_NAME_BYTES),
    STRING(message_deliver_result, "reason", reason, 1, MESSAGE_CODE_BYTES),
    END,
};
static const struct shape deliver_result_shape = SHAPE(message_deliver_result, deliver_result);
static const struct field deliver_previous[] = {
    STRING(message_deliver_previous, "message", message, 0, LIMIT_MESSAGE_BYTES),
    TIME(message_deliver_previous, "finishedAt", finished_at_utc_ms),
    END,
};
static const struct shape deliver_previous_shape =
    SHAPE(message_deliver_previous, deliver_previous);
static const struct field deliver[] = {
    STRING(message_deliver, "key", key, 1, LIMIT_NAME_BYTES),
    INTEGER(message_deliver, "attempt", attempt, 1, U31_MAX),
    CHOICE(message_deliver, "kind", kind, deliver_kinds),
    STRING(message_deliver, "target", target, 0, LIMIT_RECIPIENT_BYTES),
    BOOLEAN(message_deliver, "isCollapsed", is_collapsed),
    OBJECT(message_deliver, "monitor", monitor, deliver_monitor_shape),
    OBJECT(message_deliver, "incident", incident, deliver_incident_shape),
    OBJECT(message_deliver, "result", result, deliver_result_shape),
    OBJECT_OPT(message_deliver, "previous", previous, has_previous, deliver_previous_shape),
    STRING_OPT(message_deliver, "toldId", told_id, LIMIT_NAME_BYTES),
    TIME(message_deliver, "decidedAt", decided_at_utc_ms),
    TIME(message_deliver, "createdAt", created_at_utc_ms),
    END,
};

static const struct field pulse[] = {
    TIME(message_pulse, "now", now_utc_ms),
    TIME(message_pulse, "lastCommitAt", last_commit_at_utc_ms),
    END,
};

static const struct field web_hello[] = {
    INTEGER(message_web_hello, "protocol", protocol, 1, U31_MAX),
    STRING(message_web_hello, "version", version, 1, MESSAGE_CODE_BYTES),
    END,
};

static const struct field actor_fields[] = {
    STRING(message_actor, "name", name, 1, LIMIT_NAME_BYTES),
    STRING(message_actor, "via", via, 1, MESSAGE_CODE_BYTES),
    STRING_OPT(message_actor, "address", address, LIMIT_NAME_BYTES),
    END,
};
static const struct shape actor_shape = SHAPE(message_actor, actor_fields);
static const struct field command[] = {
    STRING(message_command, "requestId", request_id, 1, ID_BYTES),
    OBJECT(message_command, "actor", actor, actor_shape),
    STRING(message_command, "action", action, 1, MESSAGE_CODE_BYTES),
    VALUE(message_command, "parameters", parameters, FIELD_MAP, true, 0),
    END,
};

static const struct field problem_fields[] = {
    STRING(message_problem, "title", title, 1, LIMIT_NAME_BYTES),
    STRING(message_problem, "detail", detail, 0, LIMIT_LABELS_BYTES),
    STRING_OPT(message_problem, "pointer", pointer, LIMIT_NAME_BYTES),
    END,
};
static const struct shape problem_shape = SHAPE(message_problem, problem_fields);
static const struct field reply[] = {
    BOOLEAN(message_reply, "ok", is_ok),
    INTEGER(message_reply, "status", status, 200, 599),
    VALUE(message_reply, "result", result, FIELD_JSON, false, 0),
    OBJECT_OPT(message_reply, "problem", problem, has_problem, problem_shape),
    END,
};

static const struct field status[] = {
    STRING(message_status, "state", state, 1, MESSAGE_CODE_BYTES),
    BOOLEAN(message_status, "isStoreOk", is_store_ok),
    TIME_OPT(message_status, "lastCommitAt", last_commit_at_utc_ms),
    VALUE(message_status, "runners", runners, FIELD_LIST, true, 0),
    VALUE(message_status, "channels", channels, FIELD_LIST, true, 0),
    VALUE(message_status, "counts", counts, FIELD_NUMBERS, true, MESSAGE_IDS),
    END,
};

static const struct field change[] = {
    IDS(message_change, "monitors", monitors, FIELD_IDS),
    IDS(message_change, "incidents", incidents, FIELD_U64S),
    END,
};

#define KIND(type_, role_, to_router, seq, monitor, T, table)                            \
    {                                                                                    \
        .type = (type_), .role = (role_), .is_to_router = (to_router), .has_seq = (seq), \
        .has_monitor = (monitor), .shape = SHAPE(T, table)                               \
    }

static const struct fields_kind kinds[] = {
    [MESSAGE_RUNNER_HELLO] =
        KIND("hello/1", MESSAGE_RUNNER, true, false, false, message_runner_hello, runner_hello),
    [MESSAGE_RESULT] = KIND("result/1", MESSAGE_RUNNER, true, true, true, message_result, result),
    [MESSAGE_RUNNER_HEARTBEAT] = KIND("heartbeat/1", MESSAGE_RUNNER, true, false, false,
                                      message_runner_heartbeat, runner_heartbeat),
    [MESSAGE_RUNNER_WELCOME] = KIND("welcome/1", MESSAGE_RUNNER, false, false, false,
                                    message_runner_welcome, runner_welcome),
    [MESSAGE_ACK] = KIND("ack/1", MESSAGE_RUNNER, false, true, false, message_ack, ack),
    [MESSAGE_RESEND] = {"resend/1", MESSAGE_RUNNER, false, true, false, {1, none}},
    [MESSAGE_ASSIGN] =
        KIND("assign/1", MESSAGE_RUNNER, false, false, false, message_assign, assign),
    [MESSAGE_RUN] = KIND("run/1", MESSAGE_RUNNER, false, false, true, message_run, run),
    [MESSAGE_RUNNER_ERROR] =
        KIND("error/1", MESSAGE_RUNNER, false, false, false, message_error, error),
    [MESSAGE_NOTIFIER_HELLO] = KIND("hello/1", MESSAGE_NOTIFIER, true, false, false,
                                    message_notifier_hello, notifier_hello),
    [MESSAGE_CREDIT] =
        KIND("credit/1", MESSAGE_NOTIFIER, true, false, false, message_credit, credit),
    [MESSAGE_OUTCOME] =
        KIND("outcome/1", MESSAGE_NOTIFIER, true, true, false, message_outcome, outcome),
    [MESSAGE_NOTIFIER_HEARTBEAT] = KIND("heartbeat/1", MESSAGE_NOTIFIER, true, false, false,
                                        message_notifier_heartbeat, notifier_heartbeat),
    [MESSAGE_NOTIFIER_WELCOME] = KIND("welcome/1", MESSAGE_NOTIFIER, false, false, false,
                                      message_notifier_welcome, notifier_welcome),
    [MESSAGE_DELIVER] =
        KIND("deliver/1", MESSAGE_NOTIFIER, false, true, true, message_deliver, deliver),
    [MESSAGE_PROBE] =
        KIND("probe/1", MESSAGE_NOTIFIER, false, true, true, message_deliver, deliver),
    [MESSAGE_PULSE] = KIND("pulse/1", MESSAGE_NOTIFIER, false, false, false, message_pulse, pulse),
    [MESSAGE_NOTIFIER_ERROR] =
        KIND("error/1", MESSAGE_NOTIFIER, false, false, false, message_error, error),
    [MESSAGE_WEB_HELLO] =
        KIND("hello/1", MESSAGE_WEB, true, false, false, message_web_hello, web_hello),
    [MESSAGE_COMMAND] = KIND("command/1", MESSAGE_WEB, true, true, false, message_command, command),
    [MESSAGE_REPLY] = KIND("reply/1", MESSAGE_WEB, false, true, false, message_reply, reply),
    [MESSAGE_STATUS] = KIND("status/1", MESSAGE_WEB, false, false, false, message_status, status),
    [MESSAGE_CHANGE] = KIND("change/1", MESSAGE_WEB, false, false, false, message_change, change),
    [MESSAGE_WEB_ERROR] = KIND("error/1", MESSAGE_WEB, false, false, false, message_error, error),
};
_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == MESSAGE_KIND_COUNT_, "a row for each kind");

const struct fields_kind *fields_of(enum message_kind kind)
{
    TC_ASSERT(kind < MESSAGE_KIND_COUNT_);
    return &kinds[kind];
}
