#ifndef PROTO_COLUMNS_H
#define PROTO_COLUMNS_H

#include <stddef.h>

struct err;

/* What the columns of a monitor's row may hold so that every peer can read it. Asked by the router where
 * a row is taken up, and by doctor. */

/* A text of a column has a size, and is UTF-8.
 * Shape:  text may be NULL: fine.
 * Units:  bytes.
 * Owns:   nothing.
 * Errors: TC_EINVAL, naming the column and what is wrong.
 * Source: SPEC 3.4 "over a limit is an error, never a silent cut". */
int columns_check_text(const char *column, const char *text, size_t max, struct err *err);

/* Labels are a JSON object of texts.
 * Shape:  labels may be NULL: none.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EINVAL, naming the column and what would be right.
 * Source: proto/PROTOCOL.md, member labels. */
int columns_check_labels(const char *labels, struct err *err);

/* An address that people are invited to click on is one of the web: services refuse others, and a script
 * would run in the reader's browser.
 * Shape:  url may be NULL: none.
 * Units:  bytes.
 * Owns:   nothing.
 * Errors: TC_EINVAL, naming the column and what would be right.
 * Source: SPEC 3.4 "checked where things are entered". */
int columns_check_url(const char *column, const char *url, struct err *err);

#endif
