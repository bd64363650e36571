#ifndef LIB_BASE_UTF8_H
#define LIB_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */

enum {
    UTF8_INVALID = -1,
    UTF8_REPLACEMENT = 0xFFFD,
    UTF8_CUT_BYTES = 3, /* of the mark that utf8_add_cut ends with */
};

/* The code point at *cursor, which moves behind it.
 * Shape:  *cursor < end. Broken bytes give UTF8_INVALID and the cursor moves behind the longest part
 *         that could have begun a code point, as Unicode 15 (3.9, table 3-8) and W3C decoders do.
 * Units:  none.
 * Owns:   nothing.
 * Errors: UTF8_INVALID. */
int32_t utf8_next(const char **cursor, const char *end);

/* How many bytes at the front are valid; size when all are. NUL is valid here.
 * Trivial. */
size_t utf8_valid_size(const char *s, size_t size);
bool utf8_is_valid(const char *s, size_t size);

/* Append one code point.
 * Shape:  0..0x10FFFF without surrogates, asserted.
 * Units:  none.
 * Owns:   nothing.
 * Errors: none but out's. */
void utf8_add(struct buf *out, uint32_t code_point);

/* Append bytes from outside as valid UTF-8 that can live in a C string: each broken part and each
 * NUL becomes U+FFFD.
 * Shape:  out grows to at most three times size.
 * Units:  bytes.
 * Owns:   copies.
 * Errors: none but out's. */
void utf8_add_repaired(struct buf *out, const char *s, size_t size);

/* The most bytes, at most max, after which valid s can be cut without breaking a code point.
 * Trivial. */
size_t utf8_cut_size(const char *s, size_t size, size_t max);

/* Append valid s, or where it is over max bytes its beginning and the mark "…", max bytes in all.
 * Shape:  max >= UTF8_CUT_BYTES.
 * Units:  bytes.
 * Owns:   copies.
 * Errors: none but out's. */
void utf8_add_cut(struct buf *out, const char *s, size_t size, size_t max);

#endif
