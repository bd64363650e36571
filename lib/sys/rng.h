#ifndef LIB_SYS_RNG_H
#define LIB_SYS_RNG_H

#include <stddef.h>
#include <stdint.h>

/* Randomness from the kernel, fit for keys and tokens. Waits at boot until it is seeded; ends the
 * process when the kernel refuses. */

/* Fill bytes. Trivial. */
void rng_fill(void *ret_bytes, size_t size);

/* Sixty-four random bits. Trivial. */
uint64_t rng_u64(void);

/* An even choice from 0..bound-1.
 * Shape:  bound > 0.
 * Units:  none.
 * Owns:   nothing.
 * Errors: none. */
uint64_t rng_below(uint64_t bound);

#endif
