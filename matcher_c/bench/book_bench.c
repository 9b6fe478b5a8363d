/*
 * Book and matching alone: one symbol, 1,000,000 operations.
 *
 * 60 % limit orders that rest near the touch, 30 % cancels of a live order, 10 % orders that
 * cross; the book ends with some 100,000 resting orders in 100 levels.  The stream is made before
 * the clock starts.  `ahead` looks at eight operations at a time, as the fast door does, and
 * prefetches what they will touch.
 */
#include <string.h>

#include "kk_assert.h"
#include "kk_bench.h"
#include "kk_book.h"
#include "kk_match.h"
#include "kk_memory.h"

#define OPERATIONS 1000000u
#define LEVELS_A_SIDE 50u
#define MIDDLE 10000
#define GROUP 8u

typedef struct operation {
    int64_t price_ticks;
    int64_t lots;
    uint32_t slot; /* the order that arrives, or the one to cancel */
    uint8_t kind;  /* 'P'assive, 'C'ancel, 'X' crossing */
    uint8_t side;
} operation;

typedef struct bench {
    operation *operations;
    kk_order *orders;
    kk_books *books;
    uint64_t trades;
    uint64_t trade_hash;
    uint32_t resting;
} bench;

static void arrive(bench *b, const operation *op) {
    kk_order *order = &b->orders[op->slot];
    order->price_ticks = op->price_ticks;
    order->leaves_lots = op->lots;
    order->instrument = 0;
    order->side = op->side;
    order->level = KK_NONE;
    order->expire_day = KK_NEVER_EXPIRES;
    order->status = KK_ORDER_LIVE;
    kk_taker taker = {.side = op->side, .limit_ticks = op->price_ticks, .leaves_lots = op->lots};
    uint32_t maker = kk_match_candidate(b->books, &taker);
    while (maker != KK_NONE) {
        kk_fill fill;
        kk_match_fill(b->books, &taker, maker, &fill);
        b->trades++;
        b->trade_hash = (b->trade_hash ^ (uint64_t)fill.lots ^ ((uint64_t)maker << 32)) *
                        UINT64_C(0x9E3779B97F4A7C15);
        b->resting -= b->orders[maker].leaves_lots == 0;
        maker = taker.leaves_lots > 0 ? kk_match_candidate(b->books, &taker) : KK_NONE;
    }
    order->leaves_lots = taker.leaves_lots;
    if (taker.leaves_lots > 0 && op->kind == 'P') {
        kk_book_insert(b->books, op->slot);
        b->resting++;
    }
}

static void apply(bench *b, const operation *op) {
    if (op->kind == 'C') {
        kk_book_remove(b->books, op->slot);
        b->resting--;
    } else {
        arrive(b, op);
    }
}

static void look_ahead(const bench *b, const operation *ops) {
    for (uint32_t i = 0; i < GROUP; i++) {
        __builtin_prefetch(&b->orders[ops[i].slot], 1);
        if (ops[i].kind != 'C') {
            kk_book_prefetch(b->books, 0, ops[i].side, ops[i].price_ticks);
        }
    }
    for (uint32_t i = 0; i < GROUP; i++) {
        const kk_order *order = &b->orders[ops[i].slot];
        if (ops[i].kind == 'C') {
            __builtin_prefetch(&b->orders[order->next != KK_NONE ? order->next : 0], 1);
            __builtin_prefetch(&b->orders[order->prev != KK_NONE ? order->prev : 0], 1);
        }
    }
}

static void begin(bench *b) {
    b->books = kk_books_new(b->orders, 4096, 1);
    kk_assert(b->books != NULL);
    b->trades = 0;
    b->trade_hash = 0;
    b->resting = 0;
}

/* Passive: half at the two best prices, the rest over all levels.  Crossing: at any price. */
static operation some_order(uint64_t *seed, uint8_t kind, uint32_t slot) {
    uint64_t draw = kk_bench_random(seed);
    bool buy = draw >> 63 != 0;
    uint64_t depth = (draw >> 62 & 1) != 0 ? 2 : LEVELS_A_SIDE;
    int64_t away = kind == 'P' ? 1 + (int64_t)(draw % depth) : (int64_t)LEVELS_A_SIDE;
    return (operation){.price_ticks = MIDDLE + (buy == (kind == 'P') ? -away : away),
                       .lots = (1 + (int64_t)(draw >> 40 & 63)) * (kind == 'P' ? 1 : 2),
                       .slot = slot,
                       .kind = kind,
                       .side = buy ? '1' : '2'};
}

/* Orders that arrived to rest; some may have been filled. */
typedef struct arrivals {
    uint32_t *slots;
    uint32_t count;
} arrivals;

/* Takes a random order that rests from the list, or KK_NONE. */
static uint32_t pick_resting(const bench *b, arrivals *passive, uint64_t *seed) {
    while (passive->count > 0) {
        uint64_t at = kk_bench_random(seed) % passive->count;
        uint32_t slot = passive->slots[at];
        passive->slots[at] = passive->slots[--passive->count];
        if (b->orders[slot].level != KK_NONE) {
            return slot;
        }
    }
    return KK_NONE;
}

/* Makes the stream by running it, so that every cancel names an order that rests. */
static void make_stream(bench *b) {
    uint64_t seed = 42;
    uint32_t arrived = 0;
    arrivals passive = {.slots = malloc(OPERATIONS * sizeof(uint32_t))};
    kk_assert(passive.slots != NULL);
    begin(b);
    for (uint32_t i = 0; i < OPERATIONS; i++) {
        operation *op = &b->operations[i];
        uint64_t draw = kk_bench_random(&seed) % 100;
        uint32_t named = draw < 30 ? pick_resting(b, &passive, &seed) : KK_NONE;
        if (named != KK_NONE) {
            *op = (operation){.slot = named, .kind = 'C'};
        } else {
            *op = some_order(&seed, draw < 90 ? 'P' : 'X', arrived);
            passive.slots[passive.count] = arrived++;
            passive.count += op->kind == 'P';
        }
        apply(b, op);
    }
    free(passive.slots);
}

static double run(bench *b, bool ahead) {
    begin(b);
    double start = kk_bench_now_ns();
    for (uint32_t i = 0; i < OPERATIONS; i += GROUP) {
        if (ahead) {
            look_ahead(b, &b->operations[i]);
        }
        for (uint32_t k = 0; k < GROUP; k++) {
            apply(b, &b->operations[i + k]);
        }
    }
    double spent = kk_bench_now_ns() - start;
    kk_books_free(b->books);
    return spent / OPERATIONS;
}

static void bench_book(int runs) {
    bench b = {.operations = kk_memory_new(OPERATIONS * sizeof(operation)),
               .orders = kk_memory_new(OPERATIONS * sizeof(kk_order))};
    kk_assert(b.operations != NULL && b.orders != NULL);
    make_stream(&b);
    uint64_t trades = b.trades;
    uint64_t trade_hash = b.trade_hash;
    kk_bench_print("book_trades", (double)trades, "trades");
    kk_bench_print("book_resting", b.resting, "orders");
    kk_bench_print("book_levels", kk_book_live_levels(b.books), "levels");
    kk_books_free(b.books);
    double plain = 1e9;
    double ahead = 1e9;
    for (int i = 0; i < runs; i++) {
        double spent = run(&b, false);
        plain = spent < plain ? spent : plain;
        kk_assert(b.trades == trades && b.trade_hash == trade_hash);
        spent = run(&b, true);
        ahead = spent < ahead ? spent : ahead;
        kk_assert(b.trades == trades && b.trade_hash == trade_hash);
    }
    kk_bench_print("book_match", plain, "ns/op");
    kk_bench_print("book_match_ahead", ahead, "ns/op");
    kk_memory_free(b.operations, OPERATIONS * sizeof(operation));
    kk_memory_free(b.orders, OPERATIONS * sizeof(kk_order));
}

int main(int count, char **arguments) {
    bench_book(kk_bench_runs(count, arguments));
    return 0;
}
