/* Growing byte strings. Every text, message and body of the project is built with this; nothing
 * else grows memory by hand. */
#include "lib/base/buf.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

enum {
    CAP_FIRST = 64,
};

void buf_init(struct buf *b, size_t max)
{
    TC_ASSERT(b != NULL);
    TC_ASSERT(max > 0);
    *b = (struct buf){.p = mem_alloc(CAP_FIRST), .cap = CAP_FIRST, .max = max};
}

void buf_free(struct buf *b)
{
    mem_free(b->p);
    *b = (struct buf){.p = NULL};
}

void buf_freep(struct buf *b)
{
    buf_free(b);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->err = TC_OK;
    b->p[0] = '\0';
}

char *buf_reserve(struct buf *b, size_t size)
{
    TC_ASSERT(b->p != NULL);
    if (b->err != TC_OK || size > b->max - b->len) {
        b->err = TC_ENOSPC;
        return NULL;
    }
    size_t need = b->len + size + 1;
    if (need > b->cap) {
        size_t cap = b->cap * 2;
        if (cap < need) {
            cap = need;
        }
        b->p = mem_resize(b->p, cap, 1);
        b->cap = cap;
    }
    return b->p + b->len;
}

void buf_grow(struct buf *b, size_t size)
{
    TC_ASSERT(size < b->cap - b->len);
    b->len += size;
    b->p[b->len] = '\0';
}

void buf_add(struct buf *b, const void *bytes, size_t size)
{
    char *room = buf_reserve(b, size);
    if (room == NULL) {
        return;
    }
    if (size > 0) {
        memcpy(room, bytes, size);
    }
    buf_grow(b, size);
}

void buf_add_str(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_add_char(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_add_vfmt(struct buf *b, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, fmt, args);
    TC_ASSERT(size >= 0);
    char *room = buf_reserve(b, (size_t)size);
    if (room != NULL) {
        (void)vsnprintf(room, (size_t)size + 1, fmt, again); /* measured above */
        buf_grow(b, (size_t)size);
    }
    va_end(again);
}

void buf_add_fmt(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    buf_add_vfmt(b, fmt, args);
    va_end(args);
}

void buf_drop_front(struct buf *b, size_t size)
{
    TC_ASSERT(size <= b->len);
    memmove(b->p, b->p + size, b->len - size + 1);
    b->len -= size;
}

char *buf_take(struct buf *b)
{
    char *taken = b->p;
    TC_ASSERT(taken != NULL);
    *b = (struct buf){.p = NULL};
    return taken;
}
