/*
 * The core alone: FIX bytes in, FIX bytes and sealed journal records out.
 *
 *     core_bench [runs]        prints "name value unit", medians over the runs
 *
 * Two streams of one session on one instrument, a million operations each, made beforehand:
 *   mix     60 % limits that rest, 30 % cancels of a live order, 10 % limits that trade;
 *           100,000 orders rest at the end, in 100 levels
 *   plain   limits that rest
 * Timed is what a socket read of 64 KiB costs: kk_consume, kk_seal, kk_rings_release.  Before that
 * every order slot has been used once, as on any venue that has run for a while.
 */
#include <string.h>

#include "kk_bench.h"
#include "kk_engine.h"

#define OPERATIONS 1000000u
#define ORDERS OPERATIONS /* slots */
#define READ_BYTES ((size_t)65536)
#define LEVELS 50u /* of each side */
#define NOW_NS INT64_C(1767225600000000000)

/* ------------------------------------------------------------------ the stream */

/* What the stream's maker knows of the book: queues of ids, so that cancels name live orders. */
typedef struct maker {
    uint64_t dice;
    uint32_t next[OPERATIONS];  /* in its queue */
    uint32_t lots[OPERATIONS];  /* 0: gone */
    uint32_t place[OPERATIONS]; /* in `live` */
    uint32_t live[OPERATIONS];
    uint8_t buys[OPERATIONS];
    uint32_t live_count;
    uint32_t heads[2][LEVELS]; /* level 0 is the best */
    uint32_t tails[2][LEVELS];
    uint8_t *bytes;
    size_t length;
    uint64_t number;
} maker;

static void add_frame(maker *m, const char *body) {
    char frame[512];
    const char *rest = strchr(body, '|');
    char text[480];
    const int length =
        snprintf(text, sizeof text, "%.*s|49=ALPHA|56=KK99|34=%llu|52=20260101-00:00:00.000%s",
                 (int)(rest - body), body, (unsigned long long)++m->number, rest);
    int size = snprintf(frame, sizeof frame, "8=FIX.4.4|9=%d|%s", length, text);
    uint32_t sum = 0;
    for (int i = 0; i < size; i++) {
        frame[i] = (char)(frame[i] == '|' ? 1 : frame[i]);
        sum += (uint8_t)frame[i];
    }
    size += snprintf(frame + size, sizeof frame - (size_t)size, "10=%03u\001", sum & 255u);
    memcpy(m->bytes + m->length, frame, (size_t)size);
    m->length += (size_t)size;
}

static void add_new(maker *m, const char *prefix, uint32_t id, bool buy, int price, uint32_t lots) {
    char body[256];
    (void)snprintf(
        body, sizeof body,
        "35=D|11=%s%09u|1=A1|21=1|55=AAPL|54=%c|60=20260101-00:00:00.000|38=%u|40=2|44=%d.%02d"
        "|59=0|",
        prefix, id, buy ? '1' : '2', lots, price / 100, price % 100);
    add_frame(m, body);
}

static void forget(maker *m, uint32_t id) {
    const uint32_t last = m->live[--m->live_count];
    m->live[m->place[id]] = last;
    m->place[last] = m->place[id];
    m->lots[id] = 0;
}

static int price_of(bool buy, uint32_t level) {
    return buy ? 19000 - (int)level : 19001 + (int)level;
}

static void add_passive(maker *m, uint32_t id) {
    const bool buy = kk_bench_random(&m->dice) % 2 == 0;
    const uint32_t level = (uint32_t)(kk_bench_random(&m->dice) % LEVELS);
    const uint32_t lots = 1u + (uint32_t)(kk_bench_random(&m->dice) % 10u) * 10u;

    m->lots[id] = lots;
    m->buys[id] = buy;
    m->next[id] = KK_NONE;
    m->place[id] = m->live_count;
    m->live[m->live_count++] = id;
    if (m->heads[buy][level] == KK_NONE) {
        m->heads[buy][level] = id;
    } else {
        m->next[m->tails[buy][level]] = id;
    }
    m->tails[buy][level] = id;
    add_new(m, "ORD", id, buy, price_of(buy, level), lots);
}

static void add_cancel(maker *m, uint32_t id) {
    char body[256];
    const uint32_t target = m->live[kk_bench_random(&m->dice) % m->live_count];

    (void)snprintf(body, sizeof body,
                   "35=F|11=ORD%09u|41=ORD%09u|55=AAPL|54=%c|60=20260101-00:00:00.000|38=%u|", id,
                   target, m->buys[target] ? '1' : '2', m->lots[target]);
    add_frame(m, body);
    forget(m, target);
}

/* Takes what is first in the other side's queues, three orders at most. */
static void add_crossing(maker *m, uint32_t id) {
    const bool buy = kk_bench_random(&m->dice) % 2 == 0;
    const uint32_t orders = 1u + (uint32_t)(kk_bench_random(&m->dice) % 3u);
    uint32_t lots = 0;
    uint32_t taken = 0;
    uint32_t level = 0;

    while (level < LEVELS && taken < orders) {
        uint32_t *head = &m->heads[!buy][level];
        if (*head == KK_NONE) {
            level++;
            continue;
        }
        if (m->lots[*head] > 0) {
            lots += m->lots[*head];
            taken++;
            forget(m, *head);
        }
        *head = m->next[*head];
    }
    add_new(m, "ORD", id, buy, price_of(!buy, level < LEVELS ? level : LEVELS - 1),
            lots > 0 ? lots : 1);
}

static maker *made_stream(bool mix) {
    maker *m = calloc(1, sizeof *m);

    kk_assert(m != NULL);
    m->bytes = malloc((size_t)OPERATIONS * 224u);
    kk_assert(m->bytes != NULL);
    m->dice = 1;
    m->number = UINT64_C(2) * ORDERS;
    memset(m->heads, 0xff, sizeof m->heads);
    for (uint32_t id = 0; id < OPERATIONS; id++) {
        const uint64_t what = mix ? kk_bench_random(&m->dice) % 100u : 0;
        if (what < 60 || m->live_count < 1000) {
            add_passive(m, id);
        } else if (what < 90) {
            add_cancel(m, id);
        } else {
            add_crossing(m, id);
        }
    }
    return m;
}

/* ------------------------------------------------------------------ the engine */

static void must(kk_status status) { kk_assert(status == KK_OK); }

static void configure(kk_engine *engine) {
    const kk_venue_params params = {.max_order_age_ns = INT64_C(30000000000),
                                    .sending_time_tolerance_ns = INT64_C(120000000000),
                                    .trading_day = 20260101};
    const kk_instrument instrument = {.symbol = "AAPL",
                                      .tick_e8 = KK_E8 / 100,
                                      .lot_e8 = KK_E8,
                                      .multiplier_e8 = KK_E8,
                                      .rate_e8 = KK_E8,
                                      .reference_price_e8 = 190 * KK_E8,
                                      .band_e8 = 50 * KK_E8,
                                      .open = 1,
                                      .symbol_length = 4};
    const kk_limits limits = {.max_order_qty_e8 = 10000 * KK_E8,
                              .max_order_notional_e8 = 5000000 * KK_E8,
                              .max_open_orders = ORDERS};
    const kk_firm_config firm = {.limits = limits};
    const kk_account_config account = {.name = "A1", .name_length = 2, .limits = limits};
    const uint32_t accounts[] = {0};
    const kk_session_config session = {.sender_comp_id = "ALPHA",
                                       .target_comp_id = "KK99",
                                       .sender_comp_id_length = 5,
                                       .target_comp_id_length = 4,
                                       .enabled = 1,
                                       .account_count = 1,
                                       .accounts = accounts,
                                       .limits = limits};

    kk_unit_begin(engine, KK_RECORD_CONFIG, KK_NONE, 0, NOW_NS, NULL, 0);
    must(kk_venue_set(engine, &params));
    must(kk_instrument_set(engine, 0, &instrument));
    must(kk_firm_set(engine, 0, &firm));
    must(kk_account_set(engine, 0, &account));
    must(kk_session_set(engine, 0, &session));
    kk_session_establish(engine, 0, true);
    kk_session_plain(engine, 0, true);
    kk_unit_end(engine);
    kk_journal_take(engine);
}

static kk_engine *new_engine(uint8_t *journal, size_t journal_bytes) {
    const kk_capacity capacity = {.orders = ORDERS,
                                  .levels = 10000,
                                  .sessions = 16,
                                  .firms = 4,
                                  .accounts = 16,
                                  .instruments = 16,
                                  .duplicate_window = 4000000,
                                  .rings = 4,
                                  .ring_bytes = 1u << 20};
    kk_engine *engine = kk_engine_new(&capacity);

    kk_assert(engine != NULL);
    kk_journal_bind(engine, journal, journal_bytes, 1);
    configure(engine);
    must(kk_ring_attach(engine, 0));
    return engine;
}

static void drain(kk_engine *engine) {
    const uint8_t *bytes;
    uint32_t session;

    kk_journal_take(engine);
    while (kk_rings_ready(engine, &session, 1) == 1) {
        kk_ring_sent(engine, session, kk_ring_peek(engine, session, &bytes));
    }
}

#define READS_MAX 8192u

typedef struct timing {
    double reads_ns[READS_MAX]; /* an operation's share in each read */
    uint32_t reads;
    double total_ns;
    double seal_ns;
    uint64_t journal_bytes;
    uint32_t resting;
} timing;

/* One read of at most READ_BYTES; returns how many of them were used. */
static size_t consume(kk_engine *engine, const uint8_t *bytes, size_t length, uint8_t *journal,
                      timing *result) {
    const size_t read = length < READ_BYTES ? length : READ_BYTES;
    kk_consumed consumed;

    const double start_ns = kk_bench_now_ns();
    const kk_status status = kk_consume(engine, 0, bytes, read, NOW_NS, &consumed);
    const double consumed_ns = kk_bench_now_ns();
    kk_seal(journal, kk_journal_used(engine), 1);
    const double sealed_ns = kk_bench_now_ns();
    kk_rings_release(engine);
    const double all_ns = kk_bench_now_ns() - start_ns;
    kk_assert(status == KK_NEED_DATA && consumed.messages > 0 && result->reads < READS_MAX);
    result->reads_ns[result->reads++] = all_ns / consumed.messages;
    result->total_ns += all_ns;
    result->seal_ns += sealed_ns - consumed_ns;
    result->journal_bytes += kk_journal_used(engine);
    drain(engine);
    return consumed.used;
}

/* A read full of new orders that rest, or of cancels of the orders in `ids`; from `done` on. */
static uint32_t wear_read(maker *m, uint32_t done, const uint32_t *ids) {
    char body[256];

    for (m->length = 0; done < ORDERS && m->length + 512u < READ_BYTES; done++) {
        if (ids == NULL) {
            add_new(m, "WRM", done, true, 18000 + (int)(done % LEVELS), 1);
        } else {
            (void)snprintf(body, sizeof body,
                           "35=F|11=CXL%09u|41=WRM%09u|55=AAPL|54=1|60=20260101-00:00:00.000|",
                           done, ids[done]);
            add_frame(m, body);
        }
    }
    return done;
}

/* Uses every slot once; they are freed in random order. */
static void wear_in(kk_engine *engine, uint8_t *journal) {
    maker *m = calloc(1, sizeof *m);
    uint32_t *ids = calloc(ORDERS, sizeof *ids);
    static timing ignored;

    kk_assert(m != NULL && ids != NULL);
    m->bytes = malloc(READ_BYTES);
    kk_assert(m->bytes != NULL);
    for (uint32_t i = 0; i < ORDERS; i++) {
        const uint32_t other = (uint32_t)(kk_bench_random(&m->dice) % (i + 1u));
        ids[i] = ids[other];
        ids[other] = i;
    }
    for (int cancel = 0; cancel < 2; cancel++) {
        for (uint32_t done = 0; done < ORDERS;) {
            ignored.reads = 0;
            done = wear_read(m, done, cancel ? ids : NULL);
            kk_assert(consume(engine, m->bytes, m->length, journal, &ignored) == m->length);
        }
    }
    kk_assert(engine->pool.live == 0);
    free(ids);
    free(m->bytes);
    free(m);
}

static void run(const maker *m, uint8_t *journal, size_t journal_bytes, timing *result) {
    kk_engine *engine = new_engine(journal, journal_bytes);

    memset(result, 0, sizeof *result);

    wear_in(engine, journal);
    for (size_t done = 0; done < m->length;) {
        done += consume(engine, m->bytes + done, m->length - done, journal, result);
    }
    kk_assert(engine->statistics.gate_frames == UINT64_C(2) * ORDERS + OPERATIONS);
    for (uint32_t reason = 0; reason < KK_REASON_COUNT; reason++) {
        kk_assert(engine->statistics.refusals[reason] == 0);
    }
    result->resting = engine->pool.live;
    kk_engine_free(engine);
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values, uint32_t count) {
    qsort(values, count, sizeof *values, by_value);
    return values[count / 2];
}

static void measure(const char *name, bool mix, int runs, uint8_t *journal, size_t journal_bytes) {
    maker *m = made_stream(mix);
    double *totals = calloc((size_t)runs, sizeof *totals);
    double *seals = calloc((size_t)runs, sizeof *seals);
    double *reads = calloc((size_t)runs, sizeof *reads);
    timing *last = calloc(1, sizeof *last);
    char line[64];

    kk_assert(totals != NULL && seals != NULL && reads != NULL && last != NULL);
    for (int i = 0; i < runs; i++) {
        run(m, journal, journal_bytes, last);
        totals[i] = last->total_ns / OPERATIONS;
        seals[i] = last->seal_ns / OPERATIONS;
        reads[i] = median(last->reads_ns, last->reads);
    }
    (void)snprintf(line, sizeof line, "core_%s", name);
    kk_bench_print(line, median(totals, (uint32_t)runs), "ns/op");
    (void)snprintf(line, sizeof line, "core_%s_median_read", name);
    kk_bench_print(line, median(reads, (uint32_t)runs), "ns/op");
    (void)snprintf(line, sizeof line, "core_%s_seal", name);
    kk_bench_print(line, median(seals, (uint32_t)runs), "ns/op");
    (void)snprintf(line, sizeof line, "core_%s_journal", name);
    kk_bench_print(line, (double)last->journal_bytes / OPERATIONS, "bytes/op");
    (void)snprintf(line, sizeof line, "core_%s_resting", name);
    kk_bench_print(line, last->resting, "orders");
    free(last);
    free(reads);
    free(totals);
    free(seals);
    free(m->bytes);
    free(m);
}

int main(int argc, char **argv) {
    const int runs = kk_bench_runs(argc, argv);
    const size_t journal_bytes = 4 * KK_UNIT_RESERVE;
    uint8_t *journal = malloc(journal_bytes);

    kk_assert(journal != NULL);
    measure("mix", true, runs, journal, journal_bytes);
    measure("plain", false, runs, journal, journal_bytes);
    free(journal);
    return 0;
}
