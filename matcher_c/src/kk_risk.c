/* Pre-trade checks, one function each, in the order that the header tells. */
#include "kk_risk.h"

/*
 * Lots of one order: so many that no order of the world comes near, so few that the lots of all
 * orders of a book add up without overflow.
 */
#define ORDER_LOTS_MAX (INT64_C(1) << 40)

#define NS_OF_E8 10 /* nanoseconds of 1e-8 seconds */

__extension__ typedef unsigned __int128 u128;
#define NOTIONAL_MAX (((u128)1 << 127) - 1u)

/* What one check works on. */
typedef struct check {
    const kk_engine *engine;
    const kk_session *session;
    const kk_command *command;
    const kk_instrument_state *instrument;
    kk_checked *checked;
    kk_refusal *refusal;
} check;

static bool refuse(const check *at, kk_reason reason) {
    at->refusal->reason = reason;
    return false;
}

/* What was allowed and what was asked for, where there is no headroom to tell. */
static bool refuse_value(const check *at, kk_reason reason, int64_t limit_e8, int64_t value_e8) {
    at->refusal->has_numbers = true;
    at->refusal->limit_e8 = limit_e8;
    at->refusal->value_e8 = value_e8;
    return refuse(at, reason);
}

static bool refuse_numbers(const check *at, kk_reason reason, int64_t limit_e8, int64_t value_e8,
                           int64_t headroom_e8) {
    at->refusal->has_headroom = true;
    at->refusal->headroom_e8 = headroom_e8;
    return refuse_value(at, reason, limit_e8, value_e8);
}

static int64_t saturated(kk_i128 value) {
    return value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : (int64_t)value;
}

/* The tighter of two limits, of which 0 is none. */
static int64_t tighter(int64_t a, int64_t b) { return a != 0 && (b == 0 || a < b) ? a : b; }

/* ------------------------------------------------------------------ whether it may trade now */

/* The limit and the age are told in seconds. */
static bool check_age(const check *at) {
    const int64_t limit_ns = at->engine->venue.max_order_age_ns;
    int64_t age_ns;

    if (__builtin_sub_overflow(at->engine->out.time_ns, at->command->sent_ns, &age_ns)) {
        age_ns = at->command->sent_ns < 0 ? INT64_MAX : INT64_MIN;
    }
    return age_ns <= limit_ns ||
           refuse_value(at, KK_REASON_STALE_ORDER, limit_ns / NS_OF_E8, age_ns / NS_OF_E8);
}

static bool check_trading(const check *at) {
    if (at->command->reason != KK_REASON_NONE) {
        return refuse(at, (kk_reason)at->command->reason);
    }
    if (at->engine->venue.halted) {
        return refuse(at, KK_REASON_HALTED);
    }
    if (at->engine->storage_low) {
        return refuse(at, KK_REASON_STORAGE_LOW);
    }
    if (!at->instrument->config.open) {
        return refuse(at, KK_REASON_INSTRUMENT_CLOSED);
    }
    return check_age(at);
}

/* ------------------------------------------------------------------ what it asks for */

static bool check_values(const check *at) {
    const kk_command *command = at->command;
    const uint32_t sub_ids = command->sender_sub_id.length + command->target_sub_id.length;

    if (command->side != '1' && command->side != '2') {
        return refuse(at, KK_REASON_UNSUPPORTED_SIDE);
    }
    if (command->ord_type != '1' && command->ord_type != '2') {
        return refuse(at, KK_REASON_UNSUPPORTED_ORD_TYPE);
    }
    if (command->time_in_force != '0' && command->time_in_force != '1' &&
        command->time_in_force != '3' && command->time_in_force != '4') {
        return refuse(at, KK_REASON_UNSUPPORTED_TIME_IN_FORCE);
    }
    /* "50=" and "57=" with their ends */
    if (command->echo_bytes > KK_ECHO_MAX || sub_ids + 8u > KK_HEADER_ECHO_MAX) {
        return refuse(at, KK_REASON_ECHO_TOO_LONG);
    }
    return true;
}

static bool check_qty(const check *at) {
    const int64_t qty_e8 = at->command->order_qty_e8;
    const int64_t lot_e8 = at->instrument->config.lot_e8;

    if (!(at->command->flags & KK_COMMAND_HAS_QTY) || qty_e8 <= 0) {
        return refuse(at, KK_REASON_QTY_NOT_POSITIVE);
    }
    at->checked->lots = qty_e8 / lot_e8;
    if (at->checked->lots * lot_e8 != qty_e8) {
        return refuse_value(at, KK_REASON_QTY_LOT, lot_e8, qty_e8);
    }
    if (at->checked->lots > ORDER_LOTS_MAX) {
        const int64_t limit_e8 = saturated((kk_i128)ORDER_LOTS_MAX * lot_e8);
        return refuse_numbers(at, KK_REASON_MAX_ORDER_QTY, limit_e8, qty_e8, limit_e8);
    }
    return true;
}

static bool check_band(const check *at) {
    const kk_instrument *config = &at->instrument->config;
    const kk_i128 distance = (kk_i128)at->command->price_e8 - config->reference_price_e8;

    if (config->band_e8 == 0 || (distance <= config->band_e8 && -distance <= config->band_e8)) {
        return true;
    }
    const kk_i128 bound = distance > 0 ? (kk_i128)config->reference_price_e8 + config->band_e8
                                       : (kk_i128)config->reference_price_e8 - config->band_e8;
    return refuse_numbers(at, KK_REASON_PRICE_BAND, saturated(bound), at->command->price_e8,
                          config->band_e8);
}

static bool check_price(const check *at) {
    const int64_t price_e8 = at->command->price_e8;
    const int64_t tick_e8 = at->instrument->config.tick_e8;

    at->checked->price_ticks = 0;
    if (at->command->ord_type == '1') {
        return true;
    }
    if (!(at->command->flags & KK_COMMAND_HAS_PRICE)) {
        return refuse(at, KK_REASON_PRICE_MISSING);
    }
    at->checked->price_ticks = price_e8 / tick_e8;
    if (at->checked->price_ticks * tick_e8 != price_e8) {
        return refuse_value(at, KK_REASON_PRICE_TICK, tick_e8, price_e8);
    }
    return check_band(at);
}

/* ------------------------------------------------------------------ limits */

/* Value of `lots` at a price: currency * 1e8 * lot_value_scale; NOTIONAL_MAX: that, or more. */
static u128 notional_of(kk_i128 price_e8, int64_t lots, int64_t lot_value) {
    const u128 price = (u128)(price_e8 < 0 ? -price_e8 : price_e8);

    kk_assert(price >> 65 == 0 && lots > 0 && lots <= ORDER_LOTS_MAX && lot_value > 0);
    const u128 all_lots = price * (uint64_t)lots;
    const u128 low = (u128)(uint64_t)all_lots * (uint64_t)lot_value;
    const u128 high = (all_lots >> 64) * (uint64_t)lot_value + (low >> 64);
    return high >> 63 != 0 ? NOTIONAL_MAX : (high << 64) | (uint64_t)low;
}

/* The same in 1e-8, rounded up; INT64_MAX: that, or more. */
static int64_t rounded_e8(u128 value, uint64_t scale) {
    if (value >= (u128)INT64_MAX * scale) {
        return INT64_MAX;
    }
    return (int64_t)((value + scale - 1u) / scale);
}

/* The price at which a limit counts an order: its own, or the worst that the band allows. */
static kk_i128 limit_price_e8(const check *at) {
    const kk_instrument *config = &at->instrument->config;

    if (at->command->ord_type == '2') {
        return at->command->price_e8;
    }
    const kk_i128 reference = config->reference_price_e8;
    return reference < 0 ? reference - config->band_e8 : reference + config->band_e8;
}

static bool check_limits(const check *at) {
    const kk_account *account = &at->engine->accounts[at->checked->account];
    const kk_limits *of_session = &at->session->limits;
    const kk_limits *of_account = &account->config.limits;
    const kk_limits *of_firm = &at->engine->firms[account->config.firm].config.limits;
    const int64_t qty_e8 =
        tighter(of_session->max_order_qty_e8,
                tighter(of_account->max_order_qty_e8, of_firm->max_order_qty_e8));
    const int64_t notional =
        tighter(of_session->max_order_notional_e8,
                tighter(of_account->max_order_notional_e8, of_firm->max_order_notional_e8));

    if (qty_e8 != 0 && at->command->order_qty_e8 > qty_e8) {
        return refuse_numbers(at, KK_REASON_MAX_ORDER_QTY, qty_e8, at->command->order_qty_e8,
                              qty_e8);
    }
    if (notional != 0) {
        const uint64_t scale = at->instrument->lot_value_scale;
        const u128 value =
            notional_of(limit_price_e8(at), at->checked->lots, at->instrument->lot_value);
        if (value > (u128)notional * scale) {
            return refuse_numbers(at, KK_REASON_MAX_ORDER_NOTIONAL, notional,
                                  rounded_e8(value, scale), notional);
        }
    }
    return true;
}

/* One more open order under one limit; the numbers of the refusal are counts. */
static bool check_count(const check *at, uint32_t open_orders, uint32_t limit) {
    if (limit == 0 || open_orders < limit) {
        return true;
    }
    return refuse_numbers(at, KK_REASON_MAX_OPEN_ORDERS, (int64_t)limit * KK_E8,
                          ((int64_t)open_orders + 1) * KK_E8, 0);
}

static bool check_open_orders(const check *at) {
    const kk_account *account = &at->engine->accounts[at->checked->account];
    const kk_firm *firm = &at->engine->firms[account->config.firm];

    return check_count(at, at->session->open_orders, at->session->limits.max_open_orders) &&
           check_count(at, account->open_orders, account->config.limits.max_open_orders) &&
           check_count(at, firm->open_orders, firm->config.limits.max_open_orders);
}

/* ------------------------------------------------------------------ all of them */

static bool check_order(const check *at) {
    return check_trading(at) && check_values(at) && check_qty(at) && check_price(at) &&
           check_limits(at);
}

bool kk_check_new(const kk_engine *engine, uint32_t session, const kk_command *command,
                  kk_checked *checked, kk_refusal *refusal) {
    check at = {.engine = engine,
                .session = &engine->sessions[session],
                .command = command,
                .checked = checked,
                .refusal = refusal};

    checked->instrument =
        kk_find_instrument(engine, command->base + command->symbol.offset, command->symbol.length);
    checked->account = kk_find_account(engine, at.session, command->base + command->account.offset,
                                       command->account.length);
    if (checked->instrument == KK_NONE) {
        return refuse(&at, KK_REASON_UNKNOWN_SYMBOL);
    }
    if (checked->account == KK_NONE) {
        return refuse(&at, KK_REASON_UNKNOWN_ACCOUNT);
    }
    at.instrument = &engine->instruments[checked->instrument];
    return check_order(&at) && check_open_orders(&at);
}

/* A replace that names an account names the order's own. */
static bool same_account(const check *at, const kk_order *order) {
    const kk_span *account = &at->command->account;

    return account->length == 0 ||
           kk_find_account(at->engine, at->session, at->command->base + account->offset,
                           account->length) == order->account;
}

bool kk_check_replace(const kk_engine *engine, uint32_t session, uint32_t slot,
                      const kk_command *command, kk_checked *checked, kk_refusal *refusal) {
    const kk_order *order = &engine->pool.orders[slot];
    const check at = {.engine = engine,
                      .session = &engine->sessions[session],
                      .command = command,
                      .instrument = &engine->instruments[order->instrument],
                      .checked = checked,
                      .refusal = refusal};

    kk_assert(order->status == KK_ORDER_LIVE && order->session == session);
    checked->instrument = order->instrument;
    checked->account = order->account;
    if (command->ord_type != order->ord_type || !same_account(&at, order)) {
        return refuse(&at, KK_REASON_REPLACE_MISMATCH);
    }
    if ((command->time_in_force == '3' || command->time_in_force == '4') &&
        command->time_in_force != order->time_in_force) {
        return refuse(&at, KK_REASON_UNSUPPORTED_TIME_IN_FORCE);
    }
    return check_order(&at);
}
