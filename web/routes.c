/* From a request to its handler: target, host, route, right. The table is the whole surface. */
#include "web/routes.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "lib/sys/loop.h"
#include "web/call.h"
#include "web/handlers.h"
#include "web/http_server.h"

/* The macro has no default: a route without an access does not compile. */
#define ROUTE(method, path, access, handler) \
    {                                        \
        method, path, access, handler        \
    }

const struct route routes[] = {
    ROUTE("GET", "/", ACCESS_OPEN, pages_app),
    ROUTE("GET", "/monitors/*", ACCESS_OPEN, pages_app),
    ROUTE("GET", "/incidents/*", ACCESS_OPEN, pages_app),
    ROUTE("GET", "/assets/*", ACCESS_OPEN, pages_asset),
    ROUTE("GET", "/login", ACCESS_OPEN, pages_login),
    ROUTE("POST", "/login", ACCESS_OPEN, pages_do_login),
    ROUTE("POST", "/logout", ACCESS_OPEN, pages_do_logout),
    ROUTE("GET", "/ack/*", ACCESS_LINK, ack_show),
    ROUTE("POST", "/ack/*", ACCESS_LINK, ack_send),
    ROUTE("GET", "/healthz", ACCESS_OPEN, status_health),
    ROUTE("GET", "/readyz", ACCESS_OPEN, status_ready),
    ROUTE("GET", "/metrics", ACCESS_OPEN, metrics_all),
    ROUTE("GET", "/api/v1/openapi.json", ACCESS_OPEN, pages_openapi),
    ROUTE("GET", "/api/v1/monitors", ACCESS_VIEWER, reads_monitors),
    ROUTE("GET", "/api/v1/monitors/*", ACCESS_VIEWER, reads_monitor),
    ROUTE("GET", "/api/v1/monitors/*/runs", ACCESS_VIEWER, reads_runs),
    ROUTE("GET", "/api/v1/monitors/*/why", ACCESS_VIEWER, why_monitor),
    ROUTE("GET", "/api/v1/incidents", ACCESS_VIEWER, reads_incidents),
    ROUTE("GET", "/api/v1/incidents/*", ACCESS_VIEWER, reads_incident),
    ROUTE("GET", "/api/v1/notifications", ACCESS_VIEWER, reads_notifications),
    ROUTE("GET", "/api/v1/notifications/*", ACCESS_VIEWER, reads_notification),
    ROUTE("GET", "/api/v1/runners", ACCESS_VIEWER, status_runners),
    ROUTE("GET", "/api/v1/channels", ACCESS_VIEWER, status_channels),
    ROUTE("GET", "/api/v1/audit", ACCESS_VIEWER, reads_audit),
    ROUTE("GET", "/api/v1/tokens", ACCESS_ADMIN, reads_tokens),
    ROUTE("GET", "/api/v1/status", ACCESS_VIEWER, status_all),
    ROUTE("GET", "/api/v1/events", ACCESS_VIEWER, events_open),
    ROUTE("POST", "/api/v1/actions", ACCESS_VIEWER, actions_post), /* each action has its own */
    {NULL, NULL, ACCESS_UNSET, NULL},
};

void routes_check(void)
{
    for (const struct route *route = routes; route->method != NULL; route++) {
        TC_ASSERT(route->access != ACCESS_UNSET);
        TC_ASSERT(route->handler != NULL);
    }
}

static bool matches(const char *pattern, const struct url_path *path)
{
    size_t count = 0;
    const char *p = pattern + 1;
    for (; *p != '\0'; count++) {
        size_t size = strcspn(p, "/");
        if (count == path->count) {
            return false;
        }
        const char *segment = path->segments[count];
        bool is_any = size == 1 && *p == '*' && segment[0] != '\0';
        if (!is_any && (strlen(segment) != size || memcmp(segment, p, size) != 0)) {
            return false;
        }
        p += size + (p[size] == '/' ? 1 : 0);
    }
    return count == path->count;
}

const struct route *routes_find(const char *method, const struct url_path *path, bool *ret_has_path)
{
    *ret_has_path = false;
    const char *wanted = str_eq(method, "HEAD") ? "GET" : method;
    for (const struct route *route = routes; route->method != NULL; route++) {
        if (matches(route->path, path)) {
            *ret_has_path = true;
            if (str_eq(route->method, wanted)) {
                return route;
            }
        }
    }
    return NULL;
}

static bool may(struct call *call, const struct route *route)
{
    struct err err = ERR_INIT;
    if (route->access <= ACCESS_OPEN) {
        return true;
    }
    struct store *store = call_store(call);
    if (store == NULL) {
        return false;
    }
    if (gate_identify(call->web->gate, store, call->request, loop_now_utc_ms(call->web->loop),
                      &call->who, &err) != TC_OK) {
        call_problem(call, 503, NULL, "the database can't be read: %s", err.text);
        return false;
    }
    if (call->who.access == ACCESS_OPEN) {
        call_problem(call, 401, NULL, "send Authorization: Bearer TOKEN, or sign in at /login");
        return false;
    }
    if (call->who.access < route->access) {
        call_problem(call, 403, NULL, "this needs the role %s; the token \"%s\" has %s",
                     gate_role_name(route->access), call->who.name,
                     gate_role_name(call->who.access));
        return false;
    }
    return true;
}

static void refuse_place(struct call *call)
{
    call_problem(
        call, 421, NULL,
        "this Host or Origin is not served here; web.hosts of the configuration lists more "
        "names");
}

static void serve(struct call *call)
{
    bool has_path = false;
    if (!gate_is_for_us(call->web->gate, call->request)) {
        refuse_place(call);
        return;
    }
    if (url_path_parse(http_path(call->request), &call->path) != TC_OK ||
        url_query_parse(http_query(call->request), &call->query) != TC_OK) {
        call_problem(call, 400, NULL, "the address is malformed");
        return;
    }
    const struct route *route = routes_find(http_method(call->request), &call->path, &has_path);
    /* A page without a referrer has the Origin "null"; what needs no session can't abuse one. */
    bool needs_origin = route == NULL || route->access != ACCESS_LINK;
    if (needs_origin && !gate_is_from_us(call->request)) {
        refuse_place(call);
    } else if (route == NULL && has_path) {
        call_problem(call, 405, NULL, "%s is not for this address", http_method(call->request));
    } else if (route == NULL) {
        call_problem(call, 404, NULL, "there is nothing at this address");
    } else if (may(call, route)) {
        route->handler(call);
    }
}

void routes_serve(void *web, struct http_request *request)
{
    struct call *call = call_new(web, request);
    serve(call);
    TC_ASSERT(call->is_answered || call->is_kept);
    if (!call->is_kept) {
        (void)call_free(call); /* gives NULL */
    }
}
