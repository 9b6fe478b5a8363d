/*
 * Pre-trade checks: pure functions of the engine's state and a command.
 *
 * Order of the checks, after those of the ids: instrument, account, what was found outside the
 * core, halt, open instrument, age, values (side, type, time in force, echo), quantity and lot,
 * price and tick, band, limits of quantity and notional, open orders.
 *
 * The tightest limit of session, account and firm counts.  A refusal by a limit tells the limit,
 * the value that was asked for, and the headroom: what would have been accepted, from the present
 * use (open orders) or the reference price (band) on.
 */
#ifndef KK_RISK_H
#define KK_RISK_H

#include "kk_engine.h"
#include "kk_exec_report.h"

/* What the checks worked out on the way. */
typedef struct kk_checked {
    uint32_t instrument; /* KK_NONE: unknown */
    uint32_t account;    /* KK_NONE: unknown, or not one of the session's */
    int64_t price_ticks; /* 0 for a market order */
    int64_t lots;
} kk_checked;

/*
 * True: passed.  False: *refusal says why, with limit, value and headroom where they apply;
 * instrument and account are worked out all the same.
 */
bool kk_check_new(const kk_engine *engine, uint32_t session, const kk_command *command,
                  kk_checked *checked, kk_refusal *refusal);
/* The same for a replace of the live order in `slot`, whose symbol and side agree. */
bool kk_check_replace(const kk_engine *engine, uint32_t session, uint32_t slot,
                      const kk_command *command, kk_checked *checked, kk_refusal *refusal);

#endif
