/* Hashes, message authentication and signatures over mbedtls; nothing else of it is used (its TLS,
 * X.509 and RSA are old in Debian 12). Called by the audit chain, tokens, links and the store. */
#include "lib/sys/digest.h"

#include <mbedtls/constant_time.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/sha256.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/sys/rng.h"

_Static_assert(sizeof(struct digest) >= sizeof(mbedtls_sha256_context), "a running hash fits");
_Static_assert(DIGEST_SIGNATURE_MAX >= 72, "DER of two 32-byte integers fits");

/* The state of struct digest as mbedtls knows it; copied, because the types do not alias. */
static mbedtls_sha256_context load_state(const struct digest *digest)
{
    mbedtls_sha256_context context;
    memcpy(&context, digest->state, sizeof(context));
    return context;
}

static void store_state(struct digest *digest, const mbedtls_sha256_context *context)
{
    memcpy(digest->state, context, sizeof(*context));
}

void digest_start(struct digest *digest)
{
    mbedtls_sha256_context context;
    mbedtls_sha256_init(&context);
    int failed = mbedtls_sha256_starts_ret(&context, 0);
    TC_ASSERT(failed == 0);
    *digest = (struct digest){0};
    store_state(digest, &context);
}

void digest_add(struct digest *digest, const void *bytes, size_t size)
{
    mbedtls_sha256_context context = load_state(digest);
    int failed = size == 0 ? 0 : mbedtls_sha256_update_ret(&context, bytes, size);
    TC_ASSERT(failed == 0);
    store_state(digest, &context);
}

void digest_end(struct digest *digest, uint8_t *ret_hash)
{
    mbedtls_sha256_context context = load_state(digest);
    int failed = mbedtls_sha256_finish_ret(&context, ret_hash);
    TC_ASSERT(failed == 0);
    mbedtls_sha256_free(&context);
    digest_wipe(digest, sizeof(*digest));
}

void digest_sha256(const void *bytes, size_t size, uint8_t *ret_hash)
{
    struct digest digest;
    digest_start(&digest);
    digest_add(&digest, bytes, size);
    digest_end(&digest, ret_hash);
}

void digest_hmac(const void *key, size_t key_size, const void *bytes, size_t size, uint8_t *ret_mac)
{
    const mbedtls_md_info_t *sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
    int failed = mbedtls_md_hmac(sha256, key_size == 0 ? (const void *)"" : key, key_size,
                                 size == 0 ? (const void *)"" : bytes, size, ret_mac);
    TC_ASSERT(failed == 0);
}

bool digest_is_equal(const void *a, const void *b, size_t size)
{
    return mbedtls_ct_memcmp(a, b, size) == 0;
}

void digest_wipe(void *bytes, size_t size)
{
    mbedtls_platform_zeroize(bytes, size);
}

/* --- Signatures -------------------------------------------------------------------------------- */

struct digest_key {
    mbedtls_pk_context pk;
    bool is_private;
};

static int random_bytes(void *ctx, unsigned char *ret_bytes, size_t size)
{
    (void)ctx;
    rng_fill(ret_bytes, size);
    return 0;
}

static struct digest_key *key_empty(void)
{
    struct digest_key *key = mem_alloc(sizeof(*key));
    mbedtls_pk_init(&key->pk);
    return key;
}

struct digest_key *digest_key_free(struct digest_key *key)
{
    if (key != NULL) {
        mbedtls_pk_free(&key->pk); /* wipes */
        mem_free(key);
    }
    return NULL;
}

void digest_key_freep(struct digest_key **key)
{
    *key = digest_key_free(*key);
}

struct digest_key *digest_key_new(void)
{
    struct digest_key *key = key_empty();
    int failed = mbedtls_pk_setup(&key->pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
    TC_ASSERT(failed == 0);
    failed =
        mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(key->pk), random_bytes, NULL);
    TC_ASSERT(failed == 0);
    key->is_private = true;
    return key;
}

int digest_key_read(const char *pem, struct digest_key **ret_key, struct err *err)
{
    TC_CLEANUP(digest_key_freep) struct digest_key *key = key_empty();
    const unsigned char *bytes = (const unsigned char *)pem;
    size_t size = strlen(pem) + 1; /* mbedtls counts the NUL of a PEM */
    if (mbedtls_pk_parse_key(&key->pk, bytes, size, NULL, 0) == 0) {
        key->is_private = true;
    } else {
        mbedtls_pk_free(&key->pk);
        mbedtls_pk_init(&key->pk);
        if (mbedtls_pk_parse_public_key(&key->pk, bytes, size) != 0) {
            return err_set(err, TC_EPARSE, "not a PEM key without a pass phrase");
        }
    }
    if (!mbedtls_pk_can_do(&key->pk, MBEDTLS_PK_ECDSA) ||
        mbedtls_pk_ec(key->pk)->grp.id != MBEDTLS_ECP_DP_SECP256R1) {
        return err_set(err, TC_EINVAL,
                       "not a key of the curve P-256; `openssl ecparam -genkey "
                       "-name prime256v1` makes one");
    }
    *ret_key = TC_TAKE_PTR(key);
    return TC_OK;
}

/* mbedtls 2.28 declares reading functions with a context that is not const. */
static mbedtls_pk_context pk_of(const struct digest_key *key)
{
    return key->pk;
}

int digest_key_write_private(const struct digest_key *key, char *ret_pem, struct err *err)
{
    if (!key->is_private) {
        return err_set(err, TC_EINVAL, "the key has no private half");
    }
    mbedtls_pk_context pk = pk_of(key);
    int failed = mbedtls_pk_write_key_pem(&pk, (unsigned char *)ret_pem, DIGEST_PEM_MAX);
    TC_ASSERT(failed == 0);
    return TC_OK;
}

int digest_key_write_public(const struct digest_key *key, char *ret_pem, struct err *err)
{
    (void)err; /* every key has a public half */
    mbedtls_pk_context pk = pk_of(key);
    int failed = mbedtls_pk_write_pubkey_pem(&pk, (unsigned char *)ret_pem, DIGEST_PEM_MAX);
    TC_ASSERT(failed == 0);
    return TC_OK;
}

int digest_sign(const struct digest_key *key, const uint8_t *hash, uint8_t *ret_signature,
                size_t *ret_size, struct err *err)
{
    if (!key->is_private) {
        return err_set(err, TC_EINVAL, "a public key cannot sign");
    }
    mbedtls_pk_context pk = pk_of(key);
    unsigned char signature[MBEDTLS_PK_SIGNATURE_MAX_SIZE];
    size_t size = 0;
    int failed = mbedtls_pk_sign(&pk, MBEDTLS_MD_SHA256, hash, DIGEST_BYTES, signature, &size,
                                 random_bytes, NULL);
    TC_ASSERT(failed == 0);
    TC_ASSERT(size <= DIGEST_SIGNATURE_MAX);
    memcpy(ret_signature, signature, size);
    *ret_size = size;
    return TC_OK;
}

int digest_verify(const struct digest_key *key, const uint8_t *hash, const uint8_t *signature,
                  size_t size, struct err *err)
{
    mbedtls_pk_context pk = pk_of(key);
    if (size == 0 ||
        mbedtls_pk_verify(&pk, MBEDTLS_MD_SHA256, hash, DIGEST_BYTES, signature, size) != 0) {
        return err_set(err, TC_ECORRUPT, "the signature does not match");
    }
    return TC_OK;
}
