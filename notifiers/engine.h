#ifndef NOTIFIERS_ENGINE_H
#define NOTIFIERS_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/net/net.h"
#include "notifiers/links.h"
#include "proto/messages.h"

struct channel;
struct json_value;
struct loop;
struct message;
struct request;
struct tz_cache;

/* One channel at work: takes deliveries within its credit, lets the channel render them, keeps to
 * the service's pace, starts requests, tells the router what became of each. */
struct engine;

/* Towards the router. send returns TC_EAGAIN when the link can't take the message now: outcomes are
 * kept and sent again after the next welcome. */
struct engine_router {
    int (*send)(void *ctx, enum message_kind kind, uint64_t seq, const void *body);
    void *ctx;
};

/* Towards the service: start a request; done runs once, later or at once, with what came of it. */
struct engine_transport {
    int (*start)(void *ctx, const struct request *request, net_done_fn done, void *done_ctx,
                 struct err *err);
    void *ctx;
};

struct engine_options {
    struct loop *loop;                 /* borrowed */
    const struct channel *channel;     /* borrowed */
    const struct json_value *settings; /* borrowed, secrets filled in */
    struct links links;                /* copied, its address and keys as well */
    struct tz_cache *zones;            /* borrowed */
    struct engine_router router;
    struct engine_transport transport;
};

/* Make and free an engine.
 * Shape:  engine_free(NULL) is fine and returns NULL; the transport must be freed before, so that
 *         nothing in flight calls back.
 * Units:  none.
 * Owns:   the caller frees; options are copied.
 * Errors: none. */
struct engine *engine_new(const struct engine_options *options);
struct engine *engine_free(struct engine *engine);

/* The link is up: say hello. Trivial. */
void engine_on_link(struct engine *engine);

/* A message of the router.
 * Shape:  decoded; borrowed during the call.
 * Units:  none.
 * Owns:   copies what it needs.
 * Errors: TC_EPROTO with a sentence when the message can't be acted on; the caller logs it. */
int engine_on_message(struct engine *engine, const struct message *message, struct err *err);

/* Take new settings and links for what is rendered from now on.
 * Shape:  as in the options.
 * Units:  none.
 * Owns:   borrows settings, copies links.
 * Errors: none. */
void engine_set_settings(struct engine *engine, const struct json_value *settings,
                         const struct links *links);

/* Take nothing new, give back what has not begun, and call fn once when nothing is in flight.
 * Trivial. */
void engine_stop(struct engine *engine, void (*fn)(void *ctx), void *ctx);

/* Deliveries accepted and not yet answered. Trivial. */
size_t engine_count(const struct engine *engine);

#endif
