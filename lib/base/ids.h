#ifndef LIB_BASE_IDS_H
#define LIB_BASE_IDS_H

#include <stdbool.h>
#include <stdint.h>

/* UUIDs (RFC 9562) from random bytes that the caller brings. */
enum {
    IDS_UUID_SIZE = 37,    /* text with its NUL */
    IDS_RANDOM_BYTES = 16, /* what one UUID needs */
};

/* A random UUID, version 4.
 * Shape:  random has IDS_RANDOM_BYTES, ret_text IDS_UUID_SIZE bytes.
 * Units:  none.
 * Owns:   the caller's buffer; returns ret_text.
 * Errors: none. */
const char *ids_uuid4(const uint8_t *random, char *ret_text);

/* A UUID that sorts by its time, version 7.
 * Shape:  as ids_uuid4; utc_ms 0 .. 2^48 - 1, held at these edges.
 * Units:  Unix ms, UTC.
 * Owns:   the caller's buffer; returns ret_text.
 * Errors: none. */
const char *ids_uuid7(int64_t utc_ms, const uint8_t *random, char *ret_text);

/* Whether text is a UUID in its usual form, of any version, in either case. Trivial. */
bool ids_is_uuid(const char *text);

/* A stable 64-bit number of a text, evenly spread: for jitter and splay, not for secrets.
 * Trivial. */
uint64_t ids_hash(const char *text);

#endif
