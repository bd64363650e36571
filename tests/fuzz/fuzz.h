#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* What libFuzzer calls with each input; a broken TC_ASSERT is a find.
 * Shape:  size bytes at data, exactly.
 * Units:  bytes.
 * Owns:   nothing retained.
 * Errors: none; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
