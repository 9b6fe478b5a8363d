/* Records in the making: dense numbers, zero padding, room counted to the last byte. */
#include "kk_journal_out.h"

#include <string.h>

#include "kk_guard.h"
#include "kk_test.h"

#define SEED 7u

static kk_journal_out begin(size_t capacity) {
    uint8_t *buffer = kk_guarded_new(capacity);
    memset(buffer, 0xee, capacity);
    return (kk_journal_out){
        .buffer = buffer, .capacity = capacity, .next_lsn = 100, .time_ns = 5, .open = true};
}

static void one_unit(void) {
    kk_journal_out out = begin(512);
    memcpy(kk_journal_payload(&out), "frame", 5);
    KK_CHECK(kk_journal_commit(&out, KK_RECORD_FRAME, KK_RECORD_INPUT, 3, 2, 9, 5) == 100);
    KK_CHECK(out.last == 0 && out.end == 56 && out.next_lsn == 101);
    KK_CHECK(kk_journal_commit(&out, KK_RECORD_MESSAGE, KK_RECORD_UNIT_END, 4, 1, 8, 16) == 101);
    KK_CHECK(out.last == 56 && out.end == 120);
    kk_record record;
    memcpy(&record, out.buffer, sizeof(record));
    KK_CHECK(record.length == 56 && record.crc32c == 0 && record.lsn == 100);
    KK_CHECK(record.time_ns == 5 && record.msg_seq_num == 9 && record.session == 3);
    KK_CHECK(record.epoch == 2 && record.payload_length == 5);
    KK_CHECK(record.kind == KK_RECORD_FRAME && record.version == KK_RECORD_VERSION);
    KK_CHECK(record.flags == KK_RECORD_INPUT);
    KK_CHECK(memcmp(out.buffer + 48, "frame\0\0\0", 8) == 0);
    kk_seal(out.buffer, out.end, SEED);
    KK_CHECK(kk_verify(out.buffer, out.end, SEED, 100) == out.end);
}

static void room(void) {
    for (size_t capacity = 0; capacity < 200; capacity++) {
        kk_journal_out out = begin(capacity / 8 * 8);
        out.capacity = capacity;
        size_t whole = capacity / 8 * 8;
        KK_CHECK(kk_journal_room(&out) == (whole < 48 ? 0 : whole - 48));
        if (kk_journal_room(&out) > 0) {
            memset(kk_journal_payload(&out), 1, kk_journal_room(&out));
            (void)kk_journal_commit(&out, KK_RECORD_FRAME, 0, 0, 0, 0, kk_journal_room(&out));
            KK_CHECK(out.end == whole && kk_journal_room(&out) == 0);
        }
    }
}

int main(void) {
    KK_RUN(one_unit, "records follow one another with all their fields and verify once sealed");
    KK_RUN(room, "the room is what a payload may take, to the last byte");
    return KK_REPORT();
}
