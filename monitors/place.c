/* Where a check may look: a path is opened first and judged by where it really led, so that no link
 * and no race leads out of the roots. Called by the disk and file checks. */
#include "monitors/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"

enum {
    LINK_BYTES = 64,
    UNIT_BYTES = 1024,
};

static bool is_below(const char *path, const char *root)
{
    size_t size = strlen(root);
    return str_eq(root, "/") ||
           (str_has_prefix(path, root) && (path[size] == '/' || path[size] == '\0'));
}

static bool is_below_any(const char *path, const struct config_list *roots)
{
    char real[PATH_MAX];
    for (size_t i = 0; i < roots->count; i++) {
        if (realpath(roots->items[i], real) != NULL && is_below(path, real)) {
            return true;
        }
    }
    return false;
}

static int explain_open(const char *path, int cause, struct err *err)
{
    if (cause == ENOENT || cause == ENOTDIR) {
        return err_set(err, TC_ENOENT, "%s does not exist", path);
    }
    if (cause == EACCES) {
        return err_set(err, TC_EPERM,
                       "%s can't be looked at: a directory on the way is closed to the user that "
                       "checks run as",
                       path);
    }
    return err_set(err, err_from_errno(cause), "%s can't be looked at: %s", path,
                   strerrordesc_np(cause));
}

int place_open(const struct config_list *roots, const char *path, int *ret_fd, struct err *err)
{
    char link[LINK_BYTES];
    char real[PATH_MAX];
    TC_CLEANUP(fd_closep) int fd = open(path, O_PATH | O_CLOEXEC);
    int cause = errno;
    /* Whether something exists outside of the roots is nobody's business: judged by the text. */
    if (fd < 0 && !is_below_any(path, roots)) {
        return err_set(err, TC_EPERM,
                       "%s is not below a folder of runner.roots, the only ones that this host "
                       "lets checks look into",
                       path);
    }
    if (fd < 0) {
        return explain_open(path, cause, err);
    }
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd); /* fits */
    ssize_t size = readlink(link, real, sizeof(real) - 1);
    if (size < 0) {
        return err_set(err, TC_EIO, "where %s leads can't be told: %s", path,
                       strerrordesc_np(errno));
    }
    real[size] = '\0';
    if (!is_below_any(real, roots)) {
        return err_set(err, TC_EPERM,
                       "%s is not below a folder of runner.roots, the only ones that this host "
                       "lets checks look into",
                       path);
    }
    *ret_fd = TC_TAKE_FD(fd);
    return TC_OK;
}

const char *place_size(uint64_t bytes, char *ret_text)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= UNIT_BYTES && unit + 1 < sizeof(units) / sizeof(units[0])) {
        value /= UNIT_BYTES;
        unit++;
    }
    (void)snprintf(ret_text, PLACE_SIZE_BYTES, unit == 0 ? "%.0f %s" : "%.1f %s", value,
                   units[unit]); /* fits */
    return ret_text;
}
