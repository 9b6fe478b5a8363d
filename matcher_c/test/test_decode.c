/* Decoding: what is taken and what is left to Python, one line for each case. */
#include "kk_decode.h"

#include <stdio.h>
#include <string.h>

#include "kk_fix_text.h"
#include "kk_guard.h"
#include "kk_test.h"

#define AREA 16384

#define HEAD "49=BROKER1|56=KK99|34=7|52=20261122-10:00:00.123|"
#define TIME "60=20261122-09:59:59|"
#define D "35=D|" HEAD
#define F "35=F|" HEAD
#define G "35=G|" HEAD
#define H "35=H|" HEAD
#define NEW "11=a|55=AAPL|54=1|38=100|40=2|44=190.5|" TIME
#define CANCEL "11=b|41=a|55=AAPL|54=1|" TIME
#define REPLACE "11=b|41=a|55=AAPL|54=1|38=50|40=2|44=191|" TIME
#define SCATTERED                                                                                  \
    D "453=1|448=C|11=a|1=A|55=X|15=USD|54=1|21=1|38=1|22=4|40=1|48=I|59=0|207=N|63=0|526=a|"      \
      "64=20261122|528=A|77=O|529=1|81=0|582=1|" TIME
#define STATUS "11=a|55=AAPL|54=1|"

static uint8_t *area;
static uint8_t frame[KK_FIX_TEXT_MAX];
static kk_header header;
static kk_command command;

/* Decodes at a guard page; the command's spans stay good until the next call. */
static bool decode(const char *body) {
    const size_t length = kk_fix_message(frame, body);
    return kk_decode(kk_guarded(area, AREA, frame, length), length, &header, &command);
}

static bool is(const kk_span *span, const char *text) {
    char shown[KK_FIX_TEXT_MAX];
    kk_fix_text(shown, command.base + span->offset, span->length);
    return strcmp(shown, text) == 0;
}

static void taken(void) {
    static const char *const rows[] = {
        D NEW,
        F CANCEL,
        G REPLACE,
        H STATUS,
        F CANCEL "38=100|",
        H STATUS "790=q1|",
        D "11=a|55=AAPL|54=1|38=100|40=1|" TIME,
        D TIME "40=2|38=100|54=2|44=1|55=AAPL|11=a|",
        D NEW "59=3|",
        D "11=a|55=AAPL|54=5|38=0|40=3|59=6|" TIME,
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!decode(rows[i])) {
            printf("not taken: %s\n", rows[i]);
        }
        KK_CHECK(decode(rows[i]));
    }
}

static void taken_fields(void) {
    static const char *const rows[] = {
        "1=B1-HOUSE|",
        "15=USD|",
        "15=BTC2|",
        "18=6 G|",
        "21=1|",
        "22=4|48=US0378331005|",
        "58=any text, = and ; too|",
        "63=0|64=20261124|",
        "110=5.5|",
        "120=EUR|",
        "126=20261122-21:00:00|",
        "152=1000|",
        "167=CS|",
        "167=OPT|201=1|202=190|",
        "200=202612|",
        "200=20261224|",
        "200=202612w3|",
        "207=XNAS|",
        "377=Y|",
        "423=2|",
        "423=02|",
        "453=1|448=C|",
        "453=1|448=C|447=D|",
        "453=1|448=C|452=3|",
        "453=2|448=C|447=D|452=3|448=T|447=D|452=36|",
        "453=2|448=C|448=T|452=36|15=USD|",
        "453=01|448=C|",
        "453=8|448=1|448=2|448=3|448=4|448=5|448=6|448=7|448=8|",
        "470=US|",
        "526=x|583=y|",
        "528=A|529=1 A|582=4|",
        "541=20280229|",
        "581=1|660=99|",
        "847=1000|848=x y|",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char body[1024];
        (void)snprintf(body, sizeof body, D NEW "%s", rows[i]);
        if (!decode(body)) {
            printf("not taken: %s\n", rows[i]);
        }
        KK_CHECK(decode(body));
        (void)snprintf(body, sizeof body, D "11=a|%s55=AAPL|54=1|38=100|40=2|" TIME, rows[i]);
        KK_CHECK(decode(body));
    }
}

static void left_fields(void) {
    static const char *const rows[] = {
        "1=|",                                  /* no value */
        "1=x|1=x|",                             /* twice */
        "11=b|",                                /* twice */
        "59=3|59=3|",                           /* twice */
        "15=us|",                               /* no currency */
        "15=US|",                               /* too short */
        "18=6  G|",                             /* two spaces */
        "18=6G|",                               /* no space */
        "18=6 |",                               /* ends with a space */
        "18=z|",                                /* not listed */
        "21=4|",                                /* not listed */
        "21=11|",                               /* not one character */
        "21= |",                                /* not visible */
        "22=44|",                               /* not listed */
        "34=8|",                                /* header field in the body, and twice */
        "50=x|",                                /* header field in the body */
        "41=x|",                                /* not of D */
        "37=x|",                                /* not of D */
        "790=x|",                               /* not of D */
        "58=caf\xc3\xa9|",                      /* not printable */
        "58=tab\there|",                        /* not printable */
        "58=\x7f|",                             /* not printable */
        "58=a|b|",                              /* SOH in a value */
        "58|",                                  /* no = */
        "=x|",                                  /* no tag */
        "|",                                    /* no field */
        "058=x|",                               /* leading zero */
        "5x=x|",                                /* not digits */
        "-1=x|",                                /* not digits */
        "1 =x|",                                /* not digits */
        "58 =x|",                               /* not digits */
        "1234=x|",                              /* unknown tag */
        "20001=x|",                             /* unknown tag */
        "99999999999=x|",                       /* unknown tag */
        "2=x|",                                 /* unknown tag */
        "999=x|",                               /* unknown tag */
        "14=x|",                                /* not of a request */
        "64=20261131|",                         /* no such day */
        "64=20270229|",                         /* no such day */
        "64=2026112|",                          /* no date */
        "44=1|",                                /* twice */
        "99=1.000000001|",                      /* too fine */
        "99=1e3|",                              /* no number */
        "99=.|",                                /* no number */
        "110=-1|",                              /* negative quantity */
        "126=20261122-24:00:00|",               /* no such time */
        "126=20261122-10:00:60|",               /* leap second */
        "126=20261122-10:00:00.1|",             /* one digit of fraction */
        "126=19691231-23:59:59|",               /* before 1970 */
        "167=ABC|",                             /* not listed */
        "167=NINELETTERS|",                     /* not listed */
        "200=202613|",                          /* no such month */
        "200=202612w6|",                        /* no such week */
        "200=20261232|",                        /* no such day */
        "201=2|",                               /* not listed */
        "201=-1|",                              /* not listed */
        "201=+1|",                              /* no number */
        "377=X|",                               /* not Y or N */
        "377=YY|",                              /* not one character */
        "453=0|",                               /* no entries */
        "453=1|",                               /* no entry there */
        "453=|",                                /* no value */
        "453=1|447=D|",                         /* does not begin with 448 */
        "453=1|448=C|452=3|447=D|",             /* out of order */
        "453=1|448=C|447=D|447=D|",             /* twice in an entry */
        "453=1|448=C|448=T|",                   /* more than said */
        "453=2|448=C|447=D|452=3|",             /* fewer than said */
        "453=2|448=C|15=USD|448=T|",            /* interrupted */
        "453=1|448=|",                          /* no value */
        "453=1|448=C|447=Z|",                   /* not listed */
        "453=1|448=C|447=DD|",                  /* not one character */
        "453=1|448=C|452=23|",                  /* not listed */
        "453=1|448=C|452=3|802=1|523=x|803=1|", /* a group within */
        "453=1|448=C|453=1|448=C|",             /* twice */
        "453=9|448=1|448=2|448=3|448=4|448=5|448=6|448=7|448=8|448=9|", /* too many */
        "448=C|",                                                       /* outside of the group */
        "452=3|",                                                       /* outside of the group */
        "470=USA|",                                                     /* no country */
        "529=1 Z|",                                                     /* not listed */
        "582=5|",                                                       /* not listed */
        "354=3|355=abc|",                                               /* data */
        "212=3|213=abc|",                                               /* data */
        "78=1|79=x|", /* a group that is left to Python */
        "10=000|",    /* the trailer in the body */
        "8=FIX.4.4|", /* the prefix in the body */
        "35=D|",      /* twice */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char body[1024];
        (void)snprintf(body, sizeof body, D NEW "%s", rows[i]);
        if (decode(body)) {
            printf("taken: %s\n", rows[i]);
        }
        KK_CHECK(!decode(body));
        (void)snprintf(body, sizeof body, D "11=a|%s55=AAPL|54=1|38=100|40=2|44=190.5|" TIME,
                       rows[i]);
        KK_CHECK(!decode(body));
    }
}

static void left_messages(void) {
    static const char *const rows[] = {
        "35=0|" HEAD "112=" NEW,
        "35=AE|" HEAD NEW,
        "35=|" HEAD NEW,
        "35=D|56=KK99|34=7|52=20261122-10:00:00|" NEW "50=long enough to be looked at|",
        "35=D|49=BROKER1|34=7|52=20261122-10:00:00|" NEW,
        "35=D|49=BROKER1|56=KK99|52=20261122-10:00:00|" NEW,
        "35=D|49=BROKER1|56=KK99|34=7|" NEW,
        "35=D|49=BROKER1|56=KK99|34=0|52=20261122-10:00:00|" NEW,
        "35=D|49=BROKER1|56=KK99|34=-7|52=20261122-10:00:00|" NEW,
        "35=D|49=BROKER1|56=KK99|34=1234567890123456789|52=20261122-10:00:00|" NEW,
        "35=D|49=BROKER1|56=KK99|34=7|52=20261122 10:00:00|" NEW,
        "35=D|49=BROKER1|56=KK99|34=7|52=20261122-10:00:60|" NEW,
        "35=D|49=BROKER1|56=KK99|34=7|43=X|52=20261122-10:00:00|" NEW,
        "35=D|49=BROKER1|56=KK99|34=7|43=YES|52=20261122-10:00:00|" NEW,
        "35=D|49=BROKER1|56=KK99|34=7|52=20261122-10:00:00|115=X|" NEW,
        "35=D|49=BROKER1|56=KK99|34=7|52=20261122-10:00:00|122=x|" NEW,
        "35=D|49=BROKER1|56=KK99|34=7|11=a|52=20261122-10:00:00|" NEW,
        D "55=AAPL|54=1|38=100|40=2|44=190.5|" TIME,
        D "11=a|54=1|38=100|40=2|44=190.5|" TIME,
        D "11=a|55=AAPL|38=100|40=2|44=190.5|" TIME,
        D "11=a|55=AAPL|54=1|40=2|44=190.5|" TIME,
        D "11=a|55=AAPL|54=1|38=100|44=190.5|" TIME,
        D "11=a|55=AAPL|54=1|38=100|40=2|44=190.5|",
        D "11=a|55=AAPL|54=H|38=100|40=2|44=190.5|" TIME,
        D "11=a|55=AAPL|54=1|38=-1|40=2|44=190.5|" TIME,
        D "11=a|55=AAPL|54=1|38=1x|40=2|44=190.5|" TIME,
        D "11=a|55=AAPL|54=1|38=100|40=5|44=190.5|" TIME,
        D "11=a|55=AAPL|54=1|38=100|40=2|44=1,5|" TIME,
        D "11=a|55=AAPL|54=1|38=100|40=2|44=92233720369|" TIME,
        D "11=a|55=AAPL|54=1|38=100|40=2|59=8|" TIME,
        D "11=a|55=AAPL|54=1|38=100|40=2|44=190.5|60=20261122|",
        F "41=a|55=AAPL|54=1|" TIME,
        F "11=b|55=AAPL|54=1|" TIME,
        F "11=b|41=a|54=1|" TIME,
        F "11=b|41=a|55=AAPL|" TIME,
        F "11=b|41=a|55=AAPL|54=1|",
        F CANCEL "40=2|",
        F CANCEL "59=0|",
        F CANCEL "15=USD|",
        G "11=b|55=AAPL|54=1|38=50|40=2|44=191|" TIME,
        G "11=b|41=a|55=AAPL|54=1|40=2|44=191|" TIME,
        G "11=b|41=a|55=AAPL|54=1|38=50|44=191|" TIME,
        H "55=AAPL|54=1|790=1234567890|",
        H "11=a|54=1|790=1234567890|",
        H "11=a|55=AAPL|790=1234567890|",
        H STATUS TIME,
        H STATUS "58=x|",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (decode(rows[i])) {
            printf("taken: %s\n", rows[i]);
        }
        KK_CHECK(!decode(rows[i]));
    }
}

static void values(void) {
    KK_CHECK(decode("35=G|49=BROKER1|56=KK99|34=1007|50=desk|57=floor|97=Y|"
                    "52=20261122-10:00:00.123456789|11=b|37=55|41=a|1=ACC|55=BTC-USD|54=2|"
                    "38=0.0001|40=1|44=-1.25|59=4|60=20261122-09:59:59|"));
    KK_CHECK(header.msg_type == 'G' && command.kind == KK_COMMAND_REPLACE);
    KK_CHECK(is(&header.sender_comp_id, "BROKER1") && is(&header.target_comp_id, "KK99"));
    KK_CHECK(header.msg_seq_num == 1007);
    KK_CHECK(header.sending_time_ns == INT64_C(1795341600123456789));
    KK_CHECK(command.sent_ns == header.sending_time_ns);
    KK_CHECK(header.poss_resend && !header.poss_dup && header.plain_header);
    KK_CHECK(is(&command.sender_sub_id, "desk") && is(&command.target_sub_id, "floor"));
    KK_CHECK(is(&command.clord_id, "b") && is(&command.orig_clord_id, "a"));
    KK_CHECK(is(&command.order_id, "55") && is(&command.account, "ACC"));
    KK_CHECK(is(&command.symbol, "BTC-USD"));
    KK_CHECK(command.side == '2' && command.ord_type == '1' && command.time_in_force == '4');
    KK_CHECK(command.order_qty_e8 == 10000 && command.price_e8 == -125000000);
    KK_CHECK(command.flags == (KK_COMMAND_HAS_PRICE | KK_COMMAND_HAS_QTY | KK_COMMAND_POSS_RESEND));
    KK_CHECK(command.reason == KK_REASON_NONE);
    KK_CHECK(decode(H STATUS "790=query|"));
    KK_CHECK(is(&command.status_req_id, "query") && command.flags == 0);
    KK_CHECK(command.time_in_force == '0' && command.text.length == 0);
}

static void header_flags(void) {
    KK_CHECK(decode("35=D|49=A|56=B|34=1|43=Y|52=20261122-10:00:00|122=20261122-09:00:00|" NEW));
    KK_CHECK(header.poss_dup && !header.plain_header);
    KK_CHECK(header.sending_time_ns - command.sent_ns == INT64_C(3600000000000));
    KK_CHECK(decode("35=D|49=A|56=B|34=1|43=N|97=N|52=20261122-10:00:00|" NEW));
    KK_CHECK(!header.poss_dup && !header.poss_resend && header.plain_header);
    KK_CHECK(decode("35=D|49=A|56=B|34=1|142=NY|52=20261122-10:00:00|" NEW));
    KK_CHECK(!header.plain_header);
    KK_CHECK(decode("35=D|52=20261122-10:00:00|369=12|34=1|56=B|49=A|" NEW));
    KK_CHECK(!header.plain_header);
}

static void instructions(void) {
    KK_CHECK(decode(D NEW "18=6|") && command.reason == KK_REASON_UNSUPPORTED_INSTRUCTION);
    KK_CHECK(decode(D NEW "99=1|") && command.reason == KK_REASON_UNSUPPORTED_INSTRUCTION);
    KK_CHECK(decode(D NEW "63=0|") && command.reason == KK_REASON_NONE);
    KK_CHECK(decode(D NEW) && command.on_disconnect == 0);
    KK_CHECK(decode(D NEW "18=H|") && command.on_disconnect == KK_KEEP_ON_DISCONNECT);
    KK_CHECK(command.reason == KK_REASON_NONE && command.echo_bytes == 0);
    KK_CHECK(decode(G "41=z|" NEW "18=Q|") && command.on_disconnect == KK_CANCEL_ON_DISCONNECT);
    KK_CHECK(decode(D NEW "18=H Q|") && command.reason == KK_REASON_UNSUPPORTED_INSTRUCTION);
    KK_CHECK(decode(D NEW "18=Q 6|") && command.reason == KK_REASON_UNSUPPORTED_INSTRUCTION);
    KK_CHECK(!decode(D NEW "18=HQ|") && !decode(D NEW "18=H|18=H|"));
}

/* The runs of the echo, each with ';' behind it. */
static const char *runs(void) {
    static char shown[KK_FIX_TEXT_MAX];
    size_t at = 0;
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < command.echo_count; i++) {
        const kk_span *run = &command.echo[i];
        kk_fix_text(shown + at, command.base + run->offset, run->length);
        at += run->length;
        shown[at++] = ';';
        bytes += run->length;
    }
    shown[at] = '\0';
    KK_CHECK(bytes == command.echo_bytes);
    return shown;
}

static void echo_runs(void) {
    KK_CHECK(decode(D NEW) && strcmp(runs(), "") == 0);
    KK_CHECK(decode(D "1=A|15=USD|" NEW "21=1|"));
    KK_CHECK(strcmp(runs(), "1=A|15=USD|;21=1|;") == 0);
    KK_CHECK(decode(D "58=note|1=A|" NEW "21=1|"));
    KK_CHECK(strcmp(runs(), "1=A|;21=1|;58=note|;") == 0 && is(&command.text, "note"));
    KK_CHECK(decode(D NEW "1=A|453=2|448=C|447=D|448=T|452=36|22=4|48=US|58=x|"));
    KK_CHECK(strcmp(runs(), "1=A|453=2|448=C|447=D|448=T|452=36|22=4|48=US|;58=x|;") == 0);
    /* Eleven runs and a text are the most that a command holds. */
    KK_CHECK(decode(SCATTERED) && command.echo_count == 11);
    KK_CHECK(decode(SCATTERED "58=last one|") && command.echo_count == 12);
    KK_CHECK(!decode(SCATTERED "583=one more|"));
}

static void every_cut(void) {
    const char *body = D NEW "453=1|448=C|452=3|58=x|";
    char part[512];
    for (size_t cut = 5; cut < strlen(body); cut++) {
        memcpy(part, body, cut);
        part[cut - 1] = '|';
        part[cut] = '\0';
        decode(part);
    }
    KK_CHECK(decode(body));
}

static void long_frames(void) {
    char body[6000];
    for (size_t text = 1; text < 5000; text += 1 + text / 16) {
        size_t at = (size_t)snprintf(body, sizeof body, D NEW "58=");
        memset(body + at, 'x', text);
        memcpy(body + at + text, "|", 2);
        const size_t length = kk_fix_message(frame, body);
        KK_CHECK(decode(body) == (length <= 4096));
    }
}

static void mutations(void) {
    static const char *const bodies[] = {D NEW "453=1|448=C|452=3|58=x|1=A|", F CANCEL, G REPLACE,
                                         H STATUS "790=1234567|"};
    uint64_t seed = 20261122;
    unsigned decoded = 0;
    for (unsigned round = 0; round < 400000; round++) {
        char body[512];
        memcpy(body, bodies[round % 4], strlen(bodies[round % 4]) + 1);
        for (unsigned i = 0; i <= kk_random(&seed) % 2; i++) {
            const uint64_t at = 5 + kk_random(&seed) % (strlen(body) - 6);
            const uint64_t any = 1 + kk_random(&seed) % 255;
            static const char likely[] = "|=0123456789 .-YNw";
            body[at] = any % 2 ? likely[any % (sizeof likely - 1)] : (char)any;
        }
        if (decode(body)) {
            decoded++;
            KK_CHECK(command.echo_count <= KK_ECHO_SPANS);
            runs();
        }
    }
    KK_CHECK(decoded > 1000);
}

int main(void) {
    area = kk_guarded_new(AREA);
    KK_RUN(taken, "plain messages of each type are taken");
    KK_RUN(taken_fields, "fields that the dictionary allows are taken anywhere in the body");
    KK_RUN(left_fields, "whatever the dictionary does not allow is left to Python");
    KK_RUN(left_messages, "wrong headers and missing fields are left to Python");
    KK_RUN(values, "values reach the command exactly");
    KK_RUN(header_flags, "43, 97, 122 and rare header fields are told");
    KK_RUN(instructions, "an instruction that changes the order's meaning is a reason to refuse");
    KK_RUN(echo_runs, "echoed fields come in arrival order as runs, Text(58) last");
    KK_RUN(every_cut, "a message cut anywhere is never read beyond");
    KK_RUN(long_frames, "frames up to the limit are taken");
    KK_RUN(mutations, "random changes give an answer");
    return KK_REPORT();
}
