/* /metrics in Prometheus text 0.0.4. Monitors are labelled by id only: names and messages stay inside. */
#include <inttypes.h>
#include <string.h>

#include "lib/base/escape.h"
#include "lib/sys/loop.h"
#include "proto/messages.h"
#include "web/call.h"
#include "web/handlers.h"
#include "web/render.h"
#include "web/router_client.h"

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_add_fmt(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static int on_state(void *ctx, const void *row)
{
    const struct store_monitor *monitor = row;
    const char *now = monitor->core.is_active ? render_state(monitor->core.state) : "paused";
    static const char *const states[] = {"ok", "alert", "paused"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        buf_add_fmt(ctx, "tocsin_monitor_state{monitor=\"%" PRIu32 "\",state=\"%s\"} %d\n",
                    monitor->core.id, states[i], states[i][0] == now[0] ? 1 : 0);
    }
    return TC_OK;
}

static int on_last_run(void *ctx, const void *row)
{
    const struct store_monitor *monitor = row;
    int64_t at = monitor->core.last_run_utc_ms;
    if (at != CORE_NEVER) {
        buf_add_fmt(ctx,
                    "tocsin_monitor_last_run_timestamp_seconds{monitor=\"%" PRIu32 "\"} %" PRId64
                    ".%03d\n",
                    monitor->core.id, at / 1000, (int)(at % 1000));
    }
    return TC_OK;
}

static int on_count(void *ctx, const void *row)
{
    const struct store_count *count = row;
    if (count->name != NULL) {
        buf_add_str(ctx, "tocsin_notifications{status=\"");
        escape_quoted(ctx, count->name, strlen(count->name));
        buf_add_fmt(ctx, "\"} %" PRIu64 "\n", count->count);
    }
    return TC_OK;
}

static int on_runner(void *ctx, const void *row)
{
    const struct store_runner *runner = row;
    int64_t at = runner->last_seen_utc_ms;
    if (at != CORE_NEVER) {
        buf_add_fmt(ctx,
                    "tocsin_runner_last_seen_timestamp_seconds{runner=\"%" PRIu32 "\"} %" PRId64
                    ".%03d\n",
                    runner->id, at / 1000, (int)(at % 1000));
    }
    return TC_OK;
}

static void write_store(struct buf *out, struct store *store)
{
    struct store_stats stats = {0};
    /* What can't be read now is left out; tocsin_store_up tells that. */
    head(out, "tocsin_monitor_state", "gauge", "1 for the state that a monitor is in.");
    (void)store_read(store, STORE_MONITORS, NULL, on_state, out, NULL);
    head(out, "tocsin_monitor_last_run_timestamp_seconds", "gauge",
         "Scheduled time of a monitor's last run.");
    (void)store_read(store, STORE_MONITORS, NULL, on_last_run, out, NULL);
    head(out, "tocsin_notifications", "gauge", "Notifications in the database by status.");
    (void)store_read(store, STORE_NOTIFICATION_COUNTS, NULL, on_count, out, NULL);
    head(out, "tocsin_runner_last_seen_timestamp_seconds", "gauge",
         "When a runner was heard last.");
    (void)store_read(store, STORE_RUNNERS, NULL, on_runner, out, NULL);
    if (store_stats(store, &stats, NULL) == TC_OK) {
        head(out, "tocsin_store_size_bytes", "gauge", "Size of the database's files.");
        buf_add_fmt(out, "tocsin_store_size_bytes{file=\"database\"} %" PRIu64 "\n",
                    stats.file_bytes);
        buf_add_fmt(out, "tocsin_store_size_bytes{file=\"log\"} %" PRIu64 "\n", stats.wal_bytes);
        if (stats.free_bytes != STORE_FREE_UNKNOWN) {
            head(out, "tocsin_store_free_bytes", "gauge", "Free space beside the database.");
            buf_add_fmt(out, "tocsin_store_free_bytes %" PRIu64 "\n", stats.free_bytes);
        }
    }
}

static void write_router(struct buf *out, struct web *web)
{
    int64_t at = 0;
    const struct message_status *status = router_client_status(web->router, &at);
    head(out, "tocsin_router_up", "gauge", "1 when the router answers the web process.");
    buf_add_fmt(out, "tocsin_router_up %d\n", router_client_is_up(web->router) ? 1 : 0);
    if (status == NULL) {
        return;
    }
    if (status->last_commit_at_utc_ms != MESSAGE_NEVER) {
        head(out, "tocsin_router_last_commit_timestamp_seconds", "gauge",
             "When the router committed last.");
        buf_add_fmt(out, "tocsin_router_last_commit_timestamp_seconds %" PRId64 "\n",
                    status->last_commit_at_utc_ms / 1000);
    }
    if (status->counts.value == NULL || json_type_of(status->counts.value) != JSON_OBJECT) {
        return;
    }
    head(out, "tocsin_router_figure", "gauge", "What the router counts, by its own names.");
    const struct json_value *p = json_first(status->counts.value);
    for (; p != NULL; p = json_next(p)) {
        if (json_type_of(p) == JSON_NUMBER) {
            buf_add_str(out, "tocsin_router_figure{name=\"");
            escape_quoted(out, json_name(p), strlen(json_name(p)));
            buf_add_fmt(out, "\"} %.17g\n", json_number(p));
        }
    }
}

static void write_acks(struct buf *out, const struct web *web)
{
    static const char *const names[ACK_COUNTS] = {[ACK_SHOWN] = "shown",
                                                  [ACK_DONE] = "acknowledged",
                                                  [ACK_LATE] = "late",
                                                  [ACK_FORGED] = "forged",
                                                  [ACK_FAILED] = "failed"};
    head(out, "tocsin_ack_links_total", "counter", "Uses of links to acknowledge by their result.");
    for (size_t i = 0; i < ACK_COUNTS; i++) {
        buf_add_fmt(out, "tocsin_ack_links_total{result=\"%s\"} %" PRIu64 "\n", names[i],
                    web->ack_counts[i]);
    }
}

void metrics_all(struct call *call)
{
    static const char *const none[] = {NULL};
    if (!call_allows(call, none)) {
        return;
    }
    struct buf *out = &call->out;
    struct store *store = web_store(call->web);
    head(out, "tocsin_build_info", "gauge", "Version of tocsin-web.");
    buf_add_str(out, "tocsin_build_info{version=\"" TOCSIN_VERSION "\"} 1\n");
    head(out, "tocsin_store_up", "gauge", "1 when the database can be read.");
    buf_add_fmt(out, "tocsin_store_up %d\n", store == NULL ? 0 : 1);
    write_acks(out, call->web);
    write_router(out, call->web);
    if (store != NULL) {
        write_store(out, store);
    }
    call_send(call, 200, "text/plain; version=0.0.4; charset=utf-8");
}
