/* Tokens of links to acknowledge: signing, reading, verifying. Reads no clock and no row: who may
 * acknowledge what, and when, is decided by web/ack.c. Called by notifiers/engine.c, web/ack.c and doctor. */
#include "lib/sys/acklink.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/base/limits.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/sys/secret.h"

enum {
    KEY_DIGITS = 2 * DIGEST_BYTES,
    SIGNED_BYTES_MAX = 64 + LIMIT_RECIPIENT_BYTES,
    MS_PER_SECOND = 1000,
};
#define EXPIRES_S_MAX (INT64_MAX / MS_PER_SECOND)

/* --- Keys -------------------------------------------------------------------------------------- */

int acklink_keys_parse(const char *text, struct acklink_keys *ret_keys, struct err *err)
{
    struct acklink_keys keys = {0};
    int code = TC_OK;
    for (const char *line = text; code == TC_OK && *line != '\0';) {
        char digits[KEY_DIGITS + 1];
        size_t size = strcspn(line, "\n");
        size_t end = size;
        end -= end > 0 && line[end - 1] == '\r' ? 1 : 0;
        bool fits = end == KEY_DIGITS && keys.count < ACKLINK_KEYS_MAX;
        (void)snprintf(digits, sizeof(digits), "%.*s", fits ? KEY_DIGITS : 0, line); /* it fits */
        code = fits ? hex_decode(digits, DIGEST_BYTES, keys.keys[keys.count]) : TC_EPARSE;
        digest_wipe(digits, sizeof(digits));
        keys.count++;
        line += size + (line[size] == '\n' ? 1 : 0);
    }
    if (code != TC_OK || keys.count == 0) {
        acklink_keys_wipe(&keys);
        return err_set(
            err, TC_EPARSE,
            "a key that signs links is one line of %d hexadecimal digits; while keys are "
            "changed, two such lines: the new one, then the old one",
            KEY_DIGITS);
    }
    *ret_keys = keys;
    acklink_keys_wipe(&keys);
    return TC_OK;
}

int acklink_keys_load(const char *reference, const char *dir, struct acklink_keys *ret_keys,
                      struct err *err)
{
    TC_CLEANUP(secret_freep) struct secret *secret = NULL;
    if (reference == NULL) {
        *ret_keys = (struct acklink_keys){0};
        return TC_OK;
    }
    int code = secret_load(reference, dir, &secret, err);
    if (code != TC_OK) {
        return code;
    }
    code = acklink_keys_parse(secret_bytes(secret), ret_keys, err);
    if (code != TC_OK) {
        (void)err_ctx(err, "secret %s", reference); /* the code is returned below */
    }
    return code;
}

void acklink_keys_wipe(struct acklink_keys *keys)
{
    digest_wipe(keys, sizeof(*keys));
}

/* --- Tokens ------------------------------------------------------------------------------------ */

/* The numbers hold no NUL and neither does a recipient, so no two triples give the same bytes. */
static void make_mac(const uint8_t *key, const struct acklink *link, const char *recipient,
                     uint8_t *ret_mac)
{
    TC_CLEANUP(buf_freep) struct buf bytes;
    buf_init(&bytes, SIGNED_BYTES_MAX);
    buf_add_str(&bytes, "ack");
    buf_add_char(&bytes, '\0');
    buf_add_fmt(&bytes, "%" PRIu64, link->incident_id);
    buf_add_char(&bytes, '\0');
    buf_add_str(&bytes, recipient);
    buf_add_char(&bytes, '\0');
    buf_add_fmt(&bytes, "%" PRId64, link->expires_utc_ms / MS_PER_SECOND);
    TC_ASSERT(bytes.err == TC_OK); /* recipients have a limit */
    digest_hmac(key, DIGEST_BYTES, bytes.p, bytes.len, ret_mac);
}

static void write_token(const struct acklink *link, char *ret_token)
{
    char mac[2 * DIGEST_BYTES + 1];
    hex_encode(link->mac, sizeof(link->mac), mac);
    (void)snprintf(ret_token, ACKLINK_TOKEN_BYTES, "%" PRIu64 ".%" PRId64 ".%s", link->incident_id,
                   link->expires_utc_ms / MS_PER_SECOND, mac); /* fits by size */
}

void acklink_sign(const struct acklink_keys *keys, uint64_t incident_id, const char *recipient,
                  int64_t expires_utc_ms, char *ret_token)
{
    TC_ASSERT(keys->count > 0);
    TC_ASSERT(expires_utc_ms >= 0);
    struct acklink link = {.incident_id = incident_id, .expires_utc_ms = expires_utc_ms};
    make_mac(keys->keys[0], &link, recipient, link.mac);
    write_token(&link, ret_token);
}

int acklink_parse(const char *text, struct acklink *ret_link)
{
    struct acklink link = {0};
    char again[ACKLINK_TOKEN_BYTES];
    int64_t expires_s = 0;
    const char *at = text;
    if (parse_u64(&at, UINT64_MAX, &link.incident_id) != TC_OK || !parse_char(&at, '.') ||
        parse_i64(&at, 0, EXPIRES_S_MAX, &expires_s) != TC_OK || !parse_char(&at, '.') ||
        hex_decode(at, sizeof(link.mac), link.mac) != TC_OK) {
        return TC_EPARSE;
    }
    link.expires_utc_ms = expires_s * MS_PER_SECOND;
    write_token(&link, again);
    if (!str_eq(text, again)) {
        return TC_EPARSE; /* leading zeros, upper case */
    }
    *ret_link = link;
    return TC_OK;
}

bool acklink_is_signed(const struct acklink *link, const struct acklink_keys *keys,
                       const char *recipient)
{
    bool is_signed = false;
    for (size_t i = 0; i < keys->count; i++) {
        uint8_t mac[DIGEST_BYTES];
        make_mac(keys->keys[i], link, recipient, mac);
        is_signed = digest_is_equal(mac, link->mac, sizeof(mac)) || is_signed;
    }
    return is_signed;
}

const char *acklink_actor(const char *recipient)
{
    return str_has_prefix(recipient, "email:") ? recipient + strlen("email:") : recipient;
}
