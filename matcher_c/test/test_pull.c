/* Cancel on disconnect: which orders go, in which slices, and what ends it. */
#include "kk_test.h"
#include "venue.h"

#define ALL 1000u /* slots in one slice: more than there are */

static venue opened(bool cancel) {
    const kk_capacity capacity = venue_capacity();
    venue v;

    venue_open(&v, &capacity);
    venue_cancel_on_disconnect(&v, 0, cancel);
    return v;
}

/* A resting order of ALPHA; `more` may hold further fields, each with a bar before it. */
static void rest(venue *v, const char *clord_id, const char *more) {
    char command[128];

    (void)snprintf(command, sizeof command, "0 D|11=%s|54=1|38=1|44=99%s", clord_id, more);
    venue_do(v, command);
    KK_CHECK(venue_said(v, "0 150=0"));
}

static void all_but_those_to_be_kept(void) {
    venue v = opened(true);
    rest(&v, "a", "");
    rest(&v, "b", "|18=H");
    rest(&v, "c", "|18=Q|1=A2");
    venue_do(&v, "1 D|11=x|54=1|38=1|44=98");
    KK_CHECK(!venue_leave(&v, 0, ALL));
    KK_CHECK(venue_said(&v, "0 150=4|39=4|11=a|41=|151=0|378=|code=CANCEL_ON_DISCONNECT ; "
                            "0 150=4|39=4|11=c|1=A2|code=CANCEL_ON_DISCONNECT"));
    KK_CHECK(venue_book_is(&v, 0, '1', "99x1 98x1"));
    KK_CHECK(v.engine->sessions[0].open_orders == 1 && v.engine->sessions[2].next_out == 6);
    KK_CHECK(v.engine->statistics.refusals[KK_REASON_CANCEL_ON_DISCONNECT] == 2);
    KK_CHECK(venue_fault(&v) == NULL);
    venue_close(&v);
}

static void those_that_ask_for_it(void) {
    venue v = opened(false);
    rest(&v, "a", "");
    rest(&v, "b", "|18=H");
    rest(&v, "c", "|18=Q");
    KK_CHECK(!venue_leave(&v, 0, ALL));
    KK_CHECK(venue_said(&v, "0 150=4|11=c|code=CANCEL_ON_DISCONNECT"));
    KK_CHECK(venue_book_is(&v, 0, '1', "99x1 99x1"));
    venue_close(&v);
}

static void a_replace_changes_the_word(void) {
    venue v = opened(true);
    rest(&v, "a", "");
    rest(&v, "b", "|18=H");
    rest(&v, "c", "|18=H");
    venue_do(&v, "0 G|41=a|11=a2|54=1|38=1|44=98|18=H");
    venue_do(&v, "0 G|41=b|11=b2|54=1|38=1|44=97");
    venue_do(&v, "0 G|41=c|11=c2|54=1|38=1|44=96|18=Q");
    KK_CHECK(v.engine->sessions[0].orders_kept == 2 && v.engine->sessions[0].orders_pulled == 1);
    KK_CHECK(!venue_leave(&v, 0, ALL));
    KK_CHECK(venue_said(&v, "0 150=4|11=c2"));
    KK_CHECK(venue_book_is(&v, 0, '1', "98x1 97x1"));
    KK_CHECK(v.engine->sessions[0].orders_kept == 2 && v.engine->sessions[0].orders_pulled == 0);
    venue_close(&v);
}

static void counts_follow_the_orders(void) {
    venue v = opened(true);
    kk_session *alpha = &v.engine->sessions[0];
    rest(&v, "a", "|18=H");
    rest(&v, "b", "|18=Q");
    venue_do(&v, "0 F|41=a|11=f|54=1");
    venue_do(&v, "1 D|11=x|54=2|38=1|44=99");
    KK_CHECK(alpha->open_orders == 0 && alpha->orders_kept == 0 && alpha->orders_pulled == 0);
    venue_do(&v, "0 D|11=c|54=1|38=1|44=99|59=3|18=H");
    KK_CHECK(alpha->orders_kept == 0);
    rest(&v, "d", "");
    KK_CHECK(alpha->orders_kept == 0 && alpha->orders_pulled == 0);
    venue_close(&v);
}

static void nothing_to_pull(void) {
    venue v = opened(true);
    rest(&v, "a", "|18=H");
    KK_CHECK(!venue_leave(&v, 0, 1));
    KK_CHECK(venue_said(&v, "") && v.engine->walk.at == 0);
    venue_cancel_on_disconnect(&v, 0, false);
    rest(&v, "b", "");
    KK_CHECK(!venue_leave(&v, 0, 1));
    KK_CHECK(venue_said(&v, ""));
    venue_close(&v);
}

static void in_slices(void) {
    venue v = opened(true);
    venue_cancel_on_disconnect(&v, 1, true);
    rest(&v, "a", "");
    rest(&v, "b", "");
    venue_do(&v, "1 D|11=x|54=1|38=1|44=98");
    rest(&v, "c", "");
    KK_CHECK(venue_leave(&v, 0, 1));
    KK_CHECK(venue_said(&v, "0 150=4|11=a"));
    KK_CHECK(venue_leave(&v, 1, 12)); /* the walk is behind a already, and serves both from here */
    KK_CHECK(venue_said(&v, "0 150=4|11=b ; 1 150=4|11=x"));
    KK_CHECK(!venue_walk(&v, 1));
    KK_CHECK(venue_said(&v, "0 150=4|11=c"));
    KK_CHECK(v.engine->walk.at == 0 && v.engine->walk.walkers == 0);
    KK_CHECK(venue_fault(&v) == NULL);
    venue_close(&v);
}

static void later_orders_stay(void) {
    venue v = opened(true);
    for (int i = 0; i < 3; i++) {
        char clord_id[] = {'a', (char)('0' + i), '\0'};
        rest(&v, clord_id, "");
    }
    KK_CHECK(venue_leave(&v, 0, 1));
    KK_CHECK(venue_said(&v, "0 150=4|11=a0"));
    rest(&v, "new", "|18=Q");
    venue_do(&v, "0 F|41=a1|11=f|54=1"); /* what is not pulled yet is still the session's */
    KK_CHECK(venue_said(&v, "0 150=4|11=f|58="));
    venue_do(&v, "0 G|41=a2|11=g|54=1|38=1|44=97");
    KK_CHECK(venue_said(&v, "0 150=5"));
    KK_CHECK(venue_walk(&v, 1) && venue_said(&v, ""));
    KK_CHECK(venue_walk(&v, 1) && venue_said(&v, "0 150=4|11=g|code=CANCEL_ON_DISCONNECT"));
    KK_CHECK(!venue_walk(&v, ALL) && venue_said(&v, ""));
    KK_CHECK(venue_book_is(&v, 0, '1', "99x1"));
    KK_CHECK(!venue_leave(&v, 0, ALL));
    KK_CHECK(venue_said(&v, "0 150=4|11=new"));
    venue_close(&v);
}

static void traded_before_their_turn(void) {
    venue v = opened(true);
    rest(&v, "a", "");
    rest(&v, "b", "");
    KK_CHECK(venue_leave(&v, 0, 1));
    venue_do(&v, "1 D|11=x|54=2|38=1|44=99");
    KK_CHECK(venue_said(&v, "1 150=0 ; 0 150=F|11=b ; 1 150=F"));
    KK_CHECK(!venue_walk(&v, ALL) && venue_said(&v, ""));
    KK_CHECK(v.engine->walk.walkers == 0);
    venue_close(&v);
}

static void a_day_that_is_over_comes_first(void) {
    venue v = opened(true);
    rest(&v, "a", "");
    rest(&v, "b", "|59=1");
    venue_roll(&v, VENUE_DAY + 1u);
    KK_CHECK(!venue_leave(&v, 0, ALL));
    KK_CHECK(venue_said(&v, "0 150=C|11=a|code=DAY_EXPIRED ; 0 150=4|11=b"));
    venue_close(&v);
}

static void part_of_the_state(void) {
    venue v = opened(true);
    venue w = opened(true);
    rest(&v, "a", "|18=H");
    rest(&w, "a", "");
    KK_CHECK(kk_state_hash(v.engine) != kk_state_hash(w.engine));
    venue_do(&w, "0 G|41=a|11=b|54=1|38=1|44=99|18=H");
    venue_do(&v, "0 G|41=a|11=b|54=1|38=1|44=99");
    KK_CHECK(kk_state_hash(v.engine) == kk_state_hash(w.engine));
    rest(&v, "c", "");
    rest(&w, "c", "");
    rest(&v, "d", "");
    rest(&w, "d", "");
    KK_CHECK(venue_leave(&v, 0, 1));
    KK_CHECK(venue_leave(&w, 0, 2));
    KK_CHECK(kk_state_hash(v.engine) != kk_state_hash(w.engine));
    KK_CHECK(venue_walk(&v, 1));
    KK_CHECK(!venue_walk(&w, ALL) && !venue_walk(&v, ALL));
    venue_close(&v);
    venue_close(&w);
}

static void nothing_is_left_of_a_session_that_goes(void) {
    venue v = opened(false);
    rest(&v, "a", "");
    rest(&v, "b", "|18=H");
    venue_do(&v, "1 D|11=x|54=1|38=1|44=98");
    KK_CHECK(!venue_remove(&v, 0, KK_REASON_SESSION_REMOVED, ALL));
    KK_CHECK(venue_said(&v, "0 150=4|39=4|11=a|code=SESSION_REMOVED ; "
                            "0 150=4|39=4|11=b|code=SESSION_REMOVED"));
    KK_CHECK(venue_book_is(&v, 0, '1', "98x1"));
    KK_CHECK(v.engine->sessions[0].open_orders == 0 && v.engine->sessions[0].pull_all_below == 0);
    KK_CHECK(!venue_remove(&v, 0, KK_REASON_SESSION_DISABLED, ALL) && !kk_walk_pending(v.engine));
    KK_CHECK(venue_fault(&v) == NULL);
    venue_close(&v);
}

static void one_that_is_back_leaves_its_new_orders_by_their_word(void) {
    venue v = opened(false);
    rest(&v, "a", "");
    rest(&v, "b", "|18=H");
    rest(&v, "c", "|18=Q");
    KK_CHECK(venue_remove(&v, 0, KK_REASON_SESSION_DISABLED, 1));
    rest(&v, "d", "");
    rest(&v, "e", "|18=Q");
    KK_CHECK(!venue_leave(&v, 0, ALL));
    KK_CHECK(venue_said(&v, "0 150=4|11=b|code=SESSION_DISABLED ; "
                            "0 150=4|11=c|code=SESSION_DISABLED ; "
                            "0 150=4|11=e|code=CANCEL_ON_DISCONNECT"));
    KK_CHECK(venue_book_is(&v, 0, '1', "99x1"));
    KK_CHECK(venue_fault(&v) == NULL);
    venue_close(&v);
}

int main(void) {
    KK_RUN(all_but_those_to_be_kept, "a session's orders go with it, but those with 18=H");
    KK_RUN(those_that_ask_for_it, "of a session that keeps its orders those with 18=Q go");
    KK_RUN(a_replace_changes_the_word, "the 18 of a replace counts; without one the order's stays");
    KK_RUN(counts_follow_the_orders, "however an order ends, its word is no longer counted");
    KK_RUN(nothing_to_pull, "a session with nothing to pull starts no walk");
    KK_RUN(in_slices, "one walk in slices serves all sessions that left");
    KK_RUN(later_orders_stay, "orders of after the disconnect stay, others go");
    KK_RUN(traded_before_their_turn, "an order may trade until its turn comes");
    KK_RUN(a_day_that_is_over_comes_first, "an order whose day is over expires");
    KK_RUN(part_of_the_state, "words and walk are part of the state");
    KK_RUN(nothing_is_left_of_a_session_that_goes, "all orders of a session that goes, go");
    KK_RUN(one_that_is_back_leaves_its_new_orders_by_their_word,
           "what was there when a session went goes, what came later by its own word");
    return KK_REPORT();
}
