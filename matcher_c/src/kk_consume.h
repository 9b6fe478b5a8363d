/*
 * Frames ahead of their turn: what can be found out about a few of them before the first is
 * applied, so that memory is on its way when its turn comes.  Reading ahead changes nothing.
 */
#ifndef KK_CONSUME_H
#define KK_CONSUME_H

#include "kk_decode.h"
#include "kk_engine.h"

#define KK_GROUP 8u

typedef struct kk_arrival {
    const uint8_t *frame;
    size_t length;
    bool garbled; /* no frame: bytes to drop */
    bool decoded; /* header, command and hashes are valid */
    kk_header header;
    uint64_t hash;      /* of ClOrdID(11) */
    uint64_t orig_hash; /* of OrigClOrdID(41), when there is one */
    kk_command command;
} kk_arrival;

/* Decodes a whole frame of `session` and prefetches the index entries of its ids. */
void kk_arrival_read(const kk_engine *engine, uint32_t session, kk_arrival *arrival);
/* Prefetches what each arrival will touch of live orders and books; the pool fetches new slots. */
void kk_arrivals_prefetch(const kk_engine *engine, const kk_arrival *arrivals, uint32_t count);
/*
 * Applies the frame as a unit of its own.  KK_OK; KK_ESCALATE: the gate does not take it;
 * KK_OUT_FULL: no room for a unit.  Other than KK_OK: nothing has changed.
 */
kk_status kk_arrival_apply(kk_engine *engine, uint32_t session, const kk_arrival *arrival,
                           int64_t now_ns);

#endif
