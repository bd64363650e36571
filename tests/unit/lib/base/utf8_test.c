/* UTF-8 against GNU libunistring, which is the oracle: u8_check for validity, u8_mbtouc for one code
 * point, u8_uctomb for writing. */
#include "lib/base/utf8.h"

#include <string.h>
#include <unistr.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "tests/support/test.h"

static uint64_t random_state = 0x746f6373696e;

static uint32_t random_below(uint32_t bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % bound;
}

/* Bytes that are often nearly valid: pieces of encodings, boundary bytes, ASCII. */
static size_t random_bytes(char *ret_bytes, size_t max)
{
    static const uint8_t edges[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0,
                                    0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF,
                                    0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF, 'a'};
    size_t size = 0;
    size_t wanted = random_below((uint32_t)max - 5);
    while (size < wanted) {
        uint8_t piece[6];
        int piece_size = 1;
        piece[0] = edges[random_below(sizeof(edges))];
        if (random_below(2) == 0) {
            piece_size = u8_uctomb(piece, random_below(0x110000), sizeof(piece));
            piece_size = piece_size > 0 ? piece_size : 0;
            if (piece_size > 1 && random_below(4) == 0) {
                piece_size--; /* truncated */
            }
        }
        memcpy(ret_bytes + size, piece, (size_t)piece_size);
        size += (size_t)piece_size;
    }
    return size;
}

static size_t oracle_valid_size(const char *s, size_t size)
{
    const uint8_t *wrong = u8_check((const uint8_t *)s, size);
    return wrong == NULL ? size : (size_t)(wrong - (const uint8_t *)s);
}

static void check_valid(const char *s, size_t size)
{
    size_t expected = oracle_valid_size(s, size);
    assert_int_equal(utf8_valid_size(s, size), expected);
    assert_int_equal(utf8_is_valid(s, size), expected == size);
}

static void test_valid_short(void **state)
{
    (void)state;
    check_valid("", 0);
    /* All strings of three bytes, and of four where the first can begin such a code point. */
    for (uint32_t i = 0; i < 1U << 24; i += i < 0xC00000 ? 61U : 1U) {
        char s[4] = {(char)(i >> 16), (char)(i >> 8), (char)i, (char)0x80};
        if (utf8_valid_size(s, 3) != oracle_valid_size(s, 3) ||
            utf8_valid_size(s, 4) != oracle_valid_size(s, 4)) {
            fail_msg("%06x", i);
        }
    }
}

static void test_valid_random(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char s[64];
        check_valid(s, random_bytes(s, sizeof(s)));
    }
    char late[40]; /* broken just behind, at and before each border of eight bytes */
    for (size_t at = 0; at < sizeof(late); at++) {
        memset(late, 'x', sizeof(late));
        late[at] = (char)0xFF;
        assert_int_equal(utf8_valid_size(late, sizeof(late)), at);
    }
}

static void test_code_points(void **state)
{
    (void)state;
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, 16);
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        if (c >= 0xD800 && c <= 0xDFFF) {
            continue;
        }
        uint8_t expected[6];
        int size = u8_uctomb(expected, c, sizeof(expected));
        buf_reset(&out);
        utf8_add(&out, c);
        assert_int_equal(out.len, size);
        assert_memory_equal(out.p, expected, out.len);
        const char *cursor = out.p;
        assert_int_equal(utf8_next(&cursor, out.p + out.len), c);
        assert_ptr_equal(cursor, out.p + out.len);
    }
}

static void repair(const char *s, size_t size, const char *expected)
{
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, 3 * size + 1);
    utf8_add_repaired(&out, s, size);
    assert_int_equal(out.err, TC_OK);
    assert_string_equal(out.p, expected);
}

#define R "\xEF\xBF\xBD"

/* Unicode 15, section 3.9, tables 3-8 to 3-11: the examples of maximal subparts. */
static void test_repair_examples(void **state)
{
    (void)state;
    repair("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", 9, R R R R R R R R "A");
    repair("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", 9, R R R R R R R R "A");
    repair("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", 9, R R R R R "A" R R "B");
    repair("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", 9, R R R R "A");
    repair("a\0b", 3, "a" R "b");
    repair("", 0, "");
    repair("\xE2\x82\xAC", 3, "\xE2\x82\xAC");
}

static void test_repair_properties(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char s[64];
        size_t size = random_bytes(s, sizeof(s));
        TC_CLEANUP(buf_freep) struct buf once;
        TC_CLEANUP(buf_freep) struct buf twice;
        buf_init(&once, 3 * sizeof(s));
        buf_init(&twice, 3 * sizeof(s));
        utf8_add_repaired(&once, s, size);
        assert_int_equal(once.err, TC_OK);
        assert_null(u8_check((const uint8_t *)once.p, once.len));
        assert_int_equal(strlen(once.p), once.len);
        utf8_add_repaired(&twice, once.p, once.len);
        assert_string_equal(twice.p, once.p);
        if (u8_check((const uint8_t *)s, size) == NULL && memchr(s, 0, size) == NULL) {
            assert_int_equal(once.len, size);
            assert_memory_equal(once.p, s, size);
        }
    }
}

static void test_cut(void **state)
{
    (void)state;
    static const char text[] = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z"; /* 1 2 3 4 1 bytes */
    size_t size = sizeof(text) - 1;
    static const size_t cuts[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
    for (size_t max = 0; max < TEST_COUNT(cuts); max++) {
        assert_int_equal(utf8_cut_size(text, size, max), cuts[max]);
    }
    for (size_t max = UTF8_CUT_BYTES; max < size + 2; max++) {
        TC_CLEANUP(buf_freep) struct buf out;
        buf_init(&out, size);
        utf8_add_cut(&out, text, size, max);
        assert_int_equal(out.err, TC_OK);
        assert_true(out.len <= max);
        assert_true(utf8_is_valid(out.p, out.len));
        if (max >= size) {
            assert_string_equal(out.p, text);
        } else {
            assert_string_equal(out.p + out.len - UTF8_CUT_BYTES, "\xE2\x80\xA6");
            assert_memory_equal(out.p, text, out.len - UTF8_CUT_BYTES);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid_short),       cmocka_unit_test(test_valid_random),
        cmocka_unit_test(test_code_points),       cmocka_unit_test(test_repair_examples),
        cmocka_unit_test(test_repair_properties), cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
