/*
 * Day orders of a past trading day: expired slot by slot, in slices between other inputs.
 *
 * An order whose turn has not come yet is expired when something touches it: it neither trades nor
 * can be changed.  GTC orders never expire.
 */
#include "kk_orders.h"

bool kk_expire_if_due(kk_engine *engine, uint32_t slot) {
    const kk_order *order = &engine->pool.orders[slot];

    kk_assert(order->status == KK_ORDER_LIVE);
    if (kk_likely(order->expire_day >= engine->trading_day)) {
        return false;
    }
    kk_close_order(engine, slot, KK_ORDER_EXPIRED);
    const kk_report report = {.slot = slot,
                              .exec_type = 'C',
                              .ord_status = 'C',
                              .cause = {.reason = KK_REASON_DAY_EXPIRED}};
    kk_report_order(engine, &report);
    return true;
}

void kk_day_roll(kk_engine *engine, uint32_t trading_day) {
    kk_assert(engine->out.open);
    kk_assert(trading_day > engine->trading_day && trading_day < KK_NEVER_EXPIRES);
    engine->trading_day = trading_day;
    engine->expire_next = 0;
}

bool kk_expire_slice(kk_engine *engine, uint32_t limit) {
    kk_order_pool *pool = &engine->pool;

    kk_assert(engine->out.open && limit > 0);
    for (uint32_t looked = 0; looked < limit && engine->expire_next < pool->fresh; looked++) {
        if (!kk_unit_has_room(engine, KK_FILL_RESERVE)) {
            return true;
        }
        const uint32_t slot = engine->expire_next++;
        if (pool->orders[slot].status == KK_ORDER_LIVE) {
            kk_expire_if_due(engine, slot);
        }
    }
    if (engine->expire_next >= pool->fresh) {
        engine->expire_next = engine->capacity.orders;
    }
    return kk_expire_pending(engine);
}

bool kk_expire_pending(const kk_engine *engine) {
    return engine->expire_next < engine->capacity.orders;
}
