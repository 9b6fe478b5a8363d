/*
 * A log-linear histogram of nanoseconds in the manner of HDR histograms: 64 steps per power of two,
 * so a percentile is at most 1.6 % off.
 */
#ifndef KK_BENCH_HISTOGRAM_H
#define KK_BENCH_HISTOGRAM_H

#include <stdint.h>

enum { KK_HISTOGRAM_STEPS = 64, KK_HISTOGRAM_SLOTS = 64 * 59 };

struct kk_histogram {
    uint64_t count;
    uint64_t max_ns;
    uint64_t slots[KK_HISTOGRAM_SLOTS];
};

void kk_histogram_add(struct kk_histogram *histogram, uint64_t value_ns);

/* The value below which `fraction_ppm` millionths of all values lie, rounded up within its slot. */
uint64_t kk_histogram_quantile_ns(const struct kk_histogram *histogram, uint32_t fraction_ppm);

#endif
