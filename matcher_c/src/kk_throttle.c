#include "kk_throttle.h"

#include "kk_assert.h"

/* What the window holds at `bucket`, without what has left it since the last message. */
static uint32_t sum_at(const kk_window *window, int64_t bucket) {
    kk_assert(bucket >= window->newest);
    const uint64_t passed = (uint64_t)(bucket - window->newest);
    uint32_t sum = window->sum;

    if (passed >= KK_WINDOW_BUCKETS) {
        return 0;
    }
    for (uint64_t i = 1; i <= passed; i++) {
        sum -= window->counts[((uint64_t)window->newest + i) % KK_WINDOW_BUCKETS];
    }
    return sum;
}

static void count(kk_window *window, int64_t bucket) {
    const uint64_t newest = (uint64_t)window->newest;
    uint64_t passed = (uint64_t)bucket - newest;

    passed = passed < KK_WINDOW_BUCKETS ? passed : KK_WINDOW_BUCKETS;
    for (uint64_t i = 1; i <= passed; i++) {
        uint32_t *place = &window->counts[(newest + i) % KK_WINDOW_BUCKETS];
        window->sum -= *place;
        *place = 0;
    }
    window->newest = bucket;
    window->sum++;
    window->counts[(uint64_t)bucket % KK_WINDOW_BUCKETS]++;
}

/* A limit of 0 is none. */
static bool has_room(const kk_window *window, uint32_t limit, int64_t bucket, kk_excess *excess) {
    if (limit == 0) {
        return true;
    }
    const uint32_t sum = sum_at(window, bucket);
    if (sum < limit) {
        return true;
    }
    *excess = (kk_excess){.limit = limit, .value = (uint64_t)sum + 1u};
    return false;
}

static void count_if_limited(kk_window *window, uint32_t limit, int64_t bucket) {
    if (limit != 0) {
        count(window, bucket);
    }
}

static bool is_order(uint8_t msg_type) {
    return msg_type == KK_COMMAND_NEW || msg_type == KK_COMMAND_REPLACE;
}

static bool admits(const kk_throttle *throttle, uint8_t msg_type, int64_t bucket,
                   kk_excess *excess) {
    const kk_throttle_limits *limits = &throttle->limits;

    if (msg_type == KK_COMMAND_CANCEL) {
        return has_room(&throttle->cancels, limits->messages_per_second, bucket, excess);
    }
    if (is_order(msg_type) &&
        !has_room(&throttle->orders, limits->orders_per_second, bucket, excess)) {
        return false;
    }
    return has_room(&throttle->messages, limits->messages_per_second, bucket, excess);
}

bool kk_throttle_take(kk_throttle *throttle, uint8_t msg_type, int64_t now_ns, kk_excess *excess) {
    const kk_throttle_limits *limits = &throttle->limits;
    const int64_t bucket = now_ns / KK_BUCKET_NS;

    kk_assert(now_ns >= 0);
    if (!admits(throttle, msg_type, bucket, excess)) {
        if (throttle->refused_in_row < UINT32_MAX) {
            throttle->refused_in_row++;
        }
        return false;
    }
    throttle->refused_in_row = 0;
    if (msg_type == KK_COMMAND_CANCEL) {
        count_if_limited(&throttle->cancels, limits->messages_per_second, bucket);
        return true;
    }
    if (is_order(msg_type)) {
        count_if_limited(&throttle->orders, limits->orders_per_second, bucket);
    }
    count_if_limited(&throttle->messages, limits->messages_per_second, bucket);
    return true;
}

bool kk_throttle_is_breached(const kk_throttle *throttle) {
    const uint32_t logout_after = throttle->limits.logout_after;

    return logout_after != 0 && throttle->refused_in_row >= logout_after;
}

bool kk_throttle_breaks(const kk_throttle *throttle, uint8_t msg_type, int64_t now_ns) {
    const uint32_t logout_after = throttle->limits.logout_after;
    kk_excess excess;

    return logout_after != 0 && throttle->refused_in_row >= logout_after - 1u &&
           !admits(throttle, msg_type, now_ns / KK_BUCKET_NS, &excess);
}
