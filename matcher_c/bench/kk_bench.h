/* Measuring: the clock, a seeded stream of numbers, and result lines "name value unit". */
#ifndef KK_BENCH_H
#define KK_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Processor time of this process: what others take from the core does not count. */
static inline double kk_bench_now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* SplitMix64. */
static inline uint64_t kk_bench_random(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* The first argument: how often everything is measured; the best counts. */
static inline int kk_bench_runs(int count, char **arguments) {
    long runs = count > 1 ? strtol(arguments[1], NULL, 10) : 0;
    return runs > 0 && runs < 1000 ? (int)runs : 5;
}

static inline void kk_bench_print(const char *name, double value, const char *unit) {
    printf("%s %.1f %s\n", name, value, unit);
}

#endif
