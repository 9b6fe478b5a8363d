/*
 * Inbound frames. A frame is what BodyLength(9) says, and must end in SOH 10=ddd SOH; then it is
 * split into all its fields. Values are found by a bitmap of SOH bytes, 32 at a time.
 */
#include <string.h>

#include "load.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

enum { SOH = 1, TAGS_INDEXED = 1000, MOST_BODY_DIGITS = 5 };

static const uint8_t field_of_tag[TAGS_INDEXED] = {
    [11] = LOAD_F_CL_ORD_ID,      [14] = LOAD_F_CUM_QTY,      [17] = LOAD_F_EXEC_ID,
    [32] = LOAD_F_LAST_QTY,       [34] = LOAD_F_SEQ,          [35] = LOAD_F_MSG_TYPE,
    [36] = LOAD_F_NEW_SEQ_NO,     [38] = LOAD_F_ORDER_QTY,    [39] = LOAD_F_ORD_STATUS,
    [41] = LOAD_F_ORIG_CL_ORD_ID, [43] = LOAD_F_POSS_DUP,     [54] = LOAD_F_SIDE,
    [58] = LOAD_F_TEXT,           [112] = LOAD_F_TEST_REQ_ID, [150] = LOAD_F_EXEC_TYPE,
    [151] = LOAD_F_LEAVES_QTY,
};

static uint32_t checksum(const char *bytes, size_t length) {
    uint32_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        sum += (uint8_t)bytes[i];
    }
    return sum & 0xFF;
}

static bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

/* Garbled: not 8=FIX.4.4, no plain BodyLength, or 10= is not where BodyLength says. */
enum load_frame load_frame(const char *bytes, size_t length, bool verify_checksum,
                           struct load_message *message) {
    static const char begin[] = "8=FIX.4.4\x01"
                                "9=";
    enum { BEGIN = sizeof begin - 1 };
    if (length < BEGIN + MOST_BODY_DIGITS + 1) {
        return memcmp(bytes, begin, length < BEGIN ? length : BEGIN) == 0 ? LOAD_FRAME_PARTIAL
                                                                          : LOAD_FRAME_GARBLED;
    }
    if (memcmp(bytes, begin, BEGIN) != 0) {
        return LOAD_FRAME_GARBLED;
    }
    size_t at = BEGIN, body_length = 0;
    while (at < BEGIN + MOST_BODY_DIGITS && is_digit(bytes[at])) {
        body_length = body_length * 10 + (size_t)(bytes[at++] - '0');
    }
    if (at == BEGIN || bytes[at] != SOH || body_length > LOAD_MESSAGE_BYTES - 64) {
        return LOAD_FRAME_GARBLED;
    }
    size_t body_at = at + 1, end = body_at + body_length;
    if (length < end + 7) {
        return LOAD_FRAME_PARTIAL;
    }
    const char *tail = bytes + end;
    if (tail[-1] != SOH || memcmp(tail, "10=", 3) != 0 || !is_digit(tail[3]) ||
        !is_digit(tail[4]) || !is_digit(tail[5]) || tail[6] != SOH) {
        return LOAD_FRAME_GARBLED;
    }
    uint32_t said = (uint32_t)(tail[3] - '0') * 100 + (uint32_t)(tail[4] - '0') * 10 +
                    (uint32_t)(tail[5] - '0');
    if (verify_checksum && checksum(bytes, end) != said) {
        return LOAD_FRAME_GARBLED;
    }
    message->bytes = bytes;
    message->length = end + 7;
    message->body_at = (uint32_t)body_at;
    return LOAD_FRAME_OK;
}

/* Note where the value of the field at `start` begins; false if it has no proper tag. */
static inline bool note_field(struct load_message *message, uint32_t start, uint32_t end) {
    const char *field = message->bytes + start;
    uint32_t tag = 0, at = 0;
    while (at < 5 && is_digit(field[at])) {
        tag = tag * 10 + (uint32_t)(field[at++] - '0');
    }
    if (at == 0 || field[at] != '=' || field[0] == '0' || start + at + 1 >= end) {
        return false;
    }
    if (tag < TAGS_INDEXED) {
        message->at[field_of_tag[tag]] = start + at + 1;
    }
    return true;
}

/* Offset of the first SOH at or behind `from`; the frame always ends in one. */
#if defined(__AVX2__)
bool load_split(struct load_message *message) {
    memset(message->at, 0, sizeof message->at);
    uint32_t start = message->body_at, stop = (uint32_t)message->length;
    for (uint32_t block = start; block < stop; block += 32) {
        __m256i bytes;
        memcpy(&bytes, message->bytes + block, sizeof bytes); /* the buffer has slack behind it */
        uint32_t ends =
            (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(SOH)));
        for (; ends != 0; ends &= ends - 1) {
            uint32_t end = block + (uint32_t)__builtin_ctz(ends);
            if (end >= stop) {
                break;
            }
            if (!note_field(message, start, end)) {
                return false;
            }
            start = end + 1;
        }
    }
    return message->at[LOAD_F_MSG_TYPE] != 0 && message->at[LOAD_F_SEQ] != 0;
}
#else
bool load_split(struct load_message *message) {
    memset(message->at, 0, sizeof message->at);
    uint32_t start = message->body_at, stop = (uint32_t)message->length;
    while (start < stop) {
        const char *end = memchr(message->bytes + start, SOH, stop - start);
        if (end == NULL || !note_field(message, start, (uint32_t)(end - message->bytes))) {
            return false;
        }
        start = (uint32_t)(end - message->bytes) + 1;
    }
    return message->at[LOAD_F_MSG_TYPE] != 0 && message->at[LOAD_F_SEQ] != 0;
}
#endif

/* A whole number; a fraction or anything else is false. Zeros behind a point are let pass. */
bool load_number(const struct load_message *message, enum load_field field, uint64_t *value) {
    uint32_t at = message->at[field];
    if (at == 0) {
        return false;
    }
    const char *text = message->bytes + at;
    uint64_t number = 0;
    uint32_t digits = 0;
    while (digits < 19 && is_digit(text[digits])) {
        number = number * 10 + (uint64_t)(text[digits++] - '0');
    }
    *value = number;
    return digits > 0 && text[digits] == SOH;
}

char load_char(const struct load_message *message, enum load_field field) {
    uint32_t at = message->at[field];
    return at != 0 && message->bytes[at + 1] == SOH ? message->bytes[at] : '\0';
}

size_t load_text(const struct load_message *message, enum load_field field, char *out,
                 size_t out_bytes) {
    uint32_t at = message->at[field];
    size_t length = 0;
    while (at != 0 && length + 1 < out_bytes && message->bytes[at + length] != SOH) {
        out[length] = message->bytes[at + length];
        length++;
    }
    out[length] = '\0';
    return length;
}
