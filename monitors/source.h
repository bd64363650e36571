#ifndef MONITORS_SOURCE_H
#define MONITORS_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/sys/config.h"

struct buf;

/* The databases that the sql check may ask: runner.sources of the configuration, by name. */

enum {
    SOURCE_NAME_BYTES = 256,
    SOURCE_PATH_BYTES = 1024,
    SOURCE_WORD_BYTES = 128,
};

enum source_engine {
    SOURCE_SQLITE,
    SOURCE_MYSQL, /* MariaDB or MySQL */
};

struct source {
    char name[SOURCE_NAME_BYTES];
    enum source_engine engine;
    char path[SOURCE_PATH_BYTES]; /* SQLite: the file */
    char host[SOURCE_NAME_BYTES]; /* MySQL, as all below */
    uint16_t port;
    char user[SOURCE_WORD_BYTES];
    char database[SOURCE_WORD_BYTES];
    char socket[SOURCE_PATH_BYTES];   /* "": TCP */
    char password[SOURCE_PATH_BYTES]; /* secret reference; "": none */
    char ca[SOURCE_PATH_BYTES];       /* "": the system's */
    bool is_tls_required;
    char zone[SOURCE_WORD_BYTES]; /* of times without one */
};

/* The rules of runner.sources, for config_load: ends with a NULL path. */
extern const struct config_section source_sections[];

/* Look a source up.
 * Shape:  ret_source is filled on TC_OK.
 * Units:  none.
 * Owns:   copies.
 * Errors: TC_ENOENT with the names that there are. */
int source_find(const struct config *config, const char *name, struct source *ret_source,
                struct err *err);

/* Look at all sources as far as that goes without asking them: address, secrets, CA file, zone.
 * Shape:  config was read with source_sections.
 * Units:  none.
 * Owns:   nothing retained.
 * Errors: TC_ECONFIG with "file:line: runner.sources.NAME.KEY: cause". */
int source_check_all(const struct config *config, struct err *err);

/* The manual of a source's keys.
 * Trivial. */
void source_describe(struct buf *out);

#endif
