/*
 * Taking: an order against the book until nothing crosses, then its rest.
 *
 * Each match gives one Trade to each side, the resting one first, both under one trade id.  A
 * resting order whose trading day is over is expired on the way and does not trade.  The open unit
 * stays below its size: what does not fit is cancelled, and both books and counters are whole.
 */
#include "kk_orders.h"

/* Room for the next step (one fill or one expiry) and for the report that ends the order. */
#define STEP_RESERVE (2 * KK_FILL_RESERVE)

static kk_taker taker_of(const kk_order *order) {
    return (kk_taker){.instrument = order->instrument,
                      .side = order->side,
                      .market = order->ord_type == '1',
                      .limit_ticks = order->price_ticks,
                      .leaves_lots = order->leaves_lots};
}

/* Adds a fill to what an order has done so far. */
static void add_fill(kk_engine *engine, uint32_t slot, const kk_fill *fill) {
    kk_order_detail *detail = &engine->pool.details[slot];
    const kk_order *order = &engine->pool.orders[slot];
    const int64_t tick_e8 = engine->instruments[order->instrument].config.tick_e8;
    kk_i128 notional = ((kk_i128)detail->cum_notional_high << 64) | detail->cum_notional_low;

    notional += (kk_i128)(fill->price_ticks * tick_e8) * fill->lots;
    detail->cum_notional_low = (uint64_t)notional;
    detail->cum_notional_high = (int64_t)(notional >> 64);
    detail->cum_lots += fill->lots;
    kk_assert(detail->cum_lots + order->leaves_lots == detail->order_qty_lots);
}

/* One side of a trade: its sums, its end if nothing is left, its report. */
static void apply_fill(kk_engine *engine, uint32_t slot, const kk_fill *fill, uint8_t liquidity,
                       uint64_t trade_id) {
    add_fill(engine, slot, fill);
    if (engine->pool.orders[slot].leaves_lots == 0) {
        kk_close_order(engine, slot, KK_ORDER_FILLED);
    }
    const kk_report report = {.slot = slot,
                              .exec_type = 'F',
                              .ord_status = kk_ord_status(engine, slot),
                              .last_liquidity = liquidity,
                              .trade_id = trade_id,
                              .last_lots = fill->lots,
                              .last_price_ticks = fill->price_ticks};
    kk_report_order(engine, &report);
}

/* Trades while something crosses.  False when the unit has no room for more. */
static bool trade(kk_engine *engine, uint32_t slot) {
    kk_order *order = &engine->pool.orders[slot];
    kk_taker taker = taker_of(order);

    while (taker.leaves_lots > 0) {
        const uint32_t maker = kk_match_candidate(engine->books, &taker);
        if (maker == KK_NONE) {
            return true;
        }
        if (kk_unlikely(!kk_unit_has_room(engine, STEP_RESERVE))) {
            return false;
        }
        if (kk_unlikely(kk_expire_if_due(engine, maker))) {
            continue;
        }
        kk_fill fill;
        kk_match_fill(engine->books, &taker, maker, &fill);
        kk_assert(fill.maker == maker && fill.lots > 0);
        order->leaves_lots = taker.leaves_lots;
        const uint64_t trade_id = engine->next_trade_id++;
        engine->statistics.trades++;
        apply_fill(engine, maker, &fill, '1', trade_id);
        apply_fill(engine, slot, &fill, '2', trade_id);
    }
    return true;
}

/* Whether all of a fill-or-kill order can be had, and within one unit. */
static kk_reason fill_or_kill_refusal(const kk_engine *engine, const kk_order *order) {
    const kk_taker taker = taker_of(order);
    const uint8_t other = order->side == '1' ? '2' : '1';

    if (!kk_book_can_fill(engine->books, taker.instrument, taker.side, taker.market,
                          taker.limit_ticks, taker.leaves_lots, engine->trading_day)) {
        return KK_REASON_FOK_NOT_FILLED;
    }
    int64_t left = taker.leaves_lots;
    size_t bytes = STEP_RESERVE;
    for (uint32_t maker = kk_book_first(engine->books, taker.instrument, other); left > 0;
         maker = kk_book_after(engine->books, maker)) {
        kk_assert(maker != KK_NONE);
        const kk_order *resting = &engine->pool.orders[maker];
        if (resting->expire_day >= engine->trading_day) {
            left -= resting->leaves_lots < left ? resting->leaves_lots : left;
        }
        bytes += KK_FILL_RESERVE;
        if (!kk_unit_has_room(engine, bytes)) {
            return KK_REASON_CAPACITY;
        }
    }
    return KK_REASON_NONE;
}

/* Why what is left of an order must not rest; NONE when it may. */
static kk_reason remainder_reason(const kk_order *order) {
    if (order->time_in_force == '3' || order->time_in_force == '4') {
        return KK_REASON_IOC_REMAINDER;
    }
    return order->ord_type == '1' ? KK_REASON_MARKET_REMAINDER : KK_REASON_NONE;
}

/* Ends what is left of an order: 150=4 with its cause. */
static void cancel_remainder(kk_engine *engine, uint32_t slot, kk_reason reason) {
    kk_close_order(engine, slot, KK_ORDER_CANCELED);
    const kk_report report = {
        .slot = slot, .exec_type = '4', .ord_status = '4', .cause = {.reason = reason}};
    kk_report_order(engine, &report);
}

void kk_take(kk_engine *engine, uint32_t slot) {
    const kk_order *order = &engine->pool.orders[slot];

    kk_assert(order->status == KK_ORDER_LIVE && order->level == KK_NONE);
    kk_assert(order->leaves_lots > 0);
    kk_reason reason = KK_REASON_NONE;
    if (order->time_in_force == '4') {
        reason = fill_or_kill_refusal(engine, order);
    }
    if (reason == KK_REASON_NONE) {
        reason = trade(engine, slot) ? KK_REASON_NONE : KK_REASON_CAPACITY;
        if (order->leaves_lots == 0) {
            return;
        }
        kk_assert(order->time_in_force != '4');
    }
    if (reason == KK_REASON_NONE) {
        reason = remainder_reason(order);
    }
    if (reason == KK_REASON_NONE) {
        kk_book_insert(engine->books, slot);
    } else {
        cancel_remainder(engine, slot, reason);
    }
}
