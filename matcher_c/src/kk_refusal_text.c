#include "kk_refusal_text.h"

#include "fix_tables.h"
#include "kk_wire.h"

#define OTHER_BYTES 200u /* three numbers in two forms, the tags and the words around them */

static uint8_t *put_own_fields(uint8_t *at, const kk_refusal *refusal) {
    at = KK_PUT(at, "20001=");
    at = kk_put_u64(at, refusal->reason);
    if (refusal->has_numbers) {
        at = KK_PUT(at, "\00120002=");
        at = kk_put_e8(at, refusal->limit_e8);
        at = KK_PUT(at, "\00120003=");
        at = kk_put_e8(at, refusal->value_e8);
        if (refusal->has_headroom) {
            at = KK_PUT(at, "\00120004=");
            at = kk_put_e8(at, refusal->headroom_e8);
        }
    }
    return KK_PUT(at, "\001");
}

uint8_t *kk_put_refusal_text(uint8_t *at, const kk_refusal *refusal) {
    kk_assert(refusal->reason > KK_REASON_NONE && refusal->reason < KK_REASON_COUNT);
    const kk_reason_text *text = &kk_reason_texts[refusal->reason];
    kk_assert(OTHER_BYTES + text->code_length + text->sentence_length <= KK_REFUSAL_TEXT_MAX);
    at = kk_put(at, text->code, text->code_length);
    if (refusal->has_numbers) {
        at = KK_PUT(at, "; limit=");
        at = kk_put_e8(at, refusal->limit_e8);
        at = KK_PUT(at, "; value=");
        at = kk_put_e8(at, refusal->value_e8);
        if (refusal->has_headroom) {
            at = KK_PUT(at, "; headroom=");
            at = kk_put_e8(at, refusal->headroom_e8);
        }
    }
    at = KK_PUT(at, "; ");
    return kk_put(at, text->sentence, text->sentence_length);
}

uint8_t *kk_put_refusal(uint8_t *at, const kk_refusal *refusal, uint8_t dialect) {
    at = KK_PUT(at, "58=");
    at = kk_put_refusal_text(at, refusal);
    at = KK_PUT(at, "\001");
    return dialect == KK_DIALECT_KK99 ? put_own_fields(at, refusal) : at;
}
