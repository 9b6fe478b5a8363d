/*
 * The life of orders: new, cancel, replace, status, expiry.  Risk first, then the book, then the
 * reports in the sequence of the venue's rules.
 */
#ifndef KK_ORDERS_H
#define KK_ORDERS_H

#include "kk_engine.h"
#include "kk_exec_report.h"

/* Applies a decoded command inside the open unit: dispatch by kind. */
void kk_apply_command(kk_engine *engine, uint32_t session, const kk_command *command,
                      uint64_t clord_id_hash, uint64_t orig_clord_id_hash);

void kk_new_order(kk_engine *engine, uint32_t session, const kk_command *command, uint64_t hash);
void kk_cancel_order(kk_engine *engine, uint32_t session, const kk_command *command, uint64_t hash,
                     uint64_t orig_hash);
void kk_replace_order(kk_engine *engine, uint32_t session, const kk_command *command, uint64_t hash,
                      uint64_t orig_hash);
void kk_status_request(kk_engine *engine, uint32_t session, const kk_command *command);

/* Takes a live order out of the book and ends it as `status`; counters, index and pool follow. */
void kk_close_order(kk_engine *engine, uint32_t slot, kk_order_status status);
/* Ends an order whose trading day is over and reports 150=C.  True when it did. */
bool kk_expire_if_due(kk_engine *engine, uint32_t slot);

#endif
