/* Randomness from getrandom(2), without a generator of our own whose state a fork would double.
 * Called wherever keys, tokens, spool ids and jitter are made. */
#include "lib/sys/rng.h"

#include <errno.h>
#include <sys/random.h>

#include "lib/base/assert.h"

void rng_fill(void *ret_bytes, size_t size)
{
    unsigned char *bytes = ret_bytes;
    size_t done = 0;
    while (done < size) {
        ssize_t got = getrandom(bytes + done, size - done, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        TC_ASSERT(got > 0);
        done += (size_t)got;
    }
}

uint64_t rng_u64(void)
{
    uint64_t bits = 0;
    rng_fill(&bits, sizeof(bits));
    return bits;
}

uint64_t rng_below(uint64_t bound)
{
    TC_ASSERT(bound > 0);
    /* The lowest 2^64 mod bound values would make some results likelier than others. */
    uint64_t skipped = (UINT64_MAX - bound + 1) % bound;
    uint64_t bits = rng_u64();
    while (bits < skipped) {
        bits = rng_u64();
    }
    return bits % bound;
}
