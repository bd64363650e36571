#ifndef LIB_BASE_HEX_H
#define LIB_BASE_HEX_H

#include <stddef.h>

/* Write bytes as lower-case hexadecimal digits and a NUL.
 * Shape:  ret_text has room for 2 * size + 1.
 * Units:  bytes.
 * Owns:   copies.
 * Errors: none. */
void hex_encode(const void *bytes, size_t size, char *ret_text);

/* Read exactly size bytes from 2 * size hexadecimal digits of either case.
 * Shape:  text NUL-terminated, nothing behind the digits; ret_bytes untouched on failure.
 * Units:  bytes.
 * Owns:   copies.
 * Errors: TC_EPARSE. */
int hex_decode(const char *text, size_t size, void *ret_bytes);

#endif
