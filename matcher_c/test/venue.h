/*
 * A small venue for tests: two firms, four sessions, three instruments, text in and text out.
 *
 *     session 0  ALPHA    firm 0, accounts A1 (default) and A2
 *     session 1  BETA     firm 1, account B1
 *     session 2  DESK     drop copy of firm 0
 *     session 3  GAMMA    firm 0, account A1
 *
 *     AAPL    tick 0.01  lot 1     reference 100  band 50
 *     SHUT    the same, but not open
 *     SPREAD  tick 1     lot 0.1   reference 0    band 10
 *
 * A command is written "0 D|11=a|54=1|38=10|44=100": session, kind, fields; what is left out is
 * 55=AAPL, 40=2, 59=0.  Besides FIX tags there are age=<milliseconds> and reason=<kk_reason>.
 * Reports are expected as "0 150=0|39=0|41= ; 1 150=F": for each message, in order, its session and
 * the fields that matter; an empty value says that the field is absent.  code=X is the code that
 * Text(58) starts with, says=X any start of it.
 */
#ifndef VENUE_H
#define VENUE_H

#include "kk_engine.h"

#define VENUE_SESSIONS 4u
#define VENUE_INSTRUMENTS 3u
#define VENUE_NOW_NS INT64_C(1767225600000000000) /* 2026-01-01 00:00:00 */
#define VENUE_DAY 20260101u
#define VENUE_MESSAGES_MAX 4096u

typedef struct venue {
    kk_engine *engine;
    uint8_t *journal;
    size_t journal_bytes;
    int64_t now_ns;
    uint64_t last_exec_id;
    uint64_t frames[VENUE_SESSIONS]; /* MsgSeqNum(34) of the last frame made for each session */
    bool cancel_on_disconnect[VENUE_SESSIONS];
} venue;

/* Ordinary capacities; a test may change them before venue_open. */
kk_capacity venue_capacity(void);
void venue_open(venue *v, const kk_capacity *capacity);
void venue_close(venue *v);
/* Sets the limits of a session, an account or a firm and leaves the rest. */
void venue_limit_session(venue *v, uint32_t session, const kk_limits *limits);
/* Sets the limits, throttle, precision and 369 of a session as in `own`. */
void venue_set_session(venue *v, uint32_t session, const kk_session_config *own);
void venue_limit_account(venue *v, uint32_t account, const kk_limits *limits);
void venue_limit_firm(venue *v, uint32_t firm, const kk_limits *limits);
void venue_halt(venue *v, bool halted);
/* Whether the session's orders go with its connection, but for those that say otherwise. */
void venue_cancel_on_disconnect(venue *v, uint32_t session, bool cancel);

/* Runs a command in a unit of its own; the unit stays in the journal until the next one. */
void venue_do(venue *v, const char *command);
void venue_roll(venue *v, uint32_t trading_day);
bool venue_expire(venue *v, uint32_t limit);
/* The session's connection ends, and the walk does its first slice. */
bool venue_leave(venue *v, uint32_t session, uint32_t limit);
/* The session may not log on any more, for this reason, and the walk does its first slice. */
bool venue_remove(venue *v, uint32_t session, kk_reason reason, uint32_t limit);
/* The session asks for the status of many orders, "584=m|54=1", and the walk does a slice. */
bool venue_ask(venue *v, uint32_t session, const char *request, uint32_t limit);
/* One more slice of the walk. */
bool venue_walk(venue *v, uint32_t limit);

/* Whether the last unit's messages are the expected ones; prints both when not. */
bool venue_said(venue *v, const char *expected);
/* Prices of the side in priority order with leaves, "100x10 99.5x3". */
bool venue_book_is(venue *v, uint32_t instrument, char side, const char *expected);
/* The first invariant that does not hold, or NULL. */
const char *venue_fault(venue *v);

/* A message of the last unit. */
typedef struct venue_message {
    uint32_t session;
    const uint8_t *bytes;
    size_t length;
} venue_message;

/* The messages of the last unit, at most VENUE_MESSAGES_MAX; how many there are. */
uint32_t venue_messages(const venue *v, venue_message *messages);
/* Field `tag` of a message; NULL when absent. */
const uint8_t *venue_field(const uint8_t *message, size_t length, uint32_t tag, size_t *size);

/* Writes `body` ("35=D|11=a|...") as the next whole frame of a session; returns its length. */
size_t venue_frame(venue *v, uint32_t session, const char *body, uint8_t *out);

#endif
