/*
 * The KK99 matching core: orders in, execution reports and journal records out.
 *
 * The core is a deterministic function of its inputs.  It reads no clock, does no I/O, uses no
 * floating point, keeps no globals and allocates nothing after kk_engine_new.  Time is an
 * argument, recorded with each input.  One thread owns an engine.
 *
 * Three doors lead into it:
 *   kk_consume   bytes of one session: the plain case of D, F and G, straight to the book
 *   kk_submit    a decoded command, inside a unit that the caller opened with kk_unit_begin
 *   kk_replay    journal records: applies them again and compares every output byte
 *
 * Every output is a finished journal record (kk_record.h) in the caller's buffer, and its FIX
 * bytes are copied into the send ring of the receiving session if that one is attached.  Ring
 * bytes may leave only after kk_rings_release, which the caller calls once the records are safe.
 *
 * Prices are int64 in units of 1e-8 (`_e8`), quantities int64 in 1e-8 at this interface and lots
 * inside, times int64 nanoseconds of venue time (UTC, Unix epoch).
 * A counterparty's mistake is a status or a report; a caller's mistake is an assertion.
 */
#ifndef KK_CORE_H
#define KK_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kk_reasons.h"
#include "kk_record.h"

#define KK_NONE UINT32_MAX

#define KK_COMP_ID_MAX 32
#define KK_SYMBOL_MAX 32
#define KK_ACCOUNT_MAX 32
#define KK_CLORD_ID_MAX 36    /* room for a UUID in text form */
#define KK_ECHO_MAX 480       /* bytes of echoed body fields of one order */
#define KK_HEADER_ECHO_MAX 80 /* SenderSubID(50) and TargetSubID(57), swapped, with tags */
#define KK_ECHO_SPANS 12
#define KK_COPIES_MAX 16   /* drop-copy sessions entitled to one account or firm */
#define KK_FRAME_MAX 65536 /* bytes of one inbound frame */
#define KK_MASS_STATUS_ID_MAX 64
#define KK_KEY_BYTES 16

typedef struct kk_engine kk_engine;

typedef enum kk_status {
    KK_OK = 0,
    KK_NEED_DATA, /* the bytes end inside a frame */
    KK_ESCALATE,  /* a whole frame that the fast path does not take: nothing was changed */
    KK_OUT_FULL,  /* the journal buffer is nearly full: take it, then call again */
    KK_GARBLED,   /* framing only: these bytes are no frame */
    KK_TOO_LONG,  /* framing only: the declared length is above the limit */
    KK_CAPACITY,  /* a pool or table is full */
    KK_INVALID,   /* an argument of the configuration is out of range */
    KK_PYTHON,    /* replay: the record at the returned offset is not the core's to apply */
    KK_MISMATCH   /* replay: the output differs from the recorded one */
} kk_status;

/* ------------------------------------------------------------------ start and memory */

typedef struct kk_capacity {
    uint32_t orders;
    uint32_t levels;
    uint32_t sessions;
    uint32_t firms;
    uint32_t accounts;
    uint32_t instruments;
    uint32_t duplicate_window; /* ClOrdIDs remembered after their order closed; >= orders */
    uint32_t rings;            /* sessions attached at the same time */
    uint32_t ring_bytes;       /* of each ring */
} kk_capacity;

/*
 * Reserves all memory.  NULL when a capacity is 0 or 2^30 and more, when orders and
 * duplicate_window come near 2^27 together, or when the memory is not to be had.
 */
kk_engine *kk_engine_new(const kk_capacity *capacity);
void kk_engine_free(kk_engine *engine);
/*
 * The secret of this venue, before its first unit and the same in every replay: with it nobody
 * can make up a ClOrdID(11) whose hash is that of another session's.  All zero without this call.
 */
void kk_engine_key(kk_engine *engine, const uint8_t key[KK_KEY_BYTES]);
/* Backs order slots and index with real pages now, instead of at their first use. */
void kk_engine_touch(kk_engine *engine);

/* Bytes reserved for one order slot: hot and cold part, its share of echo chunks and index. */
uint32_t kk_order_slot_bytes(const kk_engine *engine);

/* Version of the core's behaviour; part of the journal's version fence. */
const char *kk_core_version(void);
/* SHA-256 of the message dictionary that the core was built with, hex. */
const char *kk_core_dictionary_digest(void);

/*
 * Binds the buffer into which records are written.  Caller owns it; it stays bound until the
 * next call.  `next_lsn` numbers the next record.
 */
void kk_journal_bind(kk_engine *engine, uint8_t *buffer, size_t capacity, uint64_t next_lsn);
/* Bytes of whole units written since the last kk_journal_take. */
size_t kk_journal_used(const kk_engine *engine);
/* Forgets the written bytes: the buffer is filled from its start again. */
void kk_journal_take(kk_engine *engine);
uint64_t kk_next_lsn(const kk_engine *engine);
/* Time of the newest unit; 0 before the first. */
int64_t kk_last_time_ns(const kk_engine *engine);

/* With the gate shut every frame escalates.  For tests: the output must be the same. */
void kk_gate_set(kk_engine *engine, bool open);

/* ------------------------------------------------------------------ configuration */

typedef struct kk_limits { /* 0 means unlimited */
    int64_t max_order_qty_e8;
    int64_t max_order_notional_e8; /* in the venue's currency */
    uint32_t max_open_orders;
    uint32_t reserved;
} kk_limits;

/* How fast a session may send: kk_throttle.h; 0 is unlimited, and for logout_after never. */
typedef struct kk_throttle_limits {
    uint32_t messages_per_second;
    uint32_t orders_per_second;
    uint32_t logout_after; /* refusals in a row */
    uint32_t reserved;
} kk_throttle_limits;

typedef struct kk_venue_params {
    int64_t max_order_age_ns;
    int64_t sending_time_tolerance_ns;
    uint32_t trading_day; /* YYYYMMDD, only used by the first configuration */
    uint32_t halted;      /* 1: new orders and replaces are refused, cancels work */
} kk_venue_params;

typedef struct kk_instrument {
    char symbol[KK_SYMBOL_MAX];
    int64_t tick_e8;
    int64_t lot_e8;
    int64_t multiplier_e8;
    int64_t rate_e8; /* one unit of the instrument's currency in the venue's */
    int64_t reference_price_e8;
    int64_t band_e8; /* half width of the price band around the reference; 0: no band */
    uint32_t open;   /* 0: orders are refused */
    uint32_t symbol_length;
} kk_instrument;

typedef struct kk_firm_config {
    kk_limits limits;
    uint32_t copy_count;
    uint32_t copies[KK_COPIES_MAX]; /* drop-copy sessions entitled to the whole firm */
} kk_firm_config;

typedef struct kk_account_config {
    char name[KK_ACCOUNT_MAX];
    uint32_t name_length;
    uint32_t firm;
    kk_limits limits;
    uint32_t copy_count;
    uint32_t copies[KK_COPIES_MAX]; /* entitled to this account, by firm or by name */
} kk_account_config;

typedef enum kk_role { KK_ROLE_ORDER_ENTRY = 0, KK_ROLE_DROP_COPY = 1 } kk_role;
typedef enum kk_dialect { KK_DIALECT_FIX44 = 0, KK_DIALECT_KK99 = 1 } kk_dialect;

/* Decimals of the second in SendingTime(52), TransactTime(60) and OrigSendingTime(122). */
typedef enum kk_precision {
    KK_PRECISION_MILLISECONDS = 0,
    KK_PRECISION_SECONDS = 1,
    KK_PRECISION_MICROSECONDS = 2
} kk_precision;

typedef struct kk_session_config {
    char sender_comp_id[KK_COMP_ID_MAX]; /* 49 on what the counterparty sends */
    char target_comp_id[KK_COMP_ID_MAX]; /* 56 on what the counterparty sends */
    uint32_t sender_comp_id_length;
    uint32_t target_comp_id_length;
    uint32_t firm;
    uint32_t role;                 /* kk_role */
    uint32_t dialect;              /* kk_dialect */
    uint32_t enabled;              /* 0: the file is gone; numbers and id stay */
    uint32_t precision;            /* kk_precision of what is sent to it */
    uint32_t tells_last_processed; /* 1: all that is sent to it has LastMsgSeqNumProcessed(369) */
    uint32_t cancel_on_disconnect; /* of orders that do not say otherwise */
    uint32_t account_count;
    const uint32_t *accounts; /* copied; the first is the default */
    kk_limits limits;
    kk_throttle_limits throttle;
} kk_session_config;

/* Each sets or replaces the entry with this id.  KK_CAPACITY, KK_INVALID. */
kk_status kk_venue_set(kk_engine *engine, const kk_venue_params *params);
kk_status kk_instrument_set(kk_engine *engine, uint32_t id, const kk_instrument *instrument);
kk_status kk_firm_set(kk_engine *engine, uint32_t id, const kk_firm_config *firm);
kk_status kk_account_set(kk_engine *engine, uint32_t id, const kk_account_config *account);
/*
 * Puts `session` on the copies of every firm and account that is set, in the order of ids, or takes
 * it off all of them.  KK_CAPACITY when one has no place left: nothing has changed then.
 */
kk_status kk_follow_all(kk_engine *engine, uint32_t session, bool follows);
kk_status kk_session_set(kk_engine *engine, uint32_t id, const kk_session_config *session);

/* While storage is low, new orders and replaces are refused; everything else goes on. */
void kk_storage_low_set(kk_engine *engine, bool low);

/* ------------------------------------------------------------------ the doors */

/*
 * Framing alone: looks at the start of `in`.  KK_OK: a whole frame of *length bytes.
 * KK_NEED_DATA: cut off.  KK_GARBLED: drop *length bytes.  KK_TOO_LONG: declared above `limit`.
 * The rules stand in kk99fix/fix/framing.py.
 */
kk_status kk_frame(const uint8_t *in, size_t in_length, size_t limit, size_t *length);

typedef struct kk_consumed {
    size_t used;             /* bytes done with: applied frames and dropped garbled ones */
    size_t frame_length;     /* KK_ESCALATE: length of the frame that starts at in + used */
    uint32_t messages;       /* frames applied */
    uint32_t garbled;        /* garbled stretches dropped */
    uint32_t garbled_in_row; /* those of them behind the last applied frame */
    uint32_t reserved;
} kk_consumed;

/*
 * Applies as many plain frames of `session` as `in` holds.
 * Returns KK_NEED_DATA when the rest is no whole frame (also when nothing is left),
 * KK_ESCALATE, KK_OUT_FULL or KK_TOO_LONG.
 */
kk_status kk_consume(kk_engine *engine, uint32_t session, const uint8_t *in, size_t in_length,
                     int64_t now_ns, kk_consumed *consumed);

typedef struct kk_span {
    uint32_t offset; /* from the command's base */
    uint32_t length; /* 0: absent */
} kk_span;

typedef enum kk_command_kind {
    KK_COMMAND_NEW = 'D',
    KK_COMMAND_CANCEL = 'F',
    KK_COMMAND_REPLACE = 'G',
    KK_COMMAND_STATUS = 'H'
} kk_command_kind;

#define KK_COMMAND_HAS_PRICE 1u
#define KK_COMMAND_HAS_QTY 2u
#define KK_COMMAND_POSS_RESEND 4u

#define KK_KEEP_ON_DISCONNECT ((uint8_t)'H')   /* although the session cancels */
#define KK_CANCEL_ON_DISCONNECT ((uint8_t)'Q') /* although the session does not */

/* A decoded D, F, G or H.  Spans point into `base`, which lives as long as the call. */
typedef struct kk_command {
    const uint8_t *base;
    kk_span clord_id;      /* ClOrdID(11) */
    kk_span orig_clord_id; /* OrigClOrdID(41) */
    kk_span order_id;      /* OrderID(37) */
    kk_span account;       /* Account(1) */
    kk_span symbol;        /* Symbol(55) */
    kk_span text;          /* Text(58) */
    kk_span status_req_id; /* OrdStatusReqID(790) of H */
    kk_span sender_sub_id; /* SenderSubID(50) */
    kk_span target_sub_id; /* TargetSubID(57) */
    /* runs of echoed body fields, "tag=value<SOH>...", in order; Text(58) is the last run, alone */
    kk_span echo[KK_ECHO_SPANS];
    uint32_t echo_count;
    uint32_t echo_bytes;  /* sum of the runs */
    int64_t price_e8;     /* Price(44) */
    int64_t order_qty_e8; /* OrderQty(38) */
    int64_t sent_ns;      /* OrigSendingTime(122), else SendingTime(52) */
    uint32_t kind;        /* kk_command_kind */
    uint32_t flags;
    uint32_t reason;       /* kk_reason: refuse with it, found outside the core; 0: none */
    uint8_t side;          /* Side(54), '1' or '2' */
    uint8_t ord_type;      /* OrdType(40), '1' or '2' */
    uint8_t time_in_force; /* TimeInForce(59), '0' when absent */
    uint8_t on_disconnect; /* ExecInst(18): KK_KEEP_ON_DISCONNECT, KK_CANCEL_ON_DISCONNECT or 0 */
} kk_command;

/*
 * Opens a unit: writes the input record, stamps everything until kk_unit_end with `time_ns`.
 * Free space for the payload and KK_UNIT_RESERVE bytes of outputs is asserted.
 */
void kk_unit_begin(kk_engine *engine, kk_record_kind kind, uint32_t session, uint64_t msg_seq_num,
                   int64_t time_ns, const uint8_t *payload, size_t payload_length);
void kk_unit_end(kk_engine *engine);

/* Applies a command of `session` and reports on it.  Only inside a unit. */
void kk_submit(kk_engine *engine, uint32_t session, const kk_command *command);

/*
 * The throttle of what no command stands for: takes one more such message of `session`.  0: it is
 * within the limits.  Else it is refused, and the length of the Text(58) that says why.  D, F and G
 * are throttled as commands.  Only inside a unit.
 */
size_t kk_throttle_message(kk_engine *engine, uint32_t session, uint8_t *text, size_t capacity);
/* Whether `session` is to be logged out: it was refused by its throttle too often in a row. */
bool kk_throttle_breached(const kk_engine *engine, uint32_t session);

/*
 * Decodes a frame that full validation has already accepted, for kk_submit: the fast path's own
 * decoder without the gate's conditions on session state.  KK_ESCALATE when the frame holds
 * something the decoder does not take; then the caller fills the command itself.
 */
kk_status kk_decode_command(const uint8_t *frame, size_t length, kk_command *command);

/*
 * Sends a message: assigns MsgSeqNum(34), stamps SendingTime(52), frames, records and copies it
 * into the ring.  `body` is "tag=value<SOH>..." without header and trailer; `header_extra` the same
 * for header fields beyond 8, 9, 35, 49, 56, 34, 52 (may be empty).  Returns the number.
 */
uint64_t kk_send(kk_engine *engine, uint32_t session, const char *msg_type, size_t msg_type_length,
                 const uint8_t *header_extra, size_t header_extra_length, const uint8_t *body,
                 size_t body_length);

/* Records that `session` asked for [begin, end] again; the bytes follow from the journal. */
void kk_record_resend(kk_engine *engine, uint32_t session, uint64_t begin, uint64_t end);

/*
 * Expires Day orders of a past trading day: at most `limit` order slots are looked at.
 * kk_day_roll starts it.  Returns true while slots remain.  Only inside a unit.
 * Until an order's turn comes it neither trades nor can be replaced: it expires when touched.
 */
void kk_day_roll(kk_engine *engine, uint32_t trading_day);
bool kk_expire_slice(kk_engine *engine, uint32_t limit);
bool kk_expire_pending(const kk_engine *engine);
uint32_t kk_trading_day(const kk_engine *engine);

/*
 * Cancel on disconnect: the orders of `session` with an OrderID(37) below `below_order_id` are
 * cancelled by the walk, but those that are to be kept.  kk_next_order_id is the counter.
 * The walk over the order slots goes on slice by slice: at most `limit` slots are looked at, an
 * order that is reported on counting as ten more.  Returns true while it is not at its end.
 * Only inside a unit.
 */
void kk_pull_orders(kk_engine *engine, uint32_t session, uint64_t below_order_id);
uint64_t kk_next_order_id(const kk_engine *engine);
/* The same with all orders that `session` has now, for KK_REASON_SESSION_REMOVED or _DISABLED. */
void kk_pull_all_orders(kk_engine *engine, uint32_t session, kk_reason reason);
/* Live orders of a firm and of an account, as their limits count them. */
uint32_t kk_firm_open_orders(const kk_engine *engine, uint32_t firm);
uint32_t kk_account_open_orders(const kk_engine *engine, uint32_t account);
/*
 * OrderMassStatusRequest(AF): the walk reports on the open orders of `session`, those of
 * `command`'s symbol, account and side where they are given.  Its status_req_id is
 * MassStatusReqID(584), of at most KK_MASS_STATUS_ID_MAX bytes; a reason refuses it.  One request
 * of a session at a time.
 */
void kk_mass_status_request(kk_engine *engine, uint32_t session, const kk_command *command);
bool kk_mass_status_pending(const kk_engine *engine, uint32_t session);
bool kk_walk_slice(kk_engine *engine, uint32_t limit);
bool kk_walk_pending(const kk_engine *engine);

typedef struct kk_replayed {
    size_t used;       /* bytes of whole units applied and compared, and of bookkeeping */
    uint64_t messages; /* records compared, inputs and outputs */
    /* KK_MISMATCH: the offset of the recorded bytes, and where the engine's own are */
    size_t recorded_offset;
    size_t recorded_length;
    const uint8_t *regenerated;
    size_t regenerated_length;
} kk_replayed;

/*
 * Applies whole units.  FRAME units that the gate takes are applied and compared here; at any
 * other unit it stops with KK_PYTHON: the caller applies that input and calls
 * kk_replay_compare with the unit's records.  KK_NEED_DATA: all of `bytes` is done.
 */
kk_status kk_replay(kk_engine *engine, const uint8_t *bytes, size_t length, kk_replayed *replayed);

/* Compares the unit just written by the caller with the recorded one; checksums are left out. */
kk_status kk_replay_compare(kk_engine *engine, const uint8_t *unit, size_t length,
                            kk_replayed *replayed);

/* ------------------------------------------------------------------ sessions */

typedef struct kk_session_view {
    uint64_t next_in;    /* the MsgSeqNum(34) expected next */
    uint64_t next_out;   /* the MsgSeqNum(34) to be sent next */
    int64_t last_in_ns;  /* time of the last complete valid frame */
    int64_t last_out_ns; /* time of the last message sent */
    uint32_t epoch;      /* raised by each sequence reset */
    uint32_t open_orders;
    uint32_t established; /* logged on */
    uint32_t plain;       /* the fast path may run */
} kk_session_view;

void kk_session_look(const kk_engine *engine, uint32_t session, kk_session_view *view);
/* Logged on or off.  On sets last_in_ns and last_out_ns to the unit's time. */
void kk_session_establish(kk_engine *engine, uint32_t session, bool established);
/* Opens or shuts the fast path of one session (a gap is open, a logout is pending ...). */
void kk_session_plain(kk_engine *engine, uint32_t session, bool plain);
void kk_session_set_next_in(kk_engine *engine, uint32_t session, uint64_t next_in);
/* A valid frame arrived that Python handles: counts as life. */
void kk_session_heard(kk_engine *engine, uint32_t session);
/* New epoch, both numbers 1. */
void kk_session_reset(kk_engine *engine, uint32_t session);

/*
 * Heartbeat bookkeeping: ids of established sessions whose deadline has passed, at most `limit`;
 * a deadline is the earlier of last_out_ns + heartbeat and last_in_ns + silence, as set here.
 */
void kk_session_timers(kk_engine *engine, uint32_t session, int64_t heartbeat_ns,
                       int64_t silence_ns);
uint32_t kk_sessions_due(const kk_engine *engine, int64_t now_ns, uint32_t *sessions,
                         uint32_t limit);
/* The earliest such deadline; INT64_MAX when no session is established. */
int64_t kk_next_deadline_ns(const kk_engine *engine);

/* ------------------------------------------------------------------ send rings */
/* Rings are not part of the venue's state: attaching or draining one changes no output. */

/* Gives `session` a ring that follows from now on.  KK_CAPACITY when all are in use. */
kk_status kk_ring_attach(kk_engine *engine, uint32_t session);
void kk_ring_detach(kk_engine *engine, uint32_t session);
bool kk_ring_attached(const kk_engine *engine, uint32_t session);
/* Bytes that may leave now: *bytes points at them, valid until the next call into the core. */
size_t kk_ring_peek(kk_engine *engine, uint32_t session, const uint8_t **bytes);
void kk_ring_sent(kk_engine *engine, uint32_t session, size_t length);
/* Bytes in the ring, released or not. */
size_t kk_ring_pending(const kk_engine *engine, uint32_t session);
size_t kk_ring_free(const kk_engine *engine, uint32_t session);
/* Everything in the rings may leave. */
void kk_rings_release(kk_engine *engine);
/* The same in two steps, for records that become safe later: what is there now is marked... */
void kk_rings_mark(kk_engine *engine);
/* ... and everything marked may leave. */
void kk_rings_release_marked(kk_engine *engine);
/* Sessions whose rings got released bytes since the last call, at most `limit`. */
uint32_t kk_rings_ready(kk_engine *engine, uint32_t *sessions, uint32_t limit);
/*
 * A ring that runs full stops following: the session is then fed from the journal, from the
 * number that kk_ring_cursor gives (0: it follows).  kk_ring_unfollow does the same by hand, for
 * a resend.  kk_ring_push adds bytes from the journal; kk_ring_follow ends the catching up and
 * succeeds only if the cursor, moved by kk_ring_advance, has reached next_out.
 */
uint64_t kk_ring_cursor(const kk_engine *engine, uint32_t session);
void kk_ring_unfollow(kk_engine *engine, uint32_t session);
bool kk_ring_push(kk_engine *engine, uint32_t session, const uint8_t *bytes, size_t length);
void kk_ring_advance(kk_engine *engine, uint32_t session, uint64_t next_number);
bool kk_ring_follow(kk_engine *engine, uint32_t session);
/*
 * Bytes of messages that found the ring full and were not fed yet.  What is made while a range
 * that was asked for is fed (kk_ring_unfollow) is held back by that and not counted.
 */
uint64_t kk_ring_behind(const kk_engine *engine, uint32_t session);

/* ------------------------------------------------------------------ rendering from the journal */

/*
 * The bytes of a drop copy: `source` is the recorded message, sent under `msg_seq_num` of
 * `session` (49, 56 of that session, 34, 115 the originating counterparty, 797=Y added to 8) at
 * `time_ns`.  `form` is what the record of the copy says: it comes out the same whatever has been
 * configured since.  Returns the length, 0 when `capacity` is too small.
 */
size_t kk_render_copy(const kk_engine *engine, uint32_t session, uint64_t msg_seq_num,
                      const kk_copy_form *form, int64_t time_ns, const uint8_t *source,
                      size_t source_length, uint8_t *out, size_t capacity);
/*
 * The bytes of a resend: the recorded (or rendered) message with PossDupFlag(43)=Y,
 * OrigSendingTime(122) = its SendingTime(52) and a new SendingTime(52) of the same precision, so
 * that the first never lies behind the second.
 */
size_t kk_render_resend(const uint8_t *message, size_t length, int64_t now_ns, uint8_t *out,
                        size_t capacity);
/* SequenceReset(4) with GapFillFlag(123)=Y from `msg_seq_num` to `new_seq_no`, PossDupFlag=Y. */
size_t kk_render_gap_fill(const kk_engine *engine, uint32_t session, uint64_t msg_seq_num,
                          uint64_t new_seq_no, int64_t now_ns, uint8_t *out, size_t capacity);

/* ------------------------------------------------------------------ feeding from the journal */

#define KK_FEED_NO_SOURCE SIZE_MAX

typedef enum kk_feed_end {
    KK_FEED_LIMIT = 0,      /* a limit was reached: call again */
    KK_FEED_DONE,           /* everything up to `last` is in the ring, the last gap filled */
    KK_FEED_FULL,           /* the ring has no room: call again when it has */
    KK_FEED_SEGMENT,        /* the records end: go on with those of the next segment */
    KK_FEED_SOURCE,         /* give source_offset, where the record source_lsn stands */
    KK_FEED_MISSING,        /* the record at `offset` has a later number than `next` */
    KK_FEED_DAMAGED,        /* the record at `offset` is not as it was sealed */
    KK_FEED_SOURCE_DAMAGED, /* the one at `source_offset` is not, or is no message */
    KK_FEED_UNLIKE          /* the copy at `offset` does not render as it was recorded */
} kk_feed_end;

/* What a session is fed from one segment; what is moved leads on in the next call. */
typedef struct kk_feed {
    const uint8_t *records; /* of the segment, from its first one on */
    size_t length;          /* up to where they are written */
    size_t offset;          /* moved: of the record to look at next */
    size_t source_offset;   /* moved: of the last message record before it, or NO_SOURCE */
    uint64_t next;          /* moved: the number wanted next */
    uint64_t last;          /* the last one wanted */
    uint64_t gap_from;      /* moved: first of a run of administrative messages; 0: none open */
    int64_t now_ns;
    uint64_t source_lsn; /* KK_FEED_SOURCE: of the record to be found */
    uint32_t segment_seed;
    uint32_t session;
    uint32_t epoch;
    uint32_t again;        /* 1: a range asked for; 0: never sent before, and the cursor moves */
    uint32_t unsealed;     /* 1: records of this process that may not be sealed yet: no checksum */
    uint32_t messages_max; /* the limits of one call: messages pushed, bytes, records walked over */
    uint32_t records_max;
    size_t bytes_max;
    uint32_t messages; /* what this call did */
    uint32_t walked;
    size_t bytes;
} kk_feed;

/*
 * Pushes recorded messages of a session into its ring, which does not follow: application
 * messages as kk_render_resend makes them.  Administrative ones are pushed as they were recorded,
 * or `again` left out, with a kk_render_gap_fill for each run of them.
 */
kk_feed_end kk_feed_session(kk_engine *engine, kk_feed *feed);

/* ------------------------------------------------------------------ snapshots */

#define KK_SNAPSHOT_BUFFER_MIN 4096

/* Where the writing or reading of a snapshot stands; all zero before the first call. */
typedef struct kk_snapshot {
    uint32_t section;
    uint32_t begun;    /* 1: the section's head has passed */
    uint64_t items;    /* of the section */
    uint64_t item;     /* of them those that have passed */
    uint32_t place[2]; /* where the section's own walk stands */
    const char
        *short_of;   /* KK_CAPACITY: what there is too little of, as kk_capacity calls it ... */
    uint64_t needed; /* ... and how many there have to be */
} kk_snapshot;

/*
 * Everything that can influence a later output and does not follow from the configuration, field
 * by field, between two units.  Its layout stands in docs/journal_format.md.
 *
 * Write: fills `buffer`, of KK_SNAPSHOT_BUFFER_MIN bytes or more, with the next bytes and returns
 * how many there are; 0 at the end.  Between the first call and the last nothing may change.
 *
 * Read: takes the next bytes, into an engine that has its key and the configuration of then and
 * has done nothing yet.  KK_NEED_DATA: it wants more, behind what it did not use.  KK_OK: the
 * snapshot is complete, and the engine goes on as the written one would have.  KK_INVALID: these
 * bytes are no snapshot.  KK_CAPACITY: it does not fit.  After these two the engine can only be
 * freed.  Capacities may differ from those of then as long as what was in use fits.
 */
size_t kk_snapshot_write(const kk_engine *engine, kk_snapshot *at, uint8_t *buffer,
                         size_t capacity);
kk_status kk_snapshot_read(kk_engine *engine, kk_snapshot *at, const uint8_t *bytes, size_t length,
                           size_t *used);

/* ------------------------------------------------------------------ looking inside */

typedef struct kk_statistics {
    uint64_t messages_in[128];  /* by first character of MsgType, applied by the core */
    uint64_t messages_out[128]; /* by first character of MsgType */
    uint64_t orders_accepted;
    uint64_t trades;
    uint64_t refusals[KK_REASON_COUNT]; /* by kk_reason */
    uint64_t gate_frames;               /* frames that the fast path took */
    uint64_t escalated_frames;
    uint32_t live_orders;
    uint32_t live_levels;
    uint32_t orders_capacity;
    uint32_t rings_in_use;
} kk_statistics;

void kk_statistics_read(const kk_engine *engine, kk_statistics *statistics);

/*
 * A hash of everything that can influence a later output: books in priority order, numbers of
 * sessions, counters.  Equal for equal histories on every build; independent of memory layout.
 */
uint64_t kk_state_hash(const kk_engine *engine);

typedef struct kk_book_order {
    uint64_t order_id;
    int64_t price_e8;
    int64_t leaves_e8;
    int64_t cum_e8;
    uint32_t session;
    uint32_t reserved;
} kk_book_order;

/* Resting orders of one side ('1' bids, '2' asks), best first; returns how many were written. */
uint32_t kk_book_read(const kk_engine *engine, uint32_t instrument, uint8_t side,
                      kk_book_order *orders, uint32_t limit);

#endif
