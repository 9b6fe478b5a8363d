/*
 * The hash of a ClOrdID: multiply and fold, 16 bytes a step; the same on every build.
 *
 * Every factor holds a word of the key: a known one could be met by bytes that make it 0, and with
 * it the product, whatever came before.
 */
#include <string.h>

#include "kk_assert.h"
#include "kk_order_index.h"

__extension__ typedef unsigned __int128 kk_u128;

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the hash is part of the venue's state");

/* Odd numbers without a pattern. */
#define SALT_A UINT64_C(0x9E3779B97F4A7C15)
#define SALT_B UINT64_C(0xC13FA9A902A6328F)
#define SALT_C UINT64_C(0x91E10DA5C79E7B1D)

static uint64_t fold(uint64_t a, uint64_t b) {
    kk_u128 product = (kk_u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load8(const uint8_t *at) {
    uint64_t value = 0;
    memcpy(&value, at, sizeof(value));
    return value;
}

static uint64_t load4(const uint8_t *at) {
    uint32_t value = 0;
    memcpy(&value, at, sizeof(value));
    return value;
}

/* Up to 16 bytes as two words that overlap where there are fewer; never reads beyond them. */
static void load_tail(const uint8_t *at, size_t length, uint64_t *first, uint64_t *last) {
    if (length >= 8) {
        *first = load8(at);
        *last = load8(at + length - 8);
    } else if (length >= 4) {
        *first = load4(at);
        *last = load4(at + length - 4);
    } else if (length > 0) {
        *first = at[0];
        *last = (uint64_t)at[length / 2] << 8 | at[length - 1];
    } else {
        *first = 0;
        *last = 0;
    }
}

kk_id_key kk_id_key_of(const uint8_t secret[KK_KEY_BYTES]) {
    kk_assert(secret != NULL);
    const uint64_t low = load8(secret);
    const uint64_t high = load8(secret + 8);
    return (kk_id_key){.words = {SALT_A ^ low, SALT_B ^ high, SALT_C ^ fold(low, high)}};
}

uint64_t kk_clord_id_hash(const kk_id_key *key, uint32_t session, const uint8_t *clord_id,
                          size_t length) {
    kk_assert(clord_id != NULL || length == 0);
    uint64_t hash = fold(session ^ key->words[0], length ^ key->words[1]);
    size_t rest = length;
    for (; rest > 16; clord_id += 16, rest -= 16) {
        hash = fold(load8(clord_id) ^ hash, load8(clord_id + 8) ^ key->words[2]);
    }
    uint64_t first = 0;
    uint64_t last = 0;
    load_tail(clord_id, rest, &first, &last);
    hash = fold(first ^ hash, last ^ key->words[1]);
    return fold(hash ^ key->words[0], key->words[2]);
}
