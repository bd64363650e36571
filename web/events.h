#ifndef WEB_EVENTS_H
#define WEB_EVENTS_H

#include "lib/base/err.h"

struct message_change;
struct web;

/* Live viewers: everybody who holds /api/v1/events open. */
struct events;

/* Make and free; the viewers' requests are the server's.
 * Trivial. */
struct events *events_new(struct web *web);
struct events *events_free(struct events *events);

/* Pass news on.
 * Trivial. */
void events_on_status(struct events *events);
void events_on_change(struct events *events, const struct message_change *change);

#endif
