/* The engine: all state of the core in one place, shared by the modules that act on it. */
#ifndef KK_ENGINE_H
#define KK_ENGINE_H

#include "kk_assert.h"
#include "kk_book.h"
#include "kk_core.h"
#include "kk_journal_out.h"
#include "kk_match.h"
#include "kk_order_index.h"
#include "kk_order_pool.h"
#include "kk_session_table.h"
#include "kk_walk.h"

typedef struct kk_instrument_state {
    kk_instrument config;
    int64_t reference_ticks;
    int64_t lot_value; /* lot * multiplier * rate, in units of 1 / lot_value_scale, rounded up */
    uint64_t lot_value_scale; /* the finest power of ten from 1e8 to 1e16 that lot_value fits */
    bool configured;
} kk_instrument_state;

typedef struct kk_account {
    kk_account_config config;
    uint32_t open_orders;
    bool configured;
} kk_account;

typedef struct kk_firm {
    kk_firm_config config;
    uint32_t open_orders;
    bool configured;
} kk_firm;

/* Texts of the unit's time, made once per distinct millisecond. */
typedef struct kk_time_text {
    int64_t millisecond;
    int64_t second;
    uint8_t text[24]; /* YYYYMMDD-HH:MM:SS.mmm, 21 bytes */
} kk_time_text;

struct kk_engine {
    kk_capacity capacity;
    kk_venue_params venue;
    bool gate_open;
    bool storage_low; /* new orders and replaces are refused */
    uint32_t trading_day;
    uint32_t expire_next; /* next slot to look at; == orders capacity: nothing pending */
    kk_walk walk;

    kk_id_key id_key;
    uint64_t next_order_id;
    uint64_t next_exec_id;
    uint64_t next_trade_id;

    kk_order_pool pool;
    kk_books *books;
    kk_order_index *index;
    kk_journal_out out;
    kk_time_text time_text;

    kk_instrument_state *instruments;
    kk_session *sessions;
    kk_account *accounts;
    kk_firm *firms;
    uint32_t *symbol_table;  /* open addressing, power of two >= 2 * instruments */
    uint32_t *account_table; /* the same for account names */
    uint32_t symbol_mask;
    uint32_t account_mask;
    uint64_t *account_bits; /* of all sessions */
    kk_throttle *throttles; /* by session; those without limits are never touched */
    uint32_t sessions_used; /* highest configured id + 1 */

    kk_ring *rings;
    uint8_t *ring_bytes;
    uint32_t *ring_free; /* stack of free ring indexes */
    uint32_t ring_free_count;
    uint32_t *dirty; /* sessions with bytes that are not marked */
    uint32_t dirty_count;
    uint32_t *marked; /* sessions with marked bytes that are not released */
    uint32_t marked_count;
    uint32_t *ready; /* sessions with released bytes not yet handed out */
    uint32_t ready_count;

    uint8_t copy_scratch[8192]; /* renders drop copies of sessions that are not attached */
    kk_statistics statistics;
    uint8_t feed_scratch[2][2 * KK_FRAME_MAX]; /* a copy from the journal, and what is sent of it */
};

/* Instrument of a symbol, or KK_NONE (config.c). */
uint32_t kk_find_instrument(const kk_engine *engine, const uint8_t *symbol, size_t length);
/* Account that `session` may use, by name; an absent name gives the default; or KK_NONE. */
uint32_t kk_find_account(const kk_engine *engine, const kk_session *session, const uint8_t *name,
                         size_t length);

/*
 * A message whose bytes stand in the payload of the record just being written (kk_journal_payload)
 * is complete: commits the record, consumes the session's number, copies it into the ring
 * (session_table.c).  Returns its lsn.
 */
uint64_t kk_message_sent(kk_engine *engine, uint32_t session, const uint8_t *message,
                         size_t length);

/* Copies a message into the ring of its session, if it has one that follows (rings.c). */
void kk_ring_follow_message(kk_engine *engine, uint32_t session, uint64_t number,
                            const uint8_t *message, size_t length);
/* A message of `length` bytes, never sent before, was fed to a ring that is behind (rings.c). */
void kk_ring_fed(kk_engine *engine, uint32_t session, uint64_t number, size_t length);

/* Records a drop copy of the message `source` (lsn) for each of `copies` (drop_copy.c). */
void kk_copy_message(kk_engine *engine, const uint32_t *copies, uint32_t copy_count,
                     const uint8_t *source, size_t source_length, uint64_t source_lsn);

#endif
