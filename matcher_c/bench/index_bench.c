/*
 * The order index alone: ids of 16 bytes, 100,000 of them live, the ring of closed ones full.
 *
 * A life of an id: hash, a look for duplicates, an entry; later its retirement and the eviction
 * of another.  Ids come eight at a time with their prefetches, as at the fast door.
 */
#include <string.h>

#include "kk_assert.h"
#include "kk_bench.h"
#include "kk_order_index.h"

#define ORDERS 1000000u
#define WINDOW 4000000u
#define LIVE 100000u
#define IDS 2000000u
#define GROUP 8u
#define ID_BYTES 16u

typedef struct bench {
    kk_order_index *index;
    uint32_t *live; /* entries */
    uint32_t live_count;
    uint64_t next_id;
    uint64_t seed;
    kk_id_key key;
} bench;

static uint64_t hash_next(bench *b) {
    uint8_t id[ID_BYTES + 1];
    uint64_t rest = b->next_id++;
    memcpy(id, "A000000000000000", ID_BYTES);
    for (size_t at = ID_BYTES - 1; rest > 0; at--, rest /= 10) {
        id[at] = (uint8_t)('0' + rest % 10);
    }
    return kk_clord_id_hash(&b->key, 7, id, ID_BYTES);
}

static void live_one(bench *b, uint64_t hash) {
    kk_assert(kk_order_index_find(b->index, hash) == KK_NONE);
    uint32_t entry = kk_order_index_add(b->index, hash, 0, KK_ORDER_LIVE);
    if (b->live_count < LIVE) {
        b->live[b->live_count++] = entry;
        return;
    }
    uint64_t at = kk_bench_random(&b->seed) % LIVE;
    kk_order_index_retire(b->index, b->live[at], KK_ORDER_FILLED);
    b->live[at] = entry;
}

static double live_many(bench *b, uint32_t ids) {
    double start = kk_bench_now_ns();
    for (uint32_t i = 0; i < ids; i += GROUP) {
        uint64_t hashes[GROUP];
        for (uint32_t k = 0; k < GROUP; k++) {
            hashes[k] = hash_next(b);
            kk_order_index_prefetch(b->index, hashes[k]);
        }
        for (uint32_t k = 0; k < GROUP; k++) {
            live_one(b, hashes[k]);
        }
    }
    return (kk_bench_now_ns() - start) / ids;
}

static double hash_many(bench *b, uint32_t ids) {
    uint64_t sum = 0;
    double start = kk_bench_now_ns();
    for (uint32_t i = 0; i < ids; i++) {
        sum += hash_next(b);
    }
    double spent = (kk_bench_now_ns() - start) / ids;
    kk_assert(sum != 0);
    return spent;
}

int main(int count, char **arguments) {
    int runs = kk_bench_runs(count, arguments);
    bench b = {.index = kk_order_index_new(ORDERS, WINDOW),
               .live = malloc(LIVE * sizeof(uint32_t)),
               .key = kk_id_key_of((const uint8_t *)"the bench's own.")};
    kk_assert(b.index != NULL && b.live != NULL);
    (void)live_many(&b, WINDOW + LIVE);
    double life = 1e9;
    double hash = 1e9;
    for (int i = 0; i < runs; i++) {
        double spent = live_many(&b, IDS);
        life = spent < life ? spent : life;
        spent = hash_many(&b, IDS);
        hash = spent < hash ? spent : hash;
    }
    kk_bench_print("index_id_life", life, "ns/id");
    kk_bench_print("index_make_and_hash", hash, "ns/id");
    kk_bench_print("index_slot_bytes", (double)kk_order_index_bytes(ORDERS, WINDOW) / ORDERS,
                   "bytes/order");
    free(b.live);
    kk_order_index_free(b.index);
    return 0;
}
