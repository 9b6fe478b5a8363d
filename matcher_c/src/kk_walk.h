/*
 * The walk: round and round over the order slots, for every session that wants something of its
 * orders.
 *
 *     at        lap << 32 | next slot; a lap ends at the last slot that was ever used
 *     join      where a session that joins now will have been once round: the same slot, a lap on
 *
 * One walk serves all sessions, so a thousand that lost their connections at once cost no more
 * than one.  It goes in slices between other inputs; when nobody is left it stands at the first
 * slot again.
 */
#ifndef KK_WALK_H
#define KK_WALK_H

#include <stdint.h>

#define KK_WALK_LAP (UINT64_C(1) << 32)

typedef struct kk_walk {
    uint64_t at;
    uint64_t nearest_end; /* no session has been once round before; UINT64_MAX: nobody walks */
    uint32_t walkers;     /* what sessions wait for, counted */
} kk_walk;

/* One more walks; returns where it ends. */
static inline uint64_t kk_walk_join(kk_walk *walk) {
    const uint64_t end = walk->at + KK_WALK_LAP;

    walk->nearest_end = end < walk->nearest_end ? end : walk->nearest_end;
    walk->walkers++;
    return end;
}

/* One has what it wanted. */
static inline void kk_walk_leave(kk_walk *walk) {
    walk->walkers--;
    if (walk->walkers == 0) {
        *walk = (kk_walk){.nearest_end = UINT64_MAX};
    }
}

#endif
