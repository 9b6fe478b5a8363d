/* The index against a naive one: live ids always, closed ids for `window` more. */
#include "kk_order_index.h"

#include <stdlib.h>
#include <string.h>

#include "kk_assert.h"
#include "kk_guard.h"
#include "kk_test.h"

#define ORDERS 40u
#define WINDOW 100u
#define CLOSED 7u
#define WAITING 8u /* retired ids that have not begun to age */

/* How the hash of the n-th id is made. */
typedef uint64_t hash_of(uint64_t n);

static uint64_t scattered(uint64_t n) {
    uint64_t state = n;
    return kk_random(&state);
}

/* All ids at one home, as far from it as can be; only the lower half tells them apart. */
static uint64_t one_home(uint64_t n) { return UINT64_C(0x8000000000000000) | (uint32_t)(n * 977); }

/* Three homes, the last ones of the table: runs wrap and mix. */
static uint64_t last_homes(uint64_t n) {
    return (UINT64_MAX - n % 3 * (UINT64_MAX / 180)) << 32 | (uint32_t)(n * 977);
}

typedef struct naive {
    kk_index_entry live[ORDERS];
    uint32_t entries[ORDERS];
    uint32_t live_count;
    kk_index_entry waiting[WAITING]; /* as a ring */
    uint64_t retired_count;
    kk_index_entry closed[WINDOW]; /* as a ring */
    uint64_t closed_count;
} naive;

static void naive_close(naive *model, kk_index_entry entry) {
    model->closed[model->closed_count++ % WINDOW] = entry;
}

static void naive_retire(naive *model, kk_index_entry entry) {
    kk_index_entry *place = &model->waiting[model->retired_count % WAITING];
    if (model->retired_count >= WAITING) {
        naive_close(model, *place);
    }
    *place = entry;
    model->retired_count++;
}

static bool same(const kk_order_index *index, const kk_index_entry *expected) {
    uint32_t entry = kk_order_index_find(index, expected->hash);
    if (entry == KK_NONE) {
        return false;
    }
    const kk_index_entry *found = kk_order_index_entry(index, entry);
    return found->hash == expected->hash && found->slot == expected->slot &&
           found->status == expected->status;
}

static void check_all(const kk_order_index *index, const naive *model) {
    for (uint32_t i = 0; i < model->live_count; i++) {
        KK_CHECK(same(index, &model->live[i]));
        KK_CHECK(kk_order_index_find(index, model->live[i].hash) == model->entries[i]);
    }
    uint64_t waiting = model->retired_count < WAITING ? model->retired_count : WAITING;
    for (uint64_t i = 0; i < waiting; i++) {
        KK_CHECK(same(index, &model->waiting[i]));
    }
    uint64_t known = model->closed_count < WINDOW ? model->closed_count : WINDOW;
    for (uint64_t i = 0; i < known; i++) {
        KK_CHECK(same(index, &model->closed[i]));
    }
}

static void step(kk_order_index *index, naive *model, hash_of *hash, uint64_t n, uint64_t draw) {
    KK_CHECK(kk_order_index_find(index, hash(n)) == KK_NONE);
    kk_order_index_prefetch(index, hash(n));
    kk_index_entry entry = {.hash = hash(n), .slot = (uint32_t)n, .status = KK_ORDER_LIVE};
    if (draw % 8 == 0) {
        entry.status = CLOSED;
        (void)kk_order_index_add(index, entry.hash, entry.slot, CLOSED);
        naive_close(model, entry);
    } else if (model->live_count < ORDERS && draw % 8 < 5) {
        model->entries[model->live_count] =
            kk_order_index_add(index, entry.hash, entry.slot, KK_ORDER_LIVE);
        model->live[model->live_count++] = entry;
    } else if (model->live_count > 0) {
        uint64_t at = draw / 8 % model->live_count;
        entry = model->live[at];
        entry.status = (uint32_t)n << 3;
        kk_order_index_retire(index, model->entries[at], entry.status);
        naive_retire(model, entry);
        model->live[at] = model->live[--model->live_count];
        model->entries[at] = model->entries[model->live_count];
    }
}

static void like_naive(hash_of *hash, uint64_t rounds) {
    kk_order_index *index = kk_order_index_new(ORDERS, WINDOW);
    naive *model = calloc(1, sizeof(*model));
    kk_assert(index != NULL && model != NULL);
    uint64_t seed = 5;
    for (uint64_t n = 0; n < rounds; n++) {
        uint64_t before = model->closed_count;
        kk_index_entry oldest = model->closed[before % WINDOW];
        step(index, model, hash, n, kk_random(&seed));
        if (before >= WINDOW && model->closed_count > before) {
            KK_CHECK(kk_order_index_find(index, oldest.hash) == KK_NONE);
        }
        if (n % 16 == 0) {
            check_all(index, model);
        }
    }
    check_all(index, model);
    kk_order_index_free(index);
    free(model);
}

static void random_ids(void) { like_naive(scattered, 200000); }
static void ids_of_one_home(void) { like_naive(one_home, 20000); }
static void ids_at_the_wrap(void) { like_naive(last_homes, 50000); }

static void replaced_order(void) {
    kk_order_index *index = kk_order_index_new(1, 1);
    kk_assert(index != NULL);
    uint32_t current = kk_order_index_add(index, scattered(0), 0, KK_ORDER_LIVE);
    for (uint64_t n = 1; n < 1000; n++) {
        uint32_t former = current;
        current = kk_order_index_add(index, scattered(n), 0, KK_ORDER_LIVE);
        kk_order_index_retire(index, former, CLOSED);
        KK_CHECK(kk_order_index_find(index, scattered(n)) == current);
        uint32_t entry = kk_order_index_find(index, scattered(n - 1));
        KK_CHECK(entry != KK_NONE && kk_order_index_entry(index, entry)->status == CLOSED);
    }
    KK_CHECK(kk_order_index_find(index, scattered(999 - WAITING - 2)) == KK_NONE);
    kk_order_index_free(index);
}

static void budget(void) {
    size_t slot = kk_order_index_bytes(1000000, 4000000) / 1000000;
    KK_CHECK(slot <= 106);
    KK_CHECK(sizeof(kk_order) + sizeof(kk_order_detail) + 21 + slot <= 512);
}

static const uint8_t no_secret[KK_KEY_BYTES];

static void hash_reads_its_bytes(void) {
    const kk_id_key no_key = kk_id_key_of(no_secret);
    uint8_t *area = kk_guarded_new(256);
    uint64_t seed = 9;
    for (size_t length = 0; length < 200; length++) {
        uint8_t id[200];
        for (size_t i = 0; i < sizeof(id); i++) {
            id[i] = (uint8_t)kk_random(&seed);
        }
        uint64_t hash = kk_clord_id_hash(&no_key, 3, kk_guarded(area, 256, id, length), length);
        KK_CHECK(kk_clord_id_hash(&no_key, 3, id, length) == hash);
        KK_CHECK(kk_clord_id_hash(&no_key, 4, id, length) != hash);
        for (size_t i = 0; i < length; i++) {
            id[i] ^= (uint8_t)(1u << kk_random(&seed) % 8);
            KK_CHECK(kk_clord_id_hash(&no_key, 3, id, length) != hash);
            KK_CHECK(kk_clord_id_hash(&no_key, 3, id, i) != hash);
            hash = kk_clord_id_hash(&no_key, 3, id, length);
        }
    }
}

static int by_value(const void *left, const void *right) {
    const uint64_t *a = left;
    const uint64_t *b = right;
    return (*a > *b) - (*a < *b);
}

static void hash_has_no_collisions(void) {
    const kk_id_key no_key = kk_id_key_of(no_secret);
    enum { IDS = 1000000 };
    uint64_t *hashes = malloc(IDS * sizeof(*hashes));
    kk_assert(hashes != NULL);
    for (uint32_t i = 0; i < IDS; i++) {
        uint8_t id[20] = "ORDER-00000000";
        uint32_t rest = i / 2;
        for (size_t digit = 13; rest > 0; digit--, rest /= 10) {
            id[digit] = (uint8_t)('0' + rest % 10);
        }
        hashes[i] = kk_clord_id_hash(&no_key, i % 2, id, 14);
    }
    qsort(hashes, IDS, sizeof(*hashes), by_value);
    unsigned twice = 0;
    for (size_t i = 1; i < IDS; i++) {
        twice += hashes[i] == hashes[i - 1];
    }
    KK_CHECK(twice == 0);
    free(hashes);
}

static void hash_is_fixed(void) {
    const kk_id_key no_key = kk_id_key_of(no_secret);
    static const uint8_t id[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    KK_CHECK(kk_clord_id_hash(&no_key, 0, id, 0) == UINT64_C(0x4cbaab88c20b5607));
    KK_CHECK(kk_clord_id_hash(&no_key, 1, id, 3) == UINT64_C(0x2e5c7842b330220e));
    KK_CHECK(kk_clord_id_hash(&no_key, 2, id, 7) == UINT64_C(0x673473a5ac44de3d));
    KK_CHECK(kk_clord_id_hash(&no_key, 3, id, 36) == UINT64_C(0x7c4725ed2ab272c6));
}

/* Without a secret, bytes that equal a salt make a factor 0 and hide all that stood before them. */
static void hash_keeps_a_secret(void) {
    static const uint8_t secret[KK_KEY_BYTES] = "sixteen bytes...";
    const kk_id_key keys[] = {kk_id_key_of(no_secret), kk_id_key_of(secret)};
    uint8_t one[] = "AAAAAAAA\x1d\x7b\x9e\xc7\xa5\x0d\xe1\x91"
                    "REST";
    uint8_t other[] = "BBBBBBBB\x1d\x7b\x9e\xc7\xa5\x0d\xe1\x91"
                      "REST";

    for (size_t i = 0; i < 2; i++) {
        const bool same = kk_clord_id_hash(&keys[i], 1, one, sizeof one) ==
                          kk_clord_id_hash(&keys[i], 2, other, sizeof other);
        KK_CHECK(same == (i == 0));
    }
    KK_CHECK(kk_clord_id_hash(&keys[0], 1, one, 3) != kk_clord_id_hash(&keys[1], 1, one, 3));
}

int main(void) {
    KK_RUN(random_ids, "live ids are found, closed ones for `window` more");
    KK_RUN(ids_of_one_home, "the same when every id hashes to one place");
    KK_RUN(ids_at_the_wrap, "the same across the end of the table");
    KK_RUN(replaced_order, "an order has two live ids while it is replaced");
    KK_RUN(budget, "with four ids an order a slot keeps within 512 bytes");
    KK_RUN(hash_reads_its_bytes, "the hash depends on every byte, the length and the session");
    KK_RUN(hash_has_no_collisions, "a million like ids of two sessions all differ");
    KK_RUN(hash_keeps_a_secret, "with a secret, ids made to collide do not");
    KK_RUN(hash_is_fixed, "the hash is the same on every build");
    return KK_REPORT();
}
