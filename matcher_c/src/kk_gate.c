#include "kk_gate.h"

#include <string.h>

static bool is_comp_id(const uint8_t *frame, const kk_span *span, const char *comp_id,
                       uint8_t length) {
    return span->length == length && memcmp(frame + span->offset, comp_id, length) == 0;
}

/* Within the tolerance on both sides; both times are from 1970 on, so nothing overflows. */
static bool is_timely(const kk_engine *engine, int64_t sending_time_ns, int64_t now_ns) {
    const int64_t apart_ns =
        now_ns > sending_time_ns ? now_ns - sending_time_ns : sending_time_ns - now_ns;
    return apart_ns <= engine->venue.sending_time_tolerance_ns;
}

/* Values that the core trades; what an F leaves out is 0. */
static bool is_traded(const kk_command *command) {
    const bool order = command->kind != KK_COMMAND_CANCEL;
    const uint8_t in_force = command->time_in_force;
    return command->reason == KK_REASON_NONE && (command->side == '1' || command->side == '2') &&
           (!order || command->ord_type == '1' || command->ord_type == '2') &&
           (in_force == '0' || in_force == '1' || in_force == '3' || in_force == '4');
}

/* The refusal that logs a session out: the Logout(5) is the session layer's. */
static bool is_last_straw(const kk_session *session, uint8_t msg_type, int64_t now_ns) {
    return kk_unlikely(session->throttle != NULL) &&
           kk_throttle_breaks(session->throttle, msg_type, now_ns);
}

bool kk_gate_takes(const kk_engine *engine, const kk_session *session, const uint8_t *frame,
                   const kk_header *header, const kk_command *command, int64_t now_ns) {
    kk_assert(now_ns >= 0 && header->sending_time_ns >= 0);
    return engine->gate_open && session->plain && session->established &&
           session->role == KK_ROLE_ORDER_ENTRY && header->msg_seq_num == session->next_in &&
           header->plain_header && !header->poss_dup && !header->poss_resend &&
           header->msg_type != KK_COMMAND_STATUS &&
           is_comp_id(frame, &header->sender_comp_id, session->their_comp_id,
                      session->their_comp_id_length) &&
           is_comp_id(frame, &header->target_comp_id, session->our_comp_id,
                      session->our_comp_id_length) &&
           is_timely(engine, header->sending_time_ns, now_ns) && is_traded(command) &&
           !is_last_straw(session, header->msg_type, now_ns);
}
