/* Slow readers: the age of the first waiting byte, and how many wait in the ring and behind it. */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kk_pump_internal.h"
#include "kk_test.h"
#include "pump_rig.h"

#define SECOND_NS INT64_C(1000000000)
#define MAX_NS (10 * SECOND_NS)

static kk_connection *connection_of(const rig *r, uint32_t session) {
    return &r->pump->connections[r->slots[session]];
}

/* Time passes for what waits. */
static void pass_ns(rig *r, uint32_t session, int64_t ns) {
    for (uint32_t i = 0; i < KK_PUMP_MARKS; i++) {
        connection_of(r, session)->marks[i].since_ns -= ns;
    }
}

/* A session whose socket takes no more, and whose reports of orders wait in the ring. */
static void open_blocked(rig *r) {
    rig_open(r, 4, 2, MAX_NS);
    rig_connect(r, 0, NULL, 0);
    while (!connection_of(r, 0)->blocked) {
        rig_send_order(r, 0, 1, 60);
        KK_CHECK(rig_pass(r) == KK_PUMP_DONE);
    }
}

/* The counterparty takes `bytes` and the socket as much as it has room for. */
static void take(rig *r, size_t bytes) {
    while (bytes > 0) {
        const ssize_t taken =
            recv(r->peers[0], r->bytes, bytes < RIG_BYTES ? bytes : RIG_BYTES, MSG_DONTWAIT);
        kk_assert(taken > 0);
        bytes -= (size_t)taken;
    }
    KK_CHECK(rig_pass(r) == KK_PUMP_DONE);
}

static bool told_slow(rig *r, uint32_t limit) {
    return rig_events(r) == 1 && r->events[0].kind == KK_PUMP_SLOW && r->events[0].session == 0 &&
           r->events[0].limit == limit;
}

static void nothing_taken(void) {
    rig r;
    open_blocked(&r);
    KK_CHECK(rig_events(&r) == 0);

    pass_ns(&r, 0, MAX_NS - SECOND_NS);
    KK_CHECK(rig_events(&r) == 0);
    pass_ns(&r, 0, SECOND_NS);

    KK_CHECK(told_slow(&r, KK_PUMP_LIMIT_SECONDS));
    KK_CHECK(r.events[0].waited_ns > MAX_NS && r.events[0].waited_ns < MAX_NS + SECOND_NS);
    KK_CHECK(r.events[0].waiting_bytes == kk_ring_pending(r.venue.engine, 0));
    rig_close(&r);
}

/* More orders wait in the ring: an AF_UNIX socket makes room in large pieces. */
static void fill_ring(rig *r) {
    for (unsigned i = 0; i < 500; i++) {
        rig_send_order(r, 0, 1, 60);
        KK_CHECK(rig_pass(r) == KK_PUMP_DONE);
    }
}

/* What was read long ago does not make what waits any younger. */
static void a_little_taken(void) {
    rig r;
    open_blocked(&r);
    fill_ring(&r);
    const uint64_t marked = connection_of(&r, 0)->marks[0].end;
    for (unsigned i = 0; i < 9; i++) {
        pass_ns(&r, 0, SECOND_NS);
        const uint64_t before = connection_of(&r, 0)->sent;
        take(&r, 4096);
        if (connection_of(&r, 0)->sent >= marked) {
            break; /* the socket took all that was marked at first */
        }
        KK_CHECK(connection_of(&r, 0)->sent >= before);
        KK_CHECK(rig_events(&r) == 0);
    }
    KK_CHECK(connection_of(&r, 0)->blocked);

    pass_ns(&r, 0, MAX_NS);

    KK_CHECK(told_slow(&r, KK_PUMP_LIMIT_SECONDS));
    rig_close(&r);
}

/* Everything that waited at the first mark has left in time; what came later has its own. */
static void slow_but_in_time(void) {
    rig r;
    open_blocked(&r);
    for (unsigned round = 0; round < 40; round++) {
        pass_ns(&r, 0, 6 * SECOND_NS);
        rig_receive(&r, 0);
        KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
        while (!connection_of(&r, 0)->blocked) {
            rig_send_order(&r, 0, 1, 60);
            KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
        }
        KK_CHECK(rig_events(&r) == 0);
    }
    rig_close(&r);
}

/* A byte that arrived after the first mark is cut by its own age, not by that of a later one. */
static void later_bytes_have_marks(void) {
    rig r;
    open_blocked(&r);
    kk_connection *connection = connection_of(&r, 0);
    for (unsigned second = 0; second < 9; second++) {
        pass_ns(&r, 0, SECOND_NS);
        rig_send_order(&r, 0, 1, 60);
        KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
        KK_CHECK(rig_events(&r) == 0);
    }
    KK_CHECK(connection->mark_count == 10);

    connection->sent = connection->marks[4].end; /* as if so much had left */
    KK_CHECK(rig_events(&r) == 0);
    KK_CHECK(connection->mark_count == 5);
    pass_ns(&r, 0, 5 * SECOND_NS);
    KK_CHECK(rig_events(&r) == 0);
    pass_ns(&r, 0, SECOND_NS + SECOND_NS / 2);
    KK_CHECK(told_slow(&r, KK_PUMP_LIMIT_SECONDS));
    rig_close(&r);
}

/* Marks are as many as there are, however long it takes and however often it is looked. */
static void marks_are_bounded(void) {
    rig r;
    open_blocked(&r);
    kk_connection *connection = connection_of(&r, 0);
    for (unsigned i = 0; i < 1000; i++) {
        pass_ns(&r, 0, MAX_NS / 1000);
        if (connection->interest & EPOLLIN) {
            rig_send_order(&r, 0, 1, 60);
        }
        KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
        const uint32_t told = rig_events(&r);
        KK_CHECK(told == 0 || i >= 990);
        KK_CHECK(connection->mark_count <= KK_PUMP_MARKS);
    }
    pass_ns(&r, 0, SECOND_NS);
    KK_CHECK(told_slow(&r, KK_PUMP_LIMIT_SECONDS));
    rig_close(&r);
}

static void too_many_bytes(void) {
    rig r;
    open_blocked(&r);
    rig_connect(&r, 1, NULL, 0);
    rig_send_order(&r, 0, 1, 60);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    r.pump->limits.waiting_max_bytes = kk_ring_pending(r.venue.engine, 0);
    KK_CHECK(rig_events(&r) == 0);

    rig_send_order(&r, 0, 1, 60);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);

    KK_CHECK(told_slow(&r, KK_PUMP_LIMIT_BYTES));
    KK_CHECK(r.events[0].waiting_bytes > r.pump->limits.waiting_max_bytes);
    KK_CHECK(r.events[0].waited_ns < MAX_NS);
    rig_disconnect(&r, 0);
    KK_CHECK(rig_events(&r) == 0 && r.pump->blocked_count == 0);
    rig_close(&r);
}

/* Fills of session 0's orders, caused by session 1, until its ring is full and beyond. */
static void overrun(rig *r) {
    rig_connect(r, 1, NULL, 0);
    while (kk_ring_cursor(r->venue.engine, 0) == 0) {
        rig_send_order(r, 1, 2, 60);
        KK_CHECK(rig_pass(r) == KK_PUMP_DONE);
        rig_receive(r, 1);
    }
}

static void bytes_behind_the_ring(void) {
    rig r;
    open_blocked(&r);
    while (connection_of(&r, 0)->interest & EPOLLIN) {
        rig_send_order(&r, 0, 1, 60);
        KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    }
    overrun(&r);
    const uint64_t behind = kk_ring_behind(r.venue.engine, 0);
    KK_CHECK(behind > 0);
    r.pump->limits.waiting_max_bytes = kk_ring_pending(r.venue.engine, 0) + behind;
    KK_CHECK(rig_events(&r) == 0);

    rig_send_order(&r, 1, 2, 60);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);

    KK_CHECK(told_slow(&r, KK_PUMP_LIMIT_BYTES));
    rig_close(&r);
}

static void held_back_by_a_resend(void) {
    rig r;
    open_blocked(&r);
    rig_connect(&r, 1, NULL, 0);
    kk_ring_unfollow(r.venue.engine, 0);
    const uint64_t next = kk_ring_cursor(r.venue.engine, 0);
    r.pump->limits.waiting_max_bytes = kk_ring_pending(r.venue.engine, 0);

    rig_send_order(&r, 1, 2, 60);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);

    KK_CHECK(kk_ring_cursor(r.venue.engine, 0) == next);
    KK_CHECK(r.venue.engine->sessions[0].next_out > next);
    KK_CHECK(kk_ring_behind(r.venue.engine, 0) == 0);
    KK_CHECK(rig_events(&r) == 0);
    rig_close(&r);
}

/* A blocked socket breaks, and reports for it go on: epoll is asked for nothing more. */
static void broken_while_blocked(void) {
    rig r;
    open_blocked(&r);
    rig_connect(&r, 1, NULL, 0);
    close(r.peers[0]);
    r.peers[0] = -1;
    KK_CHECK(rig_read(&r) == 0);
    KK_CHECK(connection_of(&r, 0)->failed && connection_of(&r, 0)->interest == 0);

    rig_send_order(&r, 1, 2, 60);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);

    KK_CHECK(connection_of(&r, 0)->interest == 0);
    KK_CHECK(rig_events(&r) == 1);
    KK_CHECK(r.events[0].kind == KK_PUMP_CLOSED && r.events[0].session == 0);
    KK_CHECK(rig_events(&r) == 0);
    rig_close(&r);
}

/* Several at a time, and the middle one leaves first. */
static void several_blocked(void) {
    rig r;
    rig_open(&r, 4, 2, MAX_NS);
    for (uint32_t session = 0; session < 4; session++) {
        if (session != 2) {
            rig_connect(&r, session, NULL, 0);
            while (!connection_of(&r, session)->blocked) {
                rig_send_order(&r, session, 1, 60);
                KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
            }
        }
    }
    KK_CHECK(r.pump->blocked_count == 3);
    rig_disconnect(&r, 1);
    KK_CHECK(r.pump->blocked_count == 2);
    pass_ns(&r, 3, MAX_NS + 1);
    KK_CHECK(rig_events(&r) == 1 && r.events[0].session == 3);
    rig_receive(&r, 3);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    rig_receive(&r, 3);
    KK_CHECK(!connection_of(&r, 3)->blocked && connection_of(&r, 0)->blocked);
    KK_CHECK(rig_events(&r) == 0);
    pass_ns(&r, 0, MAX_NS + 1);
    KK_CHECK(rig_events(&r) == 1 && r.events[0].session == 0);
    rig_close(&r);
}

int main(void) {
    KK_RUN(nothing_taken,
           "a reader that takes nothing is told when the first byte waited too long");
    KK_RUN(a_little_taken, "a byte now and then makes what waits no younger");
    KK_RUN(slow_but_in_time, "a reader that takes everything in time is never told");
    KK_RUN(later_bytes_have_marks, "later bytes are judged by their own age");
    KK_RUN(marks_are_bounded, "the marks never run out");
    KK_RUN(too_many_bytes, "too many bytes in the ring are told");
    KK_RUN(bytes_behind_the_ring, "what found the ring full counts too");
    KK_RUN(held_back_by_a_resend, "what a resend holds back does not count");
    KK_RUN(broken_while_blocked, "a blocked socket that breaks is told once and left alone");
    KK_RUN(several_blocked, "each blocked connection is judged for itself");
    return KK_REPORT();
}
