/*
 * Byte sums and byte searches over a frame, 64 bytes at a time.
 *
 * SSE2 or AVX2 where the compiler has them, eight bytes in a word otherwise; all give the same.
 * Nothing reads outside of the bytes that it is given.
 */
#ifndef KK_BYTES_H
#define KK_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#define KK_SOH 0x01u

#define KK_LOW_BITS UINT64_C(0x0101010101010101)
#define KK_HIGH_BITS UINT64_C(0x8080808080808080)

static inline uint64_t kk_load64(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static inline uint32_t kk_load32(const uint8_t *at) {
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* The eight bytes of a word, added up. */
static inline uint32_t kk_word_sum(uint64_t word) {
    uint64_t pairs =
        (word & UINT64_C(0x00FF00FF00FF00FF)) + (word >> 8 & UINT64_C(0x00FF00FF00FF00FF));
    return (uint32_t)(pairs * UINT64_C(0x0001000100010001) >> 48);
}

#if defined(__SSE2__)
/* Adds up as many bytes as fill vectors; *done tells how many. */
static inline uint32_t kk_vector_sum(const uint8_t *bytes, size_t length, size_t *done) {
    __m128i sums = _mm_setzero_si128();
    size_t i = 0;
#if defined(__AVX2__)
    __m256i wide = _mm256_setzero_si256();
    for (; i + 32 <= length; i += 32) {
        const __m256i part = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + i));
        wide = _mm256_add_epi64(wide, _mm256_sad_epu8(part, _mm256_setzero_si256()));
    }
    sums = _mm_add_epi64(sums, _mm256_castsi256_si128(wide));
    sums = _mm_add_epi64(sums, _mm256_extracti128_si256(wide, 1));
#endif
    for (; i + 16 <= length; i += 16) {
        const __m128i part = _mm_loadu_si128((const __m128i *)(const void *)(bytes + i));
        sums = _mm_add_epi64(sums, _mm_sad_epu8(part, _mm_setzero_si128()));
    }
    *done = i;
    return (uint32_t)_mm_cvtsi128_si32(_mm_add_epi64(sums, _mm_unpackhi_epi64(sums, sums)));
}
#else
static inline uint32_t kk_vector_sum(const uint8_t *bytes, size_t length, size_t *done) {
    (void)bytes;
    (void)length;
    *done = 0;
    return 0;
}
#endif

/* Sum of all bytes; CheckSum(10) is its lowest eight bits. */
static inline uint32_t kk_byte_sum(const uint8_t *bytes, size_t length) {
    size_t i = 0;
    uint32_t sum = kk_vector_sum(bytes, length, &i);
    for (; i + 8 <= length; i += 8) {
        sum += kk_word_sum(kk_load64(bytes + i));
    }
    if (i + 4 <= length) {
        sum += kk_word_sum(kk_load32(bytes + i));
        i += 4;
    }
    for (; i < length; i++) {
        sum += bytes[i];
    }
    return sum;
}

/* What stands where in 64 bytes: bit i speaks of byte i. */
typedef struct kk_marks {
    uint64_t soh;
    uint64_t unprintable; /* below 0x20 (SOH too) or above 0x7e */
} kk_marks;

#if defined(__AVX2__)
static inline kk_marks kk_mark64(const uint8_t *at) {
    kk_marks marks = {0, 0};
    for (unsigned i = 0; i < 64; i += 32) {
        const __m256i part = _mm256_loadu_si256((const __m256i *)(const void *)(at + i));
        const __m256i soh = _mm256_cmpeq_epi8(part, _mm256_set1_epi8(KK_SOH));
        /* Signed: bytes from 0x80 on are negative, so they are below 0x20 as well. */
        const __m256i low = _mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), part);
        const __m256i del = _mm256_cmpeq_epi8(part, _mm256_set1_epi8(0x7f));
        const uint32_t bad = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(low, del));
        marks.soh |= (uint64_t)(uint32_t)_mm256_movemask_epi8(soh) << i;
        marks.unprintable |= (uint64_t)bad << i;
    }
    return marks;
}
#elif defined(__SSE2__)
static inline kk_marks kk_mark64(const uint8_t *at) {
    kk_marks marks = {0, 0};
    for (unsigned i = 0; i < 64; i += 16) {
        const __m128i part = _mm_loadu_si128((const __m128i *)(const void *)(at + i));
        const __m128i soh = _mm_cmpeq_epi8(part, _mm_set1_epi8(KK_SOH));
        /* Signed: bytes from 0x80 on are negative, so they are below 0x20 as well. */
        const __m128i low = _mm_cmplt_epi8(part, _mm_set1_epi8(0x20));
        const __m128i del = _mm_cmpeq_epi8(part, _mm_set1_epi8(0x7f));
        marks.soh |= (uint64_t)(uint32_t)_mm_movemask_epi8(soh) << i;
        marks.unprintable |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_or_si128(low, del)) << i;
    }
    return marks;
}
#else
static inline kk_marks kk_mark64(const uint8_t *at) {
    kk_marks marks = {0, 0};
    for (unsigned i = 0; i < 64; i++) {
        marks.soh |= (uint64_t)(at[i] == KK_SOH) << i;
        marks.unprintable |= (uint64_t)(at[i] < 0x20 || at[i] > 0x7e) << i;
    }
    return marks;
}
#endif

#endif
