#ifndef MONITORS_SERVE_H
#define MONITORS_SERVE_H

#include "monitors/check.h"

/* The two ways in: one request and an end, or a line after the other. */

/* Answer the one request that fd_in holds up to its end.
 * Shape:  the answer is one line.
 * Units:  none.
 * Owns:   nothing; descriptors stay the caller's.
 * Errors: TC_ECLOSED nobody reads the answer, TC_EIO. */
int serve_once(const struct check_host *host, const struct check_ops *ops, int fd_in, int fd_out);

/* Answer each line with one line until fd_in ends. A line over CHECK_REQUEST_BYTES is answered as a
 * failure.
 * Shape:  as serve_once.
 * Units:  none.
 * Owns:   as serve_once.
 * Errors: as serve_once. */
int serve_lines(const struct check_host *host, const struct check_ops *ops, int fd_in, int fd_out);

#endif
