#ifndef LIB_SYS_FILE_H
#define LIB_SYS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

/* Files: whole reads with a limit, writes that survive a power cut, locks. */

/* Read a whole regular file.
 * Shape:  the text gets a NUL behind its size bytes; ret_size may be NULL.
 * Units:  bytes.
 * Owns:   the caller frees with mem_free.
 * Errors: TC_ENOENT, TC_EPERM, TC_ERANGE over max, TC_EINVAL not a regular file, TC_EIO. */
int file_read(const char *path, size_t max, char **ret_text, size_t *ret_size, struct err *err);

/* The same for a file that holds a secret: refuses one that others may read or a group may write,
 * and one that belongs to somebody else than this user or root.
 * Shape:  as file_read; group read is allowed (services share files by group).
 * Units:  bytes.
 * Owns:   as file_read; the caller wipes.
 * Errors: as file_read; TC_EPERM with the mode that would be right. */
int file_read_secret(const char *path, size_t max, char **ret_text, size_t *ret_size,
                     struct err *err);

/* Replace a file whole: after success the new content is on disk, after any failure or power cut
 * the old one is as it was.
 * Shape:  mode is exact, whatever the umask.
 * Units:  bytes.
 * Owns:   nothing.
 * Errors: TC_ENOSPC, TC_EPERM, TC_ENOENT no such directory, TC_EIO. */
int file_write(const char *path, mode_t mode, const void *bytes, size_t size, struct err *err);

/* The same but never over an existing file.
 * Shape:  as file_write.
 * Units:  bytes.
 * Owns:   nothing.
 * Errors: as file_write; TC_EEXIST. */
int file_create(const char *path, mode_t mode, const void *bytes, size_t size, struct err *err);

/* Write all bytes to a descriptor, waiting out interruptions and short writes.
 * Shape:  fd should block.
 * Units:  bytes.
 * Owns:   nothing.
 * Errors: TC_ECLOSED, TC_ENOSPC, TC_EIO, TC_EAGAIN when fd does not block and is full. */
int file_write_fd(int fd, const void *bytes, size_t size);

/* Make a directory and those above it; existing ones are left as they are.
 * Shape:  mode for each that is made.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EPERM, TC_ENOSPC, TC_EEXIST when a file is in the way, TC_EIO. */
int file_make_dirs(const char *path, mode_t mode, struct err *err);

/* Whether a user without other groups may go into a directory by its path.
 * Shape:  path absolute; each directory above it counts.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_EPERM with the first directory that stops the user; TC_ENOENT. */
int file_check_reach(const char *path, uid_t uid, gid_t gid, struct err *err);

/* Make the entries of a directory durable.
 * Shape:  path of the directory.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_ENOENT, TC_EIO. */
int file_sync_dir(const char *path, struct err *err);

/* Hold a lock file for this process alone, with its process id inside.
 * Shape:  the lock ends when the descriptor is closed; the file stays.
 * Units:  none.
 * Owns:   the caller closes the descriptor.
 * Errors: TC_EEXIST already held (the text names the process), else as file_write. */
int file_lock(const char *path, int *ret_fd, struct err *err);

/* Refuse a path on a network or user-space file system, where locks and durability are not kept.
 * Shape:  path exists.
 * Units:  none.
 * Owns:   nothing.
 * Errors: TC_ECONFIG with the kind of file system, TC_ENOENT, TC_EIO. */
int file_check_local(const char *path, struct err *err);

/* What is free for an ordinary user on the file system of path.
 * Shape:  path exists.
 * Units:  bytes, thousandths.
 * Owns:   nothing.
 * Errors: TC_ENOENT, TC_EIO. */
int file_free_space(const char *path, uint64_t *ret_bytes, uint32_t *ret_permille, struct err *err);

/* path as it is when absolute, else below dir; the directory part of a path ("." when none).
 * Shape:  NUL-terminated.
 * Units:  none.
 * Owns:   the caller frees with mem_free.
 * Errors: none. */
char *file_join(const char *dir, const char *path);
char *file_dir(const char *path);

#endif
