/* The page and signing in. The page itself holds no data: its script asks the API, which asks for a
 * token or session. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/escape.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/sys/config.h"
#include "lib/sys/loop.h"
#include "web/assets.h"
#include "web/call.h"
#include "web/handlers.h"
#include "web/http_server.h"

enum {
    COOKIE_BYTES = 256,
    NEXT_BYTES = 64,
};

static const char *const no_parameters[] = {NULL};

static const struct asset *find_asset(const char *name)
{
    for (const struct asset *asset = assets; asset->name != NULL; asset++) {
        if (str_eq(asset->name, name)) {
            return asset;
        }
    }
    return NULL;
}

static void send_asset(struct call *call, const char *name)
{
    const struct asset *asset = find_asset(name);
    if (!call_allows(call, no_parameters)) {
        return;
    }
    if (asset == NULL) {
        call_problem(call, 404, NULL, "there is no page here");
        return;
    }
    buf_add(&call->out, asset->bytes, asset->size);
    call_send(call, 200, asset->type);
}

void pages_app(struct call *call)
{
    send_asset(call, "index.html");
}

void pages_asset(struct call *call)
{
    send_asset(call, call->path.segments[1]);
}

void pages_openapi(struct call *call)
{
    send_asset(call, "openapi.json");
}

/* --- Signing in ------------------------------------------------------------------------------- */

/* Where to go once signed in: one of the page's deep links, as a mail has them, written anew from its
 * parts, so that it can't lead to anywhere else; "/" for anything but those. */
static const char *take_next(const char *text, char *ret_next)
{
    struct url_path path;
    uint64_t id = 0;
    (void)snprintf(ret_next, NEXT_BYTES, "/");
    if (text == NULL || url_path_parse(text, &path) != TC_OK || path.count != 2 ||
        parse_whole_u64(path.segments[1], INT64_MAX, &id) != TC_OK) {
        return ret_next;
    }
    static const char *const pages[] = {"monitors", "incidents"};
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        if (str_eq(path.segments[0], pages[i])) {
            (void)snprintf(ret_next, NEXT_BYTES, "/%s/%" PRIu64, pages[i], id); /* fits */
        }
    }
    return ret_next;
}

static void write_login(struct call *call, const char *problem, const char *next)
{
    buf_add_str(&call->out,
                "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>tocsin: sign "
                "in</title><meta name=\"viewport\" content=\"width=device-width\"><link "
                "rel=\"stylesheet\" href=\"/assets/page.css\"><link rel=\"icon\" "
                "href=\"/assets/icon.svg\"><main class=\"login\"><h1>tocsin</h1>");
    if (problem != NULL) {
        buf_add_str(&call->out, "<p role=\"alert\" class=\"error\">");
        escape_html(&call->out, problem);
        buf_add_str(&call->out, "</p>");
    }
    buf_add_fmt(&call->out,
                "<form method=\"post\" action=\"/login\"><input type=\"hidden\" "
                "name=\"next\" value=\"%s\">",
                next);
    buf_add_str(
        &call->out,
        "<label for=\"token\">Token</label><input "
        "id=\"token\" name=\"token\" type=\"password\" autocomplete=\"current-password\" "
        "required autofocus><button>Sign in</button></form><p>A token is made by <code>tocsin "
        "token add</code>; <code>tocsin init</code> has made the first one.</p></main>");
}

void pages_login(struct call *call)
{
    static const char *const names[] = {"next", NULL};
    char next[NEXT_BYTES];
    if (call_allows(call, names)) {
        write_login(call, NULL, take_next(url_query_get(&call->query, "next"), next));
        call_send(call, 200, "text/html; charset=utf-8");
    }
}

/* One header is all that an answer takes: the page goes on by itself, by its refresh. */
static void send_onwards(struct call *call, const char *cookie, const char *where)
{
    buf_add_fmt(&call->out,
                "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta "
                "http-equiv=\"refresh\" content=\"0; url=%s\"><title>tocsin</title><p><a "
                "href=\"%s\">Go on</a>",
                where, where);
    struct http_answer answer = {.status = 200,
                                 .type = "text/html; charset=utf-8",
                                 .body = call->out.p,
                                 .size = call->out.len,
                                 .header = "Set-Cookie",
                                 .value = cookie};
    call->is_answered = true;
    http_answer(call->request, &answer);
}

void pages_do_login(struct call *call)
{
    char session[GATE_SECRET_BYTES];
    char cookie[COOKIE_BYTES];
    char next[NEXT_BYTES];
    struct url_query form;
    struct err err = ERR_INIT;
    size_t size = 0;
    const char *body = http_body(call->request, &size);
    struct store *store = call_store(call);
    if (store == NULL) {
        return;
    }
    bool is_form = memchr(body, '\0', size) == NULL && url_query_parse(body, &form) == TC_OK;
    const char *token = is_form ? url_query_get(&form, "token") : NULL;
    (void)take_next(is_form ? url_query_get(&form, "next") : NULL, next);
    if (token == NULL || gate_login(call->web->gate, store, token, loop_now_utc_ms(call->web->loop),
                                    session, &err) != TC_OK) {
        write_login(call, token == NULL ? "Give a token." : err.text, next);
        call_send(call, 403, "text/html; charset=utf-8");
        return;
    }
    (void)snprintf(cookie, sizeof cookie, "tocsin_session=%s; HttpOnly; SameSite=Strict; Path=/%s",
                   session,
                   str_has_prefix(call->web->config->web.public_url, "https:") ? "; Secure" : "");
    send_onwards(call, cookie, next);
}

void pages_do_logout(struct call *call)
{
    gate_logout(call->web->gate, call->request);
    send_onwards(call, "tocsin_session=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0", "/login");
}
