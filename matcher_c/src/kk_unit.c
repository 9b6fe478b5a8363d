/* Units of the journal: one input and all its outputs. */
#include <string.h>

#include "kk_command.h"
#include "kk_engine.h"

void kk_journal_bind(kk_engine *engine, uint8_t *buffer, size_t capacity, uint64_t next_lsn) {
    kk_assert(!engine->out.open);
    kk_assert(((uintptr_t)buffer & 7u) == 0 && capacity >= 2u * KK_UNIT_RESERVE);
    engine->out.buffer = buffer;
    engine->out.capacity = capacity;
    engine->out.used = 0;
    engine->out.end = 0;
    engine->out.next_lsn = next_lsn;
}

size_t kk_journal_used(const kk_engine *engine) { return engine->out.used; }

void kk_journal_take(kk_engine *engine) {
    kk_assert(!engine->out.open);
    engine->out.used = 0;
    engine->out.end = 0;
}

uint64_t kk_next_lsn(const kk_engine *engine) { return engine->out.next_lsn; }

int64_t kk_last_time_ns(const kk_engine *engine) { return engine->out.time_ns; }

void kk_unit_begin(kk_engine *engine, kk_record_kind kind, uint32_t session, uint64_t msg_seq_num,
                   int64_t time_ns, const uint8_t *payload, size_t payload_length) {
    kk_journal_out *out = &engine->out;

    kk_assert(!out->open && out->buffer != NULL);
    kk_assert(payload_length <= out->capacity && kk_journal_room(out) >= payload_length);
    out->open = true;
    out->time_ns = time_ns;
    if (payload_length > 0) {
        memcpy(kk_journal_payload(out), payload, payload_length);
    }
    const bool known = session < engine->capacity.sessions;
    kk_journal_commit(out, kind, KK_RECORD_INPUT, session,
                      known ? engine->sessions[session].epoch : 0, msg_seq_num, payload_length);
}

void kk_unit_end(kk_engine *engine) {
    kk_journal_out *out = &engine->out;

    kk_assert(out->open && out->end > out->used);
    kk_record *last = (kk_record *)(void *)(out->buffer + out->last);
    last->flags |= KK_RECORD_UNIT_END;
    out->used = out->end;
    out->open = false;
}

void kk_submit(kk_engine *engine, uint32_t session, const kk_command *command) {
    const kk_span *id = &command->clord_id;
    const kk_span *orig = &command->orig_clord_id;

    kk_assert(engine->out.open && session < engine->capacity.sessions);
    kk_apply_command(
        engine, session, command,
        kk_clord_id_hash(&engine->id_key, session, command->base + id->offset, id->length),
        kk_clord_id_hash(&engine->id_key, session, command->base + orig->offset, orig->length));
}

void kk_record_resend(kk_engine *engine, uint32_t session, uint64_t begin, uint64_t end) {
    const kk_resend_range range = {.begin = begin, .end = end};

    kk_assert(engine->out.open && begin > 0 && begin <= end);
    kk_assert(kk_journal_room(&engine->out) >= sizeof range);
    memcpy(kk_journal_payload(&engine->out), &range, sizeof range);
    kk_journal_commit(&engine->out, KK_RECORD_RESEND, 0, session, engine->sessions[session].epoch,
                      0, sizeof range);
}

uint32_t kk_trading_day(const kk_engine *engine) { return engine->trading_day; }

uint64_t kk_next_order_id(const kk_engine *engine) { return engine->next_order_id; }
