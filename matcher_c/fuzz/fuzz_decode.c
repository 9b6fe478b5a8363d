/* Fuzzes the decoder on whole frames made of the bytes, and on any that framing finds in them. */
#include <string.h>

#include "kk_assert.h"
#include "kk_decode.h"

/* libFuzzer calls it. */
extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const uint8_t *frame, size_t length) {
    kk_header header;
    kk_command command;
    if (!kk_decode(frame, length, &header, &command)) {
        return;
    }
    kk_assert(command.base == frame && command.clord_id.length > 0 && command.symbol.length > 0);
    kk_assert(header.msg_seq_num > 0 && header.sending_time_ns >= 0);
    kk_assert(command.echo_count <= KK_ECHO_SPANS);
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < command.echo_count; i++) {
        const kk_span *run = &command.echo[i];
        kk_assert(run->length > 3 && run->offset + run->length + 7u <= length);
        kk_assert(frame[run->offset - 1] == 1 && frame[run->offset + run->length - 1] == 1);
        bytes += run->length;
    }
    kk_assert(bytes == command.echo_bytes);
}

/* The bytes as a body, '|' for SOH, in a frame with the right length and sum. */
static void decode_body(const uint8_t *data, size_t size) {
    static const char digits[] = "0123456789";
    uint8_t frame[4200] = "8=FIX.4.4\0019=0000\001";
    if (size < 5 || size > 4000 || data[size - 1] != '|') {
        return;
    }
    size_t at = 12;
    for (size_t unit = size >= 1000  ? 1000
                       : size >= 100 ? 100
                       : size >= 10  ? 10
                                     : 1;
         unit > 0; unit /= 10) {
        frame[at++] = (uint8_t)digits[size / unit % 10];
    }
    frame[at++] = 1;
    for (size_t i = 0; i < size; i++) {
        frame[at++] = data[i] == '|' ? 1u : data[i];
    }
    unsigned sum = 0;
    for (size_t i = 0; i < at; i++) {
        sum += frame[i];
    }
    const uint8_t trailer[7] = {'1',
                                '0',
                                '=',
                                (uint8_t)digits[sum % 256 / 100],
                                (uint8_t)digits[sum % 256 / 10 % 10],
                                (uint8_t)digits[sum % 256 % 10],
                                1};
    memcpy(frame + at, trailer, sizeof trailer);
    size_t length = 0;
    if (kk_frame(frame, at + sizeof trailer, sizeof frame, &length) == KK_OK) {
        decode(frame, length);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t length = 0;
    if (kk_frame(data, size, KK_FRAME_MAX, &length) == KK_OK) {
        decode(data, length);
    }
    decode_body(data, size);
    return 0;
}
