/* Rendering from recorded messages: copies, resends, gap fills. */
#include <stdio.h>
#include <string.h>

#include "kk_fix_text.h"
#include "kk_test.h"
#include "venue.h"

#define THEN "20260101-00:00:00.000"
#define LATER "20260101-00:01:02.003"
#define THEN_NS (VENUE_NOW_NS + INT64_C(999))
#define LATER_NS (VENUE_NOW_NS + INT64_C(62003004999))

static const kk_copy_form usual = {.last_processed = KK_NOT_TOLD};
static venue v;
static uint8_t source[KK_FIX_TEXT_MAX];
static uint8_t rendered[KK_FIX_TEXT_MAX];

static bool rendered_is(size_t length, const char *expected) {
    uint8_t bytes[KK_FIX_TEXT_MAX];
    char text[KK_FIX_TEXT_MAX];
    const size_t whole = kk_fix_message(bytes, expected);
    if (whole != length || memcmp(bytes, rendered, length) != 0) {
        printf("  expected %s\n  rendered %s\n", expected, kk_fix_text(text, rendered, length));
        return false;
    }
    return true;
}

static size_t resend(const char *message) {
    const size_t length = kk_fix_message(source, message);
    return kk_render_resend(source, length, LATER_NS, rendered, sizeof rendered);
}

static size_t copy_as(const kk_copy_form *form, uint32_t session, uint64_t number,
                      const char *message) {
    const size_t length = kk_fix_message(source, message);
    return kk_render_copy(v.engine, session, number, form, THEN_NS, source, length, rendered,
                          sizeof rendered);
}

static size_t copy(uint32_t session, uint64_t number, const char *message) {
    return copy_as(&usual, session, number, message);
}

static void resends(void) {
    KK_CHECK(rendered_is(resend("35=8|49=KK99|56=ALPHA|34=12|52=" THEN "|37=1|17=2|150=0|"),
                         "35=8|49=KK99|56=ALPHA|34=12|43=Y|52=" LATER "|122=" THEN
                         "|37=1|17=2|150=0|"));
    KK_CHECK(rendered_is(resend("35=9|49=KK99|56=ALPHA|34=12|50=you|57=me|52=" THEN "|37=1|"),
                         "35=9|49=KK99|56=ALPHA|34=12|43=Y|50=you|57=me|52=" LATER "|122=" THEN
                         "|37=1|"));
    KK_CHECK(rendered_is(resend("35=B|49=KK99|56=ALPHA|34=1|52=" THEN "|"),
                         "35=B|49=KK99|56=ALPHA|34=1|43=Y|52=" LATER "|122=" THEN "|"));
}

static void resent_copies(void) {
    KK_CHECK(rendered_is(
        resend("35=8|49=KK99|56=DESK|34=99|115=ALPHA|52=" THEN "|37=1|52=not a time|797=Y|"),
        "35=8|49=KK99|56=DESK|34=99|43=Y|115=ALPHA|52=" LATER "|122=" THEN
        "|37=1|52=not a time|797=Y|"));
}

static void copies(void) {
    const char *report = "35=8|49=KK99|56=ALPHA|34=12|50=you|57=me|52=" THEN "|37=1|58=x|";
    KK_CHECK(rendered_is(copy(2, 1000000, report),
                         "35=8|49=KK99|56=DESK|34=1000000|115=ALPHA|50=you|57=me|52=" THEN
                         "|37=1|58=x|797=Y|"));
    KK_CHECK(rendered_is(copy(2, 7, "35=9|49=KK99|56=GAMMA|34=1|52=" THEN "|37=NONE|11=a|"),
                         "35=9|49=KK99|56=DESK|34=7|115=GAMMA|52=" THEN "|37=NONE|11=a|"));
}

static void copies_without_own_tags(void) {
    const char *own =
        "35=8|49=KK99|56=ALPHA|34=12|52=" THEN "|37=1|58=x|20001=9|20002=1|20003=2|20004=-1|";
    KK_CHECK(rendered_is(copy(2, 7, own),
                         "35=8|49=KK99|56=DESK|34=7|115=ALPHA|52=" THEN "|37=1|58=x|797=Y|"));
    const kk_copy_form kk99 = {.last_processed = KK_NOT_TOLD, .dialect = KK_DIALECT_KK99};
    KK_CHECK(rendered_is(copy_as(&kk99, 2, 7, own),
                         "35=8|49=KK99|56=DESK|34=7|115=ALPHA|52=" THEN
                         "|37=1|58=x|20001=9|20002=1|20003=2|20004=-1|797=Y|"));
    /* An order's own text is no field of ours. */
    KK_CHECK(rendered_is(copy(2, 7, "35=8|49=KK99|56=ALPHA|34=1|52=" THEN "|58=20001=9|"),
                         "35=8|49=KK99|56=DESK|34=7|115=ALPHA|52=" THEN "|58=20001=9|797=Y|"));
}

/* A report with each precision, as it is resent and as desks of each precision get it. */
static void precisions(void) {
    static const char *const then[] = {THEN, "20260101-00:00:00", "20260101-00:00:00.000000"};
    static const char *const later[] = {LATER, "20260101-00:01:02", "20260101-00:01:02.003004"};
    char report[256];
    char expected[256];

    for (uint8_t from = 0; from < 3; from++) {
        (void)snprintf(report, sizeof report,
                       "35=8|49=KK99|56=ALPHA|34=12|52=%s|37=1|58=160=|60=%s|6=0|", then[from],
                       then[from]);
        (void)snprintf(expected, sizeof expected,
                       "35=8|49=KK99|56=ALPHA|34=12|43=Y|52=%s|122=%s|37=1|58=160=|60=%s|6=0|",
                       later[from], then[from], then[from]);
        KK_CHECK(rendered_is(resend(report), expected));
        for (uint8_t to = 0; to < 3; to++) {
            const kk_copy_form form = {.last_processed = KK_NOT_TOLD, .precision = to};
            (void)snprintf(expected, sizeof expected,
                           "35=8|49=KK99|56=DESK|34=7|115=ALPHA|52=%s|37=1|58=160=|60=%s|6=0|"
                           "797=Y|",
                           then[to], then[to]);
            KK_CHECK(rendered_is(copy_as(&form, 2, 7, report), expected));
        }
    }
    const kk_copy_form seconds = {.last_processed = KK_NOT_TOLD, .precision = KK_PRECISION_SECONDS};
    KK_CHECK(rendered_is(copy_as(&seconds, 2, 7, "35=9|49=KK99|56=ALPHA|34=12|52=" THEN "|37=1|"),
                         "35=9|49=KK99|56=DESK|34=7|115=ALPHA|52=20260101-00:00:00|37=1|"));
}

/* 369 is of the session that a message is for, and of the moment at which it was made. */
static void last_processed(void) {
    const char *report = "35=8|49=KK99|56=ALPHA|34=12|369=41|50=you|52=" THEN "|37=1|";
    const kk_copy_form told = {.last_processed = 3};

    KK_CHECK(rendered_is(resend(report), "35=8|49=KK99|56=ALPHA|34=12|43=Y|369=41|50=you|52=" LATER
                                         "|122=" THEN "|37=1|"));
    KK_CHECK(rendered_is(copy(2, 7, report),
                         "35=8|49=KK99|56=DESK|34=7|115=ALPHA|50=you|52=" THEN "|37=1|797=Y|"));
    KK_CHECK(rendered_is(copy_as(&told, 2, 7, report),
                         "35=8|49=KK99|56=DESK|34=7|369=3|115=ALPHA|50=you|52=" THEN
                         "|37=1|797=Y|"));
}

static void gap_fills(void) {
    const size_t length =
        kk_render_gap_fill(v.engine, 0, 5, 12, LATER_NS, rendered, sizeof rendered);
    KK_CHECK(rendered_is(length, "35=4|49=KK99|56=ALPHA|34=5|43=Y|52=" LATER "|122=" LATER
                                 "|123=Y|36=12|"));
}

static void small_room(void) {
    const size_t length = kk_fix_message(source, "35=8|49=KK99|56=ALPHA|34=1|52=" THEN "|37=1|");
    static uint8_t guarded[1024];
    const kk_copy_form longest = {.last_processed = UINT64_MAX - 1u,
                                  .precision = KK_PRECISION_MICROSECONDS};
    for (size_t room = 0; room < 600; room++) {
        memset(guarded, 0xEE, sizeof guarded);
        const size_t resent = kk_render_resend(source, length, LATER_NS, guarded, room);
        KK_CHECK(resent <= room && guarded[room] == 0xEE);
        const size_t copied =
            kk_render_copy(v.engine, 2, 1, &longest, 0, source, length, guarded, room);
        KK_CHECK(copied <= room && guarded[room] == 0xEE);
        const size_t filled = kk_render_gap_fill(v.engine, 0, 1, 2, LATER_NS, guarded, room);
        KK_CHECK(filled <= room && guarded[room] == 0xEE);
        KK_CHECK(room < 512 || (resent > 0 && copied > 0 && filled > 0));
    }
}

int main(void) {
    const kk_capacity capacity = venue_capacity();
    venue_open(&v, &capacity);
    KK_RUN(resends, "a resend has 43=Y, the old time in 122 and a new 52");
    KK_RUN(resent_copies, "a copy is resent like any message");
    KK_RUN(copies, "a copy has its session's header, 115 and on an 8 797=Y");
    KK_RUN(copies_without_own_tags, "our own tags are left out for other dialects");
    KK_RUN(precisions, "a resend keeps the precision of its times, a copy has that of its desk");
    KK_RUN(last_processed, "369 stays as it was in a resend, and is the desk's own in a copy");
    KK_RUN(gap_fills, "a gap fill is a SequenceReset with 43=Y and 123=Y");
    KK_RUN(small_room, "without room nothing is rendered, and nothing beyond it written");
    venue_close(&v);
    return KK_REPORT();
}
