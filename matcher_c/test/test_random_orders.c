/*
 * Random commands against the core and against a plain model that scans an array for the best
 * price: after each of them both books are the same and every invariant holds.
 */
#include <stdlib.h>
#include <string.h>

#include "kk_test.h"
#include "venue.h"

#define STEPS 20000u
#define BOOK_MAX 256u

typedef struct order {
    unsigned id; /* of its current ClOrdID(11) */
    uint32_t session;
    char side;
    int64_t price; /* in ticks */
    int64_t leaves;
    int64_t qty;
    uint64_t place; /* time priority */
} order;

typedef struct model {
    order resting[BOOK_MAX];
    uint32_t count;
    uint64_t places;
} model;

static bool better(const order *a, const order *b) {
    if (a->price != b->price) {
        return a->side == '1' ? a->price > b->price : a->price < b->price;
    }
    return a->place < b->place;
}

/* The best resting order against which `taker` would trade, or NULL. */
static order *best_against(model *m, const order *taker, bool market) {
    order *best = NULL;

    for (uint32_t i = 0; i < m->count; i++) {
        order *other = &m->resting[i];
        const bool crosses =
            taker->side == '1' ? other->price <= taker->price : other->price >= taker->price;
        if (other->side != taker->side && (market || crosses) &&
            (best == NULL || better(other, best))) {
            best = other;
        }
    }
    return best;
}

static void drop(model *m, order *gone) { *gone = m->resting[--m->count]; }

static void trade(model *m, order *taker, bool market) {
    while (taker->leaves > 0) {
        order *maker = best_against(m, taker, market);
        if (maker == NULL) {
            return;
        }
        const int64_t lots = maker->leaves < taker->leaves ? maker->leaves : taker->leaves;
        maker->leaves -= lots;
        taker->leaves -= lots;
        if (maker->leaves == 0) {
            drop(m, maker);
        }
    }
}

static void new_order(model *m, order taker, char ord_type, char time_in_force) {
    const bool market = ord_type == '1';

    if (time_in_force == '4') {
        model *trial = malloc(sizeof *trial);
        order all = taker;
        *trial = *m;
        trade(trial, &all, market);
        free(trial);
        if (all.leaves > 0) {
            return;
        }
    }
    trade(m, &taker, market);
    if (taker.leaves > 0 && !market && (time_in_force == '0' || time_in_force == '1')) {
        taker.place = m->places++;
        m->resting[m->count++] = taker;
    }
}

static void replace(model *m, order *old, unsigned id, int64_t price, int64_t qty) {
    const int64_t cum = old->qty - old->leaves;
    order replaced = *old;

    replaced.id = id;
    replaced.price = price;
    replaced.leaves = qty - cum;
    replaced.qty = qty;
    if (qty <= cum) {
        drop(m, old);
    } else if (price == old->price && qty <= old->qty) {
        *old = replaced;
    } else {
        drop(m, old);
        new_order(m, replaced, '2', '0');
    }
}

static int by_priority(const void *a, const void *b) { return better(a, b) ? -1 : 1; }

static bool same_side(venue *v, const model *m, char side) {
    kk_book_order read[BOOK_MAX];
    order sorted[BOOK_MAX];
    uint32_t count = 0;

    for (uint32_t i = 0; i < m->count; i++) {
        if (m->resting[i].side == side) {
            sorted[count++] = m->resting[i];
        }
    }
    qsort(sorted, count, sizeof sorted[0], by_priority);
    if (kk_book_read(v->engine, 0, (uint8_t)side, read, BOOK_MAX) != count) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (read[i].price_e8 != sorted[i].price * (KK_E8 / 100) ||
            read[i].leaves_e8 != sorted[i].leaves * KK_E8 || read[i].session != sorted[i].session) {
            return false;
        }
    }
    return true;
}

typedef struct dice {
    uint64_t state;
    unsigned next_id;
} dice;

static uint64_t roll(dice *d, uint64_t below) { return kk_random(&d->state) % below; }

/* One random command, done by both. */
static void step(venue *v, model *m, dice *d) {
    char text[128];
    const unsigned id = d->next_id++;
    const int64_t price = 9990 + (int64_t)roll(d, 20);
    const int64_t qty = 1 + (int64_t)roll(d, 20);
    const uint64_t what = roll(d, 10);

    if (what < 6 && m->count < BOOK_MAX - 2) {
        const order taker = {.id = id,
                             .session = (uint32_t)roll(d, 2),
                             .side = roll(d, 2) ? '1' : '2',
                             .price = price,
                             .leaves = qty,
                             .qty = qty};
        const char ord_type = roll(d, 10) == 0 ? '1' : '2';
        const char time_in_force = "0000011134"[roll(d, 10)];
        const int length =
            snprintf(text, sizeof text, "%u D|11=n%u|54=%c|38=%d|40=%c|59=%c", taker.session, id,
                     taker.side, (int)qty, ord_type, time_in_force);
        if (ord_type == '2') {
            (void)snprintf(text + length, sizeof text - (size_t)length, "|44=%d.%02d",
                           (int)price / 100, (int)price % 100);
        }
        venue_do(v, text);
        new_order(m, taker, ord_type, time_in_force);
    } else if (m->count == 0) {
        venue_do(v, "0 H|11=nobody|54=1");
    } else {
        order *old = &m->resting[roll(d, m->count)];
        if (what < 8) {
            (void)snprintf(text, sizeof text, "%u F|11=n%u|41=n%u|54=%c", old->session, id, old->id,
                           old->side);
            drop(m, old);
        } else {
            (void)snprintf(text, sizeof text, "%u G|11=n%u|41=n%u|54=%c|38=%d|44=%d.%02d",
                           old->session, id, old->id, old->side, (int)qty, (int)price / 100,
                           (int)price % 100);
            replace(m, old, id, price, qty);
        }
        venue_do(v, text);
    }
}

static void both_agree(uint64_t seed) {
    static model m;
    dice d = {.state = seed};
    const kk_capacity capacity = venue_capacity();
    venue v;

    memset(&m, 0, sizeof m);
    venue_open(&v, &capacity);
    for (unsigned i = 0; i < STEPS; i++) {
        step(&v, &m, &d);
        const char *fault = venue_fault(&v);
        const bool same = same_side(&v, &m, '1') && same_side(&v, &m, '2');
        if (fault != NULL || !same) {
            printf("  seed %llu, step %u: %s\n", (unsigned long long)seed, i,
                   fault != NULL ? fault : "the books differ");
        }
        KK_CHECK(fault == NULL && same);
        if (fault != NULL || !same) {
            break;
        }
    }
    KK_CHECK(v.engine->statistics.trades > STEPS / 10);
    venue_close(&v);
}

static void random_commands(void) {
    for (uint64_t seed = 1; seed <= 3; seed++) {
        both_agree(seed);
    }
}

int main(void) {
    KK_RUN(random_commands, "the books are those of a plain model, whatever comes");
    return KK_REPORT();
}
