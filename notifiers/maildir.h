#ifndef NOTIFIERS_MAILDIR_H
#define NOTIFIERS_MAILDIR_H

#include <stddef.h>

#include "lib/base/err.h"

/* Deliver a mail into a Maildir, which is made when it does not exist: on disk before it can be
 * seen. The same name delivered twice is one mail.
 * Shape:  directory absolute; name one path component.
 * Units:  bytes.
 * Owns:   nothing.
 * Errors: TC_EPERM, TC_ENOSPC, TC_EIO and what else the kernel says, with the path. */
int maildir_deliver(const char *directory, const char *name, const char *mail, size_t size,
                    struct err *err);

#endif
