/*
 * Outbound messages. Orders and cancels are finished frames of fixed width, patched in place:
 * MsgSeqNum(34), SendingTime(52), TransactTime(60), ClOrdID(11), OrigClOrdID(41), OrderQty(38),
 * Price(44), Side(54) and CheckSum(10). A template is rebuilt when the MsgSeqNum gains a digit.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "load.h"

enum { QUANTITY_DIGITS = 4, PRICE_BYTES = 6 };

struct draft {
    char bytes[LOAD_TEMPLATE_BYTES];
    uint32_t length;
};

uint32_t load_digits(uint64_t value) {
    uint32_t digits = 1;
    while (value >= 10) {
        value /= 10;
        digits++;
    }
    return digits;
}

void load_stamp_format(int64_t wall_ms, char out[LOAD_STAMP_BYTES]) {
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;
    char text[64];
    gmtime_r(&seconds, &utc);
    snprintf(text, sizeof text, "%04d%02d%02d-%02d:%02d:%02d.%03d", utc.tm_year + 1900,
             utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
             (int)(wall_ms % 1000));
    memcpy(out, text, LOAD_STAMP_BYTES);
}

/* Write `digits` decimal digits of `value` and return their byte sum. */
static inline uint32_t write_digits(char *out, uint64_t value, uint32_t digits) {
    uint32_t sum = digits * '0';
    for (uint32_t i = digits; i-- > 0;) {
        uint32_t digit = (uint32_t)(value % 10);
        out[i] = (char)('0' + digit);
        sum += digit;
        value /= 10;
    }
    return sum;
}

static uint32_t sum_of(const char *bytes, size_t length) {
    uint32_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        sum += (uint8_t)bytes[i];
    }
    return sum;
}

/* Append "tag=value|". */
static void put(struct draft *draft, uint32_t tag, const char *value) {
    int wrote = snprintf(draft->bytes + draft->length, sizeof draft->bytes - draft->length,
                         "%u=%s\x01", tag, value);
    assert(wrote > 0 && draft->length + (uint32_t)wrote < sizeof draft->bytes);
    draft->length += (uint32_t)wrote;
}

/* Append a field whose value is patched later; return the offset of the value. */
static uint32_t put_hole(struct draft *draft, uint32_t tag, uint32_t width) {
    char blanks[64] = {0};
    memset(blanks, '?', width);
    put(draft, tag, blanks);
    return draft->length - width - 1;
}

/* The further fields of institutional flow. */
static void put_parties(struct draft *draft) {
    put(draft, 453, "3");
    put(draft, 448, "DESK7");
    put(draft, 447, "D");
    put(draft, 452, "1");
    put(draft, 448, "TRADER12");
    put(draft, 447, "D");
    put(draft, 452, "11");
    put(draft, 448, "CLIENT345");
    put(draft, 447, "D");
    put(draft, 452, "3");
}

/* The body fields between the header and ClOrdID(11) on; `kind` says which message it is. */
static void put_body(const struct load_options *options, const struct load_session *session,
                     enum load_kind kind, struct draft *draft, struct load_template *template) {
    bool parties = options->mode == LOAD_PARTIES && kind != LOAD_KIND_CANCEL;
    char account[2 * LOAD_COMP_ID_BYTES];
    if (kind == LOAD_KIND_CANCEL) {
        template->orig_at = put_hole(draft, 41, LOAD_ID_DIGITS);
    }
    template->id_at = put_hole(draft, 11, LOAD_ID_DIGITS);
    if (parties) {
        put(draft, 528, "A");
        put(draft, 529, "1");
        put(draft, 582, "1");
        put_parties(draft);
    }
    if ((options->account_suffix != NULL || parties) && kind != LOAD_KIND_CANCEL) {
        snprintf(account, sizeof account, "%s%s", session->comp_id,
                 options->account_suffix == NULL ? "" : options->account_suffix);
        put(draft, 1, account);
    }
    if (parties) {
        put(draft, 15, "USD");
        put(draft, 21, "1");
        put(draft, 22, "4");
        put(draft, 48, "US0378331005");
        put(draft, 207, "XNAS");
    }
    put(draft, 55, options->symbol);
    template->side_at = put_hole(draft, 54, 1);
    template->transact_at = put_hole(draft, 60, LOAD_STAMP_BYTES);
    template->quantity_at = put_hole(draft, 38, QUANTITY_DIGITS);
    if (kind != LOAD_KIND_CANCEL) {
        put(draft, 40, "2");
        template->price_at = put_hole(draft, 44, PRICE_BYTES);
        put(draft, 59, kind == LOAD_KIND_CROSS ? "3" : "0");
    }
}

/* Shift an offset of the body to its place in the frame, leaving absent ones at 0. */
static void shift(uint32_t *at, uint32_t by) {
    if (*at != 0) {
        *at += by;
    }
}

/* Put 8, 9 before the body and 10 behind it, then blank the holes and sum the rest. */
static void finish(struct load_template *template, const struct draft *body) {
    int head = snprintf(template->bytes, sizeof template->bytes,
                        "8=FIX.4.4\x01"
                        "9=%u\x01",
                        body->length);
    uint32_t at = (uint32_t)head;
    memcpy(template->bytes + at, body->bytes, body->length);
    template->sum_at = at + body->length + 3;
    memcpy(template->bytes + template->sum_at - 3, "10=000\x01", 7);
    template->length = template->sum_at + 4;
    uint32_t *const offsets[] = {&template->seq_at,   &template->stamp_at, &template->transact_at,
                                 &template->id_at,    &template->orig_at,  &template->quantity_at,
                                 &template->price_at, &template->side_at};
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        shift(offsets[i], at);
    }
    template->base_sum = 0;
    for (uint32_t i = 0; i < template->sum_at - 3; i++) {
        template->base_sum += template->bytes[i] == '?' ? 0 : (uint8_t)template->bytes[i];
    }
}

void load_templates_build(const struct load_options *options, struct load_session *session) {
    static const char *const msg_types[LOAD_KIND_COUNT] = {"D", "D", "F"};
    session->seq_digits = load_digits(session->next_out);
    session->stamp_ms = -1;
    for (uint32_t kind = 0; kind < LOAD_KIND_COUNT; kind++) {
        struct draft body = {.length = 0};
        struct load_template *template = &session->templates[kind];
        memset(template, 0, sizeof *template);
        put(&body, 35, msg_types[kind]);
        put(&body, 49, session->comp_id);
        put(&body, 56, options->target_comp_id);
        template->seq_at = put_hole(&body, 34, session->seq_digits);
        template->stamp_at = put_hole(&body, 52, LOAD_STAMP_BYTES);
        put_body(options, session, (enum load_kind)kind, &body, template);
        finish(template, &body);
    }
}

void load_templates_stamp(struct load_session *session, int64_t wall_ms) {
    if (session->stamp_ms == wall_ms) {
        return;
    }
    char stamp[LOAD_STAMP_BYTES];
    load_stamp_format(wall_ms, stamp);
    uint32_t sum = sum_of(stamp, sizeof stamp);
    for (uint32_t kind = 0; kind < LOAD_KIND_COUNT; kind++) {
        struct load_template *template = &session->templates[kind];
        memcpy(template->bytes + template->stamp_at, stamp, sizeof stamp);
        memcpy(template->bytes + template->transact_at, stamp, sizeof stamp);
        template->stamp_sum = 2 * sum;
    }
    session->stamp_ms = wall_ms;
}

size_t load_template_write(const struct load_template *template, char *out, uint64_t seq,
                           uint32_t seq_digits, uint64_t id, uint64_t orig_id,
                           const struct load_op *op, uint32_t price_ticks) {
    memcpy(out, template->bytes, template->length);
    uint32_t sum = template->base_sum + template->stamp_sum + op->side;
    sum += write_digits(out + template->seq_at, seq, seq_digits);
    sum += write_digits(out + template->id_at, id, LOAD_ID_DIGITS);
    sum += write_digits(out + template->quantity_at, op->quantity, QUANTITY_DIGITS);
    out[template->side_at] = (char)op->side;
    if (template->orig_at != 0) {
        sum += write_digits(out + template->orig_at, orig_id, LOAD_ID_DIGITS);
    }
    if (template->price_at != 0) {
        sum += write_digits(out + template->price_at, price_ticks / 100, 3);
        out[template->price_at + 3] = '.';
        sum += '.' + write_digits(out + template->price_at + 4, price_ticks % 100, 2);
    }
    write_digits(out + template->sum_at, sum & 0xFF, 3);
    return template->length;
}

size_t load_admin_write(const struct load_options *options, const struct load_session *session,
                        char *out, int64_t wall_ms, char msg_type, const char *body) {
    char stamp[LOAD_STAMP_BYTES + 1] = {0}, text[LOAD_TEMPLATE_BYTES];
    load_stamp_format(wall_ms, stamp);
    int length = snprintf(text, sizeof text,
                          "35=%c\x01"
                          "49=%s\x01"
                          "56=%s\x01"
                          "34=%llu\x01"
                          "52=%s\x01%s",
                          msg_type, session->comp_id, options->target_comp_id,
                          (unsigned long long)session->next_out, stamp, body);
    assert(length > 0 && (size_t)length < sizeof text);
    int wrote = snprintf(out, LOAD_TEMPLATE_BYTES,
                         "8=FIX.4.4\x01"
                         "9=%d\x01%s",
                         length, text);
    assert(wrote > 0 && wrote < LOAD_TEMPLATE_BYTES - 8);
    uint32_t sum = sum_of(out, (size_t)wrote);
    snprintf(out + wrote, 8, "10=%03u\x01", sum & 0xFF);
    return (size_t)wrote + 7;
}
