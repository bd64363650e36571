/* doctor's look at rows that hands may have spoilt: what the router can't use, and what is allowed but
 * seldom meant. Called by doctor.c. */
#include <string.h>

#include "cli/cli.h"
#include "cli/doctor.h"
#include "lib/base/cleanup.h"
#include "lib/base/cron.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/tz.h"
#include "proto/checks.h"
#include "proto/columns.h"
#include "router/core/recipients.h"
#include "router/store/store.h"

/* A monitor as far as its schedules need it. */
struct seen {
    uint32_t id;
    uint32_t crons; /* active ones */
    bool needs_schedule;
    char *name; /* owned */
};

struct rows {
    struct doctor *doctor;
    struct tz_cache *zones; /* owned */
    struct seen *seen;      /* owned, by id */
    size_t count;
    size_t cap;
};

/* --- Monitors ---------------------------------------------------------------------------------- */

/* What may be wrong with a row; the first of it, as the router finds it. */
static int look_at_columns(const struct store_monitor *row, struct err *err)
{
    TC_CLEANUP(json_freep) struct json *params = NULL;
    enum checks_kind kind = CHECKS_PHP;
    bool is_php = row->check_name == NULL && row->php_class != NULL;
    if (row->check_name == NULL && !is_php) {
        return err_set(err, TC_EINVAL, "it has neither checkName nor phpClass; tell what it runs");
    }
    int code = is_php ? TC_OK : checks_parse(row->check_name, &kind, NULL, err);
    if (code == TC_OK &&
        json_parse(row->params, strlen(row->params), LIMIT_PARAMS_BYTES, &params, err) != TC_OK) {
        return err_ctx(err, "params");
    }
    if (code == TC_OK && json_type_of(json_root(params)) != JSON_OBJECT) {
        return err_set(err, TC_EINVAL, "params must be a JSON object such as {}");
    }
    code = code == TC_OK ? checks_check_params(kind, json_root(params), err) : code;
    code = code == TC_OK ? columns_check_text("name", row->name, LIMIT_NAME_BYTES, err) : code;
    code = code == TC_OK ? columns_check_url("runbookUrl", row->runbook_url, err) : code;
    return code == TC_OK ? columns_check_labels(row->labels, err) : code;
}

static bool is_recipient(const struct json_value *entry)
{
    char target[CORE_TARGET_BYTES];
    const char *text = json_type_of(entry) == JSON_STRING ? json_string(entry) : NULL;
    return text != NULL && recipient_parse(text, strlen(text), target) == RECIPIENT_FINE;
}

static void look_at_people(struct doctor *doctor, const struct store_monitor *row)
{
    TC_CLEANUP(json_freep) struct json *people = NULL;
    const char *text = row->people_to_notify;
    if (text == NULL ||
        json_parse(text, strlen(text), LIMIT_PARAMS_BYTES, &people, NULL) != TC_OK ||
        json_type_of(json_root(people)) != JSON_ARRAY) {
        doctor_note(doctor, FINDING_PROBLEM, "monitors",
                    "%u \"%s\": peopleToNotify is no JSON array, so default_recipients are told; "
                    "write [] to tell nobody on purpose",
                    row->core.id, row->name);
        return;
    }
    size_t count = json_count(json_root(people));
    size_t bad = 0;
    for (const struct json_value *one = json_first(json_root(people)); one != NULL;
         one = json_next(one)) {
        bad += is_recipient(one) ? 0 : 1;
    }
    if (count == 0) {
        doctor_note(doctor, FINDING_NOTE, "monitors",
                    "%u \"%s\": peopleToNotify is [], so nobody is told of its failures",
                    row->core.id, row->name);
    } else if (bad > 0) {
        doctor_note(doctor, FINDING_PROBLEM, "monitors",
                    "%u \"%s\": %zu of %zu entries of peopleToNotify are no recipients; write "
                    "addresses or CHANNEL:TARGET",
                    row->core.id, row->name, bad, count);
    } else if (count > LIMIT_RECIPIENTS) {
        doctor_note(doctor, FINDING_PROBLEM, "monitors",
                    "%u \"%s\": peopleToNotify has %zu entries: at most %d are allowed",
                    row->core.id, row->name, count, LIMIT_RECIPIENTS);
    }
}

/* Rows that the router keeps of its own troubles; nobody configures them (docs/spec.md 1.12). */
static bool is_reserved(const struct store_monitor *row)
{
    return row->check_name != NULL && str_has_prefix(row->check_name, "internal:");
}

static int on_monitor(void *ctx, const void *data)
{
    struct rows *rows = ctx;
    const struct store_monitor *row = data;
    if (rows->count == rows->cap) {
        rows->cap = rows->cap == 0 ? 256 : rows->cap * 2;
        rows->seen = mem_resize(rows->seen, rows->cap, sizeof(*rows->seen));
    }
    bool is_heartbeat = row->check_name != NULL && str_eq(row->check_name, "heartbeat");
    rows->seen[rows->count++] =
        (struct seen){.id = row->core.id,
                      .name = mem_strdup(row->name == NULL ? "" : row->name),
                      .needs_schedule = row->core.is_active && !is_heartbeat && !is_reserved(row)};
    if (is_reserved(row)) {
        return TC_OK;
    }
    if (row->problem != NULL) {
        doctor_note(rows->doctor, FINDING_PROBLEM, "monitors", "%s", row->problem);
        return TC_OK;
    }
    struct err err = ERR_INIT;
    if (look_at_columns(row, &err) != TC_OK) {
        doctor_note(rows->doctor, FINDING_PROBLEM, "monitors", "%u \"%s\": %s", row->core.id,
                    row->name, err.text);
    }
    look_at_people(rows->doctor, row);
    return TC_OK;
}

/* --- Schedules --------------------------------------------------------------------------------- */

static struct seen *find(const struct rows *rows, uint32_t id)
{
    size_t low = 0;
    size_t high = rows->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows->seen[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < rows->count && rows->seen[low].id == id ? &rows->seen[low] : NULL;
}

static int on_cron(void *ctx, const void *data)
{
    struct rows *rows = ctx;
    const struct store_cron *row = data;
    struct err err = ERR_INIT;
    struct cron cron;
    const struct tz *zone = NULL;
    if (row->problem != NULL) {
        doctor_note(rows->doctor, FINDING_PROBLEM, "schedules", "%s", row->problem);
        return TC_OK;
    }
    if (!row->is_active) {
        return TC_OK;
    }
    struct seen *monitor = find(rows, row->monitor_id);
    if (monitor == NULL) {
        doctor_note(rows->doctor, FINDING_PROBLEM, "schedules",
                    "CronJobs %u: there is no monitor %u; correct its parameters or remove the row",
                    row->id, row->monitor_id);
        return TC_OK;
    }
    monitor->crons++;
    if (cron_parse(row->schedule, &cron, &err) != TC_OK ||
        tz_open(rows->zones, row->timezone, &zone, &err) != TC_OK) {
        doctor_note(rows->doctor, FINDING_PROBLEM, "schedules", "CronJobs %u of monitor %u: %s",
                    row->id, row->monitor_id, err.text);
    }
    return TC_OK;
}

static void look_at_counts(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct seen *seen = &rows->seen[i];
        if (seen->needs_schedule && seen->crons == 0) {
            doctor_note(rows->doctor, FINDING_PROBLEM, "schedules",
                        "monitor %u \"%s\" is active and has no active schedule, so it never runs; "
                        "run tocsin monitor edit %u --schedule CRON, or pause it",
                        seen->id, seen->name, seen->id);
        } else if (seen->crons > 1) {
            doctor_note(rows->doctor, FINDING_NOTE, "schedules",
                        "monitor %u \"%s\" has %u active schedules: all of them fire, the same "
                        "minute once",
                        seen->id, seen->name, seen->crons);
        }
    }
}

/* --- Notifications ----------------------------------------------------------------------------- */

static int on_count(void *ctx, const void *data)
{
    struct rows *rows = ctx;
    const struct store_count *row = data;
    if (str_eq(row->name, "dead") && row->count > 0) {
        doctor_note(rows->doctor, FINDING_PROBLEM, "notifications",
                    "%llu could not be delivered and were given up; see tocsin notification list "
                    "--status dead",
                    (unsigned long long)row->count);
    }
    return TC_OK;
}

void doctor_rows(struct doctor *doctor, struct store *store)
{
    struct err err = ERR_INIT;
    size_t before = doctor_remarks(doctor);
    struct rows rows = {.doctor = doctor, .zones = tz_cache_new(NULL)};
    int code = store_read(store, STORE_MONITORS, NULL, on_monitor, &rows, &err);
    if (code == TC_OK) {
        code = store_read(store, STORE_CRONS, NULL, on_cron, &rows, &err);
    }
    if (code == TC_OK) {
        look_at_counts(&rows);
        code = store_read(store, STORE_NOTIFICATION_COUNTS, NULL, on_count, &rows, &err);
    }
    if (code != TC_OK) {
        doctor_note(doctor, FINDING_PROBLEM, "store", "%s", err.text);
    } else if (doctor_remarks(doctor) == before) {
        doctor_note(doctor, FINDING_OK, "monitors", "%zu, each with a schedule and recipients",
                    rows.count);
    }
    for (size_t i = 0; i < rows.count; i++) {
        mem_free(rows.seen[i].name);
    }
    mem_free(rows.seen);
    (void)tz_cache_free(rows.zones); /* returns NULL */
}
