/* The ZeroMQ context and the gate in front of the router's sockets: a ZAP handler (RFC 27) that lets
 * in the keys of the allow-list, each to its role's socket. */
#include "proto/link/context.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/sys/clock.h"
#include "lib/sys/file.h"
#include "lib/sys/loop.h"
#include "proto/link/socket.h"

enum {
    ZAP_VERSION,
    ZAP_REQUEST,
    ZAP_DOMAIN,
    ZAP_ADDRESS,
    ZAP_IDENTITY,
    ZAP_MECHANISM,
    ZAP_KEY,
    ZAP_PARTS,
    ZAP_TEXT = 128,
    REREAD_MS = 1000,
    TELL_US = 1000000,
    FINGERPRINT = 8,
};

struct zap_request {
    char text[ZAP_PARTS][ZAP_TEXT];
    char key[LINK_KEY_TEXT];
    size_t count;
};

void context_refuse(struct link_context *context, struct link_refusal refusal)
{
    struct context_rate *rate = &context->rates[refusal.reason];
    int64_t now = clock_mono_us(loop_clock(context->loop));
    if (now < rate->next_us) {
        rate->suppressed++;
        return;
    }
    refusal.suppressed = rate->suppressed;
    *rate = (struct context_rate){.next_us = now + TELL_US};
    char key[FINGERPRINT + 1] = "";
    (void)snprintf(key, sizeof(key), "%s", refusal.key); /* cut on purpose */
    refusal.key = key;
    if (context->refused != NULL) {
        context->refused(context->ctx, &refusal);
    }
}

void context_name(struct link_context *context, char *ret_name, size_t size)
{
    (void)snprintf(ret_name, size, "inproc://monitor.%u", context->names++);
}

/* Take one ZAP request; a failure when none waits. */
static int zap_receive(void *zap, struct zap_request *ret_request)
{
    struct zap_request *r = ret_request;
    memset(r, 0, sizeof(*r));
    for (bool has_more = true; has_more; r->count++) {
        zmq_msg_t part;
        int rc = socket_receive_part(zap, &part);
        if (rc != TC_OK) {
            return rc;
        }
        has_more = zmq_msg_more(&part) != 0;
        size_t size = zmq_msg_size(&part);
        if (r->count == ZAP_KEY && size == 32) {
            (void)zmq_z85_encode(r->key, zmq_msg_data(&part), size); /* 32 divides by 4 */
        } else if (r->count < ZAP_PARTS && size < ZAP_TEXT) {
            memcpy(r->text[r->count], zmq_msg_data(&part), size);
        }
        (void)zmq_msg_close(&part); /* fails only for what is no message */
    }
    return TC_OK;
}

/* Metadata of the connection, so that each message tells the key it came by (RFC 27, RFC 23). */
static size_t zap_metadata(const char *key, uint8_t ret_bytes[static ZAP_TEXT])
{
    static const char name[] = "X-Key";
    uint32_t size = htonl(LINK_KEY_TEXT - 1);
    size_t at = 0;
    ret_bytes[at++] = sizeof(name) - 1;
    memcpy(ret_bytes + at, name, sizeof(name) - 1);
    at += sizeof(name) - 1;
    memcpy(ret_bytes + at, &size, sizeof(size));
    at += sizeof(size);
    memcpy(ret_bytes + at, key, LINK_KEY_TEXT - 1);
    return at + LINK_KEY_TEXT - 1;
}

static void zap_reply(void *zap, const struct zap_request *r, const struct allow_entry *entry)
{
    uint8_t metadata[ZAP_TEXT];
    char who[LIMIT_NAME_BYTES + 16] = "";
    size_t size = 0;
    if (entry != NULL) {
        (void)snprintf(who, sizeof(who), "%s:%s", message_role_name(entry->role), entry->name);
        size = zap_metadata(entry->key, metadata);
    }
    const char *parts[] = {"1.0", r->text[ZAP_REQUEST], entry != NULL ? "200" : "400",
                           entry != NULL ? "OK" : "not allowed", who};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        /* An answer that can't be sent leaves the handshake to its time limit. */
        (void)socket_send(zap, parts[i], strlen(parts[i]), ZMQ_SNDMORE);
    }
    (void)socket_send(zap, metadata, size, 0);
}

static const struct allow_entry *judge(struct link_context *c, const struct zap_request *r)
{
    struct link_refusal refusal = {.who = "", .key = r->key, .address = r->text[ZAP_ADDRESS]};
    const struct allow_entry *entry = NULL;
    if (r->count != ZAP_PARTS || !str_eq(r->text[ZAP_MECHANISM], "CURVE") || r->key[0] == '\0') {
        refusal.reason = LINK_NOT_CURVE;
        refusal.detail = "a peer without a key tried to connect";
    } else {
        entry = allow_find(&c->allow, r->key);
        refusal.reason = LINK_UNKNOWN_KEY;
        refusal.detail = "the allow-list does not have this key";
    }
    if (entry != NULL && !str_eq(message_role_name(entry->role), r->text[ZAP_DOMAIN])) {
        refusal.reason = LINK_WRONG_ROLE;
        refusal.who = entry->name;
        refusal.detail = "this key belongs to another role's socket";
        entry = NULL;
    }
    if (entry == NULL && !str_eq(r->key, c->probe)) {
        context_refuse(c, refusal);
    }
    return entry;
}

void context_gate(void *context)
{
    struct link_context *c = context;
    struct zap_request request;
    while (zap_receive(c->zap, &request) == TC_OK) {
        zap_reply(c->zap, &request, judge(c, &request));
    }
}

static void stamp_of(const char *path, int64_t ret_stamp[static 4])
{
    struct stat st;
    memset(&st, 0, sizeof(st));
    (void)stat(path, &st); /* a file that is gone reads as zeros, and then reading it tells why */
    ret_stamp[0] = (int64_t)st.st_dev;
    ret_stamp[1] = (int64_t)st.st_ino;
    ret_stamp[2] = (int64_t)st.st_size;
    ret_stamp[3] = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

static int allow_load(struct link_context *c, struct err *err)
{
    stamp_of(c->allow_path, c->allow_stamp);
    TC_CLEANUP(mem_freep) char *text = NULL;
    int rc = file_read(c->allow_path, LIMIT_CONFIG_BYTES, &text, NULL, err);
    struct allow allow = {NULL, 0};
    if (rc == TC_OK) {
        rc = allow_parse(text, &allow, err);
    }
    if (rc != TC_OK) {
        (void)err_ctx(err, "%s", c->allow_path);
        return TC_ECONFIG;
    }
    allow_free(&c->allow);
    c->allow = allow;
    return TC_OK;
}

static void reread(void *ctx)
{
    struct link_context *c = ctx;
    int64_t stamp[4];
    stamp_of(c->allow_path, stamp);
    if (memcmp(stamp, c->allow_stamp, sizeof(stamp)) != 0) {
        struct err err = ERR_INIT;
        if (allow_load(c, &err) != TC_OK) {
            context_refuse(c, (struct link_refusal){.reason = LINK_BAD_LIST,
                                                    .who = "",
                                                    .key = "",
                                                    .address = "",
                                                    .detail = err.text});
        }
    }
    loop_timer_in(c->reread, REREAD_MS);
}

int link_context_new(struct loop *loop, struct link_context **ret_context, struct err *err)
{
    struct link_context *c = mem_alloc(sizeof(*c));
    c->loop = loop;
    c->zmq = zmq_ctx_new();
    if (c->zmq == NULL) {
        link_context_free(c);
        (void)err_set(err, TC_EIO, "can't make a ZeroMQ context");
        return TC_EIO;
    }
    *ret_context = c;
    return TC_OK;
}

int link_context_new_gate(struct loop *loop, const char *allow_path, link_refused_fn refused,
                          void *ctx, struct link_context **ret_context, struct err *err)
{
    struct link_context *c = NULL;
    int rc = link_context_new(loop, &c, err);
    if (rc != TC_OK) {
        return rc;
    }
    c->refused = refused;
    c->ctx = ctx;
    c->allow_path = mem_strdup(allow_path);
    rc = allow_load(c, err);
    if (rc != TC_OK) {
        link_context_free(c);
        return rc;
    }
    c->zap = zmq_socket(c->zmq, ZMQ_REP);
    if (c->zap == NULL || zmq_bind(c->zap, "inproc://zeromq.zap.01") != 0) {
        link_context_free(c);
        return err_set(err, TC_EIO, "can't make the gate that checks keys");
    }
    socket_set_int(c->zap, ZMQ_LINGER, 0);
    c->zap_watch = loop_watch_socket(loop, c->zap, context_gate, c);
    c->reread = loop_timer_new(loop, reread, c);
    loop_timer_in(c->reread, REREAD_MS);
    *ret_context = c;
    return TC_OK;
}

struct link_context *link_context_free(struct link_context *context)
{
    if (context == NULL) {
        return NULL;
    }
    if (context->zap_watch != NULL) {
        loop_unwatch(context->loop, context->zap_watch);
        loop_timer_free(context->loop, context->reread);
    }
    context->zap = socket_close(context->zap);
    if (context->zmq != NULL) {
        (void)zmq_ctx_term(context->zmq); /* every socket is closed and none lingers */
    }
    allow_free(&context->allow);
    mem_free(context->allow_path);
    mem_free(context);
    return NULL;
}
