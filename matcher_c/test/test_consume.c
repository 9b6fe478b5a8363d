/* The fast door: what comes out depends on the bytes alone, not on how they are cut. */
#include <stdlib.h>
#include <string.h>

#include "kk_test.h"
#include "venue.h"

#define STREAM_MAX (1u << 20)
#define FRAMES 400u
/* State after the stream of seed 1: changes with the venue's rules, never with the build. */
#define STREAM_HASH UINT64_C(0x7DB5C37EFF5E3C2F)

/* ------------------------------------------------------------------ a stream of one session */

typedef struct stream {
    uint8_t bytes[STREAM_MAX];
    size_t length;
    size_t starts[FRAMES + 1];
    uint32_t frames;
} stream;

static void add_frame(venue *v, stream *s, const char *body) {
    s->starts[s->frames++] = s->length;
    s->length += venue_frame(v, 0, body, s->bytes + s->length);
    s->starts[s->frames] = s->length;
}

static void add_bytes(stream *s, const char *text) {
    for (; *text != '\0'; text++) {
        s->bytes[s->length++] = *text == '|' ? 1u : (uint8_t)*text;
    }
}

static void add_order(venue *v, stream *s, unsigned id, uint64_t dice) {
    char body[256];
    const unsigned other = id == 0 ? 0 : (unsigned)(dice >> 20) % id;

    switch (dice % 8u) {
    case 0:
        (void)snprintf(body, sizeof body, "35=F|11=n%u|41=n%u|55=AAPL|54=1|60=20260101-00:00:00|",
                       id, other);
        break;
    case 1:
        (void)snprintf(body, sizeof body,
                       "35=G|11=n%u|41=n%u|55=AAPL|54=1|60=20260101-00:00:00|38=5|40=2|44=%u|", id,
                       other, 95u + (unsigned)(dice >> 8) % 10u);
        break;
    default:
        (void)snprintf(
            body, sizeof body,
            "35=D|11=n%u|1=A1|55=AAPL|54=%u|60=20260101-00:00:00|38=%u|40=2|44=%u|528=A|", id,
            1u + (unsigned)(dice >> 16) % 2u, 1u + (unsigned)(dice >> 4) % 9u,
            95u + (unsigned)(dice >> 8) % 10u);
        break;
    }
    add_frame(v, s, body);
}

/* Orders, cancels and replaces; now and then a heartbeat, which escalates, and garbled bytes. */
static stream *made_stream(uint64_t seed) {
    stream *s = calloc(1, sizeof *s);
    venue numbers = {.now_ns = VENUE_NOW_NS};

    kk_assert(s != NULL);
    for (unsigned i = 0; i < FRAMES; i++) {
        const uint64_t dice = kk_random(&seed);
        if (dice % 31u == 0) {
            add_frame(&numbers, s, "35=0|");
        } else {
            add_order(&numbers, s, i, dice >> 8);
        }
        if (dice % 37u == 0) {
            add_bytes(s, "8=FIX.4.4|9=12|35=0|garbled|10=000|");
        }
        if (dice % 41u == 0) {
            add_bytes(s, "noise|");
        }
    }
    return s;
}

/* ------------------------------------------------------------------ feeding it */

/* What an escalated frame does to the core in these tests: a decoded command, or just a number. */
static void escalate(venue *v, const uint8_t *frame, size_t length) {
    kk_session_view view;
    kk_command command;

    kk_session_look(v->engine, 0, &view);
    kk_unit_begin(v->engine, KK_RECORD_FRAME, 0, view.next_in, v->now_ns, frame, length);
    kk_session_set_next_in(v->engine, 0, view.next_in + 1);
    kk_session_heard(v->engine, 0);
    if (kk_decode_command(frame, length, &command) == KK_OK) {
        kk_submit(v->engine, 0, &command);
    }
    kk_unit_end(v->engine);
}

/* Feeds all of the stream, at most `chunk` more bytes at a time (random up to it). */
static uint32_t feed(venue *v, const stream *s, size_t chunk, uint64_t seed) {
    size_t done = 0;
    size_t there = 0;
    uint32_t garbled = 0;

    while (there < s->length) {
        const size_t more = 1u + kk_random(&seed) % chunk;
        there = s->length - there < more ? s->length : there + more;
        for (kk_status status = KK_ESCALATE; status == KK_ESCALATE;) {
            kk_consumed consumed;
            status = kk_consume(v->engine, 0, s->bytes + done, there - done, v->now_ns, &consumed);
            done += consumed.used;
            garbled += consumed.garbled;
            KK_CHECK(status == KK_ESCALATE || status == KK_NEED_DATA);
            if (status == KK_ESCALATE) {
                escalate(v, s->bytes + done, consumed.frame_length);
                done += consumed.frame_length;
            }
        }
    }
    KK_CHECK(done == s->length);
    return garbled;
}

typedef struct outcome {
    size_t length;
    uint32_t crc32c;
    uint64_t hash;
} outcome;

static outcome outcome_of(const venue *v) {
    const size_t length = kk_journal_used(v->engine);
    return (outcome){length, kk_crc32c(0, v->journal, length), kk_state_hash(v->engine)};
}

static bool same_outcome(outcome a, outcome b) {
    return a.length == b.length && a.crc32c == b.crc32c && a.hash == b.hash;
}

static outcome fed(const stream *s, size_t chunk, uint64_t seed, bool gate_open) {
    const kk_capacity capacity = venue_capacity();
    venue v;

    venue_open(&v, &capacity);
    kk_gate_set(v.engine, gate_open);
    const uint32_t garbled = feed(&v, s, chunk, seed);
    KK_CHECK(garbled > 0);
    const outcome result = outcome_of(&v);
    const char *fault = venue_fault(&v);
    KK_CHECK(fault == NULL);
    KK_CHECK(v.engine->statistics.trades > 10);
    KK_CHECK((v.engine->statistics.gate_frames > 300) == gate_open);
    venue_close(&v);
    return result;
}

static void chunking_is_invisible(void) {
    for (uint64_t seed = 1; seed <= 5; seed++) {
        stream *s = made_stream(seed);
        const outcome whole = fed(s, s->length, seed, true);
        KK_CHECK(same_outcome(whole, fed(s, 1, seed, true)));
        KK_CHECK(same_outcome(whole, fed(s, 40, seed, true)));
        KK_CHECK(same_outcome(whole, fed(s, 700, seed, true)));
        KK_CHECK(same_outcome(whole, fed(s, 5000, seed, true)));
        free(s);
    }
}

static void gate_shut_equals_open(void) {
    for (uint64_t seed = 1; seed <= 5; seed++) {
        stream *s = made_stream(seed);
        KK_CHECK(same_outcome(fed(s, s->length, seed, true), fed(s, 3000, seed, false)));
        free(s);
    }
}

/* One fixed stream: the same number on every compiler, optimisation and machine. */
static void hash_is_the_same_everywhere(void) {
    stream *s = made_stream(1);
    const uint64_t hash = fed(s, s->length, 1, true).hash;

    if (hash != STREAM_HASH) {
        printf("  the hash is 0x%llX\n", (unsigned long long)hash);
    }
    KK_CHECK(hash == STREAM_HASH);
    free(s);
}

/* ------------------------------------------------------------------ where it stops */

#define ORDER "|55=AAPL|54=1|60=20260101-00:00:00|38=1|40=2|44=90|"

/* A refused frame at each place of a group, with more behind it. */
static void stops_at_the_refused_frame(void) {
    for (uint32_t place = 0; place < 20; place++) {
        const kk_capacity capacity = venue_capacity();
        stream *s = calloc(1, sizeof *s);
        kk_consumed consumed;
        venue v;
        kk_assert(s != NULL);
        venue_open(&v, &capacity);
        for (uint32_t i = 0; i < 20; i++) {
            char body[128];
            (void)snprintf(body, sizeof body, i == place ? "35=0|" : "35=D|11=n%u" ORDER, i);
            add_frame(&v, s, body);
        }
        KK_CHECK(kk_consume(v.engine, 0, s->bytes, s->length, v.now_ns, &consumed) == KK_ESCALATE);
        KK_CHECK(consumed.messages == place && consumed.used == s->starts[place]);
        KK_CHECK(consumed.frame_length == s->starts[place + 1] - s->starts[place]);
        KK_CHECK(v.engine->sessions[0].next_in == place + 1 && v.engine->pool.live == place);
        const outcome before = outcome_of(&v);
        KK_CHECK(kk_consume(v.engine, 0, s->bytes + consumed.used, s->length - consumed.used,
                            v.now_ns, &consumed) == KK_ESCALATE);
        KK_CHECK(consumed.used == 0 && same_outcome(before, outcome_of(&v)));
        venue_close(&v);
        free(s);
    }
}

static void a_gap_escalates(void) {
    const kk_capacity capacity = venue_capacity();
    stream *s = calloc(1, sizeof *s);
    kk_consumed consumed;
    venue v;

    kk_assert(s != NULL);
    venue_open(&v, &capacity);
    add_frame(&v, s, "35=D|11=a" ORDER);
    v.frames[0]++;
    add_frame(&v, s, "35=D|11=b" ORDER);
    KK_CHECK(kk_consume(v.engine, 0, s->bytes, s->length, v.now_ns, &consumed) == KK_ESCALATE);
    KK_CHECK(consumed.messages == 1 && v.engine->sessions[0].next_in == 2);
    KK_CHECK(v.engine->sessions[0].last_in_ns == v.now_ns);
    KK_CHECK(v.engine->statistics.escalated_frames == 1 && v.engine->statistics.gate_frames == 1);
    venue_close(&v);
    free(s);
}

static void ends_without_data(void) {
    const kk_capacity capacity = venue_capacity();
    stream *s = calloc(1, sizeof *s);
    kk_consumed consumed;
    venue v;

    kk_assert(s != NULL);
    venue_open(&v, &capacity);
    KK_CHECK(kk_consume(v.engine, 0, s->bytes, 0, v.now_ns, &consumed) == KK_NEED_DATA);
    add_frame(&v, s, "35=D|11=a" ORDER);
    KK_CHECK(kk_consume(v.engine, 0, s->bytes, s->length - 1, v.now_ns, &consumed) == KK_NEED_DATA);
    KK_CHECK(consumed.used == 0 && consumed.messages == 0);
    add_bytes(s, "8=FIX.4.4|9=70000|35=D|");
    KK_CHECK(kk_consume(v.engine, 0, s->bytes, s->length, v.now_ns, &consumed) == KK_TOO_LONG);
    KK_CHECK(consumed.messages == 1 && consumed.used == s->starts[1]);
    venue_close(&v);
    free(s);
}

/* ------------------------------------------------------------------ a full journal buffer */

/* Frames until `count` are done; with `patient` the buffer is emptied only when it is full. */
static uint64_t fill_journal(uint32_t count, bool patient, uint32_t *fulls) {
    const kk_capacity capacity = venue_capacity();
    uint8_t *batch = malloc((size_t)100 * 512);
    uint32_t crc = 0;
    venue v;

    kk_assert(batch != NULL);
    venue_open(&v, &capacity);
    for (uint32_t done = 0; done < count; done += 100u) {
        size_t length = 0;
        size_t used = 0;
        for (uint32_t i = 0; i < 100; i++) {
            char body[160];
            (void)snprintf(body, sizeof body,
                           "35=D|11=n%u|55=AAPL|54=1|60=20260101-00:00:00|38=1|40=2|44=90|59=3|",
                           done + i);
            length += venue_frame(&v, 0, body, batch + length);
        }
        for (kk_status status = KK_OUT_FULL; status == KK_OUT_FULL;) {
            kk_consumed consumed;
            status = kk_consume(v.engine, 0, batch + used, length - used, v.now_ns, &consumed);
            KK_CHECK(status == KK_OUT_FULL || status == KK_NEED_DATA);
            used += consumed.used;
            *fulls += status == KK_OUT_FULL;
            if (status == KK_OUT_FULL || !patient) {
                crc = kk_crc32c(crc, v.journal, kk_journal_used(v.engine));
                kk_journal_take(v.engine);
            }
        }
        KK_CHECK(used == length);
    }
    crc = kk_crc32c(crc, v.journal, kk_journal_used(v.engine));
    const uint64_t result = kk_state_hash(v.engine) ^ crc;
    venue_close(&v);
    free(batch);
    return result;
}

static void resumes_when_full(void) {
    uint32_t none = 0;
    uint32_t fulls = 0;

    const uint64_t eager = fill_journal(320000, false, &none);
    const uint64_t patient = fill_journal(320000, true, &fulls);
    KK_CHECK(eager == patient);
    KK_CHECK(none == 0 && fulls >= 1);
}

int main(void) {
    KK_RUN(chunking_is_invisible, "any cutting of the stream gives the same records and state");
    KK_RUN(gate_shut_equals_open, "decoded commands and frames give the same records and state");
    KK_RUN(hash_is_the_same_everywhere, "the state does not depend on the build");
    KK_RUN(stops_at_the_refused_frame, "nothing behind a refused frame is touched");
    KK_RUN(a_gap_escalates, "a number that is not the expected one is not taken");
    KK_RUN(ends_without_data, "cut-off and endless frames are left where they are");
    KK_RUN(resumes_when_full, "a full buffer stops between frames and loses nothing");
    return KK_REPORT();
}
