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

#define KK_TIME_TEXT_LENGTH 21u
#define KK_TIME_TEXT_MAX 24u
#define KK_MESSAGE_HEADER_MAX 256u /* bytes of a header without its extra fields */

/*
 * Starts a message of `session` with its next number at the unit's time.  The caller has looked
 * that the journal has room for all of it.
 */
uint8_t *kk_message_begin(kk_engine *engine, uint32_t session, const char *msg_type,
                          size_t msg_type_length, const uint8_t *header_extra,
                          size_t header_extra_length);
/* Closes it: BodyLength, CheckSum, kk_message_sent.  *message and *length give its bytes. */
uint64_t kk_message_end(kk_engine *engine, uint32_t session, uint8_t *end, const uint8_t **message,
                        size_t *length);

/*
 * A time as text, KK_TIME_TEXT_LENGTH bytes, 24 readable; kept while it is the same millisecond.
 * A zeroed cache is empty.  `time_ns` is from 0 to the year 9999.
 */
const uint8_t *kk_time_text_at(kk_time_text *cache, int64_t time_ns);

/*
 * Makes of the text of `time_ns` in milliseconds, which stands at `at`, one of another precision;
 * returns its end.
 */
uint8_t *kk_time_text_refine(uint8_t *at, kk_precision precision, int64_t time_ns);

#endif
