/* The gate: the plain case passes, and each condition alone shuts it. */
#include "kk_gate.h"

#include <stdio.h>

#include "kk_fix_text.h"
#include "kk_test.h"
#include "venue.h"

#define TIME "52=20260101-00:00:00|"
#define HEAD "49=ALPHA|56=KK99|34=1|" TIME
#define ORDER "11=a|55=AAPL|54=1|38=10|40=2|44=100|60=20260101-00:00:00|"

static venue v;
static uint8_t frame[KK_FIX_TEXT_MAX];

static bool takes(const char *body) {
    kk_header header;
    kk_command command;
    const size_t length = kk_fix_message(frame, body);
    if (!kk_decode(frame, length, &header, &command)) {
        printf("not decoded: %s\n", body);
        return false;
    }
    return kk_gate_takes(v.engine, &v.engine->sessions[0], frame, &header, &command, v.now_ns);
}

static void plain(void) {
    KK_CHECK(takes("35=D|" HEAD ORDER));
    KK_CHECK(takes("35=G|" HEAD "41=z|" ORDER));
    KK_CHECK(takes("35=D|" HEAD ORDER "18=H|") && takes("35=G|" HEAD "41=z|" ORDER "18=Q|"));
    KK_CHECK(takes("35=F|" HEAD "11=b|41=a|55=AAPL|54=2|60=20260101-00:00:00|"));
    KK_CHECK(takes("35=D|34=1|43=N|97=N|50=desk|57=x|56=KK99|49=ALPHA|" TIME ORDER "59=4|"));
    KK_CHECK(takes("35=D|49=ALPHA|56=KK99|34=1|52=20260101-00:02:00|" ORDER));
    KK_CHECK(takes("35=D|49=ALPHA|56=KK99|34=1|52=20251231-23:58:00|" ORDER));
}

static void frames(void) {
    KK_CHECK(!takes("35=H|" HEAD "11=a|55=AAPL|54=1|790=a-longer-id|"));
    KK_CHECK(!takes("35=D|49=BETA|56=KK99|34=1|" TIME ORDER));
    KK_CHECK(!takes("35=D|49=ALPHA2|56=KK99|34=1|" TIME ORDER));
    KK_CHECK(!takes("35=D|49=ALPHA|56=KK98|34=1|" TIME ORDER));
    KK_CHECK(!takes("35=D|49=ALPHA|56=KK99|34=2|" TIME ORDER));
    KK_CHECK(!takes("35=D|49=ALPHA|56=KK99|34=1|43=Y|" TIME ORDER));
    KK_CHECK(!takes("35=D|49=ALPHA|56=KK99|34=1|97=Y|" TIME ORDER));
    KK_CHECK(!takes("35=D|49=ALPHA|56=KK99|34=1|122=20260101-00:00:00|" TIME ORDER));
    KK_CHECK(!takes("35=D|49=ALPHA|56=KK99|34=1|369=7|" TIME ORDER));
    KK_CHECK(!takes("35=D|49=ALPHA|56=KK99|34=1|52=20260101-00:02:00.001|" ORDER));
    KK_CHECK(!takes("35=D|49=ALPHA|56=KK99|34=1|52=20251231-23:57:59.999|" ORDER));
    KK_CHECK(!takes("35=D|" HEAD ORDER "18=6|"));
    KK_CHECK(!takes("35=D|" HEAD ORDER "59=6|"));
    KK_CHECK(!takes("35=D|" HEAD "11=a|55=AAPL|54=5|38=10|40=2|44=100|60=20260101-00:00:00|"));
    KK_CHECK(!takes("35=D|" HEAD "11=a|55=AAPL|54=1|38=10|40=3|44=100|60=20260101-00:00:00|"));
}

static void states(void) {
    const char *order = "35=D|" HEAD ORDER;
    kk_session *session = &v.engine->sessions[0];
    kk_gate_set(v.engine, false);
    KK_CHECK(!takes(order));
    kk_gate_set(v.engine, true);
    session->plain = 0;
    KK_CHECK(!takes(order));
    session->plain = 1;
    session->established = 0;
    KK_CHECK(!takes(order));
    session->established = 1;
    session->role = KK_ROLE_DROP_COPY;
    KK_CHECK(!takes(order));
    session->role = KK_ROLE_ORDER_ENTRY;
    session->next_in = 2;
    KK_CHECK(!takes(order));
    session->next_in = 1;
    KK_CHECK(takes(order));
}

int main(void) {
    const kk_capacity capacity = venue_capacity();
    venue_open(&v, &capacity);
    kk_gate_set(v.engine, true);
    KK_RUN(plain, "the plain case of D, F and G passes");
    KK_RUN(frames, "an unusual frame does not");
    KK_RUN(states, "an unusual state of the session lets nothing pass");
    venue_close(&v);
    return KK_REPORT();
}
