/* Commands that configure monitors: added, edited, paused, removed with the same checks as rows
 * typed by hand, but refused instead of raising an alert. */
#include <stdio.h>

#include "lib/base/cleanup.h"
#include "lib/base/ids.h"
#include "lib/base/str.h"
#include "lib/sys/rng.h"
#include "router/flow/assign.h"
#include "router/flow/batch.h"
#include "router/flow/change.h"
#include "router/flow/command.h"
#include "router/flow/edit.h"
#include "router/flow/expect.h"
#include "router/flow/report.h"

#define ZONE_DEFAULT "America/Chicago"

enum {
    TIMEOUT_DEFAULT = 60,
    OKS_DEFAULT = 2,
    FAILURES_DEFAULT = 1,
    REMINDER_DEFAULT = 60,
};

/* --- Reading what a command wants ------------------------------------------------------------- */

/* Texts of a command that become a setup's: owned, freed together. */
struct wish {
    struct store_monitor row;
    char *params;
    char *labels;
    char *people;
};

static void wish_clear(struct wish *wish)
{
    mem_free(wish->params);
    mem_free(wish->labels);
    mem_free(wish->people);
}

static const char *json_text(struct json_dec *d, const char *name, const char *fallback,
                             char **owned)
{
    const struct json_value *value = json_any(d, name);
    if (value == NULL) {
        return fallback;
    }
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, LIMIT_FRAME_BYTES);
    struct json_enc e;
    json_enc_start(&e, &text);
    json_enc_value(&e, NULL, value);
    mem_free(*owned);
    *owned = buf_take(&text);
    return *owned;
}

static void read_severity(struct json_dec *d, enum store_severity *severity)
{
    static const char *const names[] = {
        [STORE_INFO] = "info", [STORE_WARNING] = "warning", [STORE_CRITICAL] = "critical"};
    const char *wanted = json_str_opt(d, "severity", LIMIT_NAME_BYTES, NULL);
    if (wanted == NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_eq(wanted, names[i])) {
            *severity = (enum store_severity)i;
            return;
        }
    }
    (void)json_fail(d, "severity", TC_EINVAL, "must be info, warning or critical");
}

static void read_numbers(struct json_dec *d, struct store_monitor *row)
{
    struct core_monitor *core = &row->core;
    row->timeout_seconds =
        (uint32_t)json_i64_opt(d, "timeoutSeconds", 1, LIMIT_TIMEOUT_SECONDS, row->timeout_seconds);
    core->required_oks =
        (uint32_t)json_i64_opt(d, "requiredConsecutiveOks", 0, LIMIT_THRESHOLD, core->required_oks);
    core->required_failures = (uint32_t)json_i64_opt(d, "requiredConsecutiveFailures", 0,
                                                     LIMIT_THRESHOLD, core->required_failures);
    core->reminder_minutes = (uint32_t)json_i64_opt(d, "reminderFrequencyMinutes", 0,
                                                    LIMIT_REMINDER_MINUTES, core->reminder_minutes);
    core->is_active = json_bool_opt(d, "isActive", core->is_active);
}

/* Read Add's and Edit's members over what wish->row holds. */
static void read_wish(struct json_dec *d, struct wish *wish)
{
    struct store_monitor *row = &wish->row;
    row->name = json_str_opt(d, "name", LIMIT_NAME_BYTES, row->name);
    row->check_name = json_str_opt(d, "checkName", LIMIT_NAME_BYTES, row->check_name);
    row->php_class = json_str_opt(d, "phpClass", LIMIT_NAME_BYTES, row->php_class);
    row->runs_on = json_str_opt(d, "runsOn", LIMIT_NAME_BYTES, row->runs_on);
    row->runbook_url = json_str_opt(d, "runbookUrl", LIMIT_URL_BYTES, row->runbook_url);
    row->params = json_text(d, "params", row->params, &wish->params);
    row->labels = json_text(d, "labels", row->labels, &wish->labels);
    row->people_to_notify = json_text(d, "peopleToNotify", row->people_to_notify, &wish->people);
    read_severity(d, &row->severity);
    read_numbers(d, row);
}

static void add_schedules(struct flow_command *command, struct flow_setup *setup)
{
    struct flow *flow = command->flow;
    if (!json_has(&command->params, "schedules")) {
        return;
    }
    const struct json_value *list = json_arr(&command->params, "schedules", MESSAGE_SCHEDULES);
    const struct json_value *one = list == NULL ? NULL : json_first(list);
    for (size_t at = 0; one != NULL; one = json_next(one), at++) {
        struct json_dec d;
        char where[64];
        (void)snprintf(where, sizeof(where), "parameters.schedules[%zu]", at); /* sized for it */
        json_dec_start(&d, one, where, &command->err);
        struct store_cron row = {.version = 1,
                                 .is_active = true,
                                 .schedule = json_str(&d, "schedule", LIMIT_SCHEDULE_BYTES),
                                 .timezone =
                                     json_str_opt(&d, "timezone", LIMIT_ZONE_BYTES, ZONE_DEFAULT)};
        if (json_end(&d) == TC_OK) {
            flow_setup_add_schedule(setup, &row, flow->zones);
        }
        json_join(&command->params, &d);
    }
}

static void write_schedules(struct flow *flow, struct flow_setup *setup, uint32_t monitor_id)
{
    char parameters[48];
    (void)snprintf(parameters, sizeof(parameters), "{\"monitorId\": %u}", monitor_id); /* fits */
    for (size_t i = 0; i < setup->schedule_count; i++) {
        setup->schedules[i].id = (uint32_t)++flow->ids.cron;
        struct store_cron row = {.id = setup->schedules[i].id,
                                 .is_active = setup->schedules[i].is_active,
                                 .created_utc_ms = flow->batch.now_utc_ms,
                                 .schedule = setup->schedules[i].schedule,
                                 .timezone = setup->schedules[i].timezone,
                                 .action = "Monitor/Run",
                                 .parameters = parameters};
        store_batch_cron_add(&flow->batch.rows, &row);
    }
}

static void drop_schedules(struct flow *flow, const struct flow_setup *setup)
{
    TC_ASSERT(setup != NULL);
    for (size_t i = 0; i < setup->schedule_count; i++) {
        struct store_key key = {.id = setup->schedules[i].id,
                                .version = setup->schedules[i].version};
        store_batch_cron_remove(&flow->batch.rows, &key);
    }
}

/* Whether a setup may stand as a command wants it; else the command is refused. */
static int check_setup(struct flow_command *command, struct flow_setup *setup)
{
    if (json_end(&command->params) != TC_OK) {
        command->status = 400;
        return TC_EINVAL;
    }
    if (setup->name[0] == '\0') {
        return flow_command_refuse(command, 400, "parameters.name is missing");
    }
    if (setup->is_internal || str_has_prefix(setup->name, "internal:")) {
        return flow_command_refuse(command, 400,
                                   "names and checks that begin with \"internal:\" "
                                   "are tocsin's own");
    }
    flow_setup_check(setup);
    if (setup->problem != NULL) {
        return flow_command_refuse(command, 400, "%s", setup->problem);
    }
    if (setup->people_problem != NULL) {
        return flow_command_refuse(command, 400, "%s", setup->people_problem);
    }
    return TC_OK;
}

/* --- Actions --------------------------------------------------------------------------------- */

/* setup_before NULL: it was not there; what it is now stands in the monitor, unless it is deleted. */
static void decide_edit(struct flow_command *command, struct flow_monitor *monitor,
                        const struct core_monitor *before, const struct flow_setup *setup_before,
                        bool is_deleted)
{
    TC_CLEANUP(buf_freep) struct buf old;
    TC_CLEANUP(buf_freep) struct buf new;
    struct flow_change change;
    buf_init(&old, LIMIT_AUDIT_RECORD_BYTES);
    buf_init(&new, LIMIT_AUDIT_RECORD_BYTES);
    flow_change_start(&change, command->flow, &old, &new);
    flow_change_core(&change, before, &monitor->row.core);
    flow_change_setup(&change, setup_before, is_deleted ? NULL : monitor->row.setup);
    flow_change_end(&change);
    struct core_event event = {.type = CORE_EVENT_EDIT};
    event.edit.before = *before;
    event.edit.is_deleted = is_deleted;
    struct flow_cause cause = flow_command_cause(command);
    cause.before = setup_before == NULL ? NULL : old.p;
    cause.after = is_deleted ? NULL : new.p;
    flow_decide(command->flow, monitor, &event, &cause, NULL, NULL);
}

int flow_command_add(struct flow_command *command)
{
    struct flow *flow = command->flow;
    uint8_t random[IDS_RANDOM_BYTES];
    char uuid[IDS_UUID_SIZE];
    rng_fill(random, sizeof(random));
    struct wish wish = {.row = {.uuid = ids_uuid4(random, uuid),
                                .params = "{}",
                                .labels = "{}",
                                .people_to_notify = "[]",
                                .timeout_seconds = TIMEOUT_DEFAULT,
                                .severity = STORE_CRITICAL,
                                .created_utc_ms = flow->batch.now_utc_ms,
                                .core = {.is_active = true,
                                         .required_oks = OKS_DEFAULT,
                                         .required_failures = FAILURES_DEFAULT,
                                         .reminder_minutes = REMINDER_DEFAULT,
                                         .last_run_utc_ms = CORE_NEVER,
                                         .last_notification_utc_ms = CORE_NEVER,
                                         .acknowledged_utc_ms = CORE_NEVER,
                                         .ack_expires_utc_ms = CORE_NEVER}}};
    read_wish(&command->params, &wish);
    struct flow_setup *setup = flow_setup_new(&wish.row);
    wish_clear(&wish);
    add_schedules(command, setup);
    int code = check_setup(command, setup);
    if (code != TC_OK) {
        (void)flow_setup_free(setup); /* always NULL */
        return code;
    }
    struct flow_row row = {.setup = setup,
                           .core = wish.row.core,
                           .run_asked_utc_ms = flow->batch.now_utc_ms,
                           .expected_utc_ms = CORE_NEVER};
    row.core.id = (uint32_t)++flow->ids.monitor;
    struct flow_monitor *monitor = flow_add_monitor(flow, &row);
    write_schedules(flow, setup, monitor->id);
    decide_edit(command, monitor, &row.core, NULL, false);
    flow_assign(flow, monitor);
    flow_expect(flow, monitor, flow->batch.now_utc_ms);
    json_enc_i64(&command->result, "monitorId", monitor->id);
    json_enc_str(&command->result, "uuid", setup->uuid);
    return TC_OK;
}

/* The setup that an edit wants, with the schedules as they are unless it brings others. */
static struct flow_setup *edited_setup(struct flow_command *command, struct flow_monitor *monitor,
                                       struct wish *wish, bool *ret_has_schedules)
{
    const struct flow_setup *now = monitor->row.setup;
    wish->row = (struct store_monitor){.core = monitor->row.core,
                                       .uuid = now->uuid,
                                       .name = now->name,
                                       .check_name = now->check_name,
                                       .php_class = now->php_class,
                                       .params = now->params,
                                       .timeout_seconds = now->timeout_seconds,
                                       .runs_on = now->runs_on,
                                       .people_to_notify = now->people,
                                       .severity = now->severity,
                                       .labels = now->labels,
                                       .runbook_url = now->runbook_url,
                                       .created_utc_ms = now->created_utc_ms};
    read_wish(&command->params, wish);
    struct flow_setup *setup = flow_setup_new(&wish->row);
    *ret_has_schedules = json_has(&command->params, "schedules");
    if (*ret_has_schedules) {
        add_schedules(command, setup);
        return setup;
    }
    for (size_t i = 0; i < now->schedule_count; i++) {
        struct store_cron row = {.id = now->schedules[i].id,
                                 .version = now->schedules[i].version,
                                 .is_active = now->schedules[i].is_active,
                                 .schedule = now->schedules[i].schedule,
                                 .timezone = now->schedules[i].timezone};
        flow_setup_add_schedule(setup, &row, command->flow->zones);
    }
    return setup;
}

static bool is_other_version(struct flow_command *command, const struct flow_monitor *monitor)
{
    return json_has(&command->params, "version") &&
           json_u64_text(&command->params, "version") != monitor->row.version;
}

int flow_command_edit(struct flow_command *command)
{
    struct flow *flow = command->flow;
    struct flow_monitor *monitor = flow_command_monitor(command);
    if (monitor == NULL) {
        return TC_EINVAL;
    }
    if (monitor->row.setup->is_internal) {
        return flow_command_refuse(command, 409, "%s is tocsin's own", monitor->row.setup->name);
    }
    if (is_other_version(command, monitor)) {
        return flow_command_refuse(command, 409, "%s was changed meanwhile, read it again",
                                   monitor->row.setup->name);
    }
    struct wish wish = {.params = NULL};
    bool has_schedules = false;
    struct flow_setup *setup = edited_setup(command, monitor, &wish, &has_schedules);
    wish_clear(&wish);
    int code = check_setup(command, setup);
    if (code != TC_OK) {
        (void)flow_setup_free(setup); /* always NULL */
        return code;
    }
    struct flow_touched_monitor *touched = flow_touch_monitor(flow, monitor);
    touched->needs_configure = true;
    if (has_schedules) {
        drop_schedules(flow, monitor->row.setup);
        write_schedules(flow, setup, monitor->id);
    }
    TC_CLEANUP(flow_setup_freep) struct flow_setup *old = flow_setup_copy(monitor->row.setup);
    if (monitor->row.setup != touched->before.setup) {
        (void)flow_setup_free(monitor->row.setup); /* of an edit before in this batch */
    }
    monitor->row.setup = setup;
    struct core_monitor before = monitor->row.core;
    monitor->row.core = wish.row.core;
    decide_edit(command, monitor, &before, old, false);
    flow_check_setup(flow, monitor, old, before.is_active);
    flow_assign(flow, monitor);
    flow_expect(flow, monitor, flow->batch.now_utc_ms);
    json_enc_i64(&command->result, "monitorId", monitor->id);
    return TC_OK;
}

int flow_command_switch(struct flow_command *command, bool is_active)
{
    struct flow *flow = command->flow;
    struct flow_monitor *monitor = flow_command_monitor(command);
    if (monitor == NULL) {
        return TC_EINVAL;
    }
    if (monitor->row.setup->is_internal) {
        return flow_command_refuse(command, 409, "%s is tocsin's own: it can't be paused",
                                   monitor->row.setup->name);
    }
    flow_touch_monitor(flow, monitor)->needs_configure = true;
    struct core_monitor before = monitor->row.core;
    monitor->row.core.is_active = is_active;
    decide_edit(command, monitor, &before, monitor->row.setup, false);
    flow_check_setup(flow, monitor, monitor->row.setup, before.is_active);
    flow_assign(flow, monitor);
    flow_expect(flow, monitor, flow->batch.now_utc_ms);
    json_enc_i64(&command->result, "monitorId", monitor->id);
    return TC_OK;
}

int flow_command_remove(struct flow_command *command)
{
    struct flow *flow = command->flow;
    struct flow_monitor *monitor = flow_command_monitor(command);
    if (monitor == NULL) {
        return TC_EINVAL;
    }
    struct flow_touched_monitor *touched = flow_touch_monitor(flow, monitor);
    struct core_monitor before = monitor->row.core;
    decide_edit(command, monitor, &before, monitor->row.setup, true);
    drop_schedules(flow, monitor->row.setup);
    flow_report_config(flow, monitor->id, true, "its monitor is gone");
    touched->is_removed = true;
    struct flow_runner *runner = flow_runner_with_id(flow, monitor->row.runner_id);
    if (runner != NULL) {
        *FLOW_LIST_ADD(runner->dirty) = monitor->id;
    }
    json_enc_i64(&command->result, "monitorId", monitor->id);
    return TC_OK;
}
