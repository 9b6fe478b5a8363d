/*
 * Of the snapshot: the ClOrdIDs that are remembered although no live order has them.
 *
 * Closed ids, the one to be forgotten next first; then those that wait to become the latest.
 * Which cells of the index they have, and the ids of live orders, is no matter.
 */
#include "kk_snapshot.h"

#define ITEM_BYTES 18u /* its length included */
#define AHEAD 16u      /* items whose place in the table is on its way before they are read */

static void write_entry(kk_item_out *item, const kk_index_entry *entry) {
    kk_put_u64(item, entry->hash);
    kk_put_u32(item, entry->slot);
    kk_put_u32(item, entry->status);
}

/* False: no entry of an id that is not known yet. */
static bool read_entry(const kk_engine *engine, kk_item_in *item, kk_index_entry *entry) {
    entry->hash = kk_get_u64(item);
    entry->slot = kk_get_u32(item);
    entry->status = kk_get_u32(item);
    return !item->cut && entry->status != KK_ORDER_LIVE &&
           (entry->slot == KK_NONE || entry->slot < engine->pool.fresh) &&
           kk_order_index_find(engine->index, entry->hash) == KK_NONE;
}

/* ------------------------------------------------------------------ closed */

static uint64_t closed_items(const kk_engine *engine) {
    return kk_order_index_closed_count(engine->index);
}

static void write_closed(const kk_engine *engine, kk_snapshot *at, kk_item_out *item) {
    write_entry(item, kk_order_index_closed(engine->index, (uint32_t)at->item));
}

static void fetch_ahead(const kk_engine *engine, const kk_item_in *item) {
    if ((size_t)(item->behind - item->at) >= (size_t)(AHEAD + 1u) * ITEM_BYTES) {
        uint64_t hash;
        memcpy(&hash, item->at + (size_t)AHEAD * ITEM_BYTES, sizeof hash);
        kk_order_index_prefetch(engine->index, hash);
    }
}

static kk_status read_closed(kk_engine *engine, kk_snapshot *at, kk_item_in *item) {
    kk_index_entry entry;

    (void)at;
    fetch_ahead(engine, item);
    if (!read_entry(engine, item, &entry)) {
        return KK_INVALID;
    }
    kk_order_index_add(engine->index, entry.hash, entry.slot, entry.status);
    return KK_OK;
}

static kk_status begin_closed(kk_engine *engine, kk_snapshot *at) {
    return at->items <= engine->capacity.duplicate_window ? KK_OK : KK_INVALID;
}

const kk_section kk_section_closed_ids = {.id = 8,
                                          .items = closed_items,
                                          .write = write_closed,
                                          .read = read_closed,
                                          .begin = begin_closed};

/* ------------------------------------------------------------------ waiting */

static uint64_t waiting_items(const kk_engine *engine) {
    return kk_order_index_waiting_count(engine->index);
}

static void write_waiting(const kk_engine *engine, kk_snapshot *at, kk_item_out *item) {
    write_entry(item, kk_order_index_waiting(engine->index, (uint32_t)at->item));
}

static kk_status read_waiting(kk_engine *engine, kk_snapshot *at, kk_item_in *item) {
    kk_index_entry entry;

    (void)at;
    if (!read_entry(engine, item, &entry)) {
        return KK_INVALID;
    }
    const uint32_t cell = kk_order_index_add(engine->index, entry.hash, entry.slot, KK_ORDER_LIVE);
    kk_order_index_retire(engine->index, cell, entry.status);
    return KK_OK;
}

static kk_status begin_waiting(kk_engine *engine, kk_snapshot *at) {
    (void)engine;
    return at->items <= KK_INDEX_WAITING ? KK_OK : KK_INVALID;
}

const kk_section kk_section_waiting_ids = {.id = 9,
                                           .items = waiting_items,
                                           .write = write_waiting,
                                           .read = read_waiting,
                                           .begin = begin_waiting};
