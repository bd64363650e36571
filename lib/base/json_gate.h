#ifndef LIB_BASE_JSON_GATE_H
#define LIB_BASE_JSON_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

enum {
    JSON_GATE_NUMBER_BYTES = 60, /* cJSON reads numbers through a buffer of 63 */
};

/* Whether text is JSON as json.h promises it; what passes, cJSON parses to the one right tree. Part
 * of json_parse, apart for its fuzz target.
 * Shape:  need not be NUL-terminated; *ret_has_long_numbers tells of numbers over
 *         JSON_GATE_NUMBER_BYTES, which must be shortened before cJSON may see them.
 * Units:  bytes.
 * Owns:   nothing retained.
 * Errors: TC_EPARSE, TC_ERANGE over LIMIT_JSON_DEPTH; the text tells the byte offset.
 * Source: RFC 8259. */
int json_gate(const char *text, size_t size, bool *ret_has_long_numbers, struct err *err);

/* How many bytes of JSON number begin at text, 0 if none does.
 * Trivial. */
size_t json_gate_number_span(const char *text, size_t size);

#endif
