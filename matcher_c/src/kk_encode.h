/*
 * Encoding: header and trailer around a body, into the record being written.
 *
 *     uint8_t *at = kk_message_begin(engine, session, "8", 1, header_extra, n);
 *     ... the body at `at`, "tag=value<SOH>" each ...
 *     kk_message_end(engine, session, at_end);
 *
 * BodyLength(9) is written without leading zeros once the length is known.
 */
#ifndef KK_ENCODE_H
#define KK_ENCODE_H

#include "kk_engine.h"

/* Starts a message of `session` with its next number at the unit's time. */
uint8_t *kk_message_begin(kk_engine *engine, uint32_t session, const char *msg_type,
                          size_t msg_type_length, const uint8_t *header_extra,
                          size_t header_extra_length);
/* Closes it: BodyLength, CheckSum, kk_message_sent.  *message and *length give its bytes. */
uint64_t kk_message_end(kk_engine *engine, uint32_t session, uint8_t *end, const uint8_t **message,
                        size_t *length);

/* The unit's time as text, 21 bytes, cached (time_text of the engine). */
const uint8_t *kk_time_text_at(kk_time_text *cache, int64_t time_ns);

#endif
