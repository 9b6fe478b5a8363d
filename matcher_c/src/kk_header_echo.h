/* SenderSubID(50) and TargetSubID(57) of a request, the other way round for its reports. */
#ifndef KK_HEADER_ECHO_H
#define KK_HEADER_ECHO_H

#include <string.h>

#include "kk_core.h"

static inline uint8_t *kk_echo_sub_id(uint8_t *at, const char *tag, const kk_command *command,
                                      const kk_span *value) {
    if (value->length == 0) {
        return at;
    }
    memcpy(at, tag, 3);
    memcpy(at + 3, command->base + value->offset, value->length);
    at[3 + value->length] = 1;
    return at + value->length + 4;
}

/*
 * Writes "50=<their 57>|57=<their 50>|" as far as they are there; returns the length, at most
 * KK_HEADER_ECHO_MAX.  Longer ones are not echoed: 0.
 */
static inline size_t kk_header_echo(const kk_command *command, uint8_t out[KK_HEADER_ECHO_MAX]) {
    const size_t whole = (size_t)command->sender_sub_id.length + command->target_sub_id.length;
    if (whole == 0 || whole + 8 > KK_HEADER_ECHO_MAX) {
        return 0;
    }
    uint8_t *at = kk_echo_sub_id(out, "50=", command, &command->target_sub_id);
    at = kk_echo_sub_id(at, "57=", command, &command->sender_sub_id);
    return (size_t)(at - out);
}

#endif
