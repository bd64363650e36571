/* UTF-8: decoding one code point at a time, and on it validity, repair and cutting. Knows nothing of
 * what text means; escaping is escape.c. Called wherever text comes in. */
#include "lib/base/utf8.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"

static const char cut_mark[UTF8_CUT_BYTES + 1] = "\xE2\x80\xA6";
static const char replacement[] = "\xEF\xBF\xBD";

enum {
    REPLACEMENT_BYTES = sizeof(replacement) - 1,
};

/* The first continuation byte of some leads has a narrower range, which is what excludes overlong
 * forms (E0, F0), surrogates (ED) and what is above U+10FFFF (F4): RFC 3629 section 4. */
static void second_range(uint8_t lead, uint8_t *ret_low, uint8_t *ret_high)
{
    *ret_low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    *ret_high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
}

int32_t utf8_next(const char **cursor, const char *end)
{
    TC_ASSERT(*cursor < end);
    const uint8_t *p = (const uint8_t *)*cursor;
    uint8_t lead = *p;
    (*cursor)++;
    if (lead < 0x80) {
        return lead;
    }
    if (lead < 0xC2 || lead > 0xF4) {
        return UTF8_INVALID;
    }
    size_t more = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    uint32_t code_point = lead & (0x3FU >> more);
    uint8_t low;
    uint8_t high;
    second_range(lead, &low, &high);
    for (size_t i = 1; i <= more; i++) {
        if (*cursor == end || p[i] < low || p[i] > high) {
            return UTF8_INVALID;
        }
        code_point = code_point << 6 | (p[i] & 0x3FU);
        (*cursor)++;
        low = 0x80;
        high = 0xBF;
    }
    return (int32_t)code_point;
}

size_t utf8_valid_size(const char *s, size_t size)
{
    const char *cursor = s;
    const char *end = s + size;
    while (cursor < end) {
        /* Nearly all text is ASCII: eight bytes at a time, none with its high bit set. */
        uint64_t word;
        while ((size_t)(end - cursor) >= sizeof(word)) {
            memcpy(&word, cursor, sizeof(word));
            if ((word & UINT64_C(0x8080808080808080)) != 0) {
                break;
            }
            cursor += sizeof(word);
        }
        if (cursor == end) {
            break;
        }
        const char *start = cursor;
        if (utf8_next(&cursor, end) == UTF8_INVALID) {
            return (size_t)(start - s);
        }
    }
    return size;
}

bool utf8_is_valid(const char *s, size_t size)
{
    return utf8_valid_size(s, size) == size;
}

void utf8_add(struct buf *out, uint32_t code_point)
{
    TC_ASSERT(code_point <= 0x10FFFF);
    TC_ASSERT(code_point < 0xD800 || code_point > 0xDFFF);
    if (code_point < 0x80) {
        buf_add_char(out, (char)code_point);
        return;
    }
    char bytes[4];
    size_t more = code_point < 0x800 ? 1 : code_point < 0x10000 ? 2 : 3;
    for (size_t i = more; i > 0; i--) {
        bytes[i] = (char)(0x80 | (code_point & 0x3F));
        code_point >>= 6;
    }
    uint32_t mark = more == 1 ? 0xC0 : more == 2 ? 0xE0 : 0xF0;
    bytes[0] = (char)(mark | code_point);
    buf_add(out, bytes, more + 1);
}

void utf8_add_repaired(struct buf *out, const char *s, size_t size)
{
    const char *end = s + size;
    const char *kept = s; /* from here to the cursor all is good and not yet appended */
    const char *cursor = s;
    while (cursor < end) {
        const char *start = cursor;
        if (utf8_next(&cursor, end) <= 0) {
            buf_add(out, kept, (size_t)(start - kept));
            buf_add(out, replacement, REPLACEMENT_BYTES);
            kept = cursor;
        }
    }
    buf_add(out, kept, (size_t)(end - kept));
}

size_t utf8_cut_size(const char *s, size_t size, size_t max)
{
    if (size <= max) {
        return size;
    }
    size_t cut = max;
    while (cut > 0 && ((uint8_t)s[cut] & 0xC0) == 0x80) {
        cut--;
    }
    return cut;
}

void utf8_add_cut(struct buf *out, const char *s, size_t size, size_t max)
{
    TC_ASSERT(max >= UTF8_CUT_BYTES);
    if (size <= max) {
        buf_add(out, s, size);
        return;
    }
    buf_add(out, s, utf8_cut_size(s, size, max - UTF8_CUT_BYTES));
    buf_add(out, cut_mark, UTF8_CUT_BYTES);
}
