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

/* YYYYMMDD-HH:MM:SS and the decimals of `precision`; KK_TIME_TEXT_MAX bytes may be written. */
static inline uint8_t *kk_put_time(uint8_t *at, kk_time_text *cache, kk_precision precision,
                                   int64_t time_ns) {
    memcpy(at, kk_time_text_at(cache, time_ns), KK_TIME_TEXT_MAX);
    return kk_likely(precision == KK_PRECISION_MILLISECONDS)
               ? at + KK_TIME_TEXT_LENGTH
               : kk_time_text_refine(at, precision, time_ns);
}

/* TransactTime(60) of a report: the unit's time, whose text was made for the header. */
static inline uint8_t *kk_put_unit_time(uint8_t *at, const kk_engine *engine, uint32_t session) {
    const kk_precision precision = (kk_precision)engine->sessions[session].precision;

    memcpy(at, engine->time_text.text, KK_TIME_TEXT_MAX);
    return kk_likely(precision == KK_PRECISION_MILLISECONDS)
               ? at + KK_TIME_TEXT_LENGTH
               : kk_time_text_refine(at, precision, engine->out.time_ns);
}

/* LastMsgSeqNumProcessed(369), right behind MsgSeqNum(34), where rendering looks for it. */
static inline uint8_t *kk_put_last_processed(uint8_t *at, uint64_t msg_seq_num) {
    at = KK_PUT(at, "369=");
    return kk_put_char(kk_put_u64(at, msg_seq_num), 1);
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
