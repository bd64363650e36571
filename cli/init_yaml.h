#ifndef CLI_INIT_YAML_H
#define CLI_INIT_YAML_H

#include <stddef.h>

struct buf;

/* A value that init sets: a dotted path and its value as JSON, which is YAML as well. */
struct init_value {
    const char *path;
    const char *json;
};

/* Write a complete configuration: every key with its meaning, those of values set, all others commented
 * out with their defaults.
 * Shape:  values end with a NULL path.
 * Units:  none.
 * Owns:   nothing.
 * Errors: none but out's. */
void init_yaml_write(const struct init_value *values, struct buf *out);

#endif
