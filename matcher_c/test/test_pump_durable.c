/* The pump at level durable: what leaves when, while the disk takes its time or fails. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kk_pump_internal.h"
#include "kk_test.h"
#include "pump_rig.h"

#define NEVER_NS INT64_C(1000000000000)

static uint64_t durable_lsn(const rig *r) {
    kk_pump_durability durability;
    kk_pump_durability_read(r->pump, &durability);
    return durability.durable_lsn;
}

/* Length of the verified part of a segment. */
static size_t valid(int fd, uint64_t first_lsn) {
    static _Alignas(8) uint8_t file[RIG_SEGMENT_BYTES];
    memset(file, 0, sizeof file);
    kk_assert(pread(fd, file, sizeof file, 0) >= 0);
    return kk_verify(file, sizeof file, RIG_SEED, first_lsn);
}

static void nothing_before_it_is_durable(void) {
    rig r;
    rig_open_durable(&r, 4, RIG_SEGMENT_BYTES, NEVER_NS);
    const uint64_t first_lsn = kk_next_lsn(r.venue.engine);
    rig_connect(&r, 0, NULL, 0);
    scripted_disk_hold(&r.disk, true);
    rig_send_order(&r, 0, 1, 100);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    scripted_disk_wait_held(&r.disk);

    for (int i = 0; i < 10; i++) {
        KK_CHECK(rig_pass(&r) == KK_PUMP_DONE && rig_receive(&r, 0) == 0);
        KK_CHECK(kk_pump_segment_offset(r.pump) == 0 && !kk_pump_settled(r.pump));
    }
    KK_CHECK(kk_pump_sending(r.pump, r.slots[0]));
    scripted_disk_hold(&r.disk, false);
    KK_CHECK(rig_settle(&r) == KK_PUMP_DONE);

    KK_CHECK(rig_count(&r, rig_receive(&r, 0), '8') == 1);
    KK_CHECK(kk_pump_settled(r.pump) && durable_lsn(&r) == kk_next_lsn(r.venue.engine) - 1u);
    KK_CHECK(valid(r.journal_fd, first_lsn) == kk_pump_segment_offset(r.pump));
    KK_CHECK(scripted_disk_did(&r.disk, "wsd"));
    rig_close(&r);
}

static void the_end_of_a_sync_wakes(void) {
    rig r;
    rig_open_durable(&r, 4, RIG_SEGMENT_BYTES, NEVER_NS);
    rig_connect(&r, 0, NULL, 0);
    struct pollfd pump = {.fd = kk_pump_descriptor(r.pump), .events = POLLIN};
    scripted_disk_hold(&r.disk, true);
    rig_send_order(&r, 0, 1, 100);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE && poll(&pump, 1, 0) == 0);
    scripted_disk_hold(&r.disk, false);

    KK_CHECK(poll(&pump, 1, 10000) == 1);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    KK_CHECK(rig_count(&r, rig_receive(&r, 0), '8') == 1);
    KK_CHECK(poll(&pump, 1, 0) == 0);
    rig_close(&r);
}

/* What gathers during one sync is one group. */
static void the_next_group_is_what_gathered(void) {
    rig r;
    rig_open_durable(&r, 4, RIG_SEGMENT_BYTES, NEVER_NS);
    rig_connect(&r, 0, NULL, 0);
    rig_connect(&r, 1, NULL, 0);
    scripted_disk_hold(&r.disk, true);
    rig_send_order(&r, 0, 1, 100);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    scripted_disk_wait_held(&r.disk);
    for (int i = 0; i < 20; i++) {
        rig_send_order(&r, 0, 1, 60);
        rig_send_order(&r, 1, 1, 60);
        KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    }
    KK_CHECK(rig_receive(&r, 0) == 0 && rig_receive(&r, 1) == 0);
    scripted_disk_hold(&r.disk, false);
    KK_CHECK(rig_settle(&r) == KK_PUMP_DONE);
    KK_CHECK(rig_count(&r, rig_receive(&r, 0), '8') == 1 && rig_receive(&r, 1) == 0);
    KK_CHECK(rig_settle(&r) == KK_PUMP_DONE);

    KK_CHECK(rig_count(&r, rig_receive(&r, 0), '8') == 20);
    KK_CHECK(rig_count(&r, rig_receive(&r, 1), '8') == 20);
    KK_CHECK(scripted_disk_did(&r.disk, "wsdws"));
    rig_close(&r);
}

/* Segments with room for a few orders each, and many orders in one buffer. */
static void a_group_over_segments(void) {
    rig r;
    rig_open_durable(&r, 4, 4096, NEVER_NS);
    int files[16] = {r.journal_fd};
    uint64_t lsns[17] = {kk_next_lsn(r.venue.engine)};
    uint32_t segments = 1;
    rig_connect(&r, 0, NULL, 0);
    scripted_disk_hold(&r.disk, true);
    rig_send_order(&r, 0, 1, 60);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    for (int i = 0; i < 40; i++) {
        rig_send_order(&r, 0, 1, 60);
    }
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    scripted_disk_hold(&r.disk, false);
    while (!kk_pump_settled(r.pump)) {
        const kk_pump_flushed flushed = rig_settle(&r);
        KK_CHECK(flushed != KK_PUMP_ERROR);
        if (flushed != KK_PUMP_ROLL) {
            continue;
        }
        kk_assert(segments < 16);
        KK_CHECK(kk_pump_room_needed(r.pump) < 4096);
        KK_CHECK(rig_count(&r, rig_receive(&r, 0), '8') <= 1); /* all of a buffer, or nothing */
        lsns[segments] = kk_pump_waiting_lsn(r.pump);
        files[segments] = memfd_create("next", MFD_CLOEXEC);
        kk_pump_segment(r.pump, files[segments++], 0, 4096, RIG_SEED);
    }
    lsns[segments] = kk_next_lsn(r.venue.engine);

    KK_CHECK(segments > 5 && rig_count(&r, rig_receive(&r, 0), '8') == 40);
    for (uint32_t i = 0; i < segments; i++) {
        static _Alignas(8) uint8_t file[4096];
        const size_t length = valid(files[i], lsns[i]);
        kk_assert(pread(files[i], file, length, 0) == (ssize_t)length);
        KK_CHECK(kk_scan_count(file, length) == lsns[i + 1] - lsns[i]);
        KK_CHECK(kk_scan_watermark(file, length) == lsns[i] - 1u || i == 0);
    }
    for (uint32_t i = 1; i < segments; i++) {
        close(files[i]);
    }
    rig_close(&r);
}

/* A failing call: no byte leaves, now or later, and every later flush says so. */
static void check_error(char call, int error, kk_journal_action action) {
    rig r;
    rig_open_durable(&r, 4, RIG_SEGMENT_BYTES, NEVER_NS);
    rig_connect(&r, 0, NULL, 0);
    scripted_disk_fail(&r.disk, call, 0, error);
    rig_send_order(&r, 0, 1, 100);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    KK_CHECK(rig_settle(&r) == KK_PUMP_ERROR);
    KK_CHECK(kk_pump_error(r.pump) == error);
    KK_CHECK(kk_pump_failed_action(r.pump) == (uint32_t)action);
    rig_send_order(&r, 0, 1, 100);
    KK_CHECK(rig_pass(&r) == KK_PUMP_ERROR && rig_settle(&r) == KK_PUMP_ERROR);
    KK_CHECK(rig_receive(&r, 0) == 0);
    rig_close(&r);
}

static void errors_let_nothing_go(void) {
    check_error('w', ENOSPC, KK_JOURNAL_WRITE);
    check_error('s', EIO, KK_JOURNAL_SYNC);
    check_error('d', EIO, KK_JOURNAL_SYNC_DIRECTORY);
}

/* A fed session's bytes follow the same rule. */
static void fed_bytes_wait_their_turn(void) {
    rig r;
    rig_open_durable(&r, 4, RIG_SEGMENT_BYTES, NEVER_NS);
    kk_engine *engine = r.venue.engine;
    rig_connect(&r, 0, NULL, 0);
    rig_connect(&r, 1, NULL, 0);
    kk_ring_unfollow(engine, 1);
    KK_CHECK(kk_ring_push(engine, 1, (const uint8_t *)"at once", 7));
    KK_CHECK(kk_pump_flush(r.pump) == KK_PUMP_DONE && rig_receive(&r, 1) == 7);

    scripted_disk_hold(&r.disk, true);
    rig_send_order(&r, 0, 1, 100);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    scripted_disk_wait_held(&r.disk);
    KK_CHECK(kk_ring_push(engine, 1, (const uint8_t *)"later", 5));
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE && rig_receive(&r, 1) == 0);
    scripted_disk_hold(&r.disk, false);
    KK_CHECK(rig_settle(&r) == KK_PUMP_DONE && rig_receive(&r, 1) == 5);
    rig_close(&r);
}

/* While so much waits nothing is read, and the thread's end of a sync goes on. */
static void reading_stops_when_much_gathers(void) {
    rig r;
    rig_open_durable(&r, 4, RIG_SEGMENT_BYTES, NEVER_NS);
    kk_engine *engine = r.venue.engine;
    rig_connect(&r, 0, NULL, 0);
    scripted_disk_hold(&r.disk, true);
    rig_send_order(&r, 0, 1, 60);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    scripted_disk_wait_held(&r.disk);
    uint8_t *payload = calloc(1, 1u << 20);
    for (int i = 0; i < 32; i++) {
        KK_CHECK(!kk_pump_backed_up(r.pump));
        kk_unit_begin(engine, KK_RECORD_OPERATOR, KK_NONE, 0, VENUE_NOW_NS, payload, 1u << 20);
        kk_unit_end(engine);
    }
    free(payload);
    rig_send_order(&r, 0, 1, 60);
    KK_CHECK(kk_pump_backed_up(r.pump));
    const size_t used = kk_journal_used(engine);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE && kk_journal_used(engine) == used);
    scripted_disk_hold(&r.disk, false);
    kk_pump_wait(r.pump);
    const int next = memfd_create("next", MFD_CLOEXEC);
    KK_CHECK(kk_pump_flush(r.pump) == KK_PUMP_DONE); /* what fits */
    KK_CHECK(!kk_pump_backed_up(r.pump));
    KK_CHECK(rig_settle(&r) == KK_PUMP_ROLL);
    kk_pump_segment(r.pump, next, 0, 64u << 20, RIG_SEED);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    while (!kk_pump_settled(r.pump)) {
        KK_CHECK(rig_settle(&r) == KK_PUMP_DONE);
    }
    KK_CHECK(rig_count(&r, rig_receive(&r, 0), '8') == 2);
    close(next);
    rig_close(&r);
}

/* What is not on the disk stands in memory, in order: the group under way, then what gathers. */
static void unwritten_records_are_shown(void) {
    rig r;
    kk_pump_unwritten pieces[2];
    rig_open_durable(&r, 4, RIG_SEGMENT_BYTES, NEVER_NS);
    const uint64_t first_lsn = kk_next_lsn(r.venue.engine);
    rig_connect(&r, 0, NULL, 0);
    KK_CHECK(kk_pump_unwritten_read(r.pump, pieces) == 0);
    scripted_disk_hold(&r.disk, true);
    rig_send_order(&r, 0, 1, 60);
    KK_CHECK(rig_read(&r) == 0 && kk_pump_unwritten_read(r.pump, pieces) == 1);
    const uint64_t number = pieces[0].number;
    KK_CHECK(kk_pump_flush(r.pump) == KK_PUMP_DONE);
    scripted_disk_wait_held(&r.disk);
    KK_CHECK(kk_pump_unwritten_read(r.pump, pieces) == 1 && pieces[0].number == number);
    KK_CHECK(kk_pump_lsn_at(pieces[0].records) == first_lsn);
    rig_send_order(&r, 0, 1, 60);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);

    KK_CHECK(kk_pump_unwritten_read(r.pump, pieces) == 2 && pieces[0].number == number);
    KK_CHECK(pieces[1].number == number + 1);
    KK_CHECK(kk_pump_lsn_at(pieces[1].records) ==
             first_lsn + kk_scan_count(pieces[0].records, pieces[0].length));
    scripted_disk_hold(&r.disk, false);
    KK_CHECK(rig_settle(&r) == KK_PUMP_DONE && rig_settle(&r) == KK_PUMP_DONE);
    KK_CHECK(kk_pump_unwritten_read(r.pump, pieces) == 0);
    rig_close(&r);
}

static void latency_ends_with_the_report(void) {
    rig r;
    kk_pump_statistics statistics;
    uint64_t counted = 0;
    rig_open_durable(&r, 4, RIG_SEGMENT_BYTES, NEVER_NS);
    rig_connect(&r, 0, NULL, 0);
    scripted_disk_hold(&r.disk, true);
    rig_send_order(&r, 0, 1, 60);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    rig_send_order(&r, 0, 1, 60);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    kk_pump_statistics_read(r.pump, &statistics);
    KK_CHECK(statistics.latency_sum_ns == 0 && r.pump->timed_count == 2);
    scripted_disk_hold(&r.disk, false);
    KK_CHECK(rig_settle(&r) == KK_PUMP_DONE && r.pump->timed_count == 1);
    KK_CHECK(rig_settle(&r) == KK_PUMP_DONE && r.pump->timed_count == 0);

    kk_pump_statistics_read(r.pump, &statistics);
    for (uint32_t i = 0; i < KK_PUMP_LATENCY_BUCKETS; i++) {
        counted += statistics.latency[i];
    }
    KK_CHECK(counted == 2 && statistics.latency_sum_ns > 0);
    KK_CHECK(statistics.journal_writes == 2);
    KK_CHECK(statistics.journal_bytes == kk_pump_segment_offset(r.pump));
    rig_close(&r);
}

static void a_clean_end_names_its_last_record(void) {
    rig r;
    static _Alignas(8) uint8_t file[RIG_SEGMENT_BYTES];
    rig_open_durable(&r, 4, RIG_SEGMENT_BYTES, NEVER_NS);
    const uint64_t first_lsn = kk_next_lsn(r.venue.engine);
    rig_connect(&r, 0, NULL, 0);
    rig_send_order(&r, 0, 1, 60);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE && rig_settle(&r) == KK_PUMP_DONE);
    KK_CHECK(kk_pump_finish(r.pump) == KK_PUMP_DONE);

    const size_t length = valid(r.journal_fd, first_lsn);
    kk_assert(pread(r.journal_fd, file, length, 0) == (ssize_t)length);
    KK_CHECK(length == kk_pump_segment_offset(r.pump));
    KK_CHECK(kk_scan_watermark(file, length) == kk_next_lsn(r.venue.engine) - 1u);
    rig_close(&r);
}

int main(void) {
    KK_RUN(nothing_before_it_is_durable, "a report leaves once its record is on the disk");
    KK_RUN(the_end_of_a_sync_wakes, "the end of a sync wakes who waits for the pump");
    KK_RUN(the_next_group_is_what_gathered, "what gathers during a sync is the next group");
    KK_RUN(a_group_over_segments, "a buffer goes on in the next segments, unit by unit");
    KK_RUN(errors_let_nothing_go, "after an error nothing is released, ever");
    KK_RUN(fed_bytes_wait_their_turn, "what is fed leaves with the next release");
    KK_RUN(reading_stops_when_much_gathers, "memory is bounded while the disk stalls");
    KK_RUN(unwritten_records_are_shown, "records that are not on the disk can be walked over");
    KK_RUN(latency_ends_with_the_report, "a message is timed until its report has left");
    KK_RUN(a_clean_end_names_its_last_record, "a clean end writes the last watermark");
    return KK_REPORT();
}
