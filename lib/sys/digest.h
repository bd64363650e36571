#ifndef LIB_SYS_DIGEST_H
#define LIB_SYS_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

/* Hashes, message authentication and signatures. The only user of mbedtls. */
enum {
    DIGEST_BYTES = 32,         /* SHA-256 and HMAC-SHA-256 */
    DIGEST_SIGNATURE_MAX = 80, /* ECDSA P-256, DER */
    DIGEST_PEM_MAX = 512,
};

/* A running SHA-256; a plain value, may be copied to fork it. */
struct digest {
    uint64_t state[16];
};

/* SHA-256 in pieces, and of one piece.
 * Shape:  ret_hash has DIGEST_BYTES; after digest_end start anew. bytes may be NULL when size is 0.
 * Units:  bytes.
 * Owns:   nothing.
 * Errors: none. */
void digest_start(struct digest *digest);
void digest_add(struct digest *digest, const void *bytes, size_t size);
void digest_end(struct digest *digest, uint8_t *ret_hash);
void digest_sha256(const void *bytes, size_t size, uint8_t *ret_hash);

/* HMAC-SHA-256 of one piece.
 * Shape:  ret_mac has DIGEST_BYTES.
 * Units:  bytes.
 * Owns:   nothing.
 * Errors: none. */
void digest_hmac(const void *key, size_t key_size, const void *bytes, size_t size,
                 uint8_t *ret_mac);

/* Whether two secrets are equal, in time that depends on size alone.
 * Trivial. */
bool digest_is_equal(const void *a, const void *b, size_t size);

/* Overwrite a secret so that the compiler can't drop it.
 * Trivial. */
void digest_wipe(void *bytes, size_t size);

/* An ECDSA P-256 key: private (signs and verifies) or public (verifies). */
struct digest_key;

/* Make a fresh private key, read a key from PEM, write one as PEM, free one.
 * Shape:  PEM is NUL-terminated text as OpenSSL writes it; ret_pem has DIGEST_PEM_MAX. Writing the
 *         public half works for either kind of key; digest_key_free(NULL) is fine, returns NULL.
 * Units:  bytes.
 * Owns:   the caller frees the key, which wipes it, and wipes a private PEM.
 * Errors: TC_EPARSE not a PEM key, TC_EINVAL another kind of key, or no private half. */
struct digest_key *digest_key_new(void);
int digest_key_read(const char *pem, struct digest_key **ret_key, struct err *err);
int digest_key_write_private(const struct digest_key *key, char *ret_pem, struct err *err);
int digest_key_write_public(const struct digest_key *key, char *ret_pem, struct err *err);
struct digest_key *digest_key_free(struct digest_key *key);
void digest_key_freep(struct digest_key **key);

/* Sign and verify a SHA-256 hash.
 * Shape:  hash has DIGEST_BYTES; signature is DER, as `openssl dgst -sha256 -verify` takes it.
 * Units:  bytes.
 * Owns:   nothing.
 * Errors: TC_EINVAL no private half; TC_ECORRUPT the signature does not match. */
int digest_sign(const struct digest_key *key, const uint8_t *hash, uint8_t *ret_signature,
                size_t *ret_size, struct err *err);
int digest_verify(const struct digest_key *key, const uint8_t *hash, const uint8_t *signature,
                  size_t size, struct err *err);

#endif
