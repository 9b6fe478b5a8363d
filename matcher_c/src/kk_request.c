/* What requests share: their ids, refusals, and the order that an F or G may act on. */
#include "kk_orders.h"

#include <string.h>

void kk_set_clord_id(kk_order_detail *detail, const kk_command *command) {
    const kk_span *id = &command->clord_id;

    kk_assert(id->length > 0 && id->length <= KK_CLORD_ID_MAX);
    memcpy(detail->clord_id, kk_span_at(command, id), id->length);
    detail->clord_id_length = (uint8_t)id->length;
}

/* ------------------------------------------------------------------ refusals */

void kk_refuse_order(kk_engine *engine, uint32_t session, uint32_t account,
                     const kk_command *command, const kk_refusal *refusal) {
    kk_assert(refusal->reason > KK_REASON_NONE && refusal->reason < KK_REASON_COUNT);
    engine->statistics.refusals[refusal->reason]++;
    kk_report_refused_order(engine, session, account, command, refusal);
}

void kk_refuse_change(kk_engine *engine, uint32_t session, uint32_t slot, const kk_command *command,
                      const kk_refusal *refusal) {
    kk_assert(refusal->reason > KK_REASON_NONE && refusal->reason < KK_REASON_COUNT);
    engine->statistics.refusals[refusal->reason]++;
    kk_report_cancel_reject(engine, session, slot, command, refusal);
}

void kk_spend_id(kk_engine *engine, uint64_t hash) {
    kk_order_index_add(engine->index, hash, KK_NONE, KK_ORDER_FREE);
}

void kk_refuse_request(kk_engine *engine, uint32_t session, const kk_command *command,
                       kk_refusal refusal) {
    if (command->kind == KK_COMMAND_NEW) {
        const uint32_t account =
            kk_find_account(engine, &engine->sessions[session],
                            kk_span_at(command, &command->account), command->account.length);
        kk_refuse_order(engine, session, account, command, &refusal);
        return;
    }
    const kk_span *orig = &command->orig_clord_id;
    const kk_target target = kk_find_target(
        engine, session,
        kk_clord_id_hash(&engine->id_key, session, kk_span_at(command, orig), orig->length));
    refusal.ord_status = target.ord_status;
    kk_refuse_change(engine, session, target.slot, command, &refusal);
}

kk_reason kk_id_refusal(const kk_engine *engine, const kk_command *command, uint64_t hash) {
    if (command->clord_id.length == 0 || command->clord_id.length > KK_CLORD_ID_MAX) {
        return KK_REASON_CLORDID_TOO_LONG;
    }
    return kk_likely(kk_order_index_find(engine->index, hash) == KK_NONE)
               ? KK_REASON_NONE
               : KK_REASON_DUPLICATE_CLORDID;
}

kk_id_check kk_check_id(kk_engine *engine, uint32_t session, const kk_command *command,
                        uint64_t hash) {
    const kk_reason reason = kk_id_refusal(engine, command, hash);

    if (kk_likely(reason == KK_REASON_NONE)) {
        return KK_ID_NEW;
    }
    if (reason == KK_REASON_DUPLICATE_CLORDID && command->flags & KK_COMMAND_POSS_RESEND) {
        const kk_target target = kk_find_target(engine, session, hash);
        if (target.named != KK_NAMED_REFUSED && target.named != KK_NAMED_NOTHING) {
            kk_answer_again(engine, session, command, &target);
            return KK_ID_ANSWERED;
        }
    }
    kk_refuse_request(engine, session, command, (kk_refusal){.reason = reason});
    return KK_ID_ANSWERED;
}

/* ------------------------------------------------------------------ orders named by F and G */

/* Why what OrigClOrdID(41) names cannot be changed; NONE when it can. */
static kk_reason target_refusal(const kk_target *target) {
    switch (target->named) {
    case KK_NAMED_NOTHING:
    case KK_NAMED_REFUSED:
        return KK_REASON_UNKNOWN_ORDER;
    case KK_NAMED_EARLIER:
        return KK_REASON_NOT_LAST_CLORDID;
    case KK_NAMED_CLOSED:
    case KK_NAMED_GONE:
        return KK_REASON_TOO_LATE;
    case KK_NAMED_LIVE:
        return KK_REASON_NONE;
    }
    return KK_REASON_UNKNOWN_ORDER;
}

/* Whether Symbol(55) and Side(54), where given, are those of the order. */
static bool describes(const kk_engine *engine, const kk_order *order, const kk_command *command) {
    const kk_instrument *instrument = &engine->instruments[order->instrument].config;
    const kk_span *symbol = &command->symbol;

    if (command->side != 0 && command->side != order->side) {
        return false;
    }
    return symbol->length == 0 ||
           (symbol->length == instrument->symbol_length &&
            memcmp(kk_span_at(command, symbol), instrument->symbol, symbol->length) == 0);
}

uint32_t kk_find_for_change(kk_engine *engine, uint32_t session, const kk_command *command,
                            uint64_t hash, uint64_t orig_hash) {
    if (kk_check_id(engine, session, command, hash) == KK_ID_ANSWERED) {
        return KK_NONE;
    }
    const kk_target target = kk_find_target(engine, session, orig_hash);
    kk_refusal refusal = {.reason = target_refusal(&target), .ord_status = target.ord_status};
    uint32_t slot = target.slot;
    if (slot != KK_NONE && !kk_order_id_agrees(&engine->pool.orders[slot], command)) {
        refusal.reason = KK_REASON_UNKNOWN_ORDER;
        slot = KK_NONE;
    } else if (refusal.reason == KK_REASON_NONE && command->reason != KK_REASON_NONE) {
        refusal.reason = (kk_reason)command->reason;
    } else if (refusal.reason == KK_REASON_NONE &&
               !describes(engine, &engine->pool.orders[slot], command)) {
        refusal.reason = KK_REASON_REPLACE_MISMATCH;
    }
    if (kk_unlikely(refusal.reason != KK_REASON_NONE)) {
        kk_spend_id(engine, hash);
        kk_refuse_change(engine, session, slot, command, &refusal);
        return KK_NONE;
    }
    return slot;
}
