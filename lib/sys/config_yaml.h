#ifndef LIB_SYS_CONFIG_YAML_H
#define LIB_SYS_CONFIG_YAML_H

#include <stddef.h>

#include "lib/base/err.h"

struct buf;

/* A YAML document with its lines. Used by config.c only. */
struct config_yaml;

/* Parse exactly one document.
 * Shape:  name stands in messages; an empty document is an empty mapping.
 * Units:  bytes.
 * Owns:   copies; the caller frees with config_yaml_free.
 * Errors: TC_ECONFIG "name:line: cause": syntax, a doubled key, a second document, an alias, a tag
 *         or too much depth. */
int config_yaml_parse(const char *name, const char *text, size_t size,
                      struct config_yaml **ret_yaml, struct err *err);
struct config_yaml *config_yaml_free(struct config_yaml *yaml);
void config_yaml_freep(struct config_yaml **yaml);

/* Append the document as JSON. Only what YAML 1.2's core schema calls a number, a boolean or null
 * is one, so NO and 010 stay texts; quoted scalars are texts.
 * Shape:  appends to out.
 * Units:  none.
 * Owns:   copies.
 * Errors: TC_ECONFIG as above. */
int config_yaml_json(const struct config_yaml *yaml, struct buf *out, struct err *err);

/* The line on which a dotted path stands ("router.runners"), or that of its nearest parent.
 * Shape:  path ends at its NUL, a colon or a space; 0 when not even its first name is there.
 * Units:  from 1.
 * Owns:   nothing.
 * Errors: none. */
size_t config_yaml_line(const struct config_yaml *yaml, const char *path);

#endif
