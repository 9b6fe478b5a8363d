/* Messages whose fields the caller has written: those of the session layer, News and the like. */
#include "kk_bytes.h"
#include "kk_encode.h"
#include "kk_wire.h"

uint64_t kk_send(kk_engine *engine, uint32_t session, const char *msg_type, size_t msg_type_length,
                 const uint8_t *header_extra, size_t header_extra_length, const uint8_t *body,
                 size_t body_length) {
    const uint64_t number = engine->sessions[session].next_out;

    kk_assert(body_length == 0 || body[body_length - 1] == KK_SOH);
    kk_assert(header_extra_length == 0 || header_extra[header_extra_length - 1] == KK_SOH);
    kk_assert(kk_journal_room(&engine->out) >=
              KK_MESSAGE_HEADER_MAX + header_extra_length + body_length + KK_WIRE_TRAILER);
    uint8_t *at = kk_message_begin(engine, session, msg_type, msg_type_length, header_extra,
                                   header_extra_length);
    if (body_length > 0) {
        at = kk_put(at, body, body_length);
    }
    const uint8_t *message;
    size_t length;
    kk_message_end(engine, session, at, &message, &length);
    return number;
}
