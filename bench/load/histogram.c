#include "histogram.h"

/* The slot of a value: exact below 64, then 64 slots per power of two. */
static uint32_t slot_of(uint64_t value) {
    if (value < KK_HISTOGRAM_STEPS) {
        return (uint32_t)value;
    }
    uint32_t shift = 57U - (uint32_t)__builtin_clzll(value);
    return shift * KK_HISTOGRAM_STEPS + (uint32_t)(value >> shift);
}

/* The greatest value that falls into a slot. */
static uint64_t slot_end(uint32_t slot) {
    if (slot < 2 * KK_HISTOGRAM_STEPS) {
        return slot;
    }
    uint32_t shift = slot / KK_HISTOGRAM_STEPS - 1;
    uint64_t steps = slot - shift * KK_HISTOGRAM_STEPS;
    return ((steps + 1) << shift) - 1;
}

void kk_histogram_add(struct kk_histogram *histogram, uint64_t value_ns) {
    histogram->count++;
    histogram->slots[slot_of(value_ns)]++;
    if (value_ns > histogram->max_ns) {
        histogram->max_ns = value_ns;
    }
}

uint64_t kk_histogram_quantile_ns(const struct kk_histogram *histogram, uint32_t fraction_ppm) {
    uint64_t wanted = (histogram->count * fraction_ppm + 999999U) / 1000000U;
    uint64_t seen = 0;
    for (uint32_t slot = 0; slot < KK_HISTOGRAM_SLOTS; slot++) {
        seen += histogram->slots[slot];
        if (seen >= wanted && seen > 0) {
            uint64_t end = slot_end(slot);
            return end < histogram->max_ns ? end : histogram->max_ns;
        }
    }
    return histogram->max_ns;
}
