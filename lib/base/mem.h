#ifndef LIB_BASE_MEM_H
#define LIB_BASE_MEM_H

#include <stddef.h>

/* Memory that never runs out: these end the process instead of returning NULL, which is acceptable
 * because every input is checked against its maximum size (lib/base/limits.h) first. */

/* What gcc's analyzer needs to know of an allocator; clang 14 refuses the second attribute. */
#ifdef __clang__
#define MEM_ALLOCATES __attribute__((malloc))
#else
#define MEM_ALLOCATES __attribute__((malloc, malloc(mem_free, 1)))
#endif

/* Free what mem_* gave.
 * Shape:  p may be NULL.
 * Units:  none.
 * Owns:   takes p.
 * Errors: none. */
void mem_free(void *p);

/* The same for what its owner lent as const. Trivial. */
void mem_free_const(const void *p);

/* Allocate zeroed bytes.
 * Shape:  size > 0.
 * Units:  bytes.
 * Owns:   the caller frees with mem_free.
 * Errors: none; ends the process when memory is out. */
void *mem_alloc(size_t size) MEM_ALLOCATES __attribute__((returns_nonnull));

/* Allocate a zeroed array.
 * Shape:  count and size > 0; their product is checked for overflow.
 * Units:  bytes.
 * Owns:   the caller frees with mem_free.
 * Errors: none; ends the process when memory is out. */
void *mem_array(size_t count, size_t size) MEM_ALLOCATES __attribute__((returns_nonnull));

/* Grow or shrink an array; new bytes are not initialised.
 * Shape:  p NULL or from mem_*; count and size > 0; their product is checked for overflow.
 * Units:  bytes.
 * Owns:   takes p, the caller frees the result.
 * Errors: none; ends the process when memory is out. */
void *mem_resize(void *p, size_t count, size_t size) __attribute__((returns_nonnull));

/* Copy a string.
 * Shape:  s NUL-terminated or NULL, which gives NULL.
 * Units:  none.
 * Owns:   the caller frees with mem_free.
 * Errors: none; ends the process when memory is out. */
char *mem_strdup(const char *s) MEM_ALLOCATES;

/* Copy bytes and append a NUL.
 * Shape:  p may be NULL when size is 0.
 * Units:  bytes, without the NUL.
 * Owns:   the caller frees with mem_free.
 * Errors: none; ends the process when memory is out. */
char *mem_dup(const void *p, size_t size) MEM_ALLOCATES __attribute__((returns_nonnull));

#endif
