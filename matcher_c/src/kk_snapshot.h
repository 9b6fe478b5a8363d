/*
 * Inside a snapshot: sections one after the other, each a head and its items.
 *
 *     head    id 4 | version 4 | items 8
 *     item    length 2 | fields, little-endian, without gaps
 *
 * A section is a concern and has a file of its own that writes and reads its items.  An item says
 * how long it is, so a later version can add fields at its end.
 *
 * What is not in it: rings, level indexes and free lists, which change no output; open-order
 * counts, which follow from the orders; statistics, which count since the start of the process.
 */
#ifndef KK_SNAPSHOT_H
#define KK_SNAPSHOT_H

#include <string.h>

#include "kk_engine.h"

#define KK_SNAPSHOT_ITEM_MAX 2048u /* its length included */

_Static_assert(KK_SNAPSHOT_BUFFER_MIN >= 2u * KK_SNAPSHOT_ITEM_MAX, "items pass one by one");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are copied as they stand");

/* Times further away than this are no times; two of them add up without overflow. */
#define KK_SNAPSHOT_TIME_MAX (INT64_C(1) << 61)

/* The item being written. */
typedef struct kk_item_out {
    uint8_t *at;
} kk_item_out;

/* The item being read; once it has ended too early all that is taken is 0. */
typedef struct kk_item_in {
    const uint8_t *at;
    const uint8_t *end;
    const uint8_t *behind; /* the end of what has been given, for prefetching */
    bool cut;
} kk_item_in;

typedef struct kk_section {
    uint32_t id;
    uint64_t (*items)(const kk_engine *engine);
    void (*write)(const kk_engine *engine, kk_snapshot *at, kk_item_out *item);
    /* KK_OK, KK_INVALID or KK_CAPACITY, as the two below. */
    kk_status (*read)(kk_engine *engine, kk_snapshot *at, kk_item_in *item);
    kk_status (*begin)(kk_engine *engine, kk_snapshot *at); /* the number of items is known */
    kk_status (*end)(kk_engine *engine, kk_snapshot *at);   /* all of them have been read */
} kk_section;

extern const kk_section kk_section_venue;         /* snapshot_venue.c */
extern const kk_section kk_section_sessions;      /* snapshot_sessions.c */
extern const kk_section kk_section_throttles;     /* snapshot_throttles.c */
extern const kk_section kk_section_orders;        /* snapshot_orders.c */
extern const kk_section kk_section_mass_status;   /* snapshot_mass_status.c */
extern const kk_section kk_section_closed_orders; /* snapshot_closed.c */
extern const kk_section kk_section_books;         /* snapshot_books.c */
extern const kk_section kk_section_closed_ids;    /* snapshot_ids.c */
extern const kk_section kk_section_waiting_ids;

static inline void kk_put_bytes(kk_item_out *item, const void *bytes, size_t length) {
    memcpy(item->at, bytes, length);
    item->at += length;
}

static inline void kk_put_u8(kk_item_out *item, uint8_t value) { *item->at++ = value; }

static inline void kk_put_u16(kk_item_out *item, uint16_t value) {
    kk_put_bytes(item, &value, sizeof value);
}

static inline void kk_put_u32(kk_item_out *item, uint32_t value) {
    kk_put_bytes(item, &value, sizeof value);
}

static inline void kk_put_u64(kk_item_out *item, uint64_t value) {
    kk_put_bytes(item, &value, sizeof value);
}

static inline void kk_put_i64(kk_item_out *item, int64_t value) {
    kk_put_bytes(item, &value, sizeof value);
}

/* NULL when there are not so many. */
static inline const uint8_t *kk_get_bytes(kk_item_in *item, size_t length) {
    if ((size_t)(item->end - item->at) < length) {
        item->cut = true;
        return NULL;
    }
    const uint8_t *bytes = item->at;
    item->at += length;
    return bytes;
}

static inline void kk_get(kk_item_in *item, void *value, size_t length) {
    const uint8_t *bytes = kk_get_bytes(item, length);
    if (bytes == NULL) {
        memset(value, 0, length);
    } else {
        memcpy(value, bytes, length);
    }
}

static inline uint8_t kk_get_u8(kk_item_in *item) {
    uint8_t value;
    kk_get(item, &value, sizeof value);
    return value;
}

static inline uint16_t kk_get_u16(kk_item_in *item) {
    uint16_t value;
    kk_get(item, &value, sizeof value);
    return value;
}

static inline uint32_t kk_get_u32(kk_item_in *item) {
    uint32_t value;
    kk_get(item, &value, sizeof value);
    return value;
}

static inline uint64_t kk_get_u64(kk_item_in *item) {
    uint64_t value;
    kk_get(item, &value, sizeof value);
    return value;
}

static inline int64_t kk_get_i64(kk_item_in *item) {
    int64_t value;
    kk_get(item, &value, sizeof value);
    return value;
}

/* Whether the item had all its fields and no more. */
static inline bool kk_item_is_whole(const kk_item_in *item) {
    return !item->cut && item->at == item->end;
}

static inline bool kk_is_time(int64_t time_ns) {
    return time_ns >= 0 && time_ns <= KK_SNAPSHOT_TIME_MAX;
}

/* Whether these bytes can be the value of a field. */
static inline bool kk_is_value(const uint8_t *bytes, size_t length) {
    return length > 0 && memchr(bytes, '\001', length) == NULL;
}

/* Whether these bytes are whole fields, "tag=value<SOH>..." or nothing. */
bool kk_are_fields(const uint8_t *bytes, size_t length);

/* Whether they can be what kk_header_echo made of a request: 50 and 57. */
bool kk_is_header_echo(const uint8_t *bytes, size_t length);

#endif
