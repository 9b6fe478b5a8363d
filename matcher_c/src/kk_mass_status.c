/*
 * OrderMassStatusRequest(AF): 150=I for each order that is asked for, TotNumReports(911) on all of
 * them and LastRptRequested(912)=Y on the last; or one report that says why there is none.
 *
 * What is promised is sent: the orders are counted and marked first, and a mark stays until its
 * order has been reported on.  A closed order whose slot is about to be reused is reported on just
 * before that.
 */
#include "kk_mass_status.h"

#include <string.h>

#include "kk_header_echo.h"
#include "kk_orders.h"

bool kk_mass_status_pending(const kk_engine *engine, uint32_t session) {
    kk_assert(session < engine->capacity.sessions);
    return engine->sessions[session].mass.step != KK_MASS_NONE;
}

/* ------------------------------------------------------------------ the request */

/* What of the request names something; NONE when it can be looked for. */
static kk_reason resolve(const kk_engine *engine, const kk_session *session,
                         const kk_command *command, kk_mass_status *mass) {
    const kk_span *symbol = &command->symbol;
    const kk_span *account = &command->account;

    mass->side = command->side;
    mass->instrument = KK_NONE;
    mass->account =
        account->length == 0
            ? KK_NONE
            : kk_find_account(engine, session, kk_span_at(command, account), account->length);
    if (command->reason != KK_REASON_NONE) {
        return (kk_reason)command->reason;
    }
    if (symbol->length > 0) {
        mass->instrument = kk_find_instrument(engine, kk_span_at(command, symbol), symbol->length);
        if (mass->instrument == KK_NONE) {
            return KK_REASON_UNKNOWN_SYMBOL;
        }
    }
    if (account->length > 0 && mass->account == KK_NONE) {
        return KK_REASON_UNKNOWN_ACCOUNT;
    }
    if (command->side != 0 && command->side != '1' && command->side != '2') {
        return KK_REASON_UNSUPPORTED_SIDE;
    }
    return session->open_orders == 0 ? KK_REASON_NO_OPEN_ORDERS : KK_REASON_NONE;
}

/* Symbol(55) and Account(1) of the request itself: they may be unknown to the venue. */
static void refuse(kk_engine *engine, uint32_t session, const kk_command *command,
                   const kk_mass_status *mass, kk_reason reason) {
    const kk_no_orders answer = {.mass = mass,
                                 .symbol = kk_span_at(command, &command->symbol),
                                 .symbol_length = command->symbol.length,
                                 .account = kk_span_at(command, &command->account),
                                 .account_length = command->account.length,
                                 .reason = reason};

    kk_report_no_orders(engine, session, &answer);
}

void kk_mass_status_request(kk_engine *engine, uint32_t session, const kk_command *command) {
    kk_session *state = &engine->sessions[session];
    const kk_span *id = &command->status_req_id;
    kk_mass_status mass = {.step = KK_MASS_COUNT, .below = engine->next_order_id};

    kk_assert(engine->out.open && session < engine->capacity.sessions && state->configured);
    kk_assert(state->mass.step == KK_MASS_NONE);
    kk_assert(id->length > 0 && id->length <= KK_MASS_STATUS_ID_MAX);
    mass.request_id_length = (uint8_t)id->length;
    memcpy(mass.request_id, kk_span_at(command, id), id->length);
    mass.header_echo_length = (uint8_t)kk_header_echo(command, mass.header_echo);
    const kk_reason reason = resolve(engine, state, command, &mass);
    if (reason != KK_REASON_NONE) {
        refuse(engine, session, command, &mass, reason);
        return;
    }
    mass.end = kk_walk_join(&engine->walk);
    state->mass = mass;
}

/* ------------------------------------------------------------------ as the walk comes by */

static void done(kk_engine *engine, kk_mass_status *mass) {
    *mass = (kk_mass_status){.step = KK_MASS_NONE};
    kk_walk_leave(&engine->walk);
}

static void tell(kk_engine *engine, uint32_t slot) {
    kk_order *order = &engine->pool.orders[slot];
    kk_mass_status *mass = &engine->sessions[order->session].mass;

    kk_assert(order->asked_for && mass->told < mass->total);
    order->asked_for = 0;
    mass->told++;
    const kk_report report = {
        .slot = slot, .exec_type = 'I', .ord_status = kk_ord_status(engine, slot), .mass = mass};
    kk_report_order(engine, &report);
    if (mass->told == mass->total) {
        done(engine, mass);
    }
}

static bool is_meant(const kk_order *order, const kk_mass_status *mass) {
    return order->order_id < mass->below && (mass->side == 0 || order->side == mass->side) &&
           (mass->instrument == KK_NONE || order->instrument == mass->instrument) &&
           (mass->account == KK_NONE || order->account == mass->account);
}

bool kk_mass_status_visit(kk_engine *engine, uint32_t slot) {
    kk_order *order = &engine->pool.orders[slot];
    kk_mass_status *mass = &engine->sessions[order->session].mass;

    if (mass->step == KK_MASS_REPORT && order->asked_for) {
        tell(engine, slot);
        return true;
    }
    if (mass->step == KK_MASS_COUNT && !order->asked_for && order->status == KK_ORDER_LIVE &&
        is_meant(order, mass)) {
        order->asked_for = 1;
        mass->total++;
    }
    return false;
}

/* There was something open, but nothing of what was asked for. */
static void tell_of_nothing(kk_engine *engine, uint32_t session) {
    const kk_mass_status *mass = &engine->sessions[session].mass;
    kk_no_orders answer = {.mass = mass, .reason = KK_REASON_NO_OPEN_ORDERS};

    if (mass->instrument != KK_NONE) {
        const kk_instrument *instrument = &engine->instruments[mass->instrument].config;
        answer.symbol = (const uint8_t *)instrument->symbol;
        answer.symbol_length = instrument->symbol_length;
    }
    if (mass->account != KK_NONE) {
        const kk_account_config *account = &engine->accounts[mass->account].config;
        answer.account = (const uint8_t *)account->name;
        answer.account_length = account->name_length;
    }
    kk_report_no_orders(engine, session, &answer);
}

bool kk_mass_status_counted(kk_engine *engine, uint32_t session) {
    kk_mass_status *mass = &engine->sessions[session].mass;

    kk_assert(mass->step == KK_MASS_COUNT && mass->told == 0);
    if (mass->total == 0) {
        tell_of_nothing(engine, session);
        done(engine, mass);
        return false;
    }
    mass->step = KK_MASS_REPORT;
    mass->end = engine->walk.at + KK_WALK_LAP;
    return true;
}

void kk_mass_status_lose(kk_engine *engine, uint32_t slot) {
    kk_order *order = &engine->pool.orders[slot];
    kk_mass_status *mass = &engine->sessions[order->session].mass;

    kk_assert(order->asked_for && order->status > KK_ORDER_LIVE);
    if (mass->step == KK_MASS_REPORT) {
        tell(engine, slot);
    } else {
        order->asked_for = 0;
        mass->total--;
    }
}
