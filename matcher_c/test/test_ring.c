/* The send ring: bytes leave in order, what may leave is one piece, full means unchanged. */
#include "kk_ring.h"

#include <string.h>

#include "kk_test.h"

#define CAPACITY 64u

static uint8_t memory[CAPACITY];

static kk_ring fresh(void) {
    kk_ring ring = {.bytes = memory, .capacity = CAPACITY};
    kk_ring_clear(&ring);
    return ring;
}

static void released_only(void) {
    kk_ring ring = fresh();
    KK_CHECK(kk_ring_write(&ring, (const uint8_t *)"abc", 3));
    KK_CHECK(kk_ring_releasable(&ring) == 0);
    ring.marked = ring.written;
    KK_CHECK(kk_ring_write(&ring, (const uint8_t *)"def", 3));
    KK_CHECK(kk_ring_releasable(&ring) == 0);
    ring.released = ring.marked;
    KK_CHECK(kk_ring_releasable(&ring) == 3);
    KK_CHECK(memcmp(ring.bytes + ring.sent, "abc", 3) == 0);
}

static void full(void) {
    kk_ring ring = fresh();
    uint8_t bytes[CAPACITY + 1] = {1, 2, 3};
    KK_CHECK(!kk_ring_write(&ring, bytes, CAPACITY + 1));
    KK_CHECK(kk_ring_write(&ring, bytes, CAPACITY));
    KK_CHECK(!kk_ring_write(&ring, bytes, 1));
    KK_CHECK(kk_ring_write(&ring, bytes, 0));
    KK_CHECK(ring.written == CAPACITY);
    ring.marked = CAPACITY;
    ring.released = CAPACITY - 5;
    ring.sent = 10;
    KK_CHECK(!kk_ring_write(&ring, bytes, 11));
    KK_CHECK(kk_ring_write(&ring, bytes, 10));
    KK_CHECK(ring.sent == 0 && kk_ring_releasable(&ring) == CAPACITY - 15);
    KK_CHECK(ring.marked == CAPACITY - 10 && ring.written == CAPACITY);
}

static void clear_follows(void) {
    kk_ring ring = fresh();
    ring.cursor = 9;
    KK_CHECK(kk_ring_write(&ring, (const uint8_t *)"abc", 3));
    kk_ring_clear(&ring);
    KK_CHECK(ring.cursor == 0 && ring.written == 0 && kk_ring_releasable(&ring) == 0);
}

static void any_stream(void) {
    kk_ring ring = fresh();
    uint64_t seed = 3;
    uint8_t in = 0;
    uint8_t out = 0;
    for (int round = 0; round < 200000; round++) {
        uint8_t bytes[40];
        size_t length = kk_random(&seed) % sizeof(bytes);
        for (size_t i = 0; i < length; i++) {
            bytes[i] = (uint8_t)(in + i);
        }
        uint32_t held = ring.written - ring.sent;
        bool fits = held + length <= CAPACITY;
        KK_CHECK(kk_ring_write(&ring, bytes, length) == fits);
        in = (uint8_t)(in + (fits ? length : 0));
        KK_CHECK(ring.written - ring.sent == held + (fits ? length : 0));
        if (kk_random(&seed) % 2 == 0) {
            ring.released = ring.marked;
        }
        if (kk_random(&seed) % 2 == 0) {
            ring.marked = ring.written;
        }
        size_t leaving = kk_random(&seed) % (kk_ring_releasable(&ring) + 1);
        for (size_t i = 0; i < leaving; i++) {
            KK_CHECK(ring.bytes[ring.sent++] == out++);
        }
    }
}

int main(void) {
    KK_RUN(released_only, "bytes may leave only once they are released");
    KK_RUN(full, "what does not fit changes nothing; sent bytes make room");
    KK_RUN(clear_follows, "a cleared ring is empty and follows");
    KK_RUN(any_stream, "any mix of writes and sends keeps the stream");
    return KK_REPORT();
}
