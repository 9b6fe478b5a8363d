/* A drop-copy session that follows everybody, put on all lists and taken off them. */
#include "kk_test.h"
#include "venue.h"

static kk_firm_config *firm_of(venue *v, uint32_t firm) { return &v->engine->firms[firm].config; }

static void on_every_list_once_and_sorted(void) {
    const kk_capacity capacity = venue_capacity();
    venue v;

    venue_open(&v, &capacity);
    KK_CHECK(kk_follow_all(v.engine, 3, true) == KK_OK);
    KK_CHECK(kk_follow_all(v.engine, 1, true) == KK_OK);
    KK_CHECK(kk_follow_all(v.engine, 3, true) == KK_OK);
    const kk_firm_config *first = firm_of(&v, 0);
    KK_CHECK(first->copy_count == 3 && first->copies[0] == 1 && first->copies[1] == 2 &&
             first->copies[2] == 3);
    const kk_account_config *other = &v.engine->accounts[2].config;
    KK_CHECK(other->copy_count == 2 && other->copies[0] == 1 && other->copies[1] == 3);
    KK_CHECK(kk_follow_all(v.engine, 1, false) == KK_OK);
    KK_CHECK(kk_follow_all(v.engine, 1, false) == KK_OK);
    KK_CHECK(first->copy_count == 2 && first->copies[0] == 2 && first->copies[1] == 3);
    KK_CHECK(other->copy_count == 1 && other->copies[0] == 3);
    KK_CHECK(venue_fault(&v) == NULL);
    venue_close(&v);
}

static void one_without_a_place_changes_nothing(void) {
    const kk_capacity capacity = venue_capacity();
    venue v;

    venue_open(&v, &capacity);
    kk_firm_config *full = firm_of(&v, 1);
    full->copy_count = KK_COPIES_MAX;
    for (uint32_t i = 0; i < KK_COPIES_MAX; i++) {
        full->copies[i] = i + 4u;
    }
    KK_CHECK(kk_follow_all(v.engine, 3, true) == KK_CAPACITY);
    KK_CHECK(firm_of(&v, 0)->copy_count == 1);
    full->copies[0] = 3;
    KK_CHECK(kk_follow_all(v.engine, 3, true) == KK_OK);
    KK_CHECK(firm_of(&v, 0)->copy_count == 2 && full->copy_count == KK_COPIES_MAX);
    venue_close(&v);
}

int main(void) {
    KK_RUN(on_every_list_once_and_sorted,
           "who follows everybody is on every list, once and sorted");
    KK_RUN(one_without_a_place_changes_nothing, "where one list has no place none has changed");
    return KK_REPORT();
}
