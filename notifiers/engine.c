/* One channel at work. Decides when a delivery is sent, never whether: that is the router's. Knows
 * no service: render and classify are the channel's, sockets are the transport's. */
#include "notifiers/engine.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/tz.h"
#include "lib/sys/clock.h"
#include "lib/sys/loop.h"
#include "notifiers/channel.h"
#include "notifiers/notification.h"
#include "notifiers/outcome.h"
#include "notifiers/pace.h"
#include "proto/codec.h"

enum {
    CREDIT = 32, /* deliveries at hand: enough to keep every connection busy */
    /* A credit message may cross deliveries sent on the credit before it, at most as many again. */
    JOBS_MAX = 2 * CREDIT,
    /* A delivery is leased for MESSAGE_LEASE_SECONDS and a request may take 20 s: who has to wait
     * longer than this goes back to the router. */
    HOLD_MS_MAX = 5000,
    HEARTBEAT_MS = MESSAGE_HEARTBEAT_SECONDS * 1000,
    STOPPING_RETRY_MS = 1000,
};

enum job_state {
    JOB_WAITING,
    JOB_SENDING,
    JOB_ENDED /* its outcome has not reached the router */
};

/* One delivery from its arrival until the router has its outcome. */
struct job {
    struct engine *engine; /* borrowed */
    enum job_state state;
    uint64_t id;
    char *target; /* owned: the destination whose pace it keeps */
    struct request request;
    struct outcome outcome; /* of JOB_ENDED */
    struct job *next;
};

struct engine {
    struct engine_options options;
    char *public_url;             /* owned: options.links.public_url */
    struct pace *pace;            /* owned */
    struct loop_timer *wake;      /* owned by the loop until freed here */
    struct loop_timer *heartbeat; /* likewise */
    struct job *jobs;             /* owned, oldest first */
    size_t job_count;
    size_t sending_count;
    bool is_welcome;
    bool is_pumping;
    void (*stopped)(void *ctx); /* not NULL: stopping */
    void *stopped_ctx;
};

static int64_t now_us(const struct engine *engine)
{
    return clock_mono_us(loop_clock(engine->options.loop));
}

static int send_message(struct engine *engine, enum message_kind kind, const struct job *job,
                        const void *body)
{
    const struct engine_router *router = &engine->options.router;
    return router->send(router->ctx, kind, job != NULL ? job->id : 0, body);
}

/* --- The router's side ------------------------------------------------------------------------ */

static int64_t credit_left(const struct engine *engine)
{
    bool is_full = engine->stopped != NULL || engine->job_count >= CREDIT;
    return is_full ? 0 : (int64_t)(CREDIT - engine->job_count);
}

static void send_credit(struct engine *engine)
{
    struct message_credit credit = {.credit = credit_left(engine)};
    if (engine->is_welcome) {
        (void)send_message(engine, MESSAGE_CREDIT, NULL, &credit); /* the next one says the same */
    }
}

static enum message_outcome_class class_of(enum outcome_class class)
{
    switch (class) {
    case OUTCOME_OK:
        return MESSAGE_OUTCOME_OK;
    case OUTCOME_RETRY:
        return MESSAGE_OUTCOME_RETRY;
    case OUTCOME_DEAD:
        return MESSAGE_OUTCOME_DEAD;
    }
    TC_UNREACHABLE();
}

static int send_outcome(struct engine *engine, const struct job *job)
{
    const struct outcome *o = &job->outcome;
    struct message_outcome outcome = {
        .class = class_of(o->class),
        .code = o->code,
        .reason = o->reason,
        .remote = o->remote,
        .provider_id = o->provider_id[0] != '\0' ? o->provider_id : NULL,
        .retry_after_ms = o->retry_after_ms > 0 ? o->retry_after_ms : 0,
        .is_throttle = o->is_throttle,
        .is_ambiguous = o->is_ambiguous,
    };
    return engine->is_welcome ? send_message(engine, MESSAGE_OUTCOME, job, &outcome) : TC_EAGAIN;
}

static void job_free(struct job *job)
{
    request_clear(&job->request);
    mem_free(job->target);
    mem_free(job);
}

/* Tell the router every outcome it does not have; what it can't take now waits for its welcome. */
static void flush(struct engine *engine)
{
    size_t before = engine->job_count;
    for (struct job **p = &engine->jobs; *p != NULL;) {
        struct job *job = *p;
        if (job->state != JOB_ENDED) {
            p = &job->next;
            continue;
        }
        if (send_outcome(engine, job) != TC_OK) {
            break;
        }
        *p = job->next;
        engine->job_count--;
        job_free(job);
    }
    if (engine->job_count != before) {
        send_credit(engine);
    }
    if (engine->stopped != NULL && engine->sending_count == 0) {
        void (*stopped)(void *ctx) = engine->stopped;
        engine->stopped = NULL;
        stopped(engine->stopped_ctx);
    }
}

/* --- The service's side ----------------------------------------------------------------------- */

static void end_job(struct job *job, enum outcome_class class, const char *reason)
{
    job->outcome = (struct outcome){.retry_after_ms = -1};
    outcome_set(&job->outcome, class, "%s", reason);
    job->state = JOB_ENDED;
}

static void pump(struct engine *engine);

static void on_done(void *ctx, const struct net_result *result)
{
    struct job *job = ctx;
    struct engine *engine = job->engine;
    struct outcome *outcome = &job->outcome;
    if (job->request.kind == REQUEST_HTTP) {
        outcome_of_http(result, outcome);
    } else {
        outcome_of_net(result, outcome);
    }
    engine->options.channel->classify(&job->request, result, outcome);
    if (outcome->class == OUTCOME_OK && outcome->provider_id[0] == '\0') {
        (void)snprintf(outcome->provider_id, sizeof outcome->provider_id, "%s",
                       job->request.provider_id);
    }
    if (outcome->is_throttle && outcome->retry_after_ms > 0) {
        pace_pause(engine->pace, job->target, outcome->retry_after_ms, now_us(engine));
    }
    job->state = JOB_ENDED;
    engine->sending_count--;
    pump(engine);
}

static void start_job(struct engine *engine, struct job *job)
{
    const struct engine_transport *transport = &engine->options.transport;
    struct err err = ERR_INIT;
    pace_take(engine->pace, job->target, now_us(engine));
    job->state = JOB_SENDING;
    engine->sending_count++;
    if (transport->start(transport->ctx, &job->request, on_done, job, &err) != TC_OK) {
        engine->sending_count--;
        end_job(job, OUTCOME_DEAD, err.text);
    }
}

static void give_back(struct job *job, int64_t wait_ms)
{
    end_job(job, OUTCOME_RETRY, "not sent yet: this destination takes no more for now");
    job->outcome.retry_after_ms = wait_ms;
    job->outcome.is_throttle = true;
}

/* Start what may start, oldest first; returns how long the next has to wait, -1: none waits. */
static int64_t start_jobs(struct engine *engine)
{
    int64_t next_ms = -1;
    for (struct job *job = engine->jobs; job != NULL; job = job->next) {
        if (job->state != JOB_WAITING) {
            continue;
        }
        int64_t wait_ms = pace_wait_ms(engine->pace, job->target, now_us(engine));
        if (wait_ms > HOLD_MS_MAX) {
            give_back(job, wait_ms);
        } else if (wait_ms > 0) {
            next_ms = next_ms < 0 || wait_ms < next_ms ? wait_ms : next_ms;
        } else if (engine->sending_count < engine->options.channel->concurrency) {
            start_job(engine, job);
        }
    }
    return next_ms;
}

/* A transport may call back at once, from inside start_jobs: the outer call then goes on. */
static void pump(struct engine *engine)
{
    if (engine->is_pumping) {
        return;
    }
    engine->is_pumping = true;
    int64_t wait_ms = start_jobs(engine);
    engine->is_pumping = false;
    if (wait_ms >= 0) {
        loop_timer_in(engine->wake, wait_ms);
    } else if (engine->sending_count < engine->options.channel->concurrency) {
        loop_timer_stop(engine->wake);
    }
    flush(engine);
}

static void on_wake(void *ctx)
{
    pump(ctx);
}

static void on_heartbeat(void *ctx)
{
    struct engine *engine = ctx;
    struct message_notifier_heartbeat heartbeat = {
        .sending = (int64_t)engine->sending_count,
        .now_utc_ms = loop_now_utc_ms(engine->options.loop),
    };
    if (engine->is_welcome) {
        (void)send_message(engine, MESSAGE_NOTIFIER_HEARTBEAT, NULL, &heartbeat); /* more follow */
        flush(engine);
        send_credit(engine);
    } else {
        engine_on_link(engine); /* its welcome may be lost */
    }
    loop_timer_in(engine->heartbeat, HEARTBEAT_MS);
}

/* --- Deliveries ------------------------------------------------------------------------------- */

static bool has_job(const struct engine *engine, uint64_t id)
{
    for (const struct job *job = engine->jobs; job != NULL; job = job->next) {
        if (job->id == id) {
            return true;
        }
    }
    return false;
}

static struct job *add_job(struct engine *engine, const struct message *message)
{
    struct job **end = &engine->jobs;
    struct job *job = mem_alloc(sizeof *job);
    job->engine = engine;
    job->id = message->seq;
    job->target = mem_strdup(message->body.deliver.target);
    request_init(&job->request);
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = job;
    engine->job_count++;
    return job;
}

static void render(struct engine *engine, const struct message *message, struct job *job)
{
    struct notification n;
    struct err err = ERR_INIT;
    struct links_of links;
    if (notification_from(&message->body.deliver, message->monitor, &n, &err) != TC_OK) {
        end_job(job, OUTCOME_DEAD, err.text);
        return;
    }
    if (tz_open(engine->options.zones, n.timezone, &n.zone, NULL) != TC_OK) {
        n.zone = NULL; /* UTC is always shown */
    }
    links_fill(&engine->options.links, engine->options.channel,
               loop_now_utc_ms(engine->options.loop), &links, &n);
    int status = engine->options.channel->render(&n, engine->options.settings, &job->request, &err);
    if (status != TC_OK) {
        end_job(job, OUTCOME_DEAD, err.text);
    } else if (job->request.body.err != TC_OK || job->request.url.err != TC_OK) {
        end_job(job, OUTCOME_DEAD, "the notification is too large for this channel");
    } else if (job->request.kind == REQUEST_NOTHING) {
        end_job(job, OUTCOME_OK, "nothing to send: this channel needs no word of it");
    }
}

static int on_deliver(struct engine *engine, const struct message *message, struct err *err)
{
    if (has_job(engine, message->seq)) {
        return TC_OK; /* leased again while we were cut off: its outcome is still to come */
    }
    if (engine->job_count >= JOBS_MAX) {
        return err_set(err, TC_EPROTO,
                       "a delivery came beyond the credit and is left to its lease");
    }
    struct job *job = add_job(engine, message);
    if (engine->stopped != NULL) {
        end_job(job, OUTCOME_RETRY, "not sent: the notifier is stopping");
        job->outcome.retry_after_ms = STOPPING_RETRY_MS;
    } else {
        render(engine, message, job);
    }
    pump(engine);
    return TC_OK;
}

int engine_on_message(struct engine *engine, const struct message *message, struct err *err)
{
    if (message->kind == MESSAGE_NOTIFIER_WELCOME) {
        engine->is_welcome = true;
        flush(engine);
        send_credit(engine);
        return TC_OK;
    }
    if (message->kind == MESSAGE_DELIVER || message->kind == MESSAGE_PROBE) {
        return on_deliver(engine, message, err);
    }
    if (message->kind == MESSAGE_NOTIFIER_ERROR &&
        str_eq(message->body.error.code, "hello_first")) {
        engine_on_link(engine);
        return TC_OK;
    }
    if (message->kind == MESSAGE_NOTIFIER_ERROR) {
        return err_set(err, TC_EPROTO, "the router refuses a message (%s): %s",
                       message->body.error.code, message->body.error.message);
    }
    return TC_OK; /* a pulse, which is for the watchdog */
}

void engine_on_link(struct engine *engine)
{
    struct message_notifier_hello hello = {
        .protocol = MESSAGE_PROTOCOL,
        .version = TOCSIN_VERSION,
        .channel = engine->options.channel->name,
        .credit = credit_left(engine),
    };
    engine->is_welcome = false;
    (void)send_message(engine, MESSAGE_NOTIFIER_HELLO, NULL,
                       &hello); /* a lost link comes up anew */
}

static void set_links(struct engine *engine, const struct links *links)
{
    char *public_url = mem_strdup(links->public_url);
    engine->options.links = *links;
    mem_free(engine->public_url);
    engine->public_url = public_url;
    engine->options.links.public_url = public_url;
}

void engine_set_settings(struct engine *engine, const struct json_value *settings,
                         const struct links *links)
{
    engine->options.settings = settings;
    set_links(engine, links);
}

void engine_stop(struct engine *engine, void (*fn)(void *ctx), void *ctx)
{
    engine->stopped = fn;
    engine->stopped_ctx = ctx;
    for (struct job *job = engine->jobs; job != NULL; job = job->next) {
        if (job->state == JOB_WAITING) {
            end_job(job, OUTCOME_RETRY, "not sent: the notifier is stopping");
            job->outcome.retry_after_ms = STOPPING_RETRY_MS;
        }
    }
    flush(engine);
}

size_t engine_count(const struct engine *engine)
{
    return engine->job_count;
}

struct engine *engine_new(const struct engine_options *options)
{
    struct engine *engine = mem_alloc(sizeof *engine);
    const struct channel *channel = options->channel;
    engine->options = *options;
    set_links(engine, &options->links);
    engine->pace = pace_new(channel->rate_per_minute, channel->burst);
    engine->wake = loop_timer_new(options->loop, on_wake, engine);
    engine->heartbeat = loop_timer_new(options->loop, on_heartbeat, engine);
    loop_timer_in(engine->heartbeat, HEARTBEAT_MS);
    return engine;
}

struct engine *engine_free(struct engine *engine)
{
    if (engine == NULL) {
        return NULL;
    }
    loop_timer_free(engine->options.loop, engine->wake);
    loop_timer_free(engine->options.loop, engine->heartbeat);
    while (engine->jobs != NULL) {
        struct job *job = engine->jobs;
        engine->jobs = job->next;
        job_free(job);
    }
    (void)pace_free(engine->pace); /* gives NULL */
    mem_free(engine->public_url);
    acklink_keys_wipe(&engine->options.links.keys);
    mem_free(engine);
    return NULL;
}
