/*
 * Send rings: the bytes that wait for a session's socket.
 *
 *   0 .. sent ........ released ........ written ...... capacity
 *         |  may leave   | not yet safe |
 *
 * Linear and compacted when its end is reached, so what may leave is always contiguous.
 * A ring that runs full stops following (cursor != 0) until it has been fed from the journal.
 */
#ifndef KK_RING_H
#define KK_RING_H

#include "kk_core.h"

typedef struct kk_ring {
    uint8_t *bytes;
    uint32_t capacity;
    uint32_t sent;
    uint32_t released;
    uint32_t written;
    uint64_t cursor; /* first number that is not in the ring; 0: the ring follows */
} kk_ring;

/* Empties the ring; it follows. */
void kk_ring_clear(kk_ring *ring);
/* Appends; false when it does not fit, then nothing changed. */
bool kk_ring_write(kk_ring *ring, const uint8_t *bytes, size_t length);
size_t kk_ring_releasable(const kk_ring *ring);

#endif
