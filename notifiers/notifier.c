/* One notifier process, put together: settings, transport, engine, link. No rule of any channel and
 * no word of any message; main.c hands these steps to the program shell. */
#include "notifiers/notifier.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/base/tz.h"
#include "lib/sys/config.h"
#include "lib/sys/file.h"
#include "lib/sys/log.h"
#include "lib/sys/loop.h"
#include "lib/sys/program.h"
#include "notifiers/channel.h"
#include "notifiers/engine.h"
#include "notifiers/settings.h"
#include "notifiers/transport.h"
#include "proto/codec.h"
#include "proto/link/keys.h"
#include "proto/link/link.h"

enum {
    PATH_BYTES = 128,
    CHANNELS_MAX = 32,
};

struct notifier {
    struct program_context *context;   /* borrowed */
    const struct channel *channel;     /* borrowed */
    struct json *settings;             /* owned, secrets inside */
    struct tz_cache *zones;            /* owned */
    struct transport *transport;       /* owned */
    struct engine *engine;             /* owned */
    struct link_context *link_context; /* owned */
    struct link_client *link;          /* owned */
};

const struct config_section *notifier_sections(void)
{
    static struct config_section sections[CHANNELS_MAX + 1];
    static char paths[CHANNELS_MAX][PATH_BYTES];
    size_t count = 0;
    for (const struct channel *const *p = channel_all(); *p != NULL; p++) {
        TC_ASSERT(count < CHANNELS_MAX);
        (void)snprintf(paths[count], PATH_BYTES, "channels.%s", (*p)->name);
        sections[count] = (struct config_section){.path = paths[count], .rules = (*p)->rules};
        count++;
    }
    return sections;
}

/* --- Settings --------------------------------------------------------------------------------- */

static int find_section(const struct channel *channel, const struct config *config, char *ret_path,
                        const struct json_value **ret_section, struct err *err)
{
    (void)snprintf(ret_path, PATH_BYTES, "channels.%s", channel->name); /* names are short */
    *ret_section = config_at(config, ret_path);
    if (*ret_section == NULL) {
        return err_set(err, TC_ECONFIG, "%s: %s is missing: this notifier has nothing to send with",
                       config->file, ret_path);
    }
    return TC_OK;
}

static int load_settings(const struct channel *channel, const struct config *config,
                         struct json **ret_settings, struct err *err)
{
    char path[PATH_BYTES];
    TC_CLEANUP(json_freep) struct json *settings = NULL;
    const struct json_value *section = NULL;
    int status = find_section(channel, config, path, &section, err);
    if (status != TC_OK) {
        return status;
    }
    status = settings_resolve(channel->rules, section, config->dir, path, &settings, err);
    if (status == TC_OK && channel->check != NULL) {
        status = channel->check(json_root(settings), err);
    }
    if (status != TC_OK) {
        return config_locate(config, err);
    }
    *ret_settings = TC_TAKE_PTR(settings);
    return TC_OK;
}

/* Links are a convenience: a key that can't be read takes them away, never the notifications. */
static void load_links(const struct config *config, struct links *ret_links)
{
    struct err err = ERR_INIT;
    *ret_links = (struct links){.public_url = config->web.public_url,
                                .expiry_ms = config->notifier.link_expiry_ms};
    if (acklink_keys_load(config->keys.link, config->dir, &ret_links->keys, &err) != TC_OK) {
        log_error("notifier.links",
                  "keys.link can't be used, notifications have no link to acknowledge; cause=%s",
                  err.text);
    }
}

static int find_channel(const char *name, const struct channel **ret_channel, struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf known;
    buf_init(&known, ERR_TEXT_MAX);
    *ret_channel = channel_find(name);
    for (const struct channel *const *p = channel_all(); *p != NULL; p++) {
        buf_add_fmt(&known, "%s%s", known.len == 0 ? "" : ", ", (*p)->name);
    }
    return *ret_channel != NULL
               ? TC_OK
               : err_set(err, TC_ECONFIG, "channels.%s: there is no such channel; there are %s",
                         name, known.p);
}

/* The rules of a channel look at secrets as well: they count only where all of these can be read. */
int notifier_check(struct program_context *context, struct err *err)
{
    char path[PATH_BYTES];
    const struct config *config = context->config;
    const struct channel *channel = NULL;
    const struct json_value *section = NULL;
    TC_CLEANUP(json_freep) struct json *settings = NULL;
    if (find_channel(context->operands[0], &channel, err) != TC_OK) {
        return config_locate(config, err);
    }
    int status = find_section(channel, config, path, &section, err);
    if (status != TC_OK) {
        return status;
    }
    status = settings_resolve(channel->rules, section, config->dir, path, NULL, err);
    bool is_known = status == TC_OK && settings_resolve(channel->rules, section, config->dir, path,
                                                        &settings, NULL) == TC_OK;
    if (is_known && channel->check != NULL) {
        status = channel->check(json_root(settings), err);
    }
    return status == TC_OK ? TC_OK : config_locate(config, err);
}

void notifier_reload(struct program_context *context)
{
    struct notifier *notifier = context->state;
    struct json *settings = NULL;
    struct err err = ERR_INIT;
    if (load_settings(notifier->channel, context->config, &settings, &err) != TC_OK) {
        log_error("notifier.reload", "new settings are unusable, the old ones stay; cause=%s",
                  err.text);
        return;
    }
    struct links links;
    load_links(context->config, &links);
    engine_set_settings(notifier->engine, json_root(settings), &links);
    acklink_keys_wipe(&links.keys);
    (void)json_free(notifier->settings); /* gives NULL; requests in flight hold none of it */
    notifier->settings = settings;
}

/* --- Link ------------------------------------------------------------------------------------- */

static int send_to_router(void *ctx, enum message_kind kind, uint64_t seq, const void *body)
{
    struct notifier *notifier = ctx;
    struct frames frames;
    struct err err = ERR_INIT;
    TC_CLEANUP(buf_freep) struct buf json;
    buf_init(&json, LIMIT_FRAME_BYTES);
    int status = message_encode(kind, body, &json, &err);
    if (status != TC_OK) {
        log_error("notifier.send", "a message can't be written; type=%s cause=%s",
                  message_type(kind), err.text);
        return status;
    }
    frames_set(&frames, kind, seq, 0, 0, &json);
    status = link_client_send(notifier->link, &frames);
    if (status == TC_OK && kind == MESSAGE_OUTCOME) {
        program_progress(notifier->context);
    }
    return status;
}

static void on_message(void *ctx, const struct frame *frames)
{
    struct notifier *notifier = ctx;
    struct err err = ERR_INIT;
    TC_CLEANUP(message_freep) struct message message = {.kind = MESSAGE_PULSE};
    int status = message_decode(MESSAGE_NOTIFIER, false, frames, &message, &err);
    if (status == TC_OK && message.kind == MESSAGE_NOTIFIER_WELCOME) {
        program_ready(notifier->context);
    }
    if (status == TC_OK) {
        status = engine_on_message(notifier->engine, &message, &err);
    }
    if (status != TC_OK) {
        log_warn("notifier.receive", "a message of the router was not acted on; cause=%s",
                 err.text);
    }
}

static void on_state(void *ctx, enum link_state state, const char *detail)
{
    struct notifier *notifier = ctx;
    if (state == LINK_UP) {
        log_info("notifier.link", "connected to the router; detail=%s", detail);
        engine_on_link(notifier->engine);
    } else {
        log_warn("notifier.link", "not connected to the router; detail=%s", detail);
    }
}

static int connect_router(struct notifier *notifier, struct err *err)
{
    const struct config *config = notifier->context->config;
    char name[PATH_BYTES];
    char router_key[LINK_KEY_TEXT];
    struct link_key key;
    (void)snprintf(name, sizeof name, LINK_FILE_NOTIFIER, notifier->channel->name);
    TC_CLEANUP(mem_freep) char *path = file_join(config->keys.dir, name);
    TC_CLEANUP(mem_freep) char *router_path = file_join(config->keys.dir, LINK_FILE_ROUTER_PUB);
    int status = link_key_read_public(router_path, router_key, err);
    if (status == TC_OK) {
        status = link_key_read(path, &key, err);
    }
    if (status == TC_OK) {
        status = link_context_new(notifier->context->loop, &notifier->link_context, err);
    }
    if (status != TC_OK) {
        return status;
    }
    struct link_client_options options = {
        .endpoint = config->notifier.router,
        .key = &key,
        .server_key = router_key,
        .on_message = on_message,
        .on_state = on_state,
        .ctx = notifier,
    };
    status = link_client_new(notifier->link_context, &options, &notifier->link, err);
    link_key_wipe(&key);
    return status;
}

/* --- Life ------------------------------------------------------------------------------------- */

int notifier_start(struct program_context *context, struct err *err)
{
    const struct config *config = context->config;
    const struct channel *channel = NULL;
    if (find_channel(context->operands[0], &channel, err) != TC_OK) {
        return config_locate(config, err);
    }
    struct notifier *notifier = mem_alloc(sizeof *notifier);
    context->state = notifier;
    notifier->context = context;
    notifier->channel = channel;
    int status = load_settings(channel, config, &notifier->settings, err);
    if (status != TC_OK) {
        return status;
    }
    notifier->zones = tz_cache_new(NULL);
    notifier->transport =
        transport_new(context->loop, config->is_demo, config->notifier.timeout_ms);
    struct engine_options options = {
        .loop = context->loop,
        .channel = channel,
        .settings = json_root(notifier->settings),
        .zones = notifier->zones,
        .router = {.send = send_to_router, .ctx = notifier},
        .transport = transport_ops(notifier->transport),
    };
    load_links(config, &options.links);
    notifier->engine = engine_new(&options);
    acklink_keys_wipe(&options.links.keys);
    return connect_router(notifier, err);
}

static void end_loop(void *ctx)
{
    struct notifier *notifier = ctx;
    loop_stop(notifier->context->loop, 0);
}

void notifier_stop(struct program_context *context)
{
    struct notifier *notifier = context->state;
    engine_stop(notifier->engine, end_loop, notifier);
}

void notifier_end(struct program_context *context)
{
    struct notifier *notifier = context->state;
    if (notifier == NULL) {
        return;
    }
    notifier->link = link_client_free(notifier->link);
    notifier->link_context = link_context_free(notifier->link_context);
    notifier->transport = transport_free(notifier->transport);
    notifier->engine = engine_free(notifier->engine);
    notifier->zones = tz_cache_free(notifier->zones);
    notifier->settings = json_free(notifier->settings);
    mem_free(notifier);
    context->state = NULL;
}
