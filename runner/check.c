/* Finds the program behind a check's name, or says why it may not run. The name comes from a row
 * that anybody with the database can write; everything else comes from this host's owner. It starts
 * nothing. Called by the runner before each run, so that a change of the files needs no reload. */
#include "runner/check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"

enum {
    MODE_FOREIGN_WRITE = S_IWGRP | S_IWOTH,
    MODE_ANY_EXECUTE = S_IXUSR | S_IXGRP | S_IXOTH,
};

/* Plugins that run whatever their arguments say: arguments come from rows, so these would let a row
 * run anything. */
static const char *const wrappers[] = {"negate", "urlize", NULL};

static bool is_file_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
}

static int check_name(enum checks_kind kind, const char *file, enum verdict_reason *ret_reason,
                      struct err *err)
{
    *ret_reason = VERDICT_REASON_CONFIG;
    size_t size = strlen(file);
    if (size == 0 || size > CHECK_FILE_BYTES) {
        return err_set(err, TC_EINVAL, "a check's name has 1 to %d characters, not %zu",
                       CHECK_FILE_BYTES, size);
    }
    for (size_t i = 0; i < size; i++) {
        if (!is_file_char(file[i])) {
            return err_set(err, TC_EINVAL,
                           "a check's name holds letters, digits, \"_\", \".\" and \"-\" only; "
                           "paths and arguments are not taken from rows");
        }
    }
    if (file[0] == '.' || file[0] == '-') {
        return err_set(err, TC_EINVAL, "a check's name must not begin with \".\" or \"-\"");
    }
    for (size_t i = 0; kind == CHECKS_NAGIOS && wrappers[i] != NULL; i++) {
        if (str_eq(file, wrappers[i])) {
            *ret_reason = VERDICT_REASON_NOT_ALLOWED;
            return err_set(err, TC_EPERM,
                           "the plugin %s runs other commands, which a row may not choose", file);
        }
    }
    return TC_OK;
}

bool check_is_allowed(const struct check_policy *policy, const char *text)
{
    for (size_t i = 0; i < policy->allow.count; i++) {
        if (str_glob(policy->allow.items[i], text)) {
            return true;
        }
    }
    return false;
}

/* Whether somebody other than root and this process's user could change what is behind st. */
static bool is_changeable_by_others(const struct stat *st)
{
    return (st->st_mode & MODE_FOREIGN_WRITE) != 0 || (st->st_uid != 0 && st->st_uid != geteuid());
}

static int refuse(enum verdict_reason *ret_reason, enum verdict_reason reason, int code)
{
    *ret_reason = reason;
    return code;
}

/* Debian's plugins are partly links to each other (check_ftp -> check_tcp): for those a link that
 * stays inside the directory is followed, for checks none is. */
static int open_beneath(int dir_fd, const char *file, bool is_plugin)
{
    struct open_how how = {
        .flags = O_PATH | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    if (!is_plugin) {
        how.resolve |= RESOLVE_NO_SYMLINKS;
    }
    return (int)syscall(SYS_openat2, dir_fd, file, &how, sizeof(how));
}

static int check_file(int fd, const char *path, bool must_execute, enum verdict_reason *ret_reason,
                      struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        int cause = errno;
        return refuse(ret_reason, VERDICT_REASON_NOT_EXECUTABLE,
                      err_set(err, err_from_errno(cause), "%s can't be examined: %s", path,
                              strerrordesc_np(cause)));
    }
    if (!S_ISREG(st.st_mode)) {
        const char *what = S_ISDIR(st.st_mode) ? "a directory" : "no regular file";
        return refuse(ret_reason, VERDICT_REASON_NOT_EXECUTABLE,
                      err_set(err, TC_EINVAL, "%s is %s", path, what));
    }
    if (is_changeable_by_others(&st)) {
        return refuse(ret_reason, VERDICT_REASON_NOT_EXECUTABLE,
                      err_set(err, TC_EPERM,
                              "%s could be changed by others (mode %04o, owner %u); it must belong "
                              "to root or the runner's user, without write permission for group "
                              "and others",
                              path, st.st_mode & 07777U, st.st_uid));
    }
    if (must_execute && (st.st_mode & MODE_ANY_EXECUTE) == 0) {
        return refuse(ret_reason, VERDICT_REASON_NOT_EXECUTABLE,
                      err_set(err, TC_EPERM, "%s is not executable (mode %04o); chmod +x it", path,
                              st.st_mode & 07777U));
    }
    return TC_OK;
}

static int check_directory(int fd, const char *dir, enum verdict_reason *ret_reason,
                           struct err *err)
{
    struct stat st = {.st_mode = 0};
    if (fstat(fd, &st) != 0 || is_changeable_by_others(&st)) {
        return refuse(ret_reason, VERDICT_REASON_NOT_EXECUTABLE,
                      err_set(err, TC_EPERM,
                              "the directory %s could be changed by others (mode %04o); nothing "
                              "in it is run",
                              dir, st.st_mode & 07777U));
    }
    return TC_OK;
}

/* Look into one directory; TC_ENOENT when it does not hold the file. */
static int look_in(const char *dir, const char *file, enum checks_kind kind, char *ret_path,
                   enum verdict_reason *ret_reason, struct err *err)
{
    if (snprintf(ret_path, CHECK_PATH_BYTES, "%s/%s", dir, file) >= CHECK_PATH_BYTES) {
        return refuse(ret_reason, VERDICT_REASON_NOT_EXECUTABLE,
                      err_set(err, TC_ERANGE, "the path below %s is too long", dir));
    }
    TC_CLEANUP(fd_closep) int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0) {
        return TC_ENOENT;
    }
    TC_CLEANUP(fd_closep) int fd = open_beneath(dir_fd, file, kind == CHECKS_NAGIOS);
    if (fd < 0 && errno == ENOENT) {
        return TC_ENOENT;
    }
    if (fd < 0) {
        const char *cause = errno == ELOOP ? "it is a symbolic link" : strerrordesc_np(errno);
        return refuse(ret_reason, VERDICT_REASON_NOT_EXECUTABLE,
                      err_set(err, TC_EPERM, "%s can't be run: %s", ret_path, cause));
    }
    int rc = check_directory(dir_fd, dir, ret_reason, err);
    if (rc != TC_OK) {
        return rc;
    }
    return check_file(fd, ret_path, kind != CHECKS_PHP, ret_reason, err);
}

static int locate_builtin(const struct check_policy *policy, char *ret_path,
                          enum verdict_reason *ret_reason, struct err *err)
{
    if (access(policy->builtin, X_OK) != 0) {
        return refuse(ret_reason, VERDICT_REASON_MISSING,
                      err_set(err, TC_ENOENT, "%s, which runs the built-in checks, is missing",
                              policy->builtin));
    }
    return str_copy(ret_path, CHECK_PATH_BYTES, policy->builtin);
}

int check_locate(const struct check_policy *policy, enum checks_kind kind, const char *file,
                 char *ret_path, enum verdict_reason *ret_reason, struct err *err)
{
    TC_ASSERT(kind != CHECKS_HEARTBEAT);
    if (kind != CHECKS_EXEC && kind != CHECKS_PHP && kind != CHECKS_NAGIOS) {
        return locate_builtin(policy, ret_path, ret_reason, err);
    }
    int rc = check_name(kind, file, ret_reason, err);
    if (rc != TC_OK) {
        return rc;
    }
    const struct config_list *dirs = &policy->directories;
    const char *key = "runner.checks";
    if (kind == CHECKS_PHP) {
        dirs = &policy->php;
        key = "runner.php";
    } else if (kind == CHECKS_NAGIOS) {
        dirs = &policy->plugins;
        key = "runner.plugins";
    }
    char full[CHECK_FILE_BYTES + sizeof(".php")];
    char path[CHECK_PATH_BYTES];
    (void)snprintf(full, sizeof(full), "%s%s", file, kind == CHECKS_PHP ? ".php" : ""); /* fits */
    for (size_t i = 0; i < dirs->count; i++) {
        rc = look_in(dirs->items[i], full, kind, path, ret_reason, err);
        if (rc == TC_OK) {
            return str_copy(ret_path, CHECK_PATH_BYTES, path);
        }
        if (rc != TC_ENOENT) {
            return rc;
        }
    }
    *ret_reason = VERDICT_REASON_MISSING;
    return err_set(err, TC_ENOENT, "there is no check \"%s\" in the directories of %s", full, key);
}
