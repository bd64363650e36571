/* The one error idiom: a code to decide by, a text for the operator. Never logs, never allocates.
 * Called by everything. */
#include "lib/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void text_mark_cut(char *text, int wanted)
{
    if (wanted >= ERR_TEXT_MAX) {
        memcpy(text + ERR_TEXT_MAX - 4, "...", 4);
    }
}

int err_set_at(struct err *err, int code, const char *file, int line, const char *fmt, ...)
{
    if (err == NULL) {
        return code;
    }
    /* The arguments may point into err->text itself, hence the copy. */
    char text[ERR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    int wanted = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    text_mark_cut(text, wanted);
    err->code = code;
    err->file = file;
    err->line = line;
    memcpy(err->text, text, sizeof(text));
    return code;
}

int err_ctx(struct err *err, const char *fmt, ...)
{
    if (err == NULL) {
        return TC_OK;
    }
    char text[ERR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    int used = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (used < 0 || used >= ERR_TEXT_MAX) {
        used = ERR_TEXT_MAX - 1;
    }
    size_t room = sizeof(text) - (size_t)used;
    int more = snprintf(text + used, room, ": %s", err->text);
    text_mark_cut(text, used + more);
    memcpy(err->text, text, sizeof(text));
    return err->code;
}

static const char *const names[] = {
    "ok",        "invalid",  "not found",       "exists",    "out of range",
    "malformed", "refused",  "try again",       "timed out", "input/output error",
    "no space",  "conflict", "unknown outcome", "fenced",    "stale",
    "protocol",  "closed",   "configuration",   "corrupt",   "version",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == 1 - TC_EVERSION, "one name a code");

const char *err_name(int code)
{
    if (code > 0 || code < TC_EVERSION) {
        return "error";
    }
    return names[-code];
}

int err_from_errno(int errno_value)
{
    switch (errno_value) {
    case EINVAL:
    case ENAMETOOLONG:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENOEXEC:
    case ELIBBAD:
        return TC_EINVAL;
    case ENOENT:
    case ESRCH:
        return TC_ENOENT;
    case EEXIST:
        return TC_EEXIST;
    case ERANGE:
    case E2BIG:
    case EMSGSIZE:
        return TC_ERANGE;
    case EACCES:
    case EPERM:
    case EROFS:
        return TC_EPERM;
    case EAGAIN:
    case EINTR:
    case EBUSY:
    case EMFILE:
    case ENFILE:
        return TC_EAGAIN;
    case ETIMEDOUT:
        return TC_ETIMEDOUT;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return TC_ENOSPC;
    case EPIPE:
    case ECONNRESET:
    case ECONNREFUSED:
    case ENOTCONN:
        return TC_ECLOSED;
    default:
        return TC_EIO;
    }
}
