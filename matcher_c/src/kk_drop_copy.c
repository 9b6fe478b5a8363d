/*
 * Drop copies: a number and 32 bytes in the journal for each, the bytes rendered from the source.
 *
 * The record keeps how it was rendered and the checksum of what came out, so a copy that is
 * rendered again for a resend is the same whatever was configured since, and can be held against
 * it.
 */
#include "kk_engine.h"
#include "kk_wire.h"

/* The settings of a session as they are now. */
static kk_copy_form form_of(const kk_session *session) {
    return (kk_copy_form){.last_processed =
                              session->tells_last_processed ? session->next_in - 1u : KK_NOT_TOLD,
                          .precision = session->precision,
                          .dialect = session->dialect};
}

static void record_copy(kk_engine *engine, uint32_t session, uint64_t source_lsn,
                        const kk_copy_form *form, const uint8_t *rendered, size_t length) {
    kk_session *state = &engine->sessions[session];
    const kk_drop_copy copy = {.source_lsn = source_lsn,
                               .crc32c = kk_crc32c(0, rendered, length),
                               .rendered_length = (uint32_t)length,
                               .form = *form};
    const uint64_t number = state->next_out;

    kk_assert(kk_journal_room(&engine->out) >= KK_RECORD_HEADER_BYTES + sizeof copy);
    memcpy(kk_journal_payload(&engine->out), &copy, sizeof copy);
    kk_journal_commit(&engine->out, KK_RECORD_DROP_COPY, 0, session, state->epoch, number,
                      sizeof copy);
    state->next_out = number + 1u;
    state->last_out_ns = engine->out.time_ns;
    kk_ring_follow_message(engine, session, number, rendered, length);
}

void kk_copy_message(kk_engine *engine, const uint32_t *copies, uint32_t copy_count,
                     const uint8_t *source, size_t source_length, uint64_t source_lsn) {
    uint8_t *rendered = engine->copy_scratch;

    kk_assert(engine->out.open && copy_count <= KK_COPIES_MAX);
    for (uint32_t i = 0; i < copy_count; i++) {
        const uint32_t session = copies[i];
        kk_assert(session < engine->capacity.sessions);
        const kk_copy_form form = form_of(&engine->sessions[session]);
        const size_t length = kk_render_copy(engine, session, engine->sessions[session].next_out,
                                             &form, engine->out.time_ns, source, source_length,
                                             rendered, sizeof engine->copy_scratch);
        kk_assert(length > 0);
        engine->statistics.messages_out[kk_wire_msg_type(rendered) & 127u]++;
        record_copy(engine, session, source_lsn, &form, rendered, length);
    }
}
