/*
 * Of the snapshot: the slots of closed orders, in the sequence in which they will be reused.
 * The sequence of their echo chunks follows from it.
 */
#include "kk_snapshot.h"

static uint64_t items(const kk_engine *engine) { return engine->pool.fresh - engine->pool.live; }

static void write_item(const kk_engine *engine, kk_snapshot *at, kk_item_out *item) {
    const uint32_t slot = at->item == 0 ? engine->pool.closed_head : at->place[0];

    kk_put_u32(item, slot);
    at->place[0] = engine->pool.orders[slot].next;
}

/* Every slot counts as live until it is closed here; `prev`, of no use then, tells that it was. */
static kk_status read_item(kk_engine *engine, kk_snapshot *at, kk_item_in *item) {
    kk_order_pool *pool = &engine->pool;
    const uint32_t slot = kk_get_u32(item);

    (void)at;
    if (slot >= pool->fresh || pool->orders[slot].status <= KK_ORDER_LIVE ||
        pool->orders[slot].prev == KK_NONE) {
        return KK_INVALID;
    }
    kk_order_pool_close(pool, slot);
    pool->orders[slot].prev = KK_NONE;
    return KK_OK;
}

static kk_status begin(kk_engine *engine, kk_snapshot *at) {
    return at->items <= engine->pool.fresh ? KK_OK : KK_INVALID;
}

const kk_section kk_section_closed_orders = {
    .id = 6, .items = items, .write = write_item, .read = read_item, .begin = begin};
