/* Records: the checksum's vectors, sealing and verifying, and the scans from header to header. */
#include "kk_record.h"

#include <stdbool.h>
#include <string.h>

#include "kk_guard.h"
#include "kk_test.h"

#define AREA 8192
#define SEED 0x12345678u

static uint8_t *area;

/* The definition, bit by bit. */
static uint32_t reference_crc(uint32_t crc, const uint8_t *bytes, size_t length) {
    crc = ~crc;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78u : 0);
        }
    }
    return ~crc;
}

static void crc_vectors(void) {
    uint8_t bytes[32];
    KK_CHECK(kk_crc32c(0, "123456789", 9) == 0xE3069283u);
    KK_CHECK(kk_crc32c(0, "", 0) == 0);
    memset(bytes, 0, sizeof(bytes));
    KK_CHECK(kk_crc32c(0, bytes, sizeof(bytes)) == 0x8A9136AAu);
    memset(bytes, 0xff, sizeof(bytes));
    KK_CHECK(kk_crc32c(0, bytes, sizeof(bytes)) == 0x62A8AB43u);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    KK_CHECK(kk_crc32c(0, bytes, sizeof(bytes)) == 0x46DD794Eu);
}

static void crc_lengths(void) {
    uint64_t seed = 1;
    uint8_t bytes[2600];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)kk_random(&seed);
    }
    for (size_t length = 0; length <= sizeof(bytes); length++) {
        const uint8_t *at = kk_guarded(area, AREA, bytes, length);
        uint32_t start = (uint32_t)kk_random(&seed);
        KK_CHECK(kk_crc32c(start, at, length) == reference_crc(start, bytes, length));
        size_t cut = length == 0 ? 0 : kk_random(&seed) % length;
        uint32_t half = kk_crc32c(0, at, cut);
        KK_CHECK(kk_crc32c(half, at + cut, length - cut) == kk_crc32c(0, at, length));
    }
}

typedef struct plan {
    uint64_t msg_seq_num;
    uint32_t session;
    uint32_t epoch;
    uint32_t payload_length;
    uint8_t kind;
    bool unit_end;
} plan;

/* Two whole units and one that is open. */
static const plan plans[] = {
    {5, 1, 1, 187, KK_RECORD_FRAME, false},   {7, 1, 1, 224, KK_RECORD_MESSAGE, false},
    {9, 3, 2, 16, KK_RECORD_DROP_COPY, true}, {0, 0, 0, 0, KK_RECORD_TICK, true},
    {8, 2, 1, 1, KK_RECORD_FRAME, false},     {8, 2, 1, 700, KK_RECORD_MESSAGE, false},
};
#define PLANS (sizeof(plans) / sizeof(plans[0]))

static size_t append(uint8_t *bytes, size_t at, uint64_t lsn, const plan *what) {
    kk_record record = {
        .length = (KK_RECORD_HEADER_BYTES + what->payload_length + 7) / 8 * 8,
        .lsn = lsn,
        .time_ns = 1000,
        .msg_seq_num = what->msg_seq_num,
        .session = what->session,
        .epoch = what->epoch,
        .payload_length = what->payload_length,
        .kind = what->kind,
        .version = KK_RECORD_VERSION,
        .flags = what->unit_end ? KK_RECORD_UNIT_END : 0,
    };
    memset(bytes + at, 0, record.length);
    memcpy(bytes + at, &record, sizeof(record));
    for (size_t i = 0; i < what->payload_length; i++) {
        bytes[at + KK_RECORD_HEADER_BYTES + i] = (uint8_t)(i * 7 + lsn);
    }
    return at + record.length;
}

/* Writes all plans from lsn 10 on; offsets[i] is where record i begins, the last the end. */
static size_t write_all(uint8_t *bytes, size_t offsets[PLANS + 1]) {
    size_t at = 0;
    for (size_t i = 0; i < PLANS; i++) {
        offsets[i] = at;
        at = append(bytes, at, 10 + i, &plans[i]);
    }
    offsets[PLANS] = at;
    kk_seal(bytes, at, SEED);
    return at;
}

/* Whole units among the first `length` bytes. */
static size_t units(const size_t offsets[PLANS + 1], size_t length) {
    return length >= offsets[4] ? offsets[4] : length >= offsets[3] ? offsets[3] : 0;
}

static void sealed_as_defined(void) {
    static _Alignas(8) uint8_t bytes[AREA];
    size_t offsets[PLANS + 1];
    write_all(bytes, offsets);
    static const uint8_t seed[] = {0x78, 0x56, 0x34, 0x12};
    for (size_t i = 0; i < PLANS; i++) {
        kk_record record;
        memcpy(&record, bytes + offsets[i], sizeof(record));
        uint32_t crc = reference_crc(0, seed, sizeof(seed));
        crc = reference_crc(crc, bytes + offsets[i] + 8, 40 + record.payload_length);
        KK_CHECK(record.crc32c == crc);
        KK_CHECK(kk_record_crc((const kk_record *)(const void *)(bytes + offsets[i]), SEED) == crc);
    }
}

static void verifies_prefixes(void) {
    uint8_t bytes[AREA];
    size_t offsets[PLANS + 1];
    size_t length = write_all(bytes, offsets);
    KK_CHECK(kk_verify(bytes, length, SEED, 10) == offsets[4]);
    KK_CHECK(kk_verify(bytes, length, SEED + 1, 10) == 0);
    KK_CHECK(kk_verify(bytes, length, SEED, 11) == 0);
    KK_CHECK(kk_verify(bytes + offsets[3], length - offsets[3], SEED, 13) ==
             offsets[4] - offsets[3]);
    for (size_t cut = 0; cut <= length; cut++) {
        const uint8_t *at = kk_guarded(area, AREA, bytes, cut);
        KK_CHECK(kk_verify(at, cut, SEED, 10) == units(offsets, cut));
        memset(area, 0, AREA);
        memcpy(area, bytes, cut);
        size_t same = cut;
        while (same < length && bytes[same] == 0) {
            same++;
        }
        KK_CHECK(kk_verify(area, AREA, SEED, 10) == units(offsets, same));
    }
}

static void finds_every_flip(void) {
    uint8_t bytes[AREA];
    size_t offsets[PLANS + 1];
    size_t length = write_all(bytes, offsets);
    for (size_t at = 0; at < offsets[4]; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[at] ^= (uint8_t)(1u << bit);
            KK_CHECK(kk_verify(bytes, length, SEED, 10) == units(offsets, at));
            bytes[at] ^= (uint8_t)(1u << bit);
        }
    }
}

static void scans_sessions(void) {
    uint8_t bytes[AREA];
    size_t offsets[PLANS + 1];
    size_t length = write_all(bytes, offsets);
    KK_CHECK(kk_scan_session(bytes, length, 0, 1, 1, 0) == offsets[1]);
    KK_CHECK(kk_scan_session(bytes, length, 0, 1, 1, 7) == offsets[1]);
    KK_CHECK(kk_scan_session(bytes, length, 0, 1, 1, 8) == length);
    KK_CHECK(kk_scan_session(bytes, length, offsets[1], 1, 1, 7) == offsets[1]);
    KK_CHECK(kk_scan_session(bytes, length, offsets[2], 1, 1, 7) == length);
    KK_CHECK(kk_scan_session(bytes, length, 0, 1, 2, 0) == length);
    KK_CHECK(kk_scan_session(bytes, length, 0, 3, 2, 9) == offsets[2]);
    KK_CHECK(kk_scan_session(bytes, length, 0, 2, 1, 1) == offsets[5]);
    KK_CHECK(kk_scan_session(bytes, length, length, 2, 1, 1) == length);
    memset(bytes + length, 0, AREA - length);
    KK_CHECK(kk_scan_session(bytes, AREA, 0, 2, 1, 9) == AREA);
}

static void scans_lsns(void) {
    uint8_t bytes[AREA];
    size_t offsets[PLANS + 1];
    size_t length = write_all(bytes, offsets);
    for (size_t i = 0; i < PLANS; i++) {
        KK_CHECK(kk_scan_lsn(bytes, length, 0, 10 + i) == offsets[i]);
        KK_CHECK(kk_scan_lsn(bytes, length, offsets[i], 10 + i) == offsets[i]);
        KK_CHECK(kk_scan_lsn(bytes, length, offsets[i + 1], 10 + i) == length);
    }
    KK_CHECK(kk_scan_lsn(bytes, length, 0, 9) == length);
    KK_CHECK(kk_scan_lsn(bytes, length, 0, 10 + PLANS) == length);
}

static void cuts_at_units(void) {
    uint8_t bytes[AREA];
    size_t offsets[PLANS + 1];
    size_t length = write_all(bytes, offsets);
    for (size_t limit = 0; limit < offsets[4]; limit++) {
        KK_CHECK(kk_units_within(bytes, offsets[4], limit) == units(offsets, limit));
    }
    KK_CHECK(kk_units_within(bytes, offsets[4], offsets[4]) == offsets[4]);
    KK_CHECK(kk_units_within(bytes, offsets[4], SIZE_MAX) == offsets[4]);
    KK_CHECK(length > offsets[4]);
}

/* Appends the header of a group, unsealed. */
static size_t append_group(uint8_t *bytes, size_t at, uint64_t next_lsn, uint64_t watermark) {
    kk_record record;
    kk_record_group(&record, next_lsn, watermark);
    memcpy(bytes + at, &record, sizeof(record));
    return at + sizeof(record);
}

/* A group's header, a unit of records 10 to 12, another header, one of record 13, a marker. */
static size_t write_groups(uint8_t *bytes, size_t *last_group) {
    size_t at = append_group(bytes, 0, 10, 9);
    for (size_t i = 0; i < 3; i++) {
        at = append(bytes, at, 10 + i, &plans[i]);
    }
    *last_group = at;
    at = append_group(bytes, at, 13, 12);
    at = append(bytes, at, 13, &plans[3]);
    at = append_group(bytes, at, 14, 11);
    kk_seal(bytes, at, SEED);
    return at;
}

static void passes_over_groups(void) {
    static _Alignas(8) uint8_t bytes[AREA];
    size_t second = 0;
    memset(bytes, 0, sizeof(bytes));
    const size_t length = write_groups(bytes, &second);
    const size_t tick = second + KK_RECORD_HEADER_BYTES;
    KK_CHECK(kk_verify(bytes, AREA, SEED, 10) == length);
    KK_CHECK(kk_verify(bytes, tick - 1, SEED, 10) == second);
    KK_CHECK(kk_verify(bytes, tick, SEED, 10) == tick);
    KK_CHECK(kk_scan_lsn(bytes, length, 0, 10) == KK_RECORD_HEADER_BYTES);
    KK_CHECK(kk_scan_lsn(bytes, length, 0, 13) == tick);
    KK_CHECK(kk_scan_lsn(bytes, length, 0, 14) == length);
    KK_CHECK(kk_scan_count(bytes, length) == 4);
    KK_CHECK(kk_scan_watermark(bytes, length) == 12);
    KK_CHECK(kk_scan_watermark(bytes, second) == 9);
    KK_CHECK(kk_scan_watermark(bytes, 0) == 0);
    KK_CHECK(kk_units_within(bytes, length, tick) == second);
}

static void refuses_a_group_within_a_unit(void) {
    static _Alignas(8) uint8_t bytes[AREA];
    size_t at = append(bytes, 0, 10, &plans[0]);
    at = append_group(bytes, at, 11, 9);
    at = append(bytes, at, 11, &plans[2]);
    kk_seal(bytes, at, SEED);
    KK_CHECK(kk_verify(bytes, at, SEED, 10) == 0);
}

int main(void) {
    area = kk_guarded_new(AREA);
    KK_RUN(crc_vectors, "the published vectors of CRC-32C (RFC 3720 B.4)");
    KK_RUN(crc_lengths, "every length, from every start, in two pieces, as defined bit by bit");
    KK_RUN(sealed_as_defined, "the checksum covers seed, header from lsn on, and payload");
    KK_RUN(verifies_prefixes, "of every prefix exactly the whole units verify");
    KK_RUN(finds_every_flip, "any flipped bit ends the verified run at its unit");
    KK_RUN(scans_sessions, "the next sent message of a session and epoch is found");
    KK_RUN(scans_lsns, "records are found by their lsn, forward only");
    KK_RUN(cuts_at_units, "the longest run of whole units within a limit");
    KK_RUN(passes_over_groups, "bookkeeping verifies, and takes no lsn");
    KK_RUN(refuses_a_group_within_a_unit, "a group's header within a unit ends the verified run");
    return KK_REPORT();
}
