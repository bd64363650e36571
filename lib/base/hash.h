#ifndef LIB_BASE_HASH_H
#define LIB_BASE_HASH_H

#include "lib/base/assert.h"
#include "lib/base/mem.h"

/* Hash tables: uthash, set up once. Its memory comes from mem_*, so it never runs out; its default
 * hash function falls through switch cases, which clang refuses, so Jenkins' one-at-a-time is used.
 * Include this instead of <uthash.h>. */
#define uthash_malloc(size)             mem_alloc(size)
#define uthash_free(p, size)            mem_free(p)
#define uthash_fatal(text)              TC_UNREACHABLE()
#define HASH_FUNCTION(key, size, value) HASH_OAT(key, size, value)

#include <uthash.h>

#endif
