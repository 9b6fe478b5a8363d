/* What a session sends above its limits: refused, with the limit and what it would have made. */
#include "kk_orders.h"
#include "kk_refusal_text.h"

/* Takes one more message of this type; false: *refusal says what is wrong with it. */
static bool take(kk_engine *engine, uint32_t session, uint8_t msg_type, kk_refusal *refusal) {
    kk_throttle *throttle = engine->sessions[session].throttle;
    kk_excess excess;

    if (throttle == NULL || kk_throttle_take(throttle, msg_type, engine->out.time_ns, &excess)) {
        return true;
    }
    *refusal = (kk_refusal){.reason = KK_REASON_THROTTLED,
                            .has_numbers = true,
                            .has_headroom = true,
                            .limit_e8 = (int64_t)excess.limit * KK_E8,
                            .value_e8 = (int64_t)excess.value * KK_E8};
    return false;
}

bool kk_within_throttle(kk_engine *engine, uint32_t session, const kk_command *command,
                        uint64_t hash) {
    kk_refusal refusal;

    if (take(engine, session, (uint8_t)command->kind, &refusal)) {
        return true;
    }
    const kk_reason of_id = kk_id_refusal(engine, command, hash);
    if (of_id != KK_REASON_NONE) {
        kk_refuse_request(engine, session, command, (kk_refusal){.reason = of_id});
    } else {
        kk_refuse_request(engine, session, command, refusal);
        kk_spend_id(engine, hash);
    }
    return false;
}

size_t kk_throttle_message(kk_engine *engine, uint32_t session, uint8_t *text, size_t capacity) {
    kk_refusal refusal;

    kk_assert(engine->out.open && session < engine->capacity.sessions);
    kk_assert(capacity >= KK_REFUSAL_TEXT_MAX);
    if (take(engine, session, 0, &refusal)) {
        return 0;
    }
    engine->statistics.refusals[KK_REASON_THROTTLED]++;
    return (size_t)(kk_put_refusal_text(text, &refusal) - text);
}

bool kk_throttle_breached(const kk_engine *engine, uint32_t session) {
    kk_assert(session < engine->capacity.sessions);
    const kk_throttle *throttle = engine->sessions[session].throttle;

    return throttle != NULL && kk_throttle_is_breached(throttle);
}
