/* Of the snapshot: what there is once, and how much of each pool was in use. */
#include "kk_snapshot.h"

static uint64_t items(const kk_engine *engine) {
    (void)engine;
    return 1;
}

static uint32_t chunks_in_use(const kk_order_pool *pool) {
    uint32_t chunks = pool->chunk_fresh;

    for (uint32_t chunk = pool->chunk_free; chunk != KK_NONE; chunk = pool->chunk_next[chunk]) {
        chunks--;
    }
    return chunks;
}

static void write_item(const kk_engine *engine, kk_snapshot *at, kk_item_out *item) {
    const bool expiring = kk_expire_pending(engine);

    (void)at;
    for (uint32_t i = 0; i < 3; i++) {
        kk_put_u64(item, engine->id_key.words[i]);
    }
    kk_put_u64(item, engine->out.next_lsn);
    kk_put_i64(item, engine->out.time_ns);
    kk_put_u64(item, engine->next_order_id);
    kk_put_u64(item, engine->next_exec_id);
    kk_put_u64(item, engine->next_trade_id);
    kk_put_u32(item, engine->trading_day);
    kk_put_u32(item, expiring ? engine->expire_next : KK_NONE);
    kk_put_u64(item, engine->walk.at);
    kk_put_u64(item, engine->walk.nearest_end);
    kk_put_u32(item, engine->pool.fresh);
    kk_put_u32(item, chunks_in_use(&engine->pool));
    kk_put_u32(item, kk_book_live_levels(engine->books));
    kk_put_u32(item, kk_order_index_closed_count(engine->index));
}

/* Notes what there is too little of, if it is that. */
static bool fits(kk_snapshot *at, const char *pool, uint64_t needed, uint64_t capacity) {
    if (needed <= capacity) {
        return true;
    }
    at->short_of = pool;
    at->needed = needed;
    return false;
}

static kk_status read_pools(const kk_engine *engine, kk_snapshot *at, kk_item_in *item) {
    const kk_capacity *capacity = &engine->capacity;
    const uint64_t slots = kk_get_u32(item);
    const uint64_t chunks = kk_get_u32(item);
    const uint64_t levels = kk_get_u32(item);
    const uint64_t closed_ids = kk_get_u32(item);
    const uint64_t slots_for_chunks =
        chunks <= engine->pool.chunk_capacity ? 0 : chunks * KK_SLOTS_PER_CHUNK;

    return fits(at, "orders", slots, capacity->orders) &&
                   fits(at, "orders", slots_for_chunks, capacity->orders) &&
                   fits(at, "levels", levels, capacity->levels) &&
                   fits(at, "duplicate_window", closed_ids, capacity->duplicate_window)
               ? KK_OK
               : KK_CAPACITY;
}

static kk_status read_item(kk_engine *engine, kk_snapshot *at, kk_item_in *item) {
    for (uint32_t i = 0; i < 3; i++) {
        if (kk_get_u64(item) != engine->id_key.words[i]) {
            return KK_INVALID;
        }
    }
    engine->out.next_lsn = kk_get_u64(item);
    engine->out.time_ns = kk_get_i64(item);
    engine->next_order_id = kk_get_u64(item);
    engine->next_exec_id = kk_get_u64(item);
    engine->next_trade_id = kk_get_u64(item);
    engine->trading_day = kk_get_u32(item);
    const uint32_t expire_next = kk_get_u32(item);
    if (expire_next != KK_NONE) {
        engine->expire_next = expire_next;
    }
    engine->walk.at = kk_get_u64(item);
    engine->walk.nearest_end = kk_get_u64(item);
    if (engine->out.next_lsn == 0 || !kk_is_time(engine->out.time_ns) ||
        engine->next_order_id == 0 || engine->next_exec_id == 0 || engine->next_trade_id == 0 ||
        engine->trading_day >= KK_NEVER_EXPIRES || engine->walk.at > UINT64_MAX - KK_WALK_LAP) {
        return KK_INVALID;
    }
    return read_pools(engine, at, item);
}

static kk_status begin(kk_engine *engine, kk_snapshot *at) {
    kk_assert(engine->pool.fresh == 0);
    return at->items == 1 ? KK_OK : KK_INVALID;
}

const kk_section kk_section_venue = {
    .id = 1, .items = items, .write = write_item, .read = read_item, .begin = begin};
