/*
 * Of the snapshot: every order slot that was ever used, closed ones too, by number.
 *
 * Closed ones answer status requests, and the numbers decide in which sequence the walk and the
 * expiry come by.  A live order has its ClOrdID(11) in the index, whose hash is written with it.
 * A slot without OrderID(37) was taken for an order that there was no room for after all: nothing
 * can find what stands in it.
 */
#include "kk_snapshot.h"

#include "kk_orders.h"

static uint64_t items(const kk_engine *engine) { return engine->pool.fresh; }

static void write_echo(const kk_engine *engine, uint32_t slot, kk_item_out *item) {
    const kk_order_detail *detail = &engine->pool.details[slot];

    kk_put_u16(item, detail->echo_bytes);
    kk_put_u16(item, detail->echo_text_bytes);
    kk_put_u8(item, detail->header_echo_bytes);
    kk_put_u8(item, detail->clord_id_length);
    kk_put_bytes(item, detail->clord_id, detail->clord_id_length);
    kk_put_bytes(item, detail->echo, detail->header_echo_bytes);
    item->at += kk_order_pool_copy_echo(&engine->pool, slot, item->at);
}

static void write_item(const kk_engine *engine, kk_snapshot *at, kk_item_out *item) {
    const uint32_t slot = (uint32_t)at->item;
    const kk_order *order = &engine->pool.orders[slot];
    const kk_order_detail *detail = &engine->pool.details[slot];

    kk_put_u64(item, order->order_id);
    if (order->order_id == 0) {
        kk_assert(order->status > KK_ORDER_LIVE);
        return;
    }
    kk_put_u8(item, order->status);
    kk_put_u8(item, order->side);
    kk_put_u8(item, order->ord_type);
    kk_put_u8(item, order->time_in_force);
    kk_put_u8(item, order->on_disconnect);
    kk_put_u8(item, order->asked_for);
    kk_put_u32(item, order->instrument);
    kk_put_u32(item, order->session);
    kk_put_u32(item, order->account);
    kk_put_u32(item, order->expire_day);
    kk_put_i64(item, order->price_ticks);
    kk_put_i64(item, order->leaves_lots);
    kk_put_i64(item, detail->order_qty_lots);
    kk_put_i64(item, detail->cum_lots);
    kk_put_u64(item, detail->cum_notional_low);
    kk_put_i64(item, detail->cum_notional_high);
    if (order->status == KK_ORDER_LIVE) {
        kk_put_u64(item, kk_order_index_entry(engine->index, order->index_entry)->hash);
    }
    write_echo(engine, slot, item);
}

static void read_order(kk_item_in *item, kk_order *order, kk_order_detail *detail) {
    order->status = kk_get_u8(item);
    order->side = kk_get_u8(item);
    order->ord_type = kk_get_u8(item);
    order->time_in_force = kk_get_u8(item);
    order->on_disconnect = kk_get_u8(item);
    order->asked_for = kk_get_u8(item);
    order->instrument = kk_get_u32(item);
    order->session = kk_get_u32(item);
    order->account = kk_get_u32(item);
    order->expire_day = kk_get_u32(item);
    order->price_ticks = kk_get_i64(item);
    order->leaves_lots = kk_get_i64(item);
    detail->order_qty_lots = kk_get_i64(item);
    detail->cum_lots = kk_get_i64(item);
    detail->cum_notional_low = kk_get_u64(item);
    detail->cum_notional_high = kk_get_i64(item);
}

static bool is_known(const kk_engine *engine, const kk_order *order) {
    const kk_capacity *capacity = &engine->capacity;

    return order->instrument < capacity->instruments &&
           engine->instruments[order->instrument].configured &&
           order->session < capacity->sessions && engine->sessions[order->session].configured &&
           order->account < capacity->accounts && engine->accounts[order->account].configured;
}

/* Quantities add up, and they and the price have a value in units of 1e-8. */
static bool numbers_are_sane(const kk_engine *engine, const kk_order *order,
                             const kk_order_detail *detail) {
    const kk_instrument *instrument = &engine->instruments[order->instrument].config;
    const kk_i128 notional =
        (kk_i128)detail->cum_notional_high * ((kk_i128)1 << 64) + (kk_i128)detail->cum_notional_low;
    int64_t value_e8;

    if (detail->order_qty_lots <= 0 || order->leaves_lots < 0 || detail->cum_lots < 0 ||
        detail->cum_lots > detail->order_qty_lots ||
        __builtin_mul_overflow(order->price_ticks, instrument->tick_e8, &value_e8) ||
        __builtin_mul_overflow(detail->order_qty_lots, instrument->lot_e8, &value_e8)) {
        return false;
    }
    const kk_i128 most = (kk_i128)detail->cum_lots * INT64_MAX;
    return notional <= most && notional >= -most;
}

static bool is_sane(const kk_engine *engine, const kk_order *order, const kk_order_detail *detail) {
    const uint8_t word = order->on_disconnect;

    if (!is_known(engine, order) || !numbers_are_sane(engine, order, detail) ||
        order->order_id >= engine->next_order_id || (order->side != '1' && order->side != '2') ||
        (order->ord_type != '1' && order->ord_type != '2') || order->asked_for > 1 ||
        (word != 0 && word != KK_KEEP_ON_DISCONNECT && word != KK_CANCEL_ON_DISCONNECT)) {
        return false;
    }
    if (order->status == KK_ORDER_LIVE) {
        return order->leaves_lots > 0 &&
               order->leaves_lots == detail->order_qty_lots - detail->cum_lots;
    }
    return order->status > KK_ORDER_LIVE && order->status <= KK_ORDER_EXPIRED &&
           order->leaves_lots == 0;
}

/* A live order counts for its owners, and its id is in the index. */
static kk_status enter_live(kk_engine *engine, uint32_t slot, uint64_t hash) {
    kk_order *order = &engine->pool.orders[slot];
    const uint32_t firm = engine->accounts[order->account].config.firm;

    if (kk_order_index_find(engine->index, hash) != KK_NONE) {
        return KK_INVALID;
    }
    order->index_entry = kk_order_index_add(engine->index, hash, slot, KK_ORDER_LIVE);
    engine->sessions[order->session].open_orders++;
    engine->accounts[order->account].open_orders++;
    engine->firms[firm].open_orders++;
    if (order->on_disconnect != 0) {
        kk_count_word(&engine->sessions[order->session], order->on_disconnect, 1);
    }
    return KK_OK;
}

/* The echo is fields: those of the header, then those of the body, a Text(58) alone at its end. */
static bool echo_is_sane(const uint8_t *echo, size_t header_bytes, size_t echo_bytes,
                         size_t text_bytes) {
    const uint8_t *body = echo + header_bytes;
    const size_t before_text = echo_bytes - text_bytes;

    return kk_is_header_echo(echo, header_bytes) && kk_are_fields(body, before_text) &&
           kk_are_fields(body + before_text, text_bytes) &&
           (text_bytes == 0 || memcmp(body + before_text, "58=", 3) == 0);
}

static kk_status read_echo(kk_engine *engine, uint32_t slot, kk_item_in *item) {
    kk_order_detail *detail = &engine->pool.details[slot];
    const uint16_t echo_bytes = kk_get_u16(item);
    const uint16_t text_bytes = kk_get_u16(item);
    const uint8_t header_bytes = kk_get_u8(item);

    detail->clord_id_length = kk_get_u8(item);
    if (detail->clord_id_length > KK_CLORD_ID_MAX || header_bytes > KK_HEADER_ECHO_MAX ||
        echo_bytes > KK_ECHO_MAX || text_bytes > echo_bytes) {
        return KK_INVALID;
    }
    kk_get(item, detail->clord_id, detail->clord_id_length);
    const uint8_t *echo = kk_get_bytes(item, (size_t)header_bytes + echo_bytes);
    return echo != NULL && kk_is_value(detail->clord_id, detail->clord_id_length) &&
                   echo_is_sane(echo, header_bytes, echo_bytes, text_bytes) &&
                   kk_order_pool_put_echo(&engine->pool, slot, echo, header_bytes, echo_bytes,
                                          text_bytes)
               ? KK_OK
               : KK_INVALID;
}

/* Orders of the mass status of a session are counted where their promise will be held against. */
static kk_status read_item(kk_engine *engine, kk_snapshot *at, kk_item_in *item) {
    const uint32_t slot = kk_order_pool_take(&engine->pool);
    kk_order *order = &engine->pool.orders[slot];
    kk_order_detail *detail = &engine->pool.details[slot];

    kk_assert(slot == at->item);
    order->order_id = kk_get_u64(item);
    order->index_entry = KK_NONE;
    if (order->order_id == 0) {
        order->status = KK_ORDER_CANCELED;
        return KK_OK;
    }
    read_order(item, order, detail);
    if (item->cut || !is_sane(engine, order, detail)) {
        return KK_INVALID;
    }
    engine->sessions[order->session].mass.total += order->asked_for;
    if (order->status == KK_ORDER_LIVE) {
        const kk_status status = enter_live(engine, slot, kk_get_u64(item));
        if (status != KK_OK) {
            return status;
        }
    }
    return read_echo(engine, slot, item);
}

static kk_status begin(kk_engine *engine, kk_snapshot *at) {
    return at->items <= engine->capacity.orders ? KK_OK : KK_INVALID;
}

/* Walk and expiry stand at slots, or behind the last one. */
static kk_status end(kk_engine *engine, kk_snapshot *at) {
    const uint32_t fresh = engine->pool.fresh;

    (void)at;
    return (uint32_t)engine->walk.at <= fresh &&
                   (engine->expire_next <= fresh || !kk_expire_pending(engine))
               ? KK_OK
               : KK_INVALID;
}

const kk_section kk_section_orders = {
    .id = 4, .items = items, .write = write_item, .read = read_item, .begin = begin, .end = end};
