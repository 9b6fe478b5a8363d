/*
 * Looking at the whole state: its hash, and the books.
 *
 * The hash covers what decides later outputs: the key of ids, the counters, the numbers and flags
 * of sessions, the open-order counts, the windows of the throttles, and the resting orders of each
 * book in their priority, with all that reports will say of them.  It goes by ids, never by slots,
 * so engines of different capacities that did the same agree.  Ids of closed orders are left out:
 * the counters stand for what has been.
 */
#include <string.h>

#include "kk_engine.h"

/* One step of a multiply-and-fold hash over 64-bit words. */
static uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ (hash >> 32);
}

static uint64_t mix_bytes(uint64_t hash, const uint8_t *bytes, size_t length) {
    hash = mix(hash, length);
    for (size_t at = 0; at < length; at++) {
        hash = mix(hash, bytes[at]);
    }
    return hash;
}

static uint64_t mix_engine(uint64_t hash, const kk_engine *engine) {
    for (uint32_t i = 0; i < 3; i++) {
        hash = mix(hash, engine->id_key.words[i]);
    }
    hash = mix(hash, engine->next_order_id);
    hash = mix(hash, engine->next_exec_id);
    hash = mix(hash, engine->next_trade_id);
    hash = mix(hash, engine->out.next_lsn);
    hash = mix(hash, engine->trading_day);
    hash = mix(hash, engine->expire_next < engine->capacity.orders);
    hash = mix(hash, engine->venue.halted);
    hash = mix(hash, engine->storage_low);
    hash = mix(hash, engine->walk.at); /* the first slot but while somebody walks */
    hash = mix(hash, engine->walk.nearest_end);
    return mix(hash, engine->pool.live);
}

static uint64_t mix_window(uint64_t hash, const kk_window *window) {
    hash = mix(mix(hash, (uint64_t)window->newest), window->sum);
    for (uint32_t i = 0; i < KK_WINDOW_BUCKETS && window->sum > 0; i++) {
        hash = mix(hash, window->counts[i]);
    }
    return hash;
}

/* By what was counted, which outlives the limits. */
static uint64_t mix_throttle(uint64_t hash, const kk_throttle *throttle) {
    if (throttle->refused_in_row == 0 && throttle->orders.newest == 0 &&
        throttle->messages.newest == 0 && throttle->cancels.newest == 0) {
        return hash;
    }
    hash = mix(hash, throttle->refused_in_row);
    hash = mix_window(hash, &throttle->orders);
    hash = mix_window(hash, &throttle->messages);
    return mix_window(hash, &throttle->cancels);
}

static uint64_t mix_mass_status(uint64_t hash, const kk_mass_status *mass) {
    if (mass->step == KK_MASS_NONE) {
        return hash;
    }
    hash = mix(hash, (uint64_t)mass->step << 8 | mass->side);
    hash = mix(hash, (uint64_t)mass->instrument << 32 | mass->account);
    hash = mix(hash, (uint64_t)mass->total << 32 | mass->told);
    hash = mix(hash, mass->below);
    hash = mix(hash, mass->end);
    hash = mix_bytes(hash, mass->header_echo, mass->header_echo_length);
    return mix_bytes(hash, mass->request_id, mass->request_id_length);
}

static uint64_t mix_session(uint64_t hash, const kk_session *session) {
    hash = mix(hash, session->next_in);
    hash = mix(hash, session->next_out);
    hash = mix(hash, (uint64_t)session->last_in_ns);
    hash = mix(hash, (uint64_t)session->last_out_ns);
    hash = mix(hash, session->epoch);
    hash = mix(hash, session->open_orders);
    hash = mix(hash, (uint64_t)session->orders_kept << 32 | session->orders_pulled);
    hash = mix(hash, session->pull_below);
    hash = mix(hash, session->pull_end);
    hash = mix(hash, session->pull_all_below);
    hash = mix(hash, session->pull_all_reason);
    hash = mix_mass_status(hash, &session->mass);
    return mix(hash, (uint64_t)session->established << 1 | session->plain);
}

static uint64_t mix_order(uint64_t hash, const kk_engine *engine, uint32_t slot) {
    const kk_order *order = &engine->pool.orders[slot];
    const kk_order_detail *detail = &engine->pool.details[slot];
    uint8_t echo[KK_ECHO_MAX];

    hash = mix(hash, order->order_id);
    hash = mix(hash, (uint64_t)order->price_ticks);
    hash = mix(hash, (uint64_t)order->leaves_lots);
    hash = mix(hash, (uint64_t)order->session << 32 | order->account);
    hash = mix(hash, order->expire_day);
    hash = mix(hash, (uint64_t)order->asked_for << 24 | (uint64_t)order->on_disconnect << 16 |
                         (uint64_t)order->time_in_force << 8 | order->ord_type);
    hash = mix(hash, (uint64_t)detail->order_qty_lots);
    hash = mix(hash, (uint64_t)detail->cum_lots);
    hash = mix(hash, detail->cum_notional_low);
    hash = mix(hash, (uint64_t)detail->cum_notional_high);
    hash = mix_bytes(hash, detail->clord_id, detail->clord_id_length);
    hash = mix_bytes(hash, detail->echo, detail->header_echo_bytes);
    return mix_bytes(hash, echo, kk_order_pool_copy_echo(&engine->pool, slot, echo));
}

static uint64_t mix_side(uint64_t hash, const kk_engine *engine, uint32_t instrument,
                         uint8_t side) {
    for (uint32_t slot = kk_book_first(engine->books, instrument, side); slot != KK_NONE;
         slot = kk_book_after(engine->books, slot)) {
        hash = mix_order(hash, engine, slot);
    }
    return mix(hash, side);
}

uint64_t kk_state_hash(const kk_engine *engine) {
    const kk_capacity *capacity = &engine->capacity;
    uint64_t hash = mix_engine(0, engine);

    for (uint32_t i = 0; i < capacity->sessions; i++) {
        if (engine->sessions[i].configured) {
            hash = mix_session(mix(hash, i), &engine->sessions[i]);
            hash = mix_throttle(hash, &engine->throttles[i]);
        }
    }
    for (uint32_t i = 0; i < capacity->accounts; i++) {
        if (engine->accounts[i].configured) {
            hash = mix(mix(hash, i), engine->accounts[i].open_orders);
        }
    }
    for (uint32_t i = 0; i < capacity->firms; i++) {
        if (engine->firms[i].configured) {
            hash = mix(mix(hash, i), engine->firms[i].open_orders);
        }
    }
    for (uint32_t i = 0; i < capacity->instruments; i++) {
        if (engine->instruments[i].configured) {
            hash = mix_side(mix_side(mix(hash, i), engine, i, '1'), engine, i, '2');
        }
    }
    return hash;
}

uint32_t kk_book_read(const kk_engine *engine, uint32_t instrument, uint8_t side,
                      kk_book_order *orders, uint32_t limit) {
    uint32_t count = 0;

    kk_assert(instrument < engine->capacity.instruments && (side == '1' || side == '2'));
    const kk_instrument *config = &engine->instruments[instrument].config;
    for (uint32_t slot = kk_book_first(engine->books, instrument, side);
         slot != KK_NONE && count < limit; slot = kk_book_after(engine->books, slot)) {
        const kk_order *order = &engine->pool.orders[slot];
        orders[count++] =
            (kk_book_order){.order_id = order->order_id,
                            .price_e8 = order->price_ticks * config->tick_e8,
                            .leaves_e8 = order->leaves_lots * config->lot_e8,
                            .cum_e8 = engine->pool.details[slot].cum_lots * config->lot_e8,
                            .session = order->session};
    }
    return count;
}
