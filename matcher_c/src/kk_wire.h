/*
 * Writing FIX text: each writer returns where the next byte goes.  The room is the caller's care.
 *
 *     8=FIX.4.4|9=nnn|35=8|...|10=sss|
 *     ^ start         ^ start + KK_WIRE_BODY
 */
#ifndef KK_WIRE_H
#define KK_WIRE_H

#include <string.h>

#include "kk_core.h"
#include "kk_encode.h"
#include "kk_numbers.h"

#define KK_WIRE_BODY 16u /* offset of "35=" while BodyLength(9) has its usual three digits */
#define KK_WIRE_TRAILER 7u
#define KK_WIRE_SPARE 4u /* a BodyLength(9) of up to seven digits moves the body so far */

static inline uint8_t *kk_put(uint8_t *at, const void *bytes, size_t length) {
    memcpy(at, bytes, length);
    return at + length;
}

/* A string literal, without its NUL. */
#define KK_PUT(at, literal) kk_put((at), "" literal, sizeof(literal) - 1u)

/* The first `length` bytes of an array, which is copied whole: a fixed size needs no call. */
#define KK_PUT_OF(at, array, length) (memcpy((at), (array), sizeof(array)), (at) + (length))

static inline uint8_t *kk_put_char(uint8_t *at, uint8_t character) {
    *at = character;
    return at + 1;
}

static inline uint8_t *kk_put_u64(uint8_t *at, uint64_t value) {
    return at + kk_format_u64(at, value);
}

static inline uint8_t *kk_put_e8(uint8_t *at, int64_t value_e8) {
    if (value_e8 == 0) {
        return kk_put_char(at, '0');
    }
    return at + kk_format_e8(at, value_e8);
}

/* YYYYMMDD-HH:MM:SS.mmm; three bytes more may be written. */
static inline uint8_t *kk_put_time(uint8_t *at, const uint8_t *time_text) {
    memcpy(at, time_text, 24);
    return at + KK_TIME_TEXT_LENGTH;
}

/* The first character of MsgType(35) of a closed message. */
static inline uint8_t kk_wire_msg_type(const uint8_t *message) {
    const uint8_t *at = message + KK_WIRE_BODY - 2;
    while (*at != 1) {
        at++;
    }
    return at[4];
}

/* Whether a closed message is one of the session layer: MsgType(35) 0 to 5 or A. */
static inline bool kk_wire_is_administrative(const uint8_t *message) {
    const uint8_t *at = message + KK_WIRE_BODY - 2;
    while (*at != 1) {
        at++;
    }
    return at[5] == 1 && ((at[4] >= '0' && at[4] <= '5') || at[4] == 'A');
}

/*
 * Closes the message whose body stands from start + KK_WIRE_BODY to `end`: BeginString(8),
 * BodyLength(9) without leading zeros, CheckSum(10).  Returns the whole length; KK_WIRE_SPARE +
 * KK_WIRE_TRAILER bytes behind `end` may be written.
 */
size_t kk_wire_close(uint8_t *start, uint8_t *end);

#endif
