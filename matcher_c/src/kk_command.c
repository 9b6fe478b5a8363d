#include "kk_command.h"

#include "kk_orders.h"

void kk_apply_command(kk_engine *engine, uint32_t session, const kk_command *command,
                      uint64_t clord_id_hash, uint64_t orig_clord_id_hash) {
    kk_assert(engine->out.open);
    kk_assert(session < engine->capacity.sessions && engine->sessions[session].configured);
    engine->statistics.messages_in[command->kind & 127u]++;
    if (kk_unlikely(engine->sessions[session].throttle != NULL) &&
        command->kind != KK_COMMAND_STATUS &&
        !kk_within_throttle(engine, session, command, clord_id_hash)) {
        return;
    }
    switch ((kk_command_kind)command->kind) {
    case KK_COMMAND_NEW:
        kk_new_order(engine, session, command, clord_id_hash);
        return;
    case KK_COMMAND_CANCEL:
        kk_cancel_order(engine, session, command, clord_id_hash, orig_clord_id_hash);
        return;
    case KK_COMMAND_REPLACE:
        kk_replace_order(engine, session, command, clord_id_hash, orig_clord_id_hash);
        return;
    case KK_COMMAND_STATUS:
        kk_status_request(engine, session, command, clord_id_hash);
        return;
    }
    kk_assert(false); /* a command is one of four kinds */
}
