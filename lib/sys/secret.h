#ifndef LIB_SYS_SECRET_H
#define LIB_SYS_SECRET_H

#include <stddef.h>

#include "lib/base/err.h"

/* A secret, read by reference and wiped when freed. Nothing formats one; whoever needs the bytes
 * says so with secret_bytes, which makes every use easy to find. */
struct secret;

enum {
    SECRET_BYTES_MAX = 16 * 1024,
};

/* Read a secret: "file:PATH" (relative to dir), "cred:NAME" (systemd's credentials directory),
 * "env:NAME". One line end behind it is dropped.
 * Shape:  dir NUL-terminated.
 * Units:  none.
 * Owns:   the caller frees with secret_free.
 * Errors: TC_EINVAL not a reference, TC_ENOENT, TC_EPERM a file that others may read, TC_ERANGE,
 *         TC_EPARSE empty or with a NUL inside. No text ever holds the secret. */
int secret_load(const char *reference, const char *dir, struct secret **ret_secret,
                struct err *err);

/* Look whether secret_load will find one, as far as another process can tell: a file is read like
 * there; a credential and a variable belong to the process that needs them, so that only the form of
 * the reference counts.
 * Shape:  as secret_load.
 * Units:  none.
 * Owns:   nothing retained.
 * Errors: as secret_load. */
int secret_check(const char *reference, const char *dir, struct err *err);

/* Make a secret from bytes; the source is the caller's to wipe.
 * Trivial. */
struct secret *secret_new(const void *bytes, size_t size);

/* Free and wipe (NULL is fine); returns NULL.
 * Trivial. */
struct secret *secret_free(struct secret *secret);
void secret_freep(struct secret **secret);

/* The bytes, NUL-terminated, and their count.
 * Trivial. */
const char *secret_bytes(const struct secret *secret);
size_t secret_size(const struct secret *secret);

#endif
