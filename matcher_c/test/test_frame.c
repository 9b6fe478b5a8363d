/* Framing: every rule of kk99fix/fix/framing.py, whole, cut off, with a tail, at a guard page. */
#include <stdio.h>
#include <string.h>

#include "kk_core.h"
#include "kk_fix_text.h"
#include "kk_guard.h"
#include "kk_test.h"

#define AREA 16384
#define LIMIT 4096

static uint8_t *area;

/* kk_frame with the bytes ending at a guard page. */
static kk_status frame_of(const uint8_t *bytes, size_t length, size_t *found) {
    return kk_frame(kk_guarded(area, AREA, bytes, length), length, LIMIT, found);
}

static const char heartbeat[] = "35=0|49=A|56=B|34=1|52=20261122-10:00:00.000|";

static void rules(void) {
    static const struct {
        const char *text;
        kk_status status;
        size_t length;
    } rows[] = {
        {"", KK_NEED_DATA, 0},
        {"8", KK_NEED_DATA, 0},
        {"8=FI", KK_NEED_DATA, 0},
        {"8=FIX", KK_NEED_DATA, 0},
        {"8=FIX.4.4", KK_NEED_DATA, 0},
        {"8=FIX.4.4|", KK_NEED_DATA, 0},
        {"8=FIX.4.4|9", KK_NEED_DATA, 0},
        {"8=FIX.4.4|9=", KK_NEED_DATA, 0},
        {"8=FIX.4.4|9=12", KK_NEED_DATA, 0},
        {"8=FIX.4.4|9=12|", KK_NEED_DATA, 0},
        {"8=FIX.4.4|9=12|3", KK_NEED_DATA, 0},
        {"8=FIX.4.4|9=12|35=", KK_NEED_DATA, 0},
        /* rule 1 */
        {"x", KK_GARBLED, 1},
        {"9=FIX.4.4|9=5|35=0|10=163|", KK_GARBLED, 26},
        {"8=FAX.4.4|", KK_GARBLED, 10},
        {"xyz8=FIX.4.4|9=5|", KK_GARBLED, 3},
        {"xyz8=FI", KK_GARBLED, 3},
        {"8=8=8", KK_GARBLED, 4},
        {"8=FI8=FIX", KK_GARBLED, 4},
        /* rule 2 */
        {"8=FIX4567890123456", KK_NEED_DATA, 0},
        {"8=FIX4567890123456|9=", KK_NEED_DATA, 0},
        {"8=FIX45678901234567", KK_GARBLED, 19},
        {"8=FIX45678901234567|9=5|", KK_GARBLED, 24},
        {"8=FIX.4.2|9=5|35=0|10=161|", KK_OK, 26},
        {"8=FIXT.1.1|9=5|35=0|10=241|", KK_OK, 27},
        {"8=FIX|9=5|35=0|10=223|", KK_OK, 22},
        /* rule 3 */
        {"8=FIX.4.4|8=", KK_GARBLED, 10},
        {"8=FIX.4.4|35=D|", KK_GARBLED, 15},
        {"8=FIX.4.4|9=|", KK_GARBLED, 13},
        {"8=FIX.4.4|9=05|35=0|10=211|", KK_OK, 27},
        {"8=FIX.4.4|9=0000005|35=0|10=195|", KK_OK, 32},
        {"8=FIX.4.4|9=0", KK_NEED_DATA, 0},
        {"8=FIX.4.4|9=-5|35=0|10=163|", KK_GARBLED, 27},
        {"8=FIX.4.4|9=5x|35=0|10=163|", KK_GARBLED, 27},
        {"8=FIX.4.4|9= 5|35=0|10=163|", KK_GARBLED, 27},
        {"8=FIX.4.4|9=999999", KK_NEED_DATA, 0},
        {"8=FIX.4.4|9=999999999", KK_NEED_DATA, 0},
        {"8=FIX.4.4|9=9999999999", KK_TOO_LONG, 0},
        {"8=FIX.4.4|9=99999999999999999999999", KK_TOO_LONG, 0},
        {"8=FIX.4.4|9=0999999|", KK_TOO_LONG, 0},
        /* rule 4 */
        {"8=FIX.4.4|9=4072", KK_NEED_DATA, 0},
        {"8=FIX.4.4|9=4072|", KK_NEED_DATA, 0},
        {"8=FIX.4.4|9=4073|", KK_TOO_LONG, 0},
        {"8=FIX.4.4|9=4073|garbage", KK_TOO_LONG, 0},
        /* rule 5 */
        {"8=FIX.4.4|9=100|34=", KK_GARBLED, 19},
        {"8=FIX.4.4|9=5|3x", KK_GARBLED, 16},
        {"8=FIX.4.4|9=0|", KK_NEED_DATA, 0},
        {"8=FIX.4.4|9=0|10=", KK_GARBLED, 17},
        /* rule 6 */
        {"8=FIX.4.4|9=5|35=0|10=163|", KK_OK, 26},
        {"8=FIX.4.4|9=5|35=0|10=163", KK_NEED_DATA, 0},
        {"8=FIX.4.4|9=5|35=0|10=164|", KK_GARBLED, 26},
        {"8=FIX.4.4|9=5|35=0|10=419|", KK_GARBLED, 26},
        {"8=FIX.4.4|9=5|35=0|10=1:3|", KK_GARBLED, 26},
        {"8=FIX.4.4|9=5|35=0|11=163|", KK_GARBLED, 26},
        {"8=FIX.4.4|9=5|35=0|10=163x", KK_GARBLED, 26},
        {"8=FIX.4.4|9=4|35=0|10=162|", KK_GARBLED, 26},
        {"8=FIX.4.4|9=6|35=0|10=164|8=FIX", KK_GARBLED, 26},
        {"8=FIX.4.4|9=4|35=010=161|", KK_GARBLED, 25},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[256];
        size_t length = kk_fix_bytes(bytes, rows[i].text);
        size_t found = 99;
        kk_status status = frame_of(bytes, length, &found);
        if (status != rows[i].status || found != rows[i].length) {
            printf("%s: status %d, length %zu\n", rows[i].text, (int)status, found);
        }
        KK_CHECK(status == rows[i].status && found == rows[i].length);
    }
}

static void prefixes_and_tails(void) {
    uint8_t bytes[512];
    size_t length = kk_fix_message(bytes, heartbeat);
    size_t found = 0;
    for (size_t i = 0; i < length; i++) {
        KK_CHECK(frame_of(bytes, i, &found) == KK_NEED_DATA && found == 0);
    }
    KK_CHECK(frame_of(bytes, length, &found) == KK_OK && found == length);
    size_t twice = length + kk_fix_message(bytes + length, heartbeat);
    for (size_t i = length; i <= twice; i++) {
        KK_CHECK(frame_of(bytes, i, &found) == KK_OK && found == length);
    }
}

static void no_trailer(void) {
    uint8_t bytes[512];
    /* The trailer of the first is missing; its length ends inside the second. */
    size_t first = kk_fix_bytes(bytes, "8=FIX.4.4|9=44|35=0|49=A|56=B|34=1|");
    size_t second = kk_fix_message(bytes + first, heartbeat);
    size_t found = 0;
    KK_CHECK(frame_of(bytes, first + second, &found) == KK_GARBLED && found == first);
    KK_CHECK(frame_of(bytes + first, second, &found) == KK_OK && found == second);
    /* Its length says that the second is part of it, up to the second's trailer. */
    size_t third = 0;
    for (unsigned declared = 10; declared < 150; declared++) {
        char text[128];
        (void)snprintf(text, sizeof text, "8=FIX.4.4|9=%u|35=0|49=A|56=B|34=1|", declared);
        third = kk_fix_bytes(bytes, text);
        second = kk_fix_message(bytes + third, heartbeat);
        kk_status status = frame_of(bytes, third + second, &found);
        KK_CHECK(status == KK_NEED_DATA || (status == KK_GARBLED && found == third));
    }
}

static void every_length(void) {
    uint8_t bytes[KK_FIX_TEXT_MAX];
    char body[4096] = "35=0|58=";
    for (size_t i = strlen(body); i < 700; i++) {
        body[i] = (char)('!' + i % 90);
        body[i + 1] = '|';
        body[i + 2] = '\0';
        size_t length = kk_fix_message(bytes, body);
        size_t found = 0;
        KK_CHECK(frame_of(bytes, length, &found) == KK_OK && found == length);
        bytes[i / 2 + 8]++;
        KK_CHECK(frame_of(bytes, length, &found) != KK_OK);
    }
}

static void mutations(void) {
    uint64_t seed = 20261122;
    uint8_t bytes[1024];
    for (unsigned round = 0; round < 200000; round++) {
        size_t length = kk_fix_message(bytes, heartbeat);
        length += kk_fix_message(bytes + length, heartbeat);
        for (unsigned i = 0; i <= kk_random(&seed) % 3; i++) {
            bytes[kk_random(&seed) % length] = (uint8_t)kk_random(&seed);
        }
        length = kk_random(&seed) % 8 == 0 ? kk_random(&seed) % length : length;
        size_t done = 0;
        while (done < length) {
            size_t found = 0;
            kk_status status = frame_of(bytes + done, length - done, &found);
            if (status == KK_NEED_DATA || status == KK_TOO_LONG) {
                break;
            }
            KK_CHECK(status == KK_OK || status == KK_GARBLED);
            KK_CHECK(found > 0 && found <= length - done);
            done += found;
        }
    }
}

int main(void) {
    area = kk_guarded_new(AREA);
    KK_RUN(rules, "each rule gives its answer");
    KK_RUN(prefixes_and_tails, "a cut frame needs data, a tail does not matter");
    KK_RUN(no_trailer, "a frame without trailer leaves the next one alone");
    KK_RUN(every_length, "frames of any length, and a changed byte is found");
    KK_RUN(mutations, "random bytes give an answer and progress");
    return KK_REPORT();
}
