#ifndef WEB_STATUS_H
#define WEB_STATUS_H

#include <stdbool.h>
#include <stdint.h>

struct json_enc;
struct web;

/* How many monitors there are, by what an operator asks first. */
struct status_monitors {
    uint32_t total;
    uint32_t alert; /* active and in alert */
    uint32_t acknowledged;
    uint32_t paused;
};

/* Count them.
 * Shape:  false: the store can't be read; ret is zeroed.
 * Units:  none.
 * Owns:   nothing.
 * Errors: none. */
bool status_count(struct web *web, struct status_monitors *ret_monitors);

/* Write the object of /api/v1/status.
 * Trivial. */
void status_write(struct web *web, struct json_enc *e);

#endif
