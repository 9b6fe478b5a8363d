/*
 * Price levels: found by price in one step, in price order as a list and as a tree.
 *
 *     sides   instrument x side:  best ---> worse ---> worse ...      root of the side's tree
 *     table   (side, key) -> level, open addressing
 *
 * A level's key is its price such that a smaller one is better: asks by price, bids by ~price.
 * Orders at a price that has a level touch the table and the level alone; list and tree change
 * only when a level appears or goes.  Memory follows the live levels, whatever their prices.
 */
#ifndef KK_LEVELS_H
#define KK_LEVELS_H

#include "kk_order.h"

typedef struct kk_level {
    kk_i128 total_lots; /* sum of the leaves; one order alone may have near 2^63 */
    int64_t key;
    uint32_t head; /* orders, first in time */
    uint32_t tail;
    uint32_t count;
    uint32_t side;   /* kk_side_of */
    uint32_t better; /* neighbours in the list, or KK_NONE */
    uint32_t worse;  /* also links the free levels */
    uint32_t left;   /* in the tree: better keys */
    uint32_t right;
    uint32_t height;
    uint32_t reserved;
} kk_level;

_Static_assert(sizeof(kk_level) == 64, "a level is one cache line");

typedef struct kk_level_side {
    uint32_t best; /* KK_NONE: the side is empty */
    uint32_t root;
} kk_level_side;

typedef struct kk_levels {
    kk_level *levels;
    kk_level_side *sides;
    uint32_t *table; /* level + 1; 0 is empty */
    uint32_t mask;
    uint32_t sides_count;
    uint32_t capacity;
    uint32_t live;
    uint32_t fresh; /* levels from here on were never used */
    uint32_t free;
} kk_levels;

/* False: no memory; then there is nothing to free. */
bool kk_levels_init(kk_levels *levels, uint32_t capacity, uint32_t instruments);
void kk_levels_free(kk_levels *levels);
size_t kk_levels_bytes(uint32_t capacity, uint32_t instruments);

/* The side of an instrument: Side(54) '1' is even, '2' odd; ^ 1 is the other side. */
static inline uint32_t kk_side_of(uint32_t instrument, uint8_t side) {
    return instrument * 2 + (side == '2' ? 1u : 0u);
}

/* The key of a price on a side, and back. */
static inline int64_t kk_level_key(uint32_t side, int64_t price_ticks) {
    return price_ticks ^ ((int64_t)(side & 1) - 1);
}

/* The level of this key, or KK_NONE. */
uint32_t kk_level_find(const kk_levels *levels, uint32_t side, int64_t key);
/* Adds a level without orders, which is not there yet; live < capacity. */
uint32_t kk_level_add(kk_levels *levels, uint32_t side, int64_t key);
/* Takes a level without orders out. */
void kk_level_remove(kk_levels *levels, uint32_t level);
/* Asserts that table, list and tree of a side agree (tests). */
void kk_levels_check(const kk_levels *levels, uint32_t side);

#endif
