/*
 * Decoding D, F, G and H: one pass over a framed message into a kk_command.
 *
 * Takes known tags, each once, well formed, header first, a NoPartyIDs(453) group of up to 8
 * entries.  Everything else is left to Python: the answer is no, without a reason.
 */
#ifndef KK_DECODE_H
#define KK_DECODE_H

#include "kk_core.h"

/* What the gate wants to know of the header; spans from the frame's start. */
typedef struct kk_header {
    kk_span sender_comp_id;  /* 49 */
    kk_span target_comp_id;  /* 56 */
    uint64_t msg_seq_num;    /* 34 */
    int64_t sending_time_ns; /* 52 */
    uint8_t msg_type;        /* 'D', 'F', 'G' or 'H' */
    bool poss_dup;           /* 43=Y */
    bool poss_resend;        /* 97=Y */
    bool plain_header;       /* nothing but 8 9 35 49 56 34 52 50 57 and 43/97=N */
} kk_header;

/* False: not plain.  `frame` is whole, its BodyLength and CheckSum are right. */
bool kk_decode(const uint8_t *frame, size_t length, kk_header *header, kk_command *command);

#endif
