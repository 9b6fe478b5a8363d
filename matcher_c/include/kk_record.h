/*
 * The journal record: the one layout shared by wire, memory and disk.
 *
 *     0        4        8                16               24               32
 *     +--------+--------+----------------+----------------+----------------+
 *     | length | crc32c |      lsn       |    time_ns     |  msg_seq_num   |
 *     +--------+--------+--------+-+-+---+----------------+----------------+
 *     |session | epoch  |payload_|k|v|flg| payload ... padding to 8 bytes   |
 *     +--------+--------+--------+-+-+---+---------------------------------+
 *     32       36       40      44 45 46  48
 *
 * All fields are little-endian.  `length` counts header, payload and padding.  The checksum is
 * CRC-32C over the bytes from offset 8 to the end of the payload, continued from the seed of the
 * segment that holds the record, so a record copied into another segment never verifies.
 * A length of 0 ends the written part of a segment, whose rest is zeros.
 *
 * kk99fix/journal/record.py is the twin of this file; a test holds the two against each other.
 */
#ifndef KK_RECORD_H
#define KK_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KK_RECORD_HEADER_BYTES 48
#define KK_RECORD_VERSION 1

/*
 * What a record holds.  Inputs are below 64, outputs from 64 on; from 128 on the journal keeps
 * books on itself: such a record takes no lsn, stands between units only, and every walk that
 * looks for inputs or outputs passes it over.
 */
typedef enum kk_record_kind {
    KK_RECORD_FRAME = 1,        /* a frame of a logged-on session, as it arrived */
    KK_RECORD_LOGON = 2,        /* the masked Logon of an authenticated connection */
    KK_RECORD_LOGON_FAILED = 3, /* bounded: only what passed network and certificate */
    KK_RECORD_DISCONNECT = 4,   /* payload: the cause */
    KK_RECORD_TICK = 5,         /* time passed that somebody waited for */
    KK_RECORD_CONFIG = 6,       /* payload: resolved configuration, canonical JSON */
    KK_RECORD_DAY_ROLL = 7,     /* payload: the new trading day, YYYYMMDD */
    KK_RECORD_RESTART = 8,      /* the process started; every session is disconnected */
    KK_RECORD_OPERATOR = 9,     /* an operator's command */
    KK_RECORD_MESSAGE = 64,     /* the exact FIX bytes sent to a session */
    KK_RECORD_DROP_COPY = 65,   /* payload: kk_drop_copy; the bytes are rendered from the source */
    KK_RECORD_RESEND = 66,      /* payload: kk_resend_range, frozen when it was asked for */
    KK_RECORD_GROUP = 128       /* lsn: that of the next record; msg_seq_num: the watermark */
} kk_record_kind;

#define KK_RECORD_UNIT_END 1u /* last record of its unit: one input and all its outputs */
#define KK_RECORD_INPUT 2u
#define KK_RECORD_FIRST_BOOKKEEPING 128

typedef struct kk_record {
    uint32_t length;
    uint32_t crc32c;
    uint64_t lsn;
    int64_t time_ns;
    uint64_t msg_seq_num;
    uint32_t session;
    uint32_t epoch;
    uint32_t payload_length;
    uint8_t kind;
    uint8_t version;
    uint16_t flags;
} kk_record;

#define KK_NOT_TOLD UINT64_MAX

/* What a copy is rendered with beside its source: the settings of its session at that moment. */
typedef struct kk_copy_form {
    uint64_t last_processed; /* LastMsgSeqNumProcessed(369), or KK_NOT_TOLD */
    uint8_t precision;       /* kk_precision */
    uint8_t dialect;         /* kk_dialect */
    uint8_t reserved[6];
} kk_copy_form;

typedef struct kk_drop_copy {
    uint64_t source_lsn;
    uint32_t crc32c; /* of the rendered bytes, without a seed */
    uint32_t rendered_length;
    kk_copy_form form;
} kk_drop_copy;

typedef struct kk_resend_range {
    uint64_t begin;
    uint64_t end; /* inclusive */
} kk_resend_range;

_Static_assert(sizeof(kk_record) == KK_RECORD_HEADER_BYTES, "record header reaches disk");
_Static_assert(offsetof(kk_record, lsn) == 8, "the checksum starts here");
_Static_assert(offsetof(kk_record, time_ns) == 16, "record header reaches disk");
_Static_assert(offsetof(kk_record, msg_seq_num) == 24, "record header reaches disk");
_Static_assert(offsetof(kk_record, session) == 32, "record header reaches disk");
_Static_assert(offsetof(kk_record, epoch) == 36, "record header reaches disk");
_Static_assert(offsetof(kk_record, payload_length) == 40, "record header reaches disk");
_Static_assert(offsetof(kk_record, kind) == 44, "record header reaches disk");
_Static_assert(offsetof(kk_record, flags) == 46, "record header reaches disk");
_Static_assert(sizeof(kk_drop_copy) == 32, "payload reaches disk");
_Static_assert(offsetof(kk_drop_copy, form) == 16, "payload reaches disk");
_Static_assert(sizeof(kk_resend_range) == 16, "payload reaches disk");

/* CRC-32C (Castagnoli, reflected).  `crc` is 0 to start, or the result of the bytes before. */
uint32_t kk_crc32c(uint32_t crc, const void *bytes, size_t length);

/* The checksum of one record under a segment's seed. */
uint32_t kk_record_crc(const kk_record *record, uint32_t segment_seed);

/*
 * Copies the header of the record at `at`.  False when none can begin there: the bytes are cut off
 * or zero, or the length contradicts itself.
 */
bool kk_record_read(const uint8_t *bytes, size_t length, size_t at, kk_record *record);

/* Whether the record is as it was sealed; kk_record_read has read its header. */
bool kk_record_intact(const uint8_t *bytes, size_t at, uint32_t segment_seed);

/*
 * Makes the header of a group, unsealed: `next_lsn` is that of the record behind it, everything up
 * to `watermark` was known to be on the disk when it was made.
 */
void kk_record_group(kk_record *record, uint64_t next_lsn, uint64_t watermark);

/* Fills the checksums of all records in `bytes` (whole records, 8-byte aligned). */
void kk_seal(uint8_t *bytes, size_t length, uint32_t segment_seed);

/*
 * Length of the leading run of whole, valid units in `bytes`, which hold records from
 * `first_lsn` on, and of the valid bookkeeping between and behind them.  Stops at the first record
 * that is cut off, zero, out of sequence or damaged.
 */
size_t kk_verify(const uint8_t *bytes, size_t length, uint32_t segment_seed, uint64_t first_lsn);

/*
 * Offset of the next record at or after `from` that is an output of (session, epoch) with a
 * number of at least `msg_seq_num`; `length` when there is none.  Steps from header to header.
 */
size_t kk_scan_session(const uint8_t *bytes, size_t length, size_t from, uint32_t session,
                       uint32_t epoch, uint64_t msg_seq_num);

/* Offset of the record with `lsn` at or after `from`; `length` when there is none. */
size_t kk_scan_lsn(const uint8_t *bytes, size_t length, size_t from, uint64_t lsn);

/* How many of the verified records in `bytes` have an lsn of their own. */
uint64_t kk_scan_count(const uint8_t *bytes, size_t length);

/* The highest watermark among the verified records in `bytes`; 0 when there is none. */
uint64_t kk_scan_watermark(const uint8_t *bytes, size_t length);

/* The messages to one session that kk_scan_extents found; their numbers are dense. */
typedef struct kk_extent {
    uint64_t first; /* MsgSeqNum(34) */
    uint64_t last;
    uint64_t offset; /* of the record of `first` */
    uint32_t epoch;
    uint32_t messages; /* how many; 0: none was found, and the rest means nothing */
} kk_extent;

/*
 * Adds the messages at or after `from` to extents[session].  Returns the offset of the first
 * message that does not fit there, because its session is not below `sessions` or has an extent
 * in another epoch; `length` when all of them do.
 */
size_t kk_scan_extents(const uint8_t *bytes, size_t length, size_t from, kk_extent *extents,
                       uint32_t sessions);

/*
 * Length of the longest prefix of `bytes` (sealed or not, whole units) that has at most
 * `limit` bytes and ends at a unit's end; 0 when the first unit is longer than `limit`.
 */
size_t kk_units_within(const uint8_t *bytes, size_t length, size_t limit);

#endif
