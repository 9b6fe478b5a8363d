/* NewOrderSingle(D): checks, a slot, the New report, then the book. */
#include "kk_orders.h"
#include "kk_risk.h"

/* Whether an order of this kind may come to rest in the book. */
static bool may_rest(const kk_command *command) {
    return command->ord_type == '2' &&
           (command->time_in_force == '0' || command->time_in_force == '1');
}

static void fill_order(const kk_engine *engine, uint32_t session, const kk_command *command,
                       const kk_checked *checked, kk_order *order) {
    order->price_ticks = checked->price_ticks;
    order->leaves_lots = checked->lots;
    order->level = KK_NONE;
    order->instrument = checked->instrument;
    order->session = session;
    order->account = checked->account;
    order->expire_day = command->time_in_force == '0' ? engine->trading_day : KK_NEVER_EXPIRES;
    order->side = command->side;
    order->ord_type = command->ord_type;
    order->time_in_force = command->time_in_force;
    order->status = KK_ORDER_LIVE;
    order->on_disconnect = command->on_disconnect;
}

static void fill_detail(const kk_command *command, const kk_checked *checked,
                        kk_order_detail *detail) {
    detail->cum_notional_low = 0;
    detail->cum_notional_high = 0;
    detail->order_qty_lots = checked->lots;
    detail->cum_lots = 0;
    kk_set_clord_id(detail, command);
}

/* A slot with everything of the order stored in it; KK_NONE when there is no room for it. */
static uint32_t store_order(kk_engine *engine, uint32_t session, const kk_command *command,
                            const kk_checked *checked, uint64_t hash) {
    kk_order_pool *pool = &engine->pool;

    if (!kk_unit_has_room(engine, 4 * KK_FILL_RESERVE) ||
        (may_rest(command) && !kk_book_has_room(engine->books, checked->instrument, command->side,
                                                checked->price_ticks))) {
        return KK_NONE;
    }
    const uint32_t next = kk_order_pool_peek(pool);
    if (next == KK_NONE) {
        return KK_NONE;
    }
    if (kk_unlikely(pool->orders[next].asked_for)) {
        kk_mass_status_lose(engine, next);
    }
    const uint32_t slot = kk_order_pool_take(pool);
    kk_assert(slot == next);
    kk_order *order = &pool->orders[slot];
    order->order_id = 0;
    order->index_entry = KK_NONE;
    if (!kk_order_pool_store_echo(pool, slot, command)) {
        order->status = KK_ORDER_CANCELED;
        kk_order_pool_close(pool, slot);
        return KK_NONE;
    }
    fill_order(engine, session, command, checked, order);
    fill_detail(command, checked, &pool->details[slot]);
    order->order_id = engine->next_order_id++;
    order->index_entry = kk_order_index_add(engine->index, hash, slot, KK_ORDER_LIVE);
    engine->sessions[session].open_orders++;
    if (kk_unlikely(command->on_disconnect != 0)) {
        kk_count_word(&engine->sessions[session], command->on_disconnect, 1);
    }
    engine->accounts[checked->account].open_orders++;
    engine->firms[engine->accounts[checked->account].config.firm].open_orders++;
    engine->statistics.orders_accepted++;
    return slot;
}

void kk_new_order(kk_engine *engine, uint32_t session, const kk_command *command, uint64_t hash) {
    kk_checked checked;
    kk_refusal refusal = {.reason = KK_REASON_NONE};

    if (kk_check_id(engine, session, command, hash) == KK_ID_ANSWERED) {
        return;
    }
    uint32_t slot = KK_NONE;
    if (kk_check_new(engine, session, command, &checked, &refusal)) {
        slot = store_order(engine, session, command, &checked, hash);
        refusal.reason = KK_REASON_CAPACITY;
    }
    if (kk_unlikely(slot == KK_NONE)) {
        kk_spend_id(engine, hash);
        kk_refuse_order(engine, session, checked.account, command, &refusal);
        return;
    }
    const kk_report report = {.slot = slot, .exec_type = '0', .ord_status = '0'};
    kk_report_order(engine, &report);
    kk_take(engine, slot);
}
