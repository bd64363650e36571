/* What a person configures of a monitor: read from its row, checked by the same rules as the API
 * (proto/checks.h, cron, zones, recipients). Decides nothing; used when rows are loaded, edited by
 * hand and changed by commands. */
#include "router/flow/setup.h"

#include <stdarg.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/base/tz.h"
#include "proto/checks.h"
#include "router/core/recipients.h"
#include "router/flow/part.h"

#define INTERNAL_PREFIX "internal:"

enum {
    PROBLEM_BYTES = 4096, /* a value of a row, and what is wrong with it */
};

static void note_problem(struct flow_setup *setup, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The first problem stays: later ones often follow from it. */
static void note_problem(struct flow_setup *setup, const char *fmt, ...)
{
    if (setup->problem != NULL) {
        return;
    }
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, PROBLEM_BYTES);
    va_list args;
    va_start(args, fmt);
    buf_add_vfmt(&text, fmt, args);
    va_end(args);
    setup->problem = buf_take(&text);
}

static char *check_of(const struct store_monitor *row)
{
    if (row->check_name != NULL) {
        return mem_strdup(row->check_name);
    }
    if (row->php_class == NULL) {
        return NULL;
    }
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, strlen(row->php_class) + 8);
    buf_add_fmt(&text, "php:%s", row->php_class);
    return buf_take(&text);
}

struct flow_setup *flow_setup_new(const struct store_monitor *row)
{
    struct flow_setup *setup = mem_alloc(sizeof(*setup));
    setup->uuid = mem_strdup(row->uuid);
    setup->name = mem_strdup(row->name == NULL ? "" : row->name);
    setup->check_name = mem_strdup(row->check_name);
    setup->php_class = mem_strdup(row->php_class);
    setup->check = check_of(row);
    setup->params = mem_strdup(row->params);
    setup->labels = mem_strdup(row->labels);
    setup->runs_on = mem_strdup(row->runs_on);
    setup->people = mem_strdup(row->people_to_notify);
    setup->runbook_url = mem_strdup(row->runbook_url);
    setup->timeout_seconds = row->timeout_seconds;
    setup->severity = row->severity;
    setup->created_utc_ms = row->created_utc_ms;
    setup->is_internal = setup->check != NULL && str_has_prefix(setup->check, INTERNAL_PREFIX);
    if (row->problem != NULL) {
        note_problem(setup, "%s", row->problem);
    }
    return setup;
}

/* A command's schedule has no row yet. */
static void note_bad_schedule(struct flow_setup *setup, uint32_t id, const char *column,
                              const char *value, const char *cause)
{
    if (id == 0) {
        note_problem(setup, "%s \"%s\": %s", column, value, cause);
    } else {
        note_problem(setup, "CronJobs row %u, %s \"%s\": %s", id, column, value, cause);
    }
}

void flow_setup_add_schedule(struct flow_setup *setup, const struct store_cron *row,
                             struct tz_cache *zones)
{
    setup->schedules =
        mem_resize(setup->schedules, setup->schedule_count + 1, sizeof(struct flow_schedule));
    struct flow_schedule *one = &setup->schedules[setup->schedule_count++];
    *one =
        (struct flow_schedule){.id = row->id,
                               .version = row->version,
                               .is_active = row->is_active,
                               .schedule = mem_strdup(row->schedule == NULL ? "" : row->schedule),
                               .timezone = mem_strdup(row->timezone == NULL ? "" : row->timezone)};
    if (!row->is_active) {
        return;
    }
    if (row->problem != NULL) {
        note_problem(setup, "%s", row->problem);
        return;
    }
    struct err err = ERR_INIT;
    if (cron_parse(one->schedule, &one->cron, &err) != TC_OK) {
        note_bad_schedule(setup, row->id, "schedule", one->schedule, err.text);
        return;
    }
    if (tz_open(zones, one->timezone, &one->zone, &err) != TC_OK) {
        note_bad_schedule(setup, row->id, "timezone", one->timezone, err.text);
        one->zone = NULL;
    }
}

static void check_params(struct flow_setup *setup)
{
    struct err err = ERR_INIT;
    enum checks_kind kind = CHECKS_SQL;
    if (checks_parse(setup->check, &kind, NULL, &err) != TC_OK) {
        note_problem(setup, "check \"%s\": %s", setup->check, err.text);
        return;
    }
    const char *text = setup->params == NULL ? "{}" : setup->params;
    TC_CLEANUP(json_freep) struct json *json = NULL;
    if (json_parse(text, strlen(text), LIMIT_PARAMS_BYTES, &json, &err) != TC_OK) {
        note_problem(setup, "params: %s", err.text);
        return;
    }
    if (json_type_of(json_root(json)) != JSON_OBJECT) {
        note_problem(setup, "params must be a JSON object such as {}");
        return;
    }
    if (checks_check_params(kind, json_root(json), &err) != TC_OK) {
        note_problem(setup, "%s", err.text);
    }
}

void flow_setup_check(struct flow_setup *setup)
{
    if (setup->is_internal) {
        return;
    }
    if (setup->check == NULL) {
        note_problem(setup, "neither checkName nor phpClass says what to run");
    } else {
        check_params(setup);
    }
    if (setup->timeout_seconds < 1 || setup->timeout_seconds > LIMIT_TIMEOUT_SECONDS) {
        note_problem(setup, "timeoutSeconds is %u: it must lie between 1 and %d",
                     setup->timeout_seconds, LIMIT_TIMEOUT_SECONDS);
    }
    struct err unreadable = ERR_INIT;
    if (setup->problem == NULL && flow_part_check(setup, &unreadable) != TC_OK) {
        note_problem(setup, "%s", unreadable.text);
    }
    TC_CLEANUP(mem_freep)
    struct core_target *targets = mem_array(LIMIT_RECIPIENTS, sizeof(*targets));
    size_t count = 0;
    struct err err = ERR_INIT;
    (void)flow_setup_recipients(setup, targets, &count, &err); /* the text tells */
    if (err.code != TC_OK) {
        setup->people_problem = mem_strdup(err.text);
    }
}

static void schedules_free(struct flow_setup *setup)
{
    for (size_t i = 0; i < setup->schedule_count; i++) {
        mem_free(setup->schedules[i].schedule);
        mem_free(setup->schedules[i].timezone);
    }
    mem_free(setup->schedules);
}

struct flow_setup *flow_setup_free(struct flow_setup *setup)
{
    if (setup == NULL) {
        return NULL;
    }
    schedules_free(setup);
    mem_free(setup->uuid);
    mem_free(setup->name);
    mem_free(setup->check_name);
    mem_free(setup->php_class);
    mem_free(setup->check);
    mem_free(setup->params);
    mem_free(setup->labels);
    mem_free(setup->runs_on);
    mem_free(setup->people);
    mem_free(setup->runbook_url);
    mem_free(setup->problem);
    mem_free(setup->people_problem);
    mem_free(setup);
    return NULL;
}

void flow_setup_freep(struct flow_setup **setup)
{
    *setup = flow_setup_free(*setup);
}

struct flow_setup *flow_setup_copy(const struct flow_setup *setup)
{
    struct flow_setup *copy = mem_alloc(sizeof(*copy));
    *copy = *setup;
    copy->uuid = mem_strdup(setup->uuid);
    copy->name = mem_strdup(setup->name);
    copy->check_name = mem_strdup(setup->check_name);
    copy->php_class = mem_strdup(setup->php_class);
    copy->check = mem_strdup(setup->check);
    copy->params = mem_strdup(setup->params);
    copy->labels = mem_strdup(setup->labels);
    copy->runs_on = mem_strdup(setup->runs_on);
    copy->people = mem_strdup(setup->people);
    copy->runbook_url = mem_strdup(setup->runbook_url);
    copy->problem = mem_strdup(setup->problem);
    copy->people_problem = mem_strdup(setup->people_problem);
    if (setup->schedule_count > 0) {
        copy->schedules = mem_array(setup->schedule_count, sizeof(*copy->schedules));
        for (size_t i = 0; i < setup->schedule_count; i++) {
            copy->schedules[i] = setup->schedules[i];
            copy->schedules[i].schedule = mem_strdup(setup->schedules[i].schedule);
            copy->schedules[i].timezone = mem_strdup(setup->schedules[i].timezone);
        }
    }
    return copy;
}

/* A channel that keeps an alert of its own open until it is resolved (docs/spec.md 1.13). */
static bool keeps_alert(const char *target)
{
    return str_has_prefix(target, "pagerduty:");
}

static void add_recipient(const struct json_value *entry, size_t place, struct core_target *targets,
                          size_t *count, struct err *problem)
{
    char target[CORE_TARGET_BYTES];
    if (json_type_of(entry) != JSON_STRING) {
        (void)err_set(problem, TC_EINVAL, "peopleToNotify: entry %zu is not a string", place);
        return;
    }
    const char *text = json_string(entry);
    enum recipient_fault fault = recipient_parse(text, strlen(text), target);
    if (fault != RECIPIENT_FINE) {
        (void)err_set(problem, TC_EINVAL, "peopleToNotify: entry %zu, \"%.80s\", %s", place, text,
                      recipient_fault_text(fault));
        return;
    }
    if (recipient_add(targets, count, target, keeps_alert(target)) == TC_ERANGE) {
        (void)err_set(problem, TC_ERANGE, "peopleToNotify has more than %d entries",
                      LIMIT_RECIPIENTS);
    }
}

enum core_recipients flow_setup_recipients(const struct flow_setup *setup,
                                           struct core_target *ret_targets, size_t *ret_count,
                                           struct err *problem)
{
    *ret_count = 0;
    if (setup->people == NULL) {
        (void)err_set(problem, TC_EINVAL,
                      "peopleToNotify is NULL: write a JSON array such as "
                      "[\"ops@example.com\"], or [] to tell nobody");
        return CORE_RECIPIENTS_UNUSABLE;
    }
    struct err err = ERR_INIT;
    TC_CLEANUP(json_freep) struct json *json = NULL;
    int code = json_parse(setup->people, strlen(setup->people), LIMIT_PARAMS_BYTES, &json, &err);
    if (code != TC_OK || json_type_of(json_root(json)) != JSON_ARRAY) {
        (void)err_set(problem, TC_EINVAL,
                      "peopleToNotify is not a JSON array such as [\"ops@example.com\"]%s%s",
                      code == TC_OK ? "" : ": ", err.text);
        return CORE_RECIPIENTS_UNUSABLE;
    }
    size_t place = 0;
    for (const struct json_value *entry = json_first(json_root(json)); entry != NULL;
         entry = json_next(entry)) {
        add_recipient(entry, ++place, ret_targets, ret_count, &err);
    }
    if (place == 0) {
        return CORE_RECIPIENTS_NOBODY;
    }
    if (err.code == TC_OK) {
        return CORE_RECIPIENTS_VALID;
    }
    (void)err_set(problem, TC_EINVAL, "%s", err.text);
    return *ret_count == 0 ? CORE_RECIPIENTS_UNUSABLE : CORE_RECIPIENTS_PARTLY;
}

int64_t flow_setup_next_utc_ms(const struct flow_setup *setup, int64_t after_utc_ms)
{
    int64_t next = CRON_NEVER;
    for (size_t i = 0; i < setup->schedule_count; i++) {
        const struct flow_schedule *one = &setup->schedules[i];
        if (one->is_active && one->zone != NULL) {
            int64_t fires = cron_next(&one->cron, one->zone, after_utc_ms);
            next = fires < next ? fires : next;
        }
    }
    return next;
}

const char *flow_setup_timezone(const struct flow_setup *setup)
{
    for (size_t i = 0; i < setup->schedule_count; i++) {
        if (setup->schedules[i].zone != NULL) {
            return setup->schedules[i].timezone;
        }
    }
    return "UTC";
}

static bool same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && str_eq(a, b));
}

bool flow_setup_runs_alike(const struct flow_setup *a, const struct flow_setup *b)
{
    if (!same(a->check, b->check) || !same(a->params, b->params) || !same(a->labels, b->labels) ||
        !same(a->name, b->name) || !same(a->problem, b->problem) ||
        a->timeout_seconds != b->timeout_seconds || a->schedule_count != b->schedule_count) {
        return false;
    }
    for (size_t i = 0; i < a->schedule_count; i++) {
        if (a->schedules[i].is_active != b->schedules[i].is_active ||
            !same(a->schedules[i].schedule, b->schedules[i].schedule) ||
            !same(a->schedules[i].timezone, b->schedules[i].timezone)) {
            return false;
        }
    }
    return true;
}
