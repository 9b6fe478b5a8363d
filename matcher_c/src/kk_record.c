#include "kk_record.h"

#include <string.h>

#include "kk_assert.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are copied as they stand");

#define CHECKED_FROM offsetof(kk_record, lsn)

/* Bytes of a record with this payload, padding included. */
static size_t padded(size_t payload_length) {
    return (KK_RECORD_HEADER_BYTES + payload_length + 7) / 8 * 8;
}

bool kk_record_read(const uint8_t *bytes, size_t length, size_t at, kk_record *record) {
    if (at > length || length - at < KK_RECORD_HEADER_BYTES) {
        return false;
    }
    memcpy(record, bytes + at, sizeof(*record));
    return record->length == padded(record->payload_length) && record->length <= length - at;
}

/* The checksum of the record at `bytes`, continued from that of the segment's seed. */
static uint32_t checksum(const uint8_t *bytes, uint32_t payload_length, uint32_t seed_crc) {
    return kk_crc32c(seed_crc, bytes + CHECKED_FROM,
                     KK_RECORD_HEADER_BYTES - CHECKED_FROM + payload_length);
}

static uint32_t seed_checksum(uint32_t segment_seed) {
    return kk_crc32c(0, &segment_seed, sizeof(segment_seed));
}

uint32_t kk_record_crc(const kk_record *record, uint32_t segment_seed) {
    kk_assert(record != NULL);
    return checksum((const uint8_t *)record, record->payload_length, seed_checksum(segment_seed));
}

bool kk_record_intact(const uint8_t *bytes, size_t at, uint32_t segment_seed) {
    const kk_record *record = (const kk_record *)(const void *)(bytes + at);
    return record->crc32c == kk_record_crc(record, segment_seed);
}

void kk_record_group(kk_record *record, uint64_t next_lsn, uint64_t watermark) {
    kk_assert(record != NULL && watermark < next_lsn);
    *record = (kk_record){
        .length = KK_RECORD_HEADER_BYTES,
        .lsn = next_lsn,
        .msg_seq_num = watermark,
        .kind = KK_RECORD_GROUP,
        .version = KK_RECORD_VERSION,
    };
}

void kk_seal(uint8_t *bytes, size_t length, uint32_t segment_seed) {
    uint32_t seed_crc = seed_checksum(segment_seed);
    kk_record record;
    for (size_t at = 0; at < length; at += record.length) {
        bool whole = kk_record_read(bytes, length, at, &record);
        kk_assert(whole);
        uint32_t crc = checksum(bytes + at, record.payload_length, seed_crc);
        memcpy(bytes + at + offsetof(kk_record, crc32c), &crc, sizeof(crc));
    }
}

/* Whether the padding behind the payload is zero; the checksum does not cover it. */
static bool padding_is_zero(const uint8_t *bytes, const kk_record *record) {
    for (size_t i = KK_RECORD_HEADER_BYTES + record->payload_length; i < record->length; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static bool is_bookkeeping(const kk_record *record) {
    return record->kind >= KK_RECORD_FIRST_BOOKKEEPING;
}

/* Whether a record of bookkeeping says what one can say. */
static bool is_group(const kk_record *record) {
    return record->kind == KK_RECORD_GROUP && record->flags == 0 && record->payload_length == 0 &&
           record->msg_seq_num < record->lsn;
}

size_t kk_verify(const uint8_t *bytes, size_t length, uint32_t segment_seed, uint64_t first_lsn) {
    uint32_t seed_crc = seed_checksum(segment_seed);
    size_t units = 0;
    kk_record record;
    uint64_t lsn = first_lsn;
    for (size_t at = 0; kk_record_read(bytes, length, at, &record); at += record.length) {
        if (record.lsn != lsn || record.version != KK_RECORD_VERSION ||
            record.crc32c != checksum(bytes + at, record.payload_length, seed_crc) ||
            !padding_is_zero(bytes + at, &record)) {
            break;
        }
        if (is_bookkeeping(&record)) {
            if (at != units || !is_group(&record)) {
                break;
            }
            units = at + record.length;
            continue;
        }
        lsn++;
        if ((record.flags & KK_RECORD_UNIT_END) != 0) {
            units = at + record.length;
        }
    }
    kk_assert(units <= length);
    return units;
}

static bool is_sent(const kk_record *record) {
    return record->kind == KK_RECORD_MESSAGE || record->kind == KK_RECORD_DROP_COPY;
}

size_t kk_scan_session(const uint8_t *bytes, size_t length, size_t from, uint32_t session,
                       uint32_t epoch, uint64_t msg_seq_num) {
    kk_record record;
    for (size_t at = from; kk_record_read(bytes, length, at, &record); at += record.length) {
        if (record.session == session && record.epoch == epoch && is_sent(&record) &&
            record.msg_seq_num >= msg_seq_num) {
            return at;
        }
    }
    return length;
}

size_t kk_scan_lsn(const uint8_t *bytes, size_t length, size_t from, uint64_t lsn) {
    kk_record record;
    for (size_t at = from; kk_record_read(bytes, length, at, &record); at += record.length) {
        if (record.lsn >= lsn && !is_bookkeeping(&record)) {
            return record.lsn == lsn ? at : length;
        }
    }
    return length;
}

uint64_t kk_scan_count(const uint8_t *bytes, size_t length) {
    uint64_t count = 0;
    kk_record record;
    for (size_t at = 0; kk_record_read(bytes, length, at, &record); at += record.length) {
        count += is_bookkeeping(&record) ? 0u : 1u;
    }
    return count;
}

uint64_t kk_scan_watermark(const uint8_t *bytes, size_t length) {
    uint64_t watermark = 0;
    kk_record record;
    for (size_t at = 0; kk_record_read(bytes, length, at, &record); at += record.length) {
        if (record.kind == KK_RECORD_GROUP && record.msg_seq_num > watermark) {
            watermark = record.msg_seq_num;
        }
    }
    return watermark;
}

size_t kk_scan_extents(const uint8_t *bytes, size_t length, size_t from, kk_extent *extents,
                       uint32_t sessions) {
    kk_assert(extents != NULL);
    kk_record record;
    for (size_t at = from; kk_record_read(bytes, length, at, &record); at += record.length) {
        if (!is_sent(&record)) {
            continue;
        }
        if (record.session >= sessions) {
            return at;
        }
        kk_extent *extent = &extents[record.session];
        if (extent->messages == 0) {
            *extent = (kk_extent){.first = record.msg_seq_num, .offset = at, .epoch = record.epoch};
        } else if (extent->epoch != record.epoch) {
            return at;
        }
        extent->last = record.msg_seq_num;
        extent->messages++;
    }
    return length;
}

size_t kk_units_within(const uint8_t *bytes, size_t length, size_t limit) {
    if (length <= limit) {
        return length;
    }
    size_t units = 0;
    kk_record record;
    for (size_t at = 0; kk_record_read(bytes, length, at, &record); at += record.length) {
        if (at + record.length > limit) {
            break;
        }
        if ((record.flags & KK_RECORD_UNIT_END) != 0) {
            units = at + record.length;
        }
    }
    return units;
}
