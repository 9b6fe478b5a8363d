#include "pump_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kk_pump_internal.h"

#define CORE(name) ((kk_pump_function)kk_##name)

static void make_pump(rig *r, uint32_t connections, uint32_t garbled_max, int64_t blocked_max_ns,
                      const kk_files *files) {
    const kk_pump_core core = {.engine = r->venue.engine,
                               .consume = CORE(consume),
                               .journal_used = CORE(journal_used),
                               .journal_take = CORE(journal_take),
                               .journal_bind = CORE(journal_bind),
                               .next_lsn = CORE(next_lsn),
                               .rings_release = CORE(rings_release),
                               .rings_mark = CORE(rings_mark),
                               .rings_release_marked = CORE(rings_release_marked),
                               .rings_ready = CORE(rings_ready),
                               .ring_peek = CORE(ring_peek),
                               .ring_sent = CORE(ring_sent),
                               .ring_pending = CORE(ring_pending),
                               .ring_free = CORE(ring_free),
                               .ring_cursor = CORE(ring_cursor),
                               .ring_behind = CORE(ring_behind),
                               .journal = r->venue.journal,
                               .sessions = VENUE_SESSIONS};

    const kk_pump_limits limits = {.garbled_max = garbled_max,
                                   .blocked_max_ns = blocked_max_ns,
                                   .waiting_max_bytes = UINT64_MAX};
    r->pump = kk_pump_new(&core, connections, &limits, files);
    kk_assert(r->pump != NULL);
    kk_pump_clock(r->pump, VENUE_NOW_NS - kk_pump_monotonic_ns(), VENUE_NOW_NS);
}

static void prepare(rig *r) {
    kk_capacity capacity = venue_capacity();

    capacity.orders = 1u << 16;
    capacity.duplicate_window = 1u << 16;
    capacity.ring_bytes = 512u << 10;
    venue_open(&r->venue, &capacity);
    r->journal_fd = memfd_create("journal", MFD_CLOEXEC);
    r->bytes = malloc(RIG_BYTES);
    r->orders = 0;
    r->event_count = 0;
    kk_assert(r->journal_fd >= 0 && r->bytes != NULL);
    for (uint32_t i = 0; i < VENUE_SESSIONS; i++) {
        r->peers[i] = -1;
        r->slots[i] = KK_PUMP_NO_SLOT;
    }
}

void rig_open(rig *r, uint32_t connections, uint32_t garbled_max, int64_t blocked_max_ns) {
    prepare(r);
    scripted_disk_open(&r->disk);
    make_pump(r, connections, garbled_max, blocked_max_ns, kk_files_system());
    kk_pump_segment(r->pump, r->journal_fd, 0, RIG_SEGMENT_BYTES, RIG_SEED);
}

void rig_open_durable(rig *r, uint32_t connections, uint64_t segment_bytes, int64_t idle_ns) {
    prepare(r);
    scripted_disk_open(&r->disk);
    make_pump(r, connections, 2, INT64_C(1000000000000), &r->disk.files);
    kk_journal_take(r->venue.engine);
    kk_assert(kk_pump_durable(r->pump, SCRIPTED_DIRECTORY, idle_ns));
    kk_pump_segment(r->pump, r->journal_fd, 0, segment_bytes, RIG_SEED);
}

kk_pump_flushed rig_settle(rig *r) {
    kk_pump_wait(r->pump);
    return kk_pump_flush(r->pump);
}

void rig_close(rig *r) {
    kk_pump_free(r->pump);
    venue_close(&r->venue);
    scripted_disk_close(&r->disk);
    close(r->journal_fd);
    free(r->bytes);
    for (uint32_t i = 0; i < VENUE_SESSIONS; i++) {
        if (r->peers[i] >= 0) {
            close(r->peers[i]);
        }
    }
}

void rig_connect(rig *r, uint32_t session, const uint8_t *input, size_t length) {
    int ends[2];

    kk_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    kk_assert(kk_ring_attach(r->venue.engine, session) == KK_OK);
    r->peers[session] = ends[0];
    r->slots[session] = kk_pump_add(r->pump, ends[1], session, input, length);
    kk_assert(r->slots[session] != KK_PUMP_NO_SLOT);
}

void rig_disconnect(rig *r, uint32_t session) {
    kk_pump_remove(r->pump, r->slots[session]);
    kk_ring_detach(r->venue.engine, session);
    r->slots[session] = KK_PUMP_NO_SLOT;
    close(r->peers[session]);
    r->peers[session] = -1;
}

void rig_send(const rig *r, uint32_t session, const void *bytes, size_t length) {
    const ssize_t sent = send(r->peers[session], bytes, length, MSG_NOSIGNAL);
    kk_assert(sent == (ssize_t)length);
}

size_t rig_order(rig *r, uint32_t session, unsigned side, unsigned price, uint8_t *out) {
    char body[256];

    (void)snprintf(body, sizeof body, RIG_ORDER, r->orders++, side, price);
    return venue_frame(&r->venue, session, body, out);
}

void rig_send_order(rig *r, uint32_t session, unsigned side, unsigned price) {
    uint8_t frame[512];

    rig_send(r, session, frame, rig_order(r, session, side, price, frame));
}

size_t rig_receive(rig *r, uint32_t session) {
    size_t length = 0;
    ssize_t more;

    while ((more = recv(r->peers[session], r->bytes + length, RIG_BYTES - length, MSG_DONTWAIT)) >
           0) {
        length += (size_t)more;
    }
    return length;
}

uint32_t rig_count(const rig *r, size_t length, char msg_type) {
    uint32_t count = 0;

    for (size_t at = 0; at + 6 <= length; at++) {
        const uint8_t *bytes = r->bytes + at;
        count += memcmp(bytes, "\00135=", 4) == 0 && bytes[4] == (uint8_t)msg_type;
    }
    return count;
}

uint32_t rig_read(rig *r) {
    r->event_count = kk_pump_read(r->pump, r->events, RIG_EVENTS);
    return r->event_count;
}

kk_pump_flushed rig_pass(rig *r) {
    kk_assert(rig_read(r) == 0);
    return kk_pump_flush(r->pump);
}

uint32_t rig_events(rig *r) {
    r->event_count = kk_pump_events(r->pump, r->events, RIG_EVENTS);
    return r->event_count;
}
