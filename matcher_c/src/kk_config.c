/* Configuration: instruments, firms, accounts and sessions by id, and their names. */
#include <string.h>

#include "kk_engine.h"

/* Finds the slot of the table where `hash` starts; linear probing from there. */
static uint32_t instrument_slot(const kk_engine *engine, const uint8_t *symbol, size_t length) {
    uint32_t at =
        (uint32_t)kk_clord_id_hash(&engine->id_key, 0, symbol, length) & engine->symbol_mask;
    while (engine->symbol_table[at] != KK_NONE) {
        const kk_instrument *config = &engine->instruments[engine->symbol_table[at]].config;
        if (config->symbol_length == length && memcmp(config->symbol, symbol, length) == 0) {
            break;
        }
        at = (at + 1u) & engine->symbol_mask;
    }
    return at;
}

static uint32_t account_slot(const kk_engine *engine, const uint8_t *name, size_t length) {
    uint32_t at =
        (uint32_t)kk_clord_id_hash(&engine->id_key, 0, name, length) & engine->account_mask;
    while (engine->account_table[at] != KK_NONE) {
        const kk_account_config *config = &engine->accounts[engine->account_table[at]].config;
        if (config->name_length == length && memcmp(config->name, name, length) == 0) {
            break;
        }
        at = (at + 1u) & engine->account_mask;
    }
    return at;
}

uint32_t kk_find_instrument(const kk_engine *engine, const uint8_t *symbol, size_t length) {
    return engine->symbol_table[instrument_slot(engine, symbol, length)];
}

uint32_t kk_find_account(const kk_engine *engine, const kk_session *session, const uint8_t *name,
                         size_t length) {
    if (length == 0) {
        return session->default_account;
    }
    const uint32_t account = engine->account_table[account_slot(engine, name, length)];
    if (account == KK_NONE) {
        return KK_NONE;
    }
    const bool allowed = (session->account_bits[account / 64u] >> (account % 64u)) & 1u;
    return allowed ? account : KK_NONE;
}

kk_status kk_venue_set(kk_engine *engine, const kk_venue_params *params) {
    if (params->max_order_age_ns <= 0 || params->sending_time_tolerance_ns <= 0) {
        return KK_INVALID;
    }
    engine->venue = *params;
    if (engine->trading_day == 0) {
        engine->trading_day = params->trading_day;
    }
    return KK_OK;
}

void kk_storage_low_set(kk_engine *engine, bool low) { engine->storage_low = low; }

/*
 * The value of one lot, exact unless it has so many digits that an order cannot feel the rest.
 * False: it is too large for any order, and nothing was set.
 */
static bool set_lot_value(kk_instrument_state *state, const kk_instrument *instrument) {
    const kk_i128 e8 = (kk_i128)KK_E8;
    kk_i128 value = (kk_i128)instrument->lot_e8 * instrument->multiplier_e8;
    uint64_t scale = (uint64_t)KK_E8 * (uint64_t)KK_E8;

    if (__builtin_mul_overflow(value, (kk_i128)instrument->rate_e8, &value)) {
        return false;
    }
    value = (value + e8 - 1) / e8;
    while (value > INT64_MAX && scale > (uint64_t)KK_E8) {
        value = (value + 9) / 10;
        scale /= 10u;
    }
    if (value > INT64_MAX) {
        return false;
    }
    state->lot_value = (int64_t)value;
    state->lot_value_scale = scale;
    return true;
}

kk_status kk_instrument_set(kk_engine *engine, uint32_t id, const kk_instrument *instrument) {
    if (id >= engine->capacity.instruments) {
        return KK_CAPACITY;
    }
    if (instrument->symbol_length == 0 || instrument->symbol_length > KK_SYMBOL_MAX ||
        instrument->tick_e8 <= 0 || instrument->lot_e8 <= 0 || instrument->multiplier_e8 <= 0 ||
        instrument->rate_e8 <= 0 || instrument->band_e8 < 0 ||
        instrument->reference_price_e8 % instrument->tick_e8 != 0) {
        return KK_INVALID;
    }
    kk_instrument_state *state = &engine->instruments[id];
    const uint32_t slot =
        instrument_slot(engine, (const uint8_t *)instrument->symbol, instrument->symbol_length);
    kk_assert(engine->symbol_table[slot] == KK_NONE || engine->symbol_table[slot] == id);
    kk_assert(!state->configured || engine->symbol_table[slot] == id);
    if (!set_lot_value(state, instrument)) {
        return KK_INVALID;
    }
    state->config = *instrument;
    state->reference_ticks = instrument->reference_price_e8 / instrument->tick_e8;
    state->configured = true;
    engine->symbol_table[slot] = id;
    return KK_OK;
}

kk_status kk_firm_set(kk_engine *engine, uint32_t id, const kk_firm_config *firm) {
    if (id >= engine->capacity.firms) {
        return KK_CAPACITY;
    }
    if (firm->copy_count > KK_COPIES_MAX) {
        return KK_INVALID;
    }
    engine->firms[id].config = *firm;
    engine->firms[id].configured = true;
    return KK_OK;
}

uint32_t kk_firm_open_orders(const kk_engine *engine, uint32_t firm) {
    kk_assert(firm < engine->capacity.firms && engine->firms[firm].configured);
    return engine->firms[firm].open_orders;
}

uint32_t kk_account_open_orders(const kk_engine *engine, uint32_t account) {
    kk_assert(account < engine->capacity.accounts && engine->accounts[account].configured);
    return engine->accounts[account].open_orders;
}

kk_status kk_account_set(kk_engine *engine, uint32_t id, const kk_account_config *account) {
    if (id >= engine->capacity.accounts) {
        return KK_CAPACITY;
    }
    if (account->name_length == 0 || account->name_length > KK_ACCOUNT_MAX ||
        account->copy_count > KK_COPIES_MAX || account->firm >= engine->capacity.firms ||
        !engine->firms[account->firm].configured) {
        return KK_INVALID;
    }
    kk_account *state = &engine->accounts[id];
    const uint32_t slot =
        account_slot(engine, (const uint8_t *)account->name, account->name_length);
    kk_assert(engine->account_table[slot] == KK_NONE || engine->account_table[slot] == id);
    kk_assert(!state->configured || engine->account_table[slot] == id);
    state->config = *account;
    state->configured = true;
    engine->account_table[slot] = id;
    return KK_OK;
}

static void set_accounts(kk_engine *engine, kk_session *session, const kk_session_config *config) {
    const size_t words = (engine->capacity.accounts + 63u) / 64u;

    memset(session->account_bits, 0, words * sizeof *session->account_bits);
    for (uint32_t i = 0; i < config->account_count; i++) {
        const uint32_t account = config->accounts[i];
        session->account_bits[account / 64u] |= UINT64_C(1) << (account % 64u);
    }
    session->default_account = config->account_count > 0 ? config->accounts[0] : KK_NONE;
}

static void set_header_template(kk_session *session) {
    uint8_t *at = session->header_template;
    memcpy(at, "\00149=", 4);
    at += 4;
    memcpy(at, session->our_comp_id, session->our_comp_id_length);
    at += session->our_comp_id_length;
    memcpy(at, "\00156=", 4);
    at += 4;
    memcpy(at, session->their_comp_id, session->their_comp_id_length);
    at += session->their_comp_id_length;
    memcpy(at, "\00134=", 4);
    at += 4;
    session->header_template_length = (uint16_t)(at - session->header_template);
}

static void set_throttle(kk_engine *engine, uint32_t id, const kk_throttle_limits *limits) {
    kk_session *session = &engine->sessions[id];
    const bool limited = limits->messages_per_second != 0 || limits->orders_per_second != 0;

    session->throttle = limited ? &engine->throttles[id] : NULL;
    if (limited) {
        session->throttle->limits = *limits;
    }
}

static bool session_config_is_sane(const kk_engine *engine, const kk_session_config *config) {
    if (config->sender_comp_id_length == 0 || config->sender_comp_id_length > KK_COMP_ID_MAX ||
        config->target_comp_id_length == 0 || config->target_comp_id_length > KK_COMP_ID_MAX ||
        config->firm >= engine->capacity.firms || !engine->firms[config->firm].configured ||
        config->precision > KK_PRECISION_MICROSECONDS) {
        return false;
    }
    for (uint32_t i = 0; i < config->account_count; i++) {
        if (config->accounts[i] >= engine->capacity.accounts ||
            !engine->accounts[config->accounts[i]].configured) {
            return false;
        }
    }
    return true;
}

kk_status kk_session_set(kk_engine *engine, uint32_t id, const kk_session_config *config) {
    if (id >= engine->capacity.sessions) {
        return KK_CAPACITY;
    }
    if (!session_config_is_sane(engine, config)) {
        return KK_INVALID;
    }
    kk_session *session = &engine->sessions[id];
    memcpy(session->their_comp_id, config->sender_comp_id, config->sender_comp_id_length);
    memcpy(session->our_comp_id, config->target_comp_id, config->target_comp_id_length);
    session->their_comp_id_length = (uint8_t)config->sender_comp_id_length;
    session->our_comp_id_length = (uint8_t)config->target_comp_id_length;
    session->firm = config->firm;
    session->role = (uint8_t)config->role;
    session->dialect = (uint8_t)config->dialect;
    session->enabled = config->enabled != 0;
    session->precision = (uint8_t)config->precision;
    session->tells_last_processed = config->tells_last_processed != 0;
    session->cancel_on_disconnect = config->cancel_on_disconnect != 0;
    session->limits = config->limits;
    session->configured = 1;
    set_accounts(engine, session, config);
    set_throttle(engine, id, &config->throttle);
    set_header_template(session);
    if (id >= engine->sessions_used) {
        engine->sessions_used = id + 1u;
    }
    return KK_OK;
}
