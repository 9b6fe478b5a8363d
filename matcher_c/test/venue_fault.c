/* Invariants of the small venue after each step. */
#include "venue.h"

#include <stdlib.h>
#include <string.h>

typedef struct counts {
    uint32_t live;
    uint32_t resting;
    uint32_t sessions[VENUE_SESSIONS];
    uint32_t accounts[3];
    uint32_t firms[2];
} counts;

/* One slot: O1, and that order, level and index belong together (B3). */
static const char *slot_fault(const kk_engine *engine, uint32_t slot, counts *found) {
    const kk_order *order = &engine->pool.orders[slot];
    const kk_order_detail *detail = &engine->pool.details[slot];

    if (order->status != KK_ORDER_LIVE) {
        return order->leaves_lots == 0 || order->order_id == 0 ? NULL : "a closed order has leaves";
    }
    if (order->leaves_lots <= 0 || detail->cum_lots < 0 ||
        detail->cum_lots + order->leaves_lots != detail->order_qty_lots) {
        return "OrderQty is not CumQty and LeavesQty";
    }
    if (order->level == KK_NONE || order->ord_type != '2' ||
        (order->time_in_force != '0' && order->time_in_force != '1')) {
        return "a live order does not rest, or may not";
    }
    const uint64_t hash = kk_clord_id_hash(&engine->id_key, order->session, detail->clord_id,
                                           detail->clord_id_length);
    const uint32_t at = kk_order_index_find(engine->index, hash);
    if (at == KK_NONE || at != order->index_entry ||
        kk_order_index_entry(engine->index, at)->slot != slot ||
        kk_order_index_entry(engine->index, at)->status != KK_ORDER_LIVE) {
        return "the index does not lead to the order";
    }
    found->live++;
    found->sessions[order->session]++;
    found->accounts[order->account]++;
    found->firms[engine->accounts[order->account].config.firm]++;
    return NULL;
}

static const char *count_fault(const kk_engine *engine, const counts *found) {
    if (found->live != engine->pool.live || found->live != found->resting) {
        return "pool, slots and books count different orders";
    }
    for (uint32_t i = 0; i < VENUE_SESSIONS; i++) {
        if (found->sessions[i] != engine->sessions[i].open_orders) {
            return "open orders of a session";
        }
    }
    for (uint32_t i = 0; i < 3; i++) {
        if (found->accounts[i] != engine->accounts[i].open_orders) {
            return "open orders of an account";
        }
    }
    for (uint32_t i = 0; i < 2; i++) {
        if (found->firms[i] != engine->firms[i].open_orders) {
            return "open orders of a firm";
        }
    }
    return NULL;
}

/* B7 and O4: trades come in pairs under one id, ExecIDs only rise. */
static const char *message_fault(venue *v) {
    static venue_message messages[VENUE_MESSAGES_MAX];
    const uint32_t count = venue_messages(v, messages);
    uint32_t trades = 0;

    for (uint32_t i = 0; i < count; i++) {
        size_t size = 0;
        const uint8_t *exec_id = venue_field(messages[i].bytes, messages[i].length, 17, &size);
        if (exec_id != NULL) {
            const uint64_t id = strtoull((const char *)exec_id, NULL, 10);
            if (id <= v->last_exec_id) {
                return "ExecID does not rise";
            }
            v->last_exec_id = id;
        }
        const uint8_t *trade = venue_field(messages[i].bytes, messages[i].length, 527, &size);
        if (trade == NULL) {
            continue;
        }
        const bool maker = trades++ % 2 == 0;
        size_t other_size = 0;
        const uint8_t *other =
            maker && i + 1 < count
                ? venue_field(messages[i + 1].bytes, messages[i + 1].length, 527, &other_size)
                : trade;
        other_size = maker ? other_size : size;
        if (other == NULL || other_size != size || memcmp(trade, other, size) != 0) {
            return "a trade has no second side";
        }
    }
    return trades % 2 == 0 ? NULL : "a trade has one side";
}

const char *venue_fault(venue *v) {
    static kk_book_order orders[4096];
    counts found = {0};

    for (uint32_t i = 0; i < VENUE_INSTRUMENTS; i++) {
        kk_book_check(v->engine->books, i);
        found.resting += kk_book_read(v->engine, i, '1', orders, 4096);
        found.resting += kk_book_read(v->engine, i, '2', orders, 4096);
    }
    for (uint32_t slot = 0; slot < v->engine->pool.fresh; slot++) {
        const char *fault = slot_fault(v->engine, slot, &found);
        if (fault != NULL) {
            return fault;
        }
    }
    const char *fault = count_fault(v->engine, &found);
    return fault != NULL ? fault : message_fault(v);
}
