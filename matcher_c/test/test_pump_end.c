/* How the pump ends things: connections that close or fail, segments that are full, writes that
 * fail. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kk_pump_internal.h"
#include "kk_test.h"
#include "pump_rig.h"

#define FOREVER_NS INT64_C(1000000000000)

static void orderly_close(void) {
    rig r;
    rig_open(&r, 4, 2, FOREVER_NS);
    rig_connect(&r, 0, NULL, 0);
    rig_send_order(&r, 0, 1, 100);
    shutdown(r.peers[0], SHUT_WR);

    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    KK_CHECK(rig_read(&r) == 1);
    KK_CHECK(r.events[0].kind == KK_PUMP_CLOSED && r.events[0].error == 0);
    KK_CHECK(rig_read(&r) == 0);
    KK_CHECK(rig_count(&r, rig_receive(&r, 0), '8') == 1);
    rig_close(&r);
}

/* A socket that its peer closed with bytes unread is reset. */
static void reset_by_peer(void) {
    rig r;
    rig_open(&r, 4, 2, FOREVER_NS);
    rig_connect(&r, 0, NULL, 0);
    rig_send_order(&r, 0, 1, 100);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);

    close(r.peers[0]);
    r.peers[0] = -1;

    KK_CHECK(rig_read(&r) == 1);
    KK_CHECK(r.events[0].kind == KK_PUMP_CLOSED && r.events[0].error == ECONNRESET);
    rig_close(&r);
}

/* A connection that is no longer read, and has nothing to send just now, is reset. */
static void reset_while_closing(void) {
    rig r;
    rig_open(&r, 4, 2, FOREVER_NS);
    rig_connect(&r, 0, NULL, 0);
    rig_send_order(&r, 0, 1, 100);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    kk_pump_stop_reading(r.pump, r.slots[0]);
    KK_CHECK(rig_read(&r) == 0);

    close(r.peers[0]);
    r.peers[0] = -1;

    KK_CHECK(rig_read(&r) == 1);
    KK_CHECK(r.events[0].kind == KK_PUMP_CLOSED && r.events[0].error == ECONNRESET);
    KK_CHECK(rig_read(&r) == 0);
    rig_close(&r);
}

/* The report of another session's order meets a socket that is gone. */
static void failure_while_sending(void) {
    rig r;
    rig_open(&r, 4, 2, FOREVER_NS);
    rig_connect(&r, 0, NULL, 0);
    rig_connect(&r, 1, NULL, 0);
    rig_send_order(&r, 0, 1, 100);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    rig_receive(&r, 0);
    rig_send_order(&r, 1, 2, 100);
    KK_CHECK(rig_read(&r) == 0);

    close(r.peers[0]);
    r.peers[0] = -1;
    KK_CHECK(kk_pump_flush(r.pump) == KK_PUMP_DONE);

    KK_CHECK(kk_pump_pending(r.pump));
    KK_CHECK(!kk_pump_sending(r.pump, r.slots[0]));
    KK_CHECK(rig_events(&r) == 1);
    KK_CHECK(r.events[0].kind == KK_PUMP_CLOSED && r.events[0].session == 0);
    KK_CHECK(r.events[0].error == EPIPE);
    KK_CHECK(rig_events(&r) == 0);
    KK_CHECK(rig_read(&r) == 0);
    KK_CHECK(rig_count(&r, rig_receive(&r, 1), '8') == 2);
    rig_close(&r);
}

/* Two things are waiting to be told of a connection when it goes and its slot is taken again. */
static void slot_taken_again(void) {
    rig r;
    uint8_t frame[512];
    rig_open(&r, 1, 2, FOREVER_NS);
    const size_t length = rig_order(&r, 0, 1, 100, frame);
    rig_connect(&r, 0, frame, length - 1);
    kk_ring_unfollow(r.venue.engine, 0);
    kk_pump_send(r.pump, r.slots[0]);
    const uint32_t slot = r.slots[0];
    const int old_fd = r.pump->connections[slot].fd;
    rig_disconnect(&r, 0);
    KK_CHECK(fcntl(old_fd, F_GETFD) == -1 && errno == EBADF);
    KK_CHECK(!kk_pump_pending(r.pump));

    rig_connect(&r, 1, NULL, 0);

    KK_CHECK(r.slots[1] == slot);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    KK_CHECK(rig_events(&r) == 0);
    rig_send_order(&r, 1, 1, 100);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    KK_CHECK(rig_count(&r, rig_receive(&r, 1), '8') == 1);
    rig_close(&r);
}

static void no_slot_free(void) {
    rig r;
    int ends[2];
    rig_open(&r, 1, 2, FOREVER_NS);
    rig_connect(&r, 0, NULL, 0);
    kk_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);

    KK_CHECK(kk_pump_add(r.pump, ends[0], 1, NULL, 0) == KK_PUMP_NO_SLOT);

    KK_CHECK(fcntl(ends[0], F_GETFD) != -1);
    KK_CHECK(kk_pump_add(r.pump, ends[0], 1, NULL, 0) == KK_PUMP_NO_SLOT);
    close(ends[0]);
    close(ends[1]);
    rig_close(&r);
}

/* A socket that epoll refuses gives its slot back. */
static void unusable_socket(void) {
    rig r;
    rig_open(&r, 1, 2, FOREVER_NS);
    const int file = memfd_create("no socket", MFD_CLOEXEC);

    KK_CHECK(kk_pump_add(r.pump, file, 0, NULL, 0) == KK_PUMP_NO_SLOT);

    close(file);
    rig_connect(&r, 0, NULL, 0);
    rig_close(&r);
}

/* A ring that does not follow and has room is told, until it follows again. */
static void behind(void) {
    rig r;
    rig_open(&r, 4, 2, FOREVER_NS);
    rig_connect(&r, 0, NULL, 0);
    kk_ring_unfollow(r.venue.engine, 0);
    KK_CHECK(kk_ring_push(r.venue.engine, 0, (const uint8_t *)"again", 5));
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);

    KK_CHECK(rig_events(&r) == 1);
    KK_CHECK(r.events[0].kind == KK_PUMP_BEHIND && r.events[0].session == 0);
    KK_CHECK(rig_receive(&r, 0) == 5);
    KK_CHECK(rig_events(&r) == 0);
    KK_CHECK(kk_ring_follow(r.venue.engine, 0));
    rig_send_order(&r, 0, 1, 100);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    KK_CHECK(rig_events(&r) == 0);
    rig_close(&r);
}

static void segment_is_full(void) {
    rig r;
    rig_open(&r, 4, 2, FOREVER_NS);
    rig_connect(&r, 0, NULL, 0);
    rig_send_order(&r, 0, 1, 100);
    rig_send_order(&r, 0, 1, 100);
    const uint64_t lsn = kk_next_lsn(r.venue.engine);
    kk_pump_segment(r.pump, r.journal_fd, 100, 500, RIG_SEED);

    KK_CHECK(rig_pass(&r) == KK_PUMP_ROLL);

    KK_CHECK(kk_pump_waiting_lsn(r.pump) == lsn);
    KK_CHECK(kk_pump_room_needed(r.pump) == kk_journal_used(r.venue.engine));
    KK_CHECK(kk_pump_segment_offset(r.pump) == 100);
    KK_CHECK(rig_receive(&r, 0) == 0);
    kk_pump_segment(r.pump, r.journal_fd, 0, kk_pump_room_needed(r.pump), RIG_SEED);
    KK_CHECK(kk_pump_flush(r.pump) == KK_PUMP_DONE);
    KK_CHECK(rig_count(&r, rig_receive(&r, 0), '8') == 2);
    rig_close(&r);
}

/* Half of what waits fits: it is written, and the rest goes to the next segment. */
static void segment_becomes_full(void) {
    rig r;
    rig_open(&r, 4, 2, FOREVER_NS);
    rig_connect(&r, 0, NULL, 0);
    rig_send_order(&r, 0, 1, 100);
    KK_CHECK(rig_read(&r) == 0);
    const size_t unit = kk_journal_used(r.venue.engine);
    rig_send_order(&r, 0, 1, 100);
    kk_pump_segment(r.pump, r.journal_fd, 0, unit + 8, RIG_SEED);

    KK_CHECK(rig_pass(&r) == KK_PUMP_ROLL);
    KK_CHECK(kk_pump_segment_offset(r.pump) == unit);
    KK_CHECK(rig_receive(&r, 0) == 0);
    kk_pump_segment(r.pump, r.journal_fd, 4096, RIG_SEGMENT_BYTES, RIG_SEED);

    KK_CHECK(kk_pump_flush(r.pump) == KK_PUMP_DONE);
    KK_CHECK(rig_count(&r, rig_receive(&r, 0), '8') == 2);
    rig_close(&r);
}

static void write_fails(void) {
    rig r;
    rig_open(&r, 4, 2, FOREVER_NS);
    rig_connect(&r, 0, NULL, 0);
    const int read_only = open("/dev/null", O_RDONLY | O_CLOEXEC);
    kk_pump_segment(r.pump, read_only, 0, RIG_SEGMENT_BYTES, RIG_SEED);
    rig_send_order(&r, 0, 1, 100);

    KK_CHECK(rig_pass(&r) == KK_PUMP_ERROR);
    KK_CHECK(kk_pump_error(r.pump) == EBADF);
    kk_pump_segment(r.pump, r.journal_fd, 0, RIG_SEGMENT_BYTES, RIG_SEED);
    KK_CHECK(kk_pump_flush(r.pump) == KK_PUMP_ERROR);

    KK_CHECK(rig_receive(&r, 0) == 0);
    close(read_only);
    rig_close(&r);
}

/* A TCP connection on loopback, the accepted end first. */
static void connect_tcp(int ends[2]) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    kk_assert(listener >= 0);
    kk_assert(bind(listener, (const struct sockaddr *)&address, size) == 0);
    kk_assert(listen(listener, 1) == 0);
    kk_assert(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    ends[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    kk_assert(ends[1] >= 0);
    kk_assert(connect(ends[1], (const struct sockaddr *)&address, size) == 0);
    ends[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    kk_assert(ends[0] >= 0);
    close(listener);
}

/* The counterparty sent more that nobody will read: it still gets our last words and an end. */
static void last_words_arrive(void) {
    rig r;
    int ends[2];
    uint8_t frame[512];
    rig_open(&r, 4, 2, FOREVER_NS);
    connect_tcp(ends);
    kk_assert(kk_ring_attach(r.venue.engine, 0) == KK_OK);
    const uint32_t slot = kk_pump_add(r.pump, ends[0], 0, NULL, 0);
    const size_t length = rig_order(&r, 0, 1, 100, frame);
    kk_assert(send(ends[1], frame, length, 0) == (ssize_t)length);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    kk_assert(send(ends[1], frame, length, 0) == (ssize_t)length);

    kk_pump_remove(r.pump, slot);
    kk_ring_detach(r.venue.engine, 0);

    const ssize_t arrived = recv(ends[1], r.bytes, RIG_BYTES, 0);
    KK_CHECK(arrived > 0 && rig_count(&r, (size_t)arrived, '8') == 1);
    KK_CHECK(recv(ends[1], r.bytes, RIG_BYTES, 0) == 0);
    close(ends[1]);
    rig_close(&r);
}

int main(void) {
    KK_RUN(orderly_close, "what came before the end is applied, then the end is told once");
    KK_RUN(reset_by_peer, "a reset is told with its errno");
    KK_RUN(reset_while_closing, "a reset is told also when nothing more is read");
    KK_RUN(failure_while_sending, "a socket that fails while sending is told once");
    KK_RUN(slot_taken_again, "what was waiting for an old connection never hits a new one");
    KK_RUN(no_slot_free, "without a free slot the descriptor stays the caller's");
    KK_RUN(unusable_socket, "a socket that cannot be waited for takes no slot");
    KK_RUN(behind, "a ring that does not follow asks to be fed");
    KK_RUN(segment_is_full, "nothing leaves while its record has no room");
    KK_RUN(segment_becomes_full, "whole units fill a segment, the rest goes to the next");
    KK_RUN(write_fails, "after a failed write nothing leaves, ever");
    KK_RUN(last_words_arrive, "closing with unread input is no reset");
    return KK_REPORT();
}
