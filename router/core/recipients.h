#ifndef ROUTER_CORE_RECIPIENTS_H
#define ROUTER_CORE_RECIPIENTS_H

#include "lib/base/limits.h"
#include "router/core/types.h"

/* One entry of peopleToNotify, as a string: a bare address is email, else "channel:target". The
 * JSON around it is the shell's. */

enum {
    RECIPIENT_CHANNEL_BYTES = 32,
    RECIPIENT_ADDRESS_BYTES = 254, /* RFC 5321 4.5.3.1.3, without the angle brackets */
};

enum recipient_fault {
    RECIPIENT_FINE,
    RECIPIENT_EMPTY,
    RECIPIENT_TOO_LONG,
    RECIPIENT_BAD_CHANNEL, /* not [a-z][a-z0-9_-]* of at most 32 bytes */
    RECIPIENT_BAD_TARGET,  /* empty, white space at an end, control bytes, invalid UTF-8 */
    RECIPIENT_BAD_ADDRESS, /* an email target that is no address */
};

/* Parse, check and normalise one recipient to "channel:target": surrounding white space goes, the
 * channel and the domain of an address become lower case, all else stays as written.
 * Shape:  text need not be NUL-terminated; keeps_alert is not touched.
 * Units:  bytes.
 * Owns:   copies into ret_target, CORE_TARGET_BYTES.
 * Errors: the fault as a value; nothing is written then.
 * Source: SPEC 1.9. */
enum recipient_fault recipient_parse(const char *text, size_t size, char *ret_target);

/* What is wrong, as the end of a sentence ("has no channel of that form: ...").
 * Trivial. Source: SPEC 1.9. */
const char *recipient_fault_text(enum recipient_fault fault);

/* Whether an address can go into a mail's envelope: one @ with something on both sides, no white
 * space, control bytes, angle brackets, commas, semicolons, quotes or backslashes, at most 254 bytes.
 * Trivial. Source: SPEC 1.9. */
bool recipient_is_address(const char *text, size_t size);

/* The channel's part of a normalised target: its length in bytes; the target proper follows the
 * colon.
 * Trivial. Source: SPEC 1.9. */
size_t recipient_channel_size(const char *target);

/* Add a normalised target unless it is already there (same bytes).
 * Shape:  array of LIMIT_RECIPIENTS.
 * Units:  entries.
 * Owns:   copies.
 * Errors: TC_EEXIST, TC_ERANGE when the array is full.
 * Source: SPEC 1.9. */
int recipient_add(struct core_target *targets, size_t *count, const char *target, bool keeps_alert);

#endif
