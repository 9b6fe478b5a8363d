/*
 * Send rings: the bytes that wait for a session's socket.
 *
 *   0 .. sent ........ released ........ marked ......... written ...... capacity
 *         |  may leave   | being made safe |  not yet safe   |
 *
 * Linear and compacted when its end is reached, so what may leave is always contiguous.
 * A ring that runs full stops following (cursor != 0) until it has been fed from the journal.
 * What is made for the session meanwhile waits behind it: in the journal, and counted here.
 */
#ifndef KK_RING_H
#define KK_RING_H

#include "kk_core.h"

typedef struct kk_ring {
    uint8_t *bytes;
    uint32_t capacity;
    uint32_t sent;
    uint32_t released;
    uint32_t marked; /* may leave at the next release */
    uint32_t written;
    uint64_t cursor; /* first number that is not in the ring; 0: the ring follows */
    uint64_t behind; /* bytes that found it full and were not fed yet */
    bool overrun;    /* it stopped following because it ran full */
    bool held;       /* a range that was asked for comes first: what is made now is not counted */
} kk_ring;

/* Empties the ring; it follows. */
void kk_ring_clear(kk_ring *ring);
/* Nothing waits behind the ring any more: it follows. */
void kk_ring_caught_up(kk_ring *ring);
/* Appends; false when it does not fit, then nothing changed. */
bool kk_ring_write(kk_ring *ring, const uint8_t *bytes, size_t length);
size_t kk_ring_releasable(const kk_ring *ring);

#endif
