/*
 * Snapshots: a venue that is read back goes on as the one that was written, byte for byte; what is
 * no snapshot is refused by a status.
 */
#include <stdlib.h>
#include <string.h>

#include "kk_test.h"
#include "random_history.h"

#define STEPS 3000u
#define AFTER 400u

static uint8_t first[HISTORY_SNAPSHOT_MAX];
static uint8_t second[HISTORY_SNAPSHOT_MAX];

/* Both make the same bytes of the same steps; false at the first that differs. */
static bool run_alike(venue *a, venue *b, history_dice *dice, unsigned steps) {
    history_dice other = *dice;

    for (unsigned i = 0; i < steps; i++) {
        kk_journal_take(a->engine);
        kk_journal_take(b->engine);
        history_step(a, dice);
        history_step(b, &other);
        const size_t used = kk_journal_used(a->engine);
        if (kk_journal_used(b->engine) != used || memcmp(a->journal, b->journal, used) != 0 ||
            kk_state_hash(a->engine) != kk_state_hash(b->engine)) {
            printf("  step %u differs\n", i);
            return false;
        }
    }
    return true;
}

/* Takes a snapshot of `v`, lets both go on from it, and puts the read one in its place. */
static bool go_on_from_snapshot(venue *v, history_dice *dice, const kk_capacity *capacity,
                                size_t piece) {
    venue again;
    kk_snapshot at;
    const size_t length = history_write(v, first, piece);

    history_open(&again, capacity);
    const bool read = history_read(&again, &at, first, length, piece) == KK_OK;
    history_follow(&again, v);
    const bool same = read && kk_state_hash(again.engine) == kk_state_hash(v->engine) &&
                      history_write(&again, second, KK_SNAPSHOT_BUFFER_MIN) == length &&
                      memcmp(first, second, length) == 0 && venue_fault(&again) == NULL &&
                      run_alike(v, &again, dice, AFTER);
    venue_close(v);
    *v = again;
    return same;
}

static void goes_on_the_same(void) {
    const kk_capacity capacity = history_capacity();

    for (uint64_t seed = 1; seed <= 12; seed++) {
        history_dice dice = {.state = seed, .next_id = 1, .day = VENUE_DAY};
        venue v;
        history_open(&v, &capacity);
        for (unsigned i = 0; i < STEPS; i++) {
            history_step(&v, &dice);
            if (kk_random(&dice.state) % 200 == 0) {
                const size_t piece = KK_SNAPSHOT_BUFFER_MIN + kk_random(&dice.state) % 9000;
                KK_CHECK(go_on_from_snapshot(&v, &dice, &capacity, piece));
            }
        }
        venue_close(&v);
    }
}

static void nothing_yet(void) {
    const kk_capacity capacity = history_capacity();
    history_dice dice = {.state = 5, .next_id = 1, .day = VENUE_DAY};
    venue v;

    history_open(&v, &capacity);
    KK_CHECK(go_on_from_snapshot(&v, &dice, &capacity, KK_SNAPSHOT_BUFFER_MIN));
    venue_close(&v);
}

/* ------------------------------------------------------------------ other capacities */

static void larger_and_smaller(void) {
    kk_capacity capacity = history_capacity();
    history_dice dice = {.state = 77, .next_id = 1, .day = VENUE_DAY};
    venue v;
    venue other;
    kk_snapshot at;

    history_open(&v, &capacity);
    for (unsigned i = 0; i < STEPS; i++) {
        history_step(&v, &dice);
    }
    const size_t length = history_write(&v, first, sizeof first);
    const uint64_t hash = kk_state_hash(v.engine);
    const kk_capacity larger = {.orders = 500,
                                .levels = 100,
                                .sessions = 20,
                                .firms = 20,
                                .accounts = 200,
                                .instruments = 40,
                                .duplicate_window = 5000,
                                .rings = 2,
                                .ring_bytes = 1u << 16};
    history_open(&other, &larger);
    KK_CHECK(history_read(&other, &at, first, length, 5000) == KK_OK);
    KK_CHECK(kk_state_hash(other.engine) == hash && venue_fault(&other) == NULL);
    KK_CHECK(history_write(&other, second, sizeof second) == length);
    KK_CHECK(memcmp(first, second, length) == 0);
    venue_close(&other);

    struct {
        uint32_t *own;
        uint32_t less;
        const char *name;
    } cases[] = {{&capacity.orders, 47, "orders"},
                 {&capacity.levels, kk_book_live_levels(v.engine->books) - 1u, "levels"},
                 {&capacity.duplicate_window, 79, "duplicate_window"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint32_t was = *cases[i].own;
        *cases[i].own = cases[i].less;
        history_open(&other, &capacity);
        KK_CHECK(history_read(&other, &at, first, length, 5000) == KK_CAPACITY);
        KK_CHECK(strcmp(at.short_of, cases[i].name) == 0 && at.needed == cases[i].less + 1u);
        venue_close(&other);
        *cases[i].own = was;
    }
    venue_close(&v);
}

/* ------------------------------------------------------------------ what is no snapshot */

static size_t some_snapshot(uint64_t seed, unsigned steps) {
    const kk_capacity capacity = history_capacity();
    history_dice dice = {.state = seed, .next_id = 1, .day = VENUE_DAY};
    venue v;

    history_open(&v, &capacity);
    for (unsigned i = 0; i < steps || !kk_walk_pending(v.engine); i++) {
        history_step(&v, &dice);
    }
    const size_t length = history_write(&v, first, sizeof first);
    venue_close(&v);
    return length;
}

/* Reads what stands in `second`; where it is taken, the venue has to live with it. */
static kk_status try_reading(size_t length) {
    const kk_capacity capacity = history_capacity();
    history_dice dice = {.state = length, .next_id = 1, .day = VENUE_DAY + 9000u};
    venue v;
    kk_snapshot at;

    history_open(&v, &capacity);
    const kk_status status = history_read(&v, &at, second, length, sizeof second);
    v.now_ns = kk_last_time_ns(v.engine);
    const bool has_future =
        v.now_ns < INT64_C(4000000000000000000) && kk_trading_day(v.engine) < dice.day;
    for (unsigned i = 0; status == KK_OK && has_future && i < 60; i++) {
        history_step(&v, &dice);
    }
    venue_close(&v);
    return status;
}

static bool is_an_answer(kk_status status) {
    return status == KK_OK || status == KK_INVALID || status == KK_CAPACITY ||
           status == KK_NEED_DATA;
}

static void cut_off_or_longer(void) {
    const size_t length = some_snapshot(3, 60);

    memcpy(second, first, length);
    KK_CHECK(try_reading(length) == KK_OK);
    for (size_t less = 0; less < length; less += 1 + less / 40) {
        KK_CHECK(try_reading(less) == KK_NEED_DATA);
    }
    second[length] = 0;
    KK_CHECK(try_reading(length + 1) == KK_INVALID);
}

static void changed_bytes(void) {
    uint64_t state = 11;
    unsigned refused = 0;

    for (unsigned round = 0; round < 6; round++) {
        const size_t length = some_snapshot(round, 40 + round * 60);
        for (unsigned i = 0; i < 600; i++) {
            memcpy(second, first, length);
            for (uint64_t changes = 1 + kk_random(&state) % 3; changes > 0; changes--) {
                second[kk_random(&state) % length] ^= (uint8_t)(1u << (kk_random(&state) % 8));
            }
            const kk_status status = try_reading(length);
            refused += status != KK_OK;
            KK_CHECK(is_an_answer(status));
        }
    }
    KK_CHECK(refused > 1500);
}

static void another_key(void) {
    static const uint8_t key[KK_KEY_BYTES] = "another venue's";
    const size_t length = some_snapshot(4, 60);
    const kk_capacity capacity = history_capacity();
    kk_snapshot at = {0};
    size_t used = 0;
    kk_engine *engine = kk_engine_new(&capacity);

    kk_assert(engine != NULL);
    kk_engine_key(engine, key);
    KK_CHECK(kk_snapshot_read(engine, &at, first, length, &used) == KK_INVALID);
    kk_engine_free(engine);
}

int main(void) {
    KK_RUN(goes_on_the_same, "a venue that was read back gives every later byte as before");
    KK_RUN(nothing_yet, "so does one of a venue that has only been configured");
    KK_RUN(larger_and_smaller, "more capacity is fine, too little is named");
    KK_RUN(cut_off_or_longer, "a snapshot ends where it ends");
    KK_RUN(changed_bytes, "whatever is changed, the answer is a status");
    KK_RUN(another_key, "a snapshot belongs to its venue");
    return KK_REPORT();
}
