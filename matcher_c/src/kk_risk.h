/*
 * Pre-trade checks: pure functions of the engine's state and a command.
 *
 * Order of the checks: instrument, account, age, duplicate id, values (type, time in force, side),
 * quantity and lot, price and tick, band, limits of quantity and notional, open orders.
 */
#ifndef KK_RISK_H
#define KK_RISK_H

#include "kk_engine.h"
#include "kk_exec_report.h"

/* What the checks worked out on the way; valid when they passed. */
typedef struct kk_checked {
    uint32_t instrument;
    uint32_t account;
    int64_t price_ticks;
    int64_t lots;
} kk_checked;

/* True: passed.  False: *refusal says why, with limit, value and headroom where they apply. */
bool kk_check_new(const kk_engine *engine, uint32_t session, const kk_command *command,
                  kk_checked *checked, kk_refusal *refusal);
/* The same for a replace of the order in `slot`. */
bool kk_check_replace(const kk_engine *engine, uint32_t session, uint32_t slot,
                      const kk_command *command, kk_checked *checked, kk_refusal *refusal);

#endif
