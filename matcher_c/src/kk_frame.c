/*
 * Framing: where a message ends, before anyone looks at what it says.
 *
 *     8=FIX.4.4|9=176|35=D|...|10=063|
 *     ^ prefix        ^ body: as many bytes as BodyLength(9) says
 *                              ^ trailer of 7 bytes
 *
 * The rules, and their numbers in the comments here, are those of kk99fix/fix/framing.py.
 * Garbled bytes are dropped up to the next "8=FIX" behind their first byte, so a frame that lacks
 * its trailer does not swallow the message after it.  What could be the beginning of "8=FIX" at
 * the end of the bytes stays.
 */
#include "kk_assert.h"
#include "kk_bytes.h"
#include "kk_core.h"

#define PREFIX_LENGTH 12u
#define TRAILER_LENGTH 7u
#define BEGIN_LENGTH 5u
#define BEGIN_STRING_END 18u /* the last offset that its SOH may have */
#define BODY_LENGTH_DIGITS 9u

static const uint8_t begin[BEGIN_LENGTH] = {'8', '=', 'F', 'I', 'X'};
static const uint8_t prefix[PREFIX_LENGTH] = {'8', '=', 'F', 'I', 'X', '.',
                                              '4', '.', '4', 1,   '9', '='};

/* Bytes to drop: up to the next place after the first byte where a frame may begin. */
static size_t garbled_length(const uint8_t *in, size_t in_length) {
    size_t at = 1;
    while (at < in_length) {
        const uint8_t *next = memchr(in + at, '8', in_length - at);
        if (next == NULL) {
            return in_length;
        }
        at = (size_t)(next - in);
        const size_t seen = in_length - at < BEGIN_LENGTH ? in_length - at : BEGIN_LENGTH;
        if (memcmp(next, begin, seen) == 0) {
            return at;
        }
        at++;
    }
    return in_length;
}

/* Whether `expected` stands at `at`: KK_OK, KK_NEED_DATA as far as it is there, KK_GARBLED. */
static kk_status expect(const uint8_t *in, size_t in_length, size_t at, const char *expected,
                        size_t length) {
    const size_t seen = in_length - at < length ? in_length - at : length;
    if (memcmp(in + at, expected, seen) != 0) {
        return KK_GARBLED;
    }
    return seen < length ? KK_NEED_DATA : KK_OK;
}

/* Rules 1 and 2, and the tag of rule 3: *at gets the offset of the digits of BodyLength(9). */
static kk_status find_body_length(const uint8_t *in, size_t in_length, size_t *at) {
    if (expect(in, in_length, 0, "8=FIX", BEGIN_LENGTH) == KK_GARBLED) {
        return KK_GARBLED; /* garbled: does not begin like a frame */
    }
    size_t i = 2;
    while (i < in_length && i <= BEGIN_STRING_END && in[i] != KK_SOH) {
        i++;
    }
    if (i > BEGIN_STRING_END) {
        return KK_GARBLED; /* garbled: BeginString too long */
    }
    if (i >= in_length) {
        return KK_NEED_DATA; /* partial: BeginString */
    }
    *at = i + 3;
    return expect(in, in_length, i + 1, "9=", 2);
}

/* The digits of rule 3 from *at on; *at moves behind their SOH. */
static kk_status read_body_length(const uint8_t *in, size_t in_length, size_t *at,
                                  uint32_t *value) {
    size_t i = *at;
    uint32_t sum = 0;
    while (i < in_length && (unsigned)in[i] - '0' <= 9u && i - *at <= BODY_LENGTH_DIGITS) {
        sum = sum * 10u + (in[i] - (uint32_t)'0');
        i++;
    }
    const size_t digits = i - *at;
    if (digits > BODY_LENGTH_DIGITS) {
        return KK_TOO_LONG;
    }
    if (i == in_length) {
        return KK_NEED_DATA; /* partial: the digits */
    }
    if (digits == 0 || in[i] != KK_SOH) {
        return KK_GARBLED; /* garbled: no digits, or something else among them */
    }
    *at = i + 1;
    *value = sum;
    return KK_OK;
}

/* Rule 6: whether `trailer` is "10=ddd|" with this sum, and the body before it ends with SOH. */
static bool trailer_is(const uint8_t *trailer, uint32_t sum) {
    const uint32_t hundreds = (uint32_t)trailer[3] - '0';
    const uint32_t tens = (uint32_t)trailer[4] - '0';
    const uint32_t ones = (uint32_t)trailer[5] - '0';
    return trailer[-1] == KK_SOH && trailer[0] == '1' && trailer[1] == '0' && trailer[2] == '=' &&
           trailer[6] == KK_SOH && hundreds <= 9 && tens <= 9 && ones <= 9 &&
           hundreds * 100 + tens * 10 + ones == (sum & 0xFFu);
}

/* All rules; *length is set for a whole frame alone. */
static kk_status frame_status(const uint8_t *in, size_t in_length, size_t limit, size_t *length) {
    size_t at = PREFIX_LENGTH;
    if (kk_unlikely(in_length < PREFIX_LENGTH || memcmp(in, prefix, PREFIX_LENGTH) != 0)) {
        const kk_status status = find_body_length(in, in_length, &at);
        if (status != KK_OK) {
            return status;
        }
    }
    uint32_t body_length = 0;
    kk_status status = read_body_length(in, in_length, &at, &body_length);
    if (kk_unlikely(status != KK_OK)) {
        return status;
    }
    const size_t total = at + body_length + TRAILER_LENGTH;
    if (total > limit) {
        return KK_TOO_LONG;
    }
    status = expect(in, in_length, at, "35=", 3);
    if (kk_unlikely(status != KK_OK)) {
        return status; /* garbled: MsgType(35) is not third */
    }
    if (total > in_length) {
        return KK_NEED_DATA; /* partial: body or trailer */
    }
    if (!trailer_is(in + at + body_length, kk_byte_sum(in, at + body_length))) {
        return KK_GARBLED; /* garbled: BodyLength(9) or CheckSum(10) is wrong */
    }
    *length = total;
    return KK_OK;
}

kk_status kk_frame(const uint8_t *in, size_t in_length, size_t limit, size_t *length) {
    kk_assert(length != NULL && (in != NULL || in_length == 0));
    *length = 0;
    if (in_length == 0) {
        return KK_NEED_DATA;
    }
    const kk_status status = frame_status(in, in_length, limit, length);
    if (kk_unlikely(status == KK_GARBLED)) {
        *length = garbled_length(in, in_length);
        kk_assert(*length > 0 && *length <= in_length);
    }
    return status;
}
