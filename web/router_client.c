/* Commands to the router and what comes back. No HTTP here; web/actions.c asks, web/events.c and
 * web/status.c listen. */
#include "web/router_client.h"

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/sys/clock.h"
#include "lib/sys/config.h"
#include "lib/sys/file.h"
#include "lib/sys/log.h"
#include "lib/sys/loop.h"
#include "proto/codec.h"
#include "proto/link/keys.h"
#include "proto/link/link.h"

enum {
    TICK_MS = 250,
};

struct waiting {
    uint64_t number; /* 0: free */
    int64_t until_us;
    router_reply_fn fn;
    void *ctx;
};

struct router_client {
    struct router_client_options options;
    struct link_context *context; /* owned */
    struct link_client *link;     /* owned */
    struct loop_timer *tick;      /* owned by the loop */
    bool is_linked;
    bool is_up;
    uint64_t number;
    struct waiting waiting[ROUTER_COMMANDS];
    struct message status; /* owned; the last */
    bool has_status;
    int64_t status_at_utc_ms;
};

static int64_t now_us(const struct router_client *client)
{
    return clock_mono_us(loop_clock(client->options.loop));
}

/* Free the place first: the function may send the next command. */
static void finish(struct waiting *waiting, const struct message_reply *reply)
{
    struct waiting done = *waiting;
    *waiting = (struct waiting){0};
    done.fn(done.ctx, reply);
}

static void tick(void *ctx)
{
    struct router_client *client = ctx;
    int64_t now = now_us(client);
    for (size_t i = 0; i < ROUTER_COMMANDS; i++) {
        if (client->waiting[i].number != 0 && client->waiting[i].until_us < now) {
            finish(&client->waiting[i], NULL);
        }
    }
    loop_timer_in(client->tick, TICK_MS);
}

static int send_message(struct router_client *client, enum message_kind kind, uint64_t number,
                        const void *body, struct err *err)
{
    struct frames frames;
    TC_CLEANUP(buf_freep) struct buf json;
    buf_init(&json, LIMIT_FRAME_BYTES);
    int status = message_encode(kind, body, &json, err);
    if (status != TC_OK) {
        return status;
    }
    frames_set(&frames, kind, number, 0, 0, &json);
    status = link_client_send(client->link, &frames);
    if (status != TC_OK) {
        return err_set(err, status, "the router can't be reached");
    }
    return TC_OK;
}

static void on_reply(struct router_client *client, const struct message *message)
{
    for (size_t i = 0; i < ROUTER_COMMANDS; i++) {
        if (client->waiting[i].number == message->seq && message->seq != 0) {
            finish(&client->waiting[i], &message->body.reply);
            return;
        }
    }
}

static void on_status(struct router_client *client, struct message *message)
{
    if (client->has_status) {
        message_free(&client->status);
    }
    client->status = *message;
    *message = (struct message){.kind = MESSAGE_PULSE}; /* taken */
    client->has_status = true;
    client->is_up = true;
    client->status_at_utc_ms = loop_now_utc_ms(client->options.loop);
    client->options.on_status(client->options.ctx);
}

static void on_message(void *ctx, const struct frame *frames)
{
    struct router_client *client = ctx;
    struct err err = ERR_INIT;
    TC_CLEANUP(message_freep) struct message message = {.kind = MESSAGE_PULSE};
    int status = message_decode(MESSAGE_WEB, false, frames, &message, &err);
    if (status != TC_OK) {
        log_warn("web.router", "a message of the router can't be read; cause=%s", err.text);
    } else if (message.kind == MESSAGE_REPLY) {
        on_reply(client, &message);
    } else if (message.kind == MESSAGE_STATUS) {
        on_status(client, &message);
    } else if (message.kind == MESSAGE_CHANGE) {
        client->options.on_change(client->options.ctx, &message.body.change);
    } else {
        log_warn("web.router", "the router refused a message; code=%s cause=%s",
                 message.body.error.code, message.body.error.message);
    }
}

static void on_state(void *ctx, enum link_state state, const char *detail)
{
    struct router_client *client = ctx;
    struct err err = ERR_INIT;
    client->is_linked = state == LINK_UP;
    if (!client->is_linked) {
        log_warn("web.router", "not connected to the router; detail=%s", detail);
        client->is_up = false;
        client->options.on_status(client->options.ctx);
        return;
    }
    log_info("web.router", "connected to the router; detail=%s", detail);
    struct message_web_hello hello = {.protocol = MESSAGE_PROTOCOL, .version = TOCSIN_VERSION};
    if (send_message(client, MESSAGE_WEB_HELLO, 0, &hello, &err) != TC_OK) {
        log_warn("web.router", "hello was not sent; cause=%s", err.text);
    }
}

static int connect_router(struct router_client *client, struct err *err)
{
    const struct config *config = client->options.config;
    char router_key[LINK_KEY_TEXT];
    struct link_key key;
    TC_CLEANUP(mem_freep) char *path = file_join(config->keys.dir, LINK_FILE_WEB);
    TC_CLEANUP(mem_freep) char *router_path = file_join(config->keys.dir, LINK_FILE_ROUTER_PUB);
    int status = link_key_read_public(router_path, router_key, err);
    if (status == TC_OK) {
        status = link_key_read(path, &key, err);
    }
    if (status == TC_OK) {
        status = link_context_new(client->options.loop, &client->context, err);
    }
    if (status != TC_OK) {
        return status;
    }
    struct link_client_options options = {
        .endpoint = config->web.router,
        .key = &key,
        .server_key = router_key,
        .on_message = on_message,
        .on_state = on_state,
        .ctx = client,
    };
    status = link_client_new(client->context, &options, &client->link, err);
    link_key_wipe(&key);
    return status;
}

int router_client_new(const struct router_client_options *options,
                      struct router_client **ret_client, struct err *err)
{
    struct router_client *client = mem_alloc(sizeof *client);
    client->options = *options;
    int status = connect_router(client, err);
    if (status != TC_OK) {
        (void)router_client_free(client); /* gives NULL */
        return status;
    }
    client->tick = loop_timer_new(options->loop, tick, client);
    loop_timer_in(client->tick, TICK_MS);
    *ret_client = client;
    return TC_OK;
}

struct router_client *router_client_free(struct router_client *client)
{
    if (client == NULL) {
        return NULL;
    }
    if (client->tick != NULL) {
        loop_timer_free(client->options.loop, client->tick);
    }
    (void)link_client_free(client->link); /* both give NULL */
    (void)link_context_free(client->context);
    if (client->has_status) {
        message_free(&client->status);
    }
    mem_free(client);
    return NULL;
}

bool router_client_is_up(const struct router_client *client)
{
    return client->is_up;
}

const struct message_status *router_client_status(const struct router_client *client,
                                                  int64_t *ret_at_utc_ms)
{
    *ret_at_utc_ms = client->status_at_utc_ms;
    return client->has_status ? &client->status.body.status : NULL;
}

int router_client_command(struct router_client *client, const struct message_command *command,
                          int64_t timeout_ms, router_reply_fn fn, void *ctx, struct err *err)
{
    struct waiting *place = NULL;
    for (size_t i = 0; i < ROUTER_COMMANDS && place == NULL; i++) {
        place = client->waiting[i].number == 0 ? &client->waiting[i] : NULL;
    }
    if (place == NULL) {
        return err_set(err, TC_ERANGE, "%d commands are under way already", ROUTER_COMMANDS);
    }
    if (!client->is_up) {
        return err_set(err, TC_EAGAIN, "the router can't be reached");
    }
    uint64_t number = client->number + 1;
    int status = send_message(client, MESSAGE_COMMAND, number, command, err);
    if (status != TC_OK) {
        return status;
    }
    client->number = number;
    *place = (struct waiting){
        .number = number, .until_us = now_us(client) + timeout_ms * 1000, .fn = fn, .ctx = ctx};
    return TC_OK;
}

void router_client_forget(struct router_client *client, const void *ctx)
{
    for (size_t i = 0; i < ROUTER_COMMANDS; i++) {
        if (client->waiting[i].number != 0 && client->waiting[i].ctx == ctx) {
            client->waiting[i] = (struct waiting){0};
        }
    }
}
