/* What the files of the pump share. */
#ifndef KK_PUMP_INTERNAL_H
#define KK_PUMP_INTERNAL_H

#include "kk_assert.h"
#include "kk_core.h"
#include "kk_pump.h"

/* Reads whose messages wait for the flush, to be timed. */
#define KK_PUMP_TIMED_MAX 1024
/* Reads of unread input that is thrown away before a socket is closed. */
#define KK_PUMP_DISCARD_READS 64

/* Marks span blocked_max_ns, so the age of the first waiting byte is known to a sixteenth of it. */
#define KK_PUMP_MARKS 16u

/* Bytes up to `end`, counted since the connection began, were waiting at `since_ns`. */
typedef struct kk_mark {
    uint64_t end;
    int64_t since_ns; /* boot time */
} kk_mark;

/*
 * Ciphertext of an encrypted connection that was given to be sent, up to the moment when all of it
 * has left.
 */
typedef struct kk_cipher {
    bool on;
    bool asked;         /* in pump->plain */
    uint8_t *unsent;    /* KK_PUMP_CIPHER_UNSENT_MAX, once a socket did not take everything */
    uint32_t unsent_at; /* sent of it */
    uint32_t unsent_used;
    uint64_t length;     /* of all that was given */
    uint64_t sent;       /* of it */
    uint32_t plain;      /* bytes of the ring that it stands for */
    uint32_t plain_sent; /* of them, in proportion */
} kk_cipher;

typedef struct kk_connection {
    int fd; /* -1: the slot is free */
    uint32_t session;
    uint8_t *input; /* KK_PUMP_INPUT_BYTES */
    uint32_t input_used;
    uint32_t input_done; /* bytes at the start that are consumed */
    uint32_t garbled_in_row;
    uint32_t interest; /* epoll events asked for */
    bool with_python;  /* a frame at input_done is being handled */
    bool stopped;      /* is not read any more */
    bool deferred;     /* input waits for the next pass */
    bool dropping;     /* the last bytes dropped were garbled: what follows may belong to them */
    bool failed;       /* closed or broken; Python was told */
    bool behind_told;  /* KK_PUMP_BEHIND was given and not yet acted upon */
    int32_t error;
    uint32_t handled_frame; /* length of the frame that Python has */
    int64_t received_ns;    /* venue time given to the frames that are being consumed */
    int64_t started_ns;     /* boot time of the last read, for the latency */
    uint64_t sent;          /* bytes, since the connection began */
    bool blocked;           /* the socket took less than it was given */
    uint32_t blocked_place; /* in pump->blocked */
    uint32_t mark_first;    /* a circle of marks, the oldest first */
    uint32_t mark_count;
    kk_mark marks[KK_PUMP_MARKS];
    kk_cipher cipher;
} kk_connection;

typedef struct kk_timed_read {
    int64_t started_ns;
    uint32_t messages;
} kk_timed_read;

/*
 * Level durable.  The engine fills one buffer while the other one, up to `used`, goes to the disk
 * in pieces, each within a segment.
 *
 *     0 ....... done ............. given ............. used
 *      on the disk | with the thread | in no segment yet
 */
typedef struct kk_swap {
    kk_journal_writer *writer; /* NULL: level process */
    uint8_t *buffers[2];
    uint32_t filling; /* the engine's */
    uint64_t number;  /* of the engine's buffer, counted over all swaps */
    size_t done;
    size_t given;
    size_t used;
} kk_swap;

struct kk_pump {
    kk_pump_core core;
    int epoll_fd;
    uint32_t capacity;
    kk_pump_limits limits;
    kk_files files;
    int64_t clock_offset_ns;
    int64_t clock_last_ns;

    kk_connection *connections;
    uint32_t *slot_of_session;
    uint32_t *deferred;
    uint32_t deferred_count;
    uint32_t *ready; /* sessions, for kk_rings_ready */
    uint32_t *told;  /* slots with something for kk_pump_events */
    uint32_t told_count;
    uint32_t *blocked; /* slots whose socket takes no more */
    uint32_t blocked_count;
    uint32_t *plain; /* slots with released bytes to be encrypted */
    uint32_t plain_count;

    int segment_fd;
    uint64_t segment_offset;
    uint64_t segment_end;
    uint32_t segment_seed;
    uint64_t room_needed;
    uint64_t waiting_lsn;
    size_t flushed; /* bytes of the journal buffer that are written already */
    int error;
    uint32_t action; /* of the error */
    kk_swap swap;

    uint32_t timed_marked; /* the first of `timed`, whose records are with the thread */
    kk_timed_read timed[KK_PUMP_TIMED_MAX];
    uint32_t timed_count;
    kk_pump_statistics statistics;
};

/* Asks epoll for these events of a connection, if it does not yet. */
void kk_pump_interest(kk_pump *pump, uint32_t slot, uint32_t events);
/* What a connection is interested in as it stands. */
void kk_pump_update_interest(kk_pump *pump, uint32_t slot);
/* Sends released bytes of a connection. */
void kk_pump_send(kk_pump *pump, uint32_t slot);
/* The socket took less than it was given: `waiting` bytes are left. */
void kk_pump_block(kk_pump *pump, uint32_t slot, size_t waiting);
/* More bytes wait for a socket that takes none. */
void kk_pump_still_blocked(kk_pump *pump, uint32_t slot);
/* Released bytes of a connection, counted for the statistics. */
size_t kk_pump_look_at_queue(kk_pump *pump, uint32_t slot, const uint8_t **bytes);
/* Everything was taken, or the connection goes. */
void kk_pump_unblock(kk_pump *pump, uint32_t slot);
/* KK_PUMP_SLOW for blocked connections above a limit; how many there are. */
uint32_t kk_pump_slow(kk_pump *pump, kk_pump_event *events, uint32_t limit);
/* The connection has something for kk_pump_events. */
void kk_pump_tell(kk_pump *pump, uint32_t slot);
/* Gives new input to the core; true when there is something for Python. */
bool kk_pump_consume(kk_pump *pump, uint32_t slot, kk_pump_event *event);
/* The connection is over, for Python to hear; true. */
bool kk_pump_fail(kk_pump *pump, uint32_t slot, int error, kk_pump_event *event);
void kk_pump_fill_event(const kk_connection *connection, uint32_t slot, kk_pump_event_kind kind,
                        kk_pump_event *event);
/* The socket failed while sending. */
void kk_pump_send_failed(kk_pump *pump, uint32_t slot, int error);
/* kk_pump_send of an encrypted connection: what was left, then a turn to be encrypted. */
void kk_pump_cipher_go_on(kk_pump *pump, uint32_t slot);
/* Takes `slot` off a list of slots; how many are left. */
uint32_t kk_pump_list_without(uint32_t *slots, uint32_t count, uint32_t slot);
/* Counts the first `count` timed reads as sent now. */
void kk_pump_count_latency(kk_pump *pump, uint32_t count);
/* Sends to all sessions whose rings got released bytes. */
void kk_pump_send_ready(kk_pump *pump);
/* kk_pump_flush at level durable. */
kk_pump_flushed kk_pump_flush_durable(kk_pump *pump);
/* lsn of the record at `bytes`. */
uint64_t kk_pump_lsn_at(const uint8_t *bytes);
/* Ends the thread and gives the buffers back. */
void kk_pump_durable_free(kk_pump *pump);
/* In the pump's epoll: not a slot, but the journal's thread. */
#define KK_PUMP_JOURNAL_READY (UINT32_MAX - 1u)
int64_t kk_pump_monotonic_ns(void);
/* Reading stops while the ring has less than this free: one read's reports and a margin. */
#define KK_PUMP_RING_LOW ((size_t)4 * KK_PUMP_READ_MAX)

typedef kk_status (*kk_consume_function)(kk_engine *, uint32_t, const uint8_t *, size_t, int64_t,
                                         kk_consumed *);
typedef size_t (*kk_journal_used_function)(const kk_engine *);
typedef void (*kk_engine_function)(kk_engine *);
typedef void (*kk_journal_bind_function)(kk_engine *, uint8_t *, size_t, uint64_t);
typedef uint64_t (*kk_next_lsn_function)(const kk_engine *);
typedef uint32_t (*kk_rings_ready_function)(kk_engine *, uint32_t *, uint32_t);
typedef size_t (*kk_ring_peek_function)(kk_engine *, uint32_t, const uint8_t **);
typedef void (*kk_ring_sent_function)(kk_engine *, uint32_t, size_t);
typedef size_t (*kk_ring_size_function)(const kk_engine *, uint32_t);
typedef uint64_t (*kk_ring_cursor_function)(const kk_engine *, uint32_t);

#endif
