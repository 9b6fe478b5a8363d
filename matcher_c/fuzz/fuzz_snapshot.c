/*
 * libFuzzer on the reading of snapshots: changes in a good one.
 *
 * The input is steps of four bytes: where (two, little-endian), how (0 sets, 1 flips, 2 cuts off
 * there) and a value.  Whatever comes of them is refused by a status, or taken, and then the venue
 * goes on with it; an assertion or a sanitizer's word is a finding.
 */
#include <string.h>

#include "random_history.h"

#define HISTORY_STEPS 400u
#define STEPS_AFTER 40u

/* libFuzzer calls it. */
extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t good[HISTORY_SNAPSHOT_MAX];
static uint8_t changed[HISTORY_SNAPSHOT_MAX];
static size_t good_length;

/* A venue in the midst of a walk; made once. */
static void make_good(void) {
    const kk_capacity capacity = history_capacity();
    history_dice dice = {.state = 21, .next_id = 1, .day = VENUE_DAY};
    venue v;

    history_open(&v, &capacity);
    for (unsigned i = 0; i < HISTORY_STEPS || !kk_walk_pending(v.engine); i++) {
        history_step(&v, &dice);
    }
    good_length = history_write(&v, good, sizeof good);
    venue_close(&v);
}

static size_t change(const uint8_t *data, size_t size) {
    size_t length = good_length;

    memcpy(changed, good, good_length);
    for (; size >= 4 && length > 0; data += 4, size -= 4) {
        const size_t at = (data[0] | (size_t)data[1] << 8) % length;
        if (data[2] % 3 == 0) {
            changed[at] = data[3];
        } else if (data[2] % 3 == 1) {
            changed[at] ^= data[3];
        } else {
            length = at;
        }
    }
    return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const kk_capacity capacity = history_capacity();
    history_dice dice = {.state = size, .next_id = 1, .day = VENUE_DAY + 9000u};
    venue v;
    kk_snapshot at;

    if (good_length == 0) {
        make_good();
    }
    const size_t length = change(data, size);
    history_open(&v, &capacity);
    const kk_status status = history_read(&v, &at, changed, length, sizeof changed);
    v.now_ns = kk_last_time_ns(v.engine);
    const bool has_future =
        v.now_ns < INT64_C(4000000000000000000) && kk_trading_day(v.engine) < dice.day;
    for (unsigned i = 0; status == KK_OK && has_future && i < STEPS_AFTER; i++) {
        history_step(&v, &dice);
    }
    venue_close(&v);
    return 0;
}
