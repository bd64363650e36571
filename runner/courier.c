/* Talks to the router: says hello, sends results and heartbeats, hands on what it is told. It decides
 * nothing about results or runs. Called by runner.c. */
#include "runner/courier.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/sys/clock.h"
#include "lib/sys/config.h"
#include "lib/sys/file.h"
#include "lib/sys/log.h"
#include "lib/sys/loop.h"
#include "lib/sys/rng.h"
#include "proto/codec.h"
#include "proto/link/keys.h"
#include "proto/link/link.h"
#include "runner/publish.h"
#include "runner/spool.h"

enum {
    PULSE_MS = 1000,
    BLOCKED_MS = 20,
    HELLO_AGAIN_US = 10 * 1000 * 1000,
    STALL_US = 30 * 1000 * 1000, /* results on their way are sent again after this silence */
    PUBLIC_FILE_BYTES = 4096,
};

struct courier {
    struct loop *loop;
    const struct config *config;
    struct spool *spool;
    struct courier_ops ops;
    struct link_context *context; /* owned */
    struct link_client *client;   /* owned */
    struct publish publish;
    struct loop_timer *pulse;
    struct loop_timer *retry;
    uint64_t boot_id;
    char *set_aside; /* owned; NULL: nothing to tell */
    bool is_up;
    bool is_welcome;
    bool is_alone_told;
    int64_t heard_us; /* real: hello said, or something of the router about results */
    int64_t heartbeat_ms;
    int64_t heartbeat_utc_ms;
    int64_t healthy_utc_ms; /* when all was well with the router last */
};

static void check(struct courier *c, int rc, const struct err *err)
{
    if (rc != TC_OK) {
        c->ops.failed(c->ops.ctx, err);
    }
}

static int send_frames(struct courier *c, enum message_kind kind, const void *body)
{
    TC_CLEANUP(buf_freep) struct buf json;
    struct frames frames;
    struct err err = ERR_INIT;
    buf_init(&json, LIMIT_FRAME_BYTES);
    int rc = message_encode(kind, body, &json, &err);
    if (rc != TC_OK) {
        log_error("runner.link", "a message can't be made; type=%s cause=%s", message_type(kind),
                  err.text);
        return rc;
    }
    frames_set(&frames, kind, 0, 0, 0, &json);
    return link_client_send(c->client, &frames);
}

static int send_result(void *ctx, const struct spool_result *result)
{
    struct courier *c = ctx;
    TC_CLEANUP(buf_freep) struct buf json;
    struct frames frames;
    buf_init(&json, LIMIT_FRAME_BYTES);
    buf_add(&json, result->body, result->body_size);
    frames_set(&frames, MESSAGE_RESULT, result->seq, result->prev, result->monitor, &json);
    return link_client_send(c->client, &frames);
}

void courier_send(struct courier *courier)
{
    bool is_blocked = false;
    struct err err = ERR_INIT;
    check(courier, publish_send(&courier->publish, &is_blocked, &err), &err);
    if (is_blocked) {
        loop_timer_in(courier->retry, BLOCKED_MS);
    }
}

static void on_retry(void *ctx)
{
    (void)ctx; /* the end of this turn sends */
}

/* --- Hello and heartbeat ---------------------------------------------------------------------- */

static void say_hello(struct courier *c)
{
    struct spool_stats stats;
    struct err err = ERR_INIT;
    int rc = spool_stats(c->spool, &stats, &err);
    if (rc != TC_OK) {
        check(c, rc, &err);
        return;
    }
    struct message_runner_hello hello = {
        .protocol = MESSAGE_PROTOCOL,
        .version = TOCSIN_VERSION,
        .boot_id = c->boot_id,
        .spool_id = stats.id,
        .first = stats.first,
        .last = stats.first == 0 ? 0 : stats.last,
        .labels = {.text = "{}", .size = 2},
        .checks = {c->config->runner.allow.items, c->config->runner.allow.count},
        .concurrency = c->config->runner.concurrency,
        .set_aside = c->set_aside};
    if (c->config->runner.labels != NULL) {
        hello.labels = (struct message_json){.value = c->config->runner.labels};
    }
    c->is_welcome = false;
    c->heard_us = clock_mono_us(loop_clock(c->loop));
    (void)send_frames(c, MESSAGE_RUNNER_HELLO, &hello); /* without a welcome it is said again */
}

static void send_heartbeat(struct courier *c, int64_t now_utc_ms)
{
    struct spool_stats stats;
    struct err err = ERR_INIT;
    size_t running = 0;
    size_t queued = 0;
    int rc = spool_stats(c->spool, &stats, &err);
    if (rc != TC_OK) {
        check(c, rc, &err);
        return;
    }
    c->ops.counts(c->ops.ctx, &running, &queued);
    struct message_runner_heartbeat heartbeat = {.running = (int64_t)running,
                                                 .queued = (int64_t)queued,
                                                 .spool_count = (int64_t)stats.pending,
                                                 .spool_bytes = (uint64_t)stats.bytes,
                                                 .dropped = stats.dropped,
                                                 .now_utc_ms = now_utc_ms};
    c->heartbeat_utc_ms = now_utc_ms;
    (void)send_frames(c, MESSAGE_RUNNER_HEARTBEAT, &heartbeat); /* the next one follows */
}

/* Whether the router does its part: connected, and no result waits for its acknowledgement long. */
static void watch_health(struct courier *c, int64_t now_utc_ms)
{
    struct spool_stats stats;
    struct err err = ERR_INIT;
    int rc = spool_stats(c->spool, &stats, &err);
    if (rc != TC_OK) {
        check(c, rc, &err);
        return;
    }
    if (c->is_welcome && stats.pending == 0) {
        c->healthy_utc_ms = now_utc_ms;
    }
    if (now_utc_ms - c->healthy_utc_ms < c->config->runner.alone_after_ms) {
        c->is_alone_told = false;
    } else if (!c->is_alone_told) {
        c->is_alone_told = true;
        c->ops.alone(c->ops.ctx);
    }
}

/* Messages may get lost: hello and results are said again after a real while of silence. */
static void watch_silence(struct courier *c)
{
    int64_t now_us = clock_mono_us(loop_clock(c->loop));
    int64_t silence_us = now_us - c->heard_us;
    if (c->is_up && !c->is_welcome && silence_us >= HELLO_AGAIN_US) {
        say_hello(c);
    } else if (publish_on_way(&c->publish) == 0) {
        c->heard_us = c->is_welcome ? now_us : c->heard_us;
    } else if (silence_us >= STALL_US) {
        publish_again(&c->publish);
        c->heard_us = now_us;
    }
}

static void on_pulse(void *ctx)
{
    struct courier *c = ctx;
    int64_t now_utc_ms = loop_now_utc_ms(c->loop);
    loop_timer_in(c->pulse, PULSE_MS);
    watch_silence(c);
    int64_t since_ms = now_utc_ms - c->heartbeat_utc_ms;
    if (c->is_welcome && (since_ms < 0 || since_ms >= c->heartbeat_ms)) {
        send_heartbeat(c, now_utc_ms);
    }
    watch_health(c, now_utc_ms);
}

/* --- What the router says --------------------------------------------------------------------- */

static void on_welcome(struct courier *c, const struct message_runner_welcome *welcome)
{
    bool is_renewed = false;
    struct err err = ERR_INIT;
    int64_t now_utc_ms = loop_now_utc_ms(c->loop);
    int rc = publish_welcome(&c->publish, welcome, now_utc_ms, &is_renewed, &err);
    if (rc != TC_OK) {
        check(c, rc, &err);
        return;
    }
    if (is_renewed) {
        log_warn("runner.link",
                 "the router knows later results of this spool than it holds, as after a restored "
                 "disk: going on under a new spool id; mark=%" PRIu64,
                 welcome->mark);
        say_hello(c);
        return;
    }
    c->is_welcome = true;
    mem_free(c->set_aside);
    c->set_aside = NULL;
    c->heartbeat_ms = welcome->heartbeat_seconds * 1000;
    send_heartbeat(c, now_utc_ms);
    log_info("runner.link", "the router welcomes this runner; mark=%" PRIu64 " rank=%" PRId64,
             welcome->mark, welcome->spool_rank);
}

static void on_ack(struct courier *c, uint64_t seq, const struct message_ack *ack)
{
    struct err err = ERR_INIT;
    int64_t now_utc_ms = loop_now_utc_ms(c->loop);
    for (size_t i = 0; i < ack->refused_count; i++) {
        log_warn("runner.link", "the router refused a result; seq=%" PRIu64 " reason=%s",
                 ack->refused[i].seq, ack->refused[i].reason);
    }
    int rc = publish_ack(&c->publish, seq, now_utc_ms, &err);
    if (rc == TC_EPROTO) {
        log_warn("runner.link", "an acknowledgement was ignored; cause=%s", err.text);
        return;
    }
    check(c, rc, &err);
    c->healthy_utc_ms = now_utc_ms;
}

static void handle(struct courier *c, const struct message *m)
{
    struct err err = ERR_INIT;
    c->heard_us = clock_mono_us(loop_clock(c->loop));
    if (m->kind == MESSAGE_RUNNER_WELCOME) {
        on_welcome(c, &m->body.runner_welcome);
    } else if (m->kind == MESSAGE_ACK) {
        on_ack(c, m->seq, &m->body.ack);
    } else if (m->kind == MESSAGE_RESEND) {
        check(c, publish_resend(&c->publish, m->seq, loop_now_utc_ms(c->loop), &err), &err);
    } else if (m->kind == MESSAGE_ASSIGN) {
        c->ops.assign(c->ops.ctx, &m->body.assign);
    } else if (m->kind == MESSAGE_RUN) {
        c->ops.run(c->ops.ctx, m->monitor, m->body.run.request_id);
    } else if (m->kind == MESSAGE_RUNNER_ERROR) {
        log_warn("runner.link", "the router objects; code=%s text=%s about=%s", m->body.error.code,
                 m->body.error.message, m->body.error.about);
        if (str_eq(m->body.error.code, "hello_first")) {
            say_hello(c);
        }
    }
}

static void on_message(void *ctx, const struct frame *frames)
{
    struct courier *c = ctx;
    struct err err = ERR_INIT;
    TC_CLEANUP(message_freep) struct message message = {.seq = 0};
    if (message_decode(MESSAGE_RUNNER, false, frames, &message, &err) != TC_OK) {
        log_warn("runner.link", "a message of the router was ignored; cause=%s", err.text);
        return;
    }
    handle(c, &message);
}

static void on_state(void *ctx, enum link_state state, const char *detail)
{
    struct courier *c = ctx;
    c->is_up = state == LINK_UP;
    if (c->is_up) {
        log_info("runner.link", "connected to the router; detail=%s", detail);
        say_hello(c);
        return;
    }
    c->is_welcome = false;
    publish_down(&c->publish);
    log_warn("runner.link", "no connection to the router, results are kept; detail=%s", detail);
}

/* --- Making ----------------------------------------------------------------------------------- */

/* The router's public key: the "public <z85>" line of a file that holds no more. */
static int read_router_key(const char *path, char *ret_z85, struct err *err)
{
    static const char prefix[] = "public ";
    TC_CLEANUP(mem_freep) char *text = NULL;
    int rc = file_read(path, PUBLIC_FILE_BYTES, &text, NULL, err);
    if (rc != TC_OK) {
        return rc;
    }
    for (char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n' ? 1 : 0;
        if (!str_has_prefix(line, prefix)) {
            continue;
        }
        char *key = line + sizeof(prefix) - 1;
        key[strcspn(key, "\r\n \t")] = '\0';
        if (link_key_is_valid(key)) {
            return str_copy(ret_z85, LINK_KEY_TEXT, key);
        }
        break;
    }
    return err_set(err, TC_ECONFIG, "%s needs a line \"public <key>\" with the router's key", path);
}

static int connect_to_router(struct courier *c, struct err *err)
{
    struct link_key key;
    char router_z85[LINK_KEY_TEXT];
    TC_CLEANUP(mem_freep) char *own_path = file_join(c->config->keys.dir, "runner.key");
    TC_CLEANUP(mem_freep) char *router_path = file_join(c->config->keys.dir, "router.pub");
    int rc = link_key_read(own_path, &key, err);
    if (rc != TC_OK) {
        return rc;
    }
    rc = read_router_key(router_path, router_z85, err);
    if (rc == TC_OK) {
        rc = link_context_new(c->loop, &c->context, err);
    }
    if (rc == TC_OK) {
        struct link_client_options options = {.endpoint = c->config->runner.router,
                                              .key = &key,
                                              .server_key = router_z85,
                                              .on_message = on_message,
                                              .on_state = on_state,
                                              .ctx = c};
        rc = link_client_new(c->context, &options, &c->client, err);
    }
    link_key_wipe(&key);
    return rc;
}

int courier_new(struct loop *loop, const struct config *config, struct spool *spool,
                const struct courier_ops *ops, struct courier **ret_courier, struct err *err)
{
    struct courier *c = mem_alloc(sizeof(*c));
    c->loop = loop;
    c->config = config;
    c->spool = spool;
    c->ops = *ops;
    c->boot_id = rng_u64();
    c->publish = (struct publish){.spool = spool, .send = send_result, .ctx = c};
    c->healthy_utc_ms = loop_now_utc_ms(loop);
    c->pulse = loop_timer_new(loop, on_pulse, c);
    c->retry = loop_timer_new(loop, on_retry, c);
    loop_timer_in(c->pulse, PULSE_MS);
    int rc = connect_to_router(c, err);
    if (rc != TC_OK) {
        (void)courier_free(c); /* gives NULL */
        return rc;
    }
    *ret_courier = c;
    return TC_OK;
}

struct courier *courier_free(struct courier *courier)
{
    if (courier == NULL) {
        return NULL;
    }
    courier->client = link_client_free(courier->client);
    courier->context = link_context_free(courier->context);
    loop_timer_free(courier->loop, courier->pulse);
    loop_timer_free(courier->loop, courier->retry);
    mem_free(courier->set_aside);
    mem_free(courier);
    return NULL;
}

void courier_tell_damage(struct courier *courier, const char *set_aside)
{
    courier->set_aside = mem_strdup(set_aside);
}

void courier_set_config(struct courier *courier, const struct config *config)
{
    courier->config = config;
}
