/* The whole system in one object, runners and channels as the router sees them, and the two health
 * endpoints. Counting comes from the store, liveness from the router. */
#include "web/status.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/sys/clock.h"
#include "lib/sys/loop.h"
#include "proto/messages.h"
#include "web/call.h"
#include "web/handlers.h"
#include "web/render.h"
#include "web/router_client.h"

static const char *const no_parameters[] = {NULL};

/* --- Counting --------------------------------------------------------------------------------- */

static int on_monitor(void *ctx, const void *row)
{
    struct status_monitors *count = ctx;
    const struct store_monitor *monitor = row;
    bool is_alert = monitor->core.is_active && monitor->core.state == CORE_ALERT;
    count->total++;
    count->paused += monitor->core.is_active ? 0 : 1;
    count->alert += is_alert ? 1 : 0;
    count->acknowledged += is_alert && monitor->core.acknowledged_utc_ms != CORE_NEVER ? 1 : 0;
    return TC_OK;
}

bool status_count(struct web *web, struct status_monitors *ret_monitors)
{
    struct store *store = web_store(web);
    *ret_monitors = (struct status_monitors){0};
    return store != NULL &&
           store_read(store, STORE_MONITORS, NULL, on_monitor, ret_monitors, NULL) == TC_OK;
}

struct deliveries {
    uint64_t counts[STORE_COLLAPSED + 1];
};

static int on_count(void *ctx, const void *row)
{
    struct deliveries *deliveries = ctx;
    const struct store_count *count = row;
    for (int i = STORE_QUEUED; i <= STORE_COLLAPSED; i++) {
        if (count->name != NULL && str_eq(count->name, render_status((enum store_delivery)i))) {
            deliveries->counts[i] = count->count;
        }
    }
    return TC_OK;
}

/* --- Status ----------------------------------------------------------------------------------- */

static void write_list(struct json_enc *e, const char *key, const struct message_json *list)
{
    if (list != NULL && list->value != NULL && json_type_of(list->value) == JSON_ARRAY) {
        json_enc_value(e, key, list->value);
    } else {
        json_enc_arr(e, key);
        json_enc_arr_end(e);
    }
}

static void write_router(struct web *web, struct json_enc *e)
{
    int64_t at = CORE_NEVER;
    const struct message_status *status = router_client_status(web->router, &at);
    json_enc_obj(e, "router");
    json_enc_bool(e, "isReachable", router_client_is_up(web->router));
    render_time(e, "asOf", status == NULL ? CORE_NEVER : at);
    json_enc_str(e, "state", status == NULL ? NULL : status->state);
    if (status == NULL) {
        json_enc_null(e, "isStoreOk");
    } else {
        json_enc_bool(e, "isStoreOk", status->is_store_ok);
    }
    render_time(e, "lastCommitAt",
                status == NULL || status->last_commit_at_utc_ms == MESSAGE_NEVER
                    ? CORE_NEVER
                    : status->last_commit_at_utc_ms);
    json_enc_obj_end(e);
}

static void write_counts(struct web *web, struct json_enc *e)
{
    struct status_monitors monitors;
    struct deliveries deliveries = {{0}};
    struct store_stats stats = {0};
    if (status_count(web, &monitors)) {
        /* Figures that can't be read now are zero here; /readyz says why. */
        (void)store_read(web->store, STORE_NOTIFICATION_COUNTS, NULL, on_count, &deliveries, NULL);
        (void)store_stats(web->store, &stats, NULL);
    }
    json_enc_obj(e, "monitors");
    json_enc_i64(e, "total", monitors.total);
    json_enc_i64(e, "alert", monitors.alert);
    json_enc_i64(e, "acknowledged", monitors.acknowledged);
    json_enc_i64(e, "paused", monitors.paused);
    json_enc_obj_end(e);
    json_enc_obj(e, "notifications");
    for (int i = STORE_QUEUED; i <= STORE_COLLAPSED; i++) {
        json_enc_i64(e, render_status((enum store_delivery)i), (int64_t)deliveries.counts[i]);
    }
    json_enc_obj_end(e);
    json_enc_obj(e, "store");
    json_enc_i64(e, "fileBytes", (int64_t)stats.file_bytes);
    json_enc_i64(e, "walBytes", (int64_t)stats.wal_bytes);
    if (stats.free_bytes == STORE_FREE_UNKNOWN) {
        json_enc_null(e, "freeBytes");
        json_enc_null(e, "freePermille");
    } else {
        json_enc_i64(e, "freeBytes", (int64_t)stats.free_bytes);
        json_enc_i64(e, "freePermille", stats.free_permille);
    }
    json_enc_obj_end(e);
}

void status_write(struct web *web, struct json_enc *e)
{
    int64_t at = 0;
    const struct message_status *status = router_client_status(web->router, &at);
    json_enc_obj(e, NULL);
    json_enc_time(e, "now", loop_now_utc_ms(web->loop));
    json_enc_str(e, "version", TOCSIN_VERSION);
    write_router(web, e);
    write_counts(web, e);
    write_list(e, "runners", status == NULL ? NULL : &status->runners);
    write_list(e, "channels", status == NULL ? NULL : &status->channels);
    if (status != NULL && status->counts.value != NULL) {
        json_enc_value(e, "counts", status->counts.value);
    } else {
        json_enc_obj(e, "counts");
        json_enc_obj_end(e);
    }
    json_enc_obj_end(e);
}

void status_all(struct call *call)
{
    if (call_allows(call, no_parameters)) {
        status_write(call->web, &call->e);
        call_json(call, 200);
    }
}

/* --- Runners and channels --------------------------------------------------------------------- */

static const struct json_value *find_named(const struct message_json *list, const char *name)
{
    if (list->value == NULL || json_type_of(list->value) != JSON_ARRAY || name == NULL) {
        return NULL;
    }
    for (const struct json_value *p = json_first(list->value); p != NULL; p = json_next(p)) {
        const struct json_value *value =
            json_type_of(p) == JSON_OBJECT ? json_member(p, "name") : NULL;
        if (value != NULL && json_type_of(value) == JSON_STRING &&
            str_eq(json_string(value), name)) {
            return p;
        }
    }
    return NULL;
}

static int on_runner(void *ctx, const void *row)
{
    struct call *call = ctx;
    const struct store_runner *runner = row;
    struct json_enc *e = &call->e;
    int64_t at = 0;
    const struct message_status *status = router_client_status(call->web->router, &at);
    bool is_live = status != NULL && router_client_is_up(call->web->router);
    const struct json_value *live = is_live ? find_named(&status->runners, runner->name) : NULL;
    json_enc_obj(e, NULL);
    json_enc_i64(e, "id", runner->id);
    json_enc_str(e, "name", runner->name == NULL ? "" : runner->name);
    render_json(e, "labels", runner->labels, JSON_OBJECT);
    render_json(e, "checks", runner->checks, JSON_ARRAY);
    json_enc_str(e, "programVersion", runner->program_version);
    render_time(e, "lastSeenDt", runner->last_seen_utc_ms);
    if (live == NULL) {
        json_enc_null(e, "live");
    } else {
        json_enc_value(e, "live", live);
    }
    json_enc_obj_end(e);
    return TC_OK;
}

void status_runners(struct call *call)
{
    if (!call_allows(call, no_parameters)) {
        return;
    }
    json_enc_obj(&call->e, NULL);
    json_enc_arr(&call->e, "runners");
    if (call_read(call, STORE_RUNNERS, NULL, on_runner, call)) {
        json_enc_arr_end(&call->e);
        json_enc_obj_end(&call->e);
        call_json(call, 200);
    }
}

void status_channels(struct call *call)
{
    int64_t at = 0;
    const struct message_status *status = router_client_status(call->web->router, &at);
    if (!call_allows(call, no_parameters)) {
        return;
    }
    if (status == NULL || !router_client_is_up(call->web->router)) {
        call_problem(call, 503, NULL, "the router does not answer; it alone knows the channels");
        return;
    }
    json_enc_obj(&call->e, NULL);
    write_list(&call->e, "channels", &status->channels);
    json_enc_obj_end(&call->e);
    call_json(call, 200);
}

/* --- Health ----------------------------------------------------------------------------------- */

static void send_health(struct call *call, const char *problem)
{
    json_enc_obj(&call->e, NULL);
    json_enc_str(&call->e, "status", problem == NULL ? "pass" : "fail");
    if (problem != NULL) {
        json_enc_str(&call->e, "output", problem);
    }
    json_enc_obj_end(&call->e);
    buf_add_char(&call->out, '\n');
    call_send(call, problem == NULL ? 200 : 503, "application/health+json");
}

void status_health(struct call *call)
{
    if (call_allows(call, no_parameters)) {
        send_health(call, NULL);
    }
}

static int on_nothing(void *ctx, const void *row)
{
    (void)ctx;
    (void)row;
    return TC_OK;
}

void status_ready(struct call *call)
{
    struct web *web = call->web;
    int64_t at = 0;
    const struct message_status *status = router_client_status(web->router, &at);
    if (!call_allows(call, no_parameters)) {
        return;
    }
    struct store *store = web_store(web);
    if (store == NULL || store_read(store, STORE_IDS, NULL, on_nothing, NULL, NULL) != TC_OK) {
        send_health(call, "the database can't be read; the log says why");
    } else if (!router_client_is_up(web->router) || status == NULL) {
        send_health(call, "the router does not answer");
    } else if (!status->is_store_ok) {
        send_health(call, "the router can't write its database");
    } else if (!str_eq(status->state, "active")) {
        send_health(call, "the router is not active");
    } else {
        send_health(call, NULL);
    }
}
