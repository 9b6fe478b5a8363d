/*
 * Writing records into the caller's buffer, unit by unit.
 *
 * A unit opens with its input record and ends when its outputs are complete; only then do its
 * bytes count as used.  Checksums stay 0: kk_seal fills them when the segment is known.
 */
#ifndef KK_JOURNAL_OUT_H
#define KK_JOURNAL_OUT_H

#include "kk_core.h"

/*
 * Room that every unit may count on; below it kk_consume answers KK_OUT_FULL.  It bounds what one
 * input can do: some 160,000 fills.
 */
#define KK_UNIT_RESERVE ((size_t)128 * 1024 * 1024)
/* Room that one fill may take: two reports and all their copies. */
#define KK_FILL_RESERVE ((size_t)8 * 1024)

typedef struct kk_journal_out {
    uint8_t *buffer;
    size_t capacity;
    size_t used; /* whole units */
    size_t end;  /* of the records written in the open unit */
    size_t last; /* offset of the last record written */
    uint64_t next_lsn;
    int64_t time_ns; /* of the open unit */
    bool open;
} kk_journal_out;

/* Starts a record at the end; returns where its payload goes (room: kk_journal_room). */
uint8_t *kk_journal_payload(kk_journal_out *out);
/* Bytes free behind the open unit. */
size_t kk_journal_room(const kk_journal_out *out);
/* Completes the record whose payload was written in place; returns its lsn. */
uint64_t kk_journal_commit(kk_journal_out *out, kk_record_kind kind, uint16_t flags,
                           uint32_t session, uint32_t epoch, uint64_t msg_seq_num,
                           size_t payload_length);

#endif
