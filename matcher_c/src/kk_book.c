#include "kk_book.h"

#include <stdlib.h>

#include "kk_assert.h"
#include "kk_books.h"

size_t kk_books_bytes(uint32_t levels, uint32_t instruments) {
    return sizeof(kk_books) + kk_levels_bytes(levels, instruments);
}

kk_books *kk_books_new(kk_order *orders, uint32_t levels, uint32_t instruments) {
    kk_assert(orders != NULL);
    kk_books *books = malloc(sizeof(*books));
    if (books == NULL) {
        return NULL;
    }
    books->orders = orders;
    if (!kk_levels_init(&books->levels, levels, instruments)) {
        free(books);
        return NULL;
    }
    return books;
}

void kk_books_free(kk_books *books) {
    if (books != NULL) {
        kk_levels_free(&books->levels);
        free(books);
    }
}

bool kk_book_has_room(const kk_books *books, uint32_t instrument, uint8_t side,
                      int64_t price_ticks) {
    uint32_t at = kk_side_of(instrument, side);
    return books->levels.live < books->levels.capacity ||
           kk_level_find(&books->levels, at, kk_level_key(at, price_ticks)) != KK_NONE;
}

void kk_book_insert(kk_books *books, uint32_t slot) {
    kk_order *order = &books->orders[slot];
    kk_assert(order->level == KK_NONE && order->leaves_lots > 0);
    uint32_t side = kk_side_of(order->instrument, order->side);
    int64_t key = kk_level_key(side, order->price_ticks);
    uint32_t at = kk_level_find(&books->levels, side, key);
    if (kk_unlikely(at == KK_NONE)) {
        at = kk_level_add(&books->levels, side, key);
    }
    kk_level *level = &books->levels.levels[at];
    order->level = at;
    order->next = KK_NONE;
    order->prev = level->tail;
    if (level->tail == KK_NONE) {
        level->head = slot;
    } else {
        books->orders[level->tail].next = slot;
    }
    level->tail = slot;
    level->count++;
    level->total_lots += order->leaves_lots;
}

void kk_book_remove(kk_books *books, uint32_t slot) {
    kk_order *order = &books->orders[slot];
    kk_assert(order->level != KK_NONE);
    kk_level *level = &books->levels.levels[order->level];
    if (order->prev == KK_NONE) {
        level->head = order->next;
    } else {
        books->orders[order->prev].next = order->next;
    }
    if (order->next == KK_NONE) {
        level->tail = order->prev;
    } else {
        books->orders[order->next].prev = order->prev;
    }
    level->count--;
    level->total_lots -= order->leaves_lots;
    if (kk_unlikely(level->count == 0)) {
        kk_level_remove(&books->levels, order->level);
    }
    order->level = KK_NONE;
}

void kk_book_reduce(kk_books *books, uint32_t slot, int64_t by_lots) {
    kk_order *order = &books->orders[slot];
    kk_assert(order->level != KK_NONE && by_lots > 0 && by_lots < order->leaves_lots);
    order->leaves_lots -= by_lots;
    books->levels.levels[order->level].total_lots -= by_lots;
}

uint32_t kk_book_first(const kk_books *books, uint32_t instrument, uint8_t side) {
    uint32_t best = books->levels.sides[kk_side_of(instrument, side)].best;
    return best == KK_NONE ? KK_NONE : books->levels.levels[best].head;
}

uint32_t kk_book_after(const kk_books *books, uint32_t slot) {
    const kk_order *order = &books->orders[slot];
    kk_assert(order->level != KK_NONE);
    if (order->next != KK_NONE) {
        return order->next;
    }
    uint32_t worse = books->levels.levels[order->level].worse;
    return worse == KK_NONE ? KK_NONE : books->levels.levels[worse].head;
}

/* Whether the levels up to `limit_key` hold `lots`, orders of past days included. */
static bool levels_hold(const kk_books *books, uint32_t side, int64_t limit_key, int64_t lots) {
    kk_i128 found = 0;
    uint32_t at = books->levels.sides[side].best;
    while (at != KK_NONE && books->levels.levels[at].key <= limit_key && found < lots) {
        found += books->levels.levels[at].total_lots;
        at = books->levels.levels[at].worse;
    }
    return found >= lots;
}

bool kk_book_can_fill(const kk_books *books, uint32_t instrument, uint8_t side, bool market,
                      int64_t limit_ticks, int64_t lots, uint32_t trading_day) {
    kk_assert(lots > 0);
    uint32_t other = kk_side_of(instrument, side) ^ 1;
    int64_t limit_key = market ? INT64_MAX : kk_level_key(other, limit_ticks);
    /* What the levels cannot give need not be looked for order by order. */
    if (!levels_hold(books, other, limit_key, lots)) {
        return false;
    }
    uint32_t best = books->levels.sides[other].best;
    for (uint32_t slot = best == KK_NONE ? KK_NONE : books->levels.levels[best].head;
         slot != KK_NONE; slot = kk_book_after(books, slot)) {
        const kk_order *order = &books->orders[slot];
        if (kk_level_key(other, order->price_ticks) > limit_key) {
            return false;
        }
        if (order->expire_day >= trading_day) {
            if (order->leaves_lots >= lots) {
                return true;
            }
            lots -= order->leaves_lots;
        }
    }
    return false;
}

void kk_book_prefetch(const kk_books *books, uint32_t instrument, uint8_t side,
                      int64_t price_ticks) {
    uint32_t own = kk_side_of(instrument, side);
    uint32_t at = kk_level_find(&books->levels, own, kk_level_key(own, price_ticks));
    if (at != KK_NONE) {
        __builtin_prefetch(&books->orders[books->levels.levels[at].tail], 1);
    }
    uint32_t best = books->levels.sides[own ^ 1].best;
    if (best != KK_NONE) {
        __builtin_prefetch(&books->orders[books->levels.levels[best].head], 1);
    }
}

uint32_t kk_book_live_levels(const kk_books *books) { return books->levels.live; }

/* B2 to B4 of one level: its orders in a row, at its price, alive, adding up to its sums. */
static void check_level(const kk_books *books, uint32_t at) {
    const kk_level *level = &books->levels.levels[at];
    kk_i128 lots = 0;
    uint32_t count = 0;
    uint32_t prev = KK_NONE;
    for (uint32_t slot = level->head; slot != KK_NONE; slot = books->orders[slot].next) {
        const kk_order *order = &books->orders[slot];
        kk_assert(order->level == at && order->prev == prev && order->leaves_lots > 0);
        kk_assert(order->status == KK_ORDER_LIVE);
        kk_assert(kk_side_of(order->instrument, order->side) == level->side);
        kk_assert(kk_level_key(level->side, order->price_ticks) == level->key);
        lots += order->leaves_lots;
        count++;
        prev = slot;
        kk_assert(count <= level->count);
    }
    kk_assert(count > 0 && count == level->count && lots == level->total_lots);
    kk_assert(level->tail == prev);
}

void kk_book_check(const kk_books *books, uint32_t instrument) {
    const kk_levels *levels = &books->levels;
    uint32_t bids = kk_side_of(instrument, '1');
    for (uint32_t side = bids; side <= (bids | 1); side++) {
        kk_levels_check(levels, side);
        for (uint32_t at = levels->sides[side].best; at != KK_NONE; at = levels->levels[at].worse) {
            check_level(books, at);
        }
    }
    uint32_t bid = levels->sides[bids].best;
    uint32_t ask = levels->sides[bids | 1].best;
    kk_assert(bid == KK_NONE || ask == KK_NONE ||
              kk_level_key(bids, levels->levels[bid].key) < levels->levels[ask].key);
}
