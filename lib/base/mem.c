/* The only caller of the C allocator. Running out ends the process: durable state lives in the
 * store and the spool, the supervisor restarts us. Used by everything but router/core. */
#include "lib/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"

static _Noreturn void out_of_memory(size_t size)
{
    (void)fprintf(stderr, "out of memory: %zu bytes wanted\n", size); /* dying anyway */
    abort();
}

static size_t product(size_t count, size_t size)
{
    size_t total = 0;
    if (__builtin_mul_overflow(count, size, &total)) {
        out_of_memory((size_t)-1);
    }
    return total;
}

void mem_free(void *p)
{
    free(p);
}

void mem_free_const(const void *p)
{
    void *own = NULL;
    memcpy(&own, &p, sizeof(own)); /* what is freed was never const, only its reader's view of it */
    free(own);
}

void *mem_alloc(size_t size)
{
    TC_ASSERT(size > 0);
    void *p = calloc(1, size);
    if (p == NULL) {
        out_of_memory(size);
    }
    return p;
}

void *mem_array(size_t count, size_t size)
{
    return mem_alloc(product(count, size));
}

void *mem_resize(void *p, size_t count, size_t size)
{
    size_t total = product(count, size);
    TC_ASSERT(total > 0);
    void *bigger = realloc(p, total);
    if (bigger == NULL) {
        out_of_memory(total);
    }
    return bigger;
}

char *mem_strdup(const char *s)
{
    return s == NULL ? NULL : mem_dup(s, strlen(s));
}

char *mem_dup(const void *p, size_t size)
{
    char *copy = mem_alloc(size + 1);
    if (size > 0) {
        memcpy(copy, p, size);
    }
    return copy;
}
