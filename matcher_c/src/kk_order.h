/*
 * The order slot, in two arrays of the same index so that matching touches one cache line:
 *
 *   kk_order         64 bytes    what the book and matching need
 *   kk_order_detail  320 bytes   what reports echo; a long echo continues in a chunk
 */
#ifndef KK_ORDER_H
#define KK_ORDER_H

#include "kk_core.h"
#include "kk_numbers.h"

typedef enum kk_order_status {
    KK_ORDER_FREE = 0,
    KK_ORDER_LIVE,     /* resting or in the act of matching */
    KK_ORDER_FILLED,   /* OrdStatus 2 */
    KK_ORDER_CANCELED, /* OrdStatus 4 */
    KK_ORDER_EXPIRED   /* OrdStatus C */
} kk_order_status;

#define KK_NEVER_EXPIRES UINT32_MAX

typedef struct kk_order {
    int64_t price_ticks;
    int64_t leaves_lots;
    uint64_t order_id;
    uint32_t next; /* in its level, or in the list of closed slots */
    uint32_t prev;
    uint32_t level; /* KK_NONE while it is not in the book */
    uint32_t instrument;
    uint32_t session;
    uint32_t account;
    uint32_t expire_day;  /* last trading day it lives on, or KK_NEVER_EXPIRES */
    uint32_t index_entry; /* its current ClOrdID in the order index */
    uint8_t side;         /* '1' or '2' */
    uint8_t ord_type;
    uint8_t time_in_force;
    uint8_t status;        /* kk_order_status */
    uint8_t on_disconnect; /* KK_KEEP_ON_DISCONNECT, KK_CANCEL_ON_DISCONNECT; 0: as its session */
    uint8_t asked_for;     /* a mass status reports on it */
    uint8_t reserved[2];
} kk_order;

#define KK_DETAIL_BYTES 320
#define KK_ECHO_INLINE (KK_DETAIL_BYTES - 42 - KK_CLORD_ID_MAX)
#define KK_ECHO_CHUNK 320

typedef struct kk_order_detail {
    uint64_t cum_notional_low; /* sum of price_e8 * lots, 128 bits in two halves */
    int64_t cum_notional_high;
    int64_t order_qty_lots;
    int64_t cum_lots;
    uint32_t echo_chunk;       /* where the echo goes on, or KK_NONE */
    uint16_t echo_bytes;       /* of the body, inline part first */
    uint16_t echo_text_bytes;  /* of them the last, "58=..|" of the order; 0: it had none */
    uint8_t header_echo_bytes; /* "50=..|57=..|" for the header, stored before the body echo */
    uint8_t clord_id_length;
    uint8_t clord_id[KK_CLORD_ID_MAX];
    uint8_t echo[KK_ECHO_INLINE];
} kk_order_detail;

_Static_assert(sizeof(kk_order) == 64, "an order is one cache line");
_Static_assert(sizeof(kk_order_detail) == KK_DETAIL_BYTES, "five cache lines");
_Static_assert(KK_ECHO_INLINE >= KK_HEADER_ECHO_MAX, "the header's echo is in one piece");
_Static_assert(KK_ECHO_INLINE + KK_ECHO_CHUNK >= KK_HEADER_ECHO_MAX + KK_ECHO_MAX,
               "the longest echo fits one chunk");

#endif
