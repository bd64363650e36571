#ifndef TESTS_SUPPORT_TEST_H
#define TESTS_SUPPORT_TEST_H

/* cmocka with the headers that it forgets to include itself, in the order that it needs. */

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#define TEST_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
