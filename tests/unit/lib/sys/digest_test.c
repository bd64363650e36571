/* Hashes against FIPS 180-4 and RFC 4231; signatures by round trip, PEM and every flipped bit. */
#include "lib/sys/digest.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "tests/support/test.h"

static void test_sha256(void **state)
{
    (void)state;
    static const uint8_t abc[DIGEST_BYTES] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                              0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                              0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
                                              0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    uint8_t hash[DIGEST_BYTES];
    digest_sha256("abc", 3, hash);
    assert_memory_equal(hash, abc, DIGEST_BYTES);
    struct digest digest;
    digest_start(&digest);
    digest_add(&digest, "a", 1);
    digest_add(&digest, NULL, 0);
    struct digest fork = digest;
    digest_add(&digest, "bc", 2);
    digest_end(&digest, hash);
    assert_memory_equal(hash, abc, DIGEST_BYTES);
    digest_add(&fork, "bc", 2);
    memset(hash, 0, sizeof(hash));
    digest_end(&fork, hash);
    assert_memory_equal(hash, abc, DIGEST_BYTES);
    assert_true(digest_is_equal(hash, abc, DIGEST_BYTES));
    hash[31] ^= 1;
    assert_false(digest_is_equal(hash, abc, DIGEST_BYTES));
}

static void test_hmac(void **state)
{
    (void)state;
    static const char data[] = "what do ya want for nothing?"; /* RFC 4231, test case 2 */
    static const uint8_t expected[DIGEST_BYTES] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
                                                   0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
                                                   0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83,
                                                   0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
    uint8_t mac[DIGEST_BYTES];
    digest_hmac("Jefe", 4, data, sizeof(data) - 1, mac);
    assert_memory_equal(mac, expected, DIGEST_BYTES);
}

static void test_signatures(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char pem[DIGEST_PEM_MAX];
    uint8_t hash[DIGEST_BYTES];
    uint8_t signature[DIGEST_SIGNATURE_MAX];
    size_t size = 0;
    TC_CLEANUP(digest_key_freep) struct digest_key *made = digest_key_new();
    TC_CLEANUP(digest_key_freep) struct digest_key *read = NULL;
    TC_CLEANUP(digest_key_freep) struct digest_key *public = NULL;
    digest_sha256("head", 4, hash);
    assert_int_equal(digest_key_write_private(made, pem, &err), TC_OK);
    assert_int_equal(digest_key_read(pem, &read, &err), TC_OK);
    assert_int_equal(digest_key_write_public(made, pem, &err), TC_OK);
    assert_int_equal(strncmp(pem, "-----BEGIN PUBLIC KEY-----\n", 27), 0);
    assert_int_equal(digest_key_read(pem, &public, &err), TC_OK);
    assert_int_equal(digest_sign(read, hash, signature, &size, &err), TC_OK);
    assert_int_equal(digest_verify(public, hash, signature, size, &err), TC_OK);
    for (size_t bit = 0; bit < size * 8; bit += 5) {
        signature[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        assert_int_equal(digest_verify(public, hash, signature, size, &err), TC_ECORRUPT);
        signature[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    assert_int_equal(digest_verify(public, hash, signature, size - 1, &err), TC_ECORRUPT);
    assert_int_equal(digest_verify(public, hash, signature, 0, &err), TC_ECORRUPT);
    hash[0] ^= 1;
    assert_int_equal(digest_verify(public, hash, signature, size, &err), TC_ECORRUPT);
    assert_int_equal(digest_sign(public, hash, signature, &size, &err), TC_EINVAL);
    assert_int_equal(digest_key_write_private(public, pem, &err), TC_EINVAL);
    struct digest_key *none = NULL;
    assert_int_equal(digest_key_read("not a key", &none, &err), TC_EPARSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_signatures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
