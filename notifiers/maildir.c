/* Maildir delivery: tmp/ → fsync → new/ → fsync of the directory. Called by transport.c. */
#include "notifiers/maildir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/limits.h"
#include "lib/sys/file.h"

enum {
    DIRECTORY_MODE = 0700,
    MAIL_MODE = 0600,
};

static void set_path(struct buf *path, const char *directory, const char *part, const char *name)
{
    buf_init(path, 2L * LIMIT_URL_BYTES);
    buf_add_fmt(path, "%s/%s%s%s", directory, part, name[0] != '\0' ? "/" : "", name);
}

static int make_part(const char *directory, const char *part, struct err *err)
{
    TC_CLEANUP(buf_freep) struct buf path;
    set_path(&path, directory, part, "");
    return file_make_dirs(path.p, DIRECTORY_MODE, err);
}

int maildir_deliver(const char *directory, const char *name, const char *mail, size_t size,
                    struct err *err)
{
    static const char *const parts[] = {"tmp", "new", "cur"};
    TC_CLEANUP(buf_freep) struct buf tmp;
    TC_CLEANUP(buf_freep) struct buf done;
    TC_CLEANUP(buf_freep) struct buf parent;
    set_path(&tmp, directory, "tmp", name);
    set_path(&done, directory, "new", name);
    set_path(&parent, directory, "new", "");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        int status = make_part(directory, parts[i], err);
        if (status != TC_OK) {
            return status;
        }
    }
    int status = file_write(tmp.p, MAIL_MODE, mail, size, err);
    if (status != TC_OK) {
        return status;
    }
    if (rename(tmp.p, done.p) != 0) {
        return err_set(err, err_from_errno(errno), "%s: can't be moved to new/: %s", tmp.p,
                       strerrordesc_np(errno));
    }
    return file_sync_dir(parent.p, err);
}
