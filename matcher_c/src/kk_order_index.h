/*
 * The order index: ClOrdID(11) of a session to its order.
 *
 * Every ClOrdID that a session uses (D, F and G share the space) takes an entry.  An entry stays
 * while it is the current id of a live order, and after that until `window` further ids have
 * come: so duplicates are found, and requests on closed orders answered, as far as that.
 * Ids are compared by a 64-bit hash over session and bytes, under a key: who does not know it
 * cannot choose an id that stands for another session's.
 */
#ifndef KK_ORDER_INDEX_H
#define KK_ORDER_INDEX_H

#include "kk_order.h"

#define KK_INDEX_WAITING 8u /* retired ids that are not in the ring of closed ones yet */

typedef struct kk_order_index kk_order_index;

typedef struct kk_index_entry {
    uint64_t hash;
    uint32_t slot;   /* order that the id named, or KK_NONE for an id of a refused order */
    uint32_t status; /* kk_order_status when closed; KK_ORDER_LIVE while it is a live order's id */
} kk_index_entry;

/* Whether an index of this size can be had at all: it holds less than 2^27 ids. */
bool kk_order_index_holds(uint32_t orders, uint32_t window);
/* NULL: no memory.  `window` >= `orders`, and kk_order_index_holds. */
kk_order_index *kk_order_index_new(uint32_t orders, uint32_t window);
void kk_order_index_free(kk_order_index *index);
/* Backs everything with real pages now. */
void kk_order_index_touch(kk_order_index *index);
size_t kk_order_index_bytes(uint32_t orders, uint32_t window);

/* What a secret becomes to serve the hash. */
typedef struct kk_id_key {
    uint64_t words[3];
} kk_id_key;

kk_id_key kk_id_key_of(const uint8_t secret[KK_KEY_BYTES]);
uint64_t kk_clord_id_hash(const kk_id_key *key, uint32_t session, const uint8_t *clord_id,
                          size_t length);
void kk_order_index_prefetch(const kk_order_index *index, uint64_t hash);
/* The second step, once the first has arrived: fetches the entry that a find would read. */
void kk_order_index_prefetch_entry(const kk_order_index *index, uint64_t hash);

/* The entry of this id, or KK_NONE. */
uint32_t kk_order_index_find(const kk_order_index *index, uint64_t hash);
/*
 * Adds an id that is not there.  An entry that is not KK_ORDER_LIVE counts as closed at once.
 * A live entry's number stays until kk_order_index_retire; a closed one's until the next change.
 */
uint32_t kk_order_index_add(kk_order_index *index, uint64_t hash, uint32_t slot, uint32_t status);
const kk_index_entry *kk_order_index_entry(const kk_order_index *index, uint32_t entry);
/* The order has closed, or has been given another id: the live entry becomes a closed one. */
void kk_order_index_retire(kk_order_index *index, uint32_t entry, uint32_t status);

/*
 * What is remembered beyond the live ids, the longest ago first: the ring of closed ids, and those
 * that wait to enter it.  Added or retired again in this sequence they are forgotten as before.
 */
uint32_t kk_order_index_closed_count(const kk_order_index *index);
const kk_index_entry *kk_order_index_closed(const kk_order_index *index, uint32_t nth);
uint32_t kk_order_index_waiting_count(const kk_order_index *index);
const kk_index_entry *kk_order_index_waiting(const kk_order_index *index, uint32_t nth);

#endif
