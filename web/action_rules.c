/* The table of actions: names, rights, parameters. It decides nothing about rows: whether a monitor
 * can be paused now is the router's to say. Used by web/actions.c. */
#include "web/action_rules.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/rules.h"
#include "lib/base/str.h"

enum {
    REPLY_MS = 10 * 1000,
    TEST_MS = 60 * 1000, /* a channel calls its service meanwhile */
    KEEP_MINUTES_MAX = 7 * 24 * 60,
};

static const char *const severities[] = {"info", "warning", "critical", NULL};
static const char *const roles[] = {"viewer", "operator", "admin", NULL};

/* clang-format off: a table reads best as one */
#define MONITOR_ID                                                                 \
    {.name = "monitorId",                                                          \
     .type = RULE_INTEGER,                                                         \
     .min = 1,                                                                     \
     .max = UINT32_MAX,                                                            \
     .doc = "Which monitor."},                                                     \
    {                                                                              \
        .name = "monitor", .type = RULE_STRING, .min = 1, .max = LIMIT_NAME_BYTES, \
        .doc = "Which monitor: id, uuid or unique name, instead of monitorId."     \
    }

static const struct rule schedule_rules[] = {
    {.name = "schedule",
     .type = RULE_STRING,
     .is_required = true,
     .min = 1,
     .max = LIMIT_SCHEDULE_BYTES,
     .doc = "Five fields, @daily ..., or @every 30s."},
    {.name = "timezone",
     .type = RULE_STRING,
     .min = 1,
     .max = LIMIT_ZONE_BYTES,
     .doc = "IANA name of the zone."},
    {.name = NULL},
};

#define MONITOR_MEMBERS                                                                \
    {.name = "checkName",                                                              \
     .type = RULE_STRING,                                                              \
     .min = 1,                                                                         \
     .max = LIMIT_NAME_BYTES,                                                          \
     .doc = "What runs."},                                                             \
        {.name = "phpClass",                                                           \
         .type = RULE_STRING,                                                          \
         .min = 1,                                                                     \
         .max = LIMIT_NAME_BYTES,                                                      \
         .doc = "The class of an original monitor."},                                  \
        {.name = "isActive", .type = RULE_BOOLEAN, .doc = "false: paused."},           \
        {.name = "params", .type = RULE_ANY, .doc = "Object for the check."},          \
        {.name = "timeoutSeconds",                                                     \
         .type = RULE_INTEGER,                                                         \
         .min = 1,                                                                     \
         .max = LIMIT_TIMEOUT_SECONDS,                                                 \
         .doc = "A longer run failed."},                                               \
        {.name = "runsOn",                                                             \
         .type = RULE_STRING,                                                          \
         .min = 0,                                                                     \
         .max = LIMIT_NAME_BYTES,                                                      \
         .doc = "Which runners."},                                                     \
        {.name = "requiredConsecutiveOks",                                             \
         .type = RULE_INTEGER,                                                         \
         .min = 0,                                                                     \
         .max = LIMIT_THRESHOLD,                                                       \
         .doc = "OKs that end an alert."},                                             \
        {.name = "requiredConsecutiveFailures",                                        \
         .type = RULE_INTEGER,                                                         \
         .min = 0,                                                                     \
         .max = LIMIT_THRESHOLD,                                                       \
         .doc = "Failures that make one."},                                            \
        {.name = "reminderFrequencyMinutes",                                           \
         .type = RULE_INTEGER,                                                         \
         .min = 0,                                                                     \
         .max = LIMIT_REMINDER_MINUTES,                                                \
         .doc = "Reminders at most that often."},                                      \
        {.name = "peopleToNotify",                                                     \
         .type = RULE_STRINGS,                                                         \
         .min = 0,                                                                     \
         .max = LIMIT_RECIPIENTS,                                                      \
         .doc = "Recipients."},                                                        \
        {.name = "severity",                                                           \
         .type = RULE_STRING,                                                          \
         .min = 1,                                                                     \
         .max = 16,                                                                    \
         .choices = severities,                                                        \
         .doc = "How bad."},                                                           \
        {.name = "labels", .type = RULE_ANY, .doc = "Object of texts."},               \
        {.name = "runbookUrl",                                                         \
         .type = RULE_STRING,                                                          \
         .min = 0,                                                                     \
         .max = LIMIT_URL_BYTES,                                                       \
         .doc = "Where the instructions are."},                                        \
    {                                                                                  \
        .name = "schedules", .type = RULE_ANY, .doc = "Array of {schedule, timezone}." \
    }

static const struct rule monitor_rules[] = {MONITOR_ID, {.name = NULL}};
static const struct rule reset_rules[] = {
    MONITOR_ID,
    {.name = "isQuiet", .type = RULE_BOOLEAN, .doc = "Tell nobody."},
    {.name = NULL},
};
static const struct rule add_rules[] = {
    {.name = "name",
     .type = RULE_STRING,
     .is_required = true,
     .min = 1,
     .max = LIMIT_NAME_BYTES,
     .doc = "What people call it."},
    MONITOR_MEMBERS,
    {.name = NULL},
};
static const struct rule edit_rules[] = {
    MONITOR_ID,
    {.name = "version",
     .type = RULE_STRING,
     .min = 1,
     .max = 20,
     .doc = "Refuse when the row has another."},
    {.name = "name",
     .type = RULE_STRING,
     .min = 1,
     .max = LIMIT_NAME_BYTES,
     .doc = "What people call it."},
    MONITOR_MEMBERS,
    {.name = NULL},
};
static const struct rule acknowledge_rules[] = {
    MONITOR_ID,
    {.name = "note",
     .type = RULE_STRING,
     .min = 0,
     .max = LIMIT_NOTE_BYTES,
     .doc = "What they say."},
    {.name = "expiresDt", .type = RULE_STRING, .min = 1, .max = 40, .doc = "Until when, RFC 3339."},
    {.name = "keepMinutes",
     .type = RULE_INTEGER,
     .min = 0,
     .max = KEEP_MINUTES_MAX,
     .doc = "Keep it through flapping."},
    {.name = "incidentId",
     .type = RULE_STRING,
     .min = 1,
     .max = 20,
     .doc = "Refuse when another incident is open."},
    {.name = "ifUnacknowledged",
     .type = RULE_BOOLEAN,
     .doc = "Refuse when somebody has acknowledged."},
    {.name = NULL},
};
static const struct rule retry_rules[] = {
    {.name = "notificationId",
     .type = RULE_STRING,
     .is_required = true,
     .min = 1,
     .max = 20,
     .doc = "Which notification."},
    {.name = NULL},
};
static const struct rule test_rules[] = {
    {.name = "channel",
     .type = RULE_STRING,
     .is_required = true,
     .min = 1,
     .max = 64,
     .doc = "Which channel."},
    {.name = "target",
     .type = RULE_STRING,
     .is_required = true,
     .min = 1,
     .max = LIMIT_RECIPIENT_BYTES,
     .doc = "Whom."},
    {.name = NULL},
};
static const struct rule token_rules[] = {
    {.name = "name",
     .type = RULE_STRING,
     .is_required = true,
     .min = 1,
     .max = LIMIT_NAME_BYTES,
     .doc = "Whose it is."},
    {.name = "role",
     .type = RULE_STRING,
     .is_required = true,
     .min = 1,
     .max = 16,
     .choices = roles,
     .doc = "What it may do."},
    {.name = "expiresDt", .type = RULE_STRING, .min = 1, .max = 40, .doc = "Until when, RFC 3339."},
    {.name = NULL},
};
static const struct rule token_id_rules[] = {
    {.name = "tokenId",
     .type = RULE_INTEGER,
     .is_required = true,
     .min = 1,
     .max = UINT32_MAX,
     .doc = "Which token."},
    {.name = NULL},
};

static const struct action actions[] = {
    {"Monitor/Run", monitor_rules, REPLY_MS, ACCESS_OPERATOR, true},
    {"Monitor/Pause", monitor_rules, REPLY_MS, ACCESS_OPERATOR, true},
    {"Monitor/Resume", monitor_rules, REPLY_MS, ACCESS_OPERATOR, true},
    {"Monitor/Reset", reset_rules, REPLY_MS, ACCESS_OPERATOR, true},
    {"Monitor/Add", add_rules, REPLY_MS, ACCESS_ADMIN, false},
    {"Monitor/Edit", edit_rules, REPLY_MS, ACCESS_ADMIN, true},
    {"Monitor/Remove", monitor_rules, REPLY_MS, ACCESS_ADMIN, true},
    {"Incident/Acknowledge", acknowledge_rules, REPLY_MS, ACCESS_OPERATOR, true},
    {"Incident/Unacknowledge", monitor_rules, REPLY_MS, ACCESS_OPERATOR, true},
    {"Notification/Retry", retry_rules, REPLY_MS, ACCESS_OPERATOR, false},
    {"Channel/Test", test_rules, TEST_MS, ACCESS_OPERATOR, false},
    {"Token/Add", token_rules, REPLY_MS, ACCESS_ADMIN, false},
    {"Token/Remove", token_id_rules, REPLY_MS, ACCESS_ADMIN, false},
};
/* clang-format on */

const struct action *action_find(const char *name, const char **ret_near)
{
    *ret_near = NULL;
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (str_eq(actions[i].name, name)) {
            return &actions[i];
        }
        *ret_near = str_nearer(name, *ret_near, actions[i].name);
    }
    return NULL;
}

void action_pointer(const char *sentence, char *ret_pointer)
{
    size_t length = 0;
    ret_pointer[0] = '\0';
    if (!str_has_prefix(sentence, "parameters")) {
        return;
    }
    ret_pointer[length++] = '/';
    for (const char *p = sentence; *p != '\0' && *p != ':' && *p != ' '; p++) {
        if (length + 2 > ACTION_POINTER_BYTES) {
            break;
        }
        if (*p != ']') {
            ret_pointer[length++] = *p == '.' || *p == '[' ? '/' : *p;
        }
    }
    ret_pointer[length] = '\0';
}

/* What the table of rules has no type for. */
static int check_shapes(const struct json_value *parameters, struct err *err)
{
    static const char *const objects[] = {"params", "labels"};
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        const struct json_value *value = json_member(parameters, objects[i]);
        if (value != NULL && json_type_of(value) != JSON_OBJECT &&
            json_type_of(value) != JSON_NULL) {
            return err_set(err, TC_EINVAL, "parameters.%s: must be an object", objects[i]);
        }
    }
    const struct json_value *schedules = json_member(parameters, "schedules");
    if (schedules == NULL || json_type_of(schedules) == JSON_NULL) {
        return TC_OK;
    }
    if (json_type_of(schedules) != JSON_ARRAY) {
        return err_set(err, TC_EINVAL, "parameters.schedules: must be an array");
    }
    for (const struct json_value *p = json_first(schedules); p != NULL; p = json_next(p)) {
        if (rules_check(schedule_rules, p, "parameters.schedules", err) != TC_OK) {
            return TC_EINVAL;
        }
    }
    return TC_OK;
}

int action_check(const struct action *action, const struct json_value *parameters,
                 char *ret_pointer, struct err *err)
{
    struct err own = ERR_INIT;
    int status = rules_check(action->rules, parameters, "parameters", &own);
    if (status == TC_OK) {
        status = check_shapes(parameters, &own);
    }
    if (status != TC_OK) {
        action_pointer(own.text, ret_pointer);
        return err_set(err, TC_EINVAL, "%s", own.text);
    }
    return TC_OK;
}
