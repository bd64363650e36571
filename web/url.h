#ifndef WEB_URL_H
#define WEB_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

/* Request targets, read strictly: nothing is normalised, so nothing has two spellings. */

enum {
    URL_SEGMENTS_MAX = 6,
    URL_SEGMENT_BYTES = 3 * 255 + 1, /* a name */
    URL_PARAMETERS_MAX = 12,
    URL_PARAMETER_BYTES = 1024,
};

struct url_path {
    size_t count;
    char segments[URL_SEGMENTS_MAX][URL_SEGMENT_BYTES];
};

/* Take a path apart and decode each segment.
 * Shape:  path as sent; "/" has no segments, "/a/" has an empty one behind "a".
 * Units:  none.
 * Owns:   copies.
 * Errors: TC_EPARSE not absolute, a malformed or NUL escape, a control character, broken UTF-8, a
 *         segment "." or ".."; TC_ERANGE too long or too many. */
int url_path_parse(const char *path, struct url_path *ret_path);

struct url_parameter {
    char name[64];
    char value[URL_PARAMETER_BYTES];
};

struct url_query {
    size_t count;
    struct url_parameter items[URL_PARAMETERS_MAX];
};

/* Take a query apart and decode it ("+" is a space).
 * Shape:  query without "?"; each name once.
 * Units:  none.
 * Owns:   copies.
 * Errors: as url_path_parse; TC_EPARSE a name given twice. */
int url_query_parse(const char *query, struct url_query *ret_query);

/* A parameter's value, or NULL. Trivial. */
const char *url_query_get(const struct url_query *query, const char *name);

#endif
