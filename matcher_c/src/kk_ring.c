#include "kk_ring.h"

#include <string.h>

#include "kk_assert.h"

static void check(const kk_ring *ring) {
    kk_assert(ring->sent <= ring->released && ring->released <= ring->marked);
    kk_assert(ring->marked <= ring->written);
    kk_assert(ring->written <= ring->capacity);
}

void kk_ring_clear(kk_ring *ring) {
    kk_assert(ring->bytes != NULL);
    ring->sent = 0;
    ring->released = 0;
    ring->marked = 0;
    ring->written = 0;
    kk_ring_caught_up(ring);
}

void kk_ring_caught_up(kk_ring *ring) {
    ring->cursor = 0;
    ring->behind = 0;
    ring->overrun = false;
    ring->held = false;
}

/* Moves what has not been sent to the start. */
static void compact(kk_ring *ring) {
    memmove(ring->bytes, ring->bytes + ring->sent, ring->written - ring->sent);
    ring->released -= ring->sent;
    ring->marked -= ring->sent;
    ring->written -= ring->sent;
    ring->sent = 0;
}

bool kk_ring_write(kk_ring *ring, const uint8_t *bytes, size_t length) {
    check(ring);
    if (length > ring->capacity - ring->written) {
        if (length > ring->capacity - (ring->written - ring->sent)) {
            return false;
        }
        compact(ring);
    }
    memcpy(ring->bytes + ring->written, bytes, length);
    ring->written += (uint32_t)length;
    check(ring);
    return true;
}

size_t kk_ring_releasable(const kk_ring *ring) {
    check(ring);
    return ring->released - ring->sent;
}
