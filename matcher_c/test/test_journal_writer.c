/* The journal's thread alone: what it asks of the disk, in which order, and what it says of it. */
#include "kk_journal_writer.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kk_assert.h"
#include "kk_record.h"
#include "kk_test.h"
#include "scripted_disk.h"

#define HEADER ((size_t)KK_RECORD_HEADER_BYTES)
#define SEED 77u
#define SEGMENT_BYTES 4096u
#define NEVER_NS INT64_C(1000000000000)
#define SOON_NS INT64_C(1000000)

typedef struct bench {
    scripted_disk disk;
    kk_journal_writer *writer;
    int fd;
    uint64_t next_lsn;
    _Alignas(8) uint8_t buffer[4096];
    _Alignas(8) uint8_t file[SEGMENT_BYTES];
} bench;

static void open_bench(bench *b, int64_t idle_ns) {
    scripted_disk_open(&b->disk);
    b->fd = memfd_create("segment", MFD_CLOEXEC);
    b->next_lsn = 1;
    b->writer = kk_journal_writer_new(&b->disk.files, SCRIPTED_DIRECTORY, idle_ns, 0);
    kk_assert(b->fd >= 0 && b->writer != NULL);
    kk_journal_writer_segment(b->writer, b->fd, 0, SEGMENT_BYTES, SEED);
}

static void close_bench(bench *b) {
    kk_journal_writer_free(b->writer);
    close(b->fd);
    scripted_disk_close(&b->disk);
}

/* Makes `count` units of one record each and gives them as a group. */
static void give(bench *b, uint32_t count) {
    uint8_t *records = b->buffer + HEADER;
    const uint64_t first = b->next_lsn;

    for (uint32_t i = 0; i < count; i++) {
        const kk_record record = {.length = HEADER,
                                  .lsn = b->next_lsn++,
                                  .kind = KK_RECORD_TICK,
                                  .version = KK_RECORD_VERSION,
                                  .flags = KK_RECORD_INPUT | KK_RECORD_UNIT_END};
        memcpy(records + (size_t)i * sizeof record, &record, sizeof record);
    }
    const kk_group group = {.records = records,
                            .length = (size_t)count * HEADER,
                            .first_lsn = first,
                            .last_lsn = b->next_lsn - 1u};
    kk_journal_writer_give(b->writer, &group);
}

static kk_journal_state wait_for(bench *b) {
    kk_journal_state state;
    kk_journal_writer_wait(b->writer, &state);
    return state;
}

static bool told(const bench *b) {
    struct pollfd wanted = {.fd = kk_journal_writer_descriptor(b->writer), .events = POLLIN};
    return poll(&wanted, 1, 10000) == 1;
}

/* The verified part of the file. */
static size_t valid(bench *b, uint64_t first_lsn) {
    memset(b->file, 0, sizeof b->file);
    kk_assert(pread(b->fd, b->file, sizeof b->file, 0) >= 0);
    return kk_verify(b->file, sizeof b->file, SEED, first_lsn);
}

static void write_then_sync(void) {
    bench b;
    open_bench(&b, NEVER_NS);
    scripted_disk_hold(&b.disk, true);
    give(&b, 3);
    scripted_disk_wait_held(&b.disk);

    kk_journal_state state;
    kk_journal_writer_look(b.writer, &state);
    KK_CHECK(state.busy && state.durable_lsn == 0 && state.offset == 0);
    scripted_disk_hold(&b.disk, false);
    state = wait_for(&b);

    KK_CHECK(state.durable_lsn == 3 && state.offset == 4u * HEADER);
    KK_CHECK(valid(&b, 1) == state.offset);
    KK_CHECK(told(&b));
    KK_CHECK(scripted_disk_did(&b.disk, "wsd")); /* the name of a new segment counts as well */
    give(&b, 1);
    wait_for(&b);
    KK_CHECK(scripted_disk_did(&b.disk, "ws"));
    close_bench(&b);
}

static void watermarks(void) {
    bench b;
    open_bench(&b, NEVER_NS);
    give(&b, 3);
    wait_for(&b);
    KK_CHECK(kk_scan_watermark(b.file, valid(&b, 1)) == 0);
    give(&b, 2);
    kk_journal_state state = wait_for(&b);
    KK_CHECK(kk_scan_watermark(b.file, valid(&b, 1)) == 3);
    kk_journal_writer_mark(b.writer, &state);

    KK_CHECK(!state.busy && state.durable_lsn == 5);
    KK_CHECK(valid(&b, 1) == state.offset && kk_scan_watermark(b.file, state.offset) == 5);
    KK_CHECK(kk_scan_count(b.file, state.offset) == 5);
    scripted_disk_did(&b.disk, "wsdwsws");
    kk_journal_writer_mark(b.writer, &state);
    KK_CHECK(scripted_disk_did(&b.disk, "")); /* nothing to say */
    close_bench(&b);
}

static void idle_marker(void) {
    bench b;
    open_bench(&b, SOON_NS);
    give(&b, 1);
    scripted_disk_wait_calls(&b.disk, 5);
    const kk_journal_state state = wait_for(&b);
    kk_journal_counts counts;
    kk_journal_writer_count(b.writer, &counts);

    KK_CHECK(scripted_disk_did(&b.disk, "wsdws"));
    KK_CHECK(state.offset == 3u * HEADER && valid(&b, 1) == state.offset);
    KK_CHECK(kk_scan_watermark(b.file, state.offset) == 1);
    KK_CHECK(counts.groups == 1 && counts.idle_markers == 1);
    close_bench(&b);
}

static void a_held_marker_waits(void) {
    bench b;
    open_bench(&b, SOON_NS);
    kk_journal_state state;
    give(&b, 1);
    kk_journal_writer_hold(b.writer, &state);
    state = wait_for(&b);
    usleep(5000);
    kk_journal_writer_look(b.writer, &state);
    KK_CHECK(!state.busy && scripted_disk_did(&b.disk, "wsd"));
    close_bench(&b);
}

/* The segment has room for a group, and none for a marker behind it. */
static void no_room_for_a_marker(void) {
    bench b;
    open_bench(&b, SOON_NS);
    give(&b, 1);
    kk_journal_state state = wait_for(&b);
    kk_journal_writer_segment(b.writer, b.fd, 0, 2u * HEADER, SEED);
    give(&b, 1);
    state = wait_for(&b);
    kk_journal_writer_mark(b.writer, &state);
    KK_CHECK(state.error == 0 && scripted_disk_did(&b.disk, "wsdwsd"));
    close_bench(&b);
}

static void pieces_and_interruptions(void) {
    bench b;
    open_bench(&b, NEVER_NS);
    b.disk.piece_max = 100;
    scripted_disk_fail(&b.disk, 'w', 1, EINTR);
    give(&b, 5);
    const kk_journal_state state = wait_for(&b);
    KK_CHECK(state.error == 0 && valid(&b, 1) == 6u * HEADER);
    KK_CHECK(scripted_disk_did(&b.disk, "wwwwsd"));
    close_bench(&b);
}

/* `call` fails in the group behind a good one; nothing is asked of the disk after it. */
static void check_error(char call, uint32_t after, int error, kk_journal_action action,
                        const char *calls) {
    bench b;
    open_bench(&b, SOON_NS);
    kk_journal_state state;
    kk_journal_writer_hold(b.writer, &state);
    scripted_disk_fail(&b.disk, call, after, error);
    give(&b, 2);
    state = wait_for(&b);
    usleep(3000);
    kk_journal_writer_look(b.writer, &state);
    KK_CHECK(state.error == error && state.action == (uint32_t)action);
    KK_CHECK(!state.busy && state.durable_lsn == 0 && state.offset == 0);
    KK_CHECK(told(&b));
    kk_journal_writer_mark(b.writer, &state);
    KK_CHECK(scripted_disk_did(&b.disk, calls));
    close_bench(&b);
}

static void errors_stay(void) {
    check_error('w', 0, ENOSPC, KK_JOURNAL_WRITE, "w");
    check_error('s', 0, EIO, KK_JOURNAL_SYNC, "ws");
    check_error('s', 0, EINTR, KK_JOURNAL_SYNC, "ws"); /* a sync is never tried again */
    check_error('d', 0, EIO, KK_JOURNAL_SYNC_DIRECTORY, "wsd");
}

static void a_marker_fails(void) {
    bench b;
    open_bench(&b, NEVER_NS);
    give(&b, 1);
    kk_journal_state state = wait_for(&b);
    scripted_disk_fail(&b.disk, 's', 0, EIO);
    kk_journal_writer_mark(b.writer, &state);
    KK_CHECK(state.error == EIO && state.action == KK_JOURNAL_SYNC && state.durable_lsn == 1);
    close_bench(&b);
}

static void the_end_waits_for_the_group(void) {
    bench b;
    open_bench(&b, NEVER_NS);
    give(&b, 1);
    kk_journal_writer_free(b.writer);
    KK_CHECK(scripted_disk_did(&b.disk, "wsd"));
    close(b.fd);
    scripted_disk_close(&b.disk);
}

static void counts(void) {
    bench b;
    open_bench(&b, NEVER_NS);
    kk_journal_counts counts;
    uint64_t in_buckets = 0;
    for (uint32_t i = 1; i <= 3; i++) {
        give(&b, i);
        wait_for(&b);
    }
    kk_journal_writer_count(b.writer, &counts);
    for (uint32_t i = 0; i < KK_SYNC_BUCKETS; i++) {
        in_buckets += counts.sync_times[i];
    }
    KK_CHECK(counts.groups == 3 && counts.group_bytes == 9u * HEADER);
    KK_CHECK(counts.group_bytes_max == 4u * HEADER && in_buckets == 3);
    KK_CHECK(counts.sync_max_ns > 0 && counts.sync_max_ns <= counts.sync_sum_ns);
    KK_CHECK(kk_sync_bound_ns(0) == 64000 && kk_sync_bound_ns(1) == 128000);
    close_bench(&b);
}

int main(void) {
    KK_RUN(write_then_sync, "a group is durable once it was written and synced, in this order");
    KK_RUN(watermarks, "a group's header says what was durable when it was written");
    KK_RUN(idle_marker, "some quiet after a sync the newer watermark is written and synced");
    KK_RUN(a_held_marker_waits, "no marker begins while it is held back");
    KK_RUN(no_room_for_a_marker, "a segment without room gets no marker");
    KK_RUN(pieces_and_interruptions, "short and interrupted writes are completed");
    KK_RUN(errors_stay, "the first error stays, and nothing is asked of the disk after it");
    KK_RUN(a_marker_fails, "an idle marker's error counts as any");
    KK_RUN(the_end_waits_for_the_group, "the group under way ends before the thread does");
    KK_RUN(counts, "groups and their syncs are counted");
    return KK_REPORT();
}
