/*
 * Cancel on disconnect: the orders that a session leaves behind, pulled as the walk comes by.
 *
 * An order says by ExecInst(18) what becomes of it, else its session does.  Only orders that were
 * there at the disconnect are pulled: those with an OrderID(37) below the venue's counter of then.
 * Until its turn comes an order is as it was: it may trade, and a session that has returned may
 * cancel or replace it.
 *
 * A session that may not log on any more leaves nothing behind: all orders that there are then go,
 * whatever they say, and for the reason that the session goes.
 */
#include "kk_orders.h"

/* Live orders of the session that a disconnect would take; an exact count. */
static uint32_t pullable_orders(const kk_session *session) {
    kk_assert(session->orders_kept + session->orders_pulled <= session->open_orders);
    return session->cancel_on_disconnect ? session->open_orders - session->orders_kept
                                         : session->orders_pulled;
}

void kk_count_word(kk_session *session, uint8_t word, uint32_t by) {
    uint32_t *count =
        word == KK_KEEP_ON_DISCONNECT ? &session->orders_kept : &session->orders_pulled;

    kk_assert(word == KK_KEEP_ON_DISCONNECT || word == KK_CANCEL_ON_DISCONNECT);
    kk_assert(by == 1u || *count > 0);
    *count += by;
}

/* Has the walk look for the session's orders from here once round. */
static void join(kk_engine *engine, kk_session *state, uint64_t below_order_id) {
    if (state->pull_below != 0) {
        kk_walk_leave(&engine->walk);
    }
    if (state->pull_below < below_order_id) {
        state->pull_below = below_order_id;
    }
    state->pull_end = kk_walk_join(&engine->walk);
}

void kk_pull_orders(kk_engine *engine, uint32_t session, uint64_t below_order_id) {
    kk_session *state = &engine->sessions[session];

    kk_assert(engine->out.open && session < engine->capacity.sessions && state->configured);
    kk_assert(below_order_id > 0 && below_order_id <= engine->next_order_id);
    if (pullable_orders(state) == 0) {
        return;
    }
    join(engine, state, below_order_id);
}

void kk_pull_all_orders(kk_engine *engine, uint32_t session, kk_reason reason) {
    kk_session *state = &engine->sessions[session];

    kk_assert(engine->out.open && session < engine->capacity.sessions && state->configured);
    kk_assert(kk_is_pull_all_reason(reason));
    if (state->open_orders == 0) {
        return;
    }
    join(engine, state, engine->next_order_id);
    state->pull_all_below = engine->next_order_id;
    state->pull_all_reason = (uint8_t)reason;
}

/* Why an order goes; KK_REASON_NONE: it stays. */
static kk_reason why_pulled(const kk_order *order, const kk_session *session) {
    if (order->order_id < session->pull_all_below) {
        return (kk_reason)session->pull_all_reason;
    }
    if (order->order_id >= session->pull_below) {
        return KK_REASON_NONE;
    }
    const bool goes = order->on_disconnect != 0 ? order->on_disconnect == KK_CANCEL_ON_DISCONNECT
                                                : session->cancel_on_disconnect;
    return goes ? KK_REASON_CANCEL_ON_DISCONNECT : KK_REASON_NONE;
}

/* Whether no order is left that may have to go. */
static bool is_over(const kk_session *session) {
    return session->pull_all_below != 0 ? session->open_orders == 0 : pullable_orders(session) == 0;
}

bool kk_pull_if_due(kk_engine *engine, uint32_t slot) {
    const kk_order *order = &engine->pool.orders[slot];
    kk_session *session = &engine->sessions[order->session];

    kk_assert(order->status == KK_ORDER_LIVE);
    const kk_reason reason = why_pulled(order, session);
    if (reason == KK_REASON_NONE) {
        return false;
    }
    kk_close_order(engine, slot, KK_ORDER_CANCELED);
    const kk_report report = {
        .slot = slot, .exec_type = '4', .ord_status = '4', .cause = {.reason = reason}};
    kk_report_order(engine, &report);
    if (is_over(session)) {
        kk_pull_done(engine, session);
    }
    return true;
}

void kk_pull_done(kk_engine *engine, kk_session *session) {
    kk_assert(session->pull_below != 0);
    session->pull_below = 0;
    session->pull_end = 0;
    session->pull_all_below = 0;
    session->pull_all_reason = 0;
    kk_walk_leave(&engine->walk);
}
