#ifndef WEB_ASSETS_H
#define WEB_ASSETS_H

#include <stddef.h>

/* The files of web/assets and web/openapi.json, compiled in by tools/gen-assets: nothing is ever served
 * from disk. */
struct asset {
    const char *name; /* NULL ends the table */
    const char *type;
    const unsigned char *bytes;
    size_t size;
};

extern const struct asset assets[];

#endif
