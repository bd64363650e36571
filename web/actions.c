/* POST /api/v1/actions: a body becomes one command of the router, its reply the answer. Nothing is
 * written here. A request waits for its reply by a struct pending; a client that goes away is
 * forgotten, the command goes on. */
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/ids.h"
#include "lib/base/limits.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/sys/clock.h"
#include "lib/sys/loop.h"
#include "lib/sys/rng.h"
#include "proto/messages.h"
#include "web/action_rules.h"
#include "web/call.h"
#include "web/handlers.h"
#include "web/http_server.h"
#include "web/render.h"
#include "web/router_client.h"

enum {
    REQUEST_ID_MAX = 64,
    WAIT_SECONDS_MAX = 60,
    POLL_MS = 100,
};

struct pending {
    struct call *call; /* owned */
    const struct action *action;
    struct json *body; /* owned */
    char request_id[REQUEST_ID_MAX + 1];
    char token[GATE_SECRET_BYTES]; /* of Token/Add; "" otherwise */
    uint32_t monitor_id;
    int64_t wait_seconds;
    int64_t until_us;
    uint64_t last_run;       /* newest before the command */
    struct loop_timer *poll; /* while waiting for a run */
};

static struct pending *pending_free(struct pending *pending)
{
    if (pending != NULL) {
        if (pending->poll != NULL) {
            loop_timer_free(pending->call->web->loop, pending->poll);
        }
        (void)call_free(pending->call); /* these give NULL */
        (void)json_free(pending->body);
        mem_free(pending);
    }
    return NULL;
}

/* The client is gone. */
static void on_gone(void *ctx, struct http_request *request)
{
    struct pending *pending = ctx;
    (void)request;
    router_client_forget(pending->call->web->router, pending);
    (void)pending_free(pending); /* gives NULL */
}

static void begin_answer(struct pending *pending)
{
    json_enc_obj(&pending->call->e, NULL);
    json_enc_str(&pending->call->e, "requestId", pending->request_id);
}

static void end_answer(struct pending *pending, int status)
{
    http_on_end(pending->call->request, NULL, NULL);
    json_enc_obj_end(&pending->call->e);
    call_json(pending->call, status);
    (void)pending_free(pending); /* gives NULL */
}

/* --- Waiting for a run ------------------------------------------------------------------------ */

static int on_newest(void *ctx, const void *row)
{
    struct pending *pending = ctx;
    pending->last_run = ((const struct store_run *)row)->id;
    return TC_OK;
}

static int on_run(void *ctx, const void *row)
{
    struct pending *pending = ctx;
    const struct store_run *run = row;
    if (run->id <= pending->last_run) {
        return CALL_ENOUGH;
    }
    if (run->scheduled_utc_ms != CORE_NEVER) {
        return TC_OK; /* by its schedule, not asked for */
    }
    begin_answer(pending);
    json_enc_obj(&pending->call->e, "result");
    render_run(&pending->call->e, "run", run);
    json_enc_obj_end(&pending->call->e);
    pending->wait_seconds = 0; /* found */
    return CALL_ENOUGH;
}

static void poll_run(void *ctx)
{
    struct pending *pending = ctx;
    struct call *call = pending->call;
    struct store_filter filter = {.id = pending->monitor_id, .limit = 16};
    struct store *store = web_store(call->web);
    if (store != NULL) {
        /* A failed read is tried again until the time is over. */
        (void)store_read(store, STORE_RUNS_OF_MONITOR, &filter, on_run, pending, NULL);
    }
    if (pending->wait_seconds == 0) {
        end_answer(pending, 200);
    } else if (clock_mono_us(loop_clock(call->web->loop)) > pending->until_us) {
        begin_answer(pending);
        json_enc_obj(&call->e, "result");
        json_enc_i64(&call->e, "monitorId", pending->monitor_id);
        json_enc_obj_end(&call->e);
        end_answer(pending, 202);
    } else {
        loop_timer_in(pending->poll, POLL_MS);
    }
}

/* --- The reply -------------------------------------------------------------------------------- */

static void write_result(struct pending *pending, const struct json_value *result)
{
    struct json_enc *e = &pending->call->e;
    if (result == NULL || json_type_of(result) != JSON_OBJECT) {
        json_enc_null(e, "result");
        return;
    }
    json_enc_obj(e, "result");
    for (const struct json_value *p = json_first(result); p != NULL; p = json_next(p)) {
        json_enc_value(e, json_name(p), p);
    }
    if (pending->token[0] != '\0') {
        json_enc_str(e, "token", pending->token);
    }
    json_enc_obj_end(e);
}

static void refuse(struct pending *pending, int status, const char *pointer, const char *detail)
{
    http_on_end(pending->call->request, NULL, NULL);
    call_problem(pending->call, status, pointer, "%s", detail);
    (void)pending_free(pending); /* gives NULL */
}

static void on_reply(void *ctx, const struct message_reply *reply)
{
    struct pending *pending = ctx;
    char pointer[ACTION_POINTER_BYTES];
    if (reply == NULL) {
        char detail[256];
        (void)snprintf(detail, sizeof detail,
                       "the router does not answer; whether it did this is not known: repeat it "
                       "with requestId %s",
                       pending->request_id);
        refuse(pending, 503, NULL, detail);
        return;
    }
    if (!reply->is_ok) {
        const char *detail = reply->has_problem ? reply->problem.detail : "the router refused it";
        int status = reply->status >= 400 && reply->status <= 599 ? (int)reply->status : 500;
        action_pointer(detail, pointer);
        const char *at =
            reply->has_problem && reply->problem.pointer != NULL ? reply->problem.pointer : pointer;
        refuse(pending, status, at[0] == '\0' ? NULL : at, detail);
        return;
    }
    if (pending->wait_seconds > 0) {
        pending->poll = loop_timer_new(pending->call->web->loop, poll_run, pending);
        loop_timer_in(pending->poll, 0);
        return;
    }
    begin_answer(pending);
    write_result(pending, reply->result.value);
    end_answer(pending, reply->status == 202 ? 202 : 200);
}

/* --- The request ------------------------------------------------------------------------------ */

static bool is_request_id(const char *text)
{
    size_t size = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");
    return size >= 1 && size <= REQUEST_ID_MAX && text[size] == '\0';
}

static bool parse_body(struct call *call, struct json **ret_json)
{
    struct err err = ERR_INIT;
    size_t size = 0;
    const char *body = http_body(call->request, &size);
    const char *type = http_header(call->request, "Content-Type");
    size_t type_size = type == NULL ? 0 : strcspn(type, "; ");
    if (type_size != strlen("application/json") ||
        strncasecmp(type, "application/json", type_size) != 0) {
        call_problem(call, 415, NULL, "send the body as Content-Type: application/json");
        return false;
    }
    if (json_parse(body, size, LIMIT_HTTP_BODY_BYTES, ret_json, &err) != TC_OK) {
        call_problem(call, 400, "", "the body is not JSON: %s", err.text);
        return false;
    }
    if (json_type_of(json_root(*ret_json)) != JSON_OBJECT) {
        call_problem(call, 400, "", "the body must be an object");
        return false;
    }
    return true;
}

static bool check_members(struct call *call, const struct json_value *body)
{
    static const char *const known[] = {"action", "parameters", "requestId", NULL};
    for (const struct json_value *p = json_first(body); p != NULL; p = json_next(p)) {
        bool is_known = false;
        for (const char *const *name = known; *name != NULL; name++) {
            is_known = is_known || str_eq(*name, json_name(p));
        }
        if (!is_known) {
            const char *near = str_nearest(json_name(p), known);
            call_problem(call, 422, NULL, "there is no member \"%s\"%s%s%s", json_name(p),
                         near == NULL ? "" : "; did you mean \"", near == NULL ? "" : near,
                         near == NULL ? "" : "\"?");
            return false;
        }
    }
    return true;
}

static bool find_action(struct call *call, const struct json_value *body,
                        const struct action **ret_action)
{
    const char *near = NULL;
    const struct json_value *name = json_member(body, "action");
    if (name == NULL || json_type_of(name) != JSON_STRING) {
        call_problem(call, 422, "/action", "action is missing or not a string");
        return false;
    }
    *ret_action = action_find(json_string(name), &near);
    if (*ret_action == NULL) {
        call_problem(call, 422, "/action", "there is no action \"%s\"%s%s%s", json_string(name),
                     near == NULL ? "" : "; did you mean ", near == NULL ? "" : near,
                     near == NULL ? "" : "?");
        return false;
    }
    if (call->who.access < (*ret_action)->access) {
        call_problem(call, 403, NULL, "%s needs the role %s; the token \"%s\" has %s",
                     (*ret_action)->name, gate_role_name((*ret_action)->access), call->who.name,
                     gate_role_name(call->who.access));
        return false;
    }
    return true;
}

static bool take_request_id(struct call *call, struct pending *pending,
                            const struct json_value *body)
{
    const struct json_value *value = json_member(body, "requestId");
    if (value == NULL || json_type_of(value) == JSON_NULL) {
        uint8_t random[IDS_RANDOM_BYTES];
        rng_fill(random, sizeof random);
        (void)ids_uuid4(random, pending->request_id); /* returns its argument */
        return true;
    }
    if (str_eq(pending->action->name, "Token/Add")) {
        call_problem(call, 422, "/requestId",
                     "Token/Add takes none: a copy could not show the token again");
        return false;
    }
    if (json_type_of(value) != JSON_STRING || !is_request_id(json_string(value))) {
        call_problem(call, 422, "/requestId", "requestId is 1 to %d of A-Z a-z 0-9 _ . -",
                     REQUEST_ID_MAX);
        return false;
    }
    return str_copy(pending->request_id, sizeof pending->request_id, json_string(value)) == TC_OK;
}

static bool take_monitor(struct call *call, struct pending *pending,
                         const struct json_value *parameters)
{
    const struct json_value *id = json_member(parameters, "monitorId");
    const struct json_value *name = json_member(parameters, "monitor");
    bool has_id = id != NULL && json_type_of(id) == JSON_NUMBER;
    bool has_name = name != NULL && json_type_of(name) == JSON_STRING;
    if (has_id == has_name) {
        call_problem(call, 422, "/parameters/monitorId",
                     "say which monitor: monitorId, or monitor");
        return false;
    }
    if (has_name) {
        return call_monitor(call, json_string(name), "/parameters/monitor", &pending->monitor_id);
    }
    pending->monitor_id = (uint32_t)json_number(id); /* in range by the rules */
    return true;
}

static bool take_wait(struct call *call, struct pending *pending)
{
    static const char *const names[] = {"wait", NULL};
    const char *wait = url_query_get(&call->query, "wait");
    if (!call_allows(call, names)) {
        return false;
    }
    if (wait == NULL) {
        return true;
    }
    if (!str_eq(pending->action->name, "Monitor/Run") ||
        parse_whole_i64(wait, 1, WAIT_SECONDS_MAX, &pending->wait_seconds) != TC_OK) {
        call_problem(call, 400, "wait", "wait is for Monitor/Run, 1 to %d seconds",
                     WAIT_SECONDS_MAX);
        return false;
    }
    pending->until_us =
        clock_mono_us(loop_clock(call->web->loop)) + pending->wait_seconds * 1000000;
    struct store_filter filter = {.id = pending->monitor_id, .limit = 1};
    return call_read(call, STORE_RUNS_OF_MONITOR, &filter, on_newest, pending);
}

static void write_parameters(struct pending *pending, const struct json_value *parameters,
                             struct buf *out)
{
    struct json_enc e;
    char hash[GATE_SECRET_BYTES];
    json_enc_start(&e, out);
    json_enc_obj(&e, NULL);
    const struct json_value *p = parameters == NULL ? NULL : json_first(parameters);
    for (; p != NULL; p = json_next(p)) {
        if (!str_eq(json_name(p), "monitor") && !str_eq(json_name(p), "monitorId")) {
            json_enc_value(&e, json_name(p), p);
        }
    }
    if (pending->action->has_monitor) {
        json_enc_i64(&e, "monitorId", pending->monitor_id);
    }
    if (str_eq(pending->action->name, "Token/Add")) {
        gate_make_token(pending->token, hash);
        json_enc_str(&e, "hash", hash);
    }
    json_enc_obj_end(&e);
}

static void send_command(struct call *call, struct pending *pending,
                         const struct json_value *parameters)
{
    struct err err = ERR_INIT;
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, LIMIT_FRAME_BYTES);
    write_parameters(pending, parameters, &text);
    struct message_command command = {
        .request_id = pending->request_id,
        .actor = {.name = call->who.name,
                  .via = call->who.is_session ? "session" : "token",
                  .address = http_address(call->request)},
        .action = pending->action->name,
        .parameters = {.text = text.p, .size = text.len},
    };
    int status = router_client_command(call->web->router, &command, pending->action->timeout_ms,
                                       on_reply, pending, &err);
    if (status == TC_OK) {
        pending->call = call;
        call->is_kept = true;
        http_on_end(call->request, on_gone, pending);
        return;
    }
    (void)pending_free(pending); /* gives NULL */
    call_problem(call, 503, NULL, "the router does not answer: %s; nothing was done", err.text);
}

/* Everything that can be said without the router. */
static bool prepare(struct call *call, struct pending *pending)
{
    char pointer[ACTION_POINTER_BYTES] = "";
    struct err err = ERR_INIT;
    TC_CLEANUP(json_freep) struct json *none = NULL;
    if (!parse_body(call, &pending->body)) {
        return false;
    }
    const struct json_value *body = json_root(pending->body);
    if (!check_members(call, body) || !find_action(call, body, &pending->action) ||
        !take_request_id(call, pending, body)) {
        return false;
    }
    const struct json_value *parameters = json_member(body, "parameters");
    if (parameters == NULL) {
        TC_ASSERT(json_parse("{}", 2, 2, &none, NULL) == TC_OK);
        parameters = json_root(none);
    }
    if (action_check(pending->action, parameters, pointer, &err) != TC_OK) {
        call_problem(call, 422, pointer[0] == '\0' ? "/parameters" : pointer, "%s", err.text);
        return false;
    }
    return (!pending->action->has_monitor || take_monitor(call, pending, parameters)) &&
           take_wait(call, pending);
}

void actions_post(struct call *call)
{
    struct pending *pending = mem_alloc(sizeof *pending);
    if (!prepare(call, pending)) {
        (void)pending_free(pending); /* gives NULL */
        return;
    }
    send_command(call, pending, json_member(json_root(pending->body), "parameters"));
}
