/* Feeding from the journal: what a session was sent, once more, out of the bytes of a segment. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kk_fix_text.h"
#include "kk_test.h"
#include "kk_wire.h"
#include "venue.h"

#define SEED 99u
#define LATER_NS (VENUE_NOW_NS + INT64_C(62003000000))
#define MUCH 1000000u

static venue v;
static uint8_t *records; /* a segment: everything the venue wrote, sealed */
static size_t written;

/* Takes the last unit of the venue to the end of the segment. */
static void keep_unit(void) {
    const size_t used = kk_journal_used(v.engine);
    memcpy(records + written, v.journal, used);
    kk_seal(records + written, used, SEED);
    written += used;
}

static void say(const char *command) {
    venue_do(&v, command);
    keep_unit();
}

/* A message of the session layer in a unit of its own. */
static void send_administrative(uint32_t session, const char *msg_type, const char *text) {
    uint8_t body[64];
    size_t length = strlen(text);

    memcpy(body, text, length);
    for (size_t i = 0; i < length; i++) {
        body[i] = body[i] == '|' ? (uint8_t)1 : body[i];
    }
    kk_journal_take(v.engine);
    kk_unit_begin(v.engine, KK_RECORD_TICK, KK_NONE, 0, v.now_ns, NULL, 0);
    kk_send(v.engine, session, msg_type, strlen(msg_type), NULL, 0, body, length);
    kk_unit_end(v.engine);
    keep_unit();
}

static void open_venue(void) {
    kk_capacity capacity = venue_capacity();
    capacity.ring_bytes = 1u << 16;
    venue_open(&v, &capacity);
    records = aligned_alloc(8, 8u << 20);
    written = 0;
}

static void close_venue(void) {
    venue_close(&v);
    free(records);
}

static kk_feed feed_of(uint32_t session, uint64_t first, uint64_t last, bool again) {
    return (kk_feed){.records = records,
                     .length = written,
                     .source_offset = KK_FEED_NO_SOURCE,
                     .next = first,
                     .last = last,
                     .now_ns = LATER_NS,
                     .segment_seed = SEED,
                     .session = session,
                     .epoch = v.engine->sessions[session].epoch,
                     .again = again,
                     .messages_max = MUCH,
                     .records_max = MUCH,
                     .bytes_max = 1u << 30};
}

/* Where the record of a number stands. */
static size_t record_of(uint32_t session, uint64_t number) {
    const size_t at =
        kk_scan_session(records, written, 0, session, v.engine->sessions[session].epoch, number);
    kk_assert(at < written);
    return at;
}

static void begin(uint32_t session) {
    kk_assert(kk_ring_attach(v.engine, session) == KK_OK);
    kk_ring_unfollow(v.engine, session);
}

/* What is in the ring: MsgType, number, whether 43=Y, NewSeqNo; "8 2Y 4 3Y>5". */
static const char *in_ring(uint32_t session) {
    static char text[4096];
    const uint8_t *bytes = NULL;
    size_t used = 0;

    kk_rings_release(v.engine);
    size_t rest = kk_ring_peek(v.engine, session, &bytes);
    text[0] = 0;
    while (rest > 0) {
        size_t length = 0;
        size_t size = 0;
        kk_assert(kk_frame(bytes, rest, KK_FRAME_MAX, &length) == KK_OK);
        const uint8_t *type = venue_field(bytes, length, 35, &size);
        const uint8_t *number = venue_field(bytes, length, 34, &size);
        const int digits = (int)size;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%c %.*s", used ? " " : "",
                                 *type, digits, (const char *)number);
        if (venue_field(bytes, length, 43, &size) != NULL) {
            used += (size_t)snprintf(text + used, sizeof text - used, "Y");
        }
        const uint8_t *to = venue_field(bytes, length, 36, &size);
        if (to != NULL) {
            used += (size_t)snprintf(text + used, sizeof text - used, ">%.*s", (int)size,
                                     (const char *)to);
        }
        kk_ring_sent(v.engine, session, length);
        rest = kk_ring_peek(v.engine, session, &bytes);
    }
    return text;
}

static bool ring_is(uint32_t session, const char *expected) {
    const char *text = in_ring(session);
    if (strcmp(text, expected) != 0) {
        printf("  expected %s\n  in ring  %s\n", expected, text);
        return false;
    }
    return true;
}

/* ALPHA: A1 82 03 14 85 86 07, orders at 2, 5 and 6. */
static void mixed(void) {
    send_administrative(0, "A", "98=0|108=30|");
    say("0 D|11=a|54=1|38=10|44=100");
    send_administrative(0, "0", "");
    send_administrative(0, "1", "112=x|");
    say("0 D|11=b|54=1|38=10|44=100");
    say("1 D|11=other|54=1|38=10|44=90");
    say("0 D|11=c|54=1|38=10|44=100");
    send_administrative(0, "0", "");
}

static void again(void) {
    open_venue();
    mixed();
    begin(0);
    kk_feed feed = feed_of(0, 1, 7, true);

    KK_CHECK(kk_feed_session(v.engine, &feed) == KK_FEED_DONE);

    KK_CHECK(feed.next == 8 && feed.gap_from == 0 && feed.messages == 3);
    KK_CHECK(feed.bytes == kk_ring_pending(v.engine, 0));
    KK_CHECK(kk_ring_cursor(v.engine, 0) == 8);
    KK_CHECK(ring_is(0, "4 1Y>2 8 2Y 4 3Y>5 8 5Y 8 6Y 4 7Y>8"));
    feed = feed_of(0, 3, 5, true);
    KK_CHECK(kk_feed_session(v.engine, &feed) == KK_FEED_DONE);
    KK_CHECK(ring_is(0, "4 3Y>5 8 5Y"));
    feed = feed_of(0, 3, 3, true);
    KK_CHECK(kk_feed_session(v.engine, &feed) == KK_FEED_DONE);
    KK_CHECK(ring_is(0, "4 3Y>4"));
    close_venue();
}

/* Every administrative message of ours is gap-filled, every other one is not. */
static void which_are_administrative(void) {
    static const char *types[] = {"0", "1", "2", "3", "4", "5", "A"};
    static const char *others[] = {"8", "9", "B", "j", "AE", "AK", "5x", "00", "6", "7"};
    open_venue();
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        send_administrative(0, types[i], "58=x|");
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        send_administrative(0, others[i], "58=x|");
    }
    begin(0);
    kk_feed feed = feed_of(0, 1, 17, true);
    KK_CHECK(kk_feed_session(v.engine, &feed) == KK_FEED_DONE);
    KK_CHECK(ring_is(0, "4 1Y>8 8 8Y 9 9Y B 10Y j 11Y A 12Y A 13Y 5 14Y 0 15Y 6 16Y 7 17Y"));
    close_venue();
}

/* One message, one record at a time gives the same as one call. */
static void limits(void) {
    open_venue();
    mixed();
    begin(0);
    kk_feed feed = feed_of(0, 1, 7, true);
    uint32_t calls = 0;
    feed.messages_max = 1;
    feed.records_max = 1;
    feed.bytes_max = 1;
    while (kk_feed_session(v.engine, &feed) == KK_FEED_LIMIT) {
        calls++;
        KK_CHECK(feed.walked <= 1 && feed.messages <= 1);
    }
    KK_CHECK(calls > 7);
    KK_CHECK(ring_is(0, "4 1Y>2 8 2Y 4 3Y>5 8 5Y 8 6Y 4 7Y>8"));

    feed = feed_of(0, 2, 6, true);
    feed.messages_max = 2;
    KK_CHECK(kk_feed_session(v.engine, &feed) == KK_FEED_LIMIT);
    KK_CHECK(feed.messages == 2 && feed.next == 6);
    KK_CHECK(kk_feed_session(v.engine, &feed) == KK_FEED_DONE && feed.messages == 1);
    close_venue();
}

static void for_the_first_time(void) {
    open_venue();
    begin(0);
    mixed();
    const uint64_t cursor = kk_ring_cursor(v.engine, 0);
    KK_CHECK(cursor == 1);
    kk_feed feed = feed_of(0, 1, 7, false);
    feed.messages_max = 4;

    KK_CHECK(kk_feed_session(v.engine, &feed) == KK_FEED_LIMIT);
    KK_CHECK(kk_ring_cursor(v.engine, 0) == 5 && !kk_ring_follow(v.engine, 0));
    KK_CHECK(kk_feed_session(v.engine, &feed) == KK_FEED_DONE);

    KK_CHECK(ring_is(0, "A 1 8 2Y 0 3 1 4 8 5Y 8 6Y 0 7"));
    KK_CHECK(kk_ring_follow(v.engine, 0));
    close_venue();
}

static void ring_is_full(void) {
    open_venue();
    for (unsigned i = 0; i < 400; i++) {
        char command[64];
        (void)snprintf(command, sizeof command, "0 D|11=n%u|54=1|38=1|44=100", i);
        say(command);
    }
    begin(0);
    kk_feed feed = feed_of(0, 1, 400, true);

    KK_CHECK(kk_feed_session(v.engine, &feed) == KK_FEED_FULL);

    const uint64_t next = feed.next;
    KK_CHECK(next > 100 && next < 400 && feed.messages == next - 1);
    in_ring(0);
    KK_CHECK(kk_feed_session(v.engine, &feed) != KK_FEED_SEGMENT);
    KK_CHECK(feed.next > next);
    close_venue();
}

/* A ring without room for the gap fill keeps the gap open. */
static void ring_has_no_room_for_the_gap(void) {
    uint8_t filler[1u << 16] = {0};
    open_venue();
    mixed();
    begin(0);
    KK_CHECK(kk_ring_push(v.engine, 0, filler, sizeof filler - 10));
    kk_feed feed = feed_of(0, 1, 1, true);
    KK_CHECK(kk_feed_session(v.engine, &feed) == KK_FEED_FULL);
    KK_CHECK(feed.next == 2 && feed.gap_from == 1);
    kk_rings_release(v.engine);
    kk_ring_sent(v.engine, 0, sizeof filler - 10);
    KK_CHECK(kk_feed_session(v.engine, &feed) == KK_FEED_DONE);
    KK_CHECK(ring_is(0, "4 1Y>2"));
    close_venue();
}

/* The segment ends before the range: the walk goes on in the next one, the gap still open. */
static void over_segments(void) {
    open_venue();
    mixed();
    const size_t cut = kk_units_within(records, written, written - 700);
    begin(0);
    kk_feed feed = feed_of(0, 3, 7, true);
    feed.length = cut;
    KK_CHECK(kk_feed_session(v.engine, &feed) == KK_FEED_SEGMENT);
    KK_CHECK(feed.next < 7);
    feed.records = records + cut;
    feed.length = written - cut;
    feed.offset = 0;
    feed.source_offset = KK_FEED_NO_SOURCE;
    KK_CHECK(kk_feed_session(v.engine, &feed) == KK_FEED_DONE);
    KK_CHECK(ring_is(0, "4 3Y>5 8 5Y 8 6Y 4 7Y>8"));
    close_venue();
}

/* DESK is entitled to firm 0: a copy of each report to ALPHA and GAMMA. */
static void trades(void) {
    say("0 D|11=a|54=1|38=10|44=100|58=mine");
    say("3 D|11=g|54=2|38=4|44=100");
    say("0 F|11=x|41=a|54=1");
    say("0 F|11=y|41=none|54=1");
}

/* The copies that the desk got when it was live. */
static size_t live_copies(uint8_t *bytes) {
    const uint8_t *in_desk = NULL;

    kk_assert(kk_ring_attach(v.engine, 2) == KK_OK);
    trades();
    kk_rings_release(v.engine);
    const size_t length = kk_ring_peek(v.engine, 2, &in_desk);
    memcpy(bytes, in_desk, length);
    kk_ring_sent(v.engine, 2, length);
    return length;
}

static void copies(void) {
    static uint8_t live[8192];
    static uint8_t fed[8192];
    open_venue();
    const size_t length = live_copies(live);
    const uint64_t last = v.engine->sessions[2].next_out - 1;
    KK_CHECK(last == 6);
    kk_ring_unfollow(v.engine, 2);
    kk_feed feed = feed_of(2, 1, last, true);
    KK_CHECK(kk_feed_session(v.engine, &feed) == KK_FEED_DONE && feed.messages == last);
    const uint8_t *bytes = NULL;
    kk_rings_release(v.engine);
    size_t at = 0;
    size_t room = kk_ring_peek(v.engine, 2, &bytes);
    size_t expected = 0;
    while (at < length) {
        size_t frame = 0;
        kk_assert(kk_frame(live + at, length - at, KK_FRAME_MAX, &frame) == KK_OK);
        expected +=
            kk_render_resend(live + at, frame, LATER_NS, fed + expected, sizeof fed - expected);
        at += frame;
    }
    KK_CHECK(room == expected && memcmp(bytes, fed, room) == 0);
    close_venue();
}

/* A walk that begins between a source and its copy has to be told where the source is. */
static void source_before_the_walk(void) {
    static uint8_t live[8192];
    kk_record record;
    open_venue();
    live_copies(live);
    kk_ring_unfollow(v.engine, 2);
    kk_feed feed = feed_of(2, 2, 3, true);
    feed.offset = record_of(2, 2);

    KK_CHECK(kk_feed_session(v.engine, &feed) == KK_FEED_SOURCE);

    KK_CHECK(feed.next == 2 && feed.bytes == 0);
    feed.source_offset = kk_scan_lsn(records, written, 0, feed.source_lsn);
    KK_CHECK(kk_record_read(records, written, feed.source_offset, &record));
    KK_CHECK(record.kind == KK_RECORD_MESSAGE);
    KK_CHECK(kk_feed_session(v.engine, &feed) == KK_FEED_DONE);
    KK_CHECK(ring_is(2, "8 2Y 8 3Y"));
    close_venue();
}

/* The settings of a desk changed after its copies were recorded. */
static void other_settings(void) {
    open_venue();
    v.engine->sessions[0].dialect = KK_DIALECT_KK99;
    v.engine->sessions[2].dialect = KK_DIALECT_KK99;
    v.engine->sessions[2].precision = KK_PRECISION_MICROSECONDS;
    v.engine->sessions[2].tells_last_processed = 1;
    say("0 D|1=A1|11=a|54=1|38=10|44=900");
    v.engine->sessions[2].dialect = KK_DIALECT_FIX44;
    v.engine->sessions[2].precision = KK_PRECISION_SECONDS;
    v.engine->sessions[2].tells_last_processed = 0;
    say("0 D|1=A1|11=b|54=1|38=10|44=900");
    begin(2);
    kk_feed feed = feed_of(2, 1, 2, true);

    KK_CHECK(kk_feed_session(v.engine, &feed) == KK_FEED_DONE);

    const uint8_t *bytes = NULL;
    size_t frame = 0;
    size_t size = 0;
    kk_rings_release(v.engine);
    size_t length = kk_ring_peek(v.engine, 2, &bytes);
    kk_assert(kk_frame(bytes, length, KK_FRAME_MAX, &frame) == KK_OK);
    KK_CHECK(venue_field(bytes, frame, 20001, &size) != NULL);
    KK_CHECK(venue_field(bytes, frame, 369, &size) != NULL);
    KK_CHECK(venue_field(bytes, frame, 52, &size) != NULL && size == 24);
    KK_CHECK(venue_field(bytes + frame, length - frame, 20001, &size) == NULL);
    KK_CHECK(venue_field(bytes + frame, length - frame, 369, &size) == NULL);
    KK_CHECK(venue_field(bytes + frame, length - frame, 52, &size) != NULL && size == 17);
    close_venue();
}

/* Every byte that is changed on the disk is found, and nothing of its record is pushed. */
static void damage(void) {
    static uint8_t live[8192];
    kk_record copy;
    kk_record source;
    open_venue();
    live_copies(live);
    kk_ring_unfollow(v.engine, 2);
    const size_t copy_at = record_of(2, 1);
    const size_t source_at = record_of(0, 1);
    kk_assert(kk_record_read(records, written, copy_at, &copy));
    kk_assert(kk_record_read(records, written, source_at, &source));
    for (size_t at = source_at + 4; at < copy_at + copy.length; at++) {
        records[at] ^= 1;
        kk_feed feed = feed_of(2, 1, 1, true);
        const kk_feed_end end = kk_feed_session(v.engine, &feed);
        records[at] ^= 1;
        if (end == KK_FEED_DONE) { /* in the padding only */
            KK_CHECK(at >= source_at + KK_RECORD_HEADER_BYTES + source.payload_length);
            KK_CHECK(at < copy_at);
            in_ring(2);
            continue;
        }
        KK_CHECK(end != KK_FEED_LIMIT && end != KK_FEED_FULL);
        KK_CHECK(kk_ring_pending(v.engine, 2) == 0 && feed.next == 1);
    }
    close_venue();
}

/* A sealed record that says something else than its source does. */
static void wrong_checksum_of_a_copy(void) {
    static uint8_t live[8192];
    kk_drop_copy copy;
    open_venue();
    live_copies(live);
    kk_ring_unfollow(v.engine, 2);
    const size_t at = record_of(2, 3);
    kk_record *record = (kk_record *)(void *)(records + at);
    memcpy(&copy, record + 1, sizeof copy);
    copy.crc32c ^= 1;
    memcpy(record + 1, &copy, sizeof copy);
    record->crc32c = kk_record_crc(record, SEED);
    kk_feed feed = feed_of(2, 1, 6, true);

    KK_CHECK(kk_feed_session(v.engine, &feed) == KK_FEED_UNLIKE);

    KK_CHECK(feed.offset == at && feed.next == 3);
    KK_CHECK(ring_is(2, "8 1Y 8 2Y"));
    copy.crc32c ^= 1;
    copy.rendered_length++;
    memcpy(record + 1, &copy, sizeof copy);
    record->crc32c = kk_record_crc(record, SEED);
    KK_CHECK(kk_feed_session(v.engine, &feed) == KK_FEED_UNLIKE);
    close_venue();
}

static void missing_number(void) {
    open_venue();
    mixed();
    begin(0);
    kk_feed feed = feed_of(0, 3, 7, true);
    feed.offset = record_of(0, 5);
    KK_CHECK(kk_feed_session(v.engine, &feed) == KK_FEED_MISSING);
    KK_CHECK(feed.next == 3 && kk_ring_pending(v.engine, 0) == 0);
    close_venue();
}

/* What found the ring full is counted until it was fed, what is made during a range is not. */
static void behind_is_counted(void) {
    open_venue();
    kk_assert(kk_ring_attach(v.engine, 0) == KK_OK);
    unsigned orders = 0;
    char command[64];
    while (kk_ring_behind(v.engine, 0) == 0) {
        (void)snprintf(command, sizeof command, "0 D|11=n%u|54=1|38=1|44=100", orders++);
        say(command);
    }
    const uint64_t first = kk_ring_behind(v.engine, 0);
    const uint64_t cursor = kk_ring_cursor(v.engine, 0);
    KK_CHECK(cursor == orders);
    say("0 D|11=p|54=1|38=1|44=100");
    KK_CHECK(kk_ring_behind(v.engine, 0) > first);
    kk_ring_unfollow(v.engine, 0);
    const uint64_t counted = kk_ring_behind(v.engine, 0);
    say("0 D|11=q|54=1|38=1|44=100");
    KK_CHECK(kk_ring_behind(v.engine, 0) == counted);
    in_ring(0);
    kk_feed feed = feed_of(0, cursor, cursor, false);
    KK_CHECK(kk_feed_session(v.engine, &feed) == KK_FEED_DONE);
    KK_CHECK(kk_ring_behind(v.engine, 0) == counted - first);
    say("0 D|11=r|54=1|38=1|44=100");
    KK_CHECK(kk_ring_behind(v.engine, 0) > counted - first);
    feed = feed_of(0, cursor + 1, v.engine->sessions[0].next_out - 1, false);
    KK_CHECK(kk_feed_session(v.engine, &feed) == KK_FEED_DONE);
    KK_CHECK(kk_ring_follow(v.engine, 0) && kk_ring_behind(v.engine, 0) == 0);
    close_venue();
}

int main(void) {
    KK_RUN(again, "a range again: 43=Y, runs of administrative messages as one gap fill");
    KK_RUN(which_are_administrative, "0 to 5 and A are gap-filled, nothing else is");
    KK_RUN(limits, "however small the steps, the bytes are the same");
    KK_RUN(for_the_first_time, "what was never sent moves the cursor and leaves nothing out");
    KK_RUN(ring_is_full, "a full ring ends the call before the message");
    KK_RUN(ring_has_no_room_for_the_gap, "a gap without room stays open");
    KK_RUN(over_segments, "a range goes on in the next segment");
    KK_RUN(copies, "copies come as they were sent live, with 43=Y");
    KK_RUN(source_before_the_walk, "a source that was not passed is asked for");
    KK_RUN(other_settings, "a copy keeps the dialect, the precision and the 369 of its record");
    KK_RUN(damage, "a changed byte of a copy or its source is never sent");
    KK_RUN(wrong_checksum_of_a_copy, "a copy that does not render as recorded is told");
    KK_RUN(missing_number, "a number that is not there is told");
    KK_RUN(behind_is_counted, "bytes behind the ring are counted until they were fed");
    return KK_REPORT();
}
