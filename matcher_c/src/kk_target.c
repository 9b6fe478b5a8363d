/* What an id names.  An order whose day is over is expired when it is looked for. */
#include "kk_orders.h"

static uint8_t closed_ord_status(uint32_t status) {
    switch ((kk_order_status)status) {
    case KK_ORDER_FILLED:
        return '2';
    case KK_ORDER_CANCELED:
        return '4';
    case KK_ORDER_EXPIRED:
        return 'C';
    case KK_ORDER_FREE:
    case KK_ORDER_LIVE:
        return 0;
    }
    return 0;
}

/* Whether the order of a closed id has lost its slot to another. */
static bool is_gone(const kk_index_entry *entry, const kk_order *order) {
    return entry->status != KK_ORDER_LIVE &&
           entry->status >> KK_STATUS_BITS !=
               (uint32_t)(order->order_id << KK_STATUS_BITS) >> KK_STATUS_BITS;
}

kk_target kk_find_target(kk_engine *engine, uint32_t session, uint64_t hash) {
    const uint32_t at = kk_order_index_find(engine->index, hash);
    kk_target target = {.named = KK_NAMED_NOTHING, .slot = KK_NONE};

    if (at == KK_NONE) {
        return target;
    }
    const kk_index_entry entry = *kk_order_index_entry(engine->index, at);
    if (entry.slot == KK_NONE) {
        target.named = KK_NAMED_REFUSED;
        return target;
    }
    const kk_order *order = &engine->pool.orders[entry.slot];
    if (kk_unlikely(order->session != session) && !is_gone(&entry, order)) {
        return target;
    }
    if (entry.status == KK_ORDER_LIVE) {
        kk_assert(order->index_entry == at && order->status == KK_ORDER_LIVE);
        target.named = kk_expire_if_due(engine, entry.slot) ? KK_NAMED_CLOSED : KK_NAMED_LIVE;
        target.slot = entry.slot;
    } else if (is_gone(&entry, order)) {
        target.named = KK_NAMED_GONE;
        target.ord_status = closed_ord_status(entry.status & KK_STATUS_MASK);
    } else {
        const bool live = order->status == KK_ORDER_LIVE && !kk_expire_if_due(engine, entry.slot);
        target.named = live ? KK_NAMED_EARLIER : KK_NAMED_CLOSED;
        target.slot = entry.slot;
    }
    return target;
}

bool kk_order_id_agrees(const kk_order *order, const kk_command *command) {
    uint64_t order_id;

    return command->order_id.length == 0 || (kk_parse_u63(kk_span_at(command, &command->order_id),
                                                          command->order_id.length, &order_id) &&
                                             order_id == order->order_id);
}
