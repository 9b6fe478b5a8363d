/*
 * The life of orders: new, cancel, replace, status, expiry.  Risk first, then the book, then the
 * reports in the sequence of the venue's rules.
 *
 *     kk_new_order.c  kk_cancel_order.c  kk_replace_order.c     D, F, G
 *     kk_request.c       ids of requests, refusals, the order that an F or G may act on
 *     kk_order_status.c  H, and the answer to a request that was sent again
 *     kk_throttled.c     what comes faster than the session may send
 *     kk_target.c        what an id names
 *     kk_take.c          trading against the book, and what becomes of the rest
 *     kk_walk.c          round the order slots, for sessions that want something of their orders
 *     kk_pull.c          cancel on disconnect
 *     kk_mass_status.c   AF
 *     kk_expire.c        Day orders of a past trading day
 *     kk_order_end.c     the end of an order
 *
 * A file calls those below it alone; kk_command.c stands above them all.
 *
 * Every request is answered by at least one report.  A ClOrdID(11) is used up by any request that
 * could be told from others by it, refused ones included.
 */
#ifndef KK_ORDERS_H
#define KK_ORDERS_H

#include "kk_engine.h"
#include "kk_exec_report.h"

void kk_new_order(kk_engine *engine, uint32_t session, const kk_command *command, uint64_t hash);
void kk_cancel_order(kk_engine *engine, uint32_t session, const kk_command *command, uint64_t hash,
                     uint64_t orig_hash);
void kk_replace_order(kk_engine *engine, uint32_t session, const kk_command *command, uint64_t hash,
                      uint64_t orig_hash);
void kk_status_request(kk_engine *engine, uint32_t session, const kk_command *command,
                       uint64_t hash);

/* Takes a live order out of the book and ends it as `status`; counters, index and pool follow. */
void kk_close_order(kk_engine *engine, uint32_t slot, kk_order_status status);
/* Ends an order whose trading day is over and reports 150=C.  True when it did. */
bool kk_expire_if_due(kk_engine *engine, uint32_t slot);

/* Adds 1 or -1 to how many live orders of the session say so themselves; `word` is not 0. */
void kk_count_word(kk_session *session, uint8_t word, uint32_t by);
/* Cancels a live order if its session is gone and takes it along.  True when it did. */
bool kk_pull_if_due(kk_engine *engine, uint32_t slot);
/* The walk has seen all orders that the session left behind. */
void kk_pull_done(kk_engine *engine, kk_session *session);

/* Counts or reports on an order for a mass status of its session.  True when it reported. */
bool kk_mass_status_visit(kk_engine *engine, uint32_t slot);
/* The walk has counted all; false when there is nothing to report on, which has been told. */
bool kk_mass_status_counted(kk_engine *engine, uint32_t session);
/* The slot of a closed order that a mass status has marked is about to be reused. */
void kk_mass_status_lose(kk_engine *engine, uint32_t slot);

/*
 * Trades a live order that is not in the book against it, then lets the rest rest, or ends it.
 * There is a level for the rest.
 */
void kk_take(kk_engine *engine, uint32_t slot);

/* ------------------------------------------------------------------ what an id names */

typedef enum kk_named {
    KK_NAMED_NOTHING, /* never used, or longer ago than the index remembers */
    KK_NAMED_REFUSED, /* a request that was refused */
    KK_NAMED_LIVE,    /* a live order, and it is its current id */
    KK_NAMED_EARLIER, /* a live order, which has been given another id since */
    KK_NAMED_CLOSED,  /* a closed order whose details are still there */
    KK_NAMED_GONE     /* a closed order whose slot has been given to another */
} kk_named;

typedef struct kk_target {
    kk_named named;
    uint32_t slot;      /* LIVE, EARLIER, CLOSED; else KK_NONE */
    uint8_t ord_status; /* GONE: the OrdStatus(39) it ended with, 0 when not known */
} kk_target;

/*
 * What the id with this hash names for `session`: nothing where it is an order of another session,
 * whose id has the same hash.  An order whose day is over expires here first.
 */
kk_target kk_find_target(kk_engine *engine, uint32_t session, uint64_t hash);

/* An entry's status tells in its upper bits which order it belonged to, modulo 2^29. */
#define KK_STATUS_BITS 3u
#define KK_STATUS_MASK ((1u << KK_STATUS_BITS) - 1u)

_Static_assert(KK_ORDER_EXPIRED <= KK_STATUS_MASK, "a status fits below the order's tag");

/* Index status of an id that is not (any more) the current id of a live order. */
uint32_t kk_retired_status(const kk_order *order, kk_order_status status);

/* ------------------------------------------------------------------ requests */

/* The ClOrdID(11) of a request, and what to do when it cannot be used. */
typedef enum kk_id_check {
    KK_ID_NEW,      /* not known: go on */
    KK_ID_ANSWERED, /* refused, or answered as sent again: nothing left to do */
} kk_id_check;

/*
 * Length and uniqueness of ClOrdID(11); a request sent again (97=Y) whose id is known is answered
 * with the state of that order.  `account` of the refusal's drop copies, or KK_NONE.
 */
kk_id_check kk_check_id(kk_engine *engine, uint32_t session, const kk_command *command,
                        uint64_t hash);

/*
 * Takes a D, F or G of a session that has a throttle.  False: it is above the limits and has been
 * refused.  Its id is spent then like that of any other refused request; where it cannot be used,
 * the refusal says that instead: nobody takes a known order for a refused one.
 */
bool kk_within_throttle(kk_engine *engine, uint32_t session, const kk_command *command,
                        uint64_t hash);

/* Uses up the id of a request that is refused; it names no order. */
void kk_spend_id(kk_engine *engine, uint64_t hash);

/* Why the id of a request cannot be used: too long, or used before; NONE when it can. */
kk_reason kk_id_refusal(const kk_engine *engine, const kk_command *command, uint64_t hash);
/* Refuses a D, F or G that was not looked at any further; its id stays as it was. */
void kk_refuse_request(kk_engine *engine, uint32_t session, const kk_command *command,
                       kk_refusal refusal);
/* Refuses a D, counted by reason. */
void kk_refuse_order(kk_engine *engine, uint32_t session, uint32_t account,
                     const kk_command *command, const kk_refusal *refusal);
/* Refuses an F or G that names the order in `slot` (or KK_NONE), counted by reason. */
void kk_refuse_change(kk_engine *engine, uint32_t session, uint32_t slot, const kk_command *command,
                      const kk_refusal *refusal);
/*
 * The live order that an F or G may act on, or KK_NONE when the request has been refused: its id is
 * spent then.  Both ids are checked, and that OrderID(37), Symbol(55) and Side(54) do not
 * contradict.
 */
uint32_t kk_find_for_change(kk_engine *engine, uint32_t session, const kk_command *command,
                            uint64_t hash, uint64_t orig_hash);

/* Whether OrderID(37) of the command, where given, is the order's. */
bool kk_order_id_agrees(const kk_order *order, const kk_command *command);

/* Gives a live order the ClOrdID(11) of `command`; the index entry is the caller's. */
void kk_set_clord_id(kk_order_detail *detail, const kk_command *command);

/* 150=I: the order as it stands; OrdStatusReqID(790) of the command is echoed. */
void kk_report_state(kk_engine *engine, uint32_t slot, const kk_command *command);
/* Answers a request that was sent again and whose id names `target` (not NOTHING or REFUSED). */
void kk_answer_again(kk_engine *engine, uint32_t session, const kk_command *command,
                     const kk_target *target);

/*
 * Whether the open unit may still grow by `bytes`.  Measured on the unit alone, never on the
 * buffer, so that the same input has the same outcome live and in replay.
 */
bool kk_unit_has_room(const kk_engine *engine, size_t bytes);

static inline const uint8_t *kk_span_at(const kk_command *command, const kk_span *span) {
    return command->base + span->offset;
}

#endif
