/* Header and trailer: what every message of a session shares. */
#include "kk_encode.h"

#include "kk_bytes.h"
#include "kk_wire.h"

#define TEMPLATE_COPY 80u /* "|49=|56=|34=" and two CompIDs of the longest kind */

_Static_assert(12 + 2 * KK_COMP_ID_MAX <= TEMPLATE_COPY, "a template is copied at once");
_Static_assert(TEMPLATE_COPY <= KK_HEADER_TEMPLATE_MAX, "and lies within its room");

uint8_t *kk_message_begin(kk_engine *engine, uint32_t session, const char *msg_type,
                          size_t msg_type_length, const uint8_t *header_extra,
                          size_t header_extra_length) {
    const kk_session *state = &engine->sessions[session];

    kk_assert(engine->out.open && session < engine->capacity.sessions);
    kk_assert(state->header_template_length <= TEMPLATE_COPY);
    kk_assert(msg_type_length > 0 && msg_type_length <= 4);
    uint8_t *at = kk_journal_payload(&engine->out) + KK_WIRE_BODY;
    at = KK_PUT(at, "35=");
    at = msg_type_length == 1 ? kk_put_char(at, (uint8_t)*msg_type)
                              : kk_put(at, msg_type, msg_type_length);
    memcpy(at, state->header_template, TEMPLATE_COPY);
    at = kk_put_u64(at + state->header_template_length, state->next_out);
    at = kk_put_char(at, KK_SOH);
    if (kk_unlikely(state->tells_last_processed)) {
        at = kk_put_last_processed(at, state->next_in - 1u);
    }
    if (header_extra_length > 0) {
        at = kk_put(at, header_extra, header_extra_length);
    }
    at = KK_PUT(at, "52=");
    at = kk_put_time(at, &engine->time_text, (kk_precision)state->precision, engine->out.time_ns);
    return kk_put_char(at, KK_SOH);
}

static uint8_t *put_three(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)('0' + value / 100);
    at[1] = (uint8_t)('0' + value / 10 % 10);
    at[2] = (uint8_t)('0' + value % 10);
    return at + 3;
}

size_t kk_wire_close(uint8_t *start, uint8_t *end) {
    const size_t body_length = (size_t)(end - start) - KK_WIRE_BODY;

    kk_assert(end > start + KK_WIRE_BODY && end[-1] == KK_SOH);
    uint8_t *at = KK_PUT(start, "8=FIX.4.4\0019=");
    if (kk_likely(body_length >= 100 && body_length <= 999)) {
        at = put_three(at, (uint32_t)body_length);
    } else {
        uint8_t digits[KK_INT64_TEXT_MAX];
        const size_t count = kk_format_u64(digits, body_length);
        kk_assert(count <= 3 + KK_WIRE_SPARE);
        memmove(start + 13 + count, start + KK_WIRE_BODY, body_length);
        at = kk_put(at, digits, count);
    }
    *at = KK_SOH;
    at += 1 + body_length;
    const uint32_t sum = kk_byte_sum(start, (size_t)(at - start)) & 0xFFu;
    at = KK_PUT(at, "10=");
    at = kk_put_char(put_three(at, sum), KK_SOH);
    return (size_t)(at - start);
}

uint64_t kk_message_end(kk_engine *engine, uint32_t session, uint8_t *end, const uint8_t **message,
                        size_t *length) {
    uint8_t *start = kk_journal_payload(&engine->out);

    kk_assert((size_t)(end - start) + KK_WIRE_SPARE + KK_WIRE_TRAILER <=
              kk_journal_room(&engine->out));
    engine->statistics.messages_out[start[KK_WIRE_BODY + 3u] & 127u]++;
    *message = start;
    *length = kk_wire_close(start, end);
    return kk_message_sent(engine, session, start, *length);
}
