/* Of the snapshot: what the throttle of each session has counted; it outlives its limits. */
#include "kk_snapshot.h"

static uint64_t items(const kk_engine *engine) { return engine->sessions_used; }

static void write_window(kk_item_out *item, const kk_window *window) {
    uint8_t counts = 0;

    for (uint32_t i = 0; i < KK_WINDOW_BUCKETS; i++) {
        counts = (uint8_t)(counts + (window->counts[i] != 0));
    }
    kk_put_i64(item, window->newest);
    kk_put_u8(item, counts);
    for (uint32_t i = 0; i < KK_WINDOW_BUCKETS; i++) {
        if (window->counts[i] != 0) {
            kk_put_u8(item, (uint8_t)i);
            kk_put_u32(item, window->counts[i]);
        }
    }
}

static void write_item(const kk_engine *engine, kk_snapshot *at, kk_item_out *item) {
    const kk_throttle *throttle = &engine->throttles[at->item];

    kk_put_u32(item, throttle->refused_in_row);
    write_window(item, &throttle->orders);
    write_window(item, &throttle->messages);
    write_window(item, &throttle->cancels);
}

/* Places come in their order, each once. */
static bool read_window(kk_item_in *item, kk_window *window, int64_t now_ns) {
    uint32_t next = 0;
    uint64_t sum = 0;

    window->newest = kk_get_i64(item);
    for (uint8_t counts = kk_get_u8(item); counts > 0; counts--) {
        const uint8_t place = kk_get_u8(item);
        const uint32_t count = kk_get_u32(item);
        if (place < next || place >= KK_WINDOW_BUCKETS || count == 0) {
            return false;
        }
        window->counts[place] = count;
        sum += count;
        next = place + 1u;
    }
    window->sum = (uint32_t)sum;
    return sum < UINT32_MAX && window->newest >= 0 && window->newest <= now_ns / KK_BUCKET_NS;
}

static kk_status read_item(kk_engine *engine, kk_snapshot *at, kk_item_in *item) {
    kk_throttle *throttle = &engine->throttles[at->item];
    const int64_t now_ns = engine->out.time_ns;
    kk_window none = {0};
    kk_throttle read = {.limits = throttle->limits, .refused_in_row = kk_get_u32(item)};

    if (!read_window(item, &read.orders, now_ns) || !read_window(item, &read.messages, now_ns) ||
        !read_window(item, &read.cancels, now_ns)) {
        return KK_INVALID;
    }
    /* One that was never used keeps its memory untouched. */
    if (read.refused_in_row != 0 || memcmp(&read.orders, &none, sizeof none) != 0 ||
        memcmp(&read.messages, &none, sizeof none) != 0 ||
        memcmp(&read.cancels, &none, sizeof none) != 0) {
        *throttle = read;
    }
    return KK_OK;
}

static kk_status begin(kk_engine *engine, kk_snapshot *at) {
    return at->items == engine->sessions_used ? KK_OK : KK_INVALID;
}

const kk_section kk_section_throttles = {
    .id = 3, .items = items, .write = write_item, .read = read_item, .begin = begin};
