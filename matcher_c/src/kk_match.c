#include "kk_match.h"

#include "kk_assert.h"
#include "kk_books.h"

uint32_t kk_match_candidate(const kk_books *books, const kk_taker *taker) {
    kk_assert(taker->leaves_lots > 0);
    uint32_t other = kk_side_of(taker->instrument, taker->side) ^ 1;
    uint32_t best = books->levels.sides[other].best;
    if (best == KK_NONE) {
        return KK_NONE;
    }
    const kk_level *level = &books->levels.levels[best];
    bool crosses = taker->market || level->key <= kk_level_key(other, taker->limit_ticks);
    return crosses ? level->head : KK_NONE;
}

void kk_match_fill(kk_books *books, kk_taker *taker, uint32_t maker, kk_fill *fill) {
    kk_order *order = &books->orders[maker];
    kk_assert(order->level != KK_NONE && order->prev == KK_NONE);
    kk_assert(order->instrument == taker->instrument && order->side != taker->side);
    bool whole = order->leaves_lots <= taker->leaves_lots;
    fill->maker = maker;
    fill->lots = whole ? order->leaves_lots : taker->leaves_lots;
    fill->price_ticks = order->price_ticks;
    taker->leaves_lots -= fill->lots;
    if (whole) {
        if (order->next != KK_NONE) {
            __builtin_prefetch(&books->orders[order->next], 1);
        }
        kk_book_remove(books, maker);
        order->leaves_lots = 0;
    } else {
        kk_book_reduce(books, maker, fill->lots);
    }
}
