/* Extents: which numbers a run of records holds for each session. */
#include "kk_record.h"

#include <string.h>

#include "kk_test.h"

#define LENGTH (8 * KK_RECORD_HEADER_BYTES)

static uint8_t bytes[LENGTH + KK_RECORD_HEADER_BYTES];

static void put(size_t index, kk_record_kind kind, uint32_t session, uint32_t epoch,
                uint64_t msg_seq_num) {
    kk_record record = {.length = KK_RECORD_HEADER_BYTES,
                        .lsn = index + 1,
                        .kind = (uint8_t)kind,
                        .version = KK_RECORD_VERSION,
                        .session = session,
                        .epoch = epoch,
                        .msg_seq_num = msg_seq_num};
    memcpy(bytes + index * sizeof(record), &record, sizeof(record));
}

static void fill(void) {
    put(0, KK_RECORD_FRAME, 1, 0, 90);
    put(1, KK_RECORD_MESSAGE, 1, 0, 5);
    put(2, KK_RECORD_DROP_COPY, 3, 2, 7);
    put(3, KK_RECORD_RESEND, 3, 2, 0);
    put(4, KK_RECORD_MESSAGE, 1, 0, 6);
    put(5, KK_RECORD_DROP_COPY, 3, 2, 8);
    put(6, KK_RECORD_MESSAGE, 1, 1, 1);
    put(7, KK_RECORD_MESSAGE, 4, 0, 1);
}

static void collects(void) {
    kk_extent extents[5] = {0};
    size_t reset = 6 * KK_RECORD_HEADER_BYTES;
    KK_CHECK(kk_scan_extents(bytes, LENGTH, 0, extents, 5) == reset);
    KK_CHECK(extents[1].first == 5 && extents[1].last == 6 && extents[1].messages == 2);
    KK_CHECK(extents[1].offset == 1 * KK_RECORD_HEADER_BYTES && extents[1].epoch == 0);
    KK_CHECK(extents[3].first == 7 && extents[3].last == 8 && extents[3].messages == 2);
    KK_CHECK(extents[3].offset == 2 * KK_RECORD_HEADER_BYTES && extents[3].epoch == 2);
    KK_CHECK(extents[0].messages == 0 && extents[2].messages == 0 && extents[4].messages == 0);

    memset(extents, 0, sizeof(extents));
    KK_CHECK(kk_scan_extents(bytes, LENGTH, reset, extents, 5) == LENGTH);
    KK_CHECK(extents[1].first == 1 && extents[1].epoch == 1 && extents[4].first == 1);
}

static void stops(void) {
    kk_extent extents[4] = {0};
    KK_CHECK(kk_scan_extents(bytes, LENGTH, 0, extents, 3) == 2 * KK_RECORD_HEADER_BYTES);
    KK_CHECK(kk_scan_extents(bytes, LENGTH, 7 * KK_RECORD_HEADER_BYTES, extents, 4) ==
             7 * KK_RECORD_HEADER_BYTES);
    KK_CHECK(kk_scan_extents(bytes, LENGTH, LENGTH, extents, 4) == LENGTH);
    KK_CHECK(kk_scan_extents(bytes, sizeof(bytes), LENGTH, extents, 4) == sizeof(bytes));
}

int main(void) {
    fill();
    KK_RUN(collects, "numbers of messages and drop copies, frames and resends left out");
    KK_RUN(stops, "at a session beyond the table, at another epoch, and at the zeros");
    return KK_REPORT();
}
