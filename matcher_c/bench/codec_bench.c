/*
 * Times the codec alone: framing, decoding, encoding, rendering a copy.  Prints "name value unit".
 *
 *     codec_bench [RUNS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kk_assert.h"
#include "kk_core.h"
#include "kk_decode.h"
#include "kk_engine.h"
#include "kk_exec_report.h"
#include "kk_fix_text.h"
#include "venue.h"

#define MESSAGES 64u
#define ROUNDS 100u
#define MESSAGE_MAX 1024u

static const char plain[] = "35=D|49=BROKER1|56=KK99|34=1000%02u|52=20261122-10:00:00.%03u|"
                            "11=ORD-000000%02u|1=B1-HOUSE|55=AAPL|54=1|38=100|40=2|44=190.%02u|"
                            "59=0|60=20261122-10:00:00.%03u|";
static const char parties[] =
    "35=D|49=BROKER1|56=KK99|34=1000%02u|52=20261122-10:00:00.%03u|"
    "11=ORD-000000%02u|1=B1-HOUSE|453=3|448=CLIENT7|447=D|452=3|448=TRADER1|447=D|452=36|"
    "448=FIRM1|447=D|452=1|21=1|55=AAPL|54=1|38=100|40=2|44=190.%02u|15=USD|528=A|"
    "59=0|60=20261122-10:00:00.%03u|58=desk seven|";

static uint8_t messages[MESSAGES][MESSAGE_MAX];
static size_t lengths[MESSAGES];
static uint64_t sink;
static venue market;

static uint64_t now_ns(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static void fill(const char *form) {
    for (unsigned i = 0; i < MESSAGES; i++) {
        char body[MESSAGE_MAX];
        if (form == plain) {
            (void)snprintf(body, sizeof body, plain, i, i * 7, i, i, i * 7);
        } else {
            (void)snprintf(body, sizeof body, parties, i, i * 7, i, i, i * 7);
        }
        lengths[i] = kk_fix_message(messages[i], body);
    }
}

static void frame_all(void) {
    for (unsigned i = 0; i < MESSAGES; i++) {
        size_t length;
        kk_assert(kk_frame(messages[i], MESSAGE_MAX, KK_FRAME_MAX, &length) == KK_OK);
        sink += length;
    }
}

static void decode_all(void) {
    for (unsigned i = 0; i < MESSAGES; i++) {
        kk_header header;
        kk_command command;
        kk_assert(kk_decode(messages[i], lengths[i], &header, &command));
        sink += (uint64_t)command.price_e8 + header.msg_seq_num;
    }
}

static void encode_all(void) {
    kk_unit_begin(market.engine, KK_RECORD_TICK, KK_NONE, 0, market.now_ns, NULL, 0);
    for (unsigned i = 0; i < MESSAGES; i++) {
        const kk_report report = {.slot = i % 2, .exec_type = '0', .ord_status = '0'};
        kk_report_order(market.engine, &report);
    }
    kk_unit_end(market.engine);
    kk_journal_take(market.engine);
    market.now_ns += 100000;
}

/* Two resting orders of a session: without copies (1), or with one (0). */
static void rest_two(unsigned session) {
    char command[128];
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(command, sizeof command, "%u D|11=ORD-0000000%u|1=%s|54=1|38=100|44=99.%u|",
                       session, i, session == 0 ? "A1" : "B1", i + 1);
        venue_do(&market, command);
    }
    kk_journal_take(market.engine);
}

/* Best of many short runs, ns for each message: the host takes time away now and then. */
static void measure(const char *name, void (*work)(void), unsigned runs) {
    double best = 1e9;
    for (unsigned run = 0; run < runs * 40u; run++) {
        const uint64_t start = now_ns();
        for (unsigned round = 0; round < ROUNDS; round++) {
            work();
        }
        const double each = (double)(now_ns() - start) / ROUNDS / MESSAGES;
        best = each < best ? each : best;
    }
    printf("%s %.1f ns\n", name, best);
}

int main(int argc, char **argv) {
    const unsigned runs = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 5u;
    fill(plain);
    printf("codec_plain_length %zu bytes\n", lengths[0]);
    measure("codec_frame_plain", frame_all, runs);
    measure("codec_decode_plain", decode_all, runs);
    fill(parties);
    printf("codec_parties_length %zu bytes\n", lengths[0]);
    measure("codec_frame_parties", frame_all, runs);
    measure("codec_decode_parties", decode_all, runs);
    for (unsigned copies = 0; copies < 2; copies++) {
        const kk_capacity capacity = venue_capacity();
        venue_open(&market, &capacity);
        rest_two(1 - copies);
        measure(copies ? "codec_report_and_copy" : "codec_report", encode_all, runs);
        venue_close(&market);
    }
    return sink == 0;
}
