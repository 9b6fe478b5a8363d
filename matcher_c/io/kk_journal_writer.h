/*
 * The journal's own thread at level `durable`: one group after the other, each written and synced.
 *
 *     owner (the pump)                       thread
 *     give(group) ---------------------->    header in front, seal, pwrite, fdatasync,
 *       fills another buffer meanwhile       on a new segment: fsync of the directory
 *     look(): durable up to its last lsn <-- eventfd
 *
 * One group is under way at a time, so a group begins on the disk only once all before it is there,
 * and what gathers during one sync is the next group.
 * A group's header holds the watermark: the last lsn that was known to be on the disk when the
 * group was written.  When nothing follows a sync for a while, a header alone is written and
 * synced with the newer watermark: the idle marker.  It begins only when no group waits; a group
 * that comes during it follows it.
 *
 * The first error stays: no group is taken after it, and nothing that failed is tried again.
 * One thread owns a writer.  The files stay the caller's; it may close one that it has replaced
 * with kk_journal_writer_segment.
 */
#ifndef KK_JOURNAL_WRITER_H
#define KK_JOURNAL_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kk_files.h"

#define KK_SYNC_BUCKETS 16u /* of sync times: below 64 us, 128 us, ... and the rest */

typedef struct kk_journal_writer kk_journal_writer;

/* What failed. */
typedef enum kk_journal_action {
    KK_JOURNAL_NO_ACTION = 0,
    KK_JOURNAL_WRITE = 1,         /* pwrite of a group */
    KK_JOURNAL_SYNC = 2,          /* fdatasync of a segment */
    KK_JOURNAL_SYNC_DIRECTORY = 3 /* fsync of the directory with a new segment's name */
} kk_journal_action;

/* Whole units; KK_RECORD_HEADER_BYTES in front of them are the writer's. */
typedef struct kk_group {
    uint8_t *records;
    size_t length;
    uint64_t first_lsn;
    uint64_t last_lsn;
} kk_group;

typedef struct kk_journal_state {
    bool busy;            /* a group or an idle marker is under way */
    int error;            /* errno of what failed; 0: nothing did */
    uint32_t action;      /* kk_journal_action of the error */
    uint64_t offset;      /* of the segment: everything before it is on the disk */
    uint64_t durable_lsn; /* everything up to it is on the disk */
} kk_journal_state;

typedef struct kk_journal_counts {
    uint64_t groups;
    uint64_t group_bytes; /* with their headers */
    uint64_t group_bytes_max;
    uint64_t idle_markers;
    uint64_t syncs; /* of groups, from pwrite to the end of the last sync */
    uint64_t sync_sum_ns;
    uint64_t sync_max_ns;
    uint64_t sync_times[KK_SYNC_BUCKETS];
} kk_journal_counts;

/*
 * Starts the thread.  `files` is copied, `directory_fd` is of the directory of all segments,
 * `durable_lsn` is on the disk already.  NULL when memory, a descriptor or a thread is not to be
 * had.
 */
kk_journal_writer *kk_journal_writer_new(const kk_files *files, int directory_fd, int64_t idle_ns,
                                         uint64_t durable_lsn);
/* Lets the group under way end, without another idle marker, and ends the thread. */
void kk_journal_writer_free(kk_journal_writer *writer);

/* Readable once a group or an idle marker has ended, until kk_journal_writer_heard. */
int kk_journal_writer_descriptor(const kk_journal_writer *writer);
void kk_journal_writer_heard(kk_journal_writer *writer);

/*
 * Groups go to `fd` from `offset` on, up to `end`, from now on; not while it is busy.  The name of
 * the file counts as new.
 */
void kk_journal_writer_segment(kk_journal_writer *writer, int fd, uint64_t offset, uint64_t end,
                               uint32_t seed);

/*
 * Gives it the next group, which fits behind the offset with its header; not while it is busy.  The
 * records are read, and their checksums and the bytes in front written, until the group has ended.
 */
void kk_journal_writer_give(kk_journal_writer *writer, const kk_group *group);

void kk_journal_writer_look(kk_journal_writer *writer, kk_journal_state *state);
/* As kk_journal_writer_look, but an idle marker is held back until the next group. */
void kk_journal_writer_hold(kk_journal_writer *writer, kk_journal_state *state);
/* Waits until it is not busy, then holds an idle marker back. */
void kk_journal_writer_wait(kk_journal_writer *writer, kk_journal_state *state);

/* Writes the idle marker now, if it is due and has room, and waits for it; not while it is busy. */
void kk_journal_writer_mark(kk_journal_writer *writer, kk_journal_state *state);

void kk_journal_writer_count(kk_journal_writer *writer, kk_journal_counts *counts);
/* Upper bound in nanoseconds of a bucket of sync times; the last one has none. */
uint64_t kk_sync_bound_ns(uint32_t bucket);

#endif
