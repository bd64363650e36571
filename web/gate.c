/* Tokens and sessions to rights. A token is known by its SHA-256 only, and found by it: comparing
 * hashes tells a guesser nothing. Sessions live in memory: a restart asks everybody to sign in again. */
#include "web/gate.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/base/str.h"
#include "lib/sys/config.h"
#include "lib/sys/digest.h"
#include "lib/sys/rng.h"
#include "router/store/store.h"
#include "web/http_server.h"

enum {
    SECRET_RANDOM = 32,
    HOST_BYTES = 256,
    TOKEN_BYTES_MAX = 256,
};

static const char cookie_name[] = "tocsin_session=";

struct session {
    int64_t until_utc_ms; /* 0: free */
    uint8_t id_hash[DIGEST_BYTES];
    uint8_t token_hash[DIGEST_BYTES];
};

struct gate {
    const struct config *config; /* borrowed */
    struct session sessions[GATE_SESSIONS];
};

struct gate *gate_new(const struct config *config)
{
    struct gate *gate = mem_alloc(sizeof *gate);
    gate->config = config;
    return gate;
}

struct gate *gate_free(struct gate *gate)
{
    if (gate != NULL) {
        digest_wipe(gate->sessions, sizeof gate->sessions);
        mem_free(gate);
    }
    return NULL;
}

/* --- Host and Origin -------------------------------------------------------------------------- */

/* "[::1]:8080" and "localhost:8080" to the name without port. */
static bool host_name(const char *host, char *ret_name)
{
    const char *end = host[0] == '[' ? strchr(host, ']') : strchr(host, ':');
    size_t size = end == NULL ? strlen(host) : (size_t)(end - host) + (*end == ']' ? 1 : 0);
    if (size == 0 || size >= HOST_BYTES) {
        return false;
    }
    memcpy(ret_name, host, size);
    ret_name[size] = '\0';
    return true;
}

static bool is_our_host(const struct gate *gate, const char *host)
{
    static const char *const loopback[] = {"localhost", "127.0.0.1", "[::1]"};
    char name[HOST_BYTES];
    char ours[HOST_BYTES];
    if (!host_name(host, name)) {
        return false;
    }
    for (size_t i = 0; i < sizeof loopback / sizeof loopback[0]; i++) {
        if (str_eq_nocase(name, loopback[i])) {
            return true;
        }
    }
    const char *authority = strstr(gate->config->web.public_url, "://");
    if (authority != NULL && host_name(authority + 3, ours)) {
        ours[strcspn(ours, "/")] = '\0';
        if (str_eq_nocase(name, ours)) {
            return true;
        }
    }
    for (size_t i = 0; i < gate->config->web.hosts.count; i++) {
        if (str_eq_nocase(name, gate->config->web.hosts.items[i])) {
            return true;
        }
    }
    return host_name(gate->config->web.listen, ours) && str_eq_nocase(name, ours);
}

bool gate_is_for_us(const struct gate *gate, const struct http_request *request)
{
    const char *host = http_header(request, "Host");
    return host != NULL && is_our_host(gate, host);
}

bool gate_is_from_us(const struct http_request *request)
{
    const char *origin = http_header(request, "Origin");
    if (origin == NULL) {
        return true;
    }
    const char *authority = strstr(origin, "://");
    return authority != NULL && str_eq_nocase(authority + 3, http_header(request, "Host"));
}

/* --- Tokens ----------------------------------------------------------------------------------- */

const char *gate_role_name(enum access access)
{
    switch (access) {
    case ACCESS_VIEWER:
        return "viewer";
    case ACCESS_OPERATOR:
        return "operator";
    case ACCESS_ADMIN:
        return "admin";
    case ACCESS_UNSET:
    case ACCESS_LINK:
    case ACCESS_OPEN:
        return "";
    }
    TC_UNREACHABLE();
}

enum access gate_role_parse(const char *name)
{
    for (enum access access = ACCESS_VIEWER; access <= ACCESS_ADMIN; access++) {
        if (str_eq(name, gate_role_name(access))) {
            return access;
        }
    }
    return ACCESS_UNSET;
}

void gate_make_token(char *ret_token, char *ret_hash)
{
    uint8_t bytes[SECRET_RANDOM];
    uint8_t hash[DIGEST_BYTES];
    rng_fill(bytes, sizeof bytes);
    hex_encode(bytes, sizeof bytes, ret_token);
    digest_sha256(ret_token, strlen(ret_token), hash);
    hex_encode(hash, sizeof hash, ret_hash);
    digest_wipe(bytes, sizeof bytes);
}

struct lookup {
    int64_t now_utc_ms;
    struct who *who;
};

static int on_token(void *ctx, const void *row)
{
    struct lookup *lookup = ctx;
    const struct store_token *token = row;
    if (token->expires_utc_ms != CORE_NEVER && token->expires_utc_ms <= lookup->now_utc_ms) {
        return TC_OK;
    }
    enum access access = token->role == NULL ? ACCESS_UNSET : gate_role_parse(token->role);
    if (access == ACCESS_UNSET || token->name == NULL ||
        str_copy(lookup->who->name, sizeof lookup->who->name, token->name) != TC_OK) {
        return TC_OK;
    }
    lookup->who->access = access;
    lookup->who->token_id = token->id;
    return TC_OK;
}

static int find_token(struct store *store, const uint8_t *hash, int64_t now_utc_ms,
                      struct who *ret_who, struct err *err)
{
    struct lookup lookup = {.now_utc_ms = now_utc_ms, .who = ret_who};
    struct store_filter filter = {.blob = {.p = hash, .size = DIGEST_BYTES}};
    return store_read(store, STORE_TOKEN_WITH_HASH, &filter, on_token, &lookup, err);
}

/* --- Sessions --------------------------------------------------------------------------------- */

static bool cookie_hash(const struct http_request *request, uint8_t *ret_hash)
{
    const char *cookie = http_header(request, "Cookie");
    while (cookie != NULL && !str_has_prefix(cookie, cookie_name)) {
        cookie = strchr(cookie, ';');
        cookie = cookie == NULL ? NULL : cookie + 1 + strspn(cookie + 1, " ");
    }
    if (cookie == NULL) {
        return false;
    }
    const char *value = cookie + sizeof cookie_name - 1;
    digest_sha256(value, strcspn(value, "; "), ret_hash);
    return true;
}

static struct session *find_session(struct gate *gate, const struct http_request *request)
{
    uint8_t hash[DIGEST_BYTES];
    if (!cookie_hash(request, hash)) {
        return NULL;
    }
    for (size_t i = 0; i < GATE_SESSIONS; i++) {
        struct session *session = &gate->sessions[i];
        if (session->until_utc_ms != 0 && digest_is_equal(session->id_hash, hash, DIGEST_BYTES)) {
            return session;
        }
    }
    return NULL;
}

int gate_identify(struct gate *gate, struct store *store, const struct http_request *request,
                  int64_t now_utc_ms, struct who *ret_who, struct err *err)
{
    static const char scheme[] = "Bearer ";
    uint8_t hash[DIGEST_BYTES];
    *ret_who = (struct who){.access = ACCESS_OPEN};
    const char *authorization = http_header(request, "Authorization");
    if (authorization != NULL) {
        size_t size = sizeof scheme - 1;
        if (strncasecmp(authorization, scheme, size) != 0 ||
            strlen(authorization) > TOKEN_BYTES_MAX) {
            return TC_OK;
        }
        digest_sha256(authorization + size, strlen(authorization + size), hash);
        return find_token(store, hash, now_utc_ms, ret_who, err);
    }
    struct session *session = find_session(gate, request);
    if (session == NULL || session->until_utc_ms < now_utc_ms) {
        return TC_OK;
    }
    ret_who->is_session = true;
    return find_token(store, session->token_hash, now_utc_ms, ret_who, err);
}

int gate_login(struct gate *gate, struct store *store, const char *token, int64_t now_utc_ms,
               char *ret_session, struct err *err)
{
    struct who who = {.access = ACCESS_OPEN};
    uint8_t hash[DIGEST_BYTES];
    char id_hash[GATE_SECRET_BYTES];
    digest_sha256(token, strlen(token), hash);
    int status = find_token(store, hash, now_utc_ms, &who, err);
    if (status != TC_OK) {
        return status;
    }
    if (who.access == ACCESS_OPEN) {
        return err_set(err, TC_EPERM, "this token is unknown, or its time is over");
    }
    /* The one that ends first makes room. */
    struct session *place = &gate->sessions[0];
    for (size_t i = 1; i < GATE_SESSIONS; i++) {
        place = gate->sessions[i].until_utc_ms < place->until_utc_ms ? &gate->sessions[i] : place;
    }
    gate_make_token(ret_session, id_hash);
    digest_sha256(ret_session, strlen(ret_session), place->id_hash);
    memcpy(place->token_hash, hash, DIGEST_BYTES);
    place->until_utc_ms = now_utc_ms + gate->config->web.session_ms;
    return TC_OK;
}

void gate_logout(struct gate *gate, const struct http_request *request)
{
    struct session *session = find_session(gate, request);
    if (session != NULL) {
        *session = (struct session){0};
    }
}
