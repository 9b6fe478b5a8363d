/*
 * The gate: whether a decoded frame is the plain case of its session, here and now.
 *
 * Plain: the gate is open, the session established and without anything pending, order entry,
 * CompIDs right, MsgSeqNum(34) exactly the expected one, no PossDupFlag(43) or PossResend(97),
 * SendingTime(52) within tolerance, MsgType D, F or G, values that the core trades, and not the
 * refusal by the throttle that logs the session out.
 * On no it has changed nothing.
 */
#ifndef KK_GATE_H
#define KK_GATE_H

#include "kk_decode.h"
#include "kk_engine.h"

bool kk_gate_takes(const kk_engine *engine, const kk_session *session, const uint8_t *frame,
                   const kk_header *header, const kk_command *command, int64_t now_ns);

#endif
