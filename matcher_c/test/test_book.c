/* Book and matching against the naive book, under one random stream of commands. */
#include "kk_book.h"

#include <stdlib.h>

#include "kk_naive_book.h"
#include "kk_test.h"

#define INSTRUMENTS 3u
#define SLOTS 3000u
#define LEVELS 2000u /* of the world that runs out of them */
#define TODAY 20u

/* How the prices of a stream lie: around a centre, some of them far away. */
typedef struct shape {
    int64_t centre;
    uint64_t near_ticks;
    uint64_t far_ticks;
    int64_t lots_max;
    uint64_t rounds;
    uint64_t seed;
} shape;

typedef struct world {
    kk_order *orders;
    kk_books *books;
    kk_naive_book *naive; /* one for each instrument */
    uint32_t *resting;
    uint32_t resting_count;
    uint32_t *free;
    uint32_t free_count;
    uint64_t seed;
    uint64_t trades;
} world;

static world *new_world(uint64_t seed, uint32_t levels) {
    world *w = calloc(1, sizeof(*w));
    kk_assert(w != NULL);
    w->orders = calloc(SLOTS, sizeof(*w->orders));
    w->naive = calloc(INSTRUMENTS, sizeof(*w->naive));
    w->resting = calloc(SLOTS, sizeof(*w->resting));
    w->free = calloc(SLOTS, sizeof(*w->free));
    kk_assert(w->orders != NULL && w->naive != NULL && w->resting != NULL && w->free != NULL);
    w->books = kk_books_new(w->orders, levels, INSTRUMENTS);
    kk_assert(w->books != NULL);
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        w->free[w->free_count++] = SLOTS - 1 - slot;
    }
    w->seed = seed;
    return w;
}

static void free_world(world *w) {
    kk_books_free(w->books);
    free(w->orders);
    free(w->naive);
    free(w->resting);
    free(w->free);
    free(w);
}

static uint64_t below(world *w, uint64_t bound) { return kk_random(&w->seed) % bound; }

static int64_t some_price(world *w, const shape *s) {
    uint64_t width = below(w, 16) == 0 ? s->far_ticks : s->near_ticks;
    return s->centre + (int64_t)below(w, 2 * width + 1) - (int64_t)width;
}

/* The order in `slot` is no longer in any book. */
static void drop(world *w, uint32_t slot) {
    for (uint32_t i = 0; i < w->resting_count; i++) {
        if (w->resting[i] == slot) {
            w->resting[i] = w->resting[--w->resting_count];
            break;
        }
    }
    w->orders[slot].status = KK_ORDER_FILLED;
    w->free[w->free_count++] = slot;
}

static void take(world *w, kk_taker *taker) {
    kk_taker expecting = *taker;
    kk_fill expected;
    while (kk_naive_fill(&w->naive[taker->instrument], &expecting, &expected)) {
        uint32_t maker = kk_match_candidate(w->books, taker);
        KK_CHECK(maker == expected.maker);
        kk_fill fill;
        kk_match_fill(w->books, taker, maker, &fill);
        KK_CHECK(fill.maker == maker && fill.lots == expected.lots);
        KK_CHECK(fill.price_ticks == expected.price_ticks);
        KK_CHECK(taker->leaves_lots == expecting.leaves_lots);
        w->trades++;
        if (w->orders[maker].leaves_lots == 0) {
            KK_CHECK(w->orders[maker].level == KK_NONE);
            drop(w, maker);
        }
    }
    KK_CHECK(taker->leaves_lots == 0 || kk_match_candidate(w->books, taker) == KK_NONE);
}

static void rest(world *w, const kk_taker *taker) {
    KK_CHECK(kk_book_has_room(w->books, taker->instrument, taker->side, taker->limit_ticks));
    uint32_t slot = w->free[--w->free_count];
    uint32_t day = TODAY - 2 + (uint32_t)below(w, 4);
    w->orders[slot] = (kk_order){.price_ticks = taker->limit_ticks,
                                 .leaves_lots = taker->leaves_lots,
                                 .instrument = taker->instrument,
                                 .side = taker->side,
                                 .level = KK_NONE,
                                 .expire_day = day > TODAY ? KK_NEVER_EXPIRES : day,
                                 .status = KK_ORDER_LIVE};
    kk_book_insert(w->books, slot);
    kk_naive_insert(
        &w->naive[taker->instrument], taker->side,
        (kk_naive_order){taker->limit_ticks, taker->leaves_lots, slot, w->orders[slot].expire_day});
    w->resting[w->resting_count++] = slot;
}

static void arrive(world *w, const shape *s) {
    kk_taker taker = {.instrument = (uint32_t)below(w, INSTRUMENTS),
                      .side = below(w, 2) == 0 ? '1' : '2',
                      .market = below(w, 50) == 0,
                      .limit_ticks = some_price(w, s),
                      .leaves_lots = 1 + (int64_t)below(w, (uint64_t)s->lots_max)};
    /* Bids lie below the centre and asks above it, with some overlap. */
    taker.limit_ticks +=
        taker.side == '1' ? -(int64_t)s->near_ticks / 2 : (int64_t)s->near_ticks / 2;
    kk_book_prefetch(w->books, taker.instrument, taker.side, taker.limit_ticks);
    KK_CHECK(kk_book_can_fill(w->books, taker.instrument, taker.side, taker.market,
                              taker.limit_ticks, taker.leaves_lots, TODAY) ==
             kk_naive_can_fill(&w->naive[taker.instrument], &taker, TODAY));
    take(w, &taker);
    if (taker.leaves_lots > 0 && !taker.market && w->free_count > 0) {
        rest(w, &taker);
    }
}

static void cancel(world *w, uint32_t slot) {
    const kk_order *order = &w->orders[slot];
    kk_naive_side *side = kk_naive_side_of(&w->naive[order->instrument], order->side);
    kk_naive_remove_at(side, kk_naive_find(side, slot));
    kk_book_remove(w->books, slot);
    KK_CHECK(order->level == KK_NONE);
    drop(w, slot);
}

static void reduce(world *w, uint32_t slot) {
    const kk_order *order = &w->orders[slot];
    if (order->leaves_lots > 1) {
        int64_t by = 1 + (int64_t)below(w, (uint64_t)order->leaves_lots - 1);
        kk_naive_side *side = kk_naive_side_of(&w->naive[order->instrument], order->side);
        side->orders[kk_naive_find(side, slot)].lots -= by;
        kk_book_reduce(w->books, slot, by);
    }
}

/* Both books hold the same orders in the same sequence. */
static void compare(world *w) {
    for (uint32_t instrument = 0; instrument < INSTRUMENTS; instrument++) {
        kk_book_check(w->books, instrument);
        for (size_t i = 0; i < 2; i++) {
            uint8_t side = (uint8_t)('1' + i);
            const kk_naive_side *expected = kk_naive_side_of(&w->naive[instrument], side);
            uint32_t slot = kk_book_first(w->books, instrument, side);
            for (uint32_t at = 0; at < expected->count; at++) {
                KK_CHECK(slot == expected->orders[at].slot);
                KK_CHECK(w->orders[slot].leaves_lots == expected->orders[at].lots);
                slot = kk_book_after(w->books, slot);
            }
            KK_CHECK(slot == KK_NONE);
        }
    }
}

static void stream(const shape *s) {
    world *w = new_world(s->seed, SLOTS);
    for (uint64_t round = 0; round < s->rounds; round++) {
        uint64_t draw = below(w, 100);
        bool full = w->resting_count > SLOTS - 10;
        if (draw < 58 && !full) {
            arrive(w, s);
        } else if (w->resting_count > 0) {
            uint32_t slot = w->resting[below(w, w->resting_count)];
            draw < 90 ? cancel(w, slot) : reduce(w, slot);
        }
        if (round % 5000 == 0) {
            compare(w);
        }
    }
    compare(w);
    KK_CHECK(w->trades > s->rounds / 50);
    free_world(w);
}

static void deep(void) { stream(&(shape){1000, 5, 40, 100, 500000, 1}); }
static void around_zero(void) { stream(&(shape){0, 20, 300, 100, 200000, 2}); }
static void wide(void) { stream(&(shape){-5, 400, 1000000000, 50, 300000, 3}); }
static void ends_of_the_range(void) {
    stream(&(shape){INT64_MIN / 2, 50, INT64_MAX / 2 - 100, INT64_MAX - 1, 100000, 4});
}

static uint32_t put(world *w, uint8_t side, int64_t price, int64_t lots) {
    kk_taker taker = {.side = side, .limit_ticks = price, .leaves_lots = lots};
    rest(w, &taker);
    return w->resting[w->resting_count - 1];
}

static void full_of_levels(void) {
    world *w = new_world(1, LEVELS);
    for (int64_t price = 0; price < LEVELS; price++) {
        (void)put(w, '1', price, 1);
    }
    KK_CHECK(kk_book_live_levels(w->books) == LEVELS);
    KK_CHECK(kk_book_has_room(w->books, 0, '1', 7));
    KK_CHECK(!kk_book_has_room(w->books, 0, '1', -1));
    KK_CHECK(!kk_book_has_room(w->books, 0, '2', 7));
    KK_CHECK(!kk_book_has_room(w->books, 1, '1', 7));
    cancel(w, w->resting[100]);
    KK_CHECK(kk_book_has_room(w->books, 1, '1', 7));
    free_world(w);
}

static void sums_beyond_64_bits(void) {
    world *w = new_world(1, 2);
    uint32_t first = put(w, '2', INT64_MAX, INT64_MAX);
    (void)put(w, '2', INT64_MAX, INT64_MAX);
    (void)put(w, '2', INT64_MIN, INT64_MAX);
    w->orders[first].expire_day = KK_NEVER_EXPIRES;
    KK_CHECK(kk_book_can_fill(w->books, 0, '1', true, 0, INT64_MAX, TODAY));
    kk_book_check(w->books, 0);
    free_world(w);
}

static void far_levels(void) {
    enum { MANY = 100000 };
    kk_order *orders = calloc(MANY, sizeof(*orders));
    kk_books *books = kk_books_new(orders, MANY, 1);
    kk_assert(orders != NULL && books != NULL);
    for (uint32_t slot = 0; slot < MANY; slot++) {
        /* Ascending, then descending: what makes a tree without balance deep. */
        int64_t price = slot % 2 == 0 ? (int64_t)slot : -(int64_t)slot;
        orders[slot] = (kk_order){.price_ticks = price,
                                  .leaves_lots = 1,
                                  .side = '1',
                                  .level = KK_NONE,
                                  .status = KK_ORDER_LIVE};
        kk_book_insert(books, slot);
    }
    KK_CHECK(kk_book_live_levels(books) == MANY);
    kk_book_check(books, 0);
    KK_CHECK(kk_book_first(books, 0, '1') == MANY - 2);
    for (uint32_t slot = 0; slot < MANY; slot += 3) {
        kk_book_remove(books, slot);
    }
    kk_book_check(books, 0);
    for (uint32_t slot = 0; slot < MANY; slot++) {
        if (slot % 3 != 0) {
            kk_book_remove(books, slot);
        }
    }
    kk_book_check(books, 0);
    KK_CHECK(kk_book_live_levels(books) == 0 && kk_book_first(books, 0, '1') == KK_NONE);
    kk_books_free(books);
    free(orders);
}

int main(void) {
    KK_RUN(deep, "long queues: the same trades and the same book as the naive one");
    KK_RUN(around_zero, "the same with negative prices");
    KK_RUN(wide, "the same with levels that come and go far away");
    KK_RUN(ends_of_the_range, "the same at the ends of price and quantity");
    KK_RUN(full_of_levels, "without a free level only prices that have one have room");
    KK_RUN(sums_beyond_64_bits, "quantities add up beyond 64 bits");
    KK_RUN(far_levels, "100,000 levels come and go in the worst sequence");
    return KK_REPORT();
}
