/*
 * The books: price levels in price order, orders of a level in time order.
 *
 * Knows orders, prices and time priority.  No FIX, no risk, no sessions.
 * Memory follows the live levels, not the price range; prices may be negative.
 */
#ifndef KK_BOOK_H
#define KK_BOOK_H

#include "kk_order_pool.h"

typedef struct kk_books kk_books;

size_t kk_books_bytes(uint32_t levels, uint32_t instruments);
/* Reserves levels for all books and two sides for each instrument.  NULL: no memory. */
kk_books *kk_books_new(kk_order *orders, uint32_t levels, uint32_t instruments);
void kk_books_free(kk_books *books);

/* Whether an order at this price would find or get a level. */
bool kk_book_has_room(const kk_books *books, uint32_t instrument, uint8_t side,
                      int64_t price_ticks);
/* Puts the order last in time at its price; kk_book_has_room holds. */
void kk_book_insert(kk_books *books, uint32_t slot);
void kk_book_remove(kk_books *books, uint32_t slot);
/* Reduces leaves_lots of a resting order that keeps its place. */
void kk_book_reduce(kk_books *books, uint32_t slot, int64_t by_lots);

/* First in priority of one side, or KK_NONE; and the one after `slot`. */
uint32_t kk_book_first(const kk_books *books, uint32_t instrument, uint8_t side);
uint32_t kk_book_after(const kk_books *books, uint32_t slot);

/*
 * Whether `lots` can be had on the side against an order of `side` at `limit_ticks` or better
 * (market: no limit).  Orders whose expire_day is before `trading_day` do not count.
 */
bool kk_book_can_fill(const kk_books *books, uint32_t instrument, uint8_t side, bool market,
                      int64_t limit_ticks, int64_t lots, uint32_t trading_day);

/* Prefetches what an insert, or a match, at this price will touch. */
void kk_book_prefetch(const kk_books *books, uint32_t instrument, uint8_t side,
                      int64_t price_ticks);
uint32_t kk_book_live_levels(const kk_books *books);
/* Asserts the invariants B1 to B4 of one instrument (tests). */
void kk_book_check(const kk_books *books, uint32_t instrument);

#endif
