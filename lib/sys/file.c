/* Files: whole reads with a ceiling, replacement that survives a power cut, locks and facts of the
 * file system. Knows nothing of what is inside. Called by config, secret, keys, spool and store. */
#include "lib/sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/sys/rng.h"

static int fail(struct err *err, const char *verb, const char *path)
{
    int reason = errno;
    return err_set(err, err_from_errno(reason), "cannot %s %s: %s", verb, path,
                   strerrordesc_np(reason));
}

/* Opened without blocking, so that a pipe put in the file's place can't hang the program. */
static int open_regular(const char *path, int *ret_fd, struct stat *ret_stat, struct err *err)
{
    TC_CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, ret_stat) != 0) {
        return fail(err, "read", path);
    }
    if (!S_ISREG(ret_stat->st_mode)) {
        return err_set(err, TC_EINVAL, "cannot read %s: it is not a regular file", path);
    }
    *ret_fd = TC_TAKE_FD(fd);
    return TC_OK;
}

static int read_all(int fd, const char *path, size_t max, char **ret_text, size_t *ret_size,
                    struct err *err)
{
    struct stat facts;
    size_t cap = 4096;
    if (fstat(fd, &facts) == 0 && facts.st_size > 0) {
        cap = (uint64_t)facts.st_size < max ? (size_t)facts.st_size + 1 : max + 1;
    }
    TC_CLEANUP(mem_freep) char *text = mem_alloc(cap + 1);
    size_t size = 0;
    for (;;) {
        if (size == cap) {
            cap *= 2;
            text = mem_resize(text, cap + 1, 1);
        }
        ssize_t got = read(fd, text + size, cap - size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail(err, "read", path);
        }
        size += (size_t)got;
        if (size > max) {
            return err_set(err, TC_ERANGE, "%s is larger than %zu bytes", path, max);
        }
        if (got == 0) {
            break;
        }
    }
    text[size] = '\0';
    *ret_text = TC_TAKE_PTR(text);
    if (ret_size != NULL) {
        *ret_size = size;
    }
    return TC_OK;
}

int file_read(const char *path, size_t max, char **ret_text, size_t *ret_size, struct err *err)
{
    TC_CLEANUP(fd_closep) int fd = -1;
    struct stat facts;
    int code = open_regular(path, &fd, &facts, err);
    if (code != TC_OK) {
        return code;
    }
    return read_all(fd, path, max, ret_text, ret_size, err);
}

int file_read_secret(const char *path, size_t max, char **ret_text, size_t *ret_size,
                     struct err *err)
{
    TC_CLEANUP(fd_closep) int fd = -1;
    struct stat facts = {.st_mode = 0};
    int code = open_regular(path, &fd, &facts, err);
    if (code != TC_OK) {
        return code;
    }
    if ((facts.st_mode & (S_IRWXO | S_IWGRP)) != 0) {
        return err_set(err, TC_EPERM,
                       "%s has mode %04o: a secret may not be open to others nor writable by its "
                       "group; chmod 0600 or 0640",
                       path, facts.st_mode & 07777U);
    }
    if (facts.st_uid != geteuid() && facts.st_uid != 0) {
        return err_set(err, TC_EPERM, "%s belongs to user %u, not to this program's or root", path,
                       facts.st_uid);
    }
    return read_all(fd, path, max, ret_text, ret_size, err);
}

int file_write_fd(int fd, const void *bytes, size_t size)
{
    const char *next = bytes;
    while (size > 0) {
        ssize_t written = write(fd, next, size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return err_from_errno(errno);
        }
        next += written;
        size -= (size_t)written;
    }
    return TC_OK;
}

char *file_join(const char *dir, const char *path)
{
    if (path[0] == '/') {
        return mem_strdup(path);
    }
    size_t dir_size = strlen(dir);
    while (dir_size > 1 && dir[dir_size - 1] == '/') {
        dir_size--;
    }
    size_t size = dir_size + 1 + strlen(path) + 1;
    char *joined = mem_alloc(size);
    const char *slash = dir_size == 1 && dir[0] == '/' ? "" : "/";
    (void)snprintf(joined, size, "%.*s%s%s", (int)dir_size, dir, slash, path); /* fits by size */
    return joined;
}

char *file_dir(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return mem_strdup(".");
    }
    return mem_dup(path, slash == path ? 1 : (size_t)(slash - path));
}

int file_sync_dir(const char *path, struct err *err)
{
    TC_CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        return fail(err, "make durable the directory", path);
    }
    return TC_OK;
}

/* Write and fsync a new file beside path; its name goes to ret_temp. */
static int write_beside(const char *path, mode_t mode, const void *bytes, size_t size,
                        char **ret_temp, struct err *err)
{
    size_t temp_size = strlen(path) + 32;
    TC_CLEANUP(mem_freep) char *temp = mem_alloc(temp_size);
    (void)snprintf(temp, temp_size, "%s.%016jx.tmp", path, (uintmax_t)rng_u64()); /* fits */
    TC_CLEANUP(fd_closep) int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return fail(err, "write", path);
    }
    int code = file_write_fd(fd, bytes, size);
    if (code != TC_OK) {
        (void)unlink(temp); /* the write's failure is what matters */
        return err_set(err, code, "cannot write %s: %s", path, err_name(code));
    }
    if (fchmod(fd, mode) != 0 || fsync(fd) != 0) {
        code = fail(err, "write", path);
        (void)unlink(temp); /* likewise */
        return code;
    }
    *ret_temp = TC_TAKE_PTR(temp);
    return TC_OK;
}

static int put(const char *path, mode_t mode, const void *bytes, size_t size, unsigned rename_flags,
               struct err *err)
{
    TC_CLEANUP(mem_freep) char *temp = NULL;
    int code = write_beside(path, mode, bytes, size, &temp, err);
    if (code != TC_OK) {
        return code;
    }
    TC_ASSERT(temp != NULL);
    if (renameat2(AT_FDCWD, temp, AT_FDCWD, path, rename_flags) != 0) {
        code = fail(err, "write", path);
        (void)unlink(temp); /* the rename's failure is what matters */
        return code;
    }
    TC_CLEANUP(mem_freep) char *dir = file_dir(path);
    return file_sync_dir(dir, err);
}

int file_write(const char *path, mode_t mode, const void *bytes, size_t size, struct err *err)
{
    return put(path, mode, bytes, size, 0, err);
}

int file_create(const char *path, mode_t mode, const void *bytes, size_t size, struct err *err)
{
    return put(path, mode, bytes, size, RENAME_NOREPLACE, err);
}

int file_check_reach(const char *path, uid_t uid, gid_t gid, struct err *err)
{
    TC_CLEANUP(mem_freep) char *prefix = mem_strdup(path);
    size_t size = strlen(prefix);
    for (size_t i = 1; i <= size; i++) {
        if (prefix[i] != '/' && prefix[i] != '\0') {
            continue;
        }
        char end = prefix[i];
        struct stat facts;
        prefix[i] = '\0';
        if (stat(prefix, &facts) != 0) {
            return fail(err, "look at", prefix);
        }
        mode_t needed = facts.st_uid == uid ? S_IXUSR : facts.st_gid == gid ? S_IXGRP : S_IXOTH;
        if (uid != 0 && (facts.st_mode & needed) == 0) {
            return err_set(err, TC_EPERM, "the directory %s is closed to it: chmod o+x %s", prefix,
                           prefix);
        }
        prefix[i] = end;
    }
    return TC_OK;
}

int file_make_dirs(const char *path, mode_t mode, struct err *err)
{
    TC_CLEANUP(mem_freep) char *prefix = mem_strdup(path);
    size_t size = strlen(prefix);
    for (size_t i = 1; i <= size; i++) {
        if (prefix[i] != '/' && prefix[i] != '\0') {
            continue;
        }
        char end = prefix[i];
        prefix[i] = '\0';
        if (mkdir(prefix, mode) != 0 && errno != EEXIST && errno != EROFS) {
            return fail(err, "make the directory", prefix);
        }
        prefix[i] = end;
    }
    struct stat facts;
    if (stat(path, &facts) != 0) {
        return fail(err, "make the directory", path);
    }
    if (!S_ISDIR(facts.st_mode)) {
        return err_set(err, TC_EEXIST, "cannot make the directory %s: a file is in the way", path);
    }
    return TC_OK;
}

int file_lock(const char *path, int *ret_fd, struct err *err)
{
    TC_CLEANUP(fd_closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0) {
        return fail(err, "lock", path);
    }
    char text[32] = "";
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return fail(err, "lock", path);
        }
        if (pread(fd, text, sizeof(text) - 1, 0) < 0) {
            text[0] = '\0'; /* it was only to tell who */
        }
        text[strcspn(text, "\n")] = '\0';
        return err_set(err, TC_EEXIST, "already running: %s is held by process %s", path,
                       text[0] == '\0' ? "(unknown)" : text);
    }
    int size = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)size, 0) != size) {
        return fail(err, "write", path);
    }
    *ret_fd = TC_TAKE_FD(fd);
    return TC_OK;
}

int file_check_local(const char *path, struct err *err)
{
    static const struct {
        uint32_t magic;
        const char *name;
    } remote[] = {
        {NFS_SUPER_MAGIC, "NFS"},     {CIFS_SUPER_MAGIC, "CIFS"}, {SMB2_SUPER_MAGIC, "SMB"},
        {SMB_SUPER_MAGIC, "SMB"},     {V9FS_MAGIC, "9p"},         {FUSE_SUPER_MAGIC, "FUSE"},
        {CEPH_SUPER_MAGIC, "Ceph"},   {AFS_SUPER_MAGIC, "AFS"},   {CODA_SUPER_MAGIC, "Coda"},
        {NCP_SUPER_MAGIC, "NCP"},     {0x0BD00BD0, "Lustre"},     {0x01161970, "GFS2"},
        {OCFS2_SUPER_MAGIC, "OCFS2"},
    };
    struct statfs facts;
    if (statfs(path, &facts) != 0) {
        return fail(err, "examine", path);
    }
    for (size_t i = 0; i < sizeof(remote) / sizeof(remote[0]); i++) {
        if ((uint32_t)facts.f_type == remote[i].magic) {
            return err_set(err, TC_ECONFIG,
                           "%s lies on a %s file system, which does not keep locks and durable "
                           "writes; use a local disk",
                           path, remote[i].name);
        }
    }
    return TC_OK;
}

int file_free_space(const char *path, uint64_t *ret_bytes, uint32_t *ret_permille, struct err *err)
{
    struct statfs facts;
    if (statfs(path, &facts) != 0) {
        return fail(err, "examine", path);
    }
    *ret_bytes = (uint64_t)facts.f_bavail * (uint64_t)facts.f_bsize;
    uint64_t used = facts.f_blocks - facts.f_bfree;
    uint64_t usable = used + facts.f_bavail;
    *ret_permille = usable == 0 ? 1000 : (uint32_t)(facts.f_bavail * 1000 / usable);
    return TC_OK;
}
