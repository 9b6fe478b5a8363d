#include "kk_order_pool.h"

#include <string.h>

#include "kk_assert.h"
#include "kk_header_echo.h"
#include "kk_memory.h"

#define AHEAD 12u    /* slots whose memory is on its way before they are taken */
#define FETCHED 192u /* bytes of their details: with an echo of usual length */

static uint32_t chunks_for(uint32_t capacity) {
    return (capacity + KK_SLOTS_PER_CHUNK - 1) / KK_SLOTS_PER_CHUNK;
}

size_t kk_order_pool_bytes(uint32_t capacity) {
    return capacity * (sizeof(kk_order) + sizeof(kk_order_detail)) +
           chunks_for(capacity) * (KK_ECHO_CHUNK + 2 * sizeof(uint32_t));
}

bool kk_order_pool_init(kk_order_pool *pool, uint32_t capacity) {
    kk_assert(pool != NULL && capacity > 0 && capacity < KK_NONE);
    uint32_t chunks = chunks_for(capacity);
    *pool = (kk_order_pool){
        .orders = kk_memory_new(capacity * sizeof(kk_order)),
        .details = kk_memory_new(capacity * sizeof(kk_order_detail)),
        .chunks = kk_memory_new((size_t)chunks * KK_ECHO_CHUNK),
        .chunk_next = kk_memory_new(chunks * sizeof(uint32_t)),
        .chunk_owner = kk_memory_new(chunks * sizeof(uint32_t)),
        .capacity = capacity,
        .chunk_capacity = chunks,
        .closed_head = KK_NONE,
        .closed_tail = KK_NONE,
        .ahead = KK_NONE,
        .chunk_free = KK_NONE,
        .closed_chunk_head = KK_NONE,
        .closed_chunk_tail = KK_NONE,
    };
    if (pool->orders == NULL || pool->details == NULL || pool->chunks == NULL ||
        pool->chunk_next == NULL || pool->chunk_owner == NULL) {
        kk_order_pool_free(pool);
        return false;
    }
    return true;
}

void kk_order_pool_free(kk_order_pool *pool) {
    kk_memory_free(pool->orders, pool->capacity * sizeof(kk_order));
    kk_memory_free(pool->details, pool->capacity * sizeof(kk_order_detail));
    kk_memory_free(pool->chunks, (size_t)pool->chunk_capacity * KK_ECHO_CHUNK);
    kk_memory_free(pool->chunk_next, pool->chunk_capacity * sizeof(uint32_t));
    kk_memory_free(pool->chunk_owner, pool->chunk_capacity * sizeof(uint32_t));
    *pool = (kk_order_pool){0};
}

/* ------------------------------------------------------------------ chunks */

static void free_chunk(kk_order_pool *pool, uint32_t chunk) {
    pool->chunk_next[chunk] = pool->chunk_free;
    pool->chunk_free = chunk;
}

/* Queues the chunk of an order that has just closed. */
static void queue_closed_chunk(kk_order_pool *pool, uint32_t chunk) {
    pool->chunk_next[chunk] = KK_NONE;
    if (pool->closed_chunk_tail == KK_NONE) {
        pool->closed_chunk_head = chunk;
    } else {
        pool->chunk_next[pool->closed_chunk_tail] = chunk;
    }
    pool->closed_chunk_tail = chunk;
}

/* Takes the chunk of the order closed longest ago, if there is one; that order loses its echo. */
static uint32_t dequeue_closed_chunk(kk_order_pool *pool) {
    uint32_t chunk = pool->closed_chunk_head;
    if (chunk == KK_NONE) {
        return KK_NONE;
    }
    pool->closed_chunk_head = pool->chunk_next[chunk];
    if (pool->closed_chunk_head == KK_NONE) {
        pool->closed_chunk_tail = KK_NONE;
    }
    kk_order_detail *detail = &pool->details[pool->chunk_owner[chunk]];
    kk_assert(detail->echo_chunk == chunk);
    detail->echo_chunk = KK_NONE;
    detail->echo_bytes = 0;
    detail->echo_text_bytes = 0;
    return chunk;
}

static uint32_t take_chunk(kk_order_pool *pool, uint32_t slot) {
    uint32_t chunk = pool->chunk_free;
    if (chunk != KK_NONE) {
        pool->chunk_free = pool->chunk_next[chunk];
    } else if (pool->chunk_fresh < pool->chunk_capacity) {
        chunk = pool->chunk_fresh++;
    } else {
        chunk = dequeue_closed_chunk(pool);
    }
    if (chunk != KK_NONE) {
        pool->chunk_owner[chunk] = slot;
    }
    return chunk;
}

/* ------------------------------------------------------------------ slots */

uint32_t kk_order_pool_peek(const kk_order_pool *pool) {
    return pool->fresh < pool->capacity ? pool->fresh : pool->closed_head;
}

static void fetch(const kk_order_pool *pool, uint32_t slot) {
    const uint8_t *detail = (const uint8_t *)&pool->details[slot];

    __builtin_prefetch(&pool->orders[slot]);
    for (size_t line = 0; line < FETCHED; line += 64) {
        __builtin_prefetch(detail + line);
    }
}

/*
 * Fetches what the next takes will touch.  The closed list is walked AHEAD of its head, two steps
 * a take at most: a step reads a line that was fetched the take before.
 */
static void fetch_ahead(kk_order_pool *pool) {
    if (pool->fresh + AHEAD < pool->capacity) {
        fetch(pool, pool->fresh + AHEAD);
        return;
    }
    for (uint32_t steps = 0; steps < 2 && pool->ahead_by < AHEAD; steps++) {
        const uint32_t next =
            pool->ahead == KK_NONE ? pool->closed_head : pool->orders[pool->ahead].next;
        if (next == KK_NONE) {
            return;
        }
        pool->ahead = next;
        pool->ahead_by++;
        fetch(pool, next);
    }
}

/* The slot closed longest ago, without its chunk; or KK_NONE. */
static uint32_t reuse_closed(kk_order_pool *pool) {
    uint32_t slot = pool->closed_head;
    if (slot == KK_NONE) {
        return KK_NONE;
    }
    kk_assert(pool->orders[slot].status > KK_ORDER_LIVE);
    pool->closed_head = pool->orders[slot].next;
    if (pool->closed_head == KK_NONE) {
        pool->closed_tail = KK_NONE;
    }
    if (pool->ahead_by > 0) {
        pool->ahead = --pool->ahead_by == 0 ? KK_NONE : pool->ahead;
    }
    uint32_t chunk = pool->details[slot].echo_chunk;
    if (chunk != KK_NONE) {
        uint32_t first = dequeue_closed_chunk(pool);
        kk_assert(first == chunk);
        free_chunk(pool, chunk);
    }
    return slot;
}

uint32_t kk_order_pool_take(kk_order_pool *pool) {
    uint32_t slot = pool->fresh < pool->capacity ? pool->fresh++ : reuse_closed(pool);
    if (slot == KK_NONE) {
        return KK_NONE;
    }
    fetch_ahead(pool);
    pool->live++;
    pool->orders[slot].status = KK_ORDER_FREE;
    pool->orders[slot].level = KK_NONE;
    kk_order_detail *detail = &pool->details[slot];
    detail->echo_chunk = KK_NONE;
    detail->echo_bytes = 0;
    detail->echo_text_bytes = 0;
    detail->header_echo_bytes = 0;
    return slot;
}

void kk_order_pool_close(kk_order_pool *pool, uint32_t slot) {
    kk_assert(slot < pool->fresh && pool->live > 0);
    kk_order *order = &pool->orders[slot];
    kk_assert(order->status > KK_ORDER_LIVE && order->level == KK_NONE);
    pool->live--;
    order->next = KK_NONE;
    if (pool->closed_tail == KK_NONE) {
        pool->closed_head = slot;
    } else {
        pool->orders[pool->closed_tail].next = slot;
    }
    pool->closed_tail = slot;
    uint32_t chunk = pool->details[slot].echo_chunk;
    if (chunk != KK_NONE) {
        queue_closed_chunk(pool, chunk);
    }
}

/* ------------------------------------------------------------------ echoes */

/* Where the next bytes of an echo go: first the slot's own, then the chunk's. */
typedef struct echo_writer {
    uint8_t *own;
    uint8_t *chunk;
    size_t length;
} echo_writer;

static void write_echo(echo_writer *to, const uint8_t *bytes, size_t length) {
    size_t here = to->length < KK_ECHO_INLINE ? KK_ECHO_INLINE - to->length : 0;
    here = length < here ? length : here;
    memcpy(to->own + (here > 0 ? to->length : 0), bytes, here);
    if (length > here) {
        kk_assert(to->chunk != NULL && to->length + length <= KK_ECHO_INLINE + KK_ECHO_CHUNK);
        memcpy(to->chunk + (to->length + here - KK_ECHO_INLINE), bytes + here, length - here);
    }
    to->length += length;
}

/* Gives the order the chunk that an echo of `length` bytes needs, or none.  False: none is left. */
static bool fit_chunk(kk_order_pool *pool, uint32_t slot, size_t length) {
    kk_order_detail *detail = &pool->details[slot];
    bool needed = length > KK_ECHO_INLINE;
    if (needed && detail->echo_chunk == KK_NONE) {
        detail->echo_chunk = take_chunk(pool, slot);
        return detail->echo_chunk != KK_NONE;
    }
    if (!needed && detail->echo_chunk != KK_NONE) {
        free_chunk(pool, detail->echo_chunk);
        detail->echo_chunk = KK_NONE;
    }
    return true;
}

static echo_writer writer_of(kk_order_pool *pool, kk_order_detail *detail) {
    uint8_t *chunk = detail->echo_chunk == KK_NONE
                         ? NULL
                         : pool->chunks + (size_t)detail->echo_chunk * KK_ECHO_CHUNK;
    return (echo_writer){.own = detail->echo, .chunk = chunk};
}

bool kk_order_pool_store_echo(kk_order_pool *pool, uint32_t slot, const kk_command *command) {
    kk_assert(slot < pool->fresh && command->echo_count <= KK_ECHO_SPANS);
    kk_assert(command->echo_bytes <= KK_ECHO_MAX);
    uint8_t header[KK_HEADER_ECHO_MAX];
    size_t header_length = kk_header_echo(command, header);
    if (!fit_chunk(pool, slot, header_length + command->echo_bytes)) {
        return false;
    }
    kk_order_detail *detail = &pool->details[slot];
    echo_writer to = writer_of(pool, detail);
    write_echo(&to, header, header_length);
    for (uint32_t i = 0; i < command->echo_count; i++) {
        write_echo(&to, command->base + command->echo[i].offset, command->echo[i].length);
    }
    kk_assert(to.length == header_length + command->echo_bytes);
    detail->header_echo_bytes = (uint8_t)header_length;
    detail->echo_bytes = (uint16_t)command->echo_bytes;
    detail->echo_text_bytes = 0;
    if (command->text.length > 0) {
        kk_assert(command->echo_count > 0);
        detail->echo_text_bytes = (uint16_t)command->echo[command->echo_count - 1].length;
    }
    return true;
}

bool kk_order_pool_put_echo(kk_order_pool *pool, uint32_t slot, const uint8_t *echo,
                            uint8_t header_bytes, uint16_t echo_bytes, uint16_t text_bytes) {
    kk_assert(slot < pool->fresh && header_bytes <= KK_HEADER_ECHO_MAX);
    kk_assert(echo_bytes <= KK_ECHO_MAX && text_bytes <= echo_bytes);
    const size_t length = (size_t)header_bytes + echo_bytes;
    if (!fit_chunk(pool, slot, length)) {
        return false;
    }
    kk_order_detail *detail = &pool->details[slot];
    echo_writer to = writer_of(pool, detail);
    write_echo(&to, echo, length);
    detail->header_echo_bytes = header_bytes;
    detail->echo_bytes = echo_bytes;
    detail->echo_text_bytes = text_bytes;
    return true;
}

size_t kk_order_pool_copy_echo(const kk_order_pool *pool, uint32_t slot, uint8_t *out) {
    kk_assert(slot < pool->fresh && out != NULL);
    const kk_order_detail *detail = &pool->details[slot];
    size_t own = KK_ECHO_INLINE - (size_t)detail->header_echo_bytes;
    own = detail->echo_bytes < own ? detail->echo_bytes : own;
    memcpy(out, detail->echo + detail->header_echo_bytes, own);
    if (detail->echo_bytes > own) {
        kk_assert(detail->echo_chunk != KK_NONE);
        memcpy(out + own, pool->chunks + (size_t)detail->echo_chunk * KK_ECHO_CHUNK,
               detail->echo_bytes - own);
    }
    return detail->echo_bytes;
}

void kk_order_pool_touch(kk_order_pool *pool) {
    kk_memory_touch(pool->orders, pool->capacity * sizeof(kk_order));
    kk_memory_touch(pool->details, pool->capacity * sizeof(kk_order_detail));
    kk_memory_touch(pool->chunks, (size_t)pool->chunk_capacity * KK_ECHO_CHUNK);
    kk_memory_touch(pool->chunk_next, pool->chunk_capacity * sizeof(uint32_t));
    kk_memory_touch(pool->chunk_owner, pool->chunk_capacity * sizeof(uint32_t));
}
