/*
 * Matching: price-time priority, the resting order's price.
 *
 * One step gives one fill; the caller applies it to both sides (reports, exposure) and asks
 * again.  The resting order's leaves_lots are reduced here, and it leaves the book when filled.
 */
#ifndef KK_MATCH_H
#define KK_MATCH_H

#include "kk_book.h"

typedef struct kk_taker {
    uint32_t instrument;
    uint8_t side;
    bool market;
    int64_t limit_ticks;
    int64_t leaves_lots;
} kk_taker;

typedef struct kk_fill {
    uint32_t maker; /* slot; out of the book when its leaves_lots are 0 */
    int64_t lots;
    int64_t price_ticks;
} kk_fill;

/*
 * The slot against which `taker` would trade next, or KK_NONE: the caller first looks whether it
 * has expired.
 */
uint32_t kk_match_candidate(const kk_books *books, const kk_taker *taker);
/* Trades with `maker`, which kk_match_candidate gave; reduces taker->leaves_lots. */
void kk_match_fill(kk_books *books, kk_taker *taker, uint32_t maker, kk_fill *fill);

#endif
