#include "kk_journal_out.h"

#include <string.h>

#include "kk_assert.h"

#define ALIGNMENT 8u

size_t kk_journal_room(const kk_journal_out *out) {
    kk_assert(out->used <= out->end && out->end <= out->capacity && out->end % ALIGNMENT == 0);
    size_t left = (out->capacity - out->end) / ALIGNMENT * ALIGNMENT;
    return left < KK_RECORD_HEADER_BYTES ? 0 : left - KK_RECORD_HEADER_BYTES;
}

uint8_t *kk_journal_payload(kk_journal_out *out) {
    kk_assert(out->open && kk_journal_room(out) > 0);
    return out->buffer + out->end + KK_RECORD_HEADER_BYTES;
}

uint64_t kk_journal_commit(kk_journal_out *out, kk_record_kind kind, uint16_t flags,
                           uint32_t session, uint32_t epoch, uint64_t msg_seq_num,
                           size_t payload_length) {
    kk_assert(out->open && payload_length <= out->capacity);
    size_t written = KK_RECORD_HEADER_BYTES + payload_length;
    size_t length = (written + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    kk_assert(length <= UINT32_MAX && length <= out->capacity - out->end);
    uint8_t *start = out->buffer + out->end;
    /* Field by field where it belongs: a copy would wait for the stores it is made of. */
    kk_record *record = (kk_record *)(void *)start;
    record->length = (uint32_t)length;
    record->crc32c = 0;
    record->lsn = out->next_lsn;
    record->time_ns = out->time_ns;
    record->msg_seq_num = msg_seq_num;
    record->session = session;
    record->epoch = epoch;
    record->payload_length = (uint32_t)payload_length;
    record->kind = (uint8_t)kind;
    record->version = KK_RECORD_VERSION;
    record->flags = flags;
    memset(start + written, 0, length - written);
    out->last = out->end;
    out->end += length;
    return out->next_lsn++;
}
