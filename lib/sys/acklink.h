#ifndef LIB_SYS_ACKLINK_H
#define LIB_SYS_ACKLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/sys/digest.h"

/* Links to acknowledge (docs/spec.md 5.3). The last part of such a link is its token:
 *
 *     INCIDENT.EXPIRY.MAC        42.1795554062.9f86d081…
 *
 * incident and expiry (Unix seconds) as decimal numbers, the MAC as 64 lower-case hexadecimal digits:
 *
 *     HMAC-SHA-256(key, "ack" NUL INCIDENT NUL RECIPIENT NUL EXPIRY)
 *
 * RECIPIENT is "channel:target" as the incident's list of those told has it. It is in the MAC but not
 * in the token, so that no address stands in links and what logs them: who verifies tries those who
 * were told. Notifiers sign, the web process verifies, both with what stands here. */
enum {
    ACKLINK_KEYS_MAX = 2,
    ACKLINK_TOKEN_BYTES = 20 + 1 + 20 + 1 + 2 * DIGEST_BYTES + 1, /* with its NUL */
};

/* The first key signs; each of them verifies, so that links in mails outlive a change of keys. */
struct acklink_keys {
    size_t count;
    uint8_t keys[ACKLINK_KEYS_MAX][DIGEST_BYTES];
};

/* Keys from text: one or two lines of 64 hexadecimal digits.
 * Shape:  text NUL-terminated; ret_keys is to be wiped by the caller with acklink_keys_wipe.
 * Units:  none.
 * Owns:   copies.
 * Errors: TC_EPARSE with a sentence that holds nothing of the text. */
int acklink_keys_parse(const char *text, struct acklink_keys *ret_keys, struct err *err);

/* Keys by reference, as lib/sys/secret.h reads one.
 * Shape:  reference NULL: no keys, links are turned off.
 * Units:  none.
 * Owns:   as acklink_keys_parse.
 * Errors: as secret_load and acklink_keys_parse. */
int acklink_keys_load(const char *reference, const char *dir, struct acklink_keys *ret_keys,
                      struct err *err);

/* Overwrite keys. Trivial. */
void acklink_keys_wipe(struct acklink_keys *keys);

/* What a token says; whether it is true is acklink_is_signed's to tell. */
struct acklink {
    uint64_t incident_id;
    int64_t expires_utc_ms; /* whole seconds */
    uint8_t mac[DIGEST_BYTES];
};

/* Write the token for one recipient of one incident.
 * Shape:  keys->count is not 0; ret_token has ACKLINK_TOKEN_BYTES.
 * Units:  expires_utc_ms Unix ms, not before 1970; a fraction of a second is dropped.
 * Owns:   copies.
 * Errors: none. */
void acklink_sign(const struct acklink_keys *keys, uint64_t incident_id, const char *recipient,
                  int64_t expires_utc_ms, char *ret_token);

/* Read a token; only what acklink_sign could have written is one, so that none has two spellings.
 * Shape:  text NUL-terminated, of any size.
 * Units:  none.
 * Owns:   copies.
 * Errors: TC_EPARSE. */
int acklink_parse(const char *text, struct acklink *ret_link);

/* Whether one of the keys signed the link for this recipient; its expiry is the caller's to judge. Takes
 * the same time wherever the MAC differs.
 * Trivial. */
bool acklink_is_signed(const struct acklink *link, const struct acklink_keys *keys,
                       const char *recipient);

/* The name under which a recipient acknowledges: an address as it is, else "channel:target".
 * Shape:  a part of recipient.
 * Units:  none.
 * Owns:   borrowed.
 * Errors: none. */
const char *acklink_actor(const char *recipient);

#endif
