/* Of the snapshot: numbers, flags, times and the pull of each session, by id. */
#include "kk_snapshot.h"

static uint64_t items(const kk_engine *engine) { return engine->sessions_used; }

static void write_item(const kk_engine *engine, kk_snapshot *at, kk_item_out *item) {
    const kk_session *session = &engine->sessions[at->item];

    kk_put_u64(item, session->next_in);
    kk_put_u64(item, session->next_out);
    kk_put_i64(item, session->last_in_ns);
    kk_put_i64(item, session->last_out_ns);
    kk_put_u32(item, session->epoch);
    kk_put_u8(item, session->established);
    kk_put_u8(item, session->plain);
    kk_put_i64(item, session->heartbeat_ns);
    kk_put_i64(item, session->silence_ns);
    kk_put_u64(item, session->pull_below);
    kk_put_u64(item, session->pull_end);
    kk_put_u64(item, session->pull_all_below);
    kk_put_u8(item, session->pull_all_reason);
}

static bool numbers_are_sane(const kk_session *session) {
    return session->next_in > 0 && session->next_out > 0 && session->epoch > 0 &&
           session->established <= 1 && session->plain <= session->established;
}

static bool times_are_sane(const kk_session *session) {
    return kk_is_time(session->last_in_ns) && kk_is_time(session->last_out_ns) &&
           kk_is_time(session->heartbeat_ns) && kk_is_time(session->silence_ns);
}

/* Its end is ahead of the walk, but no more than once round. */
static bool pull_is_sane(const kk_engine *engine, const kk_session *session) {
    if (session->pull_below == 0) {
        return session->pull_end == 0 && session->pull_all_below == 0 &&
               session->pull_all_reason == 0;
    }
    if (session->pull_all_below == 0 ? session->pull_all_reason != 0
                                     : !kk_is_pull_all_reason(session->pull_all_reason)) {
        return false;
    }
    return session->pull_all_below <= session->pull_below &&
           session->pull_below <= engine->next_order_id &&
           session->pull_end <= engine->walk.at + KK_WALK_LAP &&
           session->pull_end >= engine->walk.nearest_end;
}

static kk_status read_item(kk_engine *engine, kk_snapshot *at, kk_item_in *item) {
    kk_session *session = &engine->sessions[at->item];

    session->next_in = kk_get_u64(item);
    session->next_out = kk_get_u64(item);
    session->last_in_ns = kk_get_i64(item);
    session->last_out_ns = kk_get_i64(item);
    session->epoch = kk_get_u32(item);
    session->established = kk_get_u8(item);
    session->plain = kk_get_u8(item);
    session->heartbeat_ns = kk_get_i64(item);
    session->silence_ns = kk_get_i64(item);
    session->pull_below = kk_get_u64(item);
    session->pull_end = kk_get_u64(item);
    session->pull_all_below = kk_get_u64(item);
    session->pull_all_reason = kk_get_u8(item);
    if (!numbers_are_sane(session) || !times_are_sane(session) || !pull_is_sane(engine, session) ||
        (!session->configured && (session->established || session->pull_below != 0))) {
        return KK_INVALID;
    }
    engine->walk.walkers += session->pull_below != 0;
    return KK_OK;
}

/* The configuration of then is there, so the sessions are. */
static kk_status begin(kk_engine *engine, kk_snapshot *at) {
    return at->items == engine->sessions_used ? KK_OK : KK_INVALID;
}

const kk_section kk_section_sessions = {
    .id = 2, .items = items, .write = write_item, .read = read_item, .begin = begin};
