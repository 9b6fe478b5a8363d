/*
 * Slow readers: how long, and how much, waits for a socket that takes no more.
 *
 * While a socket is blocked, marks say how far the stream went at which moment.  A mark goes once
 * everything up to it was sent, so the oldest one that is left is the age of the first waiting
 * byte: a reader that takes a byte now and then cannot make it younger.
 * The age is never too high, and too low by a sixteenth of the limit and one look at most.
 */
#include <string.h>

#include "kk_pump_internal.h"

static kk_mark *mark_at(kk_connection *connection, uint32_t place) {
    return &connection->marks[(connection->mark_first + place) % KK_PUMP_MARKS];
}

/* Drops the marks up to which everything was sent. */
static void drop_passed(kk_connection *connection) {
    while (connection->mark_count > 0 && mark_at(connection, 0)->end <= connection->sent) {
        connection->mark_first = (connection->mark_first + 1) % KK_PUMP_MARKS;
        connection->mark_count--;
    }
}

/* Notes that `waiting` bytes wait now, unless the last mark says nearly the same. */
static void mark(const kk_pump *pump, kk_connection *connection, size_t waiting, int64_t now_ns) {
    const uint64_t end = connection->sent + waiting;

    drop_passed(connection);
    if (connection->mark_count > 0) {
        const kk_mark *last = mark_at(connection, connection->mark_count - 1);
        const bool fresh = now_ns - last->since_ns < pump->limits.blocked_max_ns / KK_PUMP_MARKS;
        if (fresh || end <= last->end || connection->mark_count == KK_PUMP_MARKS) {
            return;
        }
    }
    *mark_at(connection, connection->mark_count++) = (kk_mark){.end = end, .since_ns = now_ns};
}

void kk_pump_block(kk_pump *pump, uint32_t slot, size_t waiting) {
    kk_connection *connection = &pump->connections[slot];

    kk_assert(waiting > 0);
    if (!connection->blocked) {
        connection->blocked = true;
        connection->blocked_place = pump->blocked_count;
        pump->blocked[pump->blocked_count++] = slot;
    }
    mark(pump, connection, waiting, kk_pump_monotonic_ns());
}

void kk_pump_unblock(kk_pump *pump, uint32_t slot) {
    kk_connection *connection = &pump->connections[slot];

    if (!connection->blocked) {
        return;
    }
    const uint32_t moved = pump->blocked[--pump->blocked_count];
    pump->blocked[connection->blocked_place] = moved;
    pump->connections[moved].blocked_place = connection->blocked_place;
    connection->blocked = false;
    connection->mark_count = 0;
}

size_t kk_pump_look_at_queue(kk_pump *pump, uint32_t slot, const uint8_t **bytes) {
    const size_t length = ((kk_ring_peek_function)pump->core.ring_peek)(
        pump->core.engine, pump->connections[slot].session, bytes);

    if (length > pump->statistics.queued_bytes_max) {
        pump->statistics.queued_bytes_max = length;
    }
    return length;
}

void kk_pump_still_blocked(kk_pump *pump, uint32_t slot) {
    const uint8_t *bytes = NULL;
    const size_t waiting = kk_pump_look_at_queue(pump, slot, &bytes);

    mark(pump, &pump->connections[slot], waiting, kk_pump_monotonic_ns());
    kk_pump_update_interest(pump, slot);
}

/* Which limit a blocked connection is above; fills in the event. */
static kk_pump_limit limit_passed(kk_pump *pump, uint32_t slot, int64_t now_ns,
                                  kk_pump_event *event) {
    kk_connection *connection = &pump->connections[slot];
    const uint8_t *bytes = NULL;
    const size_t in_ring = kk_pump_look_at_queue(pump, slot, &bytes);

    mark(pump, connection, in_ring, now_ns);
    memset(event, 0, sizeof *event);
    event->kind = KK_PUMP_SLOW;
    event->slot = slot;
    event->session = connection->session;
    event->waited_ns =
        connection->mark_count > 0 ? now_ns - mark_at(connection, 0)->since_ns : INT64_C(0);
    event->waiting_bytes = in_ring + ((kk_ring_cursor_function)pump->core.ring_behind)(
                                         pump->core.engine, connection->session);
    if (event->waited_ns > pump->limits.blocked_max_ns) {
        return KK_PUMP_LIMIT_SECONDS;
    }
    return event->waiting_bytes > pump->limits.waiting_max_bytes ? KK_PUMP_LIMIT_BYTES
                                                                 : KK_PUMP_NO_LIMIT;
}

uint32_t kk_pump_slow(kk_pump *pump, kk_pump_event *events, uint32_t limit) {
    const int64_t now_ns = pump->blocked_count > 0 ? kk_pump_monotonic_ns() : 0;
    uint32_t count = 0;

    for (uint32_t i = 0; i < pump->blocked_count && count < limit; i++) {
        const uint32_t slot = pump->blocked[i];
        if (!pump->connections[slot].failed) {
            const kk_pump_limit passed = limit_passed(pump, slot, now_ns, &events[count]);
            events[count].limit = passed;
            count += passed == KK_PUMP_NO_LIMIT ? 0u : 1u;
        }
    }
    return count;
}
