/* Reports: the exact bytes of each kind, and of their drop copies. */
#include "kk_exec_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kk_encode.h"
#include "kk_fix_text.h"
#include "kk_test.h"
#include "venue.h"

#define NOW "20260101-00:00:00.000"
#define TO_ALPHA "49=KK99|56=ALPHA|"
#define TO_BETA "49=KK99|56=BETA|"
#define TO_DESK "49=KK99|56=DESK|"

static venue v;

static void open_venue(void) {
    const kk_capacity capacity = venue_capacity();
    venue_open(&v, &capacity);
}

/* The bytes of an output record: those of a message, or of the copy rendered from its source. */
static const uint8_t *output(const kk_record *record, const uint8_t *payload, size_t *length) {
    static uint8_t rendered[KK_FIX_TEXT_MAX];
    kk_drop_copy copy;
    if (record->kind == KK_RECORD_MESSAGE) {
        *length = record->payload_length;
        return payload;
    }
    memcpy(&copy, payload, sizeof copy);
    const size_t used = kk_journal_used(v.engine);
    const size_t at = kk_scan_lsn(v.journal, used, 0, copy.source_lsn);
    kk_record source;
    KK_CHECK(at < used);
    memcpy(&source, v.journal + at, sizeof source);
    *length = kk_render_copy(v.engine, record->session, record->msg_seq_num, &copy.form,
                             record->time_ns, v.journal + at + sizeof source, source.payload_length,
                             rendered, sizeof rendered);
    KK_CHECK(*length == copy.rendered_length && kk_crc32c(0, rendered, *length) == copy.crc32c);
    return rendered;
}

/* Runs a command and holds its outputs against `expected`: bodies from "35=" on, NULL at the end.
 */
static void says(const char *command, const char *const *expected) {
    uint8_t bytes[KK_FIX_TEXT_MAX];
    char text[KK_FIX_TEXT_MAX];
    venue_do(&v, command);
    for (size_t at = 0; at < kk_journal_used(v.engine);) {
        kk_record record;
        memcpy(&record, v.journal + at, sizeof record);
        const uint8_t *payload = v.journal + at + sizeof record;
        at += record.length;
        if (record.kind < KK_RECORD_MESSAGE) {
            continue;
        }
        size_t length = 0;
        const uint8_t *said = output(&record, payload, &length);
        const size_t whole = *expected == NULL ? 0 : kk_fix_message(bytes, *expected);
        if (whole != length || memcmp(bytes, said, length) != 0) {
            printf("  expected %s\n  said     %s\n", *expected == NULL ? "nothing" : *expected,
                   kk_fix_text(text, said, length));
        }
        KK_CHECK(whole == length && memcmp(bytes, said, length) == 0);
        expected += *expected == NULL ? 0 : 1;
    }
    KK_CHECK(*expected == NULL);
}

#define SAYS(command, ...) says(command, (const char *const[]){__VA_ARGS__, NULL})

static void a_resting_order(void) {
    open_venue();
    SAYS("0 D|11=a|1=A1|54=1|38=10|44=100.5|",
         "35=8|" TO_ALPHA "34=1|52=" NOW "|37=1|17=1|150=0|39=0|11=a|1=A1|55=AAPL|54=1|38=10|40=2|"
         "44=100.5|59=0|151=10|14=0|6=0|60=" NOW "|",
         "35=8|" TO_DESK "34=1|115=ALPHA|52=" NOW "|"
         "37=1|17=1|150=0|39=0|11=a|1=A1|55=AAPL|54=1|38=10|40=2|44=100.5|59=0|151=10|14=0|6=0|"
         "60=" NOW "|797=Y|");
    venue_close(&v);
}

static void a_trade(void) {
    open_venue();
    venue_do(&v, "1 D|11=m|54=2|38=10|44=100|59=1|");
    SAYS("1 D|11=t|54=1|38=4|44=100.01|15=USD|",
         "35=8|" TO_BETA "34=2|52=" NOW "|37=2|17=2|150=0|39=0|11=t|15=USD|55=AAPL|54=1|38=4|40=2|"
         "44=100.01|59=0|151=4|14=0|6=0|60=" NOW "|",
         "35=8|" TO_BETA "34=3|52=" NOW "|37=1|17=3|527=1|150=F|39=1|11=m|55=AAPL|54=2|38=10|40=2|"
         "44=100|59=1|32=4|31=100|151=6|14=4|6=100|60=" NOW "|851=1|",
         "35=8|" TO_BETA "34=4|52=" NOW "|37=2|17=4|527=1|150=F|39=2|11=t|15=USD|55=AAPL|54=1|38=4|"
         "40=2|44=100.01|59=0|32=4|31=100|151=0|14=4|6=100|60=" NOW "|851=2|");
    venue_close(&v);
}

static void a_market_order_without_a_market(void) {
    open_venue();
    SAYS("1 D|11=a|54=1|38=3|40=1|58=please|",
         "35=8|" TO_BETA "34=1|52=" NOW "|37=1|17=1|150=0|39=0|11=a|58=please|55=AAPL|54=1|38=3|"
         "40=1|59=0|151=3|14=0|6=0|60=" NOW "|",
         "35=8|" TO_BETA "34=2|52=" NOW "|37=1|17=2|150=4|39=4|11=a|55=AAPL|54=1|38=3|40=1|59=0|"
         "151=0|14=0|6=0|60=" NOW
         "|58=MARKET_REMAINDER; What a market order could not fill is cancelled.|");
    venue_close(&v);
}

static void cancel_and_replace(void) {
    open_venue();
    venue_do(&v, "1 D|11=a|54=1|38=10|44=100|526=x|");
    SAYS("1 G|11=b|41=a|54=1|38=8|44=100|",
         "35=8|" TO_BETA "34=2|52=" NOW "|37=1|17=2|150=5|39=0|11=b|41=a|55=AAPL|54=1|38=8|40=2|"
         "44=100|59=0|151=8|14=0|6=0|60=" NOW "|638=0|");
    SAYS("1 F|11=c|41=b|54=1|",
         "35=8|" TO_BETA "34=3|52=" NOW "|37=1|17=3|150=4|39=4|11=c|41=b|55=AAPL|54=1|38=8|40=2|"
         "44=100|59=0|151=0|14=0|6=0|60=" NOW "|");
    venue_close(&v);
}

static void sub_ids_and_parties(void) {
    open_venue();
    SAYS("1 D|50=me|57=you|11=a|54=1|38=1|44=100|453=1|448=C|447=D|452=3|",
         "35=8|" TO_BETA "34=1|50=you|57=me|52=" NOW "|37=1|17=1|150=0|39=0|11=a|"
         "453=1|448=C|447=D|452=3|55=AAPL|54=1|38=1|40=2|44=100|59=0|151=1|14=0|6=0|60=" NOW "|");
    venue_close(&v);
}

static void refused_orders(void) {
    open_venue();
    SAYS("0 D|11=a|1=A2|15=USD|54=1|38=10|44=151|58=note|",
         "35=8|" TO_ALPHA "34=1|52=" NOW "|37=NONE|17=1|150=8|39=8|11=a|1=A2|15=USD|55=AAPL|54=1|"
         "38=10|40=2|44=151|59=0|151=0|14=0|6=0|60=" NOW
         "|103=99|58=PRICE_BAND; limit=150; value=151; headroom=50; "
         "Price(44) is outside the band around the reference price.|",
         "35=8|" TO_DESK "34=1|115=ALPHA|52=" NOW
         "|37=NONE|17=1|150=8|39=8|11=a|1=A2|15=USD|55=AAPL|54=1|38=10|40=2|44=151|59=0|151=0|14=0|"
         "6=0|60=" NOW "|103=99|58=PRICE_BAND; limit=150; value=151; headroom=50; "
         "Price(44) is outside the band around the reference price.|797=Y|");
    SAYS("1 D|11=0123456789012345678901234567890123456|54=1|38=10|44=100|",
         "35=8|" TO_BETA "34=1|52=" NOW "|37=NONE|17=2|150=8|39=8|"
         "11=0123456789012345678901234567890123456|55=AAPL|54=1|38=10|40=2|44=100|59=0|151=0|14=0|"
         "6=0|60=" NOW "|103=99|58=CLORDID_TOO_LONG; ClOrdID(11) is too long.|");
    venue_close(&v);
}

static void refused_changes(void) {
    open_venue();
    SAYS("1 F|11=b|41=a|1=B1|54=1|526=x|583=y|58=note|",
         "35=9|" TO_BETA "34=1|52=" NOW "|37=NONE|11=b|41=a|39=8|1=B1|526=x|583=y|60=" NOW
         "|434=1|102=1|58=UNKNOWN_ORDER; The session has no order with this id.|");
    venue_do(&v, "0 D|11=a|54=1|38=10|44=100|");
    SAYS(
        "0 G|11=b|41=a|54=2|38=10|44=100|21=1|",
        "35=9|" TO_ALPHA "34=2|52=" NOW "|37=1|11=b|41=a|39=0|60=" NOW
        "|434=2|102=99|58=REPLACE_MISMATCH; Side(54), Symbol(55), OrdType(40) and Account(1) of an "
        "order cannot be replaced.|",
        "35=9|" TO_DESK "34=2|115=ALPHA|52=" NOW "|37=1|11=b|41=a|39=0|60=" NOW
        "|434=2|102=99|58=REPLACE_MISMATCH; Side(54), Symbol(55), OrdType(40) and Account(1) of an "
        "order cannot be replaced.|");
    venue_close(&v);
}

static void states(void) {
    open_venue();
    venue_do(&v, "1 D|11=a|54=1|38=10|44=100|");
    SAYS("1 H|11=a|54=1|790=q1|",
         "35=8|" TO_BETA "34=2|52=" NOW "|37=1|17=2|150=I|39=0|11=a|55=AAPL|54=1|38=10|40=2|44=100|"
         "59=0|151=10|14=0|6=0|60=" NOW "|790=q1|");
    SAYS("1 H|11=z|54=1|790=q2|",
         "35=8|" TO_BETA "34=3|52=" NOW "|37=NONE|17=3|150=I|39=8|11=z|55=AAPL|54=1|151=0|14=0|6=0|"
         "60=" NOW "|103=5|790=q2|58=UNKNOWN_ORDER; The session has no order with this id.|");
    venue_close(&v);
}

static void own_tags(void) {
    open_venue();
    v.engine->sessions[0].dialect = KK_DIALECT_KK99;
    SAYS("0 D|11=a|54=1|38=10|44=151|",
         "35=8|" TO_ALPHA "34=1|52=" NOW "|37=NONE|17=1|150=8|39=8|11=a|55=AAPL|54=1|38=10|40=2|"
         "44=151|59=0|151=0|14=0|6=0|60=" NOW "|103=99|58=PRICE_BAND; limit=150; value=151; "
         "headroom=50; Price(44) is outside the band around the reference price.|"
         "20001=9|20002=150|20003=151|20004=50|",
         "35=8|" TO_DESK "34=1|115=ALPHA|52=" NOW
         "|37=NONE|17=1|150=8|39=8|11=a|55=AAPL|54=1|38=10|40=2|"
         "44=151|59=0|151=0|14=0|6=0|60=" NOW "|103=99|58=PRICE_BAND; limit=150; value=151; "
         "headroom=50; Price(44) is outside the band around the reference price.|797=Y|");
    v.engine->sessions[2].dialect = KK_DIALECT_KK99;
    SAYS("0 D|11=b|54=1|38=10|44=100|55=NONE|",
         "35=8|" TO_ALPHA "34=2|52=" NOW "|37=NONE|17=2|150=8|39=8|11=b|55=NONE|54=1|38=10|40=2|"
         "44=100|59=0|151=0|14=0|6=0|60=" NOW
         "|103=1|58=UNKNOWN_SYMBOL; The venue lists no instrument with this Symbol(55).|20001=1|",
         "35=8|" TO_DESK "34=2|115=ALPHA|52=" NOW
         "|37=NONE|17=2|150=8|39=8|11=b|55=NONE|54=1|38=10|40=2|"
         "44=100|59=0|151=0|14=0|6=0|60=" NOW
         "|103=1|58=UNKNOWN_SYMBOL; The venue lists no instrument with this Symbol(55).|20001=1|"
         "797=Y|");
    venue_close(&v);
}

/* A command whose every value is as long as it gets. */
static void longest(void) {
    static char text[60000];
    static char value[9000];
    open_venue();
    memset(value, 'x', sizeof value - 1);
    const char *const forms[] = {"0 D|50=%1$s|57=%1$s|11=%1$s|1=%1$s|58=%1$s|55=%1$s|54=1|38=1|",
                                 "0 F|50=%1$s|57=%1$s|11=%1$s|41=%1$s|1=%1$s|58=%1$s|54=1|",
                                 "0 H|50=%1$s|57=%1$s|11=%1$s|37=%1$s|790=%1$s|55=%1$s|54=1|"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        for (size_t length = 1; length < 300; length += 37) {
            value[length] = '\0';
            (void)snprintf(text, sizeof text, forms[i], value);
            venue_do(&v, text);
            value[length] = 'x';
        }
    }
    venue_close(&v);
}

static void averages(void) {
    open_venue();
    venue_do(&v, "1 D|11=m1|54=2|38=1|44=100|");
    venue_do(&v, "1 D|11=m2|54=2|38=2|44=100.01|");
    venue_do(&v, "0 D|11=t|54=1|38=3|44=101|");
    KK_CHECK(venue_said(&v, "0 6=0 ; 1 6=100 ; 0 6=100 ; 1 6=100.01 ; 0 6=100.00666667|14=3|39=2"));
    venue_close(&v);
}

static void sending(void) {
    static const uint8_t extra[] = "115=X\001";
    static const uint8_t body[] = "112=hello\001";
    uint8_t expected[KK_FIX_TEXT_MAX];
    kk_record record;
    open_venue();
    kk_unit_begin(v.engine, KK_RECORD_TICK, KK_NONE, 0, v.now_ns, NULL, 0);
    KK_CHECK(kk_send(v.engine, 1, "0", 1, NULL, 0, body, sizeof body - 1) == 1);
    const size_t at = v.engine->out.last;
    memcpy(&record, v.journal + at, sizeof record);
    size_t length = kk_fix_message(expected, "35=0|" TO_BETA "34=1|52=" NOW "|112=hello|");
    KK_CHECK(record.kind == KK_RECORD_MESSAGE && record.session == 1 && record.msg_seq_num == 1);
    KK_CHECK(record.payload_length == length &&
             memcmp(v.journal + at + sizeof record, expected, length) == 0);
    KK_CHECK(kk_send(v.engine, 1, "BE", 2, extra, sizeof extra - 1, NULL, 0) == 2);
    const size_t second = v.engine->out.last;
    memcpy(&record, v.journal + second, sizeof record);
    length = kk_fix_message(expected, "35=BE|" TO_BETA "34=2|115=X|52=" NOW "|");
    KK_CHECK(record.payload_length == length &&
             memcmp(v.journal + second + sizeof record, expected, length) == 0);
    kk_unit_end(v.engine);
    KK_CHECK(v.engine->statistics.messages_out['0'] == 1);
    KK_CHECK(v.engine->statistics.messages_out['B'] == 1);
    venue_close(&v);
}

/* Bodies of every length around the steps of BodyLength's digits. */
static void lengths(void) {
    static uint8_t body[12000];
    uint8_t expected[14000];
    open_venue();
    memcpy(body, "58=", 3);
    memset(body + 3, 'y', sizeof body - 3);
    for (size_t size = 5; size < 11000; size += size < 1200 ? 1 : 331) {
        kk_record record;
        size_t found = 0;
        body[size - 1] = 1;
        kk_journal_take(v.engine);
        kk_unit_begin(v.engine, KK_RECORD_TICK, KK_NONE, 0, v.now_ns, NULL, 0);
        kk_send(v.engine, 1, "B", 1, NULL, 0, body, size);
        memcpy(&record, v.journal + v.engine->out.last, sizeof record);
        memcpy(expected, v.journal + v.engine->out.last + sizeof record, record.payload_length);
        KK_CHECK(kk_frame(expected, record.payload_length, KK_FRAME_MAX, &found) == KK_OK);
        KK_CHECK(found == record.payload_length);
        KK_CHECK(memcmp(expected + found - 7 - size, body, size) == 0);
        kk_unit_end(v.engine);
        body[size - 1] = 'y';
    }
    venue_close(&v);
}

static void times(void) {
    static const struct {
        int64_t second;
        const char *text;
    } rows[] = {
        {0, "19700101-00:00:00.007"},          {68169600, "19720229-00:00:00.007"},
        {951782399, "20000228-23:59:59.007"},  {951782400, "20000229-00:00:00.007"},
        {951868800, "20000301-00:00:00.007"},  {1798761599, "20261231-23:59:59.007"},
        {1798761600, "20270101-00:00:00.007"}, {4107542400, "21000301-00:00:00.007"},
        {9223372036, "22620411-23:47:16.007"},
    };
    kk_time_text cache = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const int64_t time_ns = rows[i].second * 1000000000 + 7999999;
        KK_CHECK(memcmp(kk_time_text_at(&cache, time_ns), rows[i].text, 21) == 0);
        KK_CHECK(memcmp(kk_time_text_at(&cache, time_ns - 1000000), rows[i].text, 20) == 0);
    }
}

static void refined_times(void) {
    uint8_t text[KK_TIME_TEXT_MAX] = "19700101-00:00:00.007___";
    KK_CHECK(kk_time_text_refine(text, KK_PRECISION_SECONDS, 7089999) == text + 17);
    KK_CHECK(kk_time_text_refine(text, KK_PRECISION_MILLISECONDS, 7089999) == text + 21);
    KK_CHECK(kk_time_text_refine(text, KK_PRECISION_MICROSECONDS, 7089999) == text + 24);
    KK_CHECK(memcmp(text, "19700101-00:00:00.007089", 24) == 0);
}

/* Each session its own precision and 369, whoever caused the message and whoever is copied. */
static void settings_of_sessions(void) {
    const kk_session_config alpha = {.precision = KK_PRECISION_MICROSECONDS,
                                     .tells_last_processed = 1};
    const kk_session_config desk = {.precision = KK_PRECISION_SECONDS, .tells_last_processed = 1};
    uint8_t expected[256];
    static uint8_t rendered[512];
    open_venue();
    v.now_ns += 1234567;
    venue_set_session(&v, 0, &alpha);
    venue_set_session(&v, 2, &desk);
    v.engine->sessions[0].next_in = 41;
#define MICROSECONDS "20260101-00:00:00.001234"
#define MILLISECONDS "20260101-00:00:00.001"
#define SECONDS "20260101-00:00:00"
    venue_do(&v, "1 D|11=m|54=2|38=10|44=100|59=1|");
    SAYS("0 D|11=t|54=1|38=4|44=100|50=me|",
         "35=8|" TO_ALPHA "34=1|369=40|57=me|52=" MICROSECONDS "|37=2|17=2|150=0|39=0|11=t|55=AAPL|"
         "54=1|38=4|40=2|44=100|59=0|151=4|14=0|6=0|60=" MICROSECONDS "|",
         "35=8|" TO_DESK "34=1|369=0|115=ALPHA|57=me|52=" SECONDS "|37=2|17=2|150=0|39=0|11=t|"
         "55=AAPL|54=1|38=4|40=2|44=100|59=0|151=4|14=0|6=0|60=" SECONDS "|797=Y|",
         "35=8|" TO_BETA "34=2|52=" MILLISECONDS "|37=1|17=3|527=1|150=F|39=1|11=m|55=AAPL|54=2|"
         "38=10|40=2|44=100|59=1|32=4|31=100|151=6|14=4|6=100|60=" MILLISECONDS "|851=1|",
         "35=8|" TO_ALPHA "34=2|369=40|57=me|52=" MICROSECONDS "|37=2|17=4|527=1|150=F|39=2|11=t|"
         "55=AAPL|54=1|38=4|40=2|44=100|59=0|32=4|31=100|151=0|14=4|6=100|60=" MICROSECONDS
         "|851=2|",
         "35=8|" TO_DESK "34=2|369=0|115=ALPHA|57=me|52=" SECONDS "|37=2|17=4|527=1|150=F|39=2|"
         "11=t|55=AAPL|54=1|38=4|40=2|44=100|59=0|32=4|31=100|151=0|14=4|6=100|60=" SECONDS
         "|851=2|797=Y|");
    SAYS("0 F|11=c|41=none|54=1|",
         "35=9|" TO_ALPHA "34=3|369=40|52=" MICROSECONDS
         "|37=NONE|11=c|41=none|39=8|60=" MICROSECONDS
         "|434=1|102=1|58=UNKNOWN_ORDER; The session has no order with this id.|",
         "35=9|" TO_DESK "34=3|369=0|115=ALPHA|52=" SECONDS "|37=NONE|11=c|41=none|39=8|60=" SECONDS
         "|434=1|102=1|58=UNKNOWN_ORDER; The session has no order with this id.|");
    const size_t length =
        kk_render_gap_fill(v.engine, 0, 1, 3, v.now_ns, rendered, sizeof rendered);
    const size_t whole = kk_fix_message(expected, "35=4|" TO_ALPHA "34=1|43=Y|52=" MICROSECONDS
                                                  "|122=" MICROSECONDS "|123=Y|36=3|");
    KK_CHECK(length == whole && memcmp(rendered, expected, whole) == 0);
    venue_close(&v);
}

int main(void) {
    KK_RUN(a_resting_order, "a resting order gives New, and a copy for the desk");
    KK_RUN(a_trade, "a trade gives one report for each side under one 527, the resting side first");
    KK_RUN(a_market_order_without_a_market, "our cause takes the place of the order's Text(58)");
    KK_RUN(cancel_and_replace, "replaced and canceled reports carry both ids");
    KK_RUN(sub_ids_and_parties, "50 and 57 come back the other way round, parties verbatim");
    KK_RUN(refused_orders, "a refused order is told why, with its numbers");
    KK_RUN(refused_changes, "a cancel reject has the fields that FIX 4.4 gives it and no others");
    KK_RUN(states, "a status request is answered, whether the order is known or not");
    KK_RUN(own_tags, "our own tags go to sessions of our dialect only");
    KK_RUN(longest, "long values of a request are cut, never overrun");
    KK_RUN(averages, "AvgPx is rounded to 1e-8");
    KK_RUN(sending, "a message of the caller gets header and trailer");
    KK_RUN(lengths, "BodyLength has as many digits as it needs");
    KK_RUN(times, "times are written as UTC with milliseconds");
    KK_RUN(refined_times, "or with seconds alone, or with microseconds");
    KK_RUN(settings_of_sessions, "each session has the precision and the 369 of its settings");
    return KK_REPORT();
}
