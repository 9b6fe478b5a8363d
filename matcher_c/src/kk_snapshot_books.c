/* Of the snapshot: the live orders, side by side of each book in their priority. */
#include "kk_snapshot.h"

static uint64_t items(const kk_engine *engine) { return engine->pool.live; }

/* place[0]: the side, instrument * 2 + 1 for asks; place[1]: the next order + 1, or 0: its first */
static void write_item(const kk_engine *engine, kk_snapshot *at, kk_item_out *item) {
    uint32_t slot = at->place[1] == 0 ? KK_NONE : at->place[1] - 1u;

    if (at->item == 0) {
        slot = kk_book_first(engine->books, 0, '1');
    }
    while (slot == KK_NONE) {
        at->place[0]++;
        kk_assert(at->place[0] / 2u < engine->capacity.instruments);
        slot = kk_book_first(engine->books, at->place[0] / 2u, at->place[0] % 2u == 0 ? '1' : '2');
    }
    kk_put_u32(item, slot);
    const uint32_t after = kk_book_after(engine->books, slot);
    at->place[1] = after == KK_NONE ? 0 : after + 1u;
}

static kk_status read_item(kk_engine *engine, kk_snapshot *at, kk_item_in *item) {
    const uint32_t slot = kk_get_u32(item);

    (void)at;
    if (slot >= engine->pool.fresh) {
        return KK_INVALID;
    }
    const kk_order *order = &engine->pool.orders[slot];
    if (order->status != KK_ORDER_LIVE || order->level != KK_NONE ||
        !kk_book_has_room(engine->books, order->instrument, order->side, order->price_ticks)) {
        return KK_INVALID;
    }
    kk_book_insert(engine->books, slot);
    return KK_OK;
}

/* What is not closed by now is live, and all of it has to come. */
static kk_status begin(kk_engine *engine, kk_snapshot *at) {
    return at->items == engine->pool.live ? KK_OK : KK_INVALID;
}

/* No book is crossed. */
static kk_status end(kk_engine *engine, kk_snapshot *at) {
    (void)at;
    for (uint32_t i = 0; i < engine->capacity.instruments; i++) {
        const uint32_t bid = kk_book_first(engine->books, i, '1');
        const uint32_t ask = kk_book_first(engine->books, i, '2');
        if (bid != KK_NONE && ask != KK_NONE &&
            engine->pool.orders[bid].price_ticks >= engine->pool.orders[ask].price_ticks) {
            return KK_INVALID;
        }
    }
    return KK_OK;
}

const kk_section kk_section_books = {
    .id = 7, .items = items, .write = write_item, .read = read_item, .begin = begin, .end = end};
