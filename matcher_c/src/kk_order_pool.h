/*
 * Order slots and echo chunks: reserved at start, addressed by index.
 *
 * Slots are handed out in the order in which they were closed, so a closed order keeps its
 * details until every other free slot has been used: status requests on closed orders are
 * answered from them.
 *
 * A chunk takes what of an echo does not fit into the slot; there is one for every 16 slots.
 * When all are in use, the order closed longest ago gives up its chunk, and with it its echo.
 */
#ifndef KK_ORDER_POOL_H
#define KK_ORDER_POOL_H

#include "kk_order.h"

#define KK_SLOTS_PER_CHUNK 16u

typedef struct kk_order_pool {
    kk_order *orders;
    kk_order_detail *details;
    uint8_t *chunks;       /* KK_ECHO_CHUNK bytes each */
    uint32_t *chunk_next;  /* in the list of free chunks, or of those of closed orders */
    uint32_t *chunk_owner; /* slot */
    uint32_t capacity;
    uint32_t chunk_capacity;
    uint32_t live;
    uint32_t fresh;       /* slots from here on were never used */
    uint32_t closed_head; /* closed longest ago: the next to be reused once none is fresh */
    uint32_t closed_tail;
    uint32_t ahead;    /* closed slot whose memory was fetched last, or KK_NONE */
    uint32_t ahead_by; /* its place in the closed list, 1 is the head */
    uint32_t chunk_fresh;
    uint32_t chunk_free;
    uint32_t closed_chunk_head; /* chunks of closed orders, in the sequence of the closed list */
    uint32_t closed_chunk_tail;
} kk_order_pool;

/* False: no memory; then there is nothing to free. */
bool kk_order_pool_init(kk_order_pool *pool, uint32_t capacity);
void kk_order_pool_free(kk_order_pool *pool);
/* Backs everything with real pages now. */
void kk_order_pool_touch(kk_order_pool *pool);
/* All memory of a pool of this capacity. */
size_t kk_order_pool_bytes(uint32_t capacity);

/* A slot for a new order, or KK_NONE.  The slot it reuses loses its details and chunk. */
uint32_t kk_order_pool_take(kk_order_pool *pool);
/* The slot that the next take would give, for prefetching; or KK_NONE. */
uint32_t kk_order_pool_peek(const kk_order_pool *pool);
/* The order in `slot` has closed; its details stay readable until the slot is reused. */
void kk_order_pool_close(kk_order_pool *pool, uint32_t slot);

/*
 * Stores the echo of an order: the header part, then the body runs of `command`.  Replaces what
 * was there.  False when no chunk is left; then nothing changed.
 * A Text(58) is the last run; echo_text_bytes tells its length, so that a report can leave it out.
 */
bool kk_order_pool_store_echo(kk_order_pool *pool, uint32_t slot, const kk_command *command);
/* The same for an echo as it was stored: the header part, then the body, which ends in its text. */
bool kk_order_pool_put_echo(kk_order_pool *pool, uint32_t slot, const uint8_t *echo,
                            uint8_t header_bytes, uint16_t echo_bytes, uint16_t text_bytes);
/* Copies the body echo to `out` (room for KK_ECHO_MAX); returns its length. */
size_t kk_order_pool_copy_echo(const kk_order_pool *pool, uint32_t slot, uint8_t *out);

#endif
