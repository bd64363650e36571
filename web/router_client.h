#ifndef WEB_ROUTER_CLIENT_H
#define WEB_ROUTER_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "proto/messages.h"

struct config;
struct loop;

/* The web process's end of the line to the router: commands with their replies, the last status,
 * hints of change. A command always ends: by its reply, or by its time limit. */
struct router_client;

enum {
    ROUTER_COMMANDS = 256, /* under way at a time */
};

struct router_client_options {
    struct loop *loop;
    const struct config *config;
    void (*on_status)(void *ctx);                                      /* also up and down */
    void (*on_change)(void *ctx, const struct message_change *change); /* borrowed */
    void *ctx;
};

/* reply NULL: the router did not answer in time. */
typedef void (*router_reply_fn)(void *ctx, const struct message_reply *reply);

/* Connect and keep connecting; end.
 * Shape:  keys.dir holds web.key and router.pub.
 * Units:  none.
 * Owns:   the caller frees (NULL is fine; returns NULL); open commands are forgotten.
 * Errors: TC_ECONFIG, TC_ENOENT, TC_EPERM for keys and address. */
int router_client_new(const struct router_client_options *options,
                      struct router_client **ret_client, struct err *err);
struct router_client *router_client_free(struct router_client *client);

/* Whether the router is connected and has said how it is.
 * Trivial. */
bool router_client_is_up(const struct router_client *client);

/* What it said last, also when it is gone since; NULL: nothing yet.
 * Shape:  valid until the next turn of the loop.
 * Units:  ret_at_utc_ms Unix ms.
 * Owns:   borrowed.
 * Errors: none. */
const struct message_status *router_client_status(const struct router_client *client,
                                                  int64_t *ret_at_utc_ms);

/* Send a command.
 * Shape:  fn is called once, later, unless the command is forgotten before.
 * Units:  real ms.
 * Owns:   copies the command; borrows ctx.
 * Errors: TC_EAGAIN the router is not there, TC_ERANGE too many under way or too large. */
int router_client_command(struct router_client *client, const struct message_command *command,
                          int64_t timeout_ms, router_reply_fn fn, void *ctx, struct err *err);

/* Nobody waits any more for what was sent with ctx. Trivial. */
void router_client_forget(struct router_client *client, const void *ctx);

#endif
