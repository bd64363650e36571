#ifndef NOTIFIERS_MIME_H
#define NOTIFIERS_MIME_H

#include <stddef.h>
#include <stdint.h>

struct buf;

/* Writing mail: headers and bodies that hold no byte which could be taken for something else. All
 * append to out, lines ended by CRLF. */

/* A header of free text: folded, RFC 2047 words where it is not short plain ASCII.
 * Shape:  name ASCII; text any UTF-8, control bytes become spaces.
 * Units:  none.
 * Owns:   copies.
 * Errors: none but out's. */
void mime_add_text_header(struct buf *out, const char *name, const char *text);

/* An address header: a display name in front of a bare address; name "" leaves the address alone.
 * Shape:  address as smtp_check_address takes it.
 * Units:  none.
 * Owns:   copies.
 * Errors: none but out's. */
void mime_add_address_header(struct buf *out, const char *header, const char *name,
                             const char *address);

/* Text as quoted-printable, RFC 2045 6.7: lines up to 76, soft breaks, no line that begins with a
 * dot or "From ". CRLF and LF end lines, any other byte outside printable ASCII becomes =XX.
 * Shape:  any bytes.
 * Units:  bytes.
 * Owns:   copies.
 * Errors: none but out's. */
void mime_add_quoted(struct buf *out, const char *text, size_t size);

#endif
