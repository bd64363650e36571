#ifndef LIB_BASE_CLEANUP_H
#define LIB_BASE_CLEANUP_H

#include <unistd.h>

#include "lib/base/mem.h"

/* The one cleanup idiom: a local that owns something is declared TC_CLEANUP(xp) and initialised;
 * it is handed over on the return line with TC_TAKE_PTR or TC_TAKE_FD.
 *
 *     TC_CLEANUP(mem_freep) char *text = mem_strdup(name);
 *     TC_CLEANUP(fd_closep) int fd = -1;
 */
#define TC_CLEANUP(function) __attribute__((cleanup(function)))

/* Hand over a pointer: evaluates to it and leaves NULL behind. */
#define TC_TAKE_PTR(p)              \
    __extension__({                 \
        __typeof__(p) taken_ = (p); \
        (p) = NULL;                 \
        taken_;                     \
    })

/* Hand over a file descriptor: evaluates to it and leaves -1 behind. */
#define TC_TAKE_FD(fd)     \
    __extension__({        \
        int taken_ = (fd); \
        (fd) = -1;         \
        taken_;            \
    })

/* Define name##p for a type whose destructor accepts NULL. */
#define TC_DEFINE_CLEANUP(type, destroy)                                   \
    static inline void destroy##p(__typeof__(type) *p)                     \
    {                                                                      \
        if (*p != NULL) {                                                  \
            (void)destroy(*p); /* destructors return NULL by convention */ \
        }                                                                  \
    }

/* Free a mem_* pointer at the end of its scope. Trivial. */
static inline void mem_freep(void *p)
{
    mem_free(*(void **)p);
}

/* Close a descriptor at the end of its scope. Trivial. */
static inline void fd_closep(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd); /* nothing was written through it that is not already synced */
    }
}

#endif
