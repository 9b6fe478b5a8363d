/* The life of orders as a counterparty sees it: each row is a command and the reports it causes. */
#include "kk_test.h"
#include "venue.h"

typedef struct step {
    const char *command;
    const char *expected;
} step;

/* Runs rows; after each of them the invariants hold. */
static void run(venue *v, const step *steps, size_t count) {
    for (size_t i = 0; i < count; i++) {
        venue_do(v, steps[i].command);
        const bool said = venue_said(v, steps[i].expected);
        if (!said) {
            printf("  command:  %s\n", steps[i].command);
        }
        KK_CHECK(said);
        const char *fault = venue_fault(v);
        if (fault != NULL) {
            printf("  %s: %s\n", steps[i].command, fault);
        }
        KK_CHECK(fault == NULL);
    }
}

#define RUN(v, steps) run(v, steps, sizeof(steps) / sizeof((steps)[0]))

static venue opened(void) {
    const kk_capacity capacity = venue_capacity();
    venue v;
    venue_open(&v, &capacity);
    return v;
}

/* ------------------------------------------------------------------ new orders */

static void trades(void) {
    static const step steps[] = {
        {"0 D|11=a|54=1|38=10|44=100",
         "0 35=8|150=0|39=0|37=1|17=1|11=a|41=|38=10|44=100|59=0|151=10|14=0|6=0|527=|851=|58="},
        {"0 D|11=b|54=1|38=5|44=100.01", "0 150=0|37=2"},
        {"1 D|11=a|54=2|38=12|44=100",
         "1 150=0|39=0|37=3|151=12|14=0 ; "
         "0 150=F|39=2|11=b|527=1|32=5|31=100.01|151=0|14=5|6=100.01|851=1 ; "
         "1 150=F|39=1|11=a|527=1|32=5|31=100.01|151=7|14=5|6=100.01|851=2 ; "
         "0 150=F|39=1|11=a|527=2|32=7|31=100|151=3|14=7|6=100|851=1 ; "
         "1 150=F|39=2|11=a|527=2|32=7|31=100|151=0|14=12|6=100.00416667|851=2"},
        {"1 D|11=c|54=2|38=1|44=101", "1 150=0|39=0"},
    };
    venue v = opened();
    RUN(&v, steps);
    KK_CHECK(venue_book_is(&v, 0, '1', "100x3"));
    KK_CHECK(venue_book_is(&v, 0, '2', "101x1"));
    venue_close(&v);
}

static void rests_of_takers(void) {
    static const step steps[] = {
        {"1 D|11=s|54=2|38=5|44=100", "1 150=0"},
        {"0 D|11=a|54=1|38=8|44=100|59=3",
         "0 150=0|59=3 ; 1 150=F ; 0 150=F|39=1 ; 0 150=4|39=4|151=0|14=5|38=8|code=IOC_REMAINDER"},
        {"0 D|11=b|54=1|38=8|44=100|59=3", "0 150=0 ; 0 150=4|39=4|14=0|code=IOC_REMAINDER"},
        {"1 D|11=t|54=2|38=5|44=100", "1 150=0"},
        {"0 D|11=c|54=1|38=6|44=100|59=4", "0 150=0 ; 0 150=4|14=0|151=0|code=FOK_NOT_FILLED"},
        {"0 D|11=d|54=1|38=5|44=100|59=4", "0 150=0 ; 1 150=F|39=2 ; 0 150=F|39=2"},
        {"1 D|11=u|54=2|38=5|44=120", "1 150=0"},
        {"0 D|11=e|54=1|38=7|40=1",
         "0 150=0|44= ; 1 150=F|31=120 ; 0 150=F|39=1|31=120 ; 0 150=4|14=5|code=MARKET_REMAINDER"},
        {"0 D|11=f|54=1|38=7|40=1|59=4", "0 150=0 ; 0 150=4|code=FOK_NOT_FILLED"},
        {"0 D|11=g|54=1|38=7|40=1|59=1", "0 150=0 ; 0 150=4|code=MARKET_REMAINDER"},
        {"0 D|11=h|54=1|38=7|44=99|59=1", "0 150=0|59=1"},
    };
    venue v = opened();
    RUN(&v, steps);
    KK_CHECK(venue_book_is(&v, 0, '1', "99x7"));
    KK_CHECK(venue_book_is(&v, 0, '2', ""));
    KK_CHECK(v.engine->statistics.refusals[KK_REASON_IOC_REMAINDER] == 2);
    KK_CHECK(v.engine->statistics.refusals[KK_REASON_NONE] == 0);
    venue_close(&v);
}

static void refused_orders(void) {
    static const step steps[] = {
        {"0 D|11=1|55=NONE|54=1|38=1|44=100", "0 150=8|39=8|37=NONE|103=1|code=UNKNOWN_SYMBOL"},
        {"0 D|11=2|1=B1|54=1|38=1|44=100", "0 150=8|103=15|code=UNKNOWN_ACCOUNT"},
        {"0 D|11=3|55=SHUT|54=1|38=1|44=100", "0 150=8|103=2|code=INSTRUMENT_CLOSED"},
        {"0 D|11=4|54=1|38=1|44=100|age=30001", "0 150=8|103=8|code=STALE_ORDER"},
        {"0 D|11=5|54=5|38=1|44=100", "0 150=8|103=11|code=UNSUPPORTED_SIDE"},
        {"0 D|11=6|54=1|40=3|38=1|44=100", "0 150=8|103=11|code=UNSUPPORTED_ORD_TYPE"},
        {"0 D|11=7|54=1|38=1|44=100|59=6", "0 150=8|103=11|code=UNSUPPORTED_TIME_IN_FORCE"},
        {"0 D|11=8|54=1|38=0|44=100", "0 150=8|103=13|code=QTY_NOT_POSITIVE"},
        {"0 D|11=9|54=1|44=100", "0 150=8|103=13|code=QTY_NOT_POSITIVE"},
        {"0 D|11=10|54=1|38=1.5|44=100", "0 150=8|103=13|code=QTY_LOT"},
        {"0 D|11=11|54=1|38=1", "0 150=8|103=99|code=PRICE_MISSING"},
        {"0 D|11=12|54=1|38=1|44=100.005", "0 150=8|103=99|code=PRICE_TICK"},
        {"0 D|11=13|54=1|38=1|44=150.01",
         "0 150=8|103=99|says=PRICE_BAND; limit=150; value=150.01; headroom=50;"},
        {"0 D|11=14|54=1|38=1|44=49.99", "0 150=8|code=PRICE_BAND"},
        {"0 D|11=15|54=1|38=1|44=100|reason=17", "0 150=8|103=11|code=UNSUPPORTED_INSTRUCTION"},
        {"0 D|11=15|54=1|38=1|44=100", "0 150=8|103=6|code=DUPLICATE_CLORDID"},
        {"0 D|11=0123456789012345678901234567890123456|54=1|38=1|44=100",
         "0 150=8|103=99|code=CLORDID_TOO_LONG"},
        {"0 D|11=17|54=1|38=1|44=150|age=30000", "0 150=0"},
        {"0 D|11=18|55=SPREAD|54=1|38=0.3|44=-10|1=A2", "0 150=0|44=-10|38=0.3|1=A2"},
    };
    venue v = opened();
    RUN(&v, steps);
    KK_CHECK(v.engine->statistics.refusals[KK_REASON_QTY_NOT_POSITIVE] == 2);
    KK_CHECK(v.engine->statistics.orders_accepted == 2);
    KK_CHECK(v.engine->statistics.messages_in['D'] == 19);
    venue_close(&v);
}

static void halted_venue(void) {
    static const step before[] = {
        {"0 D|11=a|54=1|38=1|44=100", "0 150=0"},
        {"0 D|11=b|54=1|38=1|44=100", "0 150=0"},
    };
    static const step halted[] = {
        {"0 D|11=c|54=1|38=1|44=100", "0 150=8|103=2|code=HALTED"},
        {"0 G|11=d|41=a|54=1|38=1|44=99", "0 35=9|39=0|434=2|102=99|code=HALTED"},
        {"0 F|11=e|41=a|54=1|age=100000", "0 150=4|11=e|41=a"},
    };
    venue v = opened();
    RUN(&v, before);
    venue_halt(&v, true);
    RUN(&v, halted);
    venue_close(&v);
}

static void storage_low(void) {
    static const step before[] = {
        {"0 D|11=a|54=1|38=1|44=100", "0 150=0"},
    };
    static const step low[] = {
        {"0 D|11=b|54=1|38=1|44=100", "0 150=8|103=99|code=STORAGE_LOW"},
        {"0 G|11=c|41=a|54=1|38=1|44=99", "0 35=9|39=0|434=2|102=99|code=STORAGE_LOW"},
        {"0 F|11=d|41=a|54=1", "0 150=4|11=d|41=a"},
    };
    static const step after[] = {
        {"0 D|11=e|54=1|38=1|44=100", "0 150=0"},
    };
    venue v = opened();
    RUN(&v, before);
    const uint64_t hash = kk_state_hash(v.engine);
    kk_storage_low_set(v.engine, true);
    KK_CHECK(kk_state_hash(v.engine) != hash);
    venue_halt(&v, false); /* a configuration changes nothing about it */
    RUN(&v, low);
    kk_storage_low_set(v.engine, false);
    RUN(&v, after);
    venue_close(&v);
}

/* ------------------------------------------------------------------ limits */

static void limits_of_one_order(void) {
    static const step steps[] = {
        {"0 D|11=a|54=1|38=11|44=100",
         "0 103=3|says=MAX_ORDER_QTY; limit=10; value=11; headroom=10;"},
        {"0 D|11=b|54=1|38=9|44=100.01",
         "0 150=8|103=3|says=MAX_ORDER_NOTIONAL; limit=900; value=900.09; headroom=900;"},
        {"0 D|11=c|54=1|38=9|44=100", "0 150=0"},
        {"0 D|11=d|54=1|38=7|40=1", "0 150=8|code=MAX_ORDER_NOTIONAL"},
        {"0 D|11=e|54=1|38=6|40=1", "0 150=0 ; 0 150=4"},
        {"0 G|11=f|41=c|54=1|38=11|44=90", "0 35=9|102=99|code=MAX_ORDER_QTY"},
        {"0 G|11=g|41=c|54=1|38=10|44=90.01", "0 35=9|102=99|code=MAX_ORDER_NOTIONAL"},
        {"0 G|11=h|41=c|54=1|38=10|44=90", "0 150=5"},
        {"0 D|11=i|55=SPREAD|54=1|38=10|44=-10", "0 150=0"},
    };
    venue v = opened();
    venue_limit_session(&v, 0, &(kk_limits){.max_order_qty_e8 = 10 * KK_E8});
    venue_limit_account(&v, 0, &(kk_limits){.max_order_notional_e8 = 900 * KK_E8});
    venue_limit_firm(
        &v, 0, &(kk_limits){.max_order_qty_e8 = 12 * KK_E8, .max_order_notional_e8 = 901 * KK_E8});
    RUN(&v, steps);
    venue_close(&v);
}

static void huge_orders(void) {
    static const step steps[] = {
        {"0 D|11=a|55=SPREAD|54=1|38=92233720368|44=10",
         "0 says=MAX_ORDER_NOTIONAL; limit=92233720368.54775807; value=92233720368.54775807; "
         "headroom=92233720368.54775807;"},
    };
    static const step tiny_lots[] = {
        {"0 D|11=b|55=SPREAD|54=1|38=10996|44=10",
         "0 says=MAX_ORDER_QTY; limit=10995.11627776; value=10996; headroom=10995.11627776;"},
        {"0 D|11=c|55=SPREAD|54=1|38=10995.11627776|44=10", "0 150=0"},
    };
    venue v = opened();
    kk_instrument spread = v.engine->instruments[2].config;
    spread.multiplier_e8 = INT64_MAX / 1000;
    KK_CHECK(kk_instrument_set(v.engine, 2, &spread) == KK_OK);
    venue_limit_session(&v, 0, &(kk_limits){.max_order_notional_e8 = INT64_MAX});
    RUN(&v, steps);
    spread.multiplier_e8 = KK_E8;
    spread.lot_e8 = 1;
    KK_CHECK(kk_instrument_set(v.engine, 2, &spread) == KK_OK);
    RUN(&v, tiny_lots);
    venue_close(&v);
}

static void limits_of_open_orders(void) {
    static const step steps[] = {
        {"0 D|11=a|54=1|38=1|44=100", "0 150=0"},
        {"0 D|11=b|54=1|38=1|44=100", "0 150=0"},
        {"0 D|11=c|54=1|38=1|44=100",
         "0 103=3|says=MAX_OPEN_ORDERS; limit=2; value=3; headroom=0;"},
        {"0 G|11=d|41=a|54=1|38=2|44=100", "0 150=5"},
        {"3 D|11=a|54=1|38=1|44=100", "3 150=0"},
        {"3 D|11=b|54=1|38=1|44=100", "3 150=8|code=MAX_OPEN_ORDERS"},
        {"0 F|11=e|41=b|54=1", "0 150=4"},
        {"3 D|11=c|54=1|38=1|44=100", "3 150=0"},
        {"0 D|11=f|54=1|38=1|44=100|1=A2", "0 150=8|code=MAX_OPEN_ORDERS"},
        {"1 D|11=x|54=2|38=1|44=100", "1 150=0 ; 0 150=F ; 1 150=F"},
    };
    venue v = opened();
    venue_limit_session(&v, 0, &(kk_limits){.max_open_orders = 2});
    venue_limit_account(&v, 0, &(kk_limits){.max_open_orders = 3});
    venue_limit_firm(&v, 0, &(kk_limits){.max_open_orders = 3});
    RUN(&v, steps);
    venue_close(&v);
}

/* ------------------------------------------------------------------ cancels */

static void cancels(void) {
    static const step steps[] = {
        {"0 D|11=a|54=1|38=10|44=100|1=A1|58=mine", "0 150=0|58=mine"},
        {"0 F|11=x|41=a|54=1|38=10|age=86400000",
         "0 150=4|39=4|37=1|11=x|41=a|38=10|151=0|14=0|1=A1|58=mine"},
        {"0 F|11=y|41=a|54=1", "0 35=9|37=1|11=y|41=a|39=4|434=1|102=0|code=TOO_LATE"},
        {"0 F|11=z|41=nobody|54=1", "0 35=9|37=NONE|39=8|102=1|code=UNKNOWN_ORDER"},
        {"0 F|11=z|41=a|54=1", "0 35=9|37=1|39=4|102=6|code=DUPLICATE_CLORDID"},
        {"0 F|11=z1|41=z|54=1", "0 35=9|37=NONE|102=1|code=UNKNOWN_ORDER"},
        {"0 D|11=x|54=1|38=10|44=100", "0 150=8|103=6|code=DUPLICATE_CLORDID"},
        {"0 D|11=b|54=1|38=10|44=100", "0 150=0|37=2"},
        {"1 F|11=q|41=b|54=1", "1 35=9|37=NONE|102=1|code=UNKNOWN_ORDER"},
        {"0 F|11=c|41=b|54=2", "0 35=9|37=2|39=0|102=99|code=REPLACE_MISMATCH"},
        {"0 F|11=d|41=b|54=1|55=SHUT", "0 35=9|37=2|102=99|code=REPLACE_MISMATCH"},
        {"0 F|11=e|41=b|54=1|37=1", "0 35=9|37=NONE|39=8|102=1|code=UNKNOWN_ORDER"},
        {"0 F|11=f|41=b|54=1|37=x", "0 35=9|37=NONE|102=1|code=UNKNOWN_ORDER"},
        {"0 F|11=f1|41=b|54=1|reason=17", "0 35=9|37=2|102=99|code=UNSUPPORTED_INSTRUCTION"},
        {"1 D|11=s|54=2|38=4|44=100", "1 150=0 ; 0 150=F ; 1 150=F"},
        {"0 F|11=g|41=b|54=1|37=2", "0 150=4|39=4|38=10|151=0|14=4|6=100"},
        {"1 F|11=t|41=s|54=2", "1 35=9|39=2|102=0|code=TOO_LATE"},
    };
    venue v = opened();
    RUN(&v, steps);
    KK_CHECK(venue_book_is(&v, 0, '1', ""));
    venue_close(&v);
}

/* ------------------------------------------------------------------ replaces */

static void replaces_in_the_queue(void) {
    static const step steps[] = {
        {"0 D|11=a|54=1|38=10|44=100", "0 150=0"},
        {"1 D|11=m|54=1|38=10|44=100", "1 150=0"},
        {"0 G|11=b|41=a|54=1|38=7|44=100", "0 150=5|39=0|37=1|11=b|41=a|38=7|151=7|14=0|638=0"},
        {"0 G|11=c|41=a|54=1|38=6|44=100", "0 35=9|37=1|39=0|434=2|102=99|code=NOT_LAST_CLORDID"},
        {"0 F|11=d|41=a|54=1", "0 35=9|434=1|code=NOT_LAST_CLORDID"},
        {"0 G|11=e|41=b|54=1|38=7|44=100", "0 150=5|41=b|638=0|38=7"},
        {"1 D|11=n|54=2|38=3|44=100", "1 150=0 ; 0 150=F|11=e|32=3|151=4 ; 1 150=F"},
        {"0 G|11=f|41=e|54=1|38=8|44=100", "0 150=5|39=1|38=8|151=5|14=3|638=1"},
        {"1 D|11=o|54=2|38=1|44=100", "1 150=0 ; 1 150=F|11=m ; 1 150=F|11=o"},
        {"0 G|11=g|41=f|54=1|38=8|44=101", "0 150=5|44=101|638=1"},
        {"0 G|11=h|41=g|54=1|38=2|44=101", "0 150=5|39=2|38=3|151=0|14=3|11=h|41=g|638="},
        {"0 F|11=i|41=h|54=1", "0 35=9|39=2|102=0|code=TOO_LATE"},
        {"0 F|11=j|41=a|54=1", "0 35=9|39=2|102=0|code=TOO_LATE"},
        {"0 G|11=k|41=h|54=1|38=9|44=100", "0 35=9|39=2|434=2|102=0|code=TOO_LATE"},
    };
    venue v = opened();
    RUN(&v, steps);
    KK_CHECK(venue_book_is(&v, 0, '1', "100x9"));
    venue_close(&v);
}

static void replaces_that_trade(void) {
    static const step steps[] = {
        {"0 D|11=a|54=1|38=10|44=99", "0 150=0"},
        {"1 D|11=s|54=2|38=4|44=101", "1 150=0"},
        {"1 D|11=t|54=2|38=4|44=102", "1 150=0"},
        {"0 G|11=b|41=a|54=1|38=6|44=102",
         "0 150=5|39=0|38=6|44=102|151=6|638=1 ; "
         "1 150=F|39=2|31=101|32=4|851=1 ; 0 150=F|39=1|31=101|151=2|851=2 ; "
         "1 150=F|39=1|31=102|32=2 ; 0 150=F|39=2|31=102|151=0|14=6"},
        {"0 D|11=c|54=1|38=10|44=99", "0 150=0"},
        {"0 G|11=d|41=c|54=1|38=10|44=102", "0 150=5 ; 1 150=F|39=2 ; 0 150=F|39=1|151=8"},
    };
    venue v = opened();
    RUN(&v, steps);
    KK_CHECK(venue_book_is(&v, 0, '1', "102x8"));
    KK_CHECK(venue_book_is(&v, 0, '2', ""));
    venue_close(&v);
}

static void refused_replaces(void) {
    static const step steps[] = {
        {"0 D|11=a|54=1|38=10|44=100|1=A1", "0 150=0"},
        {"0 G|11=1|41=a|54=2|38=10|44=99", "0 35=9|37=1|39=0|434=2|102=99|code=REPLACE_MISMATCH"},
        {"0 G|11=2|41=a|54=1|55=SPREAD|38=10|44=99", "0 35=9|code=REPLACE_MISMATCH"},
        {"0 G|11=3|41=a|54=1|40=1|38=10", "0 35=9|code=REPLACE_MISMATCH"},
        {"0 G|11=4|41=a|54=1|1=A2|38=10|44=99", "0 35=9|code=REPLACE_MISMATCH"},
        {"0 G|11=5|41=a|54=1|38=10|44=99|59=3", "0 35=9|code=UNSUPPORTED_TIME_IN_FORCE"},
        {"0 G|11=6|41=a|54=1|38=10|44=99|59=4", "0 35=9|code=UNSUPPORTED_TIME_IN_FORCE"},
        {"0 G|11=7|41=a|54=1|38=10|44=99.999", "0 35=9|code=PRICE_TICK"},
        {"0 G|11=8|41=a|54=1|38=10|44=10", "0 35=9|code=PRICE_BAND"},
        {"0 G|11=9|41=a|54=1|38=0|44=100", "0 35=9|code=QTY_NOT_POSITIVE"},
        {"0 G|11=10|41=a|54=1|38=10|44=99|age=30001", "0 35=9|102=99|code=STALE_ORDER"},
        {"0 G|11=11|41=x|54=1|38=10|44=99", "0 35=9|37=NONE|39=8|102=1|code=UNKNOWN_ORDER"},
        {"0 G|11=a|41=a|54=1|38=10|44=99", "0 35=9|37=1|102=6|code=DUPLICATE_CLORDID"},
        {"0 G|11=1|41=a|54=1|38=10|44=99", "0 35=9|102=6|code=DUPLICATE_CLORDID"},
        {"0 G|11=12|41=a|54=1|38=10|44=100|reason=17", "0 35=9|code=UNSUPPORTED_INSTRUCTION"},
        {"0 G|11=13|41=a|54=1|38=9|44=100|59=1", "0 150=5|59=1|638=0|1="},
    };
    venue v = opened();
    RUN(&v, steps);
    KK_CHECK(venue_book_is(&v, 0, '1', "100x9"));
    venue_close(&v);
}

/* ------------------------------------------------------------------ status, sent again */

static void status_requests(void) {
    static const step steps[] = {
        {"0 D|11=a|54=1|38=10|44=100|526=own|50=desk", "0 150=0|526=own|57=desk"},
        {"0 H|11=a|54=1|790=q1", "0 35=8|150=I|39=0|37=1|11=a|790=q1|151=10|14=0|526=own"},
        {"1 D|11=s|54=2|38=4|44=100", "1 150=0 ; 0 150=F ; 1 150=F"},
        {"0 H|11=a|54=1", "0 150=I|39=1|151=6|14=4|6=100|790="},
        {"0 G|11=b|41=a|54=1|38=10|44=99", "0 150=5"},
        {"0 H|11=a|54=1", "0 150=I|39=1|11=b|44=99"},
        {"0 F|11=c|41=b|54=1", "0 150=4"},
        {"0 H|11=a|54=1", "0 150=I|39=4|151=0|14=4"},
        {"0 H|11=b|54=1|37=1", "0 150=I|39=4|37=1"},
        {"0 H|11=c|54=1", "0 150=I|39=4"},
        {"0 H|11=b|54=1|37=2", "0 150=I|39=8|103=5|code=UNKNOWN_ORDER"},
        {"0 H|11=zz|54=1|790=q2", "0 35=8|150=I|39=8|37=NONE|103=5|790=q2|code=UNKNOWN_ORDER"},
        {"1 H|11=a|54=1", "1 150=I|39=8|103=5"},
    };
    venue v = opened();
    RUN(&v, steps);
    venue_close(&v);
}

static void details_that_are_gone(void) {
    static const step steps[] = {
        {"0 D|11=a|54=1|38=1|44=100", "0 150=0"},
        {"0 G|11=a2|41=a|54=1|38=1|44=101", "0 150=5"},
        {"0 F|11=b|41=a2|54=1", "0 150=4"},
        {"0 D|11=c|54=1|38=1|44=100", "0 150=0"},
        {"0 D|11=d|54=1|38=1|44=100", "0 150=0|37=3"},
        {"0 H|11=a2|54=1", "0 150=I|37=NONE|39=4|103=|code=TOO_LATE"},
        {"0 H|11=b|54=1", "0 150=I|37=NONE|39=4|103=|code=TOO_LATE"},
        {"0 F|11=e|41=a2|54=1", "0 35=9|37=NONE|39=4|102=0|code=TOO_LATE"},
        {"0 F|11=f|41=a|54=1", "0 35=9|37=NONE|102=0|code=TOO_LATE"},
        {"0 H|11=d|54=1", "0 150=I|37=3|39=0"},
        {"0 D|11=g|54=1|38=1|44=100", "0 150=8|103=0|code=CAPACITY"},
        {"0 F|11=h|41=g|54=1", "0 35=9|102=1|code=UNKNOWN_ORDER"},
        {"0 F|11=i|41=d|54=1", "0 150=4|37=3"},
    };
    kk_capacity capacity = venue_capacity();
    capacity.orders = 2;
    venue v;
    venue_open(&v, &capacity);
    RUN(&v, steps);
    venue_close(&v);
}

static void sent_again(void) {
    static const step steps[] = {
        {"0 D|11=a|54=1|38=10|44=100|97=Y", "0 150=0|37=1"},
        {"0 D|11=a|54=1|38=10|44=100|97=Y|age=90000", "0 150=I|39=0|37=1|151=10"},
        {"0 D|11=b|54=1|38=10|44=100|97=Y|age=90000", "0 150=8|103=8|code=STALE_ORDER"},
        {"0 D|11=b|54=1|38=10|44=100|97=Y", "0 150=8|103=6|code=DUPLICATE_CLORDID"},
        {"0 G|11=c|41=a|54=1|38=9|44=100|97=Y", "0 150=5"},
        {"0 G|11=c|41=a|54=1|38=9|44=100|97=Y", "0 150=I|39=0|38=9|11=c"},
        {"0 D|11=a|54=1|38=10|44=100|97=Y", "0 150=I|39=0|38=9|11=c"},
        {"0 F|11=d|41=c|54=1|97=Y", "0 150=4|11=d"},
        {"0 F|11=d|41=c|54=1|97=Y", "0 150=I|39=4|37=1"},
        {"0 F|11=e|41=c|54=1", "0 35=9|102=0"},
        {"0 F|11=e|41=c|54=1|97=Y", "0 35=9|39=4|102=6|code=DUPLICATE_CLORDID"},
    };
    venue v = opened();
    RUN(&v, steps);
    KK_CHECK(v.engine->statistics.orders_accepted == 1);
    venue_close(&v);
}

/* ------------------------------------------------------------------ the end of a day */

static void day_orders_expire(void) {
    static const step before[] = {
        {"0 D|11=a|54=1|38=10|44=100", "0 150=0"},
        {"0 D|11=b|54=1|38=10|44=99|59=1", "0 150=0"},
        {"0 D|11=c|54=1|38=10|44=98", "0 150=0"},
        {"0 D|11=d|54=1|38=10|44=97", "0 150=0"},
        {"0 D|11=e|54=1|38=10|44=96", "0 150=0"},
        {"0 D|11=f|54=1|38=10|44=95", "0 150=0"},
        {"0 G|11=g|41=f|54=1|38=10|44=95|59=1", "0 150=5"},
    };
    static const step touched[] = {
        {"1 D|11=s|54=2|38=11|44=99|59=4", "1 150=0 ; 1 150=4|code=FOK_NOT_FILLED"},
        {"1 D|11=t|54=2|38=4|44=99",
         "1 150=0 ; 0 150=C|39=C|11=a|151=0|code=DAY_EXPIRED ; 0 150=F|11=b ; 1 150=F"},
        {"0 F|11=h|41=c|54=1", "0 150=C|11=c ; 0 35=9|39=C|102=0|code=TOO_LATE"},
        {"0 H|11=d|54=1", "0 150=C|11=d ; 0 150=I|39=C|11=d"},
    };
    venue v = opened();
    RUN(&v, before);
    venue_roll(&v, VENUE_DAY + 1);
    KK_CHECK(kk_expire_pending(v.engine));
    RUN(&v, touched);
    KK_CHECK(venue_expire(&v, 4));
    KK_CHECK(venue_said(&v, ""));
    KK_CHECK(!venue_expire(&v, 4));
    KK_CHECK(venue_said(&v, "0 150=C|39=C|11=e|code=DAY_EXPIRED"));
    KK_CHECK(!kk_expire_pending(v.engine));
    KK_CHECK(venue_fault(&v) == NULL);
    KK_CHECK(venue_book_is(&v, 0, '1', "99x6 95x10"));
    venue_close(&v);
}

/* ------------------------------------------------------------------ capacity */

static void levels_run_out(void) {
    static const step steps[] = {
        {"0 D|11=a|54=1|38=10|44=100", "0 150=0"},
        {"0 D|11=b|54=1|38=10|44=99", "0 150=0"},
        {"0 D|11=c|54=1|38=10|44=98", "0 150=8|103=0|code=CAPACITY"},
        {"0 D|11=d|54=1|38=10|44=99", "0 150=0"},
        {"0 G|11=e|41=d|54=1|38=10|44=98", "0 35=9|39=0|102=2|code=CAPACITY"},
        {"0 D|11=f|54=1|38=1|44=98|59=3", "0 150=0 ; 0 150=4"},
        {"0 H|11=d|54=1", "0 150=I|39=0|11=d|44=99"},
    };
    kk_capacity capacity = venue_capacity();
    capacity.levels = 2;
    venue v;
    venue_open(&v, &capacity);
    RUN(&v, steps);
    venue_close(&v);
}

/* A sweep that one unit cannot hold stops with a whole state and cancels the rest. */
static void a_unit_is_bounded(void) {
    enum { ORDERS = 240000 };
    kk_capacity capacity = venue_capacity();
    char text[96];
    capacity.orders = ORDERS + 2;
    capacity.duplicate_window = ORDERS + 2;
    venue v;
    venue_open(&v, &capacity);
    for (unsigned i = 0; i < ORDERS; i++) {
        (void)snprintf(text, sizeof text, "1 D|11=m%u|54=2|38=1|44=100", i);
        venue_do(&v, text);
    }
    venue_do(&v, "0 D|11=fok|54=1|38=240000|44=100|59=4");
    KK_CHECK(venue_said(&v, "0 150=0 ; 0 150=4|39=4|14=0|code=CAPACITY"));
    venue_do(&v, "0 D|11=all|54=1|38=240000|44=100");
    KK_CHECK(kk_journal_used(v.engine) <= KK_UNIT_RESERVE);
    const uint32_t left = v.engine->pool.live;
    KK_CHECK(left > 0 && left < ORDERS / 2);
    venue_do(&v, "0 H|11=all|54=1");
    (void)snprintf(text, sizeof text, "0 150=I|39=4|151=0|14=%u", ORDERS - left);
    KK_CHECK(venue_said(&v, text));
    venue_do(&v, "0 D|11=rest|54=1|38=240000|44=100");
    KK_CHECK(v.engine->pool.live == 1);
    venue_close(&v);
}

/* ------------------------------------------------------------------ the state's hash */

/* The same story on engines whose slots, levels and entries are used differently. */
static void hash_goes_by_ids(void) {
    uint64_t hashes[2];

    for (uint32_t i = 0; i < 2; i++) {
        kk_capacity capacity = venue_capacity();
        capacity.orders = i == 0 ? 3 : 500;
        capacity.levels = i == 0 ? 4 : 900;
        capacity.duplicate_window = i == 0 ? 3 : 777;
        venue v;
        venue_open(&v, &capacity);
        const uint64_t empty = kk_state_hash(v.engine);
        venue_do(&v, "0 D|11=a|54=1|38=10|44=100");
        venue_do(&v, "0 D|11=b|54=1|38=10|44=99");
        const uint64_t two = kk_state_hash(v.engine);
        venue_do(&v, "0 F|11=c|41=a|54=1");
        venue_do(&v, "0 D|11=d|54=1|38=10|44=98");
        venue_do(&v, "0 F|11=e|41=b|54=1");
        venue_do(&v, "0 D|11=f|54=1|38=10|44=98");
        venue_do(&v, "0 D|11=g|54=2|38=4|44=98");
        hashes[i] = kk_state_hash(v.engine);
        KK_CHECK(empty != two && two != hashes[i]);
        venue_close(&v);
    }
    KK_CHECK(hashes[0] == hashes[1]);
}

int main(void) {
    KK_RUN(trades, "price-time priority, New first, the resting side of each trade first");
    KK_RUN(rests_of_takers, "IOC, FOK and market orders end with their cause, limits rest");
    KK_RUN(refused_orders, "each check refuses with its code, and the id is used up");
    KK_RUN(halted_venue, "a halt refuses D and G and lets F work");
    KK_RUN(storage_low, "low storage refuses D and G and lets F work, whatever is configured");
    KK_RUN(limits_of_one_order, "the tightest quantity and notional count, in D and in G");
    KK_RUN(huge_orders, "a notional beyond 128 bits is above every limit, and lots have a bound");
    KK_RUN(limits_of_open_orders, "open orders count for session, account and firm");
    KK_RUN(cancels, "F ends a live order, and says why it cannot");
    KK_RUN(replaces_in_the_queue, "638 tells the place; 38 includes what is filled");
    KK_RUN(replaces_that_trade, "the replace is reported before its trades");
    KK_RUN(refused_replaces, "a refused replace changes nothing but uses its id up");
    KK_RUN(status_requests, "H answers by any id of the order");
    KK_RUN(details_that_are_gone, "a reused slot never answers for its former order");
    KK_RUN(sent_again, "a known request sent again makes no second order");
    KK_RUN(day_orders_expire, "a Day order expires in its slice, or when it is touched");
    KK_RUN(levels_run_out, "without a level an order is refused and nothing changes");
    KK_RUN(a_unit_is_bounded, "what one input can do is bounded, with a whole state");
    KK_RUN(hash_goes_by_ids, "the hash knows no slots");
    return KK_REPORT();
}
