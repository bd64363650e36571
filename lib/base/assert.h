#ifndef LIB_BASE_ASSERT_H
#define LIB_BASE_ASSERT_H

/* TC_ASSERT states a fact about this program and stays on in release builds. It is never used on
 * outside input: bad input is an error return. */
#define TC_ASSERT(fact) ((fact) ? (void)0 : assert_failed(#fact, __FILE__, __LINE__))

/* Marks the end of an exhaustive switch. */
#define TC_UNREACHABLE() assert_failed("unreachable", __FILE__, __LINE__)

/* Write the broken fact to standard error and abort; the supervisor restarts the process.
 * Trivial. */
_Noreturn void assert_failed(const char *fact, const char *file, int line);

#endif
