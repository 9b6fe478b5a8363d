/* Start and end of an engine: all memory is reserved here, once. */
#include "kk_engine.h"

#include <stdlib.h>
#include <string.h>

#include "fix_tables.h"

#define KK_CORE_VERSION "kk99-core 0.4.0"

/* The least power of two that keeps an open-addressing table of `entries` half empty. */
static uint32_t table_size(uint32_t entries) {
    uint32_t size = 16;
    while (size < entries * 2u) {
        size *= 2u;
    }
    return size;
}

static bool capacity_is_sane(const kk_capacity *capacity) {
    const uint32_t counts[] = {capacity->orders, capacity->levels,    capacity->sessions,
                               capacity->firms,  capacity->accounts,  capacity->instruments,
                               capacity->rings,  capacity->ring_bytes};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        if (counts[i] == 0 || counts[i] >= (1u << 30)) {
            return false;
        }
    }
    return capacity->duplicate_window >= capacity->orders &&
           kk_order_index_holds(capacity->orders, capacity->duplicate_window);
}

static bool reserve_tables(kk_engine *engine) {
    const kk_capacity *capacity = &engine->capacity;
    const uint32_t symbols = table_size(capacity->instruments);
    const uint32_t names = table_size(capacity->accounts);
    const size_t words = (capacity->accounts + 63u) / 64u;

    engine->instruments = calloc(capacity->instruments, sizeof *engine->instruments);
    engine->sessions = calloc(capacity->sessions, sizeof *engine->sessions);
    engine->accounts = calloc(capacity->accounts, sizeof *engine->accounts);
    engine->firms = calloc(capacity->firms, sizeof *engine->firms);
    engine->symbol_table = malloc(symbols * sizeof *engine->symbol_table);
    engine->account_table = malloc(names * sizeof *engine->account_table);
    engine->account_bits = calloc(capacity->sessions * words, sizeof *engine->account_bits);
    engine->throttles = calloc(capacity->sessions, sizeof *engine->throttles);
    engine->symbol_mask = symbols - 1u;
    engine->account_mask = names - 1u;
    if (engine->instruments == NULL || engine->sessions == NULL || engine->accounts == NULL ||
        engine->firms == NULL || engine->symbol_table == NULL || engine->account_table == NULL ||
        engine->account_bits == NULL || engine->throttles == NULL) {
        return false;
    }
    memset(engine->symbol_table, 0xff, symbols * sizeof *engine->symbol_table);
    memset(engine->account_table, 0xff, names * sizeof *engine->account_table);
    for (uint32_t i = 0; i < capacity->sessions; i++) {
        engine->sessions[i].ring = KK_NONE;
        engine->sessions[i].default_account = KK_NONE;
        engine->sessions[i].next_in = 1;
        engine->sessions[i].next_out = 1;
        engine->sessions[i].epoch = 1;
        engine->sessions[i].account_bits = engine->account_bits + i * words;
    }
    return true;
}

static bool reserve_rings(kk_engine *engine) {
    const uint32_t rings = engine->capacity.rings;
    const uint32_t ring_bytes = engine->capacity.ring_bytes;

    engine->rings = calloc(rings, sizeof *engine->rings);
    engine->ring_bytes = calloc(rings, ring_bytes);
    engine->ring_free = malloc(rings * sizeof *engine->ring_free);
    engine->dirty = malloc(engine->capacity.sessions * sizeof *engine->dirty);
    engine->marked = malloc(engine->capacity.sessions * sizeof *engine->marked);
    engine->ready = malloc(engine->capacity.sessions * sizeof *engine->ready);
    if (engine->rings == NULL || engine->ring_bytes == NULL || engine->ring_free == NULL ||
        engine->dirty == NULL || engine->marked == NULL || engine->ready == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < rings; i++) {
        engine->rings[i].bytes = engine->ring_bytes + (size_t)i * ring_bytes;
        engine->rings[i].capacity = ring_bytes;
        engine->ring_free[i] = rings - 1u - i;
    }
    engine->ring_free_count = rings;
    return true;
}

kk_engine *kk_engine_new(const kk_capacity *capacity) {
    kk_assert(capacity != NULL);
    if (!capacity_is_sane(capacity)) {
        return NULL;
    }
    kk_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL) {
        return NULL;
    }
    static const uint8_t no_secret[KK_KEY_BYTES];

    engine->capacity = *capacity;
    engine->id_key = kk_id_key_of(no_secret);
    engine->gate_open = true;
    engine->expire_next = capacity->orders;
    engine->walk.nearest_end = UINT64_MAX;
    engine->next_order_id = 1;
    engine->next_exec_id = 1;
    engine->next_trade_id = 1;
    engine->time_text.millisecond = INT64_MIN;
    engine->time_text.second = INT64_MIN;
    engine->out.next_lsn = 1;
    if (!kk_order_pool_init(&engine->pool, capacity->orders) || !reserve_tables(engine) ||
        !reserve_rings(engine)) {
        kk_engine_free(engine);
        return NULL;
    }
    engine->books = kk_books_new(engine->pool.orders, capacity->levels, capacity->instruments);
    engine->index = kk_order_index_new(capacity->orders, capacity->duplicate_window);
    if (engine->books == NULL || engine->index == NULL) {
        kk_engine_free(engine);
        return NULL;
    }
    return engine;
}

void kk_engine_free(kk_engine *engine) {
    if (engine == NULL) {
        return;
    }
    kk_books_free(engine->books);
    kk_order_index_free(engine->index);
    kk_order_pool_free(&engine->pool);
    free(engine->instruments);
    free(engine->sessions);
    free(engine->accounts);
    free(engine->firms);
    free(engine->symbol_table);
    free(engine->account_table);
    free(engine->account_bits);
    free(engine->throttles);
    free(engine->rings);
    free(engine->ring_bytes);
    free(engine->ring_free);
    free(engine->dirty);
    free(engine->marked);
    free(engine->ready);
    free(engine);
}

void kk_engine_key(kk_engine *engine, const uint8_t key[KK_KEY_BYTES]) {
    kk_assert(engine->out.next_lsn == 1 && engine->next_order_id == 1);
    engine->id_key = kk_id_key_of(key);
}

void kk_engine_touch(kk_engine *engine) {
    kk_order_pool_touch(&engine->pool);
    kk_order_index_touch(engine->index);
}

uint32_t kk_order_slot_bytes(const kk_engine *engine) {
    const kk_capacity *capacity = &engine->capacity;
    const size_t bytes = kk_order_pool_bytes(capacity->orders) +
                         kk_order_index_bytes(capacity->orders, capacity->duplicate_window);

    return (uint32_t)((bytes + capacity->orders - 1u) / capacity->orders);
}

const char *kk_core_version(void) { return KK_CORE_VERSION; }

const char *kk_core_dictionary_digest(void) { return kk_dictionary_digest; }

void kk_gate_set(kk_engine *engine, bool open) { engine->gate_open = open; }

void kk_statistics_read(const kk_engine *engine, kk_statistics *statistics) {
    kk_assert(statistics != NULL);
    *statistics = engine->statistics;
    statistics->live_orders = engine->pool.live;
    statistics->live_levels = kk_book_live_levels(engine->books);
    statistics->orders_capacity = engine->capacity.orders;
    statistics->rings_in_use = engine->capacity.rings - engine->ring_free_count;
}
