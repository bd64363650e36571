#ifndef LIB_BASE_JSON_NUMBER_H
#define LIB_BASE_JSON_NUMBER_H

enum {
    JSON_NUMBER_BYTES = 32, /* the longest is "-1.7976931348623157e+308" */
};

/* Write a number as ECMAScript's Number::toString does: the fewest digits that read back to the same
 * double, the nearest of these; -0 is 0.
 * Shape:  value finite, asserted; ret_text has room for JSON_NUMBER_BYTES, NUL included.
 * Units:  none.
 * Owns:   nothing.
 * Errors: none.
 * Source: RFC 8785 section 3.2.2.3; ECMA-262 6.1.6.1.20. */
void json_number_format(double value, char *ret_text);

#endif
