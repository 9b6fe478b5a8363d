/* The pump's way out: records to the journal first, then bytes to the sockets. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kk_pump_internal.h"

void kk_pump_segment(kk_pump *pump, int fd, uint64_t offset, uint64_t end, uint32_t seed) {
    kk_assert(fd >= 0 && offset <= end);
    pump->segment_fd = fd;
    pump->segment_offset = offset;
    pump->segment_end = end;
    pump->segment_seed = seed;
    if (pump->swap.writer != NULL) {
        kk_journal_writer_segment(pump->swap.writer, fd, offset, end, seed);
    }
}

uint64_t kk_pump_segment_offset(const kk_pump *pump) { return pump->segment_offset; }

uint64_t kk_pump_room_needed(const kk_pump *pump) { return pump->room_needed; }

uint64_t kk_pump_lsn_at(const uint8_t *bytes) {
    uint64_t lsn;
    memcpy(&lsn, bytes + offsetof(kk_record, lsn), sizeof lsn);
    return lsn;
}

uint64_t kk_pump_waiting_lsn(const kk_pump *pump) { return pump->waiting_lsn; }

int kk_pump_error(const kk_pump *pump) { return pump->error; }

uint32_t kk_pump_failed_action(const kk_pump *pump) { return pump->action; }

/* Writes all of `bytes` at the segment's offset; false with pump->error when it fails. */
static bool write_records(kk_pump *pump, const uint8_t *bytes, size_t length) {
    pump->error =
        kk_files_write_all(&pump->files, pump->segment_fd, bytes, length, pump->segment_offset);
    if (pump->error != 0) {
        pump->action = KK_JOURNAL_WRITE;
        return false;
    }
    pump->segment_offset += length;
    pump->statistics.journal_writes++;
    pump->statistics.journal_bytes += length;
    return true;
}

/* Writes what waits in the journal buffer, as far as the segment goes. */
static kk_pump_flushed write_journal(kk_pump *pump) {
    const size_t used = ((kk_journal_used_function)pump->core.journal_used)(pump->core.engine);

    if (pump->error != 0) {
        return KK_PUMP_ERROR;
    }
    while (pump->flushed < used) {
        uint8_t *bytes = pump->core.journal + pump->flushed;
        const size_t waiting = used - pump->flushed;
        const uint64_t room = pump->segment_end - pump->segment_offset;
        const size_t fits = kk_units_within(bytes, waiting, (size_t)room);
        if (fits == 0) {
            const size_t all = kk_units_within(bytes, waiting, waiting);
            kk_assert(all == waiting);
            pump->room_needed = waiting;
            pump->waiting_lsn = kk_pump_lsn_at(bytes);
            return KK_PUMP_ROLL;
        }
        kk_seal(bytes, fits, pump->segment_seed);
        if (!write_records(pump, bytes, fits)) {
            return KK_PUMP_ERROR;
        }
        pump->flushed += fits;
    }
    ((kk_engine_function)pump->core.journal_take)(pump->core.engine);
    pump->flushed = 0;
    return KK_PUMP_DONE;
}

void kk_pump_send_failed(kk_pump *pump, uint32_t slot, int error) {
    pump->connections[slot].failed = true;
    pump->connections[slot].error = error;
    kk_pump_interest(pump, slot, 0);
    kk_pump_tell(pump, slot);
}

void kk_pump_send(kk_pump *pump, uint32_t slot) {
    kk_connection *connection = &pump->connections[slot];
    kk_engine *engine = pump->core.engine;

    if (connection->cipher.on) {
        kk_pump_cipher_go_on(pump, slot);
        return;
    }
    while (!connection->failed) {
        const uint8_t *bytes = NULL;
        const size_t length = kk_pump_look_at_queue(pump, slot, &bytes);
        if (length == 0) {
            kk_pump_unblock(pump, slot);
            break;
        }
        const ssize_t sent = send(connection->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && errno != EAGAIN) {
            kk_pump_send_failed(pump, slot, errno);
            return;
        }
        if (sent > 0) {
            ((kk_ring_sent_function)pump->core.ring_sent)(engine, connection->session,
                                                          (size_t)sent);
            pump->statistics.sends++;
            pump->statistics.bytes_out += (uint64_t)sent;
            connection->sent += (uint64_t)sent;
        }
        const size_t taken = sent > 0 ? (size_t)sent : 0;
        if (taken < length) {
            kk_pump_block(pump, slot, length - taken);
            break;
        }
    }
    if (!connection->failed) {
        kk_pump_update_interest(pump, slot);
        kk_pump_tell(pump, slot);
    }
}

/* A ring that stopped following and has drained by half wants to be fed. */
static bool wants_feeding(const kk_pump *pump, const kk_connection *connection) {
    kk_engine *engine = pump->core.engine;
    const uint32_t session = connection->session;

    if (((kk_ring_cursor_function)pump->core.ring_cursor)(engine, session) == 0) {
        return false;
    }
    return ((kk_ring_size_function)pump->core.ring_pending)(engine, session) <=
           ((kk_ring_size_function)pump->core.ring_free)(engine, session);
}

void kk_pump_tell(kk_pump *pump, uint32_t slot) {
    kk_connection *connection = &pump->connections[slot];

    if (connection->behind_told || (!connection->failed && !wants_feeding(pump, connection))) {
        return;
    }
    connection->behind_told = true;
    pump->told[pump->told_count++] = slot;
}

uint64_t kk_pump_latency_bound_ns(uint32_t bucket) {
    const uint32_t doubling = bucket / 4u;
    const uint64_t base = UINT64_C(1) << (doubling < 60u ? doubling : 60u);

    return base + (base * (bucket % 4u + 1u) + 3u) / 4u;
}

/* The first bucket whose bound is not below `latency_ns`. */
static uint32_t latency_bucket(uint64_t latency_ns) {
    uint32_t bucket = 0;

    if (latency_ns > 2) {
        bucket = (uint32_t)(63 - __builtin_clzll(latency_ns)) * 4u - 4u;
    }
    while (bucket < KK_PUMP_LATENCY_BUCKETS - 1u && kk_pump_latency_bound_ns(bucket) < latency_ns) {
        bucket++;
    }
    return bucket;
}

void kk_pump_count_latency(kk_pump *pump, uint32_t count) {
    const int64_t now_ns = count > 0 ? kk_pump_monotonic_ns() : 0;

    for (uint32_t i = 0; i < count; i++) {
        const int64_t elapsed_ns = now_ns - pump->timed[i].started_ns;
        const uint64_t latency_ns = elapsed_ns > 0 ? (uint64_t)elapsed_ns : 0;
        pump->statistics.latency[latency_bucket(latency_ns)] += pump->timed[i].messages;
        pump->statistics.latency_sum_ns += latency_ns * pump->timed[i].messages;
    }
    pump->timed_count -= count;
    memmove(pump->timed, pump->timed + count, pump->timed_count * sizeof pump->timed[0]);
}

void kk_pump_send_ready(kk_pump *pump) {
    const uint32_t count = ((kk_rings_ready_function)pump->core.rings_ready)(
        pump->core.engine, pump->ready, pump->core.sessions);

    for (uint32_t i = 0; i < count; i++) {
        const uint32_t slot = pump->slot_of_session[pump->ready[i]];
        if (slot == KK_PUMP_NO_SLOT || pump->connections[slot].failed) {
            continue;
        }
        if (pump->connections[slot].blocked) {
            kk_pump_still_blocked(pump, slot); /* EPOLLOUT says when it takes more */
        } else {
            kk_pump_send(pump, slot);
        }
    }
}

kk_pump_flushed kk_pump_flush(kk_pump *pump) {
    if (pump->swap.writer != NULL) {
        return kk_pump_flush_durable(pump);
    }
    const kk_pump_flushed written = write_journal(pump);
    if (written != KK_PUMP_DONE) {
        return written;
    }
    ((kk_engine_function)pump->core.rings_release)(pump->core.engine);
    kk_pump_send_ready(pump);
    kk_pump_count_latency(pump, pump->timed_count);
    return KK_PUMP_DONE;
}

static void fill_told(const kk_connection *connection, uint32_t slot, kk_pump_event *event) {
    memset(event, 0, sizeof *event);
    event->kind = connection->failed ? KK_PUMP_CLOSED : KK_PUMP_BEHIND;
    event->slot = slot;
    event->session = connection->session;
    event->error = connection->error;
}

uint32_t kk_pump_events(kk_pump *pump, kk_pump_event *events, uint32_t limit) {
    uint32_t count = 0;

    while (count < limit && pump->told_count > 0) {
        const uint32_t slot = pump->told[--pump->told_count];
        pump->connections[slot].behind_told = false;
        fill_told(&pump->connections[slot], slot, &events[count++]);
    }
    return count + kk_pump_slow(pump, events + count, limit - count);
}
