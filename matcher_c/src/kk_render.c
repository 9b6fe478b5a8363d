/*
 * Messages made from recorded ones: drop copies, resends, gap fills.
 *
 * The source is one of our own messages, so its layout is known:
 *
 *     8=|9=|35=|49=|56=|34=| the rest of the header ...|52=| body ...|10=|
 *
 * A source that is laid out otherwise is our own fault and asserted.  Its times are written anew
 * where a copy's session has another precision.
 */
#include "kk_bytes.h"
#include "kk_wire.h"

#define TRAILER_LENGTH 7u
#define SOURCE_MIN 64u    /* no message with a header is shorter */
#define OWN_TAG_LENGTH 6u /* "2000n=" */
#define ADDED_MAX 160u    /* bytes that rendering adds, beside the CompIDs */

typedef struct parts {
    const uint8_t *msg_type; /* "35=...|" */
    const uint8_t *numbers;  /* "49=...|56=...|" */
    const uint8_t *target;   /* the value of 56 */
    const uint8_t *number;   /* "34=...|" */
    const uint8_t *rest;     /* what follows 34, up to `end` */
    const uint8_t *time;     /* the value of 52 */
    const uint8_t *body;     /* what follows 52 */
    const uint8_t *end;      /* the trailer */
} parts;

/* The SOHs of a message from its start on, 64 bytes at a time. */
typedef struct soh_walk {
    const uint8_t *block; /* the 64 bytes behind those of `bits` */
    const uint8_t *last;  /* where the last 64 bytes of the message begin */
    uint64_t bits;
} soh_walk;

/* Where the next field begins; this one is at `at`, and its tag is asserted. */
static inline const uint8_t *after(soh_walk *walk, const uint8_t *at, const char *tag) {
    kk_assert(memcmp(at, tag, strlen(tag)) == 0);
    while (walk->bits == 0) {
        kk_assert(walk->block <= walk->last + 63);
        const uint8_t *from = walk->block < walk->last ? walk->block : walk->last;
        walk->bits = kk_mark64(from).soh >> (walk->block - from);
        walk->block += 64;
    }
    const uint8_t *soh = walk->block - 64 + __builtin_ctzll(walk->bits);
    walk->bits &= walk->bits - 1u;
    return soh + 1;
}

static parts take_apart(const uint8_t *source, size_t length) {
    kk_assert(length >= SOURCE_MIN);
    soh_walk walk = {.block = source, .last = source + length - 64};
    parts at = {.end = source + length - TRAILER_LENGTH};
    at.msg_type = after(&walk, after(&walk, source, "8="), "9=");
    at.numbers = after(&walk, at.msg_type, "35=");
    at.target = after(&walk, at.numbers, "49=") + 3;
    at.number = after(&walk, at.target - 3, "56=");
    at.rest = after(&walk, at.number, "34=");
    const uint8_t *field = at.rest;
    while (memcmp(field, "52=", 3) != 0) {
        field = after(&walk, field, "");
        kk_assert(field < at.end);
    }
    at.time = field + 3;
    at.body = after(&walk, field, "52=");
    return at;
}

static uint8_t *put_range(uint8_t *at, const uint8_t *from, const uint8_t *to) {
    return kk_put(at, from, (size_t)(to - from));
}

/* The precision of the times of a message, which is that of its SendingTime(52). */
static kk_precision precision_of(const parts *message) {
    const size_t length = (size_t)(message->body - message->time) - 1u;

    kk_assert(length == 17u || length == KK_TIME_TEXT_LENGTH || length == KK_TIME_TEXT_MAX);
    return length == KK_TIME_TEXT_LENGTH ? KK_PRECISION_MILLISECONDS
           : length == 17u               ? KK_PRECISION_SECONDS
                                         : KK_PRECISION_MICROSECONDS;
}

/* What follows LastMsgSeqNumProcessed(369), which says something of the source's session alone. */
static const uint8_t *behind_last_processed(const parts *source) {
    const uint8_t *at = source->rest;

    if (memcmp(at, "369=", 4) != 0) {
        return at;
    }
    while (*at != KK_SOH) {
        at++;
    }
    return at + 1;
}

/* The value of TransactTime(60), or `end`. */
static const uint8_t *transact_time(const parts *source, const uint8_t *end) {
    const uint8_t *field = source->body;

    while (field < end && memcmp(field, "60=", 3) != 0) {
        const uint8_t *soh = memchr(field, KK_SOH, (size_t)(end - field));
        kk_assert(soh != NULL);
        field = soh + 1;
    }
    return field < end ? field + 3 : end;
}

/* From `rest` to `end`, with the times in another precision. */
static uint8_t *put_with_times(uint8_t *at, const parts *source, const uint8_t *rest,
                               const uint8_t *end, kk_precision precision, int64_t time_ns) {
    const uint8_t *transact = transact_time(source, end);
    kk_time_text text = {0};

    at = put_range(at, rest, source->time);
    at = kk_put_time(at, &text, precision, time_ns);
    at = put_range(at, source->body - 1, transact);
    if (transact == end) {
        return at;
    }
    at = kk_put_time(at, &text, precision, time_ns);
    return put_range(at, memchr(transact, KK_SOH, (size_t)(end - transact)), end);
}

/* The end of the body without our own tags 20001 to 20004, which stand last. */
static const uint8_t *without_own_fields(const parts *source) {
    const uint8_t *end = source->end;
    for (;;) {
        const uint8_t *field = end - 1;
        while (field > source->body && field[-1] != KK_SOH) {
            field--;
        }
        if (field <= source->body || (size_t)(end - field) <= OWN_TAG_LENGTH ||
            memcmp(field, "2000", 4) != 0 || field[5] != '=') {
            return end;
        }
        end = field;
    }
}

size_t kk_render_copy(const kk_engine *engine, uint32_t session, uint64_t msg_seq_num,
                      const kk_copy_form *form, int64_t time_ns, const uint8_t *source,
                      size_t source_length, uint8_t *out, size_t capacity) {
    const kk_session *state = &engine->sessions[session];

    kk_assert(session < engine->capacity.sessions && state->configured);
    if (capacity < source_length + state->header_template_length + KK_COMP_ID_MAX + ADDED_MAX) {
        return 0;
    }
    const parts from = take_apart(source, source_length);
    uint8_t *at = put_range(out + KK_WIRE_BODY, from.msg_type, from.numbers - 1);
    at = kk_put(at, state->header_template, state->header_template_length);
    at = kk_put_u64(at, msg_seq_num);
    at = kk_put_char(at, KK_SOH);
    if (form->last_processed != KK_NOT_TOLD) {
        at = kk_put_last_processed(at, form->last_processed);
    }
    at = KK_PUT(at, "115=");
    at = put_range(at, from.target, from.number);
    const uint8_t *rest = behind_last_processed(&from);
    const uint8_t *end = form->dialect == KK_DIALECT_KK99 ? from.end : without_own_fields(&from);
    at = form->precision == precision_of(&from)
             ? put_range(at, rest, end)
             : put_with_times(at, &from, rest, end, (kk_precision)form->precision, time_ns);
    if (from.msg_type[3] == '8') {
        at = KK_PUT(at, "797=Y\001");
    }
    return kk_wire_close(out, at);
}

size_t kk_render_resend(const uint8_t *message, size_t length, int64_t now_ns, uint8_t *out,
                        size_t capacity) {
    kk_time_text now = {0};

    if (capacity < length + ADDED_MAX) {
        return 0;
    }
    const parts from = take_apart(message, length);
    uint8_t *at = put_range(out + KK_WIRE_BODY, from.msg_type, from.rest);
    at = KK_PUT(at, "43=Y\001");
    at = put_range(at, from.rest, from.time);
    at = kk_put_time(at, &now, precision_of(&from), now_ns);
    at = KK_PUT(at, "\001122=");
    at = put_range(at, from.time, from.end);
    return kk_wire_close(out, at);
}

size_t kk_render_gap_fill(const kk_engine *engine, uint32_t session, uint64_t msg_seq_num,
                          uint64_t new_seq_no, int64_t now_ns, uint8_t *out, size_t capacity) {
    const kk_session *state = &engine->sessions[session];
    const kk_precision precision = (kk_precision)state->precision;
    kk_time_text now = {0};

    kk_assert(session < engine->capacity.sessions && state->configured);
    kk_assert(msg_seq_num > 0 && new_seq_no > msg_seq_num);
    if (capacity < state->header_template_length + ADDED_MAX) {
        return 0;
    }
    uint8_t *at = KK_PUT(out + KK_WIRE_BODY, "35=4");
    at = kk_put(at, state->header_template, state->header_template_length);
    at = kk_put_u64(at, msg_seq_num);
    at = KK_PUT(at, "\00143=Y\00152=");
    at = kk_put_time(at, &now, precision, now_ns);
    at = KK_PUT(at, "\001122=");
    at = kk_put_time(at, &now, precision, now_ns);
    at = KK_PUT(at, "\001123=Y\00136=");
    at = kk_put_u64(at, new_seq_no);
    at = KK_PUT(at, "\001");
    return kk_wire_close(out, at);
}
