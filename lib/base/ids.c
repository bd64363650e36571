/* UUID text and stable hashes. Randomness and time come from the caller, so that tests and the
 * simulation choose them. Called wherever something new gets a name. */
#include "lib/base/ids.h"

#include <stddef.h>
#include <string.h>

#include "lib/base/assert.h"

enum {
    UUID_TEXT_BYTES = IDS_UUID_SIZE - 1,
};

static bool is_hyphen_at(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

static const char *write_uuid(uint8_t bytes[IDS_RANDOM_BYTES], uint8_t version, char *ret_text)
{
    static const char digits[] = "0123456789abcdef";
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | version << 4);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    size_t nibble = 0;
    for (size_t i = 0; i < UUID_TEXT_BYTES; i++) {
        if (is_hyphen_at(i)) {
            ret_text[i] = '-';
            continue;
        }
        uint8_t byte = bytes[nibble / 2];
        ret_text[i] = digits[nibble % 2 == 0 ? byte >> 4 : byte & 0x0f];
        nibble++;
    }
    ret_text[UUID_TEXT_BYTES] = '\0';
    return ret_text;
}

const char *ids_uuid4(const uint8_t *random, char *ret_text)
{
    TC_ASSERT(random != NULL);
    TC_ASSERT(ret_text != NULL);
    uint8_t bytes[IDS_RANDOM_BYTES];
    memcpy(bytes, random, sizeof(bytes));
    return write_uuid(bytes, 4, ret_text);
}

const char *ids_uuid7(int64_t utc_ms, const uint8_t *random, char *ret_text)
{
    TC_ASSERT(random != NULL);
    TC_ASSERT(ret_text != NULL);
    const int64_t utc_ms_max = (INT64_C(1) << 48) - 1;
    uint64_t stamp = utc_ms < 0 ? 0 : (uint64_t)(utc_ms > utc_ms_max ? utc_ms_max : utc_ms);
    uint8_t bytes[IDS_RANDOM_BYTES];
    memcpy(bytes, random, sizeof(bytes));
    for (int i = 5; i >= 0; i--) {
        bytes[i] = (uint8_t)(stamp & 0xff);
        stamp >>= 8;
    }
    return write_uuid(bytes, 7, ret_text);
}

bool ids_is_uuid(const char *text)
{
    TC_ASSERT(text != NULL);
    for (size_t i = 0; i < UUID_TEXT_BYTES; i++) {
        char c = text[i];
        bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (is_hyphen_at(i) ? c != '-' : !is_digit) {
            return false;
        }
    }
    return text[UUID_TEXT_BYTES] == '\0';
}

/* FNV-1a, then mixed, because its high bits hardly move for short texts. */
uint64_t ids_hash(const char *text)
{
    TC_ASSERT(text != NULL);
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *at = text; *at != '\0'; at++) {
        hash = (hash ^ (uint8_t)*at) * UINT64_C(0x100000001b3);
    }
    hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
    return hash ^ hash >> 33;
}
