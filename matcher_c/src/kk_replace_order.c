/*
 * OrderCancelReplaceRequest(G): another price or quantity, under another ClOrdID(11).
 *
 * OrderQty(38) includes what is filled.  At or below CumQty(14) the order is filled and ends.
 * The place in the queue stays only when the price stays and the quantity does not go up;
 * PriorityIndicator(638) tells.  An order that lost it may trade at its new price.
 */
#include <string.h>

#include "kk_orders.h"
#include "kk_risk.h"

/* The id that the order had, kept for OrigClOrdID(41). */
typedef struct former_id {
    uint8_t length;
    uint8_t bytes[KK_CLORD_ID_MAX];
} former_id;

/* Whether all that the replaced order needs is there.  Takes its echo over. */
static bool store_replacement(kk_engine *engine, uint32_t slot, const kk_command *command,
                              const kk_checked *checked) {
    return kk_unit_has_room(engine, 3 * KK_FILL_RESERVE) &&
           kk_book_has_room(engine->books, checked->instrument, command->side,
                            checked->price_ticks) &&
           kk_order_pool_store_echo(&engine->pool, slot, command);
}

/* The new id becomes the order's; the former one stays known as an earlier id of it. */
static former_id take_over_id(kk_engine *engine, uint32_t slot, const kk_command *command,
                              uint64_t hash) {
    kk_order *order = &engine->pool.orders[slot];
    kk_order_detail *detail = &engine->pool.details[slot];
    former_id former = {.length = detail->clord_id_length};

    memcpy(former.bytes, detail->clord_id, sizeof former.bytes);
    const uint32_t entry = kk_order_index_add(engine->index, hash, slot, KK_ORDER_LIVE);
    kk_order_index_retire(engine->index, order->index_entry,
                          kk_retired_status(order, KK_ORDER_FREE));
    order->index_entry = entry;
    kk_set_clord_id(detail, command);
    return former;
}

/* What the order says of disconnects is replaced; a request that says nothing leaves it. */
static void take_over_word(kk_engine *engine, kk_order *order, uint8_t word) {
    kk_session *session = &engine->sessions[order->session];

    if (order->on_disconnect != 0) {
        kk_count_word(session, order->on_disconnect, UINT32_MAX);
    }
    order->on_disconnect = word;
    kk_count_word(session, word, 1);
}

static void report_replaced(kk_engine *engine, uint32_t slot, const former_id *former,
                            uint8_t priority) {
    const kk_report report = {.slot = slot,
                              .exec_type = '5',
                              .ord_status = kk_ord_status(engine, slot),
                              .priority = priority,
                              .orig_clord_id = former->bytes,
                              .orig_clord_id_length = former->length};

    kk_report_order(engine, &report);
}

/* Everything of the order that has been filled is all it wants. */
static void end_as_filled(kk_engine *engine, uint32_t slot, const former_id *former) {
    kk_order_detail *detail = &engine->pool.details[slot];

    kk_assert(detail->cum_lots > 0);
    detail->order_qty_lots = detail->cum_lots;
    kk_close_order(engine, slot, KK_ORDER_FILLED);
    report_replaced(engine, slot, former, 0);
}

static void keep_place(kk_engine *engine, uint32_t slot, int64_t lots, const former_id *former) {
    kk_order_detail *detail = &engine->pool.details[slot];
    const int64_t less = detail->order_qty_lots - lots;

    if (less > 0) {
        kk_book_reduce(engine->books, slot, less);
        detail->order_qty_lots = lots;
    }
    report_replaced(engine, slot, former, '0');
}

static void lose_place(kk_engine *engine, uint32_t slot, const kk_checked *checked,
                       const former_id *former) {
    kk_order *order = &engine->pool.orders[slot];
    kk_order_detail *detail = &engine->pool.details[slot];

    kk_book_remove(engine->books, slot);
    order->price_ticks = checked->price_ticks;
    order->leaves_lots = checked->lots - detail->cum_lots;
    detail->order_qty_lots = checked->lots;
    report_replaced(engine, slot, former, '1');
    kk_take(engine, slot);
}

static void replace(kk_engine *engine, uint32_t slot, const kk_command *command,
                    const kk_checked *checked, uint64_t hash) {
    kk_order *order = &engine->pool.orders[slot];
    const kk_order_detail *detail = &engine->pool.details[slot];
    const bool same_price = checked->price_ticks == order->price_ticks;
    const former_id former = take_over_id(engine, slot, command, hash);

    order->time_in_force = command->time_in_force;
    order->expire_day = command->time_in_force == '0' ? engine->trading_day : KK_NEVER_EXPIRES;
    if (kk_unlikely(command->on_disconnect != 0)) {
        take_over_word(engine, order, command->on_disconnect);
    }
    if (checked->lots <= detail->cum_lots) {
        end_as_filled(engine, slot, &former);
    } else if (same_price && checked->lots <= detail->order_qty_lots) {
        keep_place(engine, slot, checked->lots, &former);
    } else {
        lose_place(engine, slot, checked, &former);
    }
}

void kk_replace_order(kk_engine *engine, uint32_t session, const kk_command *command, uint64_t hash,
                      uint64_t orig_hash) {
    const uint32_t slot = kk_find_for_change(engine, session, command, hash, orig_hash);
    kk_checked checked;
    kk_refusal refusal = {.reason = KK_REASON_NONE};

    if (slot == KK_NONE) {
        return;
    }
    bool accepted = kk_check_replace(engine, session, slot, command, &checked, &refusal);
    if (accepted && !store_replacement(engine, slot, command, &checked)) {
        refusal.reason = KK_REASON_CAPACITY;
        accepted = false;
    }
    if (!accepted) {
        kk_spend_id(engine, hash);
        kk_refuse_change(engine, session, slot, command, &refusal);
        return;
    }
    replace(engine, slot, command, &checked, hash);
}
