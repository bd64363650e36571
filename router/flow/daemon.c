/* tocsin-router: store, keys, sockets and flow put together on one loop. Decides nothing; called by
 * router/main.c through lib/sys/program.h. */
#include "router/flow/daemon.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/sys/clock.h"
#include "lib/sys/config.h"
#include "lib/sys/digest.h"
#include "lib/sys/file.h"
#include "lib/sys/log.h"
#include "lib/sys/loop.h"
#include "lib/sys/program.h"
#include "lib/sys/rng.h"
#include "lib/sys/secret.h"
#include "proto/link/keys.h"
#include "proto/link/link.h"
#include "router/core/recipients.h"
#include "router/flow/flow.h"
#include "router/store/store.h"

enum {
    ROLES = MESSAGE_WEB + 1,
    STORE_WAIT_MS_MIN = 100, /* before the store is asked for again, doubling */
    STORE_WAIT_MS_MAX = 5000,
};

struct router {
    struct program_context *context; /* borrowed */
    struct store *store;             /* owned */
    struct link_context *link;       /* owned */
    struct link_server *servers[ROLES];
    struct digest_key *audit_key;
    struct core_target defaults[LIMIT_RECIPIENTS];
    size_t default_count;
    uint8_t name_key[DIGEST_BYTES];
    char holder[64];
    struct flow *flow;        /* owned */
    struct loop_timer *timer; /* owned by the loop */
    uint64_t commits;         /* when progress was told last */
    int64_t store_wait_ms;    /* of the next try; 0: the first one */
};

/* --- What the configuration names ------------------------------------------------------------- */

static int read_defaults(const struct config *config, struct core_target *ret_targets,
                         size_t *ret_count, struct err *err)
{
    const struct config_list *list = &config->router.default_recipients;
    for (size_t i = 0; i < list->count; i++) {
        char target[CORE_TARGET_BYTES];
        enum recipient_fault fault =
            recipient_parse(list->items[i], strlen(list->items[i]), target);
        if (fault != RECIPIENT_FINE) {
            (void)err_set(err, TC_ECONFIG, "router.default_recipients: \"%s\" %s", list->items[i],
                          recipient_fault_text(fault));
            return config_locate(config, err);
        }
        bool keeps_alert = str_has_prefix(target, "pagerduty:");
        if (recipient_add(ret_targets, ret_count, target, keeps_alert) == TC_ERANGE) {
            return err_set(err, TC_ECONFIG, "router.default_recipients has more than %d entries",
                           LIMIT_RECIPIENTS);
        }
    }
    return TC_OK;
}

static int read_name_key(struct router *router, struct err *err)
{
    const struct config *config = router->context->config;
    TC_CLEANUP(mem_freep) char *path = file_join(config->keys.dir, LINK_FILE_NAMES);
    TC_CLEANUP(buf_freep) struct buf reference;
    buf_init(&reference, LIMIT_URL_BYTES);
    buf_add_fmt(&reference, "file:%s", path);
    TC_CLEANUP(secret_freep) struct secret *secret = NULL;
    int code = secret_load(reference.p, config->dir, &secret, err);
    if (code != TC_OK) {
        return code;
    }
    char text[2 * DIGEST_BYTES + 1] = "";
    if (secret_size(secret) != 2 * (size_t)DIGEST_BYTES) {
        return err_set(err, TC_ECONFIG, "%s must hold %d hexadecimal digits", path,
                       2 * DIGEST_BYTES);
    }
    memcpy(text, secret_bytes(secret), 2 * (size_t)DIGEST_BYTES);
    code = hex_decode(text, DIGEST_BYTES, router->name_key);
    digest_wipe(text, sizeof(text));
    return code == TC_OK ? TC_OK
                         : err_set(err, TC_ECONFIG, "%s must hold %d hexadecimal digits", path,
                                   2 * DIGEST_BYTES);
}

static int read_audit_key(struct router *router, struct err *err)
{
    const struct config *config = router->context->config;
    TC_CLEANUP(mem_freep) char *path = file_join(config->keys.dir, LINK_FILE_AUDIT);
    TC_CLEANUP(buf_freep) struct buf reference;
    buf_init(&reference, LIMIT_URL_BYTES);
    if (config->router.audit_key != NULL) {
        buf_add_str(&reference, config->router.audit_key);
    } else {
        buf_add_fmt(&reference, "file:%s", path);
    }
    TC_CLEANUP(secret_freep) struct secret *secret = NULL;
    int code = secret_load(reference.p, config->dir, &secret, err);
    if (code == TC_OK) {
        code = digest_key_read(secret_bytes(secret), &router->audit_key, err);
    }
    if (code != TC_OK) {
        err_ctx(err, "the key that signs audit checkpoints");
    }
    return code;
}

/* --- Messages -------------------------------------------------------------------------------- */

static void on_refused(void *ctx, const struct link_refusal *refusal)
{
    (void)ctx;
    log_warn("router.link", "a peer was turned away; why=%s who=%s key=%s from=%s more=%llu",
             refusal->detail, refusal->who, refusal->key, refusal->address,
             (unsigned long long)refusal->suppressed);
}

static void on_message(void *ctx, const struct link_peer *peer, const struct frame *frames)
{
    struct router *router = ctx;
    flow_message(router->flow, peer->role, peer->connection, peer->name, frames);
}

static int send_message(void *ctx, enum message_role role, uint32_t connection,
                        const struct frames *frames)
{
    struct router *router = ctx;
    return link_server_send(router->servers[role], connection, frames);
}

static int listen_to(struct router *router, enum message_role role, const char *endpoint,
                     const struct link_key *key, struct err *err)
{
    int code = link_server_new(router->link, role, endpoint, key, &router->servers[role], err);
    if (code != TC_OK) {
        (void)err_ctx(err, "listening to %ss at %s", message_role_name(role), endpoint);
        return code;
    }
    link_server_on_message(router->servers[role], on_message, router);
    log_info("router.link", "listening; role=%s address=%s", message_role_name(role),
             link_server_endpoint(router->servers[role]));
    return TC_OK;
}

static int open_links(struct router *router, struct err *err)
{
    const struct config *config = router->context->config;
    TC_CLEANUP(mem_freep) char *allow = file_join(config->keys.dir, LINK_FILE_ALLOW);
    TC_CLEANUP(mem_freep) char *own = file_join(config->keys.dir, LINK_FILE_ROUTER);
    struct link_key key;
    int code = link_key_read(own, &key, err);
    if (code != TC_OK) {
        return code;
    }
    code =
        link_context_new_gate(router->context->loop, allow, on_refused, router, &router->link, err);
    if (code == TC_OK) {
        code = listen_to(router, MESSAGE_RUNNER, config->router.runners, &key, err);
    }
    if (code == TC_OK) {
        code = listen_to(router, MESSAGE_NOTIFIER, config->router.notifiers, &key, err);
    }
    if (code == TC_OK) {
        code = listen_to(router, MESSAGE_WEB, config->router.web, &key, err);
    }
    link_key_wipe(&key);
    return code;
}

/* --- Turns ----------------------------------------------------------------------------------- */

static void on_turn_end(void *ctx)
{
    struct router *router = ctx;
    struct err err = ERR_INIT;
    int code = flow_turn(router->flow, &err);
    if (code != TC_OK) {
        log_error("router", "this router can't go on; cause=%s", err.text);
        loop_stop(router->context->loop, code == TC_EFENCED ? EX_TEMPFAIL : EX_SOFTWARE);
        return;
    }
    program_progress(router->context); /* also while the store is away: a wait is no hang */
    loop_timer_at(router->timer, flow_wake_utc_ms(router->flow));
}

static int serve_or_wait(struct router *router, struct err *err);

/* The turn's end does the work, once there is any. */
static void on_wake(void *ctx)
{
    struct router *router = ctx;
    struct err err = ERR_INIT;
    if (router->flow == NULL && serve_or_wait(router, &err) != TC_OK) {
        log_error("router", "this router can't start; cause=%s", err.text);
        loop_stop(router->context->loop, EX_SOFTWARE);
    }
}

/* --- The program ----------------------------------------------------------------------------- */

static int open_store(struct router *router, struct err *err)
{
    const struct config *config = router->context->config;
    struct store_config options = {.url = config->store.url,
                                   .dir = config->state_dir,
                                   .password = config->store.password,
                                   .secret_dir = config->dir,
                                   .socket = config->store.socket,
                                   .ca = config->store.ca,
                                   .is_tls_required = config->store.is_tls_required};
    return store_open(&options, &router->store, err);
}

static int start_flow(struct router *router, struct err *err)
{
    const struct config *config = router->context->config;
    (void)snprintf(router->holder, sizeof(router->holder), "%ld-%llx", (long)getpid(),
                   (unsigned long long)rng_u64()); /* 40 characters at most */
    struct flow_options options = {.clock = router->context->clock,
                                   .store = router->store,
                                   .net = {.send = send_message, .ctx = router},
                                   .defaults = router->defaults,
                                   .default_count = router->default_count,
                                   .holder = router->holder,
                                   .grace_ms = config->router.grace_ms,
                                   .dead_ms = config->router.runner_dead_ms,
                                   .retry_for_ms = config->router.retry_for_ms,
                                   .keep_runs_ms = config->router.keep_runs_ms,
                                   .keep_incidents_ms = config->router.keep_incidents_ms,
                                   .name_key = router->name_key,
                                   .audit_key = router->audit_key};
    return flow_new(&options, &router->flow, err);
}

static int check(struct program_context *context, struct err *err)
{
    struct core_target defaults[LIMIT_RECIPIENTS];
    size_t count = 0;
    const struct config *config = context->config;
    int code = read_defaults(config, defaults, &count, err);
    if (code == TC_OK && config->router.audit_key != NULL &&
        secret_check(config->router.audit_key, config->dir, err) != TC_OK) {
        (void)err_ctx(err, "router.audit_key"); /* located by the return */
        return config_locate(config, err);
    }
    return code;
}

/* Everything that needs the store. */
static int serve(struct router *router, struct err *err)
{
    struct program_context *context = router->context;
    int code = open_store(router, err);
    if (code == TC_OK) {
        code = start_flow(router, err);
    }
    if (code == TC_OK) {
        code = open_links(router, err);
    }
    if (code != TC_OK) {
        return code;
    }
    loop_timer_in(router->timer, 0);
    loop_on_turn_end(context->loop, on_turn_end, router);
    log_info("router", "ready; store=%s", context->config->store.url);
    program_ready(context);
    return TC_OK;
}

/* A database that is away is waited for: until it is there nothing listens, so that runners keep their
 * results and everybody can see that this router is not ready. */
static int serve_or_wait(struct router *router, struct err *err)
{
    int code = serve(router, err);
    if (code != TC_EAGAIN || router->flow != NULL) {
        return code;
    }
    router->store = store_close(router->store);
    if (router->store_wait_ms == 0) {
        log_warn("router.store", "the store is away, waiting for it; cause=%s", err->text);
        router->store_wait_ms = STORE_WAIT_MS_MIN;
    }
    loop_timer_in(router->timer, router->store_wait_ms);
    router->store_wait_ms = router->store_wait_ms < STORE_WAIT_MS_MAX / 2
                                ? router->store_wait_ms * 2
                                : STORE_WAIT_MS_MAX;
    return TC_OK;
}

static int start(struct program_context *context, struct err *err)
{
    struct router *router = mem_alloc(sizeof(*router));
    context->state = router;
    router->context = context;
    int code = read_defaults(context->config, router->defaults, &router->default_count, err);
    if (code == TC_OK) {
        code = read_name_key(router, err);
    }
    if (code == TC_OK) {
        code = read_audit_key(router, err);
    }
    if (code != TC_OK) {
        return code;
    }
    router->timer = loop_timer_new(context->loop, on_wake, router);
    return serve_or_wait(router, err);
}

static void stepped(struct program_context *context, int64_t step_ms)
{
    struct router *router = context->state;
    log_warn("router.clock", "the wall clock was stepped; ms=%lld", (long long)step_ms);
    if (router->flow != NULL) {
        flow_clock_stepped(router->flow, step_ms);
    }
}

static void end(struct program_context *context)
{
    struct router *router = context->state;
    if (router == NULL) {
        return;
    }
    for (size_t i = 0; i < ROLES; i++) {
        (void)link_server_free(router->servers[i]); /* always NULL */
    }
    (void)flow_free(router->flow);            /* always NULL */
    (void)link_context_free(router->link);    /* always NULL */
    (void)store_close(router->store);         /* always NULL */
    (void)digest_key_free(router->audit_key); /* always NULL */
    digest_wipe(router->name_key, sizeof(router->name_key));
    mem_free(router);
    context->state = NULL;
}

const struct program router_program = {.name = "router",
                                       .doc = "Decides what is in alert and who is told; owns the "
                                              "database.",
                                       .check = check,
                                       .start = start,
                                       .stepped = stepped,
                                       .end = end};
