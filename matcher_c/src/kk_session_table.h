/*
 * The session table: the one place of both sequence numbers, the epoch and the times of life.
 */
#ifndef KK_SESSION_TABLE_H
#define KK_SESSION_TABLE_H

#include "kk_mass_status.h"
#include "kk_ring.h"
#include "kk_throttle.h"

#define KK_HEADER_TEMPLATE_MAX 160

#define KK_RING_DIRTY 1u  /* the ring got bytes that are not marked */
#define KK_RING_MARKED 2u /* the ring has marked bytes that are not released */
#define KK_RING_READY 4u  /* the ring has released bytes that nobody was told of */

typedef struct kk_session {
    /* what the gate reads for each frame */
    uint64_t next_in;
    uint64_t next_out;
    int64_t last_in_ns;
    int64_t last_out_ns;
    uint32_t epoch;
    uint32_t firm;
    uint8_t established;
    uint8_t plain; /* established and nothing unusual pending */
    uint8_t role;
    uint8_t dialect;
    uint8_t enabled;
    uint8_t configured;
    uint8_t their_comp_id_length;
    uint8_t our_comp_id_length;
    uint32_t open_orders;
    uint32_t ring;         /* index of the attached ring, or KK_NONE */
    kk_throttle *throttle; /* NULL: it may send as fast as it likes */
    /* what a frame of the counterparty must carry: "49=..|56=.." pieces, without tags */
    char their_comp_id[KK_COMP_ID_MAX];
    char our_comp_id[KK_COMP_ID_MAX];
    /* "<SOH>49=<ours><SOH>56=<theirs><SOH>34=", sent after 35=x */
    uint8_t header_template[KK_HEADER_TEMPLATE_MAX];
    uint16_t header_template_length;
    uint8_t precision;            /* kk_precision */
    uint8_t tells_last_processed; /* 369 behind the number */
    uint8_t ring_marks;           /* KK_RING_DIRTY, KK_RING_MARKED, KK_RING_READY */
    uint32_t default_account;     /* or KK_NONE */
    uint64_t *account_bits;       /* one bit for each account it may use */
    kk_limits limits;
    int64_t heartbeat_ns;
    int64_t silence_ns;
    uint32_t orders_kept;    /* of the open ones, by their own word, on a disconnect */
    uint32_t orders_pulled;  /* the same */
    uint64_t pull_below;     /* orders with a lower OrderID(37) are being pulled; 0: none is */
    uint64_t pull_end;       /* where the walk has seen all of them */
    uint64_t pull_all_below; /* of these all orders with a lower OrderID(37) go, for this reason */
    uint8_t pull_all_reason;
    uint8_t cancel_on_disconnect;
    kk_mass_status mass;
} kk_session;

/* Whether a reason is one for which all orders of a session go. */
static inline bool kk_is_pull_all_reason(unsigned reason) {
    return reason == KK_REASON_SESSION_REMOVED || reason == KK_REASON_SESSION_DISABLED;
}

_Static_assert(offsetof(kk_session, their_comp_id) == 64, "the gate's fields share a cache line");

#endif
