#ifndef NOTIFIERS_LINKS_H
#define NOTIFIERS_LINKS_H

#include <stdint.h>

#include "lib/base/limits.h"
#include "lib/sys/acklink.h"

struct channel;
struct notification;

/* Where the links of notifications lead: the pages of the web process, and the form to acknowledge,
 * which is signed for one recipient (lib/sys/acklink.h). */
struct links {
    const char *public_url;   /* borrowed; NULL: no links at all */
    struct acklink_keys keys; /* none: no links to acknowledge */
    int64_t expiry_ms;        /* of these, from the decision on */
};

enum {
    LINKS_BYTES = LIMIT_URL_BYTES + 32 + ACKLINK_TOKEN_BYTES,
};

/* The addresses of one notification. */
struct links_of {
    char monitor[LINKS_BYTES];
    char incident[LINKS_BYTES];
    char acknowledge[LINKS_BYTES];
};

/* Fill in the three links of a notification that has the others' members. Pure. An alert or a reminder
 * of an incident has one to acknowledge, unless the channel's service does that itself, or the link
 * would have expired before it is sent; so copies of a notification are equal as long as their link is
 * of use.
 * Shape:  channel is that of the notification's target.
 * Units:  Unix ms.
 * Owns:   notification borrows from ret_links.
 * Errors: none. */
void links_fill(const struct links *links, const struct channel *channel, int64_t now_utc_ms,
                struct links_of *ret_links, struct notification *notification);

#endif
