/* The pump's way in and out: bytes to records to reports, whole or in pieces. */
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "kk_pump_internal.h"
#include "kk_test.h"
#include "pump_rig.h"

#define FOREVER_NS INT64_C(1000000000000)

static uint64_t valid_records(const rig *r, uint64_t first_lsn) {
    static uint8_t file[RIG_SEGMENT_BYTES];
    const uint64_t end = kk_pump_segment_offset(r->pump);

    kk_assert(pread(r->journal_fd, file, end, 0) == (ssize_t)end);
    return kk_verify(file, end, RIG_SEED, first_lsn);
}

static void record_before_report(void) {
    rig r;
    rig_open(&r, 4, 2, FOREVER_NS);
    const uint64_t first_lsn = kk_next_lsn(r.venue.engine);
    rig_connect(&r, 0, NULL, 0);
    rig_send_order(&r, 0, 1, 100);

    KK_CHECK(rig_read(&r) == 0);
    KK_CHECK(rig_receive(&r, 0) == 0);
    KK_CHECK(kk_pump_segment_offset(r.pump) == 0);
    KK_CHECK(kk_pump_flush(r.pump) == KK_PUMP_DONE);

    KK_CHECK(kk_pump_segment_offset(r.pump) > 0);
    KK_CHECK(valid_records(&r, first_lsn) == kk_pump_segment_offset(r.pump));
    KK_CHECK(rig_count(&r, rig_receive(&r, 0), '8') == 1);
    KK_CHECK(kk_journal_used(r.venue.engine) == 0);
    rig_close(&r);
}

static void reports_to_others_leave_too(void) {
    rig r;
    rig_open(&r, 4, 2, FOREVER_NS);
    rig_connect(&r, 0, NULL, 0);
    rig_connect(&r, 1, NULL, 0);
    rig_connect(&r, 2, NULL, 0);
    rig_send_order(&r, 0, 1, 100);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    rig_receive(&r, 0);
    rig_receive(&r, 2);

    rig_send_order(&r, 1, 2, 100);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);

    KK_CHECK(rig_count(&r, rig_receive(&r, 0), '8') == 1);
    KK_CHECK(rig_count(&r, rig_receive(&r, 1), '8') == 2);
    KK_CHECK(rig_count(&r, rig_receive(&r, 2), '8') == 1);
    rig_close(&r);
}

static void byte_by_byte(void) {
    rig r;
    uint8_t frame[512];
    rig_open(&r, 4, 2, FOREVER_NS);
    rig_connect(&r, 0, NULL, 0);
    const size_t length = rig_order(&r, 0, 1, 100, frame);

    for (size_t i = 0; i < length; i++) {
        KK_CHECK(rig_receive(&r, 0) == 0);
        rig_send(&r, 0, frame + i, 1);
        KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    }

    KK_CHECK(rig_count(&r, rig_receive(&r, 0), '8') == 1);
    rig_close(&r);
}

static void input_behind_the_logon(void) {
    rig r;
    uint8_t frames[1024];
    rig_open(&r, 4, 2, FOREVER_NS);
    size_t length = rig_order(&r, 0, 1, 100, frames);
    length += rig_order(&r, 0, 1, 100, frames + length);

    rig_connect(&r, 0, frames, length - 10);
    KK_CHECK(kk_pump_pending(r.pump));
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    KK_CHECK(!kk_pump_pending(r.pump));
    KK_CHECK(rig_count(&r, rig_receive(&r, 0), '8') == 1);
    rig_send(&r, 0, frames + length - 10, 10);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);

    KK_CHECK(rig_count(&r, rig_receive(&r, 0), '8') == 1);
    rig_close(&r);
}

/* Two heartbeats, then an order, in one read. */
static void frames_for_python(void) {
    rig r;
    uint8_t frames[1024];
    kk_pump_event event;
    rig_open(&r, 4, 2, FOREVER_NS);
    rig_connect(&r, 0, NULL, 0);
    const size_t first = venue_frame(&r.venue, 0, "35=0|112=one|", frames);
    size_t length = first + venue_frame(&r.venue, 0, "35=0|112=two|", frames + first);
    const size_t second = length - first;
    length += rig_order(&r, 0, 1, 100, frames + length);
    rig_send(&r, 0, frames, length);

    KK_CHECK(rig_read(&r) == 1);
    KK_CHECK(r.events[0].kind == KK_PUMP_FRAME && r.events[0].session == 0);
    KK_CHECK(r.events[0].frame_length == first && memcmp(r.events[0].frame, frames, first) == 0);
    KK_CHECK(kk_pump_handled(r.pump, r.slots[0], &event));
    KK_CHECK(event.frame_length == second && memcmp(event.frame, frames + first, second) == 0);
    kk_pump_defer(r.pump, r.slots[0], event.frame_length);
    KK_CHECK(kk_pump_flush(r.pump) == KK_PUMP_DONE);
    KK_CHECK(kk_pump_pending(r.pump));

    KK_CHECK(rig_read(&r) == 1);
    KK_CHECK(memcmp(r.events[0].frame, frames + first, second) == 0);
    kk_unit_begin(r.venue.engine, KK_RECORD_FRAME, 0, 2, kk_pump_now(r.pump), NULL, 0);
    kk_session_set_next_in(r.venue.engine, 0, 3);
    kk_unit_end(r.venue.engine);
    KK_CHECK(!kk_pump_handled(r.pump, r.slots[0], &event));
    KK_CHECK(kk_pump_flush(r.pump) == KK_PUMP_DONE);
    KK_CHECK(!kk_pump_pending(r.pump));
    KK_CHECK(rig_count(&r, rig_receive(&r, 0), '8') == 1);
    rig_close(&r);
}

/* A kilobyte of noise is one stretch, read at once or byte by byte, and is over at a frame. */
static void garbled_stretches(void) {
    for (size_t piece = 1; piece <= 1024; piece *= 32) {
        rig r;
        uint8_t noise[1024];
        kk_pump_statistics statistics;
        rig_open(&r, 4, 2, FOREVER_NS);
        rig_connect(&r, 0, NULL, 0);
        memset(noise, 'x', sizeof noise);
        for (unsigned round = 0; round < 5; round++) {
            for (size_t at = 0; at < sizeof noise; at += piece) {
                rig_send(&r, 0, noise + at, piece);
                KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
            }
            rig_send_order(&r, 0, 1, 100);
            KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
        }
        kk_pump_statistics_read(r.pump, &statistics);
        KK_CHECK(statistics.garbled == 5);
        KK_CHECK(rig_count(&r, rig_receive(&r, 0), '8') == 5);
        rig_close(&r);
    }
}

static void garbled_too_often(void) {
    rig r;
    rig_open(&r, 4, 2, FOREVER_NS);
    rig_connect(&r, 0, NULL, 0);

    rig_send(&r, 0, "8=FIX\001x8=FIX\001x8=FIX\001x", 21);

    KK_CHECK(rig_read(&r) == 1);
    KK_CHECK(r.events[0].kind == KK_PUMP_GARBLED);
    rig_send_order(&r, 0, 1, 100);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    KK_CHECK(rig_receive(&r, 0) == 0);
    rig_close(&r);
}

static void too_long(void) {
    rig r;
    rig_open(&r, 4, 2, FOREVER_NS);
    rig_connect(&r, 0, NULL, 0);

    rig_send(&r, 0, "8=FIX.4.4\0019=99999\00135=D\001", 23);

    KK_CHECK(rig_read(&r) == 1);
    KK_CHECK(r.events[0].kind == KK_PUMP_TOO_LONG);
    KK_CHECK(!kk_pump_pending(r.pump));
    rig_close(&r);
}

/* Orders one by one until the socket takes nothing, and on until the ring is low. */
static uint32_t fill_output(rig *r, uint32_t session) {
    const kk_connection *connection = &r->pump->connections[r->slots[session]];
    uint32_t sent = 0;

    while (connection->interest & EPOLLIN) {
        rig_send_order(r, session, 1, 60);
        KK_CHECK(rig_pass(r) == KK_PUMP_DONE);
        sent++;
        kk_assert(sent < 20000);
    }
    return sent;
}

static void full_output_stops_reading(void) {
    rig r;
    rig_open(&r, 4, 2, FOREVER_NS);
    rig_connect(&r, 0, NULL, 0);
    const kk_connection *connection = &r.pump->connections[r.slots[0]];
    KK_CHECK(connection->interest == EPOLLIN);

    const uint32_t sent = fill_output(&r, 0);
    KK_CHECK(connection->interest == EPOLLOUT);
    KK_CHECK(connection->blocked && r.pump->blocked_count == 1);
    rig_send_order(&r, 0, 1, 60);
    kk_pump_statistics before;
    kk_pump_statistics_read(r.pump, &before);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    kk_pump_statistics after;
    kk_pump_statistics_read(r.pump, &after);
    KK_CHECK(before.bytes_in == after.bytes_in);
    KK_CHECK(after.queued_bytes_max >= 100000);

    uint32_t reports = 0;
    for (unsigned round = 0; round < 1000 && reports <= sent; round++) {
        reports += rig_count(&r, rig_receive(&r, 0), '8');
        KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    }
    KK_CHECK(reports == sent + 1);
    KK_CHECK(connection->interest == EPOLLIN);
    KK_CHECK(!connection->blocked && r.pump->blocked_count == 0);
    rig_close(&r);
}

static void slow_reader_is_told(void) {
    rig r;
    rig_open(&r, 4, 2, 1);
    rig_connect(&r, 0, NULL, 0);
    rig_connect(&r, 1, NULL, 0);
    rig_send_order(&r, 1, 1, 60);
    fill_output(&r, 0);

    KK_CHECK(rig_events(&r) == 1);
    KK_CHECK(r.events[0].kind == KK_PUMP_SLOW && r.events[0].session == 0);
    rig_disconnect(&r, 0);
    KK_CHECK(rig_events(&r) == 0);
    KK_CHECK(r.pump->blocked_count == 0);
    rig_close(&r);
}

static void latency_is_counted(void) {
    rig r;
    kk_pump_statistics statistics;
    uint64_t counted = 0;
    rig_open(&r, 4, 2, FOREVER_NS);
    rig_connect(&r, 0, NULL, 0);
    for (unsigned i = 0; i < 10; i++) {
        rig_send_order(&r, 0, 1, 60);
        KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    }

    kk_pump_statistics_read(r.pump, &statistics);
    for (uint32_t i = 0; i < KK_PUMP_LATENCY_BUCKETS; i++) {
        counted += statistics.latency[i];
        KK_CHECK(i == 0 || kk_pump_latency_bound_ns(i - 1) <= kk_pump_latency_bound_ns(i));
        KK_CHECK(i % 4 != 3 || kk_pump_latency_bound_ns(i) == UINT64_C(2) << (i / 4));
    }
    KK_CHECK(counted == 10 && statistics.messages == 10);
    KK_CHECK(statistics.latency_sum_ns > 0 && statistics.latency_sum_ns < UINT64_C(10000000000));
    KK_CHECK(statistics.reads == 10 && statistics.connections == 1);
    rig_close(&r);
}

int main(void) {
    KK_RUN(record_before_report, "a report leaves once its record is written");
    KK_RUN(reports_to_others_leave_too, "reports to other sessions leave in the same pass");
    KK_RUN(byte_by_byte, "a frame may come byte by byte");
    KK_RUN(input_behind_the_logon, "what came behind the Logon is taken first");
    KK_RUN(frames_for_python, "frames for Python come one at a time and may wait for a pass");
    KK_RUN(garbled_stretches, "a garbled stretch counts once, however it is cut");
    KK_RUN(garbled_too_often, "too many garbled stretches in a row end the reading");
    KK_RUN(too_long, "a frame that declares too much ends the reading");
    KK_RUN(full_output_stops_reading, "full output stops reading, and nothing is lost");
    KK_RUN(slow_reader_is_told, "a reader that takes nothing is told, others are not");
    KK_RUN(latency_is_counted, "every message is in one latency bucket");
    return KK_REPORT();
}
