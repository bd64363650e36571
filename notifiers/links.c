/* The addresses behind a notification's links. Knows no channel and no layout. Called by engine.c before
 * it renders. */
#include "notifiers/links.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "notifiers/channel.h"
#include "notifiers/notification.h"

/* Whose link it is, as the incident's list of those told has it (docs/spec.md 1.3, 1.9). */
static void fill_acknowledge(const struct links *links, const char *channel, int size,
                             struct links_of *ret_links, struct notification *n)
{
    char token[ACKLINK_TOKEN_BYTES];
    char recipient[LIMIT_RECIPIENT_BYTES + 1];
    int length = snprintf(recipient, sizeof recipient, "%s:%s", channel, n->target);
    /* A name that no command can carry has no link: it could not acknowledge. */
    if (length < 0 || (size_t)length >= sizeof recipient ||
        strlen(acklink_actor(recipient)) > LIMIT_NAME_BYTES) {
        return;
    }
    acklink_sign(&links->keys, n->incident_id, recipient, n->decided_utc_ms + links->expiry_ms,
                 token);
    (void)snprintf(ret_links->acknowledge, LINKS_BYTES, "%.*s/ack/%s", size, links->public_url,
                   token); /* fits: the address has a limit */
    n->acknowledge_url = ret_links->acknowledge;
}

void links_fill(const struct links *links, const struct channel *channel, int64_t now_utc_ms,
                struct links_of *ret_links, struct notification *notification)
{
    struct notification *n = notification;
    size_t length = links->public_url == NULL ? 0 : strlen(links->public_url);
    if (length == 0 || length > LIMIT_URL_BYTES) {
        return;
    }
    while (length > 1 &&
           links->public_url[length - 1] == '/') { /* "https://host/" is the same place */
        length--;
    }
    int size = (int)length;
    (void)snprintf(ret_links->monitor, LINKS_BYTES, "%.*s/monitors/%" PRIu32, size,
                   links->public_url, n->monitor_id); /* these fit as well */
    n->monitor_url = ret_links->monitor;
    if (n->incident_id == 0) {
        return;
    }
    (void)snprintf(ret_links->incident, LINKS_BYTES, "%.*s/incidents/%" PRIu64, size,
                   links->public_url, n->incident_id);
    n->incident_url = ret_links->incident;
    bool is_late = n->decided_utc_ms < 0 || n->decided_utc_ms + links->expiry_ms <= now_utc_ms;
    if (links->keys.count > 0 && !channel->acknowledges_itself && notification_is_failing(n) &&
        !is_late) {
        fill_acknowledge(links, channel->name, size, ret_links, n);
    }
}
