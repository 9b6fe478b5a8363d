/* The session table: numbers, life signs and the moment a message counts as sent. */
#include "kk_session_table.h"

#include <string.h>

#include "kk_engine.h"

static kk_session *session_at(kk_engine *engine, uint32_t session) {
    kk_assert(session < engine->capacity.sessions);
    kk_assert(engine->sessions[session].configured);
    return &engine->sessions[session];
}

void kk_session_look(const kk_engine *engine, uint32_t session, kk_session_view *view) {
    kk_assert(session < engine->capacity.sessions);
    const kk_session *state = &engine->sessions[session];

    view->next_in = state->next_in;
    view->next_out = state->next_out;
    view->last_in_ns = state->last_in_ns;
    view->last_out_ns = state->last_out_ns;
    view->epoch = state->epoch;
    view->open_orders = state->open_orders;
    view->established = state->established;
    view->plain = state->plain;
}

void kk_session_establish(kk_engine *engine, uint32_t session, bool established) {
    kk_session *state = session_at(engine, session);

    kk_assert(engine->out.open);
    state->established = established;
    if (established) {
        state->last_in_ns = engine->out.time_ns;
        state->last_out_ns = engine->out.time_ns;
        if (state->throttle != NULL) {
            state->throttle->refused_in_row = 0;
        }
    } else {
        state->plain = false;
    }
}

void kk_session_plain(kk_engine *engine, uint32_t session, bool plain) {
    kk_session *state = session_at(engine, session);

    kk_assert(engine->out.open);
    kk_assert(!plain || state->established);
    state->plain = plain;
}

void kk_session_set_next_in(kk_engine *engine, uint32_t session, uint64_t next_in) {
    kk_assert(engine->out.open && next_in > 0);
    session_at(engine, session)->next_in = next_in;
}

void kk_session_heard(kk_engine *engine, uint32_t session) {
    kk_assert(engine->out.open);
    session_at(engine, session)->last_in_ns = engine->out.time_ns;
}

void kk_session_reset(kk_engine *engine, uint32_t session) {
    kk_session *state = session_at(engine, session);

    kk_assert(engine->out.open && state->epoch < UINT32_MAX);
    state->next_in = 1;
    state->next_out = 1;
    state->epoch++;
    if (state->ring != KK_NONE) {
        kk_ring_caught_up(&engine->rings[state->ring]);
    }
}

void kk_session_timers(kk_engine *engine, uint32_t session, int64_t heartbeat_ns,
                       int64_t silence_ns) {
    kk_session *state = session_at(engine, session);

    kk_assert(engine->out.open && heartbeat_ns > 0 && silence_ns > 0);
    state->heartbeat_ns = heartbeat_ns;
    state->silence_ns = silence_ns;
}

static int64_t session_deadline_ns(const kk_session *session) {
    const int64_t heartbeat_ns = session->last_out_ns + session->heartbeat_ns;
    const int64_t silence_ns = session->last_in_ns + session->silence_ns;

    return heartbeat_ns < silence_ns ? heartbeat_ns : silence_ns;
}

uint32_t kk_sessions_due(const kk_engine *engine, int64_t now_ns, uint32_t *sessions,
                         uint32_t limit) {
    uint32_t count = 0;

    for (uint32_t i = 0; i < engine->sessions_used && count < limit; i++) {
        const kk_session *session = &engine->sessions[i];
        if (session->established && session_deadline_ns(session) <= now_ns) {
            sessions[count++] = i;
        }
    }
    return count;
}

int64_t kk_next_deadline_ns(const kk_engine *engine) {
    int64_t earliest_ns = INT64_MAX;

    for (uint32_t i = 0; i < engine->sessions_used; i++) {
        const kk_session *session = &engine->sessions[i];
        if (session->established && session_deadline_ns(session) < earliest_ns) {
            earliest_ns = session_deadline_ns(session);
        }
    }
    return earliest_ns;
}

uint64_t kk_message_sent(kk_engine *engine, uint32_t session, const uint8_t *message,
                         size_t length) {
    kk_session *state = session_at(engine, session);
    const uint64_t number = state->next_out;
    const uint64_t lsn = kk_journal_commit(&engine->out, KK_RECORD_MESSAGE, 0, session,
                                           state->epoch, number, length);

    state->next_out = number + 1u;
    state->last_out_ns = engine->out.time_ns;
    kk_ring_follow_message(engine, session, number, message, length);
    return lsn;
}
