/*
 * OrderCancelRequest(F): honoured whatever its age, in halts and on closed instruments.
 *
 * The answer carries the request's own ClOrdID(11), and the order's in OrigClOrdID(41).
 */
#include "kk_orders.h"

void kk_cancel_order(kk_engine *engine, uint32_t session, const kk_command *command, uint64_t hash,
                     uint64_t orig_hash) {
    const uint32_t slot = kk_find_for_change(engine, session, command, hash, orig_hash);

    if (slot == KK_NONE) {
        return;
    }
    const kk_order *order = &engine->pool.orders[slot];
    const kk_order_detail *detail = &engine->pool.details[slot];
    kk_close_order(engine, slot, KK_ORDER_CANCELED);
    kk_order_index_add(engine->index, hash, slot, kk_retired_status(order, KK_ORDER_CANCELED));
    const kk_report report = {.slot = slot,
                              .exec_type = '4',
                              .ord_status = '4',
                              .clord_id = kk_span_at(command, &command->clord_id),
                              .clord_id_length = command->clord_id.length,
                              .orig_clord_id = detail->clord_id,
                              .orig_clord_id_length = detail->clord_id_length};
    kk_report_order(engine, &report);
}
