/* OrderMassStatusRequest(AF): what is promised is sent, whatever happens meanwhile. */
#include <string.h>

#include "kk_test.h"
#include "venue.h"

#define ALL 1000u /* slots in one slice: more than there are */

static venue opened_for(uint32_t orders) {
    kk_capacity capacity = venue_capacity();
    venue v;

    capacity.orders = orders;
    venue_open(&v, &capacity);
    return v;
}

static void rest(venue *v, const char *clord_id, const char *more) {
    char command[128];

    (void)snprintf(command, sizeof command, "0 D|11=%s|54=1|38=1|44=99%s", clord_id, more);
    venue_do(v, command);
    KK_CHECK(venue_said(v, "0 150=0"));
}

static void all_of_a_session(void) {
    venue v = opened_for(16);
    rest(&v, "a", "|1=A2|50=desk");
    venue_do(&v, "1 D|11=x|54=2|38=1|44=99");
    venue_do(&v, "1 D|11=y|54=2|38=2|44=105");
    rest(&v, "b", "");
    venue_do(&v, "0 D|11=c|54=1|38=5|44=105");
    KK_CHECK(!venue_ask(&v, 0, "584=m", ALL));
    KK_CHECK(venue_said(&v, "0 150=I|39=0|11=b|584=m|911=2|912=N|790=|103=|58= ; "
                            "0 150=I|39=1|11=c|151=3|14=2|584=m|911=2|912=Y"));
    KK_CHECK(!venue_ask(&v, 1, "584=n", ALL));
    KK_CHECK(venue_said(&v, ""
                            "1 150=I|39=8|37=NONE|11=|55=[N/A]|54=7|151=0|14=0|6=0|584=n|911=0|"
                            "912=Y|103=5|code=NO_OPEN_ORDERS"));
    KK_CHECK(v.engine->walk.walkers == 0 && !kk_mass_status_pending(v.engine, 0));
    venue_close(&v);
}

static void some_of_them(void) {
    venue v = opened_for(16);
    rest(&v, "a", "|1=A2");
    rest(&v, "b", "");
    venue_do(&v, "0 D|11=c|54=2|38=1|44=101|1=A2");
    venue_do(&v, "0 D|11=d|54=2|38=1|44=5|55=SPREAD");
    KK_CHECK(!venue_ask(&v, 0, "584=m|1=A2", ALL));
    KK_CHECK(venue_said(&v, "0 11=a|911=2|912=N ; 0 11=c|911=2|912=Y"));
    KK_CHECK(!venue_ask(&v, 0, "584=m|54=2", ALL));
    KK_CHECK(venue_said(&v, "0 11=c|911=2 ; 0 11=d|911=2"));
    KK_CHECK(!venue_ask(&v, 0, "584=m|55=AAPL|54=1", ALL));
    KK_CHECK(venue_said(&v, "0 11=a|911=2 ; 0 11=b|911=2"));
    KK_CHECK(!venue_ask(&v, 0, "584=m|55=SPREAD|1=A2|57=floor", ALL));
    KK_CHECK(venue_said(&v, "0 39=8|55=SPREAD|54=7|1=A2|50=floor|911=0|code=NO_OPEN_ORDERS"));
    venue_close(&v);
}

static void what_cannot_be_answered(void) {
    venue v = opened_for(16);
    rest(&v, "a", "");
    KK_CHECK(!venue_ask(&v, 0, "584=m|55=WHAT|54=1", ALL));
    KK_CHECK(venue_said(&v, "0 150=I|39=8|55=WHAT|54=1|584=m|911=0|912=Y|103=1|"
                            "code=UNKNOWN_SYMBOL"));
    KK_CHECK(!venue_ask(&v, 0, "584=m|1=B1", ALL));
    KK_CHECK(venue_said(&v, "0 39=8|1=B1|103=15|code=UNKNOWN_ACCOUNT"));
    KK_CHECK(!venue_ask(&v, 0, "584=m|54=5", ALL));
    KK_CHECK(venue_said(&v, "0 39=8|54=5|code=UNSUPPORTED_SIDE"));
    KK_CHECK(!venue_ask(&v, 0, "584=m|reason=33", ALL));
    KK_CHECK(venue_said(&v, "0 39=8|code=UNSUPPORTED_MASS_STATUS"));
    KK_CHECK(v.engine->statistics.refusals[KK_REASON_UNKNOWN_ACCOUNT] == 1);
    KK_CHECK(v.engine->walk.walkers == 0);
    venue_close(&v);
}

static void in_slices(void) {
    venue v = opened_for(16);
    rest(&v, "a", "");
    rest(&v, "b", "");
    rest(&v, "c", "");
    KK_CHECK(venue_ask(&v, 0, "584=m", 3));
    KK_CHECK(venue_said(&v, ""));
    KK_CHECK(kk_mass_status_pending(v.engine, 0) && !kk_mass_status_pending(v.engine, 1));
    KK_CHECK(venue_walk(&v, 1));
    KK_CHECK(venue_said(&v, "0 11=a|911=3|912=N"));
    rest(&v, "later", "");
    venue_do(&v, "1 D|11=x|54=2|38=1|44=99"); /* takes a, which has been reported on */
    venue_do(&v, "1 D|11=y|54=2|38=1|44=99"); /* takes b, which has not */
    KK_CHECK(venue_walk(&v, 1));
    KK_CHECK(venue_said(&v, "0 150=I|11=b|39=2|151=0|14=1|911=3|912=N"));
    venue_do(&v, "0 G|41=c|11=c2|54=1|38=2|44=99");
    KK_CHECK(!venue_walk(&v, 1));
    KK_CHECK(venue_said(&v, "0 150=I|11=c2|38=2|39=0|911=3|912=Y"));
    venue_close(&v);
}

static void a_slot_reused_while_it_is_counted(void) {
    venue v = opened_for(3);
    rest(&v, "a", "");
    rest(&v, "b", "");
    rest(&v, "c", "");
    KK_CHECK(venue_ask(&v, 0, "584=m", 2)); /* a and b are counted */
    venue_do(&v, "0 F|41=a|11=f|54=1");
    rest(&v, "d", "");
    KK_CHECK(!venue_walk(&v, ALL));
    KK_CHECK(venue_said(&v, "0 11=b|911=2|912=N ; 0 11=c|911=2|912=Y"));
    venue_close(&v);
}

static void a_slot_reused_before_its_turn(void) {
    venue v = opened_for(3);
    rest(&v, "a", "");
    rest(&v, "b", "");
    rest(&v, "c", "");
    KK_CHECK(venue_ask(&v, 0, "584=m", 4)); /* all are counted, a is told of */
    KK_CHECK(venue_said(&v, "0 11=a|912=N"));
    venue_do(&v, "0 F|41=c|11=f|54=1");
    venue_do(&v, "1 D|11=x|54=1|38=1|44=98");
    KK_CHECK(venue_said(&v, "0 150=I|11=c|39=4|911=3|912=N ; 1 150=0"));
    venue_do(&v, "0 F|41=b|11=g|54=1");
    venue_do(&v, "1 D|11=y|54=1|38=1|44=98");
    KK_CHECK(venue_said(&v, "0 150=I|11=b|39=4|911=3|912=Y ; 1 150=0"));
    KK_CHECK(v.engine->walk.walkers == 0 && !kk_mass_status_pending(v.engine, 0));
    venue_close(&v);
}

static void an_order_whose_day_is_over(void) {
    venue v = opened_for(16);
    rest(&v, "a", "");
    rest(&v, "b", "|59=1");
    venue_roll(&v, VENUE_DAY + 1u);
    KK_CHECK(!venue_ask(&v, 0, "584=m", ALL));
    KK_CHECK(venue_said(&v, "0 150=C|11=a ; 0 150=I|11=b|911=1|912=Y"));
    venue_close(&v);
}

static void beside_a_disconnect(void) {
    venue v = opened_for(16);
    venue_cancel_on_disconnect(&v, 0, true);
    rest(&v, "a", "");
    rest(&v, "b", "|18=H");
    KK_CHECK(venue_ask(&v, 0, "584=m", 1));
    KK_CHECK(venue_leave(&v, 0, 1));
    while (venue_walk(&v, 1)) {
    }
    KK_CHECK(v.engine->sessions[0].open_orders == 1 && !kk_mass_status_pending(v.engine, 0));
    KK_CHECK(venue_fault(&v) == NULL);
    venue_close(&v);
}

static void part_of_the_state(void) {
    venue v = opened_for(16);
    venue w = opened_for(16);
    rest(&v, "a", "");
    rest(&w, "a", "");
    KK_CHECK(venue_ask(&v, 0, "584=m", 1) && venue_ask(&w, 0, "584=n", 1));
    KK_CHECK(kk_state_hash(v.engine) != kk_state_hash(w.engine));
    KK_CHECK(!venue_walk(&v, ALL) && !venue_walk(&w, ALL));
    KK_CHECK(kk_state_hash(v.engine) == kk_state_hash(w.engine));
    venue_close(&v);
    venue_close(&w);
}

int main(void) {
    KK_RUN(all_of_a_session, "one report for each open order, the last says so; or one on none");
    KK_RUN(some_of_them, "account, side and symbol restrict it");
    KK_RUN(what_cannot_be_answered, "one report says why, with what the request said");
    KK_RUN(in_slices, "the number promised is sent, each order as it is at its turn");
    KK_RUN(a_slot_reused_while_it_is_counted,
           "an order that is gone before the promise is left out");
    KK_RUN(a_slot_reused_before_its_turn, "an order is told of before its slot goes to another");
    KK_RUN(an_order_whose_day_is_over, "an order of yesterday expires and is not counted");
    KK_RUN(beside_a_disconnect, "one walk counts, reports and pulls");
    KK_RUN(part_of_the_state, "what was asked is part of the state");
    return KK_REPORT();
}
