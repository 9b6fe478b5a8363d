/*
 * What the walk does at each order slot, and when a session has been once round.
 *
 * Its work is bounded by the slice and by the unit, so replay goes exactly as far as live went.
 * An order whose day is over expires when the walk looks at it, as everywhere.
 */
#include "kk_orders.h"

#define ACT_WEIGHT 10u /* slots that an order counts for whose report is written */

/* Does what the session of a live order wants of it; returns how many reports were written. */
static uint32_t visit(kk_engine *engine, uint32_t slot) {
    const kk_order *order = &engine->pool.orders[slot];

    if (order->status != KK_ORDER_LIVE || engine->sessions[order->session].pull_below == 0) {
        return 0;
    }
    return kk_expire_if_due(engine, slot) || kk_pull_if_due(engine, slot) ? 1 : 0;
}

/* Lets go whoever has been once round, and finds the next end. */
static void finish(kk_engine *engine) {
    kk_walk *walk = &engine->walk;
    uint64_t nearest_end = UINT64_MAX;

    for (uint32_t i = 0; i < engine->sessions_used && walk->walkers > 0; i++) {
        kk_session *session = &engine->sessions[i];
        if (session->pull_below == 0) {
            continue;
        }
        if (session->pull_end <= walk->at) {
            kk_pull_done(engine, session);
        } else if (session->pull_end < nearest_end) {
            nearest_end = session->pull_end;
        }
    }
    walk->nearest_end = nearest_end;
}

bool kk_walk_slice(kk_engine *engine, uint32_t limit) {
    kk_walk *walk = &engine->walk;
    uint32_t spent = 0;

    kk_assert(engine->out.open && limit > 0);
    while (walk->walkers > 0 && spent < limit && kk_unit_has_room(engine, KK_FILL_RESERVE)) {
        if (walk->at >= walk->nearest_end) {
            finish(engine);
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
