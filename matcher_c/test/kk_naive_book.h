/*
 * The naive book: each side one array in priority order, searched and shifted.
 *
 * Slow and plain, so that it can be trusted; the oracle of the real book.
 */
#ifndef KK_NAIVE_BOOK_H
#define KK_NAIVE_BOOK_H

#include <stdbool.h>
#include <string.h>

#include "kk_assert.h"
#include "kk_match.h"

#define KK_NAIVE_MAX 4096

typedef struct kk_naive_order {
    int64_t price_ticks;
    int64_t lots;
    uint32_t slot;
    uint32_t expire_day;
} kk_naive_order;

typedef struct kk_naive_side {
    kk_naive_order orders[KK_NAIVE_MAX];
    uint32_t count;
} kk_naive_side;

/* [0] bids, [1] asks. */
typedef struct kk_naive_book {
    kk_naive_side sides[2];
} kk_naive_book;

static inline kk_naive_side *kk_naive_side_of(kk_naive_book *book, uint8_t side) {
    return &book->sides[side == '2'];
}

/* Whether `price` on `side` comes before `other` there. */
static inline bool kk_naive_better(uint8_t side, int64_t price, int64_t other) {
    return side == '1' ? price > other : price < other;
}

static inline void kk_naive_insert(kk_naive_book *book, uint8_t side, kk_naive_order order) {
    kk_naive_side *own = kk_naive_side_of(book, side);
    uint32_t at = own->count;
    kk_assert(at < KK_NAIVE_MAX);
    while (at > 0 && kk_naive_better(side, order.price_ticks, own->orders[at - 1].price_ticks)) {
        own->orders[at] = own->orders[at - 1];
        at--;
    }
    own->orders[at] = order;
    own->count++;
}

static inline void kk_naive_remove_at(kk_naive_side *side, uint32_t at) {
    side->count--;
    memmove(&side->orders[at], &side->orders[at + 1], (side->count - at) * sizeof(side->orders[0]));
}

/* The place of an order on its side. */
static inline uint32_t kk_naive_find(const kk_naive_side *side, uint32_t slot) {
    uint32_t at = 0;
    while (side->orders[at].slot != slot) {
        at++;
        kk_assert(at < side->count);
    }
    return at;
}

static inline bool kk_naive_crosses(const kk_taker *taker, const kk_naive_order *maker) {
    return taker->market || !kk_naive_better(taker->side, maker->price_ticks, taker->limit_ticks) ||
           maker->price_ticks == taker->limit_ticks;
}

/* The next fill of a taker; false when nothing crosses. */
static inline bool kk_naive_fill(kk_naive_book *book, kk_taker *taker, kk_fill *fill) {
    kk_naive_side *other = kk_naive_side_of(book, taker->side == '1' ? '2' : '1');
    if (taker->leaves_lots == 0 || other->count == 0 ||
        !kk_naive_crosses(taker, &other->orders[0])) {
        return false;
    }
    kk_naive_order *maker = &other->orders[0];
    fill->maker = maker->slot;
    fill->price_ticks = maker->price_ticks;
    fill->lots = maker->lots < taker->leaves_lots ? maker->lots : taker->leaves_lots;
    taker->leaves_lots -= fill->lots;
    maker->lots -= fill->lots;
    if (maker->lots == 0) {
        kk_naive_remove_at(other, 0);
    }
    return true;
}

/* What kk_book_can_fill is to answer. */
static inline bool kk_naive_can_fill(kk_naive_book *book, const kk_taker *taker,
                                     uint32_t trading_day) {
    const kk_naive_side *other = kk_naive_side_of(book, taker->side == '1' ? '2' : '1');
    kk_i128 found = 0;
    for (uint32_t i = 0; i < other->count && kk_naive_crosses(taker, &other->orders[i]); i++) {
        found += other->orders[i].expire_day >= trading_day ? other->orders[i].lots : 0;
    }
    return found >= taker->leaves_lots;
}

#endif
