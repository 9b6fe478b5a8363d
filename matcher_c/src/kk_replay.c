/*
 * Replay: the recorded inputs again, every output held against the recorded one.
 *
 * A unit is applied through the same door as live: the frame goes through the gate, and what the
 * gate refuses is left to the caller, as it was when it first came.
 */
#include <string.h>

#include "kk_engine.h"

/* Bytes of the unit at the start of `bytes`; 0 when it is not whole. */
static size_t unit_length(const uint8_t *bytes, size_t length) {
    size_t at = 0;

    while (length - at >= KK_RECORD_HEADER_BYTES) {
        kk_record record;
        memcpy(&record, bytes + at, sizeof record);
        if (record.length < KK_RECORD_HEADER_BYTES || record.length > length - at) {
            return 0;
        }
        at += record.length;
        if (record.flags & KK_RECORD_UNIT_END) {
            return at;
        }
    }
    return 0;
}

/* Bytes of the bookkeeping at the start of `bytes`, which is no unit's. */
static size_t bookkeeping_length(const uint8_t *bytes, size_t length) {
    size_t at = 0;
    kk_record record;

    while (kk_record_read(bytes, length, at, &record) &&
           record.kind >= KK_RECORD_FIRST_BOOKKEEPING) {
        at += record.length;
    }
    return at;
}

/* Equal but for the checksum, which only the sealed record has. */
static bool record_equal(const uint8_t *recorded, const uint8_t *regenerated, size_t length) {
    return memcmp(recorded, regenerated, offsetof(kk_record, crc32c)) == 0 &&
           memcmp(recorded + offsetof(kk_record, lsn), regenerated + offsetof(kk_record, lsn),
                  length - offsetof(kk_record, lsn)) == 0;
}

static void describe_mismatch(kk_replayed *replayed, size_t recorded_offset, size_t recorded_length,
                              const uint8_t *regenerated, size_t regenerated_length) {
    replayed->recorded_offset = recorded_offset;
    replayed->recorded_length = recorded_length;
    replayed->regenerated = regenerated;
    replayed->regenerated_length = regenerated_length;
}

kk_status kk_replay_compare(kk_engine *engine, const uint8_t *unit, size_t length,
                            kk_replayed *replayed) {
    kk_journal_out *out = &engine->out;
    size_t at = 0;

    kk_assert(!out->open);
    memset(replayed, 0, sizeof *replayed);
    while (at < length || at < out->used) {
        kk_record recorded = {0};
        kk_record regenerated = {0};
        if (at < length) {
            memcpy(&recorded, unit + at, sizeof recorded);
        }
        if (at < out->used) {
            memcpy(&regenerated, out->buffer + at, sizeof regenerated);
        }
        if (recorded.length != regenerated.length ||
            !record_equal(unit + at, out->buffer + at, recorded.length)) {
            describe_mismatch(replayed, at, recorded.length, out->buffer + at, regenerated.length);
            return KK_MISMATCH;
        }
        at += recorded.length;
        replayed->messages++;
    }
    replayed->used = length;
    kk_journal_take(engine);
    return KK_OK;
}

/* Applies the FRAME unit if the gate takes it: KK_PYTHON when not. */
static kk_status replay_frame(kk_engine *engine, const kk_record *input, const uint8_t *payload) {
    kk_consumed consumed;

    kk_consume(engine, input->session, payload, input->payload_length, input->time_ns, &consumed);
    return consumed.messages == 1 && consumed.used == input->payload_length ? KK_OK : KK_PYTHON;
}

kk_status kk_replay(kk_engine *engine, const uint8_t *bytes, size_t length, kk_replayed *replayed) {
    size_t used = 0;
    uint64_t messages = 0;

    memset(replayed, 0, sizeof *replayed);
    kk_assert(kk_journal_used(engine) == 0);
    for (;;) {
        used += bookkeeping_length(bytes + used, length - used);
        const size_t unit = unit_length(bytes + used, length - used);
        kk_record input;
        kk_status status = KK_NEED_DATA;
        if (unit > 0) {
            memcpy(&input, bytes + used, sizeof input);
            status = KK_PYTHON;
            if (input.kind == KK_RECORD_FRAME && input.session < engine->capacity.sessions) {
                status = replay_frame(engine, &input, bytes + used + sizeof input);
            }
        }
        if (status == KK_OK) {
            status = kk_replay_compare(engine, bytes + used, unit, replayed);
            messages += replayed->messages;
            replayed->recorded_offset += used;
        }
        replayed->used = used;
        replayed->messages = messages;
        if (status != KK_OK) {
            return status;
        }
        used += unit;
    }
}
