/* The pool: slots are reused as late as can be, echoes of any length come back as they were. */
#include "kk_order_pool.h"

#include <string.h>

#include "kk_assert.h"
#include "kk_test.h"

#define SLOTS 64u /* and so 4 chunks */
#define CHUNKS 4u
#define LONG_ECHO 400u

static kk_order_pool pool;
static uint8_t text[1024];

static void begin(void) {
    kk_assert(kk_order_pool_init(&pool, SLOTS));
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (uint8_t)('A' + i % 26);
    }
}

static void end(void) { kk_order_pool_free(&pool); }

static void close_slot(uint32_t slot) {
    pool.orders[slot].status = KK_ORDER_CANCELED;
    kk_order_pool_close(&pool, slot);
}

/* A command that echoes `length` bytes in runs, from `from` on, the last one of `text_length`. */
static kk_command echoing(uint32_t from, uint32_t length, uint32_t text_length) {
    kk_command command = {.base = text, .echo_bytes = length, .text.length = text_length};
    uint32_t rest = length - text_length;
    while (rest > 0) {
        uint32_t run = rest < 97 ? rest : 97;
        command.echo[command.echo_count++] = (kk_span){from, run};
        from += run;
        rest -= run;
    }
    if (text_length > 0) {
        command.echo[command.echo_count++] = (kk_span){from, text_length};
    }
    return command;
}

static bool store(uint32_t slot, uint32_t from, uint32_t length) {
    kk_command command = echoing(from, length, 0);
    return kk_order_pool_store_echo(&pool, slot, &command);
}

static bool holds(uint32_t slot, uint32_t from, uint32_t length) {
    uint8_t out[KK_ECHO_MAX];
    return kk_order_pool_copy_echo(&pool, slot, out) == length &&
           memcmp(out, text + from, length) == 0;
}

static void reuse_order(void) {
    begin();
    for (uint32_t i = 0; i < SLOTS; i++) {
        KK_CHECK(kk_order_pool_peek(&pool) == i);
        KK_CHECK(kk_order_pool_take(&pool) == i);
    }
    KK_CHECK(pool.live == SLOTS);
    KK_CHECK(kk_order_pool_peek(&pool) == KK_NONE);
    KK_CHECK(kk_order_pool_take(&pool) == KK_NONE);
    static const uint32_t closed[] = {5, 60, 0, 33};
    for (size_t i = 0; i < 4; i++) {
        close_slot(closed[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        KK_CHECK(kk_order_pool_peek(&pool) == closed[i]);
        KK_CHECK(kk_order_pool_take(&pool) == closed[i]);
        KK_CHECK(pool.details[closed[i]].echo_bytes == 0);
    }
    KK_CHECK(kk_order_pool_take(&pool) == KK_NONE);
    end();
}

static void fresh_before_closed(void) {
    begin();
    uint32_t slot = kk_order_pool_take(&pool);
    KK_CHECK(store(slot, 3, 100));
    close_slot(slot);
    for (uint32_t i = 1; i < SLOTS; i++) {
        KK_CHECK(kk_order_pool_take(&pool) == i);
    }
    KK_CHECK(holds(slot, 3, 100));
    KK_CHECK(kk_order_pool_take(&pool) == slot);
    end();
}

static void every_length(void) {
    begin();
    uint32_t slot = kk_order_pool_take(&pool);
    for (uint32_t length = 0; length <= KK_ECHO_MAX; length++) {
        KK_CHECK(store(slot, length, length));
        KK_CHECK(holds(slot, length, length));
    }
    for (uint32_t length = KK_ECHO_MAX; length > 0; length -= 7 < length ? 7 : length) {
        KK_CHECK(store(slot, 1, length));
        KK_CHECK(holds(slot, 1, length));
    }
    KK_CHECK(pool.chunk_fresh == 1);
    end();
}

static void header_part(void) {
    begin();
    uint32_t slot = kk_order_pool_take(&pool);
    static const uint8_t header[] = "50=DEFGHI\00157=ABC\001";
    for (uint32_t length = 0; length <= KK_ECHO_MAX; length++) {
        kk_command command = echoing(26, length, length / 3);
        command.sender_sub_id = (kk_span){0, 3};
        command.target_sub_id = (kk_span){3, 6};
        KK_CHECK(kk_order_pool_store_echo(&pool, slot, &command));
        const kk_order_detail *detail = &pool.details[slot];
        KK_CHECK(detail->header_echo_bytes == sizeof(header) - 1);
        KK_CHECK(memcmp(detail->echo, header, sizeof(header) - 1) == 0);
        KK_CHECK(detail->echo_text_bytes == length / 3);
        KK_CHECK(holds(slot, 26, length));
    }
    end();
}

static void out_of_chunks(void) {
    begin();
    for (uint32_t i = 0; i < CHUNKS; i++) {
        KK_CHECK(store(kk_order_pool_take(&pool), i, LONG_ECHO));
    }
    uint32_t slot = kk_order_pool_take(&pool);
    KK_CHECK(store(slot, 9, 20));
    KK_CHECK(!store(slot, 10, LONG_ECHO));
    KK_CHECK(holds(slot, 9, 20));
    KK_CHECK(store(2, 11, 21));
    KK_CHECK(store(slot, 10, LONG_ECHO));
    KK_CHECK(holds(slot, 10, LONG_ECHO));
    KK_CHECK(holds(2, 11, 21));
    KK_CHECK(holds(3, 3, LONG_ECHO));
    end();
}

static void closed_orders_give_up_chunks(void) {
    begin();
    for (uint32_t i = 0; i < CHUNKS; i++) {
        KK_CHECK(store(kk_order_pool_take(&pool), i, LONG_ECHO));
    }
    close_slot(2);
    close_slot(0);
    KK_CHECK(holds(2, 2, LONG_ECHO));
    KK_CHECK(store(kk_order_pool_take(&pool), 7, LONG_ECHO));
    KK_CHECK(holds(2, 0, 0));
    KK_CHECK(holds(0, 0, LONG_ECHO));
    KK_CHECK(store(kk_order_pool_take(&pool), 8, LONG_ECHO));
    KK_CHECK(holds(0, 0, 0));
    KK_CHECK(!store(kk_order_pool_take(&pool), 9, LONG_ECHO));
    end();
}

/* What a naive pool says: the live orders with their echoes, and the closed ones in sequence. */
static void random_life(void) {
    begin();
    uint64_t seed = 7;
    uint32_t live[SLOTS];
    uint32_t from[SLOTS];
    uint32_t lengths[SLOTS];
    uint32_t count = 0;
    uint32_t long_ones = 0;
    for (int round = 0; round < 200000; round++) {
        uint32_t draw = (uint32_t)kk_random(&seed);
        if (count > 0 && (draw % 2 == 0 || count == SLOTS)) {
            uint32_t at = draw / 2 % count;
            uint32_t slot = live[at];
            KK_CHECK(holds(slot, from[slot], lengths[slot]));
            long_ones -= lengths[slot] > KK_ECHO_INLINE;
            live[at] = live[--count];
            close_slot(slot);
        } else {
            uint32_t expected = kk_order_pool_peek(&pool);
            uint32_t slot = kk_order_pool_take(&pool);
            KK_CHECK(slot == expected);
            from[slot] = draw / 16 % 500;
            lengths[slot] = draw / 2 % 8 == 0 ? LONG_ECHO : draw / 2 % 200;
            bool stored = store(slot, from[slot], lengths[slot]);
            KK_CHECK(stored == (lengths[slot] != LONG_ECHO || long_ones < CHUNKS));
            lengths[slot] = stored ? lengths[slot] : 0;
            long_ones += lengths[slot] > KK_ECHO_INLINE;
            live[count++] = slot;
        }
        KK_CHECK(pool.live == count);
    }
    end();
}

int main(void) {
    KK_RUN(reuse_order, "slots come back in the order in which they were closed");
    KK_RUN(fresh_before_closed, "a closed order keeps its details while any other slot is free");
    KK_RUN(every_length, "echoes of every length come back, replaced in place, in one chunk");
    KK_RUN(header_part, "the header's echo stands first and swaps 50 and 57; text is counted");
    KK_RUN(out_of_chunks, "without a chunk nothing changes; a shorter echo frees one");
    KK_RUN(closed_orders_give_up_chunks, "the order closed longest ago loses its echo first");
    KK_RUN(random_life, "under random use live echoes stay whole");
    return KK_REPORT();
}
