/*
 * A tiny test runner, one binary a file:
 *
 *     static void adds(void) { KK_CHECK(1 + 1 == 2); }
 *     int main(void) { KK_RUN(adds, "one and one is two"); return KK_REPORT(); }
 *
 * A failed check prints where it stands and counts against its test; the test goes on.
 */
#ifndef KK_TEST_H
#define KK_TEST_H

#include <stdint.h>
#include <stdio.h>

static unsigned kk_test_passed, kk_test_failed, kk_test_faults;

#define KK_CHECK(expression)                                                                       \
    ((expression) ? (void)0                                                                        \
                  : (void)(kk_test_faults++,                                                       \
                           printf("%s:%d: failed: %s\n", __FILE__, __LINE__, #expression)))

/* Runs `function`; `holds` says what a pass means. */
#define KK_RUN(function, holds)                                                                    \
    do {                                                                                           \
        kk_test_faults = 0;                                                                        \
        function();                                                                                \
        kk_test_faults == 0 ? kk_test_passed++ : kk_test_failed++;                                 \
        if (kk_test_faults != 0)                                                                   \
            printf("FAILED: %s: %s\n", #function, holds);                                          \
    } while (0)

#define KK_REPORT()                                                                                \
    (printf("%s: %u passed, %u failed\n", __FILE__, kk_test_passed, kk_test_failed),               \
     kk_test_failed == 0 ? 0 : 1)

/* A seeded stream of numbers (SplitMix64): the same on every machine. */
static inline uint64_t kk_random(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

#endif
