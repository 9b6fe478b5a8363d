/* Assertions about our own code; they stay on in release builds. */
#ifndef KK_ASSERT_H
#define KK_ASSERT_H

/* Prints file, line and expression to standard error and aborts. */
_Noreturn void kk_assert_failed(const char *file, int line, const char *expression);

#define kk_assert(expression)                                                                      \
    (__builtin_expect(!!(expression), 1) ? (void)0                                                 \
                                         : kk_assert_failed(__FILE__, __LINE__, #expression))

#define kk_likely(expression) __builtin_expect(!!(expression), 1)
#define kk_unlikely(expression) __builtin_expect(!!(expression), 0)

#endif
