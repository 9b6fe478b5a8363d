/*
 * The throttle of one session: how many of its messages are admitted within a second.
 *
 *     window      counts                                          against
 *     orders      D and G                                         orders_per_second
 *     messages    every message of the application but F          messages_per_second
 *     cancels     F                                               messages_per_second
 *
 * A D or G needs room in two windows.  Cancels have one of their own, so that orders never keep
 * anybody from cancelling.  Administrative messages are not counted at all.
 *
 * A window adds up the bucket of now and the 64 before it, each a 64th of a second: at least the
 * last second, at most a 64th more.  So no second anywhere holds more than the limit, and nothing
 * is refused that a second and a 64th would allow.
 *
 * Only what is admitted counts, whatever becomes of it later.  The windows outlive connections.
 */
#ifndef KK_THROTTLE_H
#define KK_THROTTLE_H

#include "kk_core.h"

#define KK_WINDOW_BUCKETS 65u
#define KK_BUCKET_NS INT64_C(15625000)

_Static_assert((KK_WINDOW_BUCKETS - 1u) * KK_BUCKET_NS == INT64_C(1000000000), "one second");

typedef struct kk_window {
    int64_t newest;                     /* the bucket of the last message, since 1970 */
    uint32_t sum;                       /* of the counts */
    uint32_t counts[KK_WINDOW_BUCKETS]; /* bucket n in place n % KK_WINDOW_BUCKETS */
} kk_window;

typedef struct kk_throttle {
    kk_throttle_limits limits;
    uint32_t refused_in_row; /* since the last message that was admitted, or the logon */
    kk_window orders;
    kk_window messages;
    kk_window cancels;
} kk_throttle;

/* The limit that refused a message, and how many it would have made. */
typedef struct kk_excess {
    uint32_t limit;
    uint64_t value;
} kk_excess;

/*
 * Admits and counts a message of this MsgType(35), or counts a refusal: false, and *excess.
 * Time never goes back.
 */
bool kk_throttle_take(kk_throttle *throttle, uint8_t msg_type, int64_t now_ns, kk_excess *excess);

/* Whether the session is to be logged out: logout_after refusals in a row. */
bool kk_throttle_is_breached(const kk_throttle *throttle);

/* Whether such a message would be refused and be the refusal that logs the session out. */
bool kk_throttle_breaks(const kk_throttle *throttle, uint8_t msg_type, int64_t now_ns);

#endif
