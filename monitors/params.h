#ifndef MONITORS_PARAMS_H
#define MONITORS_PARAMS_H

#include <stddef.h>
#include <stdint.h>

struct json_value;

enum {
    PARAMS_STRINGS_MAX = 64,
};

/* Reading what the rules have already found valid, where json_dec has no word for it. */

/* A duration: text or whole seconds; 0 when absent.
 * Shape:  params is an object.
 * Units:  ms.
 * Owns:   nothing.
 * Errors: none. */
int64_t params_duration(const struct json_value *params, const char *name);

/* An array of strings, NULL-terminated; empty when absent.
 * Shape:  ret_strings has PARAMS_STRINGS_MAX + 1 places.
 * Units:  none.
 * Owns:   borrowed from params.
 * Errors: none; returns how many. */
size_t params_strings(const struct json_value *params, const char *name, const char **ret_strings);

#endif
