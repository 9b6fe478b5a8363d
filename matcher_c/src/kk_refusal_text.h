/* The reason of a refusal or a cause in a message: Text(58), and our own tags where allowed. */
#ifndef KK_REFUSAL_TEXT_H
#define KK_REFUSAL_TEXT_H

#include "kk_exec_report.h"

#define KK_REFUSAL_TEXT_MAX 512u /* bytes that either writes at most */

/* Writes "CODE; limit=L; value=V; headroom=H; sentence", the numbers only where they apply. */
uint8_t *kk_put_refusal_text(uint8_t *at, const kk_refusal *refusal);

/*
 * Writes that text as 58, and in dialect kk99 20001 (code), 20002 (limit), 20003 (value), 20004
 * (headroom) behind it.
 */
uint8_t *kk_put_refusal(uint8_t *at, const kk_refusal *refusal, uint8_t dialect);

#endif
