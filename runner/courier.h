#ifndef RUNNER_COURIER_H
#define RUNNER_COURIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct config;
struct loop;
struct message_assign;
struct spool;

/* The runner's side of the link to its router: hello, results, heartbeats, and what the router says.
 * It keeps nothing: what matters is in the spool. */
struct courier;

/* What the courier asks and tells. */
struct courier_ops {
    void (*assign)(void *ctx, const struct message_assign *assign);
    void (*run)(void *ctx, uint32_t monitor, const char *request_id);
    void (*counts)(void *ctx, size_t *ret_running, size_t *ret_queued);
    void (*failed)(void *ctx, const struct err *err); /* of the spool: the process must end */
    void (*alone)(void *ctx); /* no router for runner.alone_after, once a silence */
    void *ctx;
};

/* Make and free. Calls back from the loop.
 * Shape:  keys are read from keys.dir: runner.key, router.pub.
 * Units:  none.
 * Owns:   borrows loop, config and spool; copies ops; the caller frees (NULL is fine, returns NULL).
 * Errors: as link_key_read and link_client_new. */
int courier_new(struct loop *loop, const struct config *config, struct spool *spool,
                const struct courier_ops *ops, struct courier **ret_courier, struct err *err);
struct courier *courier_free(struct courier *courier);

/* Have the router told that the spool was damaged, and where it was set aside. Trivial. */
void courier_tell_damage(struct courier *courier, const char *set_aside);

/* Another configuration, after a reload; the address and keys stay. Trivial. */
void courier_set_config(struct courier *courier, const struct config *config);

/* Send what is committed and has room; at the end of each turn. Trivial. */
void courier_send(struct courier *courier);

#endif
