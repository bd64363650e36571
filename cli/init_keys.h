#ifndef CLI_INIT_KEYS_H
#define CLI_INIT_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "proto/link/keys.h"

struct store_config;

/* The secrets of a new installation, and the list of what was written so far. */
enum {
    INIT_FILES_MAX = 48,
    INIT_HEX_SIZE = 65, /* 32 random bytes in hexadecimal and a NUL */
};

struct init_files {
    char *dir;                     /* owned, absolute */
    char *created[INIT_FILES_MAX]; /* owned: paths, in the order of making */
    size_t count;
};

/* A path below the directory, for the caller to free; note one as made; remove all that was made;
 * forget the list.
 * Trivial. */
char *init_path(const struct init_files *files, const char *name);
void init_created(struct init_files *files, const char *name);
void init_undo(struct init_files *files);
void init_files_clear(struct init_files *files);

/* Whether a runner can have this name: it must stand in the list of peers.
 * Shape:  any text.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EINVAL with what would be right. */
int init_check_name(const char *name, struct err *err);

/* Random text for a secret. Trivial. */
void init_random_hex(char *ret_text);

/* Write a secret as one line of a new file, mode 0600.
 * Shape:  name is relative to the directory.
 * Units:  none.
 * Owns:   nothing.
 * Errors: as file_create. */
int init_write(struct init_files *files, const char *name, const char *text, struct err *err);

/* Make the keys of every process of this host, the list of peers, and the audit's keys.
 * Shape:  channels end with NULL; runner is the runner's name.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EINVAL a name that can't stand in the list, TC_EEXIST, as file_create. */
int init_keys(struct init_files *files, const char *runner, const char *const *channels,
              struct err *err);

/* Make the admin token: its file, its row, its audit record.
 * Shape:  the store has its tables and no router.
 * Units:  now_utc_ms Unix ms.
 * Owns:   nothing.
 * Errors: as store_open and store_commit. */
int init_token(struct init_files *files, const struct store_config *config, int64_t now_utc_ms,
               struct err *err);

#endif
