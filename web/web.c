/* tocsin-web put together: router, store, server. No route and no rule; main.c hands it to the shell. */
#include "web/web.h"

#include "lib/base/cleanup.h"
#include "lib/sys/config.h"
#include "lib/sys/file.h"
#include "lib/sys/log.h"
#include "lib/sys/loop.h"
#include "lib/sys/program.h"
#include "lib/sys/secret.h"
#include "web/call.h"
#include "web/events.h"
#include "web/http_server.h"
#include "web/router_client.h"
#include "web/routes.h"

enum {
    CERT_BYTES = 256 * 1024,
    PROGRESS_MS = 5 * 1000,
};

struct process {
    struct web web;
    struct http_server *server; /* owned */
    struct loop_timer *progress;
    struct program_context *context; /* borrowed */
};

static void on_status(void *ctx)
{
    struct process *process = ctx;
    if (process->web.events != NULL) {
        events_on_status(process->web.events);
    }
}

static void on_change(void *ctx, const struct message_change *change)
{
    struct process *process = ctx;
    if (process->web.events != NULL) {
        events_on_change(process->web.events, change);
    }
}

static void progress(void *ctx)
{
    struct process *process = ctx;
    program_progress(process->context); /* the loop turns, which is all that others rely on here */
    loop_timer_in(process->progress, PROGRESS_MS);
}

static int start_server(struct process *process, struct err *err)
{
    const struct config *config = process->web.config;
    TC_CLEANUP(mem_freep) char *cert = NULL;
    TC_CLEANUP(secret_freep) struct secret *key = NULL;
    struct http_options options = {.listen = config->web.listen,
                                   .connections = config->web.connections,
                                   .on_request = routes_serve,
                                   .ctx = &process->web};
    if ((config->web.tls_cert == NULL) != (config->web.tls_key == NULL)) {
        return err_set(err, TC_ECONFIG, "web: tls_cert and tls_key belong together");
    }
    if (config->web.tls_cert != NULL) {
        int status = file_read(config->web.tls_cert, CERT_BYTES, &cert, NULL, err);
        if (status == TC_OK) {
            status = secret_load(config->web.tls_key, config->dir, &key, err);
        }
        if (status != TC_OK) {
            return status;
        }
        options.tls_cert = cert;
        options.tls_key = secret_bytes(key);
    }
    return http_server_new(process->web.loop, &options, &process->server, err);
}

static int check(struct program_context *context, struct err *err)
{
    const struct config *config = context->config;
    TC_CLEANUP(mem_freep) char *cert = NULL;
    const char *key = "web.tls_cert";
    if (config->web.tls_cert == NULL) {
        return TC_OK;
    }
    int status = file_read(config->web.tls_cert, CERT_BYTES, &cert, NULL, err);
    if (status == TC_OK) {
        key = "web.tls_key";
        status = secret_check(config->web.tls_key, config->dir, err);
    }
    if (status != TC_OK) {
        (void)err_ctx(err, "%s", key); /* located by the return */
        return config_locate(config, err);
    }
    return TC_OK;
}

static int start(struct program_context *context, struct err *err)
{
    struct process *process = mem_alloc(sizeof *process);
    struct web *web = &process->web;
    context->state = process;
    process->context = context;
    web->loop = context->loop;
    web->config = context->config;
    routes_check();
    struct router_client_options options = {.loop = context->loop,
                                            .config = context->config,
                                            .on_status = on_status,
                                            .on_change = on_change,
                                            .ctx = process};
    int status = router_client_new(&options, &web->router, err);
    if (status != TC_OK) {
        return status;
    }
    web->gate = gate_new(context->config);
    web->events = events_new(web);
    status = start_server(process, err);
    if (status != TC_OK) {
        return status;
    }
    if (web_store(web) == NULL) {
        log_warn("web.store", "the database can't be read yet; cause=%s", web->store_problem);
    }
    process->progress = loop_timer_new(context->loop, progress, process);
    loop_timer_in(process->progress, 0);
    log_info("web.start", "serving; listen=%s", context->config->web.listen);
    program_ready(context);
    return TC_OK;
}

static void end(struct program_context *context)
{
    struct process *process = context->state;
    if (process == NULL) {
        return;
    }
    struct web *web = &process->web;
    process->server = http_server_free(process->server); /* tells open requests first */
    web->events = events_free(web->events);
    web->router = router_client_free(web->router);
    web->gate = gate_free(web->gate);
    web->store = store_close(web->store);
    mem_free(process);
    context->state = NULL;
}

const struct program web_program = {
    .name = "web",
    .doc = "Serve the API, the page and the metrics.",
    .check = check,
    .start = start,
    .end = end,
};
