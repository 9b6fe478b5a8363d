/*
 * libFuzzer on the doors of the core: frames of a session that is logged on.
 *
 * The input is pieces between NUL bytes, '|' standing for SOH.  A piece that begins with '!' is fed
 * as it is; any other is the body of a message behind "35=", put into a frame whose header, number,
 * length and sum are right, so that mutations reach the decoder and the book.  What the gate leaves
 * is decoded and submitted, as Python would.  Numbers must never fall and the books stay sound.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kk_engine.h"

#define PIECE_MAX 4096u
#define JOURNAL_BYTES (2 * KK_UNIT_RESERVE + (size_t)4 * KK_FRAME_MAX)
#define NOW_NS INT64_C(1767225600000000000)

/* libFuzzer calls it. */
extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(kk_status status) { kk_assert(status == KK_OK); }

static void configure(kk_engine *engine) {
    const kk_venue_params params = {.max_order_age_ns = INT64_C(30000000000),
                                    .sending_time_tolerance_ns = INT64_C(120000000000),
                                    .trading_day = 20260101};
    kk_instrument instrument = {.symbol = "AAPL",
                                .tick_e8 = KK_E8 / 100,
                                .lot_e8 = KK_E8,
                                .multiplier_e8 = KK_E8,
                                .rate_e8 = KK_E8,
                                .reference_price_e8 = 100 * KK_E8,
                                .open = 1,
                                .symbol_length = 4};
    const kk_firm_config firm = {.limits = {.max_order_notional_e8 = 1000000 * KK_E8}};
    const kk_account_config account = {.name = "A1", .name_length = 2};
    const uint32_t accounts[] = {0};
    const kk_session_config session = {
        .sender_comp_id = "ALPHA",
        .target_comp_id = "KK99",
        .sender_comp_id_length = 5,
        .target_comp_id_length = 4,
        .enabled = 1,
        .precision = KK_PRECISION_MICROSECONDS,
        .tells_last_processed = 1,
        .throttle = {.messages_per_second = 30, .orders_per_second = 20, .logout_after = 5},
        .account_count = 1,
        .accounts = accounts};

    kk_unit_begin(engine, KK_RECORD_CONFIG, KK_NONE, 0, NOW_NS, NULL, 0);
    must(kk_venue_set(engine, &params));
    must(kk_instrument_set(engine, 0, &instrument));
    must(kk_firm_set(engine, 0, &firm));
    must(kk_account_set(engine, 0, &account));
    must(kk_session_set(engine, 0, &session));
    kk_session_establish(engine, 0, true);
    kk_session_plain(engine, 0, true);
    kk_unit_end(engine);
}

static kk_engine *new_engine(uint8_t *journal) {
    const kk_capacity capacity = {.orders = 32,
                                  .levels = 16,
                                  .sessions = 1,
                                  .firms = 1,
                                  .accounts = 1,
                                  .instruments = 1,
                                  .duplicate_window = 64,
                                  .rings = 1,
                                  .ring_bytes = 4096};
    kk_engine *engine = kk_engine_new(&capacity);

    kk_assert(engine != NULL);
    kk_journal_bind(engine, journal, JOURNAL_BYTES, 1);
    configure(engine);
    must(kk_ring_attach(engine, 0));
    return engine;
}

/* Copies a piece as bytes of the wire, in a frame of the session unless it is raw. */
static size_t frame_piece(const kk_engine *engine, const uint8_t *piece, size_t length,
                          uint8_t *out) {
    uint8_t body[PIECE_MAX + 128u];
    int header = 0;
    const bool raw = length > 0 && piece[0] == '!';

    if (raw) {
        piece++;
        length--;
    }
    if (!raw && length > 0) {
        header = sprintf((char *)body, "35=%c|49=ALPHA|56=KK99|34=%llu|52=20260101-00:00:00",
                         piece[0] >= ' ' ? piece[0] : 'D',
                         (unsigned long long)engine->sessions[0].next_in);
        piece++;
        length--;
    }
    memcpy(body + header, piece, length);
    length += (size_t)header;
    size_t at = raw ? 0 : (size_t)sprintf((char *)out, "8=FIX.4.4|9=%zu|", length);
    memcpy(out + at, body, length);
    at += length;
    uint32_t sum = 0;
    for (size_t i = 0; i < at; i++) {
        out[i] = out[i] == '|' ? 1u : out[i];
        sum += out[i];
    }
    return raw ? at : at + (size_t)sprintf((char *)out + at, "10=%03u\001", sum & 255u);
}

static void escalate(kk_engine *engine, const uint8_t *frame, size_t length) {
    const uint64_t number = engine->sessions[0].next_in;
    kk_command command;

    kk_unit_begin(engine, KK_RECORD_FRAME, 0, number, NOW_NS, frame, length);
    kk_session_set_next_in(engine, 0, number + 1);
    if (kk_decode_command(frame, length, &command) == KK_OK) {
        kk_submit(engine, 0, &command);
    }
    kk_unit_end(engine);
}

static void feed(kk_engine *engine, const uint8_t *bytes, size_t length) {
    size_t done = 0;

    for (kk_status status = KK_ESCALATE; status == KK_ESCALATE;) {
        const uint64_t next_in = engine->sessions[0].next_in;
        const uint64_t next_out = engine->sessions[0].next_out;
        kk_consumed consumed;
        status = kk_consume(engine, 0, bytes + done, length - done, NOW_NS, &consumed);
        done += consumed.used;
        kk_assert(status != KK_OUT_FULL && done <= length);
        if (status == KK_ESCALATE) {
            escalate(engine, bytes + done, consumed.frame_length);
            done += consumed.frame_length;
        }
        kk_assert(engine->sessions[0].next_in >= next_in + consumed.messages);
        kk_assert(engine->sessions[0].next_out >= next_out + consumed.messages);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t *journal;
    uint8_t *out = malloc(PIECE_MAX + 256u);

    if (journal == NULL) {
        journal = malloc(JOURNAL_BYTES);
    }
    kk_assert(journal != NULL && out != NULL);
    kk_engine *engine = new_engine(journal);
    for (size_t at = 0; at < size && at < (size_t)16 * PIECE_MAX;) {
        const uint8_t *end = memchr(data + at, 0, size - at);
        size_t length = end == NULL ? size - at : (size_t)(end - (data + at));
        const size_t next = at + length + 1u;
        length = length < PIECE_MAX ? length : PIECE_MAX;
        feed(engine, out, frame_piece(engine, data + at, length, out));
        at = next;
    }
    kk_book_check(engine->books, 0);
    kk_seal(journal, kk_journal_used(engine), 1);
    kk_assert(kk_verify(journal, kk_journal_used(engine), 1, 1) == kk_journal_used(engine));
    kk_engine_free(engine);
    free(out);
    return 0;
}
