#ifndef LIB_BASE_BUF_H
#define LIB_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* A growing byte string with a ceiling and a sticky error: append as much as you like, check once
 * at the end. p is never NULL after buf_init and always NUL-terminated at p[len]. */
struct buf {
    char *p;    /* owned */
    size_t len; /* bytes in use, without the NUL */
    size_t cap; /* bytes allocated */
    size_t max; /* ceiling for len */
    int err;    /* TC_OK, or TC_ENOSPC once an append went over max; content stays as it was */
};

/* Start an empty buffer.
 * Shape:  b is overwritten; max > 0.
 * Units:  max in bytes, from lib/base/limits.h.
 * Owns:   the caller releases it with buf_free or buf_take.
 * Errors: none. */
void buf_init(struct buf *b, size_t max);

/* Release the bytes; the buffer must be initialised again before use.
 * Trivial. */
void buf_free(struct buf *b);

/* For TC_CLEANUP(buf_freep). Trivial. */
void buf_freep(struct buf *b);

/* Empty the buffer and clear its error; keeps the allocation.
 * Trivial. */
void buf_reset(struct buf *b);

/* Append bytes, a string, one byte, or formatted text.
 * Shape:  the appended bytes must not lie inside b.
 * Units:  bytes.
 * Owns:   copies.
 * Errors: none returned; b->err becomes TC_ENOSPC at the ceiling and the append is dropped whole. */
void buf_add(struct buf *b, const void *bytes, size_t size);
void buf_add_str(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);
void buf_add_fmt(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_add_vfmt(struct buf *b, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Reserve room and return where it starts; commit what was written with buf_grow.
 * Shape:  NULL when the ceiling forbids it (b->err is set).
 * Units:  bytes.
 * Owns:   stays with b, valid until the next append.
 * Errors: as buf_add. */
char *buf_reserve(struct buf *b, size_t size);

/* Count size bytes, written behind a successful buf_reserve, as content.
 * Trivial. */
void buf_grow(struct buf *b, size_t size);

/* Remove the first size bytes.
 * Trivial. */
void buf_drop_front(struct buf *b, size_t size);

/* Hand over the NUL-terminated bytes. The buffer must be initialised again before use; buf_free on it
 * is fine.
 * Shape:  never NULL.
 * Units:  none.
 * Owns:   the caller frees with mem_free.
 * Errors: none; check b->err before. */
char *buf_take(struct buf *b);

#endif
