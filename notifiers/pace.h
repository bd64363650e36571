#ifndef NOTIFIERS_PACE_H
#define NOTIFIERS_PACE_H

#include <stdint.h>

/* How fast requests may go to each destination: a token bucket, and a pause when the service asks
 * for one. Destinations are remembered by name and forgotten when they are at rest. */
struct pace;

/* Make and free.
 * Shape:  rate_per_minute and burst at least 1; pace_free(NULL) is fine and returns NULL.
 * Units:  requests a minute; requests.
 * Owns:   the caller frees.
 * Errors: none. */
struct pace *pace_new(int64_t rate_per_minute, int64_t burst);
struct pace *pace_free(struct pace *pace);

/* How long a request to a destination has to wait; 0: now.
 * Shape:  destination at most LIMIT_RECIPIENT_BYTES.
 * Units:  microseconds of a clock that never goes back; returns ms, rounded up.
 * Owns:   copies destination.
 * Errors: none. */
int64_t pace_wait_ms(struct pace *pace, const char *destination, int64_t now_us);

/* Count one request to a destination that need not wait.
 * Trivial. */
void pace_take(struct pace *pace, const char *destination, int64_t now_us);

/* Let nothing go to a destination for a while.
 * Shape:  a pause never shortens one that lasts longer.
 * Units:  ms; microseconds.
 * Owns:   copies destination.
 * Errors: none. */
void pace_pause(struct pace *pace, const char *destination, int64_t pause_ms, int64_t now_us);

#endif
