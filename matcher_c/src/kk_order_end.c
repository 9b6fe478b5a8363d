/* The end of an order, and what its ids tell afterwards. */
#include "kk_orders.h"

bool kk_unit_has_room(const kk_engine *engine, size_t bytes) {
    kk_assert(engine->out.open && engine->out.end >= engine->out.used);
    return engine->out.end - engine->out.used + bytes <= KK_UNIT_RESERVE;
}

uint32_t kk_retired_status(const kk_order *order, kk_order_status status) {
    kk_assert(status != KK_ORDER_LIVE);
    return (uint32_t)(order->order_id << KK_STATUS_BITS) | (uint32_t)status;
}

static void lower(uint32_t *open_orders) {
    kk_assert(*open_orders > 0);
    (*open_orders)--;
}

void kk_close_order(kk_engine *engine, uint32_t slot, kk_order_status status) {
    kk_order *order = &engine->pool.orders[slot];

    kk_assert(order->status == KK_ORDER_LIVE && status > KK_ORDER_LIVE);
    if (order->level != KK_NONE) {
        kk_book_remove(engine->books, slot);
    }
    order->leaves_lots = 0;
    order->status = (uint8_t)status;
    if (kk_unlikely(order->on_disconnect != 0)) {
        kk_count_word(&engine->sessions[order->session], order->on_disconnect, UINT32_MAX);
    }
    lower(&engine->sessions[order->session].open_orders);
    lower(&engine->accounts[order->account].open_orders);
    lower(&engine->firms[engine->accounts[order->account].config.firm].open_orders);
    kk_order_index_retire(engine->index, order->index_entry, kk_retired_status(order, status));
    kk_order_pool_close(&engine->pool, slot);
}
