#include "kk_levels.h"

#include "kk_assert.h"
#include "kk_level_tree.h"
#include "kk_memory.h"

/* Slots of the table: a power of two, at most half of them taken. */
static uint32_t slots_for(uint32_t capacity) {
    uint32_t slots = 16;
    while (slots / 2 < capacity) {
        slots *= 2;
    }
    return slots;
}

size_t kk_levels_bytes(uint32_t capacity, uint32_t instruments) {
    return capacity * sizeof(kk_level) + slots_for(capacity) * sizeof(uint32_t) +
           (size_t)2 * instruments * sizeof(kk_level_side);
}

bool kk_levels_init(kk_levels *levels, uint32_t capacity, uint32_t instruments) {
    kk_assert(capacity > 0 && capacity <= UINT32_MAX / 4);
    kk_assert(instruments > 0 && instruments < UINT32_MAX / 2);
    uint32_t slots = slots_for(capacity);
    *levels = (kk_levels){
        .levels = kk_memory_new(capacity * sizeof(kk_level)),
        .sides = kk_memory_new((size_t)2 * instruments * sizeof(kk_level_side)),
        .table = kk_memory_new(slots * sizeof(uint32_t)),
        .mask = slots - 1,
        .sides_count = instruments * 2,
        .capacity = capacity,
        .free = KK_NONE,
    };
    if (levels->levels == NULL || levels->sides == NULL || levels->table == NULL) {
        kk_levels_free(levels);
        return false;
    }
    for (uint32_t side = 0; side < levels->sides_count; side++) {
        levels->sides[side] = (kk_level_side){.best = KK_NONE, .root = KK_NONE};
    }
    return true;
}

void kk_levels_free(kk_levels *levels) {
    kk_memory_free(levels->levels, levels->capacity * sizeof(kk_level));
    kk_memory_free(levels->sides, levels->sides_count * sizeof(kk_level_side));
    kk_memory_free(levels->table, (levels->mask + (size_t)1) * sizeof(uint32_t));
    *levels = (kk_levels){0};
}

/* ------------------------------------------------------------------ the table */

static uint32_t home_of(const kk_levels *levels, uint32_t side, int64_t key) {
    uint64_t hash =
        ((uint64_t)key + side * UINT64_C(0xC13FA9A902A6328F)) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(hash >> 32) & levels->mask;
}

uint32_t kk_level_find(const kk_levels *levels, uint32_t side, int64_t key) {
    kk_assert(side < levels->sides_count);
    for (uint32_t at = home_of(levels, side, key);; at = (at + 1) & levels->mask) {
        uint32_t found = levels->table[at];
        if (found == 0) {
            return KK_NONE;
        }
        const kk_level *level = &levels->levels[found - 1];
        if (kk_likely(level->key == key && level->side == side)) {
            return found - 1;
        }
    }
}

static void table_insert(kk_levels *levels, uint32_t level) {
    uint32_t at = home_of(levels, levels->levels[level].side, levels->levels[level].key);
    while (levels->table[at] != 0) {
        at = (at + 1) & levels->mask;
    }
    levels->table[at] = level + 1;
}

static uint32_t home_at(const kk_levels *levels, uint32_t at) {
    const kk_level *level = &levels->levels[levels->table[at] - 1];
    return home_of(levels, level->side, level->key);
}

/* Empties the level's slot; what stands behind it moves back where its way from home leads by. */
static void table_remove(kk_levels *levels, uint32_t level) {
    uint32_t hole = home_of(levels, levels->levels[level].side, levels->levels[level].key);
    while (levels->table[hole] != level + 1) {
        kk_assert(levels->table[hole] != 0);
        hole = (hole + 1) & levels->mask;
    }
    uint32_t at = hole;
    for (;;) {
        at = (at + 1) & levels->mask;
        if (levels->table[at] == 0) {
            break;
        }
        uint32_t from_home = (at - home_at(levels, at)) & levels->mask;
        if (from_home >= ((at - hole) & levels->mask)) {
            levels->table[hole] = levels->table[at];
            hole = at;
        }
    }
    levels->table[hole] = 0;
}

/* ------------------------------------------------------------------ levels */

static uint32_t take_level(kk_levels *levels) {
    kk_assert(levels->live < levels->capacity);
    levels->live++;
    uint32_t level = levels->free;
    if (level == KK_NONE) {
        return levels->fresh++;
    }
    levels->free = levels->levels[level].worse;
    return level;
}

/* Puts the level behind `better` in its side's list. */
static void list_insert(kk_levels *levels, uint32_t level, uint32_t better) {
    kk_level *all = levels->levels;
    uint32_t *from_better =
        better == KK_NONE ? &levels->sides[all[level].side].best : &all[better].worse;
    uint32_t worse = *from_better;
    *from_better = level;
    all[level].better = better;
    all[level].worse = worse;
    if (worse != KK_NONE) {
        all[worse].better = level;
    }
}

static void list_remove(kk_levels *levels, uint32_t level) {
    kk_level *all = levels->levels;
    uint32_t better = all[level].better;
    uint32_t worse = all[level].worse;
    if (better == KK_NONE) {
        levels->sides[all[level].side].best = worse;
    } else {
        all[better].worse = worse;
    }
    if (worse != KK_NONE) {
        all[worse].better = better;
    }
}

uint32_t kk_level_add(kk_levels *levels, uint32_t side, int64_t key) {
    kk_assert(side < levels->sides_count);
    uint32_t level = take_level(levels);
    levels->levels[level] = (kk_level){.key = key, .side = side, .head = KK_NONE, .tail = KK_NONE};
    uint32_t better = kk_level_tree_insert(levels->levels, &levels->sides[side].root, level);
    list_insert(levels, level, better);
    table_insert(levels, level);
    return level;
}

void kk_level_remove(kk_levels *levels, uint32_t level) {
    kk_level *gone = &levels->levels[level];
    kk_assert(gone->count == 0 && gone->total_lots == 0);
    kk_level_tree_remove(levels->levels, &levels->sides[gone->side].root, level);
    list_remove(levels, level);
    table_remove(levels, level);
    gone->worse = levels->free;
    levels->free = level;
    levels->live--;
}

void kk_levels_check(const kk_levels *levels, uint32_t side) {
    uint32_t better = KK_NONE;
    uint32_t count = 0;
    for (uint32_t at = levels->sides[side].best; at != KK_NONE; at = levels->levels[at].worse) {
        const kk_level *level = &levels->levels[at];
        kk_assert(level->side == side && level->better == better);
        kk_assert(better == KK_NONE || levels->levels[better].key < level->key);
        kk_assert(kk_level_find(levels, side, level->key) == at);
        kk_level_tree_check(levels->levels, levels->sides[side].root, at);
        better = at;
        count++;
        kk_assert(count <= levels->live);
    }
    kk_assert((count == 0) == (levels->sides[side].root == KK_NONE));
}
