#ifndef LIB_BASE_JSON_TEXT_H
#define LIB_BASE_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct json_value;

/* Append a JSON string with its quotation marks, escaped as little as RFC 8785 section 3.2.2.2 says;
 * broken UTF-8 and NUL become U+FFFD. Part of the JSON writers.
 * Trivial. */
void json_text_string(struct buf *out, const char *s, size_t size);

/* Append a value, without white space. Part of the JSON writers.
 * Shape:  is_sorted: members in the order of RFC 8785 section 3.2.3, else in the document's.
 * Units:  none.
 * Owns:   nothing.
 * Errors: none but out's. */
void json_text_value(struct buf *out, const struct json_value *value, bool is_sorted);

#endif
