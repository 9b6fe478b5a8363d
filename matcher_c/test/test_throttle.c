/* The throttle: what its windows admit, and what a session is told that sends too fast. */
#include "kk_throttle.h"

#include <stdio.h>
#include <string.h>

#include "kk_gate.h"
#include "kk_test.h"
#include "venue.h"

#define SECOND_NS INT64_C(1000000000)
#define ARRIVALS 4000u

/* ------------------------------------------------------------------ the windows alone */

/* The last times at which something was admitted, oldest first. */
typedef struct history {
    int64_t times_ns[ARRIVALS];
    uint32_t count;
} history;

/* How many were admitted after `from_ns`. */
static uint32_t since(const history *h, int64_t from_ns) {
    uint32_t count = 0;

    while (count < h->count && h->times_ns[h->count - 1u - count] > from_ns) {
        count++;
    }
    return count;
}

static int64_t random_step_ns(uint64_t *dice) {
    switch (kk_random(dice) % 8u) {
    case 0:
        return 0;
    case 1:
        return 1;
    case 2:
        return KK_BUCKET_NS;
    case 3:
        return (int64_t)(kk_random(dice) % (uint64_t)(3 * SECOND_NS));
    case 4:
        return SECOND_NS;
    case 5:
        return SECOND_NS - KK_BUCKET_NS + (int64_t)(kk_random(dice) % 3u) - 1;
    default:
        return (int64_t)(kk_random(dice) % (uint64_t)(SECOND_NS / 50));
    }
}

/*
 * Random arrivals at one limit.  In the second that ends with an admitted message there are at most
 * `limit` of them, which holds for every second then; a refused one had `limit` in the last second
 * and a 64th.
 */
static void arrivals(uint64_t seed, uint32_t limit) {
    static history admitted;
    kk_throttle throttle = {.limits = {.messages_per_second = limit}};
    uint64_t dice = seed;
    int64_t now_ns = (int64_t)(kk_random(&dice) % (uint64_t)SECOND_NS);
    uint32_t refused = 0;

    admitted.count = 0;
    for (uint32_t i = 0; i < ARRIVALS; i++) {
        kk_excess excess = {0};
        now_ns += random_step_ns(&dice);
        if (kk_throttle_take(&throttle, '0', now_ns, &excess)) {
            admitted.times_ns[admitted.count++] = now_ns;
            KK_CHECK(since(&admitted, now_ns - SECOND_NS - 1) <= limit);
        } else {
            refused++;
            KK_CHECK(since(&admitted, now_ns - SECOND_NS - KK_BUCKET_NS) >= limit);
            KK_CHECK(excess.limit == limit && excess.value == limit + 1u);
        }
    }
    KK_CHECK(admitted.count > 0 && (refused > 0 || limit > 20u));
}

static void random_arrivals(void) {
    for (uint64_t seed = 1; seed <= 20; seed++) {
        arrivals(seed, 1);
        arrivals(seed, 2);
        arrivals(seed, 7);
        arrivals(seed, 40);
    }
}

static bool take(kk_throttle *throttle, char msg_type, int64_t now_ns) {
    kk_excess excess;

    return kk_throttle_take(throttle, (uint8_t)msg_type, now_ns, &excess);
}

static void edges_of_a_second(void) {
    kk_throttle throttle = {.limits = {.messages_per_second = 2}};

    KK_CHECK(take(&throttle, 'H', 0));
    KK_CHECK(take(&throttle, 'H', SECOND_NS / 2));
    KK_CHECK(!take(&throttle, 'H', SECOND_NS));
    KK_CHECK(!take(&throttle, 'H', SECOND_NS + KK_BUCKET_NS - 1));
    KK_CHECK(take(&throttle, 'H', SECOND_NS + KK_BUCKET_NS));
    KK_CHECK(!take(&throttle, 'H', SECOND_NS + KK_BUCKET_NS));
}

static void windows_of_their_own(void) {
    kk_throttle throttle = {.limits = {.messages_per_second = 3, .orders_per_second = 2}};

    KK_CHECK(take(&throttle, 'D', 5) && take(&throttle, 'G', 5) && !take(&throttle, 'D', 5));
    KK_CHECK(take(&throttle, 'H', 5) && !take(&throttle, 'H', 5));
    KK_CHECK(take(&throttle, 'F', 5) && take(&throttle, 'F', 5) && take(&throttle, 'F', 5));
    KK_CHECK(!take(&throttle, 'F', 5));
    KK_CHECK(throttle.orders.sum == 2 && throttle.messages.sum == 3 && throttle.cancels.sum == 3);

    kk_throttle orders = {.limits = {.orders_per_second = 1}};
    KK_CHECK(take(&orders, 'D', 5) && !take(&orders, 'D', 5));
    for (uint32_t i = 0; i < 100; i++) {
        KK_CHECK(take(&orders, 'F', 5) && take(&orders, 'H', 5));
    }
}

/* A D that finds no room among the messages leaves none less among the orders. */
static void refused_ones_do_not_count(void) {
    kk_throttle throttle = {.limits = {.messages_per_second = 1, .orders_per_second = 2}};

    KK_CHECK(take(&throttle, 'H', 5));
    for (uint32_t i = 0; i < 10; i++) {
        KK_CHECK(!take(&throttle, 'D', 5));
    }
    KK_CHECK(throttle.orders.sum == 0 && throttle.messages.sum == 1);
    KK_CHECK(take(&throttle, 'D', 2 * SECOND_NS));
}

static void breaches(void) {
    kk_throttle throttle = {.limits = {.messages_per_second = 1, .logout_after = 3}};

    KK_CHECK(take(&throttle, 'D', 5) && !kk_throttle_breaks(&throttle, 'D', 5));
    KK_CHECK(!take(&throttle, 'D', 5) && !take(&throttle, 'D', 5));
    KK_CHECK(!kk_throttle_is_breached(&throttle) && kk_throttle_breaks(&throttle, 'D', 5));
    KK_CHECK(!kk_throttle_breaks(&throttle, 'F', 5));
    KK_CHECK(!kk_throttle_breaks(&throttle, 'D', SECOND_NS + KK_BUCKET_NS));
    KK_CHECK(take(&throttle, 'F', 5) && !kk_throttle_breaks(&throttle, 'D', 5));
    KK_CHECK(!take(&throttle, 'D', 5) && !take(&throttle, 'D', 5) && !take(&throttle, 'D', 5));
    KK_CHECK(kk_throttle_is_breached(&throttle));
    throttle.limits.logout_after = 0;
    KK_CHECK(!kk_throttle_is_breached(&throttle) && !kk_throttle_breaks(&throttle, 'D', 5));
}

/* ------------------------------------------------------------------ in a venue */

static venue v;

static void open_with(uint32_t messages, uint32_t orders, uint32_t logout_after) {
    const kk_capacity capacity = venue_capacity();
    const kk_session_config own = {.throttle = {.messages_per_second = messages,
                                                .orders_per_second = orders,
                                                .logout_after = logout_after}};
    venue_open(&v, &capacity);
    venue_set_session(&v, 0, &own);
}

static bool says(const char *command, const char *expected) {
    venue_do(&v, command);
    const char *fault = venue_fault(&v);
    if (fault != NULL) {
        printf("  %s: %s\n", command, fault);
    }
    return venue_said(&v, expected) && fault == NULL;
}

#define TOLD                                                                                       \
    "says=THROTTLED; limit=2; value=3; headroom=0; The session sends more in a second than it "    \
    "may."

static void refusals(void) {
    open_with(0, 2, 0);
    KK_CHECK(says("0 D|11=a|54=1|38=10|44=100", "0 150=0"));
    KK_CHECK(says("0 D|11=b|54=1|38=10|44=100", "0 150=0"));
    KK_CHECK(says("0 D|11=c|1=A1|54=1|38=10|44=100",
                  "0 35=8|150=8|39=8|37=NONE|11=c|103=99|20001=|" TOLD));
    KK_CHECK(says("0 G|11=d|41=a|54=1|38=5|44=100", "0 35=9|39=0|37=1|434=2|102=99|" TOLD));
    KK_CHECK(says("0 F|11=e|41=a|54=1", "0 150=4|11=e|41=a"));
    KK_CHECK(says("3 D|11=a|54=1|38=10|44=100", "3 150=0"));
    KK_CHECK(venue_book_is(&v, 0, '1', "100x10 100x10"));
    v.now_ns += SECOND_NS + KK_BUCKET_NS;
    KK_CHECK(says("0 D|11=f|54=1|38=10|44=100", "0 150=0"));
    KK_CHECK(v.engine->statistics.refusals[KK_REASON_THROTTLED] == 2);
    venue_close(&v);
}

static void ids_of_the_refused(void) {
    open_with(2, 0, 0);
    KK_CHECK(says("0 D|11=a|54=1|38=10|44=100", "0 150=0"));
    KK_CHECK(says("0 D|11=b|54=1|38=10|44=100", "0 150=0"));
    KK_CHECK(says("0 D|11=c|54=1|38=10|44=100", "0 150=8|code=THROTTLED"));
    KK_CHECK(says("0 D|11=c|54=1|38=10|44=100", "0 150=8|103=6|code=DUPLICATE_CLORDID"));
    KK_CHECK(says("0 D|11=a|54=1|38=10|44=100|97=Y", "0 150=8|103=6|code=DUPLICATE_CLORDID"));
    KK_CHECK(says("0 D|11=0123456789012345678901234567890123456|54=1|38=1|44=100",
                  "0 150=8|code=CLORDID_TOO_LONG"));
    KK_CHECK(says("0 F|11=c|41=a|54=1", "0 35=9|39=0|434=1|102=6|code=DUPLICATE_CLORDID"));
    KK_CHECK(says("0 F|11=d|41=b|54=1", "0 150=4"));
    KK_CHECK(says("0 F|11=e|41=a|54=1", "0 35=9|39=0|37=1|434=1|102=99|code=THROTTLED"));
    v.now_ns += SECOND_NS + KK_BUCKET_NS;
    KK_CHECK(says("0 D|11=c|54=1|38=10|44=100", "0 150=8|103=6|code=DUPLICATE_CLORDID"));
    KK_CHECK(says("0 D|11=a|54=1|38=10|44=100|97=Y", "0 150=I|39=0"));
    KK_CHECK(says("0 F|11=e|41=a|54=1", "0 35=9|102=6|code=DUPLICATE_CLORDID"));
    venue_close(&v);
}

/* A message without a command: the text that its refusal gives as Text(58). */
static void other_messages(void) {
    uint8_t text[512];
    const char *told = TOLD;

    open_with(2, 0, 0);
    KK_CHECK(says("0 D|11=a|54=1|38=10|44=100", "0 150=0"));
    kk_journal_take(v.engine);
    kk_unit_begin(v.engine, KK_RECORD_FRAME, 0, 1, v.now_ns, NULL, 0);
    KK_CHECK(kk_throttle_message(v.engine, 3, text, sizeof text) == 0);
    KK_CHECK(kk_throttle_message(v.engine, 0, text, sizeof text) == 0);
    const size_t length = kk_throttle_message(v.engine, 0, text, sizeof text);
    kk_unit_end(v.engine);
    KK_CHECK(length == strlen(told) - 5u && memcmp(text, told + 5, length) == 0);
    KK_CHECK(v.engine->statistics.refusals[KK_REASON_THROTTLED] == 1);
    venue_close(&v);
}

static void establish(bool established) {
    kk_journal_take(v.engine);
    kk_unit_begin(v.engine, KK_RECORD_FRAME, 0, 1, v.now_ns, NULL, 0);
    kk_session_establish(v.engine, 0, established);
    if (established) {
        kk_session_plain(v.engine, 0, true);
    }
    kk_unit_end(v.engine);
}

/* Whether the gate takes the next D of ALPHA. */
static bool gate_takes(const char *clord_id) {
    char body[128];
    uint8_t frame[256];
    kk_consumed consumed;

    (void)snprintf(body, sizeof body,
                   "35=D|11=%s|55=AAPL|54=1|60=20260101-00:00:00|38=1|40=2|44=90|", clord_id);
    const size_t length = venue_frame(&v, 0, body, frame);
    const kk_status status = kk_consume(v.engine, 0, frame, length, v.now_ns, &consumed);
    v.frames[0] -= status == KK_ESCALATE;
    return status == KK_NEED_DATA && consumed.messages == 1;
}

static void the_last_straw(void) {
    open_with(1, 0, 3);
    KK_CHECK(gate_takes("a") && gate_takes("b") && gate_takes("c"));
    KK_CHECK(!kk_throttle_breached(v.engine, 0) && !gate_takes("d"));
    KK_CHECK(says("0 D|11=d|54=1|38=1|44=90", "0 150=8|code=THROTTLED"));
    KK_CHECK(kk_throttle_breached(v.engine, 0) && !kk_throttle_breached(v.engine, 1));
    establish(false);
    KK_CHECK(kk_throttle_breached(v.engine, 0));
    establish(true);
    KK_CHECK(!kk_throttle_breached(v.engine, 0) && gate_takes("e"));
    KK_CHECK(v.engine->statistics.refusals[KK_REASON_THROTTLED] == 4);
    venue_close(&v);
}

static void hash_of_windows(void) {
    open_with(5, 0, 0);
    const uint64_t empty = kk_state_hash(v.engine);
    kk_excess excess;
    KK_CHECK(kk_throttle_take(v.engine->sessions[0].throttle, 'H', v.now_ns, &excess));
    const uint64_t one = kk_state_hash(v.engine);
    v.engine->sessions[0].throttle->refused_in_row = 1;
    const uint64_t refused = kk_state_hash(v.engine);
    KK_CHECK(empty != one && one != refused);
    const kk_limits none = {0};
    venue_limit_session(&v, 0, &none);
    KK_CHECK(v.engine->sessions[0].throttle == NULL && refused == kk_state_hash(v.engine));
    venue_close(&v);
}

int main(void) {
    KK_RUN(random_arrivals, "no second holds more than the limit, and little less is admitted");
    KK_RUN(edges_of_a_second, "a message is out of the window a second and a 64th later");
    KK_RUN(windows_of_their_own, "orders, messages and cancels are counted apart");
    KK_RUN(refused_ones_do_not_count, "what is refused takes no room in any window");
    KK_RUN(breaches, "so many refusals in a row, and an admitted message begins anew");
    KK_RUN(refusals, "an order above the limits is told so, a cancel never because of orders");
    KK_RUN(ids_of_the_refused, "a refused id is spent, and a known one is said to be known");
    KK_RUN(other_messages, "what is no order is refused with the same text");
    KK_RUN(the_last_straw, "the refusal that logs a session out is the session layer's");
    KK_RUN(hash_of_windows, "the windows are part of the state, also while nothing is limited");
    return KK_REPORT();
}
