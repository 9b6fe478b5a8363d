/* Rings of sessions: attaching, following, releasing.  None of it is part of the venue's state. */
#include "kk_engine.h"

static kk_ring *ring_of(kk_engine *engine, uint32_t session) {
    kk_assert(session < engine->capacity.sessions);
    kk_assert(engine->sessions[session].ring != KK_NONE);
    return &engine->rings[engine->sessions[session].ring];
}

static const kk_ring *ring_seen(const kk_engine *engine, uint32_t session) {
    kk_assert(session < engine->capacity.sessions);
    kk_assert(engine->sessions[session].ring != KK_NONE);
    return &engine->rings[engine->sessions[session].ring];
}

static void mark_dirty(kk_engine *engine, uint32_t session) {
    kk_session *state = &engine->sessions[session];

    if (!(state->ring_marks & KK_RING_DIRTY)) {
        state->ring_marks |= KK_RING_DIRTY;
        engine->dirty[engine->dirty_count++] = session;
    }
}

kk_status kk_ring_attach(kk_engine *engine, uint32_t session) {
    kk_assert(session < engine->capacity.sessions);
    kk_session *state = &engine->sessions[session];

    kk_assert(state->configured && state->ring == KK_NONE);
    if (engine->ring_free_count == 0) {
        return KK_CAPACITY;
    }
    state->ring = engine->ring_free[--engine->ring_free_count];
    kk_ring_clear(&engine->rings[state->ring]);
    return KK_OK;
}

/* Takes `session` off a list that is no longer than the sessions with rings. */
static uint32_t list_without(uint32_t *sessions, uint32_t count, uint32_t session) {
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (sessions[i] != session) {
            sessions[kept++] = sessions[i];
        }
    }
    return kept;
}

void kk_ring_detach(kk_engine *engine, uint32_t session) {
    kk_session *state = &engine->sessions[session];

    kk_assert(state->ring != KK_NONE);
    engine->dirty_count = list_without(engine->dirty, engine->dirty_count, session);
    engine->marked_count = list_without(engine->marked, engine->marked_count, session);
    engine->ready_count = list_without(engine->ready, engine->ready_count, session);
    state->ring_marks = 0;
    engine->ring_free[engine->ring_free_count++] = state->ring;
    state->ring = KK_NONE;
}

bool kk_ring_attached(const kk_engine *engine, uint32_t session) {
    kk_assert(session < engine->capacity.sessions);
    return engine->sessions[session].ring != KK_NONE;
}

size_t kk_ring_peek(kk_engine *engine, uint32_t session, const uint8_t **bytes) {
    const kk_ring *ring = ring_of(engine, session);

    *bytes = ring->bytes + ring->sent;
    return kk_ring_releasable(ring);
}

void kk_ring_sent(kk_engine *engine, uint32_t session, size_t length) {
    kk_ring *ring = ring_of(engine, session);

    kk_assert(length <= kk_ring_releasable(ring));
    ring->sent += (uint32_t)length;
    if (ring->sent == ring->written) {
        ring->sent = 0;
        ring->released = 0;
        ring->marked = 0;
        ring->written = 0;
    }
}

size_t kk_ring_pending(const kk_engine *engine, uint32_t session) {
    const kk_ring *ring = ring_seen(engine, session);

    return ring->written - ring->sent;
}

size_t kk_ring_free(const kk_engine *engine, uint32_t session) {
    const kk_ring *ring = ring_seen(engine, session);

    return ring->capacity - (ring->written - ring->sent);
}

void kk_rings_mark(kk_engine *engine) {
    kk_assert(!engine->out.open);
    for (uint32_t i = 0; i < engine->dirty_count; i++) {
        kk_session *state = &engine->sessions[engine->dirty[i]];
        kk_ring *ring = &engine->rings[state->ring];
        ring->marked = ring->written;
        state->ring_marks &= (uint8_t)~KK_RING_DIRTY;
        if (!(state->ring_marks & KK_RING_MARKED)) {
            state->ring_marks |= KK_RING_MARKED;
            engine->marked[engine->marked_count++] = engine->dirty[i];
        }
    }
    engine->dirty_count = 0;
}

void kk_rings_release_marked(kk_engine *engine) {
    for (uint32_t i = 0; i < engine->marked_count; i++) {
        kk_session *state = &engine->sessions[engine->marked[i]];
        kk_ring *ring = &engine->rings[state->ring];
        ring->released = ring->marked;
        state->ring_marks &= (uint8_t)~KK_RING_MARKED;
        if (!(state->ring_marks & KK_RING_READY)) {
            state->ring_marks |= KK_RING_READY;
            engine->ready[engine->ready_count++] = engine->marked[i];
        }
    }
    engine->marked_count = 0;
}

void kk_rings_release(kk_engine *engine) {
    kk_rings_mark(engine);
    kk_rings_release_marked(engine);
}

uint32_t kk_rings_ready(kk_engine *engine, uint32_t *sessions, uint32_t limit) {
    uint32_t count = 0;

    while (count < limit && engine->ready_count > 0) {
        const uint32_t session = engine->ready[--engine->ready_count];
        engine->sessions[session].ring_marks &= (uint8_t)~KK_RING_READY;
        sessions[count++] = session;
    }
    return count;
}

void kk_ring_follow_message(kk_engine *engine, uint32_t session, uint64_t number,
                            const uint8_t *message, size_t length) {
    kk_session *state = &engine->sessions[session];

    if (state->ring == KK_NONE) {
        return;
    }
    kk_ring *ring = &engine->rings[state->ring];
    if (ring->cursor == 0) {
        if (kk_ring_write(ring, message, length)) {
            mark_dirty(engine, session);
            return;
        }
        ring->cursor = number;
        ring->overrun = true;
    }
    if (ring->overrun && !ring->held) {
        ring->behind += length;
    }
}

uint64_t kk_ring_behind(const kk_engine *engine, uint32_t session) {
    return ring_seen(engine, session)->behind;
}

uint64_t kk_ring_cursor(const kk_engine *engine, uint32_t session) {
    return ring_seen(engine, session)->cursor;
}

void kk_ring_unfollow(kk_engine *engine, uint32_t session) {
    kk_ring *ring = ring_of(engine, session);

    if (ring->cursor == 0) {
        ring->cursor = engine->sessions[session].next_out;
    }
    ring->held = true;
}

bool kk_ring_push(kk_engine *engine, uint32_t session, const uint8_t *bytes, size_t length) {
    kk_ring *ring = ring_of(engine, session);

    kk_assert(ring->cursor != 0);
    if (!kk_ring_write(ring, bytes, length)) {
        return false;
    }
    mark_dirty(engine, session);
    return true;
}

static kk_ring *advanced(kk_engine *engine, uint32_t session, uint64_t next_number) {
    kk_ring *ring = ring_of(engine, session);

    kk_assert(ring->cursor != 0 && next_number >= ring->cursor);
    kk_assert(next_number <= engine->sessions[session].next_out);
    ring->cursor = next_number;
    return ring;
}

void kk_ring_advance(kk_engine *engine, uint32_t session, uint64_t next_number) {
    advanced(engine, session, next_number)->behind = 0; /* it went with the range */
}

void kk_ring_fed(kk_engine *engine, uint32_t session, uint64_t number, size_t length) {
    kk_ring *ring = advanced(engine, session, number + 1);

    ring->held = false;
    ring->behind -= length < ring->behind ? length : ring->behind;
}

bool kk_ring_follow(kk_engine *engine, uint32_t session) {
    kk_ring *ring = ring_of(engine, session);

    if (ring->cursor != engine->sessions[session].next_out) {
        return false;
    }
    kk_ring_caught_up(ring);
    return true;
}
