#ifndef LIB_BASE_ERR_H
#define LIB_BASE_ERR_H

#include <stddef.h>

/* Status codes of every function that can fail: TC_OK or one negative TC_E value. Remote outcomes
 * (a refused mail, a failed check) are data, never one of these. */
enum {
    TC_OK = 0,
    TC_EINVAL = -1,     /* input breaks a documented rule */
    TC_ENOENT = -2,     /* looked up, not there */
    TC_EEXIST = -3,     /* already there */
    TC_ERANGE = -4,     /* over a limit, or a number out of range */
    TC_EPARSE = -5,     /* bytes are not of the expected form */
    TC_EPERM = -6,      /* not allowed */
    TC_EAGAIN = -7,     /* would block, or transient: the same call may succeed later */
    TC_ETIMEDOUT = -8,  /* a time limit passed */
    TC_EIO = -9,        /* the kernel or a device failed */
    TC_ENOSPC = -10,    /* no room: disk, quota, buffer ceiling */
    TC_ECONFLICT = -11, /* compare-and-set failed: somebody changed the row meanwhile */
    TC_EUNKNOWN = -12,  /* the outcome of a commit or send is not known */
    TC_EFENCED = -13,   /* the lease is lost: this process may not write any more */
    TC_ESTALE = -14,    /* older than what is already applied */
    TC_EPROTO = -15,    /* the peer broke the protocol */
    TC_ECLOSED = -16,   /* the peer or resource is gone */
    TC_ECONFIG = -17,   /* the configuration is unusable */
    TC_ECORRUPT = -18,  /* stored data fails its own check */
    TC_EVERSION = -19,  /* newer or older than this program can handle */
};

enum {
    ERR_TEXT_MAX = 768,
};

/* What went wrong, told where it went wrong. The text is a sentence for the operator: the thing,
 * the cause, what would be right. Callers may prefix context; only a process's top level logs it. */
struct err {
    int code;         /* TC_E..., TC_OK while unset */
    const char *file; /* borrowed, static: where it was set */
    int line;
    char text[ERR_TEXT_MAX]; /* NUL-terminated, UTF-8, cut with "..." when too long */
};

#define ERR_INIT      \
    (struct err)      \
    {                 \
        .code = TC_OK \
    }

/* Set `err` (may be NULL) and evaluate to `code`: `return err_set(err, TC_EINVAL, "...", ...);` */
#define err_set(err, code, ...) err_set_at((err), (code), __FILE__, __LINE__, __VA_ARGS__)

/* Fill err at the point of failure; use the err_set macro.
 * Shape:  err may be NULL; fmt is printf-like and ends without a newline.
 * Units:  none.
 * Owns:   nothing retained but file, which must be static.
 * Errors: none; returns code. */
int err_set_at(struct err *err, int code, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Prefix context to an error already set: "context: text".
 * Shape:  err may be NULL; fmt is printf-like.
 * Units:  none.
 * Owns:   nothing retained.
 * Errors: none; returns err->code (TC_OK when err is NULL). */
int err_ctx(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The short fixed name of a code ("invalid", "not found", ...), for logs and JSON.
 * Shape:  any int; unknown codes give "error".
 * Units:  none.
 * Owns:   static string.
 * Errors: none. */
const char *err_name(int code);

/* The TC_E code that an errno value maps to.
 * Shape:  errno_value > 0; anything unlisted gives TC_EIO.
 * Units:  none.
 * Owns:   nothing.
 * Errors: none. */
int err_from_errno(int errno_value);

#endif
