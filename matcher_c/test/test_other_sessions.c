/* Sessions apart: ids are found by a hash, and two sessions may have ids of one hash. */
#include <string.h>

#include "kk_test.h"
#include "venue.h"

/* Two ids of 17 bytes, one of session 1 and one of session 2, that have one hash. */
#define ID_OF_1 "AAAAAA55RESTOFID9"
#define ID_OF_2 "))r9\\BtiRESTOFID9"

static uint64_t hash_of(uint32_t session, const char *id) {
    static const uint8_t no_secret[KK_KEY_BYTES];
    const kk_id_key key = kk_id_key_of(no_secret);

    return kk_clord_id_hash(&key, session, (const uint8_t *)id, strlen(id));
}

static void says(venue *v, const char *command, const char *expected) {
    venue_do(v, command);
    KK_CHECK(venue_said(v, expected));
    KK_CHECK(venue_fault(v) == NULL);
}

static void orders_of_others(void) {
    const kk_capacity capacity = venue_capacity();
    venue v;

    KK_CHECK(hash_of(1, ID_OF_1) == hash_of(2, ID_OF_2));
    venue_open(&v, &capacity);
    says(&v, "1 D|11=" ID_OF_1 "|54=1|38=5|44=100", "1 150=0");
    says(&v, "2 G|11=g|41=" ID_OF_2 "|54=1|38=5|44=99", "2 35=9|37=NONE|code=UNKNOWN_ORDER");
    says(&v, "2 F|11=f|41=" ID_OF_2 "|54=1", "2 35=9|37=NONE|39=8|102=1|code=UNKNOWN_ORDER");
    says(&v, "2 H|11=" ID_OF_2 "|54=1", "2 150=I|37=NONE|39=8|code=UNKNOWN_ORDER");
    says(&v, "2 F|11=" ID_OF_2 "|41=x|54=1|97=Y", "2 35=9|37=NONE|code=DUPLICATE_CLORDID");
    KK_CHECK(venue_book_is(&v, 0, '1', "100x5"));
    says(&v, "1 F|11=h|41=" ID_OF_1 "|54=1", "1 150=4|41=" ID_OF_1);
    says(&v, "2 H|11=" ID_OF_2 "|54=1", "2 150=I|37=NONE|39=8|code=UNKNOWN_ORDER");
    venue_close(&v);
}

int main(void) {
    KK_RUN(orders_of_others, "no id of a session names an order of another");
    return KK_REPORT();
}
