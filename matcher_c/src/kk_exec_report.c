/* Reports on orders that have a slot; those on requests without one are in kk_refusal_report.c. */
#include "kk_exec_report.h"

#include "kk_refusal_text.h"
#include "kk_wire.h"

/* Header, echo, both ids, the numbers and the text, each at its longest, with room to spare. */
#define REPORT_MAX (KK_MESSAGE_HEADER_MAX + KK_HEADER_ECHO_MAX + KK_ECHO_MAX + 4096u)

uint8_t kk_ord_status(const kk_engine *engine, uint32_t slot) {
    const kk_order *order = &engine->pool.orders[slot];

    switch ((kk_order_status)order->status) {
    case KK_ORDER_LIVE:
        return engine->pool.details[slot].cum_lots == 0 ? '0' : '1';
    case KK_ORDER_FILLED:
        return '2';
    case KK_ORDER_CANCELED:
        return '4';
    case KK_ORDER_EXPIRED:
        return 'C';
    case KK_ORDER_FREE:
        break;
    }
    kk_assert(order->status != KK_ORDER_FREE);
    return '8';
}

int64_t kk_avg_px_e8(const kk_engine *engine, uint32_t slot) {
    const kk_order_detail *detail = &engine->pool.details[slot];

    if (detail->cum_lots == 0) {
        return 0;
    }
    const kk_i128 notional = ((kk_i128)detail->cum_notional_high << 64) | detail->cum_notional_low;
    return kk_divide_half_even(notional, detail->cum_lots);
}

/* 37 to 41: which order, which report, which ids. */
static uint8_t *put_identity(kk_engine *engine, uint8_t *at, const kk_report *report) {
    const kk_order_detail *detail = &engine->pool.details[report->slot];

    at = KK_PUT(at, "37=");
    at = kk_put_u64(at, engine->pool.orders[report->slot].order_id);
    at = KK_PUT(at, "\00117=");
    at = kk_put_u64(at, engine->next_exec_id++);
    if (report->trade_id != 0) {
        at = KK_PUT(at, "\001527=");
        at = kk_put_u64(at, report->trade_id);
    }
    at = KK_PUT(at, "\001150=");
    at = kk_put_char(at, report->exec_type);
    at = KK_PUT(at, "\00139=");
    at = kk_put_char(at, report->ord_status);
    at = KK_PUT(at, "\00111=");
    if (report->clord_id == NULL) {
        at = KK_PUT_OF(at, detail->clord_id, detail->clord_id_length);
    } else {
        at = kk_put(at, report->clord_id, report->clord_id_length);
    }
    if (report->orig_clord_id != NULL) {
        at = KK_PUT(at, "\00141=");
        at = kk_put(at, report->orig_clord_id, report->orig_clord_id_length);
    }
    return KK_PUT(at, "\001");
}

/* The echo of the order, without its Text(58) when the report has one of ours. */
static uint8_t *put_echo(const kk_engine *engine, uint8_t *at, const kk_report *report) {
    const kk_order_detail *detail = &engine->pool.details[report->slot];
    size_t length = kk_order_pool_copy_echo(&engine->pool, report->slot, at);

    kk_assert(length <= KK_ECHO_MAX && detail->echo_text_bytes <= length);
    if (report->cause.reason != KK_REASON_NONE) {
        length -= detail->echo_text_bytes;
    }
    return at + length;
}

/* 55 to 59: the terms of the order. */
static uint8_t *put_terms(uint8_t *at, const kk_order *order, const kk_order_detail *detail,
                          const kk_instrument *instrument) {
    at = KK_PUT(at, "55=");
    at = KK_PUT_OF(at, instrument->symbol, instrument->symbol_length);
    at = KK_PUT(at, "\00154=");
    at = kk_put_char(at, order->side);
    at = KK_PUT(at, "\00138=");
    at = kk_put_e8(at, detail->order_qty_lots * instrument->lot_e8);
    at = KK_PUT(at, "\00140=");
    at = kk_put_char(at, order->ord_type);
    if (order->ord_type == '2') {
        at = KK_PUT(at, "\00144=");
        at = kk_put_e8(at, order->price_ticks * instrument->tick_e8);
    }
    at = KK_PUT(at, "\00159=");
    return kk_put_char(at, order->time_in_force);
}

/* 32 to 60: the fill, if it is one, and where the order stands; each field leads with its SOH. */
static uint8_t *put_state(const kk_engine *engine, uint8_t *at, const kk_report *report) {
    const kk_order *order = &engine->pool.orders[report->slot];
    const kk_order_detail *detail = &engine->pool.details[report->slot];
    const kk_instrument *instrument = &engine->instruments[order->instrument].config;

    if (report->trade_id != 0) {
        at = KK_PUT(at, "\00132=");
        at = kk_put_e8(at, report->last_lots * instrument->lot_e8);
        at = KK_PUT(at, "\00131=");
        at = kk_put_e8(at, report->last_price_ticks * instrument->tick_e8);
    }
    at = KK_PUT(at, "\001151=");
    at = kk_put_e8(at, order->leaves_lots * instrument->lot_e8);
    at = KK_PUT(at, "\00114=");
    at = kk_put_e8(at, detail->cum_lots * instrument->lot_e8);
    at = KK_PUT(at, "\0016=");
    at = kk_put_e8(at, kk_avg_px_e8(engine, report->slot));
    at = KK_PUT(at, "\00160=");
    return kk_put_unit_time(at, engine, order->session);
}

/* 584, 911 and 912 of the answer to a mass status request; each field leads with its SOH. */
static uint8_t *put_mass_status(uint8_t *at, const kk_mass_status *mass) {
    at = KK_PUT(at, "\001584=");
    at = kk_put(at, mass->request_id, mass->request_id_length);
    at = KK_PUT(at, "\001911=");
    at = kk_put_u64(at, mass->total);
    return mass->told == mass->total ? KK_PUT(at, "\001912=Y") : KK_PUT(at, "\001912=N");
}

/* 851 to 58: what only some reports have. */
static uint8_t *put_rest(uint8_t *at, const kk_report *report, uint8_t dialect) {
    if (report->last_liquidity != 0) {
        at = KK_PUT(at, "\001851=");
        at = kk_put_char(at, report->last_liquidity);
    }
    if (report->priority != 0) {
        at = KK_PUT(at, "\001638=");
        at = kk_put_char(at, report->priority);
    }
    if (report->exec_restatement_reason != 0) {
        at = KK_PUT(at, "\001378=");
        at = kk_put_char(at, report->exec_restatement_reason);
    }
    if (report->status_req_id != NULL) {
        at = KK_PUT(at, "\001790=");
        at =
            kk_put(at, report->status_req_id,
                   report->status_req_id_length < KK_REPORT_VALUE_MAX ? report->status_req_id_length
                                                                      : KK_REPORT_VALUE_MAX);
    }
    if (kk_unlikely(report->mass != NULL)) {
        at = put_mass_status(at, report->mass);
    }
    at = KK_PUT(at, "\001");
    return report->cause.reason == KK_REASON_NONE ? at
                                                  : kk_put_refusal(at, &report->cause, dialect);
}

void kk_report_order(kk_engine *engine, const kk_report *report) {
    kk_assert(report->slot < engine->capacity.orders);
    const kk_order *order = &engine->pool.orders[report->slot];
    const kk_order_detail *detail = &engine->pool.details[report->slot];
    const kk_instrument *instrument = &engine->instruments[order->instrument].config;
    const kk_account_config *account = &engine->accounts[order->account].config;

    kk_assert(report->clord_id_length <= KK_CLORD_ID_MAX);
    kk_assert(report->orig_clord_id_length <= KK_CLORD_ID_MAX);
    kk_assert(kk_journal_room(&engine->out) >= REPORT_MAX);
    uint8_t *at =
        kk_message_begin(engine, order->session, "8", 1, detail->echo, detail->header_echo_bytes);
    at = put_identity(engine, at, report);
    at = put_echo(engine, at, report);
    at = put_terms(at, order, detail, instrument);
    at = put_state(engine, at, report);
    at = put_rest(at, report, engine->sessions[order->session].dialect);
    const uint8_t *message;
    size_t length;
    const uint64_t lsn = kk_message_end(engine, order->session, at, &message, &length);
    if (kk_unlikely(report->cause.reason != KK_REASON_NONE)) {
        engine->statistics.refusals[report->cause.reason]++;
    }
    if (account->copy_count > 0) {
        kk_copy_message(engine, account->copies, account->copy_count, message, length, lsn);
    }
}
