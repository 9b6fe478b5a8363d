/*
 * What the walk does at each order slot, and when a session has been once round.
 *
 * Its work is bounded by the slice and by the unit, so replay goes exactly as far as live went.
 * An order whose day is over expires when the walk looks at it, as everywhere.
 */
#include "kk_orders.h"

#define ACT_WEIGHT 10u /* slots that an order counts for whose report is written */

/* Does what the order's session wants of it; returns how many reports were written. */
static uint32_t visit(kk_engine *engine, uint32_t slot) {
    const kk_order *order = &engine->pool.orders[slot];
    uint32_t reports = 0;

    if (order->status != KK_ORDER_LIVE && !order->asked_for) {
        return 0;
    }
    const kk_session *session = &engine->sessions[order->session];
    if (session->pull_below == 0 && session->mass.step == KK_MASS_NONE) {
        return 0;
    }
    if (order->status == KK_ORDER_LIVE && kk_expire_if_due(engine, slot)) {
        reports++;
    }
    if (kk_mass_status_visit(engine, slot)) {
        reports++;
    }
    if (order->status == KK_ORDER_LIVE && kk_pull_if_due(engine, slot)) {
        reports++;
    }
    return reports;
}

static bool has_room(const kk_engine *engine) {
    return kk_unit_has_room(engine, 2 * KK_FILL_RESERVE);
}

/* Ends what of a session is once round; returns how many reports were written. */
static uint32_t finish_session(kk_engine *engine, uint32_t id) {
    kk_session *session = &engine->sessions[id];

    if (session->pull_below != 0 && session->pull_end <= engine->walk.at) {
        kk_pull_done(engine, session);
    }
    if (session->mass.step != KK_MASS_NONE && session->mass.end <= engine->walk.at) {
        return kk_mass_status_counted(engine, id) ? 0 : 1;
    }
    return 0;
}

/*
 * Lets go whoever has been once round, and finds the next end; returns how many reports were
 * written.  Without room for more of them it is called again.
 */
static uint32_t finish(kk_engine *engine) {
    uint64_t nearest_end = UINT64_MAX;
    uint32_t reports = 0;

    for (uint32_t i = 0; i < engine->sessions_used; i++) {
        const kk_session *session = &engine->sessions[i];
        if (!has_room(engine)) {
            return reports;
        }
        reports += finish_session(engine, i);
        if (session->pull_below != 0 && session->pull_end < nearest_end) {
            nearest_end = session->pull_end;
        }
        if (session->mass.step != KK_MASS_NONE && session->mass.end < nearest_end) {
            nearest_end = session->mass.end;
        }
    }
    engine->walk.nearest_end = nearest_end;
    return reports;
}

bool kk_walk_slice(kk_engine *engine, uint32_t limit) {
    kk_walk *walk = &engine->walk;
    uint32_t spent = 0;

    kk_assert(engine->out.open && limit > 0);
    while (walk->walkers > 0 && spent < limit && has_room(engine)) {
        if (walk->at >= walk->nearest_end) {
            spent += ACT_WEIGHT * finish(engine);
            continue;
        }
        const uint32_t slot = (uint32_t)walk->at;
        if (slot == engine->pool.fresh) {
            walk->at = (walk->at - slot) + KK_WALK_LAP;
            continue;
        }
        walk->at++;
        spent += 1u + ACT_WEIGHT * visit(engine, slot);
    }
    return kk_walk_pending(engine);
}

bool kk_walk_pending(const kk_engine *engine) { return engine->walk.walkers > 0; }
