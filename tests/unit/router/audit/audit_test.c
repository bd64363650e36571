/* The audit chain against an attacker: every bit of a 200-record log flipped in turn, records
 * removed, swapped, doubled, a cut tail, a rewritten history; and what stands in a record. */
#include "router/audit/audit.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/hex.h"
#include "lib/base/mem.h"
#include "tests/support/test.h"

enum {
    RECORDS = 200,
};

struct stored {
    char *bytes; /* owned */
    size_t size;
    uint8_t hash[DIGEST_BYTES];
};

static struct stored stored[RECORDS];

static struct audit_chain fresh_chain(void)
{
    struct audit_chain chain = {.sequence = 0};
    memset(chain.name_key, 7, sizeof(chain.name_key));
    return chain;
}

static int write_log(void **state)
{
    (void)state;
    struct audit_chain chain = fresh_chain();
    struct buf bytes;
    buf_init(&bytes, 1 << 16);
    for (size_t i = 0; i < RECORDS; i++) {
        struct audit_entry entry = {.kind = i % 3 == 0 ? "transition" : "result",
                                    .at_utc_ms = 1800000000000 + (int64_t)i,
                                    .monitor_id = (uint32_t)i + 1,
                                    .from = "ok",
                                    .to = "alert",
                                    .type = i % 3 == 0 ? "Incident/Acknowledge" : NULL,
                                    .actor = i % 3 == 0 ? "ops@example.com" : NULL,
                                    .via = i % 3 == 0 ? "link" : NULL,
                                    .recipient = i % 5 == 0 ? "email:ops@example.com" : NULL,
                                    .message = "newest row is 31 min old"};
        assert_int_equal(audit_append(&chain, &entry, &bytes, NULL), TC_OK);
        stored[i].bytes = mem_dup(bytes.p, bytes.len);
        stored[i].size = bytes.len;
        memcpy(stored[i].hash, chain.head, DIGEST_BYTES);
    }
    assert_int_equal(chain.sequence, RECORDS);
    buf_free(&bytes);
    return 0;
}

static int free_log(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECORDS; i++) {
        mem_free(stored[i].bytes);
    }
    return 0;
}

/* Verify records order[0..count): the first bad place, or count. */
static size_t verify(const size_t *order, size_t count)
{
    struct audit_check check;
    audit_check_start(&check, 0, NULL);
    for (size_t i = 0; i < count; i++) {
        const struct stored *one = &stored[order[i]];
        struct audit_record record = {.sequence = order[i] + 1,
                                      .format = AUDIT_FORMAT,
                                      .bytes = one->bytes,
                                      .size = one->size,
                                      .hash = one->hash};
        if (audit_check_record(&check, &record, NULL) != TC_OK) {
            return i;
        }
    }
    return count;
}

static void in_order(size_t *order)
{
    for (size_t i = 0; i < RECORDS; i++) {
        order[i] = i;
    }
}

static void test_an_honest_log_verifies(void **state)
{
    (void)state;
    size_t order[RECORDS];
    in_order(order);
    assert_int_equal(verify(order, RECORDS), RECORDS);
}

static void test_every_flipped_bit_is_found_at_its_record(void **state)
{
    (void)state;
    size_t order[RECORDS];
    in_order(order);
    for (size_t i = 0; i < RECORDS; i++) {
        struct audit_check before;
        audit_check_start(&before, i, i == 0 ? NULL : stored[i - 1].hash);
        for (size_t bit = 0; bit < (stored[i].size + DIGEST_BYTES) * 8; bit++) {
            size_t byte = bit / 8;
            uint8_t mask = (uint8_t)(1U << (bit % 8));
            uint8_t *at = byte < stored[i].size ? (uint8_t *)stored[i].bytes + byte
                                                : stored[i].hash + (byte - stored[i].size);
            *at ^= mask;
            struct audit_check check = before;
            struct audit_record record = {.sequence = i + 1,
                                          .format = AUDIT_FORMAT,
                                          .bytes = stored[i].bytes,
                                          .size = stored[i].size,
                                          .hash = stored[i].hash};
            assert_int_equal(audit_check_record(&check, &record, NULL), TC_ECORRUPT);
            *at ^= mask;
        }
    }
    assert_int_equal(verify(order, RECORDS), RECORDS);
}

static void test_removed_swapped_and_doubled_records_are_found(void **state)
{
    (void)state;
    size_t order[RECORDS + 1];
    in_order(order);
    memmove(order + 50, order + 51, (RECORDS - 51) * sizeof(order[0]));
    assert_int_equal(verify(order, RECORDS - 1), 50);
    in_order(order);
    order[70] = 71;
    order[71] = 70;
    assert_int_equal(verify(order, RECORDS), 70);
    in_order(order);
    memmove(order + 31, order + 30, (RECORDS - 30) * sizeof(order[0]));
    assert_int_equal(verify(order, RECORDS + 1), 31);
}

static void test_a_known_head_shows_a_cut_tail_and_a_rewritten_past(void **state)
{
    (void)state;
    struct audit_check check;
    audit_check_start(&check, 150, stored[149].hash);
    struct err err = ERR_INIT;
    assert_int_equal(audit_check_head(&check, 150, stored[149].hash, &err), TC_OK);
    assert_int_equal(audit_check_head(&check, 151, stored[150].hash, &err), TC_ECORRUPT);
    assert_non_null(strstr(err.text, "its tail was cut"));
    assert_int_equal(audit_check_head(&check, 150, stored[150].hash, &err), TC_ECORRUPT);
    assert_non_null(strstr(err.text, "the chain was rewritten"));
}

static void test_no_address_stands_in_a_record(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECORDS; i++) {
        assert_null(strstr(stored[i].bytes, "example.com"));
        assert_null(strstr(stored[i].bytes, "31 min"));
    }
    assert_non_null(strstr(stored[0].bytes, "\"recipient\":\"email:n:"));
}

static void test_the_hash_is_the_documented_one(void **state)
{
    (void)state;
    char joined[2048];
    memset(joined, 0, DIGEST_BYTES);
    memcpy(joined + DIGEST_BYTES, stored[0].bytes, stored[0].size);
    uint8_t hash[DIGEST_BYTES];
    digest_sha256(joined, DIGEST_BYTES + stored[0].size, hash);
    assert_memory_equal(hash, stored[0].hash, DIGEST_BYTES);
}

static void test_bad_members_are_refused_and_the_chain_stays(void **state)
{
    (void)state;
    struct audit_chain chain = fresh_chain();
    struct buf bytes;
    buf_init(&bytes, 1 << 16);
    struct audit_entry entry = {.kind = "edit", .before = "{\"a\":1,\"a\":2}"};
    struct err err = ERR_INIT;
    assert_int_not_equal(audit_append(&chain, &entry, &bytes, &err), TC_OK);
    assert_int_equal(chain.sequence, 0);
    entry.before = "{\"b\":1,\"a\":2.50}";
    assert_int_equal(audit_append(&chain, &entry, &bytes, &err), TC_OK);
    assert_non_null(strstr(bytes.p, "\"before\":{\"a\":2.5,\"b\":1}"));
    buf_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_honest_log_verifies),
        cmocka_unit_test(test_every_flipped_bit_is_found_at_its_record),
        cmocka_unit_test(test_removed_swapped_and_doubled_records_are_found),
        cmocka_unit_test(test_a_known_head_shows_a_cut_tail_and_a_rewritten_past),
        cmocka_unit_test(test_no_address_stands_in_a_record),
        cmocka_unit_test(test_the_hash_is_the_documented_one),
        cmocka_unit_test(test_bad_members_are_refused_and_the_chain_stays),
    };
    return cmocka_run_group_tests(tests, write_log, free_log);
}
