#ifndef MONITORS_PLACE_H
#define MONITORS_PLACE_H

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/sys/config.h"

/* Paths come from rows; where a check may look is the host's owner's (runner.roots). */

enum {
    PLACE_SIZE_BYTES = 32,
};

/* Open what a path names, for its facts only, if it lies below one of the roots once every link in
 * it is resolved.
 * Shape:  the descriptor is O_PATH: nothing is read, no device is woken, no permission on the file
 *         itself is needed.
 * Units:  none.
 * Owns:   the caller closes ret_fd.
 * Errors: TC_ENOENT nothing there; TC_EPERM not below a root, or a directory on the way can't be
 *         searched; TC_EIO. The text is a sentence that names the path. */
int place_open(const struct config_list *roots, const char *path, int *ret_fd, struct err *err);

/* "1.9 GiB": a number of bytes for people.
 * Shape:  ret_text has PLACE_SIZE_BYTES; returns it.
 * Units:  bytes.
 * Owns:   the caller's buffer.
 * Errors: none. */
const char *place_size(uint64_t bytes, char *ret_text);

#endif
