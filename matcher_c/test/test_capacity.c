/* Capacities that no engine can have are refused before any memory is reserved. */
#include "kk_test.h"
#include "venue.h"

static void too_many(void) {
    const kk_capacity ordinary = venue_capacity();
    kk_capacity capacity = ordinary;

    capacity.orders = 1u << 27;
    capacity.duplicate_window = 1u << 27;
    KK_CHECK(kk_engine_new(&capacity) == NULL);
    capacity = ordinary;
    capacity.duplicate_window = UINT32_MAX;
    KK_CHECK(kk_engine_new(&capacity) == NULL);
    capacity = ordinary;
    capacity.levels = 1u << 30;
    KK_CHECK(kk_engine_new(&capacity) == NULL);
}

static void too_few(void) {
    const kk_capacity ordinary = venue_capacity();
    kk_capacity capacity = ordinary;

    capacity.rings = 0;
    KK_CHECK(kk_engine_new(&capacity) == NULL);
    capacity = ordinary;
    capacity.duplicate_window = capacity.orders - 1;
    KK_CHECK(kk_engine_new(&capacity) == NULL);
}

int main(void) {
    KK_RUN(too_many, "what the tables cannot address is no engine");
    KK_RUN(too_few, "neither is one without room, or that forgets ids of live orders");
    return KK_REPORT();
}
