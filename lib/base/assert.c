/* The end of a process that found itself wrong: one line, then abort. Used by every layer through
 * TC_ASSERT; the only caller of abort. */
#include "lib/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void assert_failed(const char *fact, const char *file, int line)
{
    (void)fprintf(stderr, "assertion failed: %s at %s:%d\n", fact, file, line); /* dying anyway */
    abort();
}
