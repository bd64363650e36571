/* Speaks to the API: finds address and token, asks, turns what it refuses into sentences. Shows nothing.
 * Called by the commands that need a running tocsin. */
#include "cli/client.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/escape.h"
#include "lib/base/hex.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/net/http.h"
#include "lib/sys/config.h"
#include "lib/sys/digest.h"
#include "lib/sys/file.h"
#include "lib/sys/rng.h"

enum {
    ANSWER_BYTES_MAX = 64 * 1024 * 1024,
    TOKEN_BYTES_MAX = 4096,
    TIMEOUT_MS = 30 * 1000,
    PAGE = 100,
};

void client_answer_clear(struct client_answer *answer)
{
    answer->json = json_free(answer->json);
}

void client_clear(struct client *client)
{
    mem_free(client->url);
    mem_free(client->token_file);
    *client = (struct client){0};
}

/* --- Where and who ----------------------------------------------------------------------------- */

static char *url_of(const struct config *config)
{
    if (config->web.tls_cert != NULL) {
        return mem_strdup(config->web.public_url); /* the name that the certificate has */
    }
    static const char *const any[] = {"0.0.0.0:", "*:", "[::]:"};
    const char *listen = config->web.listen;
    struct buf url;
    buf_init(&url, LIMIT_URL_BYTES);
    buf_add_str(&url, "http://");
    for (size_t i = 0; i < sizeof(any) / sizeof(any[0]); i++) {
        if (str_has_prefix(listen, any[i])) {
            buf_add_str(&url, "127.0.0.1");
            listen += strlen(any[i]) - 1;
        }
    }
    buf_add_str(&url, listen);
    char *text = mem_strdup(url.p);
    buf_free(&url);
    return text;
}

static const char *given(const struct cli *cli, const char *option, const char *name)
{
    return option != NULL ? option : cli_environ(cli, name);
}

int client_find(struct cli *cli, struct client *ret_client, struct err *err)
{
    const char *url = given(cli, cli->args.url, "TOCSIN_URL");
    const char *file = given(cli, cli->args.token_file, "TOCSIN_TOKEN_FILE");
    if (url == NULL || file == NULL) {
        int code = cli_config(cli, err);
        if (code != TC_OK) {
            return code;
        }
    }
    struct client client = {
        .url = url == NULL ? url_of(cli->config) : mem_strdup(url),
        .token_file = file == NULL ? file_join(cli->config->dir, "admin.token") : mem_strdup(file),
    };
    size_t size = strlen(client.url);
    while (size > 0 && client.url[size - 1] == '/') {
        client.url[--size] = '\0';
    }
    *ret_client = client;
    return TC_OK;
}

static int read_token(const char *path, struct buf *header, struct err *err)
{
    char *text = NULL;
    size_t size = 0;
    int code = file_read_secret(path, TOKEN_BYTES_MAX, &text, &size, err);
    if (code != TC_OK) {
        (void)err_ctx(err, "no access token (give --token-file FILE)"); /* code is returned */
        return code == TC_ENOENT ? TC_EPERM : code;
    }
    size_t length = 0;
    const char *token = str_trim(text, size, &length);
    buf_add_str(header, "Authorization: Bearer ");
    buf_add(header, token, length);
    digest_wipe(text, size);
    mem_free(text);
    if (length == 0 || !escape_is_header_safe(header->p)) {
        return err_set(err, TC_EPERM, "%s does not hold an access token", path);
    }
    return TC_OK;
}

/* --- Answers ----------------------------------------------------------------------------------- */

static int fail_transfer(const struct client *client, const struct net_result *result,
                         struct err *err)
{
    switch (result->end) {
    case NET_UNREACHABLE:
        return err_set(err, TC_ECLOSED,
                       "tocsin does not answer at %s (%s): start it with tocsin up, or give "
                       "another --url",
                       client->url, result->text);
    case NET_TIMED_OUT:
        return err_set(err, TC_ETIMEDOUT, "tocsin did not answer at %s in time: try again later",
                       client->url);
    case NET_FORBIDDEN:
    case NET_INSECURE:
    case NET_BROKEN:
    case NET_ANSWERED:
        break;
    }
    if (result->is_cut) {
        return err_set(err, TC_ERANGE, "the answer of %s is larger than %d bytes", client->url,
                       ANSWER_BYTES_MAX);
    }
    return err_set(err, TC_EPROTO, "there is no tocsin at %s: %s", client->url, result->text);
}

static int code_of(int status)
{
    switch (status) {
    case 400:
    case 413:
    case 415:
    case 422:
        return TC_EINVAL;
    case 401:
    case 403:
        return TC_EPERM;
    case 404:
        return TC_ENOENT;
    case 409:
        return TC_ECONFLICT;
    case 429:
    case 503:
        return TC_EAGAIN;
    default:
        return TC_EIO;
    }
}

static int fail_status(struct cli *cli, const struct client *client,
                       const struct net_result *result, const struct json_value *problem,
                       struct err *err)
{
    const struct json_value *detail = problem != NULL && json_type_of(problem) == JSON_OBJECT
                                          ? json_member(problem, "detail")
                                          : NULL;
    bool has_detail = detail != NULL && json_type_of(detail) == JSON_STRING;
    cli->problem_status = result->status;
    if (!has_detail) {
        return err_set(err, code_of(result->status), "%s answered with HTTP status %d", client->url,
                       result->status);
    }
    mem_free(cli->problem);
    cli->problem = mem_dup(result->body, result->body_size);
    const struct json_value *pointer = json_member(problem, "pointer");
    bool has_pointer = pointer != NULL && json_type_of(pointer) == JSON_STRING;
    return err_set(err, code_of(result->status), "%s%s%s%s%s%s", json_string(detail),
                   has_pointer ? " (" : "", has_pointer ? json_string(pointer) : "",
                   has_pointer ? ")" : "", result->status == 401 ? "; the token is that of " : "",
                   result->status == 401 ? client->token_file : "");
}

static int take_answer(struct cli *cli, const struct client *client,
                       const struct net_result *result, struct client_answer *ret_answer,
                       struct err *err)
{
    if (result->end != NET_ANSWERED || result->is_cut) {
        return fail_transfer(client, result, err);
    }
    TC_CLEANUP(json_freep) struct json *json = NULL;
    int code = json_parse(result->body, result->body_size, ANSWER_BYTES_MAX, &json, NULL);
    if (result->status < 200 || result->status > 299) {
        return fail_status(cli, client, result, code == TC_OK ? json_root(json) : NULL, err);
    }
    if (code != TC_OK || json_type_of(json_root(json)) != JSON_OBJECT) {
        return err_set(err, TC_EPROTO, "there is no tocsin at %s: it answered with something else",
                       client->url);
    }
    ret_answer->status = result->status;
    ret_answer->json = TC_TAKE_PTR(json);
    return TC_OK;
}

static int fetch(struct cli *cli, const struct http_request *what, const char *path,
                 struct client_answer *ret_answer, struct err *err)
{
    static const struct net_policy policy = {.reach = NET_REACH_ANY};
    struct http_request request = *what;
    struct client client = {0};
    TC_CLEANUP(buf_freep) struct buf url;
    TC_CLEANUP(buf_freep) struct buf token;
    buf_init(&url, (size_t)8 * LIMIT_URL_BYTES);
    buf_init(&token, TOKEN_BYTES_MAX + 64);
    int code = client_find(cli, &client, err);
    if (code == TC_OK) {
        code = read_token(client.token_file, &token, err);
    }
    if (code == TC_OK) {
        const char *const headers[] = {token.p, "Accept: application/json",
                                       "Content-Type: application/json", NULL};
        struct net_result result = {.end = NET_BROKEN};
        buf_add_fmt(&url, "%s%s", client.url, path);
        request.url = url.p;
        request.headers = headers;
        request.answer_bytes_max = ANSWER_BYTES_MAX;
        code = http_fetch(&policy, &request, &result, err);
        if (code == TC_OK) {
            code = take_answer(cli, &client, &result, ret_answer, err);
            net_result_clear(&result);
        }
    }
    digest_wipe(token.p, token.len);
    client_clear(&client);
    return code;
}

int client_get(struct cli *cli, const char *path, struct client_answer *ret_answer, struct err *err)
{
    const struct http_request request = {.method = "GET", .timeout_ms = TIMEOUT_MS};
    return fetch(cli, &request, path, ret_answer, err);
}

int client_act(struct cli *cli, const char *action, const struct buf *parameters, int64_t wait_s,
               struct client_answer *ret_answer, struct err *err)
{
    uint8_t random[16];
    char request_id[2 * sizeof(random) + 1];
    char path[64];
    TC_CLEANUP(buf_freep) struct buf body;
    struct json_enc enc;
    rng_fill(random, sizeof(random));
    hex_encode(random, sizeof(random), request_id);
    buf_init(&body, LIMIT_HTTP_BODY_BYTES);
    json_enc_start(&enc, &body);
    json_enc_obj(&enc, NULL);
    json_enc_str(&enc, "action", action);
    json_enc_raw(&enc, "parameters", parameters->p, parameters->len);
    /* A copy of the answer could not show the token again, so that request may not be repeated. */
    if (!str_eq(action, "Token/Add")) {
        json_enc_str(&enc, "requestId", request_id);
    }
    json_enc_obj_end(&enc);
    if (body.err != TC_OK || parameters->err != TC_OK) {
        return err_set(err, TC_ERANGE, "the request is larger than %d bytes",
                       LIMIT_HTTP_BODY_BYTES);
    }
    (void)snprintf(path, sizeof(path), "/api/v1/actions"); /* both fit by size */
    if (wait_s > 0) {
        (void)snprintf(path, sizeof(path), "/api/v1/actions?wait=%lld", (long long)wait_s);
    }
    const struct http_request request = {.method = "POST",
                                         .timeout_ms = TIMEOUT_MS + wait_s * 1000,
                                         .body = body.p,
                                         .body_size = body.len};
    return fetch(cli, &request, path, ret_answer, err);
}

/* --- Lists ------------------------------------------------------------------------------------- */

/* Hand out one page; true when there is another, whose cursor then stands in cursor. */
static bool take_page(const struct json_value *root, const char *name, uint64_t *left,
                      client_element_fn fn, void *ctx, struct buf *cursor)
{
    const struct json_value *list = json_member(root, name);
    const struct json_value *next = json_member(root, "nextCursor");
    bool is_list = list != NULL && json_type_of(list) == JSON_ARRAY;
    for (const struct json_value *e = is_list ? json_first(list) : NULL; e != NULL && *left > 0;
         e = json_next(e)) {
        fn(ctx, e);
        (*left)--;
    }
    buf_reset(cursor);
    if (next == NULL || json_type_of(next) != JSON_STRING || *left == 0) {
        return false;
    }
    escape_url(cursor, json_string(next));
    return true;
}

int client_list(struct cli *cli, const struct client_pages *pages, client_element_fn fn, void *ctx,
                struct err *err)
{
    uint64_t left = pages->max == 0 ? UINT64_MAX : pages->max;
    TC_CLEANUP(buf_freep) struct buf url;
    TC_CLEANUP(buf_freep) struct buf cursor;
    buf_init(&url, (size_t)4 * LIMIT_URL_BYTES);
    buf_init(&cursor, LIMIT_URL_BYTES);
    bool has_more = true;
    while (has_more) {
        struct client_answer answer = {0};
        bool has_query = strchr(pages->path, '?') != NULL;
        buf_reset(&url);
        buf_add_fmt(&url, "%s%climit=%llu", pages->path, has_query ? '&' : '?',
                    (unsigned long long)(left < PAGE ? left : PAGE));
        if (cursor.len > 0) {
            buf_add_fmt(&url, "&cursor=%s", cursor.p);
        }
        int code = client_get(cli, url.p, &answer, err);
        if (code != TC_OK) {
            return code;
        }
        has_more = take_page(json_root(answer.json), pages->name, &left, fn, ctx, &cursor);
        client_answer_clear(&answer);
    }
    return TC_OK;
}
