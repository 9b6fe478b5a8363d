/*
 * ExecutionReport(8) and OrderCancelReject(9): the bytes of what happened to an order.
 *
 * An 8 has 37, 17, 527, 150, 39, 11, 41, the echo, 55, 54, 38, 40, 44, 59, 32, 31, 151, 14, 6, 60,
 * 851, 638, 103, 378, 790, 584, 911, 912, 58; a 9 has 37, 11, 41, 39, of the echo 1, 526 and 583,
 * 60, 434, 102, 58. There is one Text(58): ours, if there is one, else that of the order, at the
 * end of its echo. Each report is also copied to the drop-copy sessions of its account or firm.
 */
#ifndef KK_EXEC_REPORT_H
#define KK_EXEC_REPORT_H

#include "kk_engine.h"

#define KK_REPORT_VALUE_MAX 255u /* bytes of a request's own value that a report repeats */

/*
 * A refusal or a cause with its numbers; limit, value and headroom in 1e-8 where they apply.
 * A tick, a lot and an age have no headroom: nothing is used up.
 */
typedef struct kk_refusal {
    kk_reason reason; /* KK_REASON_NONE: no Text(58) of ours */
    bool has_numbers;
    bool has_headroom; /* only with has_numbers */
    int64_t limit_e8;
    int64_t value_e8;
    int64_t headroom_e8;
    uint8_t ord_status; /* 39 of an order that has no slot any more; 0: 8 */
} kk_refusal;

typedef struct kk_report {
    uint32_t slot;                   /* the order; its fields are as they are after the event */
    uint8_t exec_type;               /* 150 */
    uint8_t ord_status;              /* 39 */
    uint8_t last_liquidity;          /* 851: '1' added, '2' removed; 0: absent */
    uint8_t priority;                /* 638: '0' kept, '1' lost; 0: absent */
    uint8_t exec_restatement_reason; /* 378 as a character; 0: absent */
    const uint8_t *clord_id;         /* 11 instead of the order's own; NULL: the order's */
    uint32_t clord_id_length;
    const uint8_t *orig_clord_id; /* 41; NULL: absent */
    uint32_t orig_clord_id_length;
    const uint8_t *status_req_id; /* 790; NULL: absent */
    uint32_t status_req_id_length;
    uint64_t trade_id;          /* 527; 0: not a trade */
    int64_t last_lots;          /* 32 */
    int64_t last_price_ticks;   /* 31 */
    const kk_mass_status *mass; /* 584, 911, 912; NULL: absent */
    kk_refusal cause;
} kk_report;

/* An answer to a mass status request without an order; what is not given has length 0. */
typedef struct kk_no_orders {
    const kk_mass_status *mass; /* the request: its id, side, account and header echo */
    const uint8_t *symbol;
    uint32_t symbol_length;
    const uint8_t *account;
    uint32_t account_length;
    kk_reason reason;
} kk_no_orders;

/* A report on an order that has a slot, to the order's session. */
void kk_report_order(kk_engine *engine, const kk_report *report);
/*
 * 150=8, 39=8 for a D that never became an order: OrderID(37) "NONE", fields from the command.
 * `account` KK_NONE: only the firm's drop copies get it.
 */
void kk_report_refused_order(kk_engine *engine, uint32_t session, uint32_t account,
                             const kk_command *command, const kk_refusal *refusal);
/* 150=I on an unknown order, or one whose details are gone: 39=8, 37=NONE or its OrderID, 103=5. */
void kk_report_unknown_status(kk_engine *engine, uint32_t session, const kk_command *command,
                              const kk_refusal *refusal);
/*
 * 150=I, 39=8, 911=0, 912=Y on a mass status request, counted by reason; 55 and 54, which FIX asks
 * for, are "[N/A]" and 7 (undisclosed) where the request has none.
 */
void kk_report_no_orders(kk_engine *engine, uint32_t session, const kk_no_orders *answer);
/* OrderCancelReject(9): `slot` KK_NONE gives OrderID(37) "NONE" and OrdStatus(39) 8. */
void kk_report_cancel_reject(kk_engine *engine, uint32_t session, uint32_t slot,
                             const kk_command *command, const kk_refusal *refusal);

/* OrdStatus(39) of an order as it stands. */
uint8_t kk_ord_status(const kk_engine *engine, uint32_t slot);
/* AvgPx(6), rounded half to even to 1e-8; 0 without fills. */
int64_t kk_avg_px_e8(const kk_engine *engine, uint32_t slot);

#endif
