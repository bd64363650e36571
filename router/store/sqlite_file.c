/* The files of a SQLite store by their names and their condition. Nothing is opened here but the lock.
 * Called by sqlite.c and sqlite_migrate.c. */
#include "router/store/sqlite_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/sys/file.h"

enum {
    PATH_BYTES = 4096,
};

char *sqlite_file_with_end(const char *path, const char *end)
{
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, PATH_BYTES);
    buf_add_str(&text, path);
    buf_add_str(&text, end);
    return buf_take(&text);
}

bool sqlite_file_exists(const char *path, const char *end)
{
    TC_CLEANUP(mem_freep) char *whole = sqlite_file_with_end(path, end);
    return access(whole, F_OK) == 0;
}

int sqlite_file_path(const struct store_config *config, char **ret_path, struct err *err)
{
    static const char scheme[] = "sqlite:";
    if (strncmp(config->url, scheme, sizeof scheme - 1) != 0 ||
        config->url[sizeof scheme - 1] == '\0') {
        return err_set(err, TC_ECONFIG, "store.url '%s': write sqlite:FILE", config->url);
    }
    *ret_path = file_join(config->dir, config->url + sizeof scheme - 1);
    return TC_OK;
}

int sqlite_file_check(const char *path, struct err *err)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        return errno == ENOENT
                   ? err_set(err, TC_ENOENT,
                             "there is no database %s: make it with 'tocsin migrate'", path)
                   : err_set(err, err_from_errno(errno), "%s: %s", path, strerrordesc_np(errno));
    }
    if (!S_ISREG(info.st_mode)) {
        return err_set(err, TC_ECONFIG, "%s is not a file: store.url must name a database file",
                       path);
    }
    if (info.st_size == 0) {
        return err_set(
            err, TC_ECORRUPT,
            "%s is empty: restore it from a backup, or remove it and run 'tocsin migrate' "
            "to begin with nothing",
            path);
    }
    return file_check_local(path, err);
}

int sqlite_file_lock(const char *path, int *ret_fd, struct err *err)
{
    TC_CLEANUP(mem_freep) char *lock_path = sqlite_file_with_end(path, ".lock");
    return file_lock(lock_path, ret_fd, err);
}
