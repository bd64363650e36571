/* The common work of handlers: answers, problems, reading from the store, parameters of lists. No
 * route and no row of its own. */
#include "web/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/sys/clock.h"
#include "lib/sys/config.h"
#include "lib/sys/loop.h"
#include "web/http_server.h"

enum {
    REOPEN_US = 1000 * 1000,
    DETAIL_BYTES = 1024,
};

struct call *call_new(struct web *web, struct http_request *request)
{
    struct call *call = mem_alloc(sizeof *call);
    call->web = web;
    call->request = request;
    buf_init(&call->out, CALL_ANSWER_BYTES);
    json_enc_start(&call->e, &call->out);
    return call;
}

struct call *call_free(struct call *call)
{
    if (call != NULL) {
        buf_free(&call->out);
        mem_free(call);
    }
    return NULL;
}

/* --- Answers ---------------------------------------------------------------------------------- */

static const char *title_of(int status)
{
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        {400, "Bad Request"},         {401, "Unauthorized"},
        {403, "Forbidden"},           {404, "Not Found"},
        {405, "Method Not Allowed"},  {409, "Conflict"},
        {413, "Content Too Large"},   {415, "Unsupported Media Type"},
        {421, "Misdirected Request"}, {422, "Unprocessable Content"},
        {429, "Too Many Requests"},   {500, "Internal Server Error"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++) {
        if (titles[i].status == status) {
            return titles[i].title;
        }
    }
    return "Error";
}

void call_send(struct call *call, int status, const char *type)
{
    TC_ASSERT(!call->is_answered);
    struct http_answer answer = {.status = status, .type = type, .is_secret = call->is_secret};
    call->is_answered = true;
    if (call->out.err != TC_OK) {
        static const char text[] = "{\"type\":\"about:blank\",\"title\":\"Internal Server Error\","
                                   "\"status\":500,\"detail\":\"the answer is too large; ask for "
                                   "less with limit\"}\n";
        answer.status = 500;
        answer.type = "application/problem+json";
        answer.body = text;
        answer.size = sizeof text - 1;
        http_answer(call->request, &answer);
        return;
    }
    answer.body = call->out.p;
    answer.size = call->out.len;
    if (status == 401) {
        answer.header = "WWW-Authenticate";
        answer.value = "Bearer realm=\"tocsin\"";
    } else if (status == 503) {
        answer.header = "Retry-After";
        answer.value = "2";
    }
    http_answer(call->request, &answer);
}

void call_json(struct call *call, int status)
{
    buf_add_char(&call->out, '\n');
    call_send(call, status, "application/json");
}

void call_problem(struct call *call, int status, const char *pointer, const char *fmt, ...)
{
    char detail[DETAIL_BYTES];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(detail, sizeof detail, fmt, args); /* a long one is cut */
    va_end(args);
    buf_reset(&call->out);
    json_enc_start(&call->e, &call->out);
    json_enc_obj(&call->e, NULL);
    json_enc_str(&call->e, "type", "about:blank");
    json_enc_str(&call->e, "title", title_of(status));
    json_enc_i64(&call->e, "status", status);
    json_enc_str(&call->e, "detail", detail);
    if (pointer != NULL) {
        json_enc_str(&call->e, "pointer", pointer);
    }
    json_enc_obj_end(&call->e);
    buf_add_char(&call->out, '\n');
    call_send(call, status, "application/problem+json");
}

/* --- Store ------------------------------------------------------------------------------------ */

struct store *web_store(struct web *web)
{
    int64_t now = clock_mono_us(loop_clock(web->loop));
    if (web->store != NULL || (web->store_tried_us != 0 && now - web->store_tried_us < REOPEN_US)) {
        return web->store;
    }
    struct err err = ERR_INIT;
    const struct config *all = web->config;
    bool is_own = all->store.web_user != NULL;
    struct store_config config = {.url = all->store.url,
                                  .dir = all->state_dir,
                                  .user = all->store.web_user,
                                  .password =
                                      is_own ? all->store.web_password : all->store.password,
                                  .secret_dir = all->dir,
                                  .socket = all->store.socket,
                                  .ca = all->store.ca,
                                  .is_tls_required = all->store.is_tls_required};
    web->store_tried_us = now;
    if (store_open_reader(&config, &web->store, &err) != TC_OK) {
        (void)str_copy(web->store_problem, sizeof web->store_problem, err.text); /* same size */
        web->store = NULL;
    }
    return web->store;
}

struct store *call_store(struct call *call)
{
    struct store *store = web_store(call->web);
    if (store == NULL) {
        call_problem(call, 503, NULL, "the database can't be read: %s", call->web->store_problem);
    }
    return store;
}

bool call_read(struct call *call, enum store_view view, const struct store_filter *filter,
               store_row_fn fn, void *ctx)
{
    struct err err = ERR_INIT;
    struct store *store = call_store(call);
    if (store == NULL) {
        return false;
    }
    int status = store_read(store, view, filter, fn, ctx, &err);
    if (status == TC_OK || status == CALL_ENOUGH) {
        return true;
    }
    call_problem(call, 503, NULL, "the database can't be read: %s", err.text);
    if (status != TC_EAGAIN) {
        call->web->store = store_close(store); /* what it was may be replaced by now */
    }
    return false;
}

/* --- Parameters ------------------------------------------------------------------------------- */

bool call_allows(struct call *call, const char *const *names)
{
    for (size_t i = 0; i < call->query.count; i++) {
        const char *name = call->query.items[i].name;
        bool is_known = false;
        for (const char *const *p = names; *p != NULL; p++) {
            is_known = is_known || str_eq(name, *p);
        }
        const char *near = str_nearest(name, names);
        if (!is_known && near != NULL) {
            call_problem(call, 400, name, "there is no parameter \"%s\"; did you mean \"%s\"?",
                         name, near);
            return false;
        }
        if (!is_known) {
            call_problem(call, 400, name, "there is no parameter \"%s\"", name);
            return false;
        }
    }
    return true;
}

bool call_page(struct call *call, uint32_t *ret_limit, uint64_t *ret_cursor)
{
    const char *limit = url_query_get(&call->query, "limit");
    const char *cursor = url_query_get(&call->query, "cursor");
    int64_t number = CALL_LIMIT;
    *ret_cursor = 0;
    if (limit != NULL && parse_whole_i64(limit, 1, CALL_LIMIT_MAX, &number) != TC_OK) {
        call_problem(call, 400, "limit", "limit is a whole number from 1 to %d", CALL_LIMIT_MAX);
        return false;
    }
    if (cursor != NULL && parse_whole_u64(cursor, INT64_MAX, ret_cursor) != TC_OK) {
        call_problem(call, 400, "cursor", "cursor is not one of an answer's nextCursor");
        return false;
    }
    *ret_limit = (uint32_t)number;
    return true;
}

struct named {
    uint32_t id;
    size_t count;
};

static int on_named(void *ctx, const void *row)
{
    struct named *named = ctx;
    named->id = ((const struct store_monitor *)row)->core.id;
    named->count++;
    return TC_OK;
}

bool call_monitor(struct call *call, const char *text, const char *pointer, uint32_t *ret_id)
{
    struct named named = {0};
    uint64_t id = 0;
    bool is_id = parse_whole_u64(text, UINT32_MAX, &id) == TC_OK;
    struct store_filter filter = {.id = id, .text = is_id ? NULL : text};
    if (!call_read(call, is_id ? STORE_MONITOR : STORE_MONITORS_NAMED, &filter, on_named, &named)) {
        return false;
    }
    if (named.count > 1) {
        call_problem(call, 409, pointer,
                     "%zu monitors are called \"%s\": name one by its id or uuid", named.count,
                     text);
        return false;
    }
    if (named.count == 0) {
        call_problem(call, 404, pointer,
                     is_id ? "there is no monitor %s" : "no monitor is called \"%s\"", text);
        return false;
    }
    *ret_id = named.id;
    return true;
}
