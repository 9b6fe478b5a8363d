/* The pump's way in: sockets to frames, frames to the core, the unusual ones to Python. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "kk_pump_internal.h"

#define EPOLL_BATCH 512

/* Notes when the messages of one read arrived, to be timed when their reports have left. */
static void time_read(kk_pump *pump, int64_t started_ns, uint32_t messages) {
    if (messages > 0 && pump->timed_count < KK_PUMP_TIMED_MAX) {
        pump->timed[pump->timed_count].started_ns = started_ns;
        pump->timed[pump->timed_count].messages = messages;
        pump->timed_count++;
    }
}

/* Moves the unconsumed rest of the input to the start of its buffer. */
static void compact(kk_connection *connection) {
    const uint32_t rest = connection->input_used - connection->input_done;

    if (connection->input_done > 0 && rest > 0) {
        memmove(connection->input, connection->input + connection->input_done, rest);
    }
    connection->input_used = rest;
    connection->input_done = 0;
}

void kk_pump_fill_event(const kk_connection *connection, uint32_t slot, kk_pump_event_kind kind,
                        kk_pump_event *event) {
    memset(event, 0, sizeof *event);
    event->kind = kind;
    event->slot = slot;
    event->session = connection->session;
    event->error = connection->error;
    event->received_ns = connection->received_ns;
}

static bool hand_over_frame(kk_pump *pump, uint32_t slot, size_t length, kk_pump_event *event) {
    kk_connection *connection = &pump->connections[slot];

    connection->with_python = true;
    connection->handled_frame = (uint32_t)length;
    kk_pump_fill_event(connection, slot, KK_PUMP_FRAME, event);
    event->frame = connection->input + connection->input_done;
    event->frame_length = (uint32_t)length;
    return true;
}

static void defer(kk_pump *pump, uint32_t slot) {
    kk_connection *connection = &pump->connections[slot];

    if (!connection->deferred) {
        connection->deferred = true;
        pump->deferred[pump->deferred_count++] = slot;
    }
}

/* Whether the input starts as a frame does; a garbled stretch goes on until then. */
static bool starts_frame(const kk_connection *connection) {
    const uint32_t length = connection->input_used - connection->input_done;

    return length >= 5 && memcmp(connection->input + connection->input_done, "8=FIX", 5) == 0;
}

/* Counts garbled stretches, however they were cut into reads; true when there are too many. */
static bool count_garbled(kk_pump *pump, kk_connection *connection, const kk_consumed *consumed,
                          bool goes_on) {
    const uint32_t fresh = consumed->garbled - (goes_on && consumed->garbled > 0 ? 1u : 0u);

    pump->statistics.garbled += fresh;
    if (consumed->messages > 0) {
        connection->garbled_in_row = consumed->garbled_in_row;
    } else {
        connection->garbled_in_row += fresh;
    }
    if (consumed->used > 0) {
        connection->dropping = consumed->garbled_in_row > 0;
    }
    return connection->garbled_in_row > pump->limits.garbled_max;
}

/* Gives the connection's input to the core; true when there is something for Python. */
bool kk_pump_consume(kk_pump *pump, uint32_t slot, kk_pump_event *event) {
    kk_connection *connection = &pump->connections[slot];
    kk_consumed consumed = {0};

    const bool goes_on = connection->dropping && !starts_frame(connection);
    const kk_status status = ((kk_consume_function)pump->core.consume)(
        pump->core.engine, connection->session, connection->input + connection->input_done,
        connection->input_used - connection->input_done, connection->received_ns, &consumed);
    connection->input_done += (uint32_t)consumed.used;
    pump->statistics.messages += consumed.messages;
    time_read(pump, connection->started_ns, consumed.messages);
    if (count_garbled(pump, connection, &consumed, goes_on)) {
        connection->stopped = true;
        kk_pump_fill_event(connection, slot, KK_PUMP_GARBLED, event);
        return true;
    }
    if (status == KK_ESCALATE) {
        return hand_over_frame(pump, slot, consumed.frame_length, event);
    }
    if (status == KK_TOO_LONG) {
        connection->stopped = true;
        kk_pump_fill_event(connection, slot, KK_PUMP_TOO_LONG, event);
        return true;
    }
    kk_assert(status == KK_NEED_DATA || status == KK_OUT_FULL);
    compact(connection);
    if (status == KK_OUT_FULL) {
        defer(pump, slot);
    }
    return false;
}

bool kk_pump_fail(kk_pump *pump, uint32_t slot, int error, kk_pump_event *event) {
    kk_connection *connection = &pump->connections[slot];

    connection->failed = true;
    connection->error = error;
    kk_pump_update_interest(pump, slot);
    kk_pump_fill_event(connection, slot, KK_PUMP_CLOSED, event);
    return true;
}

/* Reads a ready socket once; true when there is something for Python. */
static bool read_socket(kk_pump *pump, uint32_t slot, kk_pump_event *event) {
    kk_connection *connection = &pump->connections[slot];

    if (connection->stopped || connection->failed || connection->with_python ||
        connection->deferred) {
        return false;
    }
    if (connection->cipher.on) {
        kk_pump_fill_event(connection, slot, KK_PUMP_CIPHERTEXT, event);
        return true;
    }
    kk_assert(connection->input_used + KK_PUMP_READ_MAX <= KK_PUMP_INPUT_BYTES);
    const ssize_t length = recv(connection->fd, connection->input + connection->input_used,
                                KK_PUMP_READ_MAX, MSG_DONTWAIT);
    if (length < 0) {
        return errno == EAGAIN || errno == EINTR ? false : kk_pump_fail(pump, slot, errno, event);
    }
    if (length == 0) {
        return kk_pump_fail(pump, slot, 0, event);
    }
    connection->received_ns = kk_pump_now(pump);
    connection->started_ns = kk_pump_monotonic_ns();
    connection->input_used += (uint32_t)length;
    pump->statistics.reads++;
    pump->statistics.bytes_in += (uint64_t)length;
    return kk_pump_consume(pump, slot, event);
}

/* epoll says of a broken socket for ever: a connection that is no longer read must not wait on. */
static bool broke_unread(kk_pump *pump, uint32_t slot, kk_pump_event *event) {
    const kk_connection *connection = &pump->connections[slot];
    int error = 0;
    socklen_t size = sizeof error;

    if (!connection->stopped || connection->failed) {
        return false;
    }
    (void)getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return kk_pump_fail(pump, slot, error, event);
}

/* Takes up the input that the last pass left. */
static uint32_t read_deferred(kk_pump *pump, kk_pump_event *events, uint32_t limit) {
    uint32_t count = 0;
    uint32_t waiting = pump->deferred_count;

    for (; waiting > 0 && count < limit; waiting--) {
        const uint32_t slot = pump->deferred[0];
        pump->deferred_count--;
        memmove(pump->deferred, pump->deferred + 1, pump->deferred_count * sizeof(uint32_t));
        pump->connections[slot].deferred = false;
        if (pump->connections[slot].stopped || pump->connections[slot].failed) {
            continue;
        }
        pump->connections[slot].received_ns = kk_pump_now(pump);
        if (kk_pump_consume(pump, slot, &events[count])) {
            count++;
        }
        kk_pump_update_interest(pump, slot);
    }
    return count;
}

uint32_t kk_pump_read(kk_pump *pump, kk_pump_event *events, uint32_t limit) {
    struct epoll_event ready[EPOLL_BATCH];
    const uint32_t half = limit / 2u;

    kk_assert(limit >= 2);
    pump->statistics.passes++;
    if (kk_pump_backed_up(pump)) {
        kk_journal_writer_heard(pump->swap.writer);
        return 0;
    }
    uint32_t count = read_deferred(pump, events, half);
    const int wanted = (int)(limit - count < EPOLL_BATCH ? limit - count : EPOLL_BATCH);
    const int found = epoll_wait(pump->epoll_fd, ready, wanted, 0);
    for (int i = 0; i < found; i++) {
        const uint32_t slot = ready[i].data.u32;
        if (slot == KK_PUMP_JOURNAL_READY) {
            kk_journal_writer_heard(pump->swap.writer);
            continue;
        }
        if (ready[i].events & EPOLLOUT) {
            kk_pump_send(pump, slot);
        }
        if (!(ready[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))) {
            continue;
        }
        const size_t room = ((kk_ring_size_function)pump->core.ring_free)(
            pump->core.engine, pump->connections[slot].session);
        if (room < KK_PUMP_RING_LOW && !(ready[i].events & (EPOLLERR | EPOLLHUP))) {
            kk_pump_update_interest(pump, slot);
            continue;
        }
        const bool broken = (ready[i].events & (EPOLLERR | EPOLLHUP)) != 0;
        if ((broken && broke_unread(pump, slot, &events[count])) ||
            read_socket(pump, slot, &events[count])) {
            count++;
        }
        const size_t used = ((kk_journal_used_function)pump->core.journal_used)(pump->core.engine);
        if (used - pump->flushed >= KK_PUMP_FLUSH_BYTES &&
            (kk_pump_flush(pump) != KK_PUMP_DONE || kk_pump_backed_up(pump))) {
            break;
        }
    }
    return count;
}

bool kk_pump_handled(kk_pump *pump, uint32_t slot, kk_pump_event *event) {
    kk_connection *connection = &pump->connections[slot];

    kk_assert(slot < pump->capacity && connection->fd >= 0 && connection->with_python);
    connection->with_python = false;
    connection->input_done += connection->handled_frame;
    kk_assert(connection->input_done <= connection->input_used);
    connection->garbled_in_row = 0;
    connection->dropping = false;
    /* Python's inputs came later than the read, and time in the journal never goes back. */
    connection->received_ns = kk_pump_now(pump);
    const bool again =
        !connection->stopped && !connection->failed && kk_pump_consume(pump, slot, event);
    kk_pump_update_interest(pump, slot);
    return again;
}

void kk_pump_defer(kk_pump *pump, uint32_t slot, uint32_t frame_length) {
    kk_connection *connection = &pump->connections[slot];

    kk_assert(slot < pump->capacity && connection->with_python);
    kk_assert(connection->handled_frame == frame_length);
    connection->with_python = false;
    defer(pump, slot);
    kk_pump_update_interest(pump, slot);
}

bool kk_pump_pending(const kk_pump *pump) {
    return pump->deferred_count > 0 || pump->told_count > 0;
}
