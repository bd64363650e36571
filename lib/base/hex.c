/* Hexadecimal text of digests, keys and tokens. Called by digest, audit and identities. */
#include "lib/base/hex.h"

#include <stdint.h>

#include "lib/base/err.h"

void hex_encode(const void *bytes, size_t size, char *ret_text)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = bytes;
    for (size_t i = 0; i < size; i++) {
        ret_text[2 * i] = digits[p[i] >> 4];
        ret_text[2 * i + 1] = digits[p[i] & 0xF];
    }
    ret_text[2 * size] = '\0';
}

enum {
    NOT_A_DIGIT = 16,
};

static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return (unsigned)(c - 'a') + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return (unsigned)(c - 'A') + 10;
    }
    return NOT_A_DIGIT;
}

int hex_decode(const char *text, size_t size, void *ret_bytes)
{
    /* Checked whole before the first byte is written; a NUL is no digit, so it ends the loop. */
    for (size_t i = 0; i < 2 * size; i++) {
        if (digit_value(text[i]) == NOT_A_DIGIT) {
            return TC_EPARSE;
        }
    }
    if (text[2 * size] != '\0') {
        return TC_EPARSE;
    }
    uint8_t *p = ret_bytes;
    for (size_t i = 0; i < size; i++) {
        p[i] = (uint8_t)(digit_value(text[2 * i]) << 4 | digit_value(text[2 * i + 1]));
    }
    return TC_OK;
}
