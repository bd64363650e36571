/* Lists and single rows from the store as JSON. Reads only; who may call is settled before. */
#include <string.h>
#include <strings.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "web/call.h"
#include "web/handlers.h"
#include "web/render.h"

/* A list being written: one row more than its limit tells that there is more. */
struct list {
    struct call *call;
    uint32_t limit;
    uint32_t count;
    uint64_t last_id;
    bool has_more;
    const char *q; /* filters; NULL: none */
    const char *word;
    const char *is_active;
    uint32_t monitor_id;
    struct render_schedules schedules;
};

static bool takes(struct list *list, uint64_t id)
{
    if (list->count == list->limit) {
        list->has_more = true;
        return false;
    }
    list->count++;
    list->last_id = id;
    return true;
}

static void list_start(struct list *list, const char *name)
{
    json_enc_obj(&list->call->e, NULL);
    json_enc_arr(&list->call->e, name);
}

static void list_send(struct list *list)
{
    struct json_enc *e = &list->call->e;
    json_enc_arr_end(e);
    if (list->has_more) {
        json_enc_u64_text(e, "nextCursor", list->last_id);
    } else {
        json_enc_null(e, "nextCursor");
    }
    json_enc_obj_end(e);
    call_json(list->call, 200);
}

static bool is_one_of(struct call *call, const char *name, const char *const *words)
{
    const char *value = url_query_get(&call->query, name);
    if (value == NULL) {
        return true;
    }
    for (const char *const *p = words; *p != NULL; p++) {
        if (str_eq(value, *p)) {
            return true;
        }
    }
    call_problem(call, 400, name, "%s can't be \"%s\"", name, value);
    return false;
}

/* --- Monitors --------------------------------------------------------------------------------- */

static bool contains(const char *text, const char *part)
{
    size_t size = strlen(part);
    for (; *text != '\0'; text++) {
        if (strncasecmp(text, part, size) == 0) {
            return true;
        }
    }
    return size == 0;
}

static int on_monitor(void *ctx, const void *row)
{
    struct list *list = ctx;
    const struct store_monitor *monitor = row;
    if ((list->word != NULL && !str_eq(list->word, render_state(monitor->core.state))) ||
        (list->is_active != NULL && str_eq(list->is_active, "true") != monitor->core.is_active) ||
        (list->q != NULL && (monitor->name == NULL || !contains(monitor->name, list->q)))) {
        return TC_OK;
    }
    if (!takes(list, monitor->core.id)) {
        return CALL_ENOUGH;
    }
    render_monitor(&list->call->e, NULL, monitor, &list->schedules);
    return TC_OK;
}

void reads_monitors(struct call *call)
{
    static const char *const names[] = {"q", "state", "isActive", "limit", "cursor", NULL};
    static const char *const states[] = {"ok", "alert", NULL};
    static const char *const booleans[] = {"true", "false", NULL};
    struct list list = {.call = call,
                        .q = url_query_get(&call->query, "q"),
                        .word = url_query_get(&call->query, "state"),
                        .is_active = url_query_get(&call->query, "isActive")};
    TC_CLEANUP(render_schedules_freep) struct render_schedules schedules = {0};
    struct store_filter filter = {0};
    if (!call_allows(call, names) || !is_one_of(call, "state", states) ||
        !is_one_of(call, "isActive", booleans) || !call_page(call, &list.limit, &filter.after_id) ||
        !call_read(call, STORE_CRONS, NULL, render_schedules_add, &schedules)) {
        return;
    }
    render_schedules_sort(&schedules);
    list.schedules = schedules;
    list_start(&list, "monitors");
    if (call_read(call, STORE_MONITORS, &filter, on_monitor, &list)) {
        list_send(&list);
    }
}

void reads_monitor(struct call *call)
{
    static const char *const none[] = {NULL};
    struct store_filter filter = {0};
    uint32_t id = 0;
    struct list list = {.call = call, .limit = 1};
    TC_CLEANUP(render_schedules_freep) struct render_schedules schedules = {0};
    if (!call_allows(call, none) || !call_monitor(call, call->path.segments[3], NULL, &id)) {
        return;
    }
    filter.id = id;
    if (!call_read(call, STORE_CRONS_OF_MONITOR, &filter, render_schedules_add, &schedules)) {
        return;
    }
    list.schedules = schedules;
    if (!call_read(call, STORE_MONITOR, &filter, on_monitor, &list)) {
        return;
    }
    if (list.count == 0) {
        call_problem(call, 404, NULL, "the monitor was removed just now");
        return;
    }
    call_json(call, 200);
}

static int on_run(void *ctx, const void *row)
{
    struct list *list = ctx;
    const struct store_run *run = row;
    if (!takes(list, run->id)) {
        return CALL_ENOUGH;
    }
    render_run(&list->call->e, NULL, run);
    return TC_OK;
}

void reads_runs(struct call *call)
{
    static const char *const names[] = {"limit", "cursor", NULL};
    struct list list = {.call = call};
    struct store_filter filter = {0};
    uint32_t id = 0;
    if (!call_allows(call, names) || !call_page(call, &list.limit, &filter.before_id) ||
        !call_monitor(call, call->path.segments[3], NULL, &id)) {
        return;
    }
    filter.id = id;
    filter.limit = list.limit + 1;
    list_start(&list, "runs");
    if (call_read(call, STORE_RUNS_OF_MONITOR, &filter, on_run, &list)) {
        list_send(&list);
    }
}

/* --- Incidents -------------------------------------------------------------------------------- */

static int on_incident(void *ctx, const void *row)
{
    struct list *list = ctx;
    const struct store_incident *incident = row;
    if (list->word != NULL && !str_eq(list->word, render_end(incident->end))) {
        return TC_OK;
    }
    if (!takes(list, incident->id)) {
        return CALL_ENOUGH;
    }
    json_enc_obj(&list->call->e, NULL);
    render_incident(&list->call->e, incident);
    json_enc_obj_end(&list->call->e);
    return TC_OK;
}

/* The monitor of a list's filter; 0: all. False: answered. */
static bool monitor_filter(struct call *call, uint32_t *ret_id)
{
    const char *text = url_query_get(&call->query, "monitor");
    *ret_id = 0;
    return text == NULL || call_monitor(call, text, "monitor", ret_id);
}

void reads_incidents(struct call *call)
{
    static const char *const names[] = {"monitor", "end", "limit", "cursor", NULL};
    static const char *const ends[] = {"open", "recovered", "reset", "deleted", NULL};
    struct list list = {.call = call, .word = url_query_get(&call->query, "end")};
    struct store_filter filter = {0};
    if (!call_allows(call, names) || !is_one_of(call, "end", ends) ||
        !call_page(call, &list.limit, &filter.before_id) ||
        !monitor_filter(call, &list.monitor_id)) {
        return;
    }
    filter.id = list.monitor_id;
    list_start(&list, "incidents");
    if (call_read(call, list.monitor_id == 0 ? STORE_INCIDENTS : STORE_INCIDENTS_OF_MONITOR,
                  &filter, on_incident, &list)) {
        list_send(&list);
    }
}

static bool path_id(struct call *call, uint64_t *ret_id)
{
    if (parse_whole_u64(call->path.segments[3], INT64_MAX, ret_id) != TC_OK || *ret_id == 0) {
        call_problem(call, 404, NULL, "\"%s\" is not an id", call->path.segments[3]);
        return false;
    }
    return true;
}

static int on_one_incident(void *ctx, const void *row)
{
    struct list *list = ctx;
    list->count++;
    json_enc_obj(&list->call->e, NULL);
    render_incident(&list->call->e, row);
    return TC_OK;
}

static int on_notification(void *ctx, const void *row)
{
    struct list *list = ctx;
    const struct store_notification *notification = row;
    if ((list->monitor_id != 0 && list->monitor_id != notification->monitor_id) ||
        (list->word != NULL && !str_eq(list->word, render_status(notification->status)))) {
        return TC_OK;
    }
    if (!takes(list, notification->id)) {
        return CALL_ENOUGH;
    }
    render_notification(&list->call->e, notification, false);
    return TC_OK;
}

void reads_incident(struct call *call)
{
    static const char *const none[] = {NULL};
    struct list list = {.call = call, .limit = UINT32_MAX};
    struct store_filter filter = {0};
    if (!call_allows(call, none) || !path_id(call, &filter.id) ||
        !call_read(call, STORE_INCIDENT, &filter, on_one_incident, &list)) {
        return;
    }
    if (list.count == 0) {
        call_problem(call, 404, NULL, "there is no incident %s", call->path.segments[3]);
        return;
    }
    json_enc_arr(&call->e, "notifications");
    if (!call_read(call, STORE_NOTIFICATIONS_OF_INCIDENT, &filter, on_notification, &list)) {
        return;
    }
    json_enc_arr_end(&call->e);
    json_enc_obj_end(&call->e);
    call_json(call, 200);
}

/* --- Notifications ---------------------------------------------------------------------------- */

void reads_notifications(struct call *call)
{
    static const char *const names[] = {"status", "monitor", "limit", "cursor", NULL};
    static const char *const words[] = {"queued",    "leased",    "sent", "dead",
                                        "cancelled", "collapsed", NULL};
    struct list list = {.call = call, .word = url_query_get(&call->query, "status")};
    struct store_filter filter = {.text = list.word};
    enum store_view view =
        list.word == NULL ? STORE_NOTIFICATIONS : STORE_NOTIFICATIONS_WITH_STATUS;
    if (!call_allows(call, names) || !is_one_of(call, "status", words) ||
        !call_page(call, &list.limit, &filter.before_id) ||
        !monitor_filter(call, &list.monitor_id)) {
        return;
    }
    if (list.monitor_id != 0) {
        view = STORE_NOTIFICATIONS_OF_MONITOR;
        filter.id = list.monitor_id;
        filter.text = NULL;
    }
    list_start(&list, "notifications");
    if (call_read(call, view, &filter, on_notification, &list)) {
        list_send(&list);
    }
}

static int on_one_notification(void *ctx, const void *row)
{
    struct list *list = ctx;
    list->count++;
    render_notification(&list->call->e, row, true);
    return TC_OK;
}

void reads_notification(struct call *call)
{
    static const char *const none[] = {NULL};
    struct list list = {.call = call};
    struct store_filter filter = {0};
    if (!call_allows(call, none) || !path_id(call, &filter.id) ||
        !call_read(call, STORE_NOTIFICATION, &filter, on_one_notification, &list)) {
        return;
    }
    if (list.count == 0) {
        call_problem(call, 404, NULL, "there is no notification %s", call->path.segments[3]);
        return;
    }
    call_json(call, 200);
}

/* --- Audit and tokens ------------------------------------------------------------------------- */

static int on_audit(void *ctx, const void *row)
{
    struct list *list = ctx;
    const struct store_audit *audit = row;
    if (!takes(list, audit->seq)) {
        return CALL_ENOUGH;
    }
    render_audit(&list->call->e, audit);
    return TC_OK;
}

void reads_audit(struct call *call)
{
    static const char *const names[] = {"monitor", "limit", "cursor", NULL};
    struct list list = {.call = call};
    struct store_filter filter = {0};
    if (!call_allows(call, names) || !call_page(call, &list.limit, &filter.before_id) ||
        !monitor_filter(call, &list.monitor_id)) {
        return;
    }
    filter.id = list.monitor_id;
    filter.limit = list.limit + 1;
    list_start(&list, "records");
    if (call_read(call, list.monitor_id == 0 ? STORE_AUDIT_NEWEST : STORE_AUDIT_OF_MONITOR, &filter,
                  on_audit, &list)) {
        list_send(&list);
    }
}

static int on_token(void *ctx, const void *row)
{
    struct call *call = ctx;
    render_token(&call->e, row);
    return TC_OK;
}

void reads_tokens(struct call *call)
{
    static const char *const none[] = {NULL};
    if (!call_allows(call, none)) {
        return;
    }
    json_enc_obj(&call->e, NULL);
    json_enc_arr(&call->e, "tokens");
    if (call_read(call, STORE_TOKENS, NULL, on_token, call)) {
        json_enc_arr_end(&call->e);
        json_enc_obj_end(&call->e);
        call_json(call, 200);
    }
}
