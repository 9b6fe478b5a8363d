/*
 * What a session has asked for by OrderMassStatusRequest(AF), while it is being answered.
 *
 *     NONE -> COUNT -> REPORT -> NONE
 *
 * COUNT: the walk marks the orders that were asked for and counts them; when it is once round, the
 * marked ones are those that TotNumReports(911) promises.  REPORT: it reports on each marked one.
 * A marked order that closes keeps its mark, and is reported on as closed.
 */
#ifndef KK_MASS_STATUS_H
#define KK_MASS_STATUS_H

#include "kk_core.h"

typedef enum kk_mass_step { KK_MASS_NONE = 0, KK_MASS_COUNT, KK_MASS_REPORT } kk_mass_step;

typedef struct kk_mass_status {
    uint8_t step; /* kk_mass_step */
    uint8_t side; /* 0: both */
    uint8_t request_id_length;
    uint8_t header_echo_length;
    uint32_t instrument; /* KK_NONE: all of them */
    uint32_t account;    /* KK_NONE: all of them */
    uint32_t total;      /* orders that are marked, or have been reported on */
    uint32_t told;       /* of them those that have been reported on */
    uint64_t below;      /* orders with a lower OrderID(37) were there when it was asked */
    uint64_t end;        /* where the walk is once round */
    uint8_t request_id[KK_MASS_STATUS_ID_MAX]; /* MassStatusReqID(584) */
    uint8_t header_echo[KK_HEADER_ECHO_MAX];   /* of the request, for an answer without an order */
} kk_mass_status;

#endif
