/*
 * Theory of operation.
 *
 *     entries   | live: one cell for each live order | closed: a ring of the last `window` ids |
 *     table     | displacement 5 | tag | position + 1 |   one 32-bit word a slot, 0 is empty
 *
 * A retired entry moves from its cell to the ring's end, over the oldest closed one; so an id is
 * known for `window` further closed ids, and no operation takes more than a few steps.  The move
 * waits for some more retirements: by then what it touches has been prefetched.
 *
 * The table is open addressing in the manner of Robin Hood: along a run the ids stand in the order
 * of their home slots.  A word knows how far it is from home, up to FAR, so runs are searched and
 * moved without looking at the entries; a lookup reads one only where home and tag agree.
 */
#include "kk_order_index.h"

#include <stdlib.h>

#include "kk_assert.h"
#include "kk_memory.h"

#define FAR 31u /* so far from home or farther */
#define FAR_SHIFT 27u
#define POSITION_BITS_MAX FAR_SHIFT
#define AHEAD 8u /* evictions whose table slots are prefetched ahead */
#define WAITING KK_INDEX_WAITING

struct kk_order_index {
    kk_index_entry *entries;
    uint32_t *table;
    uint32_t table_slots;
    uint32_t tag_shift; /* bits of a position */
    uint32_t live_cells;
    uint32_t live_fresh; /* cells from here on were never used */
    uint32_t live_free;  /* list through `slot` */
    uint32_t window;
    uint32_t closed_next; /* where in the ring the next closed id goes */
    uint32_t closed_count;
    uint32_t waiting[WAITING]; /* the last retired entries, as a ring */
    uint64_t retired;
};

/* A replaced order has two ids for a moment. */
static uint32_t live_cells_for(uint32_t orders) { return orders + 1 + WAITING; }

static size_t entries_for(uint32_t orders, uint32_t window) {
    return (size_t)live_cells_for(orders) + window;
}

bool kk_order_index_holds(uint32_t orders, uint32_t window) {
    return entries_for(orders, window) < (size_t)1 << POSITION_BITS_MAX;
}

/* At most four in five slots are taken. */
static size_t slots_for(uint32_t orders, uint32_t window) {
    return entries_for(orders, window) * 5 / 4 + 1;
}

size_t kk_order_index_bytes(uint32_t orders, uint32_t window) {
    return entries_for(orders, window) * sizeof(kk_index_entry) +
           slots_for(orders, window) * sizeof(uint32_t);
}

kk_order_index *kk_order_index_new(uint32_t orders, uint32_t window) {
    kk_assert(orders > 0 && window >= orders);
    size_t entries = entries_for(orders, window);
    kk_assert(kk_order_index_holds(orders, window));
    kk_order_index *index = calloc(1, sizeof(*index));
    if (index == NULL) {
        return NULL;
    }
    index->entries = kk_memory_new(entries * sizeof(kk_index_entry));
    index->table = kk_memory_new(slots_for(orders, window) * sizeof(uint32_t));
    index->table_slots = (uint32_t)slots_for(orders, window);
    while (entries >> index->tag_shift != 0) {
        index->tag_shift++;
    }
    index->live_cells = live_cells_for(orders);
    index->live_free = KK_NONE;
    index->window = window;
    if (index->entries == NULL || index->table == NULL) {
        kk_order_index_free(index);
        return NULL;
    }
    return index;
}

void kk_order_index_free(kk_order_index *index) {
    if (index != NULL) {
        kk_memory_free(index->entries,
                       ((size_t)index->live_cells + index->window) * sizeof(kk_index_entry));
        kk_memory_free(index->table, (size_t)index->table_slots * sizeof(uint32_t));
        free(index);
    }
}

void kk_order_index_touch(kk_order_index *index) {
    kk_memory_touch(index->entries,
                    ((size_t)index->live_cells + index->window) * sizeof(kk_index_entry));
    kk_memory_touch(index->table, (size_t)index->table_slots * sizeof(uint32_t));
}

/* ------------------------------------------------------------------ words of the table */

static uint32_t home_of(const kk_order_index *index, uint64_t hash) {
    return (uint32_t)((hash >> 32) * index->table_slots >> 32);
}

static uint32_t next_of(const kk_order_index *index, uint32_t at) {
    return at + 1 == index->table_slots ? 0 : at + 1;
}

static uint32_t distance_of(uint32_t word) { return word >> FAR_SHIFT; }

static uint32_t with_distance(uint32_t word, uint32_t distance) {
    uint32_t rest = word & ((1u << FAR_SHIFT) - 1);
    return rest | (distance < FAR ? distance : FAR) << FAR_SHIFT;
}

static uint32_t position_of(const kk_order_index *index, uint32_t word) {
    return (word & ((1u << index->tag_shift) - 1)) - 1;
}

/* The word of an id at home; its tag is what fits of the hash. */
static uint32_t word_for(const kk_order_index *index, uint64_t hash, uint32_t position) {
    uint32_t rest = (1u << FAR_SHIFT) - 1;
    return (((uint32_t)hash << index->tag_shift) & rest) | (position + 1);
}

/* The distance even where it is FAR or more. */
static uint32_t exact_distance(const kk_order_index *index, uint32_t at) {
    uint32_t word = index->table[at];
    if (kk_likely(distance_of(word) < FAR)) {
        return distance_of(word);
    }
    uint32_t home = home_of(index, index->entries[position_of(index, word)].hash);
    return at >= home ? at - home : at + index->table_slots - home;
}

/* ------------------------------------------------------------------ the table */

/* Puts the word in front of the first that is nearer to its home, and moves the rest up. */
static void table_insert(kk_order_index *index, uint64_t hash, uint32_t position) {
    uint32_t at = home_of(index, hash);
    uint32_t distance = 0;
    while (index->table[at] != 0 && exact_distance(index, at) >= distance) {
        at = next_of(index, at);
        distance++;
        kk_assert(distance < index->table_slots);
    }
    uint32_t word = with_distance(word_for(index, hash, position), distance);
    while (word != 0) {
        uint32_t moved = index->table[at];
        index->table[at] = word;
        word = moved == 0 ? 0 : with_distance(moved, distance_of(moved) + 1);
        at = next_of(index, at);
    }
}

/* The slot that holds this position, which is in the table. */
static uint32_t table_locate(const kk_order_index *index, uint64_t hash, uint32_t position) {
    uint32_t at = home_of(index, hash);
    while (position_of(index, index->table[at]) != position) {
        kk_assert(index->table[at] != 0);
        at = next_of(index, at);
    }
    return at;
}

/* Empties a slot and moves back what stands behind it away from home. */
static void table_remove(kk_order_index *index, uint32_t at) {
    for (;;) {
        uint32_t next = next_of(index, at);
        uint32_t word = index->table[next];
        uint32_t distance = word == 0 ? 0 : exact_distance(index, next);
        if (distance == 0) {
            index->table[at] = 0;
            return;
        }
        index->table[at] = with_distance(word, distance - 1);
        at = next;
    }
}

void kk_order_index_prefetch(const kk_order_index *index, uint64_t hash) {
    __builtin_prefetch(&index->table[home_of(index, hash)]);
}

uint32_t kk_order_index_find(const kk_order_index *index, uint64_t hash) {
    uint32_t wanted = word_for(index, hash, 0);
    uint32_t at = home_of(index, hash);
    for (uint32_t distance = 0;; distance++) {
        uint32_t word = index->table[at];
        if (word == 0 || distance_of(word) < (distance < FAR ? distance : FAR)) {
            return KK_NONE;
        }
        if ((word ^ with_distance(wanted, distance)) >> index->tag_shift == 0) {
            uint32_t position = position_of(index, word);
            if (kk_likely(index->entries[position].hash == hash)) {
                return position;
            }
        }
        at = next_of(index, at);
    }
}

void kk_order_index_prefetch_entry(const kk_order_index *index, uint64_t hash) {
    uint32_t wanted = word_for(index, hash, 0);
    uint32_t at = home_of(index, hash);
    for (uint32_t distance = 0; distance < FAR; distance++) {
        uint32_t word = index->table[at];
        if (word == 0 || distance_of(word) < distance) {
            return;
        }
        if ((word ^ with_distance(wanted, distance)) >> index->tag_shift == 0) {
            __builtin_prefetch(&index->entries[position_of(index, word)]);
        }
        at = next_of(index, at);
    }
}

/* ------------------------------------------------------------------ entries */

const kk_index_entry *kk_order_index_entry(const kk_order_index *index, uint32_t entry) {
    kk_assert(entry < index->live_cells + index->window);
    return &index->entries[entry];
}

static uint32_t take_live_cell(kk_order_index *index) {
    uint32_t cell = index->live_free;
    if (cell != KK_NONE) {
        index->live_free = index->entries[cell].slot;
        if (kk_likely(index->live_free != KK_NONE)) {
            __builtin_prefetch(&index->entries[index->live_free]); /* for the next one */
        }
        return cell;
    }
    kk_assert(index->live_fresh < index->live_cells);
    return index->live_fresh++;
}

/* The ring's next place, free: the oldest closed id has left it. */
static uint32_t take_closed_place(kk_order_index *index) {
    uint32_t place = index->live_cells + index->closed_next;
    if (index->closed_count == index->window) {
        table_remove(index, table_locate(index, index->entries[place].hash, place));
        uint32_t ahead = index->closed_next + AHEAD;
        ahead -= ahead < index->window ? 0 : index->window;
        if (kk_likely(ahead < index->window)) {
            kk_order_index_prefetch(index, index->entries[index->live_cells + ahead].hash);
        }
    } else {
        index->closed_count++;
    }
    index->closed_next = index->closed_next + 1 == index->window ? 0 : index->closed_next + 1;
    return place;
}

uint32_t kk_order_index_add(kk_order_index *index, uint64_t hash, uint32_t slot, uint32_t status) {
    uint32_t entry = status == KK_ORDER_LIVE ? take_live_cell(index) : take_closed_place(index);
    index->entries[entry] = (kk_index_entry){.hash = hash, .slot = slot, .status = status};
    table_insert(index, hash, entry);
    return entry;
}

/* Moves a retired entry from its cell to the ring. */
static void move_to_ring(kk_order_index *index, uint32_t entry) {
    kk_index_entry *cell = &index->entries[entry];
    kk_assert(cell->status != KK_ORDER_LIVE);
    uint32_t place = take_closed_place(index);
    index->table[table_locate(index, cell->hash, entry)] += place - entry;
    index->entries[place] = *cell;
    cell->slot = index->live_free;
    index->live_free = entry;
}

void kk_order_index_retire(kk_order_index *index, uint32_t entry, uint32_t status) {
    kk_assert(entry < index->live_fresh && status != KK_ORDER_LIVE);
    index->entries[entry].status = status;
    if (kk_likely(index->retired >= WAITING)) {
        move_to_ring(index, index->waiting[index->retired % WAITING]);
    }
    index->waiting[index->retired % WAITING] = entry;
    index->retired++;
    /* Its cell is on the way by now; the table's slot is next. */
    uint32_t earlier = index->waiting[(index->retired + WAITING / 2) % WAITING];
    kk_order_index_prefetch(index, index->entries[earlier].hash);
}

/* ------------------------------------------------------------------ what is remembered */

uint32_t kk_order_index_closed_count(const kk_order_index *index) { return index->closed_count; }

const kk_index_entry *kk_order_index_closed(const kk_order_index *index, uint32_t nth) {
    kk_assert(nth < index->closed_count);
    const uint32_t oldest = index->closed_count == index->window ? index->closed_next : 0;
    const uint64_t place = ((uint64_t)oldest + nth) % index->window;
    return &index->entries[index->live_cells + place];
}

uint32_t kk_order_index_waiting_count(const kk_order_index *index) {
    return index->retired < WAITING ? (uint32_t)index->retired : WAITING;
}

const kk_index_entry *kk_order_index_waiting(const kk_order_index *index, uint32_t nth) {
    const uint32_t count = kk_order_index_waiting_count(index);
    kk_assert(nth < count);
    return &index->entries[index->waiting[(index->retired - count + nth) % WAITING]];
}
