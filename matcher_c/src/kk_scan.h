/*
 * Walking over the fields of a frame, one pass, without reading beyond it.
 *
 *     tag=value|tag=value|...|10=sss|
 *     ^ at      ^ next
 *
 * SOHs come out of bit masks of 64 bytes each, made as the walk reaches them; the same masks tell
 * of bytes that no plain value has.
 */
#ifndef KK_SCAN_H
#define KK_SCAN_H

#include "fix_tables.h"
#include "kk_assert.h"
#include "kk_bytes.h"

#define KK_SCAN_MIN 64u   /* bytes of the shortest frame that is walked over */
#define KK_SCAN_MAX 4096u /* and of the longest */
#define KK_SCAN_TRAILER 7u

/* For what must live in registers. */
#define KK_INLINE static inline __attribute__((always_inline))

typedef struct kk_scan {
    const uint8_t *frame;
    uint32_t length;
    uint32_t end;     /* offset of the trailer */
    uint32_t next;    /* offset of the field behind the current one */
    uint32_t block;   /* offset of the 64 bytes behind those in `soh` */
    uint64_t soh;     /* SOHs not passed yet, of the 64 bytes before `block` */
    uint64_t strange; /* not 0: an unprintable byte was passed */
    /* the current field */
    uint32_t at;
    uint32_t value;
    uint32_t value_length;
    const kk_field_rule *rule;
} kk_scan;

/* Starts before the first field.  The frame has KK_SCAN_MIN to KK_SCAN_MAX bytes. */
KK_INLINE void kk_scan_begin(kk_scan *scan, const uint8_t *frame, size_t length) {
    kk_assert(length >= KK_SCAN_MIN && length <= KK_SCAN_MAX);
    scan->frame = frame;
    scan->length = (uint32_t)length;
    scan->end = (uint32_t)length - KK_SCAN_TRAILER;
    scan->next = 0;
    scan->block = 0;
    scan->soh = 0;
    scan->strange = 0;
}

/* The next 64 bytes; at the end of the frame its last 64, shifted to where they belong. */
KK_INLINE void kk_scan_load(kk_scan *scan) {
    kk_assert(scan->block < scan->length);
    const uint32_t last = scan->length - 64u;
    const uint32_t from = scan->block < last ? scan->block : last;
    const kk_marks marks = kk_mark64(scan->frame + from);
    scan->soh = marks.soh >> (scan->block - from);
    scan->strange |= marks.unprintable & ~marks.soh;
    scan->block += 64u;
}

/* Offset of the next SOH.  The frame ends with one, so there is one while next < length. */
KK_INLINE uint32_t kk_scan_soh(kk_scan *scan) {
    while (scan->soh == 0) {
        kk_scan_load(scan);
    }
    const uint32_t at = scan->block - 64u + (uint32_t)__builtin_ctzll(scan->soh);
    scan->soh &= scan->soh - 1u;
    return at;
}

/* Goes to the next field; it is before the trailer.  False: no tag of 1 to 3 digits, or no value.
 */
KK_INLINE bool kk_scan_field(kk_scan *scan) {
    const uint32_t at = scan->next;
    const uint32_t soh = kk_scan_soh(scan);
    const uint32_t word = kk_load32(scan->frame + at); /* the trailer is behind it */
    scan->next = soh + 1u;
    /* The lowest byte that is '=': at 1, 2 or 3 when all is well. */
    const uint32_t other = word ^ UINT32_C(0x3D3D3D3D);
    const uint32_t equals = (other - UINT32_C(0x01010101)) & ~other & UINT32_C(0x80808080);
    const uint32_t digits = (uint32_t)__builtin_ctzll(equals | UINT64_C(1) << 32) >> 3;
    if (digits - 1u > 2u || (uint8_t)word == '0') {
        return false;
    }
    /* The digits moved to the upper bytes of a word; below them zeros, which count as nothing. */
    const uint32_t shift = 8u * (4u - digits);
    const uint32_t number = (word << shift) ^ (UINT32_C(0x30303030) << shift);
    if (((number + UINT32_C(0x76767676)) | number) & UINT32_C(0x80808080)) {
        return false;
    }
    const uint32_t tag =
        (number >> 24) + 10u * (number >> 16 & 0xFFu) + 100u * (number >> 8 & 0xFFu);
    scan->at = at;
    scan->value = at + digits + 1u;
    scan->value_length = soh - scan->value;
    scan->rule = &kk_field_rules[tag];
    return soh > scan->value;
}

KK_INLINE bool kk_scan_more(const kk_scan *scan) { return scan->next < scan->end; }

#endif
