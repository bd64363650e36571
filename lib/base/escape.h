#ifndef LIB_BASE_ESCAPE_H
#define LIB_BASE_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* Text from outside made harmless for one kind of place. Stored text stays raw; it is escaped once,
 * where it is shown, by the function of that place. All append to out, copy, and report through
 * out->err only. JSON strings: json_enc_str. */

/* For HTML text and quoted attributes: & < > " ' become references, C0 controls but tab and line
 * feed, DEL, C1 and bidirectional controls and broken UTF-8 become U+FFFD.
 * Shape:  s NUL-terminated, any bytes.
 * Units:  none.
 * Owns:   copies.
 * Errors: none but out's. */
void escape_html(struct buf *out, const char *s);

/* For one line of a log or terminal: line feed, carriage return and tab as \n \r \t; other C0, DEL,
 * C1, bidirectional controls, line separators and broken UTF-8 byte by byte as \xNN.
 * Shape:  need not be NUL-terminated. escape_quoted also escapes " and \, so that what was escaped
 *         can be told from what was typed; it adds no quotes.
 * Units:  bytes.
 * Owns:   copies.
 * Errors: none but out's. */
void escape_line(struct buf *out, const char *s, size_t size);
void escape_quoted(struct buf *out, const char *s, size_t size);

/* For a mail or HTTP header value made from text: each run of control bytes and line separators
 * becomes one space, broken UTF-8 U+FFFD. Non-ASCII text stays, RFC 2047 is the mail writer's.
 * Shape:  s NUL-terminated, any bytes.
 * Units:  none.
 * Owns:   copies.
 * Errors: none but out's. */
void escape_header(struct buf *out, const char *s);

/* Whether s can stand in a header as it is: visible ASCII, space and tab only. For keys and tokens,
 * which are refused and never altered.
 * Trivial. */
bool escape_is_header_safe(const char *s);

/* For Slack mrkdwn: & < > as references, so that no mention, channel or link can be made.
 * Shape:  s NUL-terminated, valid UTF-8.
 * Units:  none.
 * Owns:   copies.
 * Errors: none but out's. */
void escape_mrkdwn(struct buf *out, const char *s);

/* For one URL path segment or query value: all but RFC 3986 unreserved bytes as %XX.
 * Shape:  s NUL-terminated, any bytes.
 * Units:  none.
 * Owns:   copies.
 * Errors: none but out's. */
void escape_url(struct buf *out, const char *s);

#endif
