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

static void look_at_check(struct doctor *doctor, const struct store_monitor *row, const char *check)
{
    struct err err = ERR_INIT;
    enum checks_kind kind = CHECKS_SQL;
    TC_CLEANUP(json_freep) struct json *params = NULL;
    int code = checks_parse(check, &kind, NULL, &err);
    if (code == TC_OK && row->is_params_json && row->params != NULL) {
        code = json_parse(row->params, strlen(row->params), LIMIT_PARAMS_BYTES, &params, &err);
        if (code == TC_OK) {
            code = checks_check_params(kind, json_root(params), &err);
        }
    }
    if (code != TC_OK) {
        doctor_note(doctor, FINDING_PROBLEM, "monitors", "%u \"%s\": %s", row->core.id, row->name,
                    err.text);
    }
}

static void look_at_people(struct doctor *doctor, const struct store_monitor *row)
{
    TC_CLEANUP(json_freep) struct json *people = NULL;
    if (!row->is_people_json || row->people_to_notify == NULL ||
        json_parse(row->people_to_notify, strlen(row->people_to_notify), LIMIT_PARAMS_BYTES,
                   &people, NULL) != TC_OK) {
        doctor_note(doctor, FINDING_PROBLEM, "monitors",
                    "%u \"%s\": peopleToNotify is no JSON array, so default_recipients are told; "
                    "write [] to tell nobody on purpose",
                    row->core.id, row->name);
    } else if (json_type_of(json_root(people)) == JSON_ARRAY &&
               json_count(json_root(people)) == 0) {
        doctor_note(doctor, FINDING_NOTE, "monitors",
                    "%u \"%s\": peopleToNotify is [], so nobody is told of its failures",
                    row->core.id, row->name);
    }
}

static int on_monitor(void *ctx, const void *data)
{
    struct rows *rows = ctx;
    const struct store_monitor *row = data;
    if (rows->count == rows->cap) {
        rows->cap = rows->cap == 0 ? 256 : rows->cap * 2;
        rows->seen = mem_resize(rows->seen, rows->cap, sizeof(*rows->seen));
    }
    const char *check = row->check_name;
    bool is_php = check == NULL && row->php_class != NULL;
    rows->seen[rows->count++] = (struct seen){
        .id = row->core.id,
        .name = mem_strdup(row->name == NULL ? "" : row->name),
        .needs_schedule = row->core.is_active && !(check != NULL && str_eq(check, "heartbeat"))};
    if (row->problem != NULL) {
        doctor_note(rows->doctor, FINDING_PROBLEM, "monitors", "%s", row->problem);
        return TC_OK;
    }
    if (check != NULL) {
        look_at_check(rows->doctor, row, check);
    } else if (!is_php) {
        doctor_note(rows->doctor, FINDING_PROBLEM, "monitors",
                    "%u \"%s\": it has neither checkName nor phpClass; tell what it runs",
                    row->core.id, row->name);
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
    if (!row->is_active || row->action == NULL || !str_eq(row->action, "Monitor/Run")) {
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
