#ifndef NOTIFIERS_TRANSPORT_H
#define NOTIFIERS_TRANSPORT_H

#include <stdbool.h>

#include "notifiers/engine.h"

struct loop;

/* The real transport of an engine: lib/net on the process's loop, Maildirs on its disk. */
struct transport;

/* Make and free.
 * Shape:  is_demo: nothing but loopback may be reached. transport_free(NULL) is fine, returns NULL;
 *         what is in flight ends without a word.
 * Units:  real ms for one request; 0: lib/net's default.
 * Owns:   the caller frees, before the engine and the loop.
 * Errors: none. */
struct transport *transport_new(struct loop *loop, bool is_demo, int64_t timeout_ms);
struct transport *transport_free(struct transport *transport);

/* What an engine needs of it.
 * Trivial. */
struct engine_transport transport_ops(struct transport *transport);

#endif
