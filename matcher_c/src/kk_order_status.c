/*
 * OrderStatusRequest(H): the state of an order, live or closed, as 150=I.
 *
 * ClOrdID(11) names the order by any id that it ever had, as far as the index remembers.  Requests
 * that were sent again (97=Y) are answered the same way.
 */
#include "kk_orders.h"

void kk_report_state(kk_engine *engine, uint32_t slot, const kk_command *command) {
    const kk_span *request = &command->status_req_id;
    const kk_report report = {.slot = slot,
                              .exec_type = 'I',
                              .ord_status = kk_ord_status(engine, slot),
                              .status_req_id =
                                  request->length > 0 ? kk_span_at(command, request) : NULL,
                              .status_req_id_length = request->length};

    kk_report_order(engine, &report);
}

static void report_unknown(kk_engine *engine, uint32_t session, const kk_command *command,
                           kk_reason reason, uint8_t ord_status) {
    const kk_refusal refusal = {.reason = reason, .ord_status = ord_status};

    engine->statistics.refusals[reason]++;
    kk_report_unknown_status(engine, session, command, &refusal);
}

void kk_answer_again(kk_engine *engine, uint32_t session, const kk_command *command,
                     const kk_target *target) {
    kk_assert(target->named != KK_NAMED_NOTHING && target->named != KK_NAMED_REFUSED);
    if (target->slot != KK_NONE) {
        kk_report_state(engine, target->slot, command);
    } else {
        report_unknown(engine, session, command, KK_REASON_TOO_LATE, target->ord_status);
    }
}

void kk_status_request(kk_engine *engine, uint32_t session, const kk_command *command,
                       uint64_t hash) {
    const kk_target target = kk_find_target(engine, session, hash);

    const bool unknown =
        target.named == KK_NAMED_NOTHING || target.named == KK_NAMED_REFUSED ||
        (target.slot != KK_NONE && !kk_order_id_agrees(&engine->pool.orders[target.slot], command));

    if (command->reason != KK_REASON_NONE) {
        report_unknown(engine, session, command, (kk_reason)command->reason, 0);
    } else if (unknown) {
        report_unknown(engine, session, command, KK_REASON_UNKNOWN_ORDER, 0);
    } else {
        kk_answer_again(engine, session, command, &target);
    }
}
